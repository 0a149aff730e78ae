import { describe, expect, it } from 'vitest';
import { createWireTap, piecesOf } from '../../gateway/wire-tap.ts';
import { manualClock } from '../clocks.ts';

const hexOf = (tap: ReturnType<typeof createWireTap>) =>
  piecesOf(tap.snapshot()).map(
    ({ bytes, said }) => `${said ? '>' : '<'}${Buffer.from(bytes).toString('hex')}`,
  );

describe('the tap of a wire', () => {
  it('keeps what was said and heard with its time, and lets it go after a minute', async () => {
    const time = manualClock();
    const tap = createWireTap(time);
    const from = time.wall();
    tap.said(Buffer.of(1, 2));
    await time.advance(30_000);
    tap.heard(Buffer.of(3), '10.0.0.1 5000');
    expect(hexOf(tap)).toEqual(['>0102', '<03']);
    expect(piecesOf(tap.snapshot()).map(({ at, peer, number }) => [at - from, peer, number])).toEqual([
      [0, '', 0],
      [30_000, '10.0.0.1 5000', 1],
    ]);
    expect(tap.heardAt()).toBe(from + 30_000);
    await time.advance(40_000);
    expect(hexOf(tap)).toEqual(['<03']);
    expect(tap.snapshot().isComplete).toBe(true);
  });

  it('keeps copies: a buffer that is used again changes nothing', () => {
    const tap = createWireTap(manualClock());
    const buffer = Buffer.of(7);
    tap.heard(buffer);
    buffer[0] = 9;
    expect(hexOf(tap)).toEqual(['<07']);
  });

  it('stays in its bounds under a flood, keeps the newest in order, and says that some of the minute is gone', () => {
    const tap = createWireTap(manualClock());
    for (let i = 0; i < 20_000; i++) tap.heard(Buffer.from(String(i)), `peer ${i % 1000}`);
    const pieces = piecesOf(tap.snapshot());
    expect(tap.snapshot().isComplete).toBe(false);
    expect(pieces.length).toBeLessThan(4096);
    expect(Buffer.from(pieces.at(-1)?.bytes ?? []).toString()).toBe('19999');
    expect(pieces.map(({ number }) => number)).toEqual(pieces.map((_, i) => (pieces[0]?.number ?? 0) + i));
    expect(pieces.at(-1)?.number).toBe(19_999);
  });

  it('takes what is longer than a piece in several, and the length of what it has only the beginning of', () => {
    const tap = createWireTap(manualClock());
    tap.heard(Buffer.alloc(5000, 1));
    tap.said(Buffer.alloc(10, 2), 'x', 1_000_000);
    const pieces = piecesOf(tap.snapshot());
    expect(pieces.map(({ bytes, length }) => [bytes.length, length])).toEqual([
      [2048, 2048],
      [2048, 2048],
      [904, 904],
      [10, 1_000_000],
    ]);
  });
});
