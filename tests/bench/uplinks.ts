/** What more platforms cost: one campus, 1, 2 and 4 platforms, each with a broker of its own. */
import { freePort } from '../free-port.ts';
import { benchAccounts, clock, load } from './load.ts';
import { client, gateway, mosquitto, ms, quantile, stop, tell, usage } from './parts.ts';

const PACED = { kind: 'panel', count: 1000, rate: 100, window: 64 } as const;

interface Result {
  readonly platforms: number;
  readonly p50: number;
  readonly perSecond: number;
  readonly rss: number;
}

async function subscriber(port: number) {
  const mqtt = await client(port);
  let ages: number[] = [];
  let at: number[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  let reached = () => {};
  mqtt.on('message', (_topic, payload) => {
    const sent = /"text":"(\d+\.?\d*)"/.exec(payload.toString())?.[1];
    if (sent === undefined) return;
    ages.push(clock() - Number(sent));
    at.push(clock());
    if (at.length === wanted) reached();
  });
  await mqtt.subscribeAsync('campus/#', { qos: 1 });
  return {
    expect(count: number) {
      [ages, at] = [[], []];
      wanted = count;
      return new Promise<{ ages: number[]; seconds: number }>((resolve) => {
        reached = () => resolve({ ages, seconds: ((at.at(-1) ?? 0) - (at[0] ?? 0)) / 1000 });
      });
    },
    end: () => mqtt.endAsync(true),
  };
}

async function measure(platforms: number, flood: number): Promise<Result> {
  const brokers = await Promise.all(Array.from({ length: platforms }, () => mosquitto()));
  const subscribers = await Promise.all(brokers.map(({ port }) => subscriber(port)));
  const port = await freePort();
  const daemon = await gateway({
    campus: { id: '45000001', name: 'bench' },
    uplinks: brokers.map((broker, i) => ({
      id: `p${i}`,
      url: `mqtt://127.0.0.1:${broker.port}`,
      window: 256,
    })),
    devices: [{ id: 'panel', driver: 'dc09', listen: { port }, accounts: benchAccounts }],
  });
  const all = (count: number) => Promise.all(subscribers.map((one) => one.expect(count)));
  await Promise.all([all(2000), load({ kind: 'panel', port, count: 2000, rate: 0, window: 256 })]);
  const [paced] = await Promise.all([all(PACED.count), load({ ...PACED, port })]);
  const [flooded] = await Promise.all([
    all(flood),
    load({ kind: 'panel', port, count: flood, rate: 0, window: 256 }),
  ]);
  const rss = usage(daemon).rss;
  await stop(daemon);
  await Promise.all(subscribers.map((one) => one.end()));
  await Promise.all(brokers.map(({ child }) => stop(child)));
  return {
    platforms,
    p50: quantile(
      paced.flatMap(({ ages }) => ages),
      0.5,
    ),
    perSecond: (flood - 1) / Math.max(...flooded.map(({ seconds }) => seconds)),
    rss,
  };
}

export async function uplinks(args: string[]): Promise<void> {
  const flood = Number(args[0] ?? 30_000);
  const results: Result[] = [];
  for (const platforms of [1, 2, 4]) results.push(await measure(platforms, flood));
  const [one] = results as [Result];
  tell('platforms   p50 at 100/s     events/s to each      RSS   (to one platform: 1)');
  for (const { platforms, p50, perSecond, rss } of results)
    tell(
      `${String(platforms).padEnd(9)} ${ms(p50).padStart(9)} (${(p50 / one.p50).toFixed(2)})   ${perSecond.toFixed(0).padStart(7)} (${(perSecond / one.perSecond).toFixed(2)})   ${rss.toFixed(0).padStart(6)} MB`,
    );
}
