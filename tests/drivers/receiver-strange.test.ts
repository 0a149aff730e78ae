import { describe, expect, it } from 'vitest';
import { ACK, connected, listening, NAK, trip, turn } from './receiver-line.ts';

describe('what is of no panel of the config', () => {
  it('is an alarm where it says one, and named in a fault, once; and acknowledged: it would stand before all others', async () => {
    const { reports, answers, say, discards } = await connected();
    const fire = '5011 189999E11001003';
    for (const line of ['5011 189999E60200000', fire, '5011 189999E30100000', '5011 189999R11001003']) {
      say(`${line}\x14`);
      expect(await answers.next()).toBe(ACK);
    }
    const told = reports.rest();
    const faults = told.filter(({ kind }) => kind === 'fault');
    expect(told.filter(({ kind }) => kind !== 'fault')).toMatchObject([
      {
        device: 'center',
        kind: 'fire',
        state: 'raised',
        zone: { number: 3 },
        details: { account: '9999' },
        raw: fire,
      },
      { device: 'center', kind: 'fire', state: 'restored' },
    ]);
    expect(faults[0]).toMatchObject({
      cause: 'unknown-account',
      momentary: true,
      text: 'account 9999: 5011 189999E60200000',
      details: { account: '9999' },
    });
    expect(new Set(faults.map(({ repeat }) => repeat?.key)).size).toBe(1);
    expect(await discards.next()).toMatchObject({ reason: 'an account that is not listed', detail: '9999' });
  });

  it('is only faults, by what it says, where the config says so', async () => {
    const { reports, answers, say } = await connected({ otherAccounts: 'faults' });
    for (const line of [
      '5011 189999E60200000\x14',
      '5011 189999E11001003\x14',
      trip,
      '5011 189999E11001003\x14',
    ]) {
      say(line);
      expect(await answers.next()).toBe(ACK);
    }
    const told = reports.rest();
    expect(told).toMatchObject([
      { kind: 'fault', cause: 'unknown-account', details: { account: '9999' } },
      { kind: 'fault', text: 'account 9999: 5011 189999E11001003', momentary: true },
      { kind: 'perimeter' },
      { kind: 'fault' },
    ]);
    expect(told[3]?.repeat).toEqual(told[1]?.repeat);
  });

  it('is not acknowledged where the disk refuses it', async () => {
    const { answers, say, reports } = await connected({}, () => Promise.reject(new Error('disk full')));
    say('5011 189999E11001003\x14');
    await reports.next();
    await turn();
    expect(answers.rest()).toEqual([]);
  });

  it('is only counted where the config says so', async () => {
    const { reports, answers, say, discards } = await connected({ otherAccounts: 'ignore' });
    say('5011 189999E11001003\x14');
    expect(await answers.next()).toBe(ACK);
    expect(reports.rest()).toEqual([]);
    expect(discards.rest()).toHaveLength(1);
  });

  it('of many accounts is named for the first, and that there are more', async () => {
    const { reports, answers, say } = await connected();
    for (let account = 2000; account < 2100; account++) {
      say(`5011 18${account}E60200000\x14`);
      expect(await answers.next()).toBe(ACK);
    }
    const keys = reports.rest().map(({ repeat }) => repeat?.key);
    expect(keys).toHaveLength(100);
    expect(new Set(keys).size).toBe(33);
  });

  it('is the receiver itself: its own lines, and words that no table has, which end nothing and stay for no time', async () => {
    const { reports, answers, say } = await connected();
    for (const line of [
      '001000[#0000|NYC0101]\x14',
      '001000[#0000|NSC0003]\x14',
      '\n20 LINE 5155 5555 7\r',
    ]) {
      say(line);
      expect(await answers.next()).toBe(ACK);
    }
    expect(reports.rest()).toMatchObject([
      { device: 'center', kind: 'fault', cause: 'communication', details: { account: '0000' } },
      { kind: 'fault', cause: 'code-SC', momentary: true },
      { kind: 'fault', cause: 'phone-line', zone: { number: 2 } },
    ]);
  });
});

describe('a line that nobody can read', () => {
  it('is asked for again; in the same words again it is a fault and acknowledged, and the alarm behind it comes', async () => {
    const { reports, answers, say } = await connected();
    say('%%% basura del puerto serie %%%\x14');
    expect(await answers.next()).toBe(NAK);
    say('%%% basura del puerto serie %%%\x14');
    expect(await answers.next()).toBe(ACK);
    expect(await reports.next()).toMatchObject({
      kind: 'fault',
      cause: 'unreadable-line',
      raw: '%%% basura del puerto serie %%%',
    });
    say(trip);
    expect(await answers.next()).toBe(ACK);
    expect(await reports.next()).toMatchObject({ kind: 'perimeter' });
  });

  it('of bytes that cannot be printed, as of a wrong speed, is never acknowledged: an alarm may stand in it', async () => {
    const { answers, say, reports } = await connected();
    for (let i = 0; i < 4; i++) {
      say('\xfe\x01\x83\xc0\x14');
      expect(await answers.next()).toBe(NAK);
    }
    expect(reports.rest()).toEqual([]);
  });

  it('is not acknowledged to a stranger who never said one that is', async () => {
    const { dial } = await listening();
    const { say, answers } = await dial();
    for (let i = 0; i < 3; i++) {
      say('GET / HTTP/1.1\r\n');
      expect(await answers.next()).toBe(NAK);
    }
  });
});
