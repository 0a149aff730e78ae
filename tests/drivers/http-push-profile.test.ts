import { describe, expect, it } from 'vitest';
import { mapMessage } from '../../drivers/http-push/mapping.ts';
import { type Profile, profileSchema } from '../../drivers/http-push/profile.ts';
import { mapWith } from './terminal-profile.ts';

const profile = (...observations: object[]) =>
  profileSchema.parse({ title: 'x', at: 'when', observations }) as Profile;

describe('a profile', () => {
  it('takes the first that is there, a table of codes, ranges and what is not', () => {
    const doors = profile(
      {
        kind: 'credential',
        when: { level: { from: 2, to: 3 }, user: { not: ['0', 'nobody'] } },
        credential: {
          format: { path: 'how', table: { 1: 'face' }, otherwise: 'card' },
          number: ['card.no', 'user'],
        },
        decision: { path: 'ok', table: { true: 'granted', false: 'denied' } },
      },
      { kind: 'fault', when: { level: 9 }, state: 'raised', zone: 'input', cause: { fixed: 'x' }.fixed },
    );
    const event = { level: '2', user: 7, how: 1, ok: true, when: 1_795_477_201 };
    expect(mapWith(doors, event)).toEqual([
      {
        kind: 'credential',
        credential: { format: 'face', number: '7' },
        decision: 'granted',
        at: 1_795_477_201,
      },
    ]);
    expect(mapWith(doors, { ...event, card: { no: 'A1' }, how: 2, ok: 3 })).toEqual([
      { kind: 'credential', credential: { format: 'card', number: 'A1' }, at: 1_795_477_201 },
    ]);
    for (const other of [{ level: 1 }, { level: 4 }, { level: '' }, { user: '0' }, { user: '' }])
      expect(mapWith(doors, { ...event, ...other })).toEqual([]);
    expect(mapWith(doors, { level: 9, input: '12' })).toEqual([
      { kind: 'fault', state: 'raised', zone: 12, cause: 'x' },
    ]);
  });

  it('leaves out what is not as it should be, tells it, and keeps the event', () => {
    const visits = profile({
      kind: 'visit',
      visit: { id: 'id', stage: 'arrived', name: 'name', until: 'until' },
    });
    expect(
      mapMessage(visits, [
        { id: 'v', name: { x: 1 }, until: 'noon', when: [] },
        { id: { y: 1 } },
        { id: 'w' },
      ]),
    ).toEqual({
      events: 3,
      mapped: [
        { kind: 'visit', visit: { id: 'v', stage: 'arrived' } },
        { kind: 'visit', visit: { id: 'w', stage: 'arrived' } },
      ],
      problems: expect.arrayContaining([
        expect.stringContaining('visit.until'),
        expect.stringContaining('visit.id'),
      ]),
    });
  });

  it('sees only what a message has of its own', () => {
    const all = profile({
      kind: 'credential',
      credential: { format: 'x', number: ['__proto__.y', 'constructor.name'] },
    });
    expect(mapWith(all, {})).toEqual([]);
    expect(mapWith(all, JSON.parse('{"__proto__": {"y": 5}}'))).toMatchObject([
      { credential: { number: '5' } },
    ]);
  });

  it('refuses a message with more events than a terminal keeps', () => {
    expect(mapMessage(profile({ kind: 'fire', state: 'raised' }), Array(5001).fill({}))).toMatch(
      /more events/,
    );
  });

  it.each<[string, object, RegExp]>([
    ['an expression as a path', { kind: 'visit', visit: { id: '$string(a)', stage: 'left' } }, /no path/],
    ['an index in brackets', { kind: 'visit', visit: { id: 'a[0]', stage: 'left' } }, /no path/],
    ['a path with a gap', { kind: 'visit', visit: { id: 'a..b', stage: 'left' } }, /no path/],
    ['such a path as a condition', { kind: 'fire', when: { 'a b': 1 }, state: 'raised' }, /no path/],
    ['a word that is none', { kind: 'fire', state: 'burning' }, /raised/],
    ['a kind that is none', { kind: 'hello', state: 'raised' }, /kind|discriminator/i],
    ['a table to words that are none', { kind: 'fire', state: { path: 'a', table: { 1: 'on' } } }, /raised/],
    ['a key too many', { kind: 'fire', state: 'raised', script: 'x' }, /script/],
  ])('with %s is refused', (_name, observation, message) => {
    const found = profileSchema.safeParse({ title: 'x', observations: [observation] });
    expect(JSON.stringify(found.error?.issues)).toMatch(message);
  });
});

describe('what can never be', () => {
  const problemsOf = (...observations: object[]) =>
    (profileSchema.safeParse({ title: 'x', observations }).error?.issues ?? []).map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
  const state = (when: object, more: object = {}) => ({ kind: 'fault', state: 'raised', when, ...more });

  it('a range from more to less fits nothing, and is told', () => {
    expect(problemsOf(state({ door: { from: 4, to: 1 } }))).toEqual([
      'observations.0.when.door: from 4 is more than to 1: nothing fits; write from: 1, to: 4',
    ]);
    expect(
      problemsOf(state({ door: { from: 4, to: 4 } }), state({ x: { from: 9 } }), state({ x: { to: 1 } })),
    ).toEqual([]);
  });

  it.each([
    ['the same', { a: 1 }, { a: '1' }],
    ['all', {}, { a: 1 }],
    ['several values', { a: [1, 2] }, { a: 2 }],
    ['all but one', { a: { not: 3 } }, { a: [1, 2] }],
    ['all but fewer', { a: { not: 3 } }, { a: { not: [3, 4] } }],
    ['a wider range', { a: { from: 1 } }, { a: { from: 2, to: 3 } }],
    ['a range', { a: { from: 1, to: 9 } }, { a: 5 }],
    ['less that is asked', { a: 1 }, { a: 1, b: 2 }],
  ])('an observation behind one that takes %s is told', (_name, first, second) => {
    expect(problemsOf(state(first), state(second))).toEqual([
      'observations.1: is never reached: observations[0] before it takes all that fits here; put this one first',
    ]);
    // The other way round each has its own.
    if (_name !== 'the same') expect(problemsOf(state(second), state(first))).toEqual([]);
  });

  it.each([
    ['more is asked before', state({ a: 1, b: 2 }), state({ a: 1 })],
    ['what is before says that more may', state({ a: 1 }, { also: true }), state({ a: 1 })],
    [
      'what is before needs a code',
      state({ a: 1 }, { state: { path: 'on', table: { 1: 'raised' } } }),
      state({ a: 1 }),
    ],
    [
      'what is before needs a person',
      { kind: 'credential', when: { a: 1 }, credential: { format: 'face', number: 'who' } },
      state({ a: 1 }),
    ],
    ['ranges overlap', state({ a: { from: 1, to: 3 } }), state({ a: { from: 2, to: 4 } })],
    ['another member is asked', state({ a: 1 }), state({ b: 1 })],
  ])('nothing is told where %s', (_name, first, second) => {
    expect(problemsOf(first, second)).toEqual([]);
  });
});
