/** A gateway without devices: a journal, a recorder and one uplink. */

import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { operatorHandlers } from '../../gateway/alarms/operators.ts';
import { createCommands } from '../../gateway/commands/index.ts';
import { openJournal } from '../../gateway/journal/index.ts';
import { watchClock } from '../../gateway/observe/clock.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { startUplink, type UplinkContext } from '../../gateway/uplink/index.ts';
import { createLives } from '../../gateway/uplink/lives.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

export async function campus(
  port: number,
  more: object = {},
  directory = temporaryDirectory(),
  context: Partial<UplinkContext> & { readonly time?: Clock } = {},
) {
  const { time = systemClock } = context;
  const journal = await openJournal(directory);
  const clock = watchClock(time);
  const metrics = createMetrics();
  const recorder = await createRecorder({
    campusId: '45',
    deviceNames: new Map(),
    journal,
    clock,
    time,
    metrics,
    log: silentLog,
  });
  const lives = createLives();
  const commands = createCommands({
    journal,
    recorder,
    clock,
    time,
    metrics,
    log: silentLog,
    kindOf: (target) => (target === 'gateway' ? 'gateway' : 'device'),
  });
  commands.serve({
    ...operatorHandlers(journal, recorder.recordFollowUp),
    activate: async () => ({ done: false, reason: 'there are no devices' }),
    replay: ({ arguments: wanted }) => uplink.replay(wanted),
  });
  const cardKey = Buffer.alloc(32, 1);
  const uplink = startUplink(
    {
      id: 'police',
      url: `mqtt://127.0.0.1:${port}`,
      events: ['*'],
      protocol: 'auto',
      keepalive: 10_000,
      window: 32,
      cardNumbers: 'hashed',
      holders: false,
      children: false,
      names: false,
      pictures: false,
      receipts: false,
      receiptTimeout: 30_000,
      whenNoSubscriber: 'accept',
      expiry: {},
      reconnectSpread: 0,
      commands: [{ actions: ['replay', 'acknowledge', 'close', 'activate'], targets: ['*'], signed: false }],
      commandKeys: [],
      noticeTopics: [],
      ...more,
    },
    {
      campus: '45',
      version: '0',
      startedAt: '2026-11-24T00:00:00.000Z',
      devices: ['d'],
      journal,
      recorder,
      lives,
      commands,
      log: silentLog,
      metrics,
      cardKey,
      contentOf: async () => undefined,
      ...context,
    },
  );
  journal.onAppended((lanes) => uplink.wake(lanes));
  recorder.onStored(lives.stored);
  recorder.onUnsaved(() => uplink.wake(new Set(['urgent'])));
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await uplink.close(1000);
    clock.close();
    await journal.close();
  };
  onTestFinished(close);
  const record = (kind: Observation['kind'], more: Partial<Observation> = {}) =>
    recorder.record({ device: 'd', kind, state: 'raised', ...more });
  return { record, recorder, journal, uplink, lives, close, cardKey, directory };
}
