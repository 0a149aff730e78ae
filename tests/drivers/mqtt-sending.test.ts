/** A broker that asks for answers and acknowledges none. */
import { Writable } from 'node:stream';
import type { MqttClient } from 'mqtt';
import { expect, it } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { createSending } from '../../drivers/platforms/mqtt/sending.ts';

it('keeps 4 MB of answers for it, and sends events all the same', async () => {
  let bytes = 0;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  let id = 0;
  const client = { stream, messageIdProvider: { allocate: () => ++id } } as unknown as MqttClient;
  const limits = {
    version: 5,
    receiveMaximum: 65_535,
    maximumPacketSize: 268_435_455,
    topicAliasMaximum: 0,
  } as const;
  const sending = createSending(client, limits, systemClock);
  const codes: number[] = [];
  const payload = 'x'.repeat(1_000_000);
  const answer = () => sending.publish({ topic: 'r', payload, qos: 1 }, ({ code }) => void codes.push(code));
  for (let i = 0; i < 50; i++) answer();
  sending.publish({ topic: 'e', payload: 'event', qos: 1, alias: true }, ({ code }) => void codes.push(code));
  await new Promise(setImmediate);
  expect(codes).toEqual(Array(46).fill(-1));
  expect(bytes).toBeGreaterThan(4_000_000);
  expect(bytes).toBeLessThan(4_194_304);
  // The event was the fifth to go; each that is acknowledged leaves room for another.
  sending.onAnswer(5, 0);
  sending.onAnswer(1, 0);
  answer();
  answer();
  await new Promise(setImmediate);
  expect(codes.slice(46)).toEqual([0, 0, -1]);
});
