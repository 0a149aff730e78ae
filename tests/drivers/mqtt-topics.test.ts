import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFilter, isTopic, matchesFilter, overlap } from '../../drivers/platforms/mqtt/topics.ts';

// The examples of MQTT 5, 4.7.1.2 and 4.7.1.3.
describe('a filter', () => {
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'sport/tennis', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['sport', 'sports', false],
  ])('%s of the topic %s: %s', (filter, topic, fits) => {
    expect(matchesFilter(filter, topic)).toBe(fits);
  });

  it.each(['#', 'sport/tennis/#', '+', '+/tennis/#', 'sport/+/player1', 'sport'])('may be %s', (filter) => {
    expect(isFilter(filter)).toBe(true);
  });

  it.each(['sport/tennis#', 'sport/tennis/#/ranking', 'sport+', '', '$SYS/#', 'a\u0000'])(
    'may not be %j',
    (filter) => {
      expect(isFilter(filter)).toBe(false);
    },
  );
});

it('two filters overlap where a topic fits both', () => {
  const level = fc.constantFrom('a', 'b', '');
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
  const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
  fc.assert(
    fc.property(filter, filter, topic, (one, other, name) => {
      fc.pre(isTopic(name));
      if (matchesFilter(one, name) && matchesFilter(other, name)) expect(overlap(one, other)).toBe(true);
    }),
  );
  expect(overlap('campus/v1/45/#', 'campus/v1/+/presence')).toBe(true);
  expect(overlap('campus/v1/45/#', 'answers/#')).toBe(false);
  expect(overlap('a/+', 'a/b/c')).toBe(false);
});
