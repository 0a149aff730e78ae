import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../drivers/contract/observation.ts';
import { manualClock } from '../clocks.ts';
import {
  ACK,
  answersOf,
  connected,
  heartbeat,
  listening,
  onDisk,
  panic,
  restore,
  trip,
  turn,
} from './receiver-line.ts';

describe('a line of a receiver', () => {
  it('is acknowledged only after the event is on disk', async () => {
    const disk = Promise.withResolvers<Receipt>();
    const { reports, answers, say, links } = await connected({}, () => disk.promise);
    say(trip);
    expect(await reports.next()).toMatchObject({
      device: 'center',
      kind: 'perimeter',
      state: 'raised',
      zone: { number: 4, id: 'north-wall' },
      codes: { contactId: 'E130' },
      details: { account: '7037', partition: '1', receiver: '01', receiverLine: '1' },
      raw: '5011 187037E13001004',
    });
    say(heartbeat);
    await turn();
    // The byte has no number: the heartbeat's would be taken for the alarm's.
    expect(answers.rest()).toEqual([]);
    disk.resolve(onDisk);
    expect(await answers.next()).toBe(ACK);
    await turn();
    // One for both: the receiver takes it for the heartbeat's, and says the alarm again, which is on disk.
    expect(answers.rest()).toEqual([]);
    say(trip);
    expect(await answers.next()).toBe(ACK);
    expect(reports.rest()).toEqual([]);
    expect(links.rest()).toContainEqual(expect.objectContaining({ state: 'online', part: '7037' }));
  });

  it('gets no answer where the disk refuses, nor does what was said behind it', async () => {
    const { reports, answers, say, discards } = await connected({}, () =>
      Promise.reject(new Error('disk full')),
    );
    say(`${trip}${panic}`);
    await reports.next();
    expect(await discards.next()).toMatchObject({ reason: 'said behind a line that could not be written' });
    await turn();
    expect(answers.rest()).toEqual([]);
  });

  it('that the disk refused is tried again at the next heartbeat, whose answer may be taken for its own', async () => {
    let isFull = true;
    const { reports, answers, say } = await connected({}, () =>
      isFull ? Promise.reject(new Error('disk full')) : Promise.resolve(onDisk),
    );
    say(trip);
    const first = await reports.next();
    say(heartbeat);
    // With the same key: of an alarm that went out from memory it is the same one.
    expect((await reports.next()).repeat).toEqual(first.repeat);
    await turn();
    expect(answers.rest()).toEqual([]);
    isFull = false;
    say(heartbeat);
    expect((await reports.next()).repeat).toEqual(first.repeat);
    expect(await answers.next()).toBe(ACK);
    say(trip);
    expect(await answers.next()).toBe(ACK);
    expect(reports.rest()).toEqual([]);
  });

  it('behind one that the disk refused is taken when that is on disk, and gets its answer alone', async () => {
    let isFull = true;
    const { reports, answers, say } = await connected({}, () =>
      isFull ? Promise.reject(new Error('disk full')) : Promise.resolve(onDisk),
    );
    say(trip);
    await reports.next();
    isFull = false;
    say(panic);
    expect((await reports.next()).zone?.number).toBe(4);
    expect((await reports.next()).zone?.number).toBe(3);
    expect(await answers.next()).toBe(ACK);
    await turn();
    expect(answers.rest()).toEqual([]);
  });
});

describe('a line that is', () => {
  it('said again because its answer was lost is one event; with its end between, the alarm is two', async () => {
    const { reports, answers, say } = await connected();
    for (const line of [trip, trip, restore, trip]) {
      say(line);
      expect(await answers.next()).toBe(ACK);
    }
    const told = reports.rest();
    expect(told.map(({ state }) => state)).toEqual(['raised', 'restored', 'raised']);
    expect(new Set(told.map(({ repeat }) => repeat?.key)).size).toBe(3);
  });

  it('said again later than answers get lost is told again', async () => {
    const clock = manualClock();
    const { reports, answers, say } = await connected({}, undefined, clock);
    say(panic);
    expect(await answers.next()).toBe(ACK);
    await clock.advance(60_001);
    say(panic);
    expect(await answers.next()).toBe(ACK);
    expect(reports.rest()).toHaveLength(2);
  });

  it('said again while it waits for a slow disk gets one answer: a second would be of the next line', async () => {
    const disk = Promise.withResolvers<Receipt>();
    const { reports, answers, say, discards } = await connected({}, () => disk.promise);
    say(trip);
    await reports.next();
    say(trip);
    expect(await discards.next()).toMatchObject({ reason: 'said again before it was answered' });
    disk.resolve(onDisk);
    expect(await answers.next()).toBe(ACK);
    await turn();
    expect(answers.rest()).toEqual([]);
  });

  it('a heartbeat at the moment of a late answer has that answer; the next one gets its own', async () => {
    const clock = manualClock();
    const disk = Promise.withResolvers<Receipt>();
    const { reports, answers, say, discards } = await connected({}, () => disk.promise, clock);
    say(trip);
    await reports.next();
    await clock.advance(30_000);
    disk.resolve(onDisk);
    expect(await answers.next()).toBe(ACK);
    say(heartbeat);
    expect(await discards.next()).toMatchObject({ reason: 'said again as it was answered' });
    say(heartbeat);
    expect(await answers.next()).toBe(ACK);
  });

  it('said again at the moment of a late answer is not answered: the receiver has that answer', async () => {
    const clock = manualClock();
    const disk = Promise.withResolvers<Receipt>();
    const { reports, answers, say, discards } = await connected({}, () => disk.promise, clock);
    say(trip);
    await reports.next();
    // A Sur-Gard repeats after 4 s.
    await clock.advance(4000);
    disk.resolve(onDisk);
    expect(await answers.next()).toBe(ACK);
    say(trip);
    expect(await discards.next()).toMatchObject({ reason: 'said again as it was answered' });
    await clock.advance(4000);
    say(trip);
    expect(await answers.next()).toBe(ACK);
    expect(reports.rest()).toEqual([]);
    expect(answers.rest()).toEqual([]);
  });

  it('said again over a new connection, its answer lost with the old one, is one event', async () => {
    const { reports, answers, say, socket, open } = await connected();
    say(trip);
    expect(await answers.next()).toBe(ACK);
    socket.destroy();
    const again = await open();
    again.say(trip);
    expect(await again.answers.next()).toBe(ACK);
    expect(reports.rest()).toHaveLength(1);
  });
});

describe('a line, on a slow machine or beside others,', () => {
  it('said several times while the answer was late is not answered again for as long as that took', async () => {
    const clock = manualClock();
    const disk = Promise.withResolvers<Receipt>();
    const { answers, say, discards, reports } = await connected({}, () => disk.promise, clock);
    say(trip);
    await reports.next();
    await clock.advance(1500);
    disk.resolve(onDisk);
    expect(await answers.next()).toBe(ACK);
    for (const ms of [0, 600, 600]) {
      await clock.advance(ms);
      say(trip);
      expect(await discards.next()).toMatchObject({ reason: 'said again as it was answered' });
    }
    await clock.advance(600);
    say(trip);
    expect(await answers.next()).toBe(ACK);
    expect(answers.rest()).toEqual([]);
  });

  it('said again is one event, whatever another receiver behind the same address says of its own accounts', async () => {
    const { dial, reports } = await listening({ accounts: [{ account: '7037' }, { account: '1234' }] });
    const [one, other] = [await dial(), await dial()];
    const elsewhere = '5011 181234E13001004\x14';
    for (const [{ say, answers }, line] of [
      [one, trip],
      [other, elsewhere],
      [one, trip],
      [other, elsewhere],
    ] as const) {
      say(line);
      expect(await answers.next()).toBe(ACK);
    }
    expect(reports.rest()).toHaveLength(2);
  });

  it('is a second alarm where its end came between, over another connection or from another address', async () => {
    const { port, dial, reports } = await listening();
    const one = await dial();
    const other = answersOf(connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' }));
    const said = async ({ say, answers }: typeof one, line: string) => {
      say(line);
      expect(await answers.next()).toBe(ACK);
    };
    for (const [who, line] of [
      [one, trip],
      [await dial(), restore],
      [one, trip],
      [one, restore],
      [other, trip],
      [one, restore],
      [other, trip],
    ] as const)
      await said(who, line);
    const keys = reports.rest().map(({ repeat }) => repeat?.key);
    expect(new Set(keys).size).toBe(7);
  });

  it('is a second alarm, however many others come between', async () => {
    const { dial, reports } = await listening();
    const { say, answers } = await dial();
    const tests = Array.from({ length: 1100 }, (_, n) => `5011 187037E602${String(n).padStart(5, '0')}\x14`);
    for (const line of [trip, restore, ...tests, trip]) {
      say(line);
      expect(await answers.next()).toBe(ACK);
    }
    const keys = reports.rest().flatMap(({ repeat, state }) => (state === 'raised' ? [repeat?.key] : []));
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('a line', () => {
  it('that says that the panel is there, or that an alarm stands as it did, is taken', async () => {
    const { reports, answers, say } = await connected();
    say('5011 187037E60200000\x14');
    expect(await answers.next()).toBe(ACK);
    expect(reports.rest()).toEqual([]);
    say('5011 187037P13001004\x14');
    expect(await answers.next()).toBe(ACK);
    expect(await reports.next()).toMatchObject({ state: 'raised', initial: true });
  });

  it('may be of SIA, of several events, and of an Ademco 685', async () => {
    const { reports, answers, say } = await connected();
    say('S01001[#001234|Nri1/MA1/MH1]\x14');
    expect(await answers.next()).toBe(ACK);
    say('\n12 1234 18 E130 01 C003 \r');
    expect(await answers.next()).toBe(ACK);
    expect(reports.rest()).toMatchObject([
      { kind: 'medical', state: 'raised', details: { account: '1234' } },
      { kind: 'medical', state: 'restored' },
      { kind: 'intrusion', zone: { number: 3 }, details: { receiver: '1', receiverLine: '2' } },
    ]);
  });
});

describe('a receiver', () => {
  it('silent for longer than its supervision is offline, and so is a panel of it', async () => {
    const clock = manualClock();
    const accounts = [{ account: '7037', supervision: '25h' }];
    const { links, answers, say } = await connected({ supervision: '90s', accounts }, undefined, clock);
    say(heartbeat);
    expect(await answers.next()).toBe(ACK);
    expect(await links.next()).toMatchObject({ device: 'center', state: 'online', part: undefined });
    await clock.advance(91_000);
    expect(await links.next()).toMatchObject({
      state: 'offline',
      reason: "the receiver's line is silent for more than 90 s",
    });
    say(trip);
    expect(await answers.next()).toBe(ACK);
    expect(await links.next()).toMatchObject({ state: 'online', part: undefined });
    expect(await links.next()).toMatchObject({ state: 'online', part: '7037' });
    await clock.advance(25 * 3_600_000 + 1000);
    expect((await links.find(({ part }) => part === '7037')).state).toBe('offline');
  });

  it('of the kind Ademco 685 is asked whether it is there, and what it answers is not acknowledged', async () => {
    const clock = manualClock();
    const { links, answers, say } = await connected({ poll: '30s', supervision: '90s' }, undefined, clock);
    await clock.advance(31_000);
    expect(await answers.next()).toBe(0x53);
    say('\n00 OKAY @\r');
    expect(await links.next()).toMatchObject({ state: 'online' });
    await turn();
    // Any ACK is taken for one to its last message.
    expect(answers.rest()).toEqual([]);
    await clock.advance(20_000);
    say('\n00 OKAY @\r');
    expect(await answers.next()).toBe(ACK);
  });

  it('is not asked while a message of it is open', async () => {
    const clock = manualClock();
    const { answers, say, reports } = await connected(
      { poll: '30s' },
      () => Promise.reject(new Error('disk full')),
      clock,
    );
    say('\n12 1234 18 E130 01 C003 \r');
    await reports.next();
    await clock.advance(61_000);
    say('\n00 OKAY @\r');
    await turn();
    expect(answers.rest()).toEqual([]);
  });

  it('that connects to us is heard, from where it may', async () => {
    const { dial, reports } = await listening();
    const { say, answers } = await dial();
    say(`${trip}`);
    expect(await answers.next()).toBe(ACK);
    expect(await reports.next()).toMatchObject({ kind: 'perimeter' });
    const elsewhere = await listening({}, undefined, { from: ['127.0.0.9'] });
    const { socket } = await elsewhere.dial();
    await once(socket, 'close');
    expect(await elsewhere.discards.next()).toMatchObject({ detail: '127.0.0.1' });
  });

  it('that connects anew for each event, half-closing, has each answered, and repeats of it known', async () => {
    const { dial, reports } = await listening({}, async () => {
      // A disk takes its time.
      await turn();
      return onDisk;
    });
    for (const line of [trip, trip, restore]) {
      const { socket, answers } = await dial();
      socket.end(Buffer.from(line, 'latin1'));
      expect(await answers.next()).toBe(ACK);
    }
    expect(reports.rest().map(({ state }) => state)).toEqual(['raised', 'restored']);
  });

  it('that pours lines out is read no faster than the disk takes them, and each is answered', async () => {
    const { dial, reports } = await listening();
    const { say, answers } = await dial();
    const many = 5000;
    const lines = Array.from(
      { length: many },
      (_, i) => `5011 187037E130${String(i % 90).padStart(2, '0')}${String(i % 1000).padStart(3, '0')}\x14`,
    );
    say(lines.join(''));
    for (let i = 0; i < many; i++) expect(await answers.next()).toBe(ACK);
    expect(reports.rest()).toHaveLength(many);
  });
});
