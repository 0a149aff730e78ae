import { describe, expect, it } from 'vitest';
import { cards, gate } from './gate.ts';

describe('cards that a platform sends', () => {
  it('count at once, come in steps, and are there after a restart', async () => {
    const first = await gate();
    expect(await first.show('r0', '1')).toMatchObject({ type: 'unknown' });
    expect(await first.command('credentials', { version: 1, put: cards.slice(0, 2) })).toEqual({
      done: true,
      result: { version: 1, credentials: 2 },
    });
    expect(await first.show('r0', '1')).toMatchObject({ type: 'granted', holder: 't-1' });
    const step = { base: 1, version: 2, put: cards.slice(2), remove: [{ number: '1', facility: 1 }] };
    expect(await first.command('credentials', step)).toMatchObject({
      result: { version: 2, credentials: 3 },
    });
    expect(await first.show('r0', '1')).toMatchObject({ type: 'unknown' });
    await first.close();
    const second = await gate(first.directory);
    expect(second.access.credentials()).toEqual({ version: 2, count: 3 });
    expect(await second.show('r3', '4')).toMatchObject({ type: 'pickup', children: ['c-1', 'c-2'] });
    // The same step again, as after an answer that was lost: it says what is there.
    expect(await second.command('credentials', step)).toMatchObject({
      done: false,
      reason: 'the gateway has version 2',
      result: { version: 2 },
    });
    // From the beginning.
    expect(await second.command('credentials', { version: 9, put: cards.slice(0, 1) })).toMatchObject({
      result: { version: 9, credentials: 1 },
    });
    expect(await second.show('r0', '2')).toMatchObject({ type: 'unknown' });
  });

  it.each([
    [
      'a group that is not there',
      { version: 1, put: [{ number: '1', holder: 'x', groups: ['pupils'] }] },
      /no group pupils/,
    ],
    [
      'a day that is none',
      { version: 1, put: [{ number: '1', holder: 'x', validUntil: 'never' }] },
      /validUntil/,
    ],
    ['no version', { put: [] }, /version/],
    [
      'more than it can say',
      { version: 1, put: [{ number: '1', holder: 'x', name: 'Li' }] },
      /^arguments\.put\.0: 1 unrecognized/,
    ],
  ])('with %s change nothing', async (_name, wanted, reason) => {
    const { command, access } = await gate();
    await command('credentials', { version: 1, put: cards });
    expect(await command('credentials', { base: 1, ...wanted })).toMatchObject({
      done: false,
      reason: expect.stringMatching(reason),
    });
    expect(access.credentials()).toEqual({ version: 1, count: 4 });
  });

  it('that could not be read at the start are there once the journal is opened', async () => {
    const first = await gate();
    await first.command('credentials', { version: 1, put: cards });
    await first.close();
    let bad = true;
    const { access, show } = await gate(first.directory, (journal) => ({
      ...journal,
      credentials: (after, limit) =>
        bad ? Promise.reject(new Error('no disk')) : journal.credentials(after, limit),
    }));
    expect(await show('r0', '1')).toMatchObject({ type: 'unknown' });
    bad = false;
    await access.start();
    expect(access.credentials()).toEqual({ version: 1, count: 4 });
    expect(await show('r0', '1')).toMatchObject({ type: 'granted' });
    // And stay, where they cannot be read once more.
    bad = true;
    await access.start();
    expect(access.credentials()).toEqual({ version: 1, count: 4 });
  });

  it('come in one after the other with what is read from the disk: nothing is lost between', async () => {
    const { access, command } = await gate();
    await command('credentials', { version: 1, put: cards });
    await Promise.all([
      access.start(),
      command('credentials', {
        base: 1,
        version: 2,
        remove: cards.slice(0, 1).map(({ facility, number }) => ({ facility, number })),
      }),
    ]);
    expect(access.credentials()).toEqual({ version: 2, count: 3 });
  });
});
