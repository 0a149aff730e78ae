/** What platforms of GB/T 28181 cost: an alarm to its 200 beside the same alarm over MQTT (`alarms`), and `streams`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { streams } from './gb28181-streams.ts';
import { benchAccounts, clock, load } from './load.ts';
import { client, folder, gateway, mosquitto, ms, quantile, stop, tell } from './parts.ts';
import { sipPlatform } from './sip-platform.ts';

const ALARMS = 1000;
/** So many a second. */
const RATES = [20, 100];

/** When each event left its panel and when it came, by its id. */
async function subscribe(port: number) {
  const events = new Map<string, { readonly sent: number; readonly came: number }>();
  const mqtt = await client(port);
  mqtt.on('message', (_topic, payload) => {
    const text = payload.toString();
    const sent = /"text":"(\d+\.?\d*)"/.exec(text)?.[1];
    const id = /"id":"([0-9a-f-]{36})"/.exec(text)?.[1];
    if (sent !== undefined && id !== undefined) events.set(id, { sent: Number(sent), came: clock() });
  });
  await mqtt.subscribeAsync('campus/#', { qos: 1 });
  return events;
}

async function alarms(password: string): Promise<void> {
  const broker = await mosquitto();
  const serverId = '34020000002000000001';
  const platform = await sipPlatform(serverId);
  const events = await subscribe(broker.port);
  const [panels, sip] = [await freePort(), await freePort()];
  const daemon = await gateway({
    campus: { id: '45000001', name: 'bench' },
    uplinks: [
      { id: 'mqtt', url: `mqtt://127.0.0.1:${broker.port}` },
      {
        ...{ id: 'gb', protocol: 'gb28181', server: `127.0.0.1:${platform.port}`, port: sip },
        ...{ serverId, deviceId: '45030000001180000007', passwordFile: password },
        ...{ events: ['alarm.*'], eventId: true },
      },
    ],
    devices: [{ id: 'panel', driver: 'dc09', listen: { port: panels }, accounts: benchAccounts }],
  });
  await platform.registered;
  const send = async (rate: number) => {
    const seen = new Set(events.keys());
    await load({ kind: 'panel', port: panels, count: ALARMS, rate, window: 64 });
    const fresh = () => [...events].filter(([id]) => !seen.has(id));
    const isThere = () => fresh().length >= ALARMS && fresh().every(([id]) => platform.alarms.has(id));
    for (let waited = 0; !isThere() && waited < 600; waited++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const all = fresh();
    return {
      mqtt: all.map(([, { sent, came }]) => came - sent),
      gb: all.flatMap(([id, { sent }]) =>
        platform.alarms.has(id) ? [(platform.alarms.get(id) ?? 0) - sent] : [],
      ),
    };
  };
  // Each input of a panel has its number on disk after that.
  await send(0);
  tell(`alarm of a panel, on disk, to the platform (${ALARMS} each)   p50          p99`);
  for (const rate of RATES) {
    const { mqtt, gb } = await send(rate);
    const line = (name: string, ages: readonly number[]) =>
      tell(
        `${`${rate}/s ${name}, ${ages.length} came`.padEnd(56)} ${ms(quantile(ages, 0.5)).padStart(9)}   ${ms(quantile(ages, 0.99)).padStart(9)}`,
      );
    line('MQTT, to a subscriber', mqtt);
    line('GB/T 28181, to its 200', gb);
    const ratio = (q: number) => (quantile(gb, q) / quantile(mqtt, q)).toFixed(2);
    tell(`${''.padEnd(56)} ${ratio(0.5).padStart(7)} x   ${ratio(0.99).padStart(7)} x`);
  }
  await stop(daemon);
  platform.close();
  await stop(broker.child);
}

export async function gb28181(args: string[]): Promise<void> {
  const password = join(folder(), 'password');
  // These platforms ask for none.
  writeFileSync(password, 'unused\n', { mode: 0o600 });
  if (args[0] !== 'streams') await alarms(password);
  if (args[0] !== 'alarms') await streams(password);
}
