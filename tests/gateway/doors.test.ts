import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDoor } from '../../gateway/access/doors.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function door() {
  const told: string[] = [];
  const one = createDoor({ openWithin: 10_000, heldAfter: 30_000 }, (kind, state) =>
    told.push(`${kind} ${state}`),
  );
  return { ...one, told, pass: (seconds: number) => vi.advanceTimersByTime(seconds * 1000) };
}

describe('a door', () => {
  it('that is unlocked, opened and closed is nothing to tell of', () => {
    const { unlock, contact, pass, state, told } = door();
    unlock();
    expect(state()).toBe('unlocked');
    pass(9);
    contact(true, false);
    expect(state()).toBe('open');
    pass(29);
    contact(false, false);
    expect([state(), told]).toEqual(['closed', []]);
  });

  it('that opens although nobody unlocked it, or too late, is forced until it is closed', () => {
    const { unlock, contact, pass, state, told } = door();
    contact(true, false);
    expect([state(), told]).toEqual(['forced', ['forced raised']]);
    pass(100);
    // A card afterwards does not make it right.
    unlock();
    expect(state()).toBe('forced');
    contact(false, false);
    expect(told).toEqual(['forced raised', 'forced restored']);
    unlock();
    pass(11);
    expect(state()).toBe('closed');
    contact(true, false);
    expect(state()).toBe('forced');
  });

  it('that stays open is held until it is closed', () => {
    const { unlock, contact, pass, state, told } = door();
    unlock();
    contact(true, false);
    pass(31);
    expect([state(), told]).toEqual(['held', ['held raised']]);
    contact(false, false);
    expect([state(), told]).toEqual(['closed', ['held raised', 'held restored']]);
  });

  it('may stand open while it is told to, and not longer', () => {
    const { hold, lock, contact, pass, state, told } = door();
    hold();
    pass(1000);
    expect(state()).toBe('unlocked');
    contact(true, false);
    pass(1000);
    expect([state(), told]).toEqual(['open', []]);
    contact(false, false);
    expect(state()).toBe('unlocked');
    contact(true, false);
    lock();
    pass(31);
    expect(told).toEqual(['held raised']);
    hold();
    expect([state(), told]).toEqual(['open', ['held raised', 'held restored']]);
  });

  it('found open at the start was opened by nobody knows whom: it is not forced, but held in time', () => {
    const { contact, pass, told } = door();
    contact(true, true);
    expect(told).toEqual([]);
    pass(31);
    expect(told).toEqual(['held raised']);
  });

  it('may be opened again by who showed a card while it stood open', () => {
    const { unlock, contact, state, pass, told } = door();
    unlock();
    contact(true, false);
    pass(5);
    unlock();
    pass(3);
    contact(false, false);
    expect(state()).toBe('unlocked');
    pass(6);
    contact(true, false);
    contact(false, false);
    pass(2);
    expect([state(), told]).toEqual(['closed', []]);
    contact(true, false);
    expect(state()).toBe('forced');
  });
});
