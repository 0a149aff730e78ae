/** What the page of the platforms is told, of an uplink to a platform that does what the test says. */
import { describe, expect, it } from 'vitest';
import {
  type Lag,
  lagSchema,
  type Platforms,
  platformsSchema,
} from '../../gateway/console/contract/platforms.ts';
import { freePort, take } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { startConsole } from './a-console.ts';
import { campus } from './campus.ts';

async function consoleOf(one: Awaited<ReturnType<typeof campus>>) {
  const { uplink, metrics } = one;
  const console = await startConsole(
    {},
    {
      uplinks: {
        states: () => ({ police: uplink.state() }),
        details: () => [uplink.details()],
        lookAtBacklog: () => uplink.backlog.look(),
      },
      metrics,
    },
  );
  const ask = await console.as('operator');
  const platform = async () => {
    const answer = (await (await ask('/api/platforms')).json()) as Platforms;
    // What is answered is what the contract says, and nothing beside it.
    expect(platformsSchema.strict().parse(answer)).toEqual(answer);
    return answer.platforms[0]!;
  };
  return { ...console, ask, platform };
}

describe('the page of the platforms', () => {
  it('tells the true backlog of a platform that is away, why it is, and that it has drained', async () => {
    const port = await freePort();
    const one = await campus(port, { events: ['alarm.*'] });
    await one.record('panic');
    for (let i = 0; i < 40; i++) await one.record('fault');
    const { platform, time, ask } = await consoleOf(one);
    await expect.poll(async () => (await platform()).reason).toContain('ECONNREFUSED');
    // 41 events are on disk; it wants one of them.
    expect(await platform()).toMatchObject({
      ...{ id: 'police', protocol: 'mqtt', connected: false, backlog: 1, unsaved: 0, about: {} },
      title: { en: expect.any(String), zh: expect.any(String) },
      where: `mqtt://127.0.0.1:${port}`,
      lanes: [
        { lane: 'urgent', waiting: 1, last: 1, cursor: 0 },
        { lane: 'normal', waiting: 0, last: 41 },
        { lane: 'bulk', waiting: 0 },
      ],
      receipts: { wanted: false, possible: true, late: false },
    });
    expect(Date.parse((await platform()).oldest ?? '')).toBeLessThanOrEqual(Date.now());

    const { events } = await scriptedBroker({ port });
    await take(events, 1);
    await expect.poll(platform).toMatchObject({ connected: true, backlog: 0, about: { mqtt: '5' } });
    const drained = await platform();
    expect([drained.oldest, drained.reason]).toEqual([undefined, undefined]);

    await time.advance(10_000);
    const lag = lagSchema.parse(await (await ask('/api/platforms/police/lag')).json()) satisfies Lag;
    expect(lag.backlog.at(-1)).toBe(0);
    expect(lag.connected.at(-1)).toBe(true);
    expect(lag.at).toHaveLength(lag.ageMs.length);
  });

  it('tells what is held and why, what it sent that makes no sense, and when certificates end', async () => {
    const broker = await scriptedBroker({ answer: ({ topic }) => (topic.includes('/device/') ? 0x87 : 0) });
    const one = await campus(broker.port, { receipts: true });
    const { platform } = await consoleOf(one);
    one.metrics.certificateEnds.set({ uplink: 'police', whose: 'broker' }, Date.now() / 1000 + 86_400 * 3.5);
    one.metrics.certificateEnds.set({ uplink: 'another', whose: 'broker' }, 1);
    await broker.subscribed('campus/v1/45/ack');
    broker.send('campus/v1/45/ack', 'no receipt');
    await one.record('fault');
    await expect.poll(platform).toMatchObject({
      holds: [{ address: 'campus/v1/45/event/device/d', lane: 'normal', first: 1, last: 1 }],
      discarded: { 'not a receipt': 1 },
      backlog: 1,
    });
    const { certificates, holds } = await platform();
    expect(holds[0]?.reason).not.toBe('');
    expect(certificates).toEqual([{ whose: 'broker', ends: expect.any(String), days: expect.any(Number) }]);
  });

  it('knows no lag of what is no platform, and takes no range that there is not', async () => {
    const { as } = await startConsole();
    const ask = await as('operator');
    expect((await ask('/api/platforms/none/lag')).status).toBe(404);
    expect((await ask('/api/platforms/none/lag?range=year')).status).toBe(400);
    expect(await (await ask('/api/platforms')).json()).toEqual({ platforms: [] });
  });
});
