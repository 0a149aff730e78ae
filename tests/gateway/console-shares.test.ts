/** Nobody keeps the others out of the console: of sessions, of lines that stay open, of the search. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSearch, type SearchError } from '../../gateway/console/search/index.ts';
import { createShares } from '../../gateway/console/shares.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { startConsole } from './a-console.ts';
import { bearerOf, browserAt, codeOf, schoolConsole, settle } from './console-people.ts';

describe('lines that stay open', () => {
  const shared = (most: number) => {
    const shares = createShares(most);
    const ended: string[] = [];
    const take = (owner: string, name: string) => shares.take(owner, () => void ended.push(name));
    return { take, ended };
  };

  it('are taken, where none is free, from who has most, the oldest first', () => {
    const { take, ended } = shared(4);
    for (const name of ['a1', 'a2', 'a3', 'a4']) expect(take('a', name)).toBeDefined();
    expect(take('a', 'a5')).toBeUndefined();
    expect(take('b', 'b1')).toBeDefined();
    expect(take('b', 'b2')).toBeDefined();
    expect(ended).toEqual(['a1', 'a2']);
    // Two each: neither takes any from the other, and a third gets one.
    expect([take('a', 'a5'), take('b', 'b3')]).toEqual([undefined, undefined]);
    expect(take('c', 'c1')).toBeDefined();
    expect(ended).toEqual(['a1', 'a2', 'a3']);
  });

  it('are free again when they are given back, once', () => {
    const { take, ended } = shared(2);
    const giveBack = take('a', 'a1');
    take('a', 'a2');
    giveBack?.();
    giveBack?.();
    expect([take('a', 'a3') !== undefined, take('a', 'a4')]).toEqual([true, undefined]);
    expect(ended).toEqual([]);
  });

  it.each([
    ['/api/stream', 200],
    ['/api/gate/gate', 100],
  ])('of %s are not all one user’s', async (path, most) => {
    const one = await schoolConsole();
    const [wang, li] = [await one.loggedIn('wang'), await one.loggedIn('li')];
    const open: Response[] = [];
    for (let i = 0; i < most; i++) open.push(await wang.ask(path));
    expect(open.every(({ status }) => status === 200)).toBe(true);
    expect(await codeOf(wang.ask(path))).toBe(503);
    const own = await li.ask(path);
    expect(own.status).toBe(200);
    // The oldest of who had all ended, and comes back for none of hers.
    await expect(open[0]?.text()).rejects.toThrow();
    expect(await codeOf(wang.ask(path))).toBe(503);
    await Promise.all([own, ...open.slice(1)].map(({ body }) => body?.cancel()));
  });
});

describe('sessions', () => {
  it('of one screen’s token end those of no other', async () => {
    const dataDir = temporaryDirectory();
    const screens = ['north', 'south'].map((label) => ({ label, role: 'screen' as const }));
    await settle(dataDir, [{ name: 'li', role: 'administrator' }], screens);
    const { base } = await startConsole({}, {}, true, dataDir);
    const loggedIn = async (label: string) => {
      const browser = browserAt(base);
      expect(await codeOf(browser.post('/login', { token: bearerOf(label) }))).toBe(200);
      return browser;
    };
    const south = await loggedIn('south');
    const [first, second] = [await loggedIn('north'), await loggedIn('north')];
    for (let i = 0; i < 99; i++) await loggedIn('north');
    const mayAsk = async (browser: typeof south) => {
      const { status, body } = await browser.ask('/api/gate/gate');
      await body?.cancel();
      return status;
    };
    expect([await mayAsk(first), await mayAsk(second), await mayAsk(south)]).toEqual([401, 200, 200]);
  });
});

describe('a question about events', () => {
  it('is answered although somebody else asks without end', async () => {
    const directory = temporaryDirectory();
    const time = manualClock(Date.UTC(2026, 10, 1));
    const journal = await openHere(directory, { time });
    onTestFinished(() => journal.close());
    const search = createSearch({ directory, lowDisk: 0, journal, time, log: silentLog });
    onTestFinished(() => search[Symbol.asyncDispose]());
    const codeOf = (asked: Promise<unknown>) =>
      asked.then(
        () => 'answered',
        (error: SearchError) => error.code,
      );
    const find = (asker: string) => codeOf(search.find({ mayNamePersons: false, limit: 5 }, asker));
    const many = Array.from({ length: 90 }, () => find('viewer'));
    const more = [codeOf(search.life(1, 'viewer')), codeOf(search.sequenceOf('id', 'viewer'))];
    expect(await find('guard')).toBe('answered');
    const told = await Promise.all(many);
    // One is asked, eight wait.
    expect(told.filter((one) => one === 'answered').length).toBe(9);
    expect(told.filter((one) => one === 'E_SEARCH_BUSY').length).toBe(81);
    expect(await Promise.all(more)).toEqual(['E_SEARCH_BUSY', 'E_SEARCH_BUSY']);
    expect(await find('viewer')).toBe('answered');
  });
});
