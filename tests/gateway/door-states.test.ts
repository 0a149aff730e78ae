import { describe, expect, it } from 'vitest';
import { createDoor } from '../../gateway/access/door.ts';
import { manualClock } from '../clocks.ts';

function door() {
  const told: string[] = [];
  const clock = manualClock();
  const one = createDoor({ openWithin: 10_000, heldAfter: 30_000 }, clock, (kind, state) =>
    told.push(`${kind} ${state}`),
  );
  return { ...one, told, pass: (seconds: number) => clock.advance(seconds * 1000) };
}

describe('a door', () => {
  it('that is unlocked, opened and closed is nothing to tell of', async () => {
    const { unlock, contact, pass, state, told } = door();
    unlock();
    expect(state()).toBe('unlocked');
    await pass(9);
    contact(true, false);
    expect(state()).toBe('open');
    await pass(29);
    contact(false, false);
    expect([state(), told]).toEqual(['closed', []]);
  });

  it('that opens although nobody unlocked it, or too late, is forced until it is closed', async () => {
    const { unlock, contact, pass, state, told } = door();
    contact(true, false);
    expect([state(), told]).toEqual(['forced', ['forced raised']]);
    await pass(100);
    // A card afterwards does not make it right.
    unlock();
    expect(state()).toBe('forced');
    contact(false, false);
    expect(told).toEqual(['forced raised', 'forced restored']);
    unlock();
    await pass(11);
    expect(state()).toBe('closed');
    contact(true, false);
    expect(state()).toBe('forced');
  });

  it('that stays open is held until it is closed', async () => {
    const { unlock, contact, pass, state, told } = door();
    unlock();
    contact(true, false);
    await pass(31);
    expect([state(), told]).toEqual(['held', ['held raised']]);
    contact(false, false);
    expect([state(), told]).toEqual(['closed', ['held raised', 'held restored']]);
  });

  it('may stand open while it is told to, and not longer', async () => {
    const { hold, lock, contact, pass, state, told } = door();
    hold();
    await pass(1000);
    expect(state()).toBe('unlocked');
    contact(true, false);
    await pass(1000);
    expect([state(), told]).toEqual(['open', []]);
    contact(false, false);
    expect(state()).toBe('unlocked');
    contact(true, false);
    lock();
    await pass(31);
    expect(told).toEqual(['held raised']);
    hold();
    expect([state(), told]).toEqual(['open', ['held raised', 'held restored']]);
  });

  it('found open at the start was opened by nobody knows whom: it is not forced, but held in time', async () => {
    const { contact, pass, told } = door();
    contact(true, true);
    expect(told).toEqual([]);
    await pass(31);
    expect(told).toEqual(['held raised']);
  });

  it('may be opened again by who showed a card while it stood open', async () => {
    const { unlock, contact, state, pass, told } = door();
    unlock();
    contact(true, false);
    await pass(5);
    unlock();
    await pass(3);
    contact(false, false);
    expect(state()).toBe('unlocked');
    await pass(6);
    contact(true, false);
    contact(false, false);
    await pass(2);
    expect([state(), told]).toEqual(['closed', []]);
    contact(true, false);
    expect(state()).toBe('forced');
  });
});
