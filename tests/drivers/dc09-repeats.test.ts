import { describe, expect, it } from 'vitest';
import { repeatsOf, type SaidByNumber } from '../../drivers/dc09/repeats.ts';

function panel() {
  const said: SaidByNumber = new Map();
  return (
    sequence: number,
    data: string,
    { timestamp, encrypted = false }: { timestamp?: number; encrypted?: boolean } = {},
  ) =>
    repeatsOf({ id: 'SIA-DCS', sequence, data, ...(timestamp !== undefined && { timestamp }) }, encrypted, {
      device: 'panel',
      account: '1234',
      said,
    })(0).key;
}

describe('a message that is sent again', () => {
  it('is the same without a time, however often it comes', () => {
    const say = panel();
    const key = say(7, '#1234|NBA1');
    expect([say(7, '#1234|NBA1'), say(7, '#1234|NBA1')]).toEqual([key, key]);
  });

  it('is the same when others came between under other numbers, as over a second path', () => {
    const say = panel();
    const keys = [say(7, 'NBA1'), say(8, 'NBA2')];
    expect([say(7, 'NBA1'), say(8, 'NBA2')]).toEqual(keys);
  });

  it('is the same by the time in it, whatever came between', () => {
    const say = panel();
    const key = say(0, 'NBA1', { timestamp: 1 });
    say(0, 'NBR1', { timestamp: 2 });
    expect(say(0, 'NBA1', { timestamp: 1 })).toBe(key);
    expect(say(0, 'NBA1', { timestamp: 3 })).not.toBe(key);
  });
});

describe('a new alarm', () => {
  it('of a panel that numbers all messages 0 is no repeat when its end came between', () => {
    // Eaton/Scantronic i-on: all numbered 0, no time (pysiaalarm#8).
    const say = panel();
    const keys = [say(0, '#9999|Nri1/BA1'), say(0, '#9999|Nri1/BR1'), say(0, '#9999|Nri1/BA1')];
    expect(new Set(keys).size).toBe(3);
    expect(say(0, '#9999|Nri1/BA1')).toBe(keys[2]);
  });

  it('of an encrypting panel that began its numbers again is none either', () => {
    const say = panel();
    const stamped = (data: string, timestamp: number) => say(2, data, { timestamp, encrypted: true });
    const keys = [stamped('NBA50', 1), stamped('NBR50', 2), stamped('NBA50', 3)];
    expect(new Set(keys).size).toBe(3);
    expect(stamped('NBA50', 4)).toBe(keys[2]);
  });

  it('under ever new numbers is told apart in bounded memory', () => {
    const said: SaidByNumber = new Map();
    const of = { device: 'panel', account: '1234', said };
    for (let sequence = 0; sequence < 10_000; sequence++)
      repeatsOf({ id: 'SIA-DCS', sequence, data: 'NBA1' }, false, of);
    expect(said.size).toBeLessThanOrEqual(256);
  });
});
