import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Backing } from '../../gateway/journal/backing.ts';
import type { NewEntry } from '../../gateway/journal/batch.ts';
import { type AppendRequest, createJournal, type Journal } from '../../gateway/journal/index.ts';
import { journalThread } from '../../gateway/journal/thread.ts';
import { createDisk, type DiskFault, type DiskOptions, type DiskStep } from '../backing.ts';
import { type ManualClock, manualClock } from '../clocks.ts';
import { runs } from '../fuzz.ts';
import { temporaryDirectory } from '../helpers.ts';

const newEntry = (id: string, more: Partial<NewEntry> = {}): NewEntry => ({
  id,
  lane: 0,
  seenAt: 1,
  type: 'alarm.raised',
  device: 'd',
  body: '{}',
  ...more,
});
const changes = (...entries: NewEntry[]) => ({ entries, cursors: [], marks: [], held: [] });
const alarm = (id: string, more: Partial<AppendRequest> = {}): AppendRequest => {
  const { lane: _lane, ...rest } = newEntry(id);
  return { ...rest, lane: 'urgent', ...more };
};

/** A disk and a clock that stands still; what goes wrong is set by the test. */
function rig(options: Pick<DiskOptions, 'directory'> = {}) {
  const time = manualClock();
  const wrong: { fault: DiskOptions['fault']; hold: DiskOptions['hold'] } = {
    fault: undefined,
    hold: undefined,
  };
  const disk = createDisk({
    ...options,
    time,
    fault: (step) => wrong.fault?.(step),
    hold: (name) => wrong.hold?.(name),
  });
  onTestFinished(() => disk.close());
  const start = async (): Promise<Journal> => {
    const journal = createJournal(disk.attach(), { time });
    await journal.start();
    return journal;
  };
  return { time, disk, wrong, start };
}
/** The first time that this step is taken. */
const once = (step: DiskStep, fault: DiskFault) => {
  let done = false;
  return (taken: DiskStep) => {
    if (done || taken !== step) return undefined;
    done = true;
    return fault;
  };
};
const settled = async (time: ManualClock, promise: Promise<unknown>) => {
  let is = 'open';
  promise.then(
    () => {
      is = 'resolved';
    },
    () => {
      is = 'rejected';
    },
  );
  await time.advance(0);
  return is;
};

describe.each<[string, () => Backing]>([
  ['of a thread', () => journalThread(temporaryDirectory())],
  ['in memory', () => createDisk({ time: systemClock }).attach()],
  ['in a folder', () => createDisk({ time: systemClock, directory: temporaryDirectory() }).attach()],
])('a backing %s', (_where, make) => {
  it('tells of its file, then answers in turn, and after its end no more', async () => {
    const backing = make();
    const heard: unknown[] = [];
    await backing.open({
      opened: ({ lasts, missing }) => heard.push({ lasts, missing }),
      unopened: (failure) => heard.push(failure),
    });
    expect(heard).toEqual([{ lasts: [0, 0, 0], missing: 0 }]);
    const repeat = { key: 'k', within: 10 };
    const [committed, entries, none, version] = await Promise.all([
      backing.ask(
        'commit',
        changes(
          newEntry('a', { repeat }),
          newEntry('half', { seenAt: 0.5 }),
          newEntry('again', { repeat, seenAt: 2 }),
        ),
      ),
      backing.ask('read', 0, 0, 9),
      backing.ask('command', 'nobody', 'x'),
      backing.ask('credentialsVersion'),
    ]);
    expect(committed).toEqual({
      entries: [
        { sequence: 1, id: 'a', repeated: false },
        { refused: expect.stringContaining('seen_at') },
        { sequence: 1, id: 'a', repeated: true },
      ],
      refused: [],
    });
    expect(entries).toMatchObject([{ sequence: 1, id: 'a', seenAt: 1 }]);
    expect([none, version]).toEqual([undefined, 0]);
    await backing.close();
    await backing.end();
    expect(await Promise.race([backing.failed, 'alive'])).toBe('alive');
  });

  it('rejects what is not answered at its end', async () => {
    const backing = make();
    await backing.open({ opened() {}, unopened() {} });
    const late = backing.ask('usage');
    await Promise.all([expect(late).rejects.toMatchObject({ code: 'E_JOURNAL_WRITE' }), backing.end()]);
  });
});

describe('group commit', () => {
  it('puts what is appended in one breath, and where an uplink stands by then, into one; what comes later into the next', async () => {
    const { time, wrong, start } = rig();
    const journal = await start();
    const commits: string[] = [];
    const disk = Promise.withResolvers<void>();
    wrong.hold = (name) => {
      commits.push(name);
      return disk.promise;
    };
    journal.advance('police', 'urgent', { sequence: 1, sent: 1 });
    const first = ['a', 'b', 'c'].map((id) => journal.append(alarm(id)));
    await time.advance(0);
    const later = ['d', 'e'].map((id) => journal.append(alarm(id)));
    await time.advance(250);
    expect(commits).toEqual(['commit']);
    disk.resolve();
    const numbers = (await Promise.all([...first, ...later])).map(({ sequence }) => sequence);
    expect(numbers).toEqual([1, 2, 3, 4, 5]);
    expect(commits).toEqual(['commit', 'commit']);
  });
});

describe('a crash', () => {
  it.each([
    ['before the commit', 'before', []],
    ['after the commit, before the answer', 'after', ['a']],
  ] as const)(
    '%s leaves its sender without an answer; sent again, the event is there once',
    async (_when, crash, left) => {
      const { time, disk, wrong, start } = rig();
      const before = await start();
      wrong.fault = once('commit', { crash });
      const repeat = { key: 'panel/1', within: 60_000 };
      expect(await settled(time, before.append(alarm('a', { repeat })))).toBe('open');
      expect(disk.events().map(({ id }) => id)).toEqual(left);
      const after = await start();
      const appended = await after.append(alarm('b', { repeat }));
      expect(appended).toEqual({ sequence: 1, id: left[0] ?? 'b', repeated: left.length > 0 });
      expect(disk.events()).toHaveLength(1);
      expect(await after.read('urgent', 0, 9)).toHaveLength(1);
    },
  );

  it('loses cursors that were not written yet, and none that were', async () => {
    const { time, disk, start } = rig();
    const before = await start();
    before.advance('police', 'urgent', { sequence: 1, sent: 1 });
    await time.advance(200);
    before.advance('police', 'urgent', { sequence: 2, sent: 2 });
    await time.advance(199);
    disk.crash();
    expect((await start()).position('police', 'urgent')).toEqual({ sequence: 1, sent: 1 });
  });

  it('while the disk hangs carries out nothing of what waited', async () => {
    const { time, disk, wrong, start } = rig();
    const journal = await start();
    const hanging = Promise.withResolvers<void>();
    wrong.hold = () => hanging.promise;
    const alarms = [journal.append(alarm('a')), journal.append(alarm('b'))];
    await time.advance(10_000);
    disk.crash();
    hanging.resolve();
    wrong.hold = undefined;
    expect(await Promise.all(alarms.map((one) => settled(time, one)))).toEqual(['open', 'open']);
    expect(disk.events()).toEqual([]);
    await (await start()).append(alarm('c'));
  });
});

describe('a disk that fails', () => {
  it('and kept what it refused is opened anew, and the event is there once, acknowledged', async () => {
    const { disk, wrong, start } = rig();
    const journal = await start();
    await journal.append(alarm('first'));
    wrong.fault = once('commit', { error: 'SQLITE_IOERR_FSYNC', kept: true });
    expect(await journal.append(alarm('a'))).toEqual({ sequence: 2, id: 'a', repeated: true });
    expect(disk.events().map(({ id }) => id)).toEqual(['first', 'a']);
    expect((await journal.read('urgent', 0, 9)).map(({ id }) => id)).toEqual(['first', 'a']);
  });

  it('twice is still known to have kept what nobody was told of; asked again it is there once', async () => {
    const { time, disk, wrong, start } = rig();
    const journal = await start();
    let steps: (DiskFault | undefined)[] = [
      { error: 'SQLITE_IOERR_FSYNC', kept: true },
      { error: 'SQLITE_CANTOPEN' },
    ];
    wrong.fault = () => steps.shift();
    await expect(journal.append(alarm('a'))).rejects.toThrow();
    await time.advance(1000);
    await journal.append(alarm('b'));
    steps = [{ error: 'SQLITE_IOERR_WRITE' }];
    await journal.append(alarm('c'));
    expect(await journal.append(alarm('a'))).toEqual({ sequence: 1, id: 'a', repeated: true });
    expect(disk.events().map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('and is full refuses a batch; what came meanwhile is tried at once', async () => {
    const { time, wrong, start } = rig();
    const journal = await start();
    const slow = Promise.withResolvers<void>();
    wrong.hold = () => slow.promise;
    wrong.fault = once('commit', { error: 'SQLITE_FULL' });
    const first = journal.append(alarm('a'));
    const [refused] = [expect(first).rejects.toMatchObject({ code: 'SQLITE_FULL' }), await time.advance(50)];
    const second = journal.append(alarm('b'));
    slow.resolve();
    await refused;
    expect(await settled(time, second)).toBe('resolved');
  });

  it('is tried each second by the clock; what reads meanwhile is refused, what it had is there again', async () => {
    const { time, wrong, start } = rig();
    const journal = await start();
    await journal.append(alarm('a'));
    wrong.fault = () => ({ error: 'SQLITE_IOERR_WRITE' });
    await expect(journal.append(alarm('b'))).rejects.toMatchObject({ code: 'SQLITE_IOERR_WRITE' });
    expect(journal.condition).toMatchObject({ good: false, code: 'SQLITE_IOERR_WRITE', since: time.wall() });
    await expect(journal.states()).rejects.toThrow();
    await time.advance(5000);
    wrong.fault = undefined;
    // Not before the next second.
    await expect(journal.append(alarm('c'))).rejects.toThrow();
    await time.advance(1000);
    expect(journal.condition).toEqual({ good: true });
    expect(await journal.append(alarm('d'))).toMatchObject({ sequence: 2 });
    // No trial goes on.
    expect(time.pending).toBe(0);
  });

  it('at the start is tried until it can; a reader then hears that its file is open', async () => {
    const { time, wrong, start } = rig();
    wrong.fault = (step) => (step === 'open' ? { error: 'SQLITE_CANTOPEN' } : undefined);
    const journal = await start();
    const heard: number[] = [];
    journal.onOpened(({ lasts }) => heard.push(lasts.length));
    expect([journal.opened, journal.condition.good]).toEqual([undefined, false]);
    await time.advance(3000);
    wrong.fault = undefined;
    await time.advance(1000);
    expect([heard, journal.condition.good]).toEqual([[3], true]);
  });

  it('and hangs keeps a clean end for no longer than 5 s', async () => {
    const { time, disk, wrong, start } = rig();
    const journal = await start();
    wrong.hold = () => new Promise(() => {});
    const append = journal.append(alarm('a'));
    append.catch(() => {});
    const end = journal.close();
    await time.advance(4999);
    expect(await settled(time, end)).toBe('open');
    await time.advance(1);
    expect(await settled(time, end)).toBe('resolved');
    await expect(append).rejects.toMatchObject({ code: 'E_JOURNAL_WRITE' });
    expect(disk.events()).toEqual([]);
  });
});

/** What befalls a step, and how often of ten. */
const faults = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<DiskFault | undefined>(undefined) },
    {
      weight: 4,
      arbitrary: fc.constantFrom<DiskFault>(
        { crash: 'before' },
        { crash: 'after' },
        { error: 'SQLITE_FULL' },
        { error: 'SQLITE_IOERR_WRITE' },
        { error: 'SQLITE_IOERR_FSYNC', kept: true },
      ),
    },
  ),
  { maxLength: 40 },
);

/**
 * Senders on a disk that suffers the schedule: each sends the same until it hears that it was taken, as panels do, and
 * a gateway that crashed is started again after a second. Gives what they heard, by what they sent.
 */
async function sendAll(schedule: readonly (DiskFault | undefined)[], place: { readonly directory?: string }) {
  const { time, disk, wrong, start } = rig(place);
  const left = [...schedule];
  const told = new Map<string, { readonly sequence: number; readonly id: string }>();
  let journal = await start();
  wrong.fault = () => left.shift();
  let tries = 0;
  const send = async (key: string) => {
    const repeat = { key, within: Number.MAX_SAFE_INTEGER };
    while (!told.has(key)) {
      const appending = journal.append(alarm(`id-${++tries}`, { repeat, seenAt: tries }));
      const answer = await Promise.race([appending.catch(() => undefined), time.wait(3000)]);
      if (typeof answer === 'object') told.set(key, answer);
      else await time.wait(500);
    }
  };
  const senders = ['a', 'b', 'c'].map(async (sender) => {
    for (let i = 0; i < 5; i++) await send(`${sender}${i}`);
  });
  const all = Promise.all(senders);
  let done = false;
  void all.then(() => {
    done = true;
  });
  while (!done) {
    await time.advance(1000);
    if (!disk.isFree()) continue;
    journal = createJournal(disk.attach(), { time });
    void journal.start();
  }
  return { told, disk, left };
}

describe('whatever a disk does', () => {
  it.each([
    ['in memory', () => ({}), runs(80)],
    ['in a folder', () => ({ directory: temporaryDirectory() }), runs(15)],
  ])('what was acknowledged is kept, and nothing twice: %s', async (_where, place, numRuns) => {
    await fc.assert(
      fc.asyncProperty(faults, async (schedule) => {
        const { told, disk } = await sendAll(schedule, place());
        const events = disk.events();
        disk.close();
        const kept = new Map(events.map(({ sequence, id }) => [sequence, id]));
        for (const { sequence, id } of told.values()) expect(kept.get(sequence)).toBe(id);
        expect([events.length, told.size]).toEqual([15, 15]);
        expect(new Set([...told.values()].map(({ sequence }) => sequence)).size).toBe(15);
      }),
      { numRuns },
    );
  });
});
