import { describe, expect, it, onTestFinished } from 'vitest';
import type { Observation } from '../../drivers/contract/observation.ts';
import { readAlarmHistory } from '../../gateway/console/alarm-history.ts';
import { createBoard } from '../../gateway/console/board.ts';
import { createJournal } from '../../gateway/journal/index.ts';
import { createDisk, type DiskFault, openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { campus, fire } from './a-board.ts';

const DAY = 86_400_000;

describe('an alarm on the board', () => {
  it('stands until it is restored and closed, whatever comes after it', async () => {
    const { say, closing, board, kinds } = await campus();
    await say(fire());
    await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        say({ device: 'panel', kind: 'power', state: i % 2 === 0 ? 'raised' : 'restored' }),
      ),
    );
    expect(kinds()).toEqual(['fire active']);
    expect(board.list().alarms[0]).toMatchObject({
      device: { id: 'panel', name: '周界报警主机' },
      zone: { name: '厨房烟感' },
      area: { id: 'canteen', name: '食堂' },
      cameras: [{ id: 'yard', name: '操场' }],
      closes: true,
    });
    await say(fire('restored'));
    expect(kinds()).toEqual(['fire']);
    await closing();
    expect(kinds()).toEqual([]);
    expect(board.list().finished).toMatchObject([
      { kind: 'fire', raising: { closed: { by: '王老师', via: 'police', reason: 'real', note: '油烟' } } },
    ]);
  });

  it('that is closed while it is active stands until it is restored', async () => {
    const { say, closing, kinds } = await campus();
    await say(fire());
    await closing();
    expect(kinds()).toEqual(['fire active']);
    await say(fire('restored'));
    expect(kinds()).toEqual([]);
  });

  it('that nothing restores, as of a panic button, stands until it is closed', async () => {
    const { say, closing, kinds } = await campus();
    await say({ device: 'panel', kind: 'panic', state: 'raised', momentary: true });
    expect(kinds()).toEqual(['panic']);
    await closing();
    expect(kinds()).toEqual([]);
  });

  it('says who took it, who confirmed it, and that a user of the panel cancelled it', async () => {
    const { say, acknowledge, board, recorder, last, stored } = await campus();
    await say(fire());
    await acknowledge();
    await recorder.recordFollowUp(last('alarm.raised'), 'alarm.confirmed', {
      event: last('alarm.raised').id,
      by: 'x',
    });
    await say(fire('restored', { cancelled: true }));
    const at = stored[0]?.time;
    expect(board.list().alarms[0]?.raisings).toMatchObject([
      {
        acknowledged: { by: '李明', via: 'console', at },
        confirmed: { at },
        ended: { how: 'cancelled', at },
      },
    ]);
    expect(board.list().unacknowledged).toBe(0);
  });

  it('is one with what the same thing raised before, each to be closed', async () => {
    const { say, closing, board, last } = await campus();
    await say(fire());
    const first = last('alarm.raised');
    await say(fire('restored'));
    await say(fire());
    expect(board.list().alarms.map(({ raisings }) => raisings.map(({ id }) => id))).toEqual([
      [last('alarm.raised').id, first.id],
    ]);
    await closing(first);
    await say(fire('restored'));
    await closing();
    expect(board.list().alarms).toEqual([]);
  });
});

describe('on the board', () => {
  it('an alarm has its pictures and clips, and those of no other', async () => {
    const { say, board, recorder, last } = await campus();
    await say(fire('raised', { picture: 'a'.repeat(64) }));
    const clip = { device: 'yard', picture: 'b', contentType: 'video/mp4', bytes: 1, parts: 1 };
    await recorder.recordMedia({ ...clip, event: last('alarm.raised').id });
    await recorder.recordMedia({ ...clip, picture: 'c', event: 'another' });
    expect(board.list().alarms[0]?.raisings[0]?.pictures).toEqual([
      { reference: 'a'.repeat(64), contentType: 'image/jpeg', device: 'panel' },
      { reference: 'b', contentType: 'video/mp4', device: 'yard' },
    ]);
  });

  it('a door that was forced goes when it is shut: nobody can close it', async () => {
    const { say, board, kinds } = await campus();
    const door = { device: 'panel', kind: 'forced', details: { part: 'gate' } } as const;
    await say({ ...door, state: 'raised' });
    expect(board.list().alarms).toMatchObject([
      { kind: 'forced', part: 'gate', closes: false, active: true },
    ]);
    await say({ ...door, state: 'restored' });
    expect(kinds()).toEqual([]);
  });

  it('an alarm comes before what somebody took, and what a test caused comes last', async () => {
    const { say, acknowledge, board, time } = await campus();
    const tripped = (zone: number, more: Partial<Observation> = {}) =>
      say({ device: 'io', kind: 'intrusion', state: 'raised', zone: { number: zone }, ...more });
    await say(fire());
    await acknowledge();
    await tripped(1);
    await time.advance(1000);
    await say({ device: 'panel', kind: 'panic', state: 'raised', momentary: true });
    await time.advance(1000);
    await tripped(2);
    await time.advance(1000);
    await tripped(3, { test: 'walk-test' });
    expect(board.list().alarms.map(({ kind, zone }) => `${kind} ${zone?.number ?? ''}`)).toEqual([
      'intrusion 2',
      'panic ',
      'intrusion 1',
      'fire 6',
      'intrusion 3',
    ]);
    expect(board.list().unacknowledged).toBe(3);
    expect(board.glance()).toMatchObject({ standing: 4, unacknowledged: 3, first: { kind: 'intrusion' } });
  });
});

describe('a board that starts', () => {
  it('knows what stands from before, after any number of events, and what was done about it', async () => {
    const before = await campus();
    await before.say(fire());
    await before.acknowledge();
    await before.recorder.recordMedia({
      ...{ device: 'yard', picture: 'b', contentType: 'video/mp4', bytes: 1, parts: 1 },
      event: before.last('alarm.raised').id,
    });
    await before.say({ device: 'panel', kind: 'panic', state: 'raised', momentary: true });
    await before.say({ device: 'panel', kind: 'tamper', state: 'raised' });
    await before.say({ device: 'panel', kind: 'tamper', state: 'restored' });
    await before.closing();
    await Promise.all(
      Array.from({ length: 1500 }, (_, i) =>
        before.say({ device: 'panel', kind: 'power', state: i % 2 === 0 ? 'raised' : 'restored' }),
      ),
    );
    const told = before.board.list();
    await before.close();
    const after = await campus(before.directory);
    await after.ready();
    expect(after.kinds()).toEqual(['panic', 'fire active']);
    expect(after.board.list()).toEqual({ ...told, loading: false });
  });

  it('leaves out what was restored long ago and never closed, and keeps what is active since then', async () => {
    const before = await campus();
    await before.say(fire());
    await before.say({ device: 'panel', kind: 'gas', state: 'raised' });
    await before.say({ device: 'panel', kind: 'gas', state: 'restored' });
    await before.say({ device: 'gone', kind: 'water', state: 'raised' });
    await before.close();
    const after = await campus(before.directory, {}, openHere, manualClock(before.time.wall() + 31 * DAY));
    await after.say({ device: 'panel', kind: 'medical', state: 'raised', momentary: true });
    await after.ready();
    expect(after.kinds()).toEqual(['medical', 'fire active']);
  });

  it('shows what happens while it still reads, and misses nothing of it', async () => {
    const before = await campus();
    await before.say({ device: 'panel', kind: 'gas', state: 'raised' });
    await before.close();
    const read = Promise.withResolvers<void>();
    const after = await campus(before.directory, {
      readHistory: async (question) => {
        const history = await readAlarmHistory(question);
        await read.promise;
        return history;
      },
    });
    await expect.poll(() => after.recorder.states.size).toBe(1);
    await after.say(fire());
    expect([after.kinds(), after.board.list().loading]).toEqual([['fire active'], true]);
    await after.say({ device: 'panel', kind: 'gas', state: 'restored' });
    read.resolve();
    await after.ready();
    expect(after.kinds()).toEqual(['fire active', 'gas']);
  });

  it('tries again where the file cannot be read yet', async () => {
    let tries = 0;
    const { ready, time, say, kinds } = await campus(temporaryDirectory(), {
      readHistory: async (question) => {
        if (++tries === 1) throw new Error('SQLITE_CANTOPEN');
        return await readAlarmHistory(question);
      },
    });
    await say(fire());
    await time.advance(30_000);
    await ready();
    expect([tries, kinds()]).toEqual([2, ['fire active']]);
  });

  it('reads in a thread of its own', async () => {
    const before = await campus();
    await before.say(fire());
    await before.close();
    const { time } = before;
    const journal = await openHere(before.directory);
    onTestFinished(() => journal.close());
    const board = createBoard({
      dataDir: before.directory,
      recorder: {
        states: new Map(),
        unsaved: new Map(),
        onStored: () => () => {},
        onUnsaved: () => () => {},
      },
      places: { isKnown: () => true, areaOf: () => undefined, camerasOf: () => [] },
      ...{ time, log: silentLog },
    });
    board.start();
    onTestFinished(async () => await board[Symbol.asyncDispose]());
    await expect.poll(() => board.list().alarms.map(({ kind }) => kind)).toEqual(['fire']);
  });
});

describe('a board whose disk refuses', () => {
  it('shows an alarm at once, and gives it its number when the disk has it', async () => {
    let fault: DiskFault | undefined;
    const time = manualClock();
    const open = async (directory: string) => {
      const journal = createJournal(createDisk({ time, directory, fault: () => fault }).attach(), { time });
      await journal.start();
      return journal;
    };
    const { say, board, kinds } = await campus(temporaryDirectory(), {}, open, time);
    await expect.poll(() => board.list().loading).toBe(false);
    fault = { error: 'SQLITE_FULL' };
    await expect(say(fire())).rejects.toThrow();
    await expect(say({ device: 'panel', kind: 'tamper', state: 'raised' })).rejects.toThrow();
    await expect(say({ device: 'panel', kind: 'tamper', state: 'restored' })).rejects.toThrow();
    expect(kinds()).toEqual(['tamper', 'fire active']);
    expect(board.list().alarms[1]?.raisings[0]?.sequence).toBeNull();
    fault = undefined;
    await expect
      .poll(async () => {
        await time.advance(1000);
        return board.list().alarms[1]?.raisings[0]?.sequence;
      })
      .toBe('1');
    expect(kinds()).toEqual(['tamper', 'fire active']);
    expect(board.list().alarms.map(({ raisings }) => raisings.length)).toEqual([1, 1]);
  });
});

describe('a board that is flooded', () => {
  it('stays bounded, says how many more there are, and lets no panic go', async () => {
    const { say, board, closing, stored } = await campus();
    await expect.poll(() => board.list().loading).toBe(false);
    await say({ device: 'panel', kind: 'panic', state: 'raised', momentary: true });
    await Promise.all(
      Array.from({ length: 3000 }, (_, number) =>
        say({ device: 'io', kind: 'intrusion', state: 'raised', zone: { number } }),
      ),
    );
    const { alarms, more, unacknowledged } = board.list();
    expect([alarms.length, alarms.at(-1)?.kind]).toEqual([200, 'panic']);
    expect(alarms.length + more).toBe(3001);
    expect(unacknowledged).toBeGreaterThan(1000);
    // What was let go comes back where there is room.
    await Promise.all(
      Array.from({ length: 3000 }, (_, number) =>
        say({ device: 'io', kind: 'intrusion', state: 'restored', zone: { number } }),
      ),
    );
    const raised = stored.filter(
      ({ type, data }) => type.endsWith('alarm.raised') && data['kind'] === 'intrusion',
    );
    await Promise.all(raised.slice(0, 2990).map((alarm) => closing(alarm)));
    await expect.poll(() => board.list().alarms.length + board.list().more).toBe(11);
    expect(board.list().more).toBe(0);
  });

  it('holds only so many alarms of one thing', async () => {
    const { say, board } = await campus();
    await Promise.all(Array.from({ length: 260 }, (_, i) => say(fire(i % 2 === 0 ? 'raised' : 'restored'))));
    expect([board.list().alarms[0]?.raisings.length, board.list().more]).toEqual([100, 30]);
  });
});
