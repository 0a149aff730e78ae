import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFilter, isTopic, matchesFilter, overlap, topicPart } from '../../drivers/platforms/mqtt/topics.ts';

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

// MQTT 5, 1.5.4: what a text must not or should not hold; a broker may close the connection at it.
describe('a text that a broker may close the connection for', () => {
  it.each(['\u0000', '\u0001', '\u001f', '\u007f', '\u009f', '\ud800', '\ufdd0', '\ufffe', '\u{1ffff}'])(
    'with %j is no topic, and an id is a level without it',
    (bad) => {
      expect(isTopic(`a/${bad}`)).toBe(false);
      expect(topicPart(`a${bad}b/+#`)).toBe('a_b___');
    },
  );

  it('is none of what people write', () => {
    expect(isTopic('campus/v1/45/reply/开门-1 \u{1f514}')).toBe(true);
    expect(topicPart('开门-1 \u{1f514}')).toBe('开门-1 \u{1f514}');
  });
});
