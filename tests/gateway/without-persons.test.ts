/** What of an event is left for those who may not see persons. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { withoutPersons } from '../../gateway/console/without-persons.ts';

const event = (data: Readonly<Record<string, unknown>>) =>
  ({
    id: 'e',
    type: 'cn.campus.access.granted',
    time: 't',
    source: 's',
    subject: 'gate',
    data,
  }) as unknown as Event;
const left = (data: Readonly<Record<string, unknown>>) => withoutPersons(event(data)).data;

describe('an event without persons', () => {
  it('of a card says where and how it was decided, and not whose it was', () => {
    expect(
      left({
        kind: 'credential',
        device: { id: 'r-1', name: '北门' },
        credential: { format: 'wiegand26', facility: 12, number: '4711' },
        access: {
          door: 'gate',
          decision: 'denied',
          reason: 'expired',
          holder: 's-7',
          direction: 'in',
          children: ['c-1'],
        },
        text: '李明',
        raw: '04711',
        details: { part: 'left', match: 0.9, name: '李明' },
        clock: { source: 'gateway' },
      }),
    ).toEqual({
      kind: 'credential',
      device: { id: 'r-1', name: '北门' },
      credential: { format: 'wiegand26' },
      access: { door: 'gate', decision: 'denied', reason: 'expired', direction: 'in' },
      details: { part: 'left', match: 0.9 },
      clock: { source: 'gateway' },
    });
  });

  it('of a visit says that there is one', () => {
    expect(
      left({
        visit: { id: 'v-1', stage: 'arrived', until: 'u', name: '王', host: '李', purpose: 'talk' },
        text: '王',
      }),
    ).toEqual({
      visit: { id: 'v-1', stage: 'arrived', until: 'u' },
    });
  });

  it('of an alarm that a card raised has no card, and of others all', () => {
    expect(left({ kind: 'duress', credential: { number: '1', hash: 'h', erased: true } })).toEqual({
      kind: 'duress',
      credential: { erased: true },
    });
    const fire = event({ kind: 'fire', text: 'smoke', raw: 'FA', details: { account: '1' } });
    expect(withoutPersons(fire)).toBe(fire);
  });

  it.each([
    { credential: null },
    { access: 'x', visit: 7 },
    { credential: [], details: 'x' },
    { access: [], visit: null, details: null },
  ])('of what is not as it should be (%j) has nothing of it', (data) => {
    expect(Object.keys(left({ ...data, text: 'x', raw: 'y' }))).toEqual([]);
  });
});
