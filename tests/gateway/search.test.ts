/** The search of events: what is found by what, in which order, and what is not found any more. */
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EventType } from '../../config/catalogue/events.ts';
import { createFinder, type Finder, type Query } from '../../gateway/console/search/finder.ts';
import { createSearch, type SearchError } from '../../gateway/console/search/index.ts';
import { indexFileOf } from '../../gateway/console/search/index-file.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { eventually, silentLog, temporaryDirectory } from '../helpers.ts';

const T0 = Date.UTC(2026, 10, 1);
const MINUTE = 60_000;

interface Told {
  readonly type?: EventType;
  readonly device?: string;
  readonly at?: number;
  readonly id?: string;
  readonly subject?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A journal, and a finder beside it in this thread. `tell` puts an event on its disk, and gives its number. */
async function campus(lowDisk = 0) {
  const directory = temporaryDirectory();
  const time = manualClock(T0);
  const journal = await openHere(directory, { time });
  onTestFinished(() => journal.close());
  let count = 0;
  const entryOf = ({
    type = 'video.motion',
    device = 'cam-1',
    at = T0 + count * MINUTE,
    id,
    subject,
    data,
  }: Told) => {
    const own = id ?? `id-${++count}`;
    const event = {
      id: own,
      type: `cn.campus.${type}`,
      time: new Date(at).toISOString(),
      subject,
      data: { device: { id: device }, ...data },
    };
    return { id: own, lane: 'normal' as const, seenAt: T0, type, device, body: JSON.stringify(event) };
  };
  const tell = async (told: Told = {}) => (await journal.append(entryOf(told))).sequence;
  const finder = finderOf(directory, lowDisk);
  return { directory, journal, finder, tell, time };
}

function finderOf(directory: string, lowDisk = 0): Finder {
  const finder = createFinder({ directory, lowDisk });
  onTestFinished(finder.close);
  return finder;
}

const found = (finder: Finder, query: Partial<Query> = {}) =>
  finder.find({ mayNamePersons: false, limit: 50, ...query }).events.map(({ sequence }) => sequence);

describe('what is found', () => {
  it('is what was stored a moment ago, the newest first by when it happened', async () => {
    const { finder, tell } = await campus();
    const [noon, morning, evening] = [
      await tell({ at: T0 + 720 * MINUTE }),
      await tell({ at: T0 + 480 * MINUTE }),
      await tell({ at: T0 + 1200 * MINUTE }),
    ];
    expect(found(finder)).toEqual([evening, noon, morning]);
    const late = await tell({ at: T0 + 500 * MINUTE });
    expect(found(finder)).toEqual([evening, noon, late, morning]);
  });

  it('is of a type, a device, a place, a kind and a time, all at once', async () => {
    const { finder, tell } = await campus();
    const alarm = {
      type: 'alarm.raised',
      data: { kind: 'fire', zone: { number: 3, id: 'hall', name: '教学楼3层' } },
    } as const;
    const own = await tell({ ...alarm, device: 'panel', subject: 'hall' });
    const elsewhere = await tell({ ...alarm, device: 'other' });
    const later = await tell({ ...alarm, device: 'panel', at: T0 + 99 * MINUTE });
    await tell({ device: 'panel' });
    expect(found(finder, { types: ['alarm.raised'] })).toEqual([later, elsewhere, own]);
    expect(
      found(finder, {
        types: ['alarm.raised'],
        device: 'panel',
        place: 'hall',
        kind: 'fire',
        to: T0 + 50 * MINUTE,
      }),
    ).toEqual([own]);
    expect(found(finder, { device: 'panel', place: '3', from: T0 + 50 * MINUTE })).toEqual([later]);
    expect(found(finder, { kind: 'panic' })).toEqual([]);
    expect(found(finder, { types: [] })).toEqual([]);
  });

  it('is what was typed: words of Chinese by any part, others by their beginning, each piece of it', async () => {
    const { finder, tell } = await campus();
    const hall = await tell({ data: { zone: { number: 1, name: '教学楼3层走廊' } } });
    const gate = await tell({
      data: { device: { id: 'cam-1', name: '北门 Reader' }, text: 'Ünlocked by force' },
    });
    const fire = await tell({ type: 'alarm.raised', data: { kind: 'fire' } });
    const text = (typed: string) => found(finder, { text: typed });
    expect(text('学楼')).toEqual([hall]);
    expect(text('走廊 教学')).toEqual([hall]);
    expect(text('廊走')).toEqual([]);
    expect(text('３层')).toEqual([hall]);
    expect(text('读 ')).toEqual([]);
    expect(text('北门 read')).toEqual([gate]);
    expect(text('unlock')).toEqual([gate]);
    expect(text('locked')).toEqual([]);
    expect(text('火警')).toEqual([fire]);
    expect(text('alarm.raised')).toEqual([fire]);
    expect(text('报警')).toEqual([fire]);
    expect(text('cam-1')).toEqual([fire, gate, hall]);
  });

  it('names persons only where the question may', async () => {
    const { finder, tell } = await campus();
    const card = await tell({
      type: 'access.granted',
      data: {
        credential: { format: 'wiegand26', facility: 12, number: '004711' },
        access: { door: 'gate', decision: 'granted', holder: 's-7' },
      },
    });
    const visit = await tell({
      type: 'visitor.arrived',
      data: { visit: { id: 'v-1', stage: 'arrived', name: '王小明', host: '李老师' } },
    });
    const pickup = await tell({
      type: 'access.pickup',
      data: { access: { door: 'gate', decision: 'granted', holder: 'g-1', children: ['c-1', 'c-2'] } },
    });
    for (const text of ['004711', 's-7', '王小明', '李老师', 'c-2'])
      expect([text, found(finder, { text })]).toEqual([text, []]);
    expect(found(finder, { text: '小明', mayNamePersons: true })).toEqual([visit]);
    const person = (text: string, ids: readonly string[] = []) => found(finder, { person: { text, ids } });
    for (const text of ['004711', '4711', 's-7']) expect([text, person(text)]).toEqual([text, [card]]);
    expect(person('c-2')).toEqual([pickup]);
    expect(person('李老师')).toEqual([visit]);
    expect(person('陈静', ['s-7', 'c-1'])).toEqual([pickup, card]);
    expect(person('nobody')).toEqual([]);
  });
});

describe('a page', () => {
  it('takes what was typed for words, and not for a question in a language', async () => {
    const { finder, tell } = await campus();
    await tell();
    for (const text of [
      '"',
      'a" OR tags : x',
      '*',
      'NEAR(',
      '(',
      "'; DROP TABLE entry",
      '\0',
      '-',
      '{words',
      '^x',
      '北"',
    ]) {
      expect([text, found(finder, { text })]).toEqual([text, []]);
      expect([text, found(finder, { person: { text, ids: [] } })]).toEqual([text, []]);
    }
    expect(found(finder)).toHaveLength(1);
  });

  it('is followed by the next one, and nothing comes twice or is left out while more is stored', async () => {
    const { finder, tell } = await campus();
    const all: number[] = [];
    // Many of one moment: their numbers tell them apart.
    for (let i = 0; i < 60; i++) all.unshift(await tell({ at: T0 + Math.floor(i / 20) * MINUTE }));
    const pages: number[] = [];
    let before: number | undefined;
    do {
      const { events, next } = finder.find({ mayNamePersons: false, limit: 17, before });
      pages.push(...events.map(({ sequence }) => sequence));
      before = next;
      await tell({ at: T0 + 500 * MINUTE });
    } while (before !== undefined);
    expect(pages).toEqual(all);
  });

  it('has room for thousands in one millisecond, each once', async () => {
    const { finder, journal } = await campus();
    const body = (id: string) => JSON.stringify({ id, time: new Date(T0).toISOString(), data: {} });
    await Promise.all(
      Array.from({ length: 5000 }, (_, i) =>
        journal.append({
          id: `i${i}`,
          lane: 'normal',
          seenAt: T0,
          type: 'video.motion',
          device: 'd',
          body: body(`i${i}`),
        }),
      ),
    );
    // Nobody waits for so many.
    expect(finder.find({ mayNamePersons: false, limit: 1 })).toMatchObject({ events: [], behind: 5000 });
    while (finder.step());
    expect(finder.state()).toEqual({ events: 5000, behind: 0 });
    expect(new Set(found(finder, { limit: 6000 })).size).toBe(5000);
    // They lie within a moment.
    expect(found(finder, { from: T0, to: T0 + 100, limit: 6000 })).toHaveLength(5000);
  });

  it('is found by what cannot be read of it any more, too', async () => {
    const { finder, journal } = await campus();
    await journal.append({
      id: 'x',
      lane: 'normal',
      seenAt: T0 + MINUTE,
      type: 'video.motion',
      device: 'cam',
      body: '{"torn',
    });
    expect(
      found(finder, { types: ['video.motion'], device: 'cam', from: T0, to: T0 + 2 * MINUTE }),
    ).toHaveLength(1);
  });
});

describe('the life of an event', () => {
  it('tells when each platform had it, what is refused, and what was said of it later', async () => {
    const { finder, journal, tell, time } = await campus();
    const alarm = await tell({ type: 'alarm.raised', id: 'a-1', data: { kind: 'fire' } });
    await tell({ type: 'alarm.acknowledged', data: { acknowledged: { event: 'a-1', by: '王' } } });
    await tell({ type: 'media.kept', data: { event: 'a-1', picture: 'p' } });
    await tell({ type: 'alarm.closed', data: { closed: { event: 'another' } } });
    journal.advance('city', 'normal', { sequence: alarm, sent: alarm });
    journal.mark('city', 'normal', 'broker', alarm);
    journal.hold({
      uplink: 'bureau',
      topic: 't',
      lane: 1,
      first: alarm,
      last: alarm,
      reason: 'not authorised',
      since: T0,
    });
    await time.advance(1000);
    const sequence = finder.sequenceOf('a-1');
    expect(sequence).toBe(alarm);
    const life = finder.life(sequence ?? 0);
    expect(life).toMatchObject({
      sequence: alarm,
      seenAt: T0,
      storedAt: T0,
      reached: [{ uplink: 'city', stage: 'broker' }],
      cursors: [{ uplink: 'city', sequence: alarm }],
      held: [{ uplink: 'bureau', reason: 'not authorised', since: T0 }],
    });
    expect(life?.later.map(({ type }) => type)).toEqual(['alarm.acknowledged', 'media.kept']);
    expect([finder.life(99), finder.sequenceOf('nobody')]).toEqual([undefined, undefined]);
  });
});

describe('the index', () => {
  it('goes on where it was over a restart, and is made anew where it is damaged or of another journal', async () => {
    const { directory, finder, tell } = await campus();
    for (let i = 0; i < 5; i++) await tell();
    expect(found(finder)).toHaveLength(5);
    finder.close();
    const again = finderOf(directory);
    expect(again.state()).toEqual({ events: 5, behind: 0 });
    again.close();
    writeFileSync(indexFileOf(directory), 'x'.repeat(100_000));
    const third = finderOf(directory);
    expect(found(third)).toHaveLength(5);
    third.close();

    const other = await campus();
    await other.tell({ id: 'of another' });
    for (const end of ['', '-wal', '-shm'])
      if (existsSync(indexFileOf(directory) + end))
        copyFileSync(indexFileOf(directory) + end, indexFileOf(other.directory) + end);
    expect(found(other.finder)).toHaveLength(1);
  });

  it('is for the eyes of the gateway alone', async () => {
    const { directory, finder, tell } = await campus();
    await tell();
    found(finder);
    for (const end of ['', '-wal', '-shm'])
      expect(statSync(indexFileOf(directory) + end).mode & 0o077).toBe(0);
  });

  it('passes over what retention removed, and lets go of it', async () => {
    const { finder, journal, tell, time } = await campus();
    for (let i = 0; i < 30; i++) await tell();
    expect(found(finder)).toHaveLength(30);
    const removed = await journal.remove({
      lane: 'normal',
      after: 0,
      upTo: 20,
      limit: 100,
      before: { video: time.wall() + 1 },
      uplinks: [],
    });
    expect(removed.events).toBe(20);
    expect(found(finder, { limit: 5, to: T0 + 8 * MINUTE })).toEqual([]);
    finder.beginSweep();
    while (finder.step());
    expect(finder.state()).toEqual({ events: 10, behind: 0 });
    expect(found(finder)).toHaveLength(10);
  });

  it('forgets who was erased from the journal, and no file of it names them', async () => {
    const { directory, finder, journal, tell } = await campus();
    const visit = { id: 'v-1', stage: 'arrived', name: 'Rumpelstilz' };
    await tell({ type: 'visitor.arrived', data: { visit } });
    await tell();
    expect(found(finder, { person: { text: 'rumpelstilz', ids: [] } })).toHaveLength(1);
    expect(bytesOf(directory)).toContain('rumpelstil');
    await journal.erase({ visit: 'v-1' });
    await journal.audit(T0, JSON.stringify({ kind: 'outcome', action: 'erase', done: true }));
    expect(found(finder, { person: { text: 'rumpelstilz', ids: [] } })).toEqual([]);
    expect(found(finder)).toHaveLength(2);
    finder.close();
    expect(bytesOf(directory).toLowerCase()).not.toContain('rumpelstil');
  });

  it('leaves the disk to the journal where little is free, and says how much it has not seen', async () => {
    const { finder, tell } = await campus(Number.MAX_SAFE_INTEGER);
    await tell();
    expect(finder.find({ mayNamePersons: false, limit: 5 })).toEqual({
      events: [],
      next: undefined,
      behind: 1,
    });
  });
});

const bytesOf = (directory: string) =>
  ['', '-wal']
    .map((end) =>
      existsSync(indexFileOf(directory) + end) ? readFileSync(indexFileOf(directory) + end, 'latin1') : '',
    )
    .join('');

describe('the thread of the search', () => {
  const threaded = async () => {
    const { directory, journal, tell } = await campus();
    const time = manualClock(T0);
    const search = createSearch({ directory, lowDisk: 0, journal, time, log: silentLog });
    onTestFinished(() => search[Symbol.asyncDispose]());
    return { directory, journal, tell, time, search };
  };

  it('answers, follows the journal by itself, and says why it cannot', async () => {
    const { directory, tell, time, search } = await threaded();
    search.start();
    await tell({ type: 'alarm.raised' });
    expect((await search.find({ mayNamePersons: false, limit: 5 })).events).toHaveLength(1);
    for (let i = 0; i < 3; i++) await tell();
    await eventually(async () => {
      await time.advance(1000);
      expect(await search.state()).toEqual({ events: 4, behind: 0 });
    });
    rmSync(`${directory}/journal.sqlite`);
    await expect(search.find({ mayNamePersons: false, limit: 5 })).rejects.toMatchObject({
      code: 'E_SEARCH_JOURNAL',
    });
  });

  it('takes so many questions and no more, and none once it is closed', async () => {
    const { search } = await threaded();
    const asked = Array.from({ length: 100 }, () =>
      search.state().then(
        () => 'answered',
        (error: SearchError) => error.code,
      ),
    );
    const told = await Promise.all(asked);
    expect(told.filter((one) => one === 'E_SEARCH_BUSY').length).toBe(35);
    expect(told.filter((one) => one === 'answered').length).toBe(65);
    await search[Symbol.asyncDispose]();
    await expect(search.state()).rejects.toMatchObject({ code: 'E_SEARCH_ENDED' });
  });

  it('is ended where it does not answer in time, and the next question gets another', async () => {
    const { search, time, tell } = await threaded();
    await tell();
    const late = expect(search.find({ mayNamePersons: false, limit: 5 })).rejects.toMatchObject({
      code: 'E_SEARCH_LATE',
    });
    await time.advance(20_000);
    await late;
    expect((await search.find({ mayNamePersons: false, limit: 5 })).events).toHaveLength(1);
  });
});
