import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startPanel } from '../../simulators/panel.ts';
import { startReceiver } from '../../simulators/receiver.ts';
import { freePort, stream, temporaryDirectory } from '../helpers.ts';
import { gateway, mosquitto, need, subscriber, until } from './tools.ts';

const ROUNDS = 20;
const PANELS = 16;
const RECEIVERS = 2;
const ZONES = 999;

/** A receiver that says a line as soon as the last was acknowledged: no line has a number, each names another zone. */
async function busyReceiver(port: number, account: string, taken: (key: string) => void) {
  const acknowledged = stream<string>();
  const receiver = await startReceiver({
    end: { dial: { host: '127.0.0.1', port } },
    account,
    retry: 300,
    heartbeat: 200,
    acknowledged: acknowledged.push,
  });
  return {
    close: () => receiver.close(),
    async report(n: number) {
      const [partition, zone] = [1 + Math.floor(n / ZONES), 1 + (n % ZONES)];
      const digits = `${String(partition).padStart(2, '0')}${String(zone).padStart(3, '0')}`;
      await receiver.do(`send 5011 18${account}E110${digits}`);
      await acknowledged.next();
      taken(`${account}/${partition}/${zone}`);
    },
  };
}

it('loses nothing that a panel or a receiver was told is taken, killed with -9 at 20 random moments, broker up and down', {
  timeout: 300_000,
}, async (context) => {
  need(context, 'mosquitto', 'mosquitto_sub');
  const broker = await mosquitto();
  const platform = await subscriber(broker.port, 'mqttv5');
  const directory = temporaryDirectory();
  const port = await freePort();
  const accounts = Array.from({ length: PANELS }, (_, i) => ({
    account: String(1000 + i),
    supervision: '60s',
  }));
  const centerPort = await freePort();
  const centerAccounts = Array.from({ length: RECEIVERS }, (_, i) => ({ account: String(7000 + i) }));
  const config = {
    campus: { id: '4503000001', name: '一中' },
    dataDir: join(directory, 'data'),
    uplinks: [{ id: 'police', url: `mqtt://127.0.0.1:${broker.port}` }],
    devices: [
      { id: 'panel', driver: 'dc09', listen: { port }, accounts },
      { id: 'center', driver: 'receiver', listen: { port: centerPort }, accounts: centerAccounts },
    ],
  };

  const acknowledged = new Set<string>();
  let over = false;
  const panels = accounts.map(({ account }) =>
    startPanel({
      host: '127.0.0.1',
      port,
      account,
      retry: 300,
      acknowledged: ({ sequence }) => acknowledged.add(`${account}/${sequence}`),
    }),
  );
  // Each panel reports as fast as it is acknowledged: alarms, and power losses of the normal lane.
  const reporting = panels.map(async (panel, i) => {
    for (let n = 0; !over; n++) {
      const code = n % 4 === 3 ? 'AT0' : `${n % 2 === 0 ? 'FA' : 'FR'}${n % 900}`;
      await panel.report(`#${1000 + i}|Nri1/${code}`);
      await delay(Math.random() * 15);
    }
  });

  const receivers = await Promise.all(
    centerAccounts.map(({ account }) => busyReceiver(centerPort, account, (key) => acknowledged.add(key))),
  );
  reporting.push(
    ...receivers.map(async ({ report }) => {
      for (let n = 0; !over; n++) await report(n);
    }),
  );

  for (let round = 0; round < ROUNDS; round++) {
    const down = round % 2 === 1;
    if (down) await broker.stop();
    const daemon = await gateway(config, directory);
    await delay(100 + Math.random() * 900);
    await daemon.kill();
    if (down) await broker.start();
  }

  over = true;
  const daemon = await gateway(config, directory);
  await Promise.all(reporting);
  const keyOf = (data: Record<string, unknown>) => {
    const details = data['details'] as
      | { account?: string; panelSequence?: number; partition?: string }
      | undefined;
    if (details?.account === undefined) return undefined;
    if (details.panelSequence !== undefined) return `${details.account}/${details.panelSequence}`;
    const zone = data['zone'] as { number: number } | undefined;
    // A receiver that is fast is said to flood: that is of no zone.
    return zone && `${details.account}/${details.partition}/${zone.number}`;
  };
  const missing = () => {
    const delivered = new Set(platform.all.flatMap(({ event }) => keyOf(event.data) ?? []));
    return [...acknowledged].filter((key) => !delivered.has(key));
  };
  await until('all acknowledged events are at the platform', () => missing().length === 0, 60_000).catch(
    () => {},
  );
  expect(await daemon.stop()).toBe(0);
  await Promise.all([...panels, ...receivers].map((peer) => peer.close()));

  const idsOf = new Map<string, Map<string, number>>();
  for (const { event } of platform.all) {
    const key = keyOf(event.data);
    if (key !== undefined)
      idsOf.set(key, (idsOf.get(key) ?? new Map<string, number>()).set(event.id, Date.parse(event.time)));
  }
  const unique = new Set(platform.all.map(({ event }) => event.id)).size;
  const duplicated = platform.all.length - unique;
  const lost = missing();
  process.stdout.write(
    `kill -9, ${ROUNDS} times: ${acknowledged.size} acknowledged, ${idsOf.size} delivered, ${lost.length} lost, ${duplicated} duplicated (same id)\n`,
  );
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * PANELS);
  expect(lost).toEqual([]);
  // Sent again by the panel because its ACK was lost: still one event, one id. A receiver's line has no number: where the
  // gateway was away for longer than a line is looked for after a start, it is an alarm anew.
  const isTwice = ([key, ids]: [string, Map<string, number>]) =>
    ids.size > 1 && (!key.startsWith('7') || Math.max(...ids.values()) - Math.min(...ids.values()) < 15_000);
  expect([...idsOf].filter(isTwice)).toEqual([]);
  // A gap shows in `previous`: no event names one that never came, in either lane.
  const sequences = new Set(['0', ...platform.all.map(({ event }) => event.sequence)]);
  expect(platform.all.filter(({ event }) => !sequences.has(event.previous))).toEqual([]);
});
