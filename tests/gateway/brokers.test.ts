/** A platform at several addresses, as a cluster of brokers has them. */
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fastClock } from '../clocks.ts';
import { freePort } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const button = { zone: { number: 9 } };
const at = (...ports: readonly number[]) => ({
  url: undefined,
  urls: ports.map((port) => `mqtt://127.0.0.1:${port}`),
});

describe('a platform at several addresses', () => {
  it('gets an alarm at the next one where the first is not there; the good one is asked first from then on', async () => {
    const [dead, live] = [await freePort(), await scriptedBroker({})];
    const { record } = await campus(1, at(dead, live.port), undefined, { time: fastClock(8) });
    const { id } = await record('panic', button);
    expect((await live.events.next()).body.id).toBe(id);
    const first = await scriptedBroker({ port: dead });
    live.disconnect(0);
    await expect.poll(() => live.connects()).toBe(2);
    const later = await record('panic', button);
    expect((await live.events.find(({ body }) => body.id === later.id)).body.id).toBe(later.id);
    expect(first.connects()).toBe(0);
  });

  it('all of which are away says of each why', async () => {
    const [one, other] = [await freePort(), await freePort()];
    const { uplink } = await campus(1, at(one, other));
    await expect
      .poll(() => uplink.state().reason)
      .toContain(`mqtt://127.0.0.1:${other}: connect ECONNREFUSED`);
    expect(uplink.state().reason).toContain(`mqtt://127.0.0.1:${one}: connect ECONNREFUSED`);
  });
});

it('a broker that closes at MQTT 5 without a word and takes 3.1.1 is asked so for an hour', async () => {
  const versions: (number | undefined)[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      // The level stands behind the name (3.1.1, 3.1.2.2).
      const level = bytes[8];
      versions.push(level);
      if (level === 5) return socket.destroy();
      socket.write(Buffer.from([0x20, 2, 0, 0]));
      if (versions.length < 3) setImmediate(() => socket.destroy());
      return undefined;
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  await campus(port, {}, undefined, { time: fastClock(8) });
  await expect.poll(() => versions.length, { timeout: 5000 }).toBeGreaterThanOrEqual(4);
  expect(versions.slice(0, 4)).toEqual([5, 4, 4, 4]);
});
