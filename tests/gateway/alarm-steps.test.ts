/** The log of a card on the page of alarms: one order, that of time. */
import { describe, expect, it } from 'vitest';
import type { Raising } from '../../gateway/console/contract/alarms.ts';
import { stepsInTime } from '../../gateway/console/web/pages/alarm-steps.ts';

const at = (second: number) => new Date(Date.UTC(2026, 10, 28, 8, 0, second)).toISOString();
const raised = (id: string, second: number, more: Partial<Raising> = {}): Raising => ({
  id,
  sequence: id,
  time: at(second),
  seenAt: at(second),
  clock: 'gateway',
  pictures: [],
  ...more,
});
const acted = (second: number) => ({ by: 'guard', via: 'console', at: at(second) });
const told = (raisings: readonly Raising[]) =>
  stepsInTime(raisings).map(({ act, at: time, times }) => [act, new Date(time).getUTCSeconds(), times]);

describe('the steps of a thing that alarmed', () => {
  it('stand newest first over all its alarms', () => {
    const older = raised('1', 0, { acknowledged: acted(5), ended: { at: at(20), how: 'restored' } });
    const newer = raised('2', 10, { confirmed: { at: at(12) } });
    expect(told([newer, older])).toEqual([
      ['ended', 20, 1],
      ['confirmed', 12, 1],
      ['raised', 10, 1],
      ['acknowledged', 5, 1],
      ['raised', 0, 1],
    ]);
  });

  it('say once what was done to several alarms at once', () => {
    const closed = (second: number) => ({ ...acted(second), reason: 'false-user' as const });
    const both = [raised('2', 10, { closed: closed(31) }), raised('1', 0, { closed: closed(30) })];
    expect(told(both)).toEqual([
      ['closed', 31, 2],
      ['raised', 10, 1],
      ['raised', 0, 1],
    ]);
  });

  it('keep apart what was said otherwise, or by somebody else', () => {
    const one = raised('2', 10, { closed: { ...acted(31), reason: 'test' } });
    const other = raised('1', 0, { closed: { ...acted(30), reason: 'test', note: 'a cat' } });
    expect(told([one, other]).slice(0, 2)).toEqual([
      ['closed', 31, 1],
      ['closed', 30, 1],
    ]);
  });

  it('follow on each other where their times are alike', () => {
    const one = raised('1', 0, { acknowledged: acted(0), ended: { at: at(0), how: 'restored' } });
    expect(told([one]).map(([act]) => act)).toEqual(['ended', 'acknowledged', 'raised']);
  });
});
