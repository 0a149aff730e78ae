/** What a message is to the city: whatever comes, it is an event, a note, or one of a few reasons. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_MAX_BYTES, readEvent, readNote, readPresence } from '../../../gateway/platform/received.ts';
import { messageOf } from '../../../simulators/city/events.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const good = {
  ...{ id: '0198a0c5-2d6e-7c1f-8f6d-9a3b5c7d9e1f', type: 'cn.campus.alarm.raised', lane: 'urgent' },
  ...{ time: '2026-11-29T08:00:00Z', journal: 'j-1', sequence: '12', previous: '9' },
};
const read = (value: unknown, topic = 'campus/v1/4503000001/event/alarm/panel') =>
  readEvent(topic, bytes(typeof value === 'string' ? value : JSON.stringify(value)), 1000);

describe('an event', () => {
  it('is what a simulated campus sends', () => {
    const made = { lane: 'urgent', sequence: 7, previous: 3, at: Date.UTC(2026, 10, 29) } as const;
    const { topic, payload } = messageOf('4503000001', 'j', made);
    expect(readEvent(`campus/v1/4503000001/${topic}`, bytes(payload), 5)).toEqual({
      ...{ prefix: 'campus/v1/4503000001', journal: 'j', lane: 'urgent', sequence: 7, previous: 3 },
      ...{ type: 'cn.campus.alarm.raised', time: '2026-11-29T00:00:00.000Z', body: payload, receivedAt: 5 },
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('comes with pieces of pictures, under other roots, and from memory', () => {
    expect(read(good, 'district/a/b/media/yard')).toMatchObject({ prefix: 'district/a/b' });
    expect(read({ ...good, sequence: '0', previous: '0' })).toMatchObject({ sequence: 0, previous: 0 });
    expect(read({ ...good, later: { and: 'more' }, type: 'cn.campus.later.thing' })).toMatchObject({
      type: 'cn.campus.later.thing',
    });
  });

  it.each([
    ['no event topic', good, 'campus/v1/4503000001/state/panel'],
    ['no event topic', good, '/event/x'],
    ['no event topic', good, 'campus/v1/1/event/'],
    ['no JSON', '{"id":'],
    ['no JSON', ''],
    ['no object', 'null'],
    ['no object', '[1]'],
    ['no object', '"event"'],
    ['an attribute is missing', { ...good, id: undefined }],
    ['an attribute is missing', { ...good, id: '' }],
    ['an attribute is missing', { ...good, sequence: 12 }],
    ['an attribute is missing', { ...good, lane: ['urgent'] }],
    ['an attribute is missing', { ...good, lane: 'urgent/bulk' }],
    ['a number is none', { ...good, sequence: '-1' }],
    ['a number is none', { ...good, sequence: '1e3' }],
    ['a number is none', { ...good, previous: '9007199254740993' }],
    ['a number is none', { ...good, previous: ' 1' }],
    ['an attribute is too long', { ...good, journal: 'j'.repeat(201) }],
  ])('is none: %s', (reason, value, topic?: string) => {
    expect(read(value, topic)).toBe(reason);
  });

  it('is none that is no UTF-8, or too large', () => {
    const topic = 'campus/v1/1/event/alarm/x';
    expect(readEvent(topic, Uint8Array.from([0x7b, 0xff, 0x7d]), 0)).toBe('no UTF-8');
    // A surrogate in UTF-8 (CESU-8), and an overlong slash.
    expect(readEvent(topic, Uint8Array.from([0xed, 0xa0, 0x80]), 0)).toBe('no UTF-8');
    expect(readEvent(topic, Uint8Array.from([0xc0, 0xaf]), 0)).toBe('no UTF-8');
    expect(readEvent(topic, new Uint8Array(EVENT_MAX_BYTES + 1), 0)).toBe('larger than an event may be');
  });

  it('is none that takes long to read: a megabyte of empty lists; one of text is', () => {
    const topic = 'campus/v1/1/event/alarm/x';
    const places = { id: 'a', type: 'b', time: 'c', journal: 'd', lane: 'e', sequence: '1', previous: '0' };
    const read = (data: string) =>
      readEvent(topic, Buffer.from(`${JSON.stringify(places).slice(0, -1)},"data":${data}}`), 0);
    const many = 'larger than an event may be';
    expect(read(`[${'[],'.repeat(60_000)}[]]`)).toBe(many);
    expect(read(`${'['.repeat(60_000)}${']'.repeat(60_000)}`)).toBe(many);
    expect(read(`${'{"a":'.repeat(60_000)}1${'}'.repeat(60_000)}`)).toBe(many);
    for (const text of ['[{,'.repeat(200_000), '\\",['.repeat(100_000), '\\'.repeat(200_000)])
      expect(read(JSON.stringify(text))).toMatchObject({ id: 'a' });
    expect(read(JSON.stringify(Array.from({ length: 40_000 }, () => 1)))).toMatchObject({ id: 'a' });
    // After a text that ends in a backslash.
    expect(read(`["${'\\'.repeat(4)}",${'[],'.repeat(60_000)}[]]`)).toBe(many);
  });

  it('is read of whatever comes, and keeps what came', () => {
    const topic = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('campus/v1/1/event/a/b', 'x/media/y', 'event/x', '//event//', 'a/reply/b/event/c'),
    );
    const loose = fc.record(
      Object.fromEntries(
        Object.entries(good).map(([name, text]) => [
          name,
          fc.oneof(fc.constant(text), fc.string({ unit: 'binary' }), fc.nat().map(String), fc.jsonValue()),
        ]),
      ),
      { requiredKeys: [] },
    );
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(bytes),
      loose.map((one) => bytes(JSON.stringify(one))),
    );
    fc.assert(
      fc.property(topic, payload, (of, came) => {
        const event = readEvent(of, came, 1);
        if (typeof event === 'string') return;
        expect(bytes(event.body)).toEqual(Uint8Array.from(came));
        expect(of.startsWith(`${event.prefix}/`)).toBe(true);
        for (const number of [event.sequence, event.previous])
          expect(Number.isSafeInteger(number) && number >= 0).toBe(true);
        expect(JSON.parse(event.body)).toMatchObject({
          ...{ id: event.id, sequence: String(event.sequence), previous: String(event.previous) },
        });
      }),
    );
  });
});

describe('a note', () => {
  it('is an answer, a presence, or master data', () => {
    const reply = { id: 'c-1', done: true, result: { events: 3 } };
    expect(readNote('campus/v1/1/reply/c-1', bytes(JSON.stringify(reply)))).toEqual({ is: 'reply', reply });
    expect(readNote('campus/v1/1/reply/c', bytes('{"id":"c","done":false,"reason":"no","x":1}'))).toEqual({
      is: 'reply',
      reply: { id: 'c', done: false, reason: 'no' },
    });
    // Taken back: empty.
    expect(readNote('campus/v1/1/campus', bytes(''))).toEqual({
      is: 'campus',
      prefix: 'campus/v1/1',
      body: '',
    });
    expect(readNote('a/presence', bytes('{}'))).toEqual({ is: 'presence', prefix: 'a', body: '{}' });
  });

  it.each([
    ['campus/v1/1/reply/c', '{"id":1,"done":true}'],
    ['campus/v1/1/reply/c', '{"id":"c","done":"yes"}'],
    ['campus/v1/1/reply/c', 'null'],
    ['campus/v1/1/reply', '{"id":"c","done":true}'],
    ['campus/v1/1/presence/x', '{}'],
    ['presence', '{}'],
    ['campus/v1/1/state/x', '{}'],
  ])('is none: %s %s', (topic, text) => {
    expect(readNote(topic, bytes(text))).toBeUndefined();
  });

  it('is read of whatever comes', () => {
    const topic = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a/presence', 'a/campus', 'a/reply/b', 'campus/campus/campus'),
    );
    fc.assert(
      fc.property(topic, fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (of, came) => {
        const note = readNote(of, came);
        if (note?.is === 'presence') readPresence(note.body);
      }),
    );
  });

  it('says whether a gateway is there, and under which numbering', () => {
    expect(readPresence('{"state":"online","journal":"j"}')).toEqual({ online: true, journal: 'j' });
    expect(readPresence('{"state":"offline"}')).toEqual({ online: false });
    for (const odd of ['', 'null', '7', '"online"', '[]', '{"state":"online","journal":7}'])
      expect(readPresence(odd).journal).toBeUndefined();
  });
});
