import { describe, expect, it } from 'vitest';
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
