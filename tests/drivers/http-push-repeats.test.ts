/** What is told twice can be seen; an alarm that is taken for a repeat is lost. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { createIntake } from '../../drivers/http-push/intake.ts';
import type { Hearing } from '../../drivers/http-push/repeats.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost, freePort } from '../helpers.ts';
import { terminalProfile } from './terminal-profile.ts';

const NOW = Date.parse('2026-11-24T07:40:10+08:00');

/** As the journal has it: the same key within its time is the same event. */
function journal(elapsed: () => number) {
  const kept = new Map<string, number>();
  const told: string[] = [];
  const store = async ({ kind, state, repeat }: Observation): Promise<Receipt> => {
    const at = repeat && kept.get(repeat.key);
    const repeated = at !== undefined && repeat !== undefined && elapsed() - at <= repeat.within;
    if (!repeated) told.push(`${kind} ${state}`);
    if (!repeated && repeat !== undefined) kept.set(repeat.key, elapsed());
    return { sequence: 1, id: 'x', repeated };
  };
  return { told, store };
}

/** A terminal that says one thing after another, 2 s apart. @returns what is told of it. */
async function say(
  profile: string,
  bodies: readonly (string | { readonly body: string; readonly lost: true })[],
  more: { readonly table?: string; readonly isToldOnce?: true } = {},
) {
  const time = manualClock(NOW);
  const { told, store } = journal(time.elapsed);
  const { host } = fakeHost(store, time);
  const options = httpPush.options.parse({ profile, listen: { port: 1 }, from: ['127.0.0.1'] });
  const device = { id: 'd', driver: 'http-push', options, profile: terminalProfile(profile) };
  const intake = createIntake(device, host);
  for (const said of bodies) {
    const [body, is] = typeof said === 'string' ? [said, 'heard' as const] : [said.body, 'lost' as const];
    const hearing: Hearing = () => is;
    const taken = await intake({ contentType: 'text/plain', bytes: Buffer.from(body), hearing, ...more });
    expect(taken.is).toBe('taken');
    await time.advance(2000);
  }
  return told;
}

const RAISED = 'panic raised';
const RESTORED = 'panic restored';

describe('a Hikvision terminal', () => {
  const acs = (minor: number, dateTime: string | undefined, serialNo: number | undefined) =>
    JSON.stringify({
      dateTime,
      eventType: 'AccessControllerEvent',
      AccessControllerEvent: { majorEventType: 1, subEventType: minor, doorNo: 1, serialNo },
    });
  // MINOR_EMERGENCY_BUTTON_TRIGGER and _RESUME.
  const [pressed, released] = [1052, 1053];

  it.each([
    ['has no number and a clock that was never set', '1970-01-01T08:00:00+08:00', undefined],
    ['has a number of 0 and a clock that was never set', '1970-01-01T08:00:00+08:00', 0],
    ['has a number that stands still, and so does its clock', '1970-01-01T08:00:00+08:00', 77],
    ['says neither number nor time', undefined, undefined],
    ['says no time, and a number that stands still', undefined, 77],
  ])('that %s is believed each time', async (_name, dateTime, serialNo) => {
    const press = acs(pressed, dateTime, serialNo);
    expect(await say('hikvision-face', [press, acs(released, dateTime, serialNo), press])).toEqual([
      RAISED,
      RESTORED,
      RAISED,
    ]);
    const duress = acs(1034, dateTime, serialNo);
    expect(await say('hikvision-face', [duress, duress])).toHaveLength(2);
    expect(await say('hikvision-face', [{ body: press, lost: true }, press])).toEqual([RAISED]);
  });

  it('whose clock stands still at a time that could be is believed once that is seen', async () => {
    const time = '2026-11-24T03:00:00+08:00';
    // Six of its alarms and ends, 2 s apart: tampering of the case, the reader, the controller.
    const before = [1028, 1029, 1030, 1031, 1054, 1055];
    const all = [...before, pressed, released, pressed].map((minor) => acs(minor, time, 5));
    expect((await say('hikvision-face', all)).slice(6)).toEqual([RAISED, RESTORED, RAISED]);
  });

  it('says the same under the same number and time, and another thing a second later', async () => {
    const press = acs(pressed, '2026-11-24T07:40:10+08:00', 77);
    expect(await say('hikvision-face', [press, press])).toEqual([RAISED]);
    expect(await say('hikvision-face', [press, acs(pressed, '2026-11-24T07:40:11+08:00', 77)])).toHaveLength(
      2,
    );
  });

  // After a power cut its numbers and its clock begin anew.
  it('says under one number and time the duress of two cards as two', async () => {
    const duress = (cardNo: string) =>
      JSON.stringify({
        dateTime: '2026-11-24T07:40:10+08:00',
        eventType: 'AccessControllerEvent',
        AccessControllerEvent: { majorEventType: 1, subEventType: 1034, doorNo: 1, serialNo: 1, cardNo },
      });
    const all = [duress('1001'), duress('1002'), duress('1002')];
    expect(await say('hikvision-face', all)).toEqual(['duress raised', 'duress raised']);
  });

  it('says the same of one second once, until it ended', async () => {
    const at = '2026-11-24T07:40:10+08:00';
    const [press, release] = [acs(pressed, at, undefined), acs(released, at, undefined)];
    expect(await say('hikvision-face', [press, press])).toEqual([RAISED]);
    expect(await say('hikvision-face', [press, release, press])).toEqual([RAISED, RESTORED, RAISED]);
  });
});

// As the README of node-red-contrib-hikvision-ultimate shows it, of a host that says no `trigger`.
it('a Hikvision alarm host that says only when it sends is believed each time', async () => {
  const cid = (code: number, second: string) =>
    JSON.stringify({
      dateTime: `2026-11-24T07:40:${second}+08:00`,
      eventType: 'cidEvent',
      eventState: 'active',
      CIDEvent: { code, type: 'zoneAlarm', zone: 2, system: 1 },
    });
  const all = [cid(1130, '00'), cid(3130, '02'), cid(1130, '04'), cid(1130, '04'), cid(3130, '06')];
  expect(await say('hikvision-face', all)).toEqual([
    'intrusion raised',
    'intrusion restored',
    'intrusion raised',
    'intrusion restored',
  ]);
});

describe('a Dahua terminal', () => {
  const event = (code: string, action: string, data: object) =>
    `Code=${code};action=${action};index=0;data=${JSON.stringify(data)}`;
  const UTC = NOW / 1000;

  it('tells under one number of a record what it tells of it, and begins anew where its records are cleared', async () => {
    const all = [
      event('AccessControl', 'Pulse', { Status: 1, Method: 15, UserID: '42', Door: 0, UTC, RecNo: 5 }),
      event('Duress', 'Pulse', { UserID: '42', Door: 0, UTC, RecNo: 5 }),
      event('BreakIn', 'Start', { Door: 0, UTC, RecNo: 5 }),
      event('BreakIn', 'Stop', { Door: 0, UTC, RecNo: 5 }),
      event('AccessControl', 'Pulse', {
        Status: 1,
        Method: 15,
        UserID: '77',
        Door: 0,
        UTC: UTC + 3,
        RecNo: 5,
      }),
    ];
    const told = [
      'credential raised',
      'duress raised',
      'forced raised',
      'forced restored',
      'credential raised',
    ];
    expect(await say('dahua-face', all)).toEqual(told);
    expect(await say('dahua-face', all, { isToldOnce: true })).toEqual(told);
    expect(await say('dahua-face', [...all, ...all.slice(0, 2)])).toEqual(told);
  });

  it('that says no time is believed each time', async () => {
    const [start, stop] = ['Start', 'Stop'].map((action) => `Code=AlarmLocal;action=${action};index=0`);
    if (start === undefined || stop === undefined) throw new Error('nothing');
    expect(await say('dahua-face', [start, stop, start, stop])).toHaveLength(4);
    const duress = 'Code=Duress;action=Pulse;index=0';
    expect(await say('dahua-face', [duress, duress])).toHaveLength(2);
    expect(await say('dahua-face', [{ body: duress, lost: true }, duress, duress])).toHaveLength(2);
    expect(await say('dahua-face', [{ body: start, lost: true }, stop, start])).toEqual([
      'intrusion raised',
      'intrusion restored',
    ]);
  });
});

describe('a ZKTeco terminal', () => {
  const row = (event: number, more = '') =>
    `time=2000-01-01 00:00:00\tpin=0\tcardno=0\teventaddr=1\tevent=${event}${more}`;

  it('whose number and clock stand still is believed each time', async () => {
    for (const more of ['\tindex=0', '', '\tindex=9']) {
      const all = [102, 201, 102].map((event) => row(event, more));
      const told = await say('zkteco-push', all, { table: 'rtlog' });
      expect(told.filter((one) => one === 'forced raised')).toHaveLength(2);
    }
  });

  it('tells two doors under one number and time as two, and what it kept once', async () => {
    const forced = (door: number) =>
      `time=2026-11-24 07:40:00\tpin=0\tcardno=0\teventaddr=${door}\tevent=102\tindex=9`;
    const table = { table: 'rtlog' };
    expect(
      await say('zkteco-push', [`${forced(1)}\n${forced(2)}`, forced(1), forced(2)], table),
    ).toHaveLength(2);
  });

  it('that says a state and its end in one breath says both', async () => {
    const all = [102, 201, 102, 201].map((event) => row(event)).join('\n');
    const told = await say('zkteco-push', [all], { table: 'rtlog' });
    expect(told.filter((one) => one.startsWith('forced'))).toHaveLength(4);
  });
});

it('an answer that nobody waits for any more was not heard', async () => {
  const port = await freePort();
  const time = manualClock(NOW);
  const { told, store } = journal(time.elapsed);
  let waiting = Promise.withResolvers<void>();
  const slow = async (observation: Observation) => {
    await waiting.promise;
    return await store(observation);
  };
  const { host, reports } = fakeHost(slow, time);
  const options = httpPush.options.parse({ profile: 'dahua-face', listen: { port }, from: ['127.0.0.1'] });
  const device = { id: 'd', driver: 'http-push', options, profile: terminalProfile('dahua-face') };
  const session = await httpPush.open([device], host);
  onTestFinished(() => session.close());
  const body = 'Code=Duress;action=Pulse;index=0';
  const request = `POST /push/d HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const given = connect(port, '127.0.0.1', () => given.write(request));
  await reports.next();
  given.end();
  await once(given, 'close');
  waiting.resolve();
  waiting = Promise.withResolvers();
  waiting.resolve();
  const post = async () => (await fetch(`http://127.0.0.1:${port}/push/d`, { method: 'POST', body })).status;
  expect([await post(), told.length]).toEqual([200, 1]);
  expect([await post(), told.length]).toEqual([200, 2]);
});
