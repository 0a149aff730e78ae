/**
 * A gateway without devices: a journal, a recorder and one uplink, or more (`connectTo`); over MQTT, or the `protocol`
 * that is named.
 */

import { onTestFinished } from 'vitest';
import { partUplink, uplink as uplinkSchema } from '../../config/sections/uplinks.ts';
import { systemClock } from '../../drivers/contract/clock.ts';
import { noThings } from '../../drivers/contract/inventory.ts';
import { noMedia } from '../../drivers/contract/media.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import { platforms } from '../../drivers/index.ts';
import { operatorHandlers } from '../../gateway/alarms/operators.ts';
import { createCommands } from '../../gateway/commands/index.ts';
import { watchClock } from '../../gateway/observe/clock.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import type { UplinkContext } from '../../gateway/uplink/context.ts';
import { createLives } from '../../gateway/uplink/lives.ts';
import { createUplink, type Uplink } from '../../gateway/uplink/uplink.ts';
import { openHere } from '../backing.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

/** `url`: of a platform that has one; `password`: as it is in its file. */
function configOf(port: number, { password, ...options }: { readonly password?: string }) {
  const server =
    'protocol' in options ? { server: `127.0.0.1:${port}` } : { url: `mqtt://127.0.0.1:${port}`, window: 32 };
  const config = partUplink(
    uplinkSchema.parse({
      id: 'police',
      ...('url' in options ? {} : server),
      reconnectSpread: '0s',
      commands: [{ actions: ['replay', 'acknowledge', 'close', 'activate'], targets: ['*'] }],
      ...options,
    }),
  );
  const transport = platforms.find(({ name }) => name === config.protocol) as Transport;
  const own = password === undefined ? config.options : { ...config.options, password };
  return { config: { ...config, options: own, carries: transport.carries?.(own, config) }, transport };
}

export async function campus(
  port: number,
  more: object = {},
  directory = temporaryDirectory(),
  context: Partial<UplinkContext> = {},
) {
  const { time = systemClock } = context;
  const journal = await openHere(directory, { time });
  const clock = watchClock(time);
  clock.start();
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
    campus: '45',
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
  const uplinks: Uplink[] = [];
  const connectTo = (to: number, options: object) => {
    const { config, transport } = configOf(to, options);
    const one = createUplink(config, transport, {
      campus: '45',
      campusData: () => ({ id: '45', name: '一中' }),
      version: '0',
      timeZone: 'Asia/Shanghai',
      startedAt: '2026-11-24T00:00:00.000Z',
      devices: ['d'],
      journal,
      recorder,
      lives,
      commands,
      log: silentLog,
      metrics,
      time,
      cardKey,
      contentOf: async () => undefined,
      media: noMedia,
      things: noThings,
      ...context,
    });
    uplinks.push(one);
    journal.knownAs.onRenumbered(one.renumber);
    one.start();
    journal.onAppended((lanes) => one.wake(lanes));
    recorder.onUnsaved(() => one.wake(new Set(['urgent'])));
    return one;
  };
  recorder.onStored(lives.stored);
  const uplink = connectTo(port, more);
  let closed = false;
  const close = async (drainMs = 1000) => {
    if (closed) return;
    closed = true;
    await Promise.all(uplinks.map((one) => one.close(drainMs)));
    await clock[Symbol.asyncDispose]();
    await journal.close();
  };
  // What is still on its way at the end of a test is not waited for.
  onTestFinished(() => close(0));
  const record = (kind: Observation['kind'], more: Partial<Observation> = {}) =>
    recorder.record({ device: 'd', kind, state: 'raised', ...more });
  return { record, recorder, journal, clock, metrics, uplink, connectTo, lives, close, cardKey, directory };
}
