import fc from 'fast-check';
import { generate, parser } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { encodePublish } from '../../drivers/platforms/mqtt/publish.ts';
import { answerOf } from '../../drivers/platforms/mqtt/transport.ts';

describe('what a PUBACK says, in the engine’s words', () => {
  // MQTT 5, 3.4.2.1.
  it.each([
    [0x00, 'taken'],
    [0x80, 'refused'],
    [0x83, 'refused'],
    [0x87, 'forbidden'],
    [0x90, 'unusable'],
    [0x91, 'refused'],
    [0x95, 'too-large'],
    [0x97, 'busy'],
    [0x99, 'refused'],
  ] as const)('%i: %s', (code, is) => {
    expect(answerOf({ code, reason: '' }, 'accept')).toMatchObject({ is });
  });

  it('no matching subscribers is taken, or, where the config waits for one, not now', () => {
    expect(answerOf({ code: 0x10, reason: '' }, 'accept')).toEqual({ is: 'taken' });
    expect(answerOf({ code: 0x10, reason: '' }, 'retry')).toMatchObject({ is: 'busy' });
  });

  it('a connection that is over', () => {
    expect(answerOf({ code: -1, reason: 'gone' }, 'accept')).toEqual({ is: 'lost', reason: 'gone' });
  });
});

describe('a PUBLISH', () => {
  const topic = fc.stringMatching(/^[a-z0-9一-龥/]{1,60}$/);
  const properties = fc.record(
    {
      topicAlias: fc.integer({ min: 1, max: 65_535 }),
      contentType: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }),
      expiry: fc.integer({ min: 0, max: 0xffff_ffff }),
      correlation: fc.uint8Array({ maxLength: 40 }),
    },
    { requiredKeys: [] },
  );
  const fields = {
    topic,
    payload: fc.string({ unit: 'grapheme', maxLength: 20_000 }),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    retain: fc.boolean(),
  };

  it('is read by mqtt-packet as what it was, in both versions', () => {
    fc.assert(
      fc.property(fc.record({ ...fields, properties: fc.option(properties) }), (made) => {
        const wanted = made.properties ?? undefined;
        const seen: Record<string, unknown>[] = [];
        const reader = parser({ protocolVersion: wanted === undefined ? 4 : 5 });
        reader.on('packet', (packet) => void seen.push(packet as unknown as Record<string, unknown>));
        const rest = reader.parse(encodePublish({ ...made, properties: wanted }));
        expect([rest, seen.length]).toEqual([0, 1]);
        const [packet] = seen;
        expect(packet).toMatchObject({
          cmd: 'publish',
          qos: 1,
          dup: false,
          retain: made.retain,
          topic: made.topic,
          messageId: made.packetId,
        });
        expect(String(packet?.['payload'])).toBe(Buffer.from(made.payload).toString());
        const read = (packet?.['properties'] ?? {}) as Record<string, unknown>;
        expect(read['topicAlias']).toBe(wanted?.topicAlias);
        expect(read['contentType']).toBe(
          wanted?.contentType === undefined ? undefined : Buffer.from(wanted.contentType).toString(),
        );
        expect(read['messageExpiryInterval']).toBe(wanted?.expiry);
        const { correlation } = wanted ?? {};
        expect(read['correlationData']).toEqual(
          correlation === undefined ? undefined : Buffer.from(correlation),
        );
      }),
    );
  });

  it('of any length is byte for byte what mqtt-packet writes', () => {
    for (const length of [0, 1, 100, 117, 118, 119, 16_300, 16_373, 16_374, 16_375, 2_097_141, 2_097_143]) {
      const payload = 'x'.repeat(length);
      const made = encodePublish({ topic: 'a/b', payload, packetId: 7, retain: false });
      const wanted = generate(
        { cmd: 'publish', topic: 'a/b', payload, messageId: 7, qos: 1, retain: false, dup: false },
        { protocolVersion: 4 },
      );
      expect(made.equals(wanted)).toBe(true);
    }
  });
});
