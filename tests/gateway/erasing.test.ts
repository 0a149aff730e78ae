import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { cards, gate } from './gate.ts';

describe('erasing', () => {
  it('takes a person out of the journal, and leaves what happened', async () => {
    const { journal, show, command, visitors, directory, close } = await gate();
    const all = [...cards, { number: '5', facility: 1, holder: 'ZHAO-5', groups: ['teachers'] }];
    await command('credentials', { version: 1, put: all });
    await show('r0', '5');
    await show('r0', '1');
    await show('r3', '4');
    await command('expect-visitor', {
      visit: 'v-1',
      name: '王芳-名',
      until: '2027-01-01T00:00:00Z',
    });
    expect(await command('erase', {})).toMatchObject({ done: false });
    expect(await command('erase', { holder: 'x', visit: 'y' })).toMatchObject({ done: false });
    expect(await command('erase', { holder: 'ZHAO-5' })).toEqual({ done: true, result: { events: 1 } });
    expect(await command('erase', { holder: 'c-2' })).toEqual({ done: true, result: { events: 1 } });
    expect(await command('erase', { visit: 'v-1' })).toEqual({ done: true, result: { events: 1 } });
    expect(visitors.list()).toEqual([{ id: 'v-1', stage: 'expected', until: '2027-01-01T00:00:00Z' }]);
    const events = (await journal.read('normal', 0, 100)).map(({ body }) => JSON.parse(body) as Event);
    expect(
      events.map(({ type, data: { credential, access } }) => [type.slice(10), credential, access]),
    ).toEqual([
      [
        'access.granted',
        { format: 'wiegand26', erased: true },
        { door: 'in', decision: 'granted', direction: 'in' },
      ],
      [
        'access.granted',
        { format: 'wiegand26', facility: 1, number: '1' },
        expect.objectContaining({ holder: 't-1' }),
      ],
      ['access.pickup', expect.anything(), expect.objectContaining({ holder: 'g-1', children: ['c-1'] })],
      ['visitor.expected', undefined, undefined],
    ]);
    await close();
    // Not in any page of the file, used or free, nor in its WAL. The list of cards still has its card.
    for (const name of readdirSync(directory)) {
      const bytes = readFileSync(join(directory, name));
      expect([name, bytes.includes('王芳-名'), bytes.toString('latin1').split('ZHAO-5').length]).toEqual([
        name,
        false,
        name === 'journal.sqlite' ? 2 : 1,
      ]);
    }
  });
});
