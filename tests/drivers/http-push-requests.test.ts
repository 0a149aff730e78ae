import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { mapMessage } from '../../drivers/http-push/mapping.ts';
import { type Profile, profileSchema } from '../../drivers/http-push/profile.ts';
import { startFaceTerminal } from '../../simulators/face-terminal.ts';
import { fakeHost, freePort, temporaryDirectory } from '../helpers.ts';
import { mapWith, terminalProfile } from './terminal-profile.ts';

const secretFile = (text: string) => {
  const file = join(temporaryDirectory(), 'secret');
  writeFileSync(file, `${text}\n`);
  return file;
};

/** Terminals that share a port. */
async function port(
  devices: readonly { readonly id: string; readonly profile: Profile; readonly own?: object }[],
  store?: (observation: Observation) => Promise<Receipt>,
) {
  const number = await freePort();
  const fake = fakeHost(store);
  const session = await httpPush.open(
    devices.map(({ id, profile, own = { from: ['127.0.0.1'] } }) => ({
      id,
      driver: 'http-push',
      options: httpPush.options.parse({ profile: 'x', listen: { port: number }, ...own }),
      profile,
    })) as never,
    fake.host,
  );
  session.ended.catch(() => {});
  onTestFinished(() => session.close());
  const url = `http://127.0.0.1:${number}`;
  const send = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', ...init });
    return { status: answer.status, body: await answer.text() };
  };
  return { ...fake, url, send };
}

// Fields, paths and answers as Uniview's documents and programs of others that terminals talk to have them.
const heartbeat = {
  RefId: 'e58d0b3c',
  Time: '2026-11-24 07:40:01',
  NextTime: '2026-11-24 07:40:31',
  DeviceCode: '210235C3FW3208000017',
  DeviceType: 5,
};
const verified = {
  Reference: '192.168.2.10:8080/Subscription/Subscribers/1000',
  Seq: 77,
  DeviceCode: '210235C3FW3208000017',
  Timestamp: 1_795_477_203,
  NotificationType: 0,
  FaceInfoNum: 1,
  FaceInfoList: [{ ID: 9, Timestamp: 1_795_477_201, CapSrc: 1, Temperature: 36.4, MaskFlag: 1 }],
  CardInfoNum: 0,
  CardInfoList: [],
  GateInfoNum: 0,
  GateInfoList: [],
  LibMatInfoNum: 1,
  LibMatInfoList: [
    {
      ID: 9,
      LibID: 3,
      LibType: 3,
      MatchStatus: 1,
      MatchPersonID: 111,
      MatchFaceID: 1,
      MatchPersonInfo: { PersonCode: '1042', PersonName: '住户1', Gender: 0, CardID: '', IdentityNo: '' },
    },
  ],
};
const matched = (match: object, more: object = {}) => ({
  ...verified,
  ...more,
  LibMatInfoList: [{ ...verified.LibMatInfoList[0], ...match }],
});
const notifications = '/LAPI/V1.0/PACS/Controller/Event/Notifications';

describe('a Uniview terminal', () => {
  it('hears that it is connected, and the number of each record when that is on disk', async () => {
    let broken = true;
    const { send, reports, clock } = await port(
      [{ id: 'gate', profile: terminalProfile('uniview-face') }],
      async () => {
        if (broken) throw new Error('disk full');
        return { sequence: 1, id: 'x', repeated: false };
      },
    ).then((all) => ({ ...all, clock: all.host.clock }));
    const beat = await send('/LAPI/V1.0/PACS/Controller/HeartReportInfo', {
      body: JSON.stringify(heartbeat),
    });
    expect(beat.status).toBe(200);
    const { Data, ...rest } = JSON.parse(beat.body);
    expect(rest).toEqual({ ResponseURL: '/LAPI/V1.0/PACS/Controller/HeartReportInfo', Code: 0 });
    expect(Date.parse(`${Data.Time.replace(' ', 'T')}+08:00`)).toBeGreaterThan(clock.wall() - 10_000);
    const refused = await send(notifications, { body: JSON.stringify(verified) });
    expect([refused.status, refused.body]).toEqual([503, '']);
    await reports.next();
    broken = false;
    for (const path of [notifications, '/LAPI/V1.0/System/Event/Notification/PersonVerification']) {
      const { status, body } = await send(path, { body: JSON.stringify(verified) });
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({
        Response: { ResponseURL: path, StatusCode: 0, Data: { RecordID: 77 } },
      });
      expect(await reports.next()).toMatchObject({
        credential: { format: 'face', number: '1042' },
        access: { decision: 'granted' },
        at: { time: 1_795_477_201_000 },
        repeat: { key: expect.stringContaining('http-push/gate/77/9/1795477201000/') },
      });
    }
  });

  it.each([
    ['a person whose time it is not', { MatchStatus: 3 }, { decision: 'denied', reason: 'not-now' }],
    ['a picture held before it', { MatchStatus: 6 }, { decision: 'denied', reason: 'not-alive' }],
    ['a person on the black list', { LibType: 1 }, { decision: 'denied', reason: 'blocked' }],
    [
      'a person without a code',
      { MatchPersonInfo: { PersonCode: '' } },
      { credential: { format: 'face', number: '111' }, decision: 'granted' },
    ],
    [
      'nobody whom it knows',
      { MatchStatus: 2, MatchPersonID: 0, MatchPersonInfo: { PersonCode: '' } },
      { credential: { format: 'face', number: 'unknown' }, decision: 'unknown' },
    ],
    [
      'somebody let in, of whom it says nothing',
      { MatchPersonID: 0, MatchPersonInfo: {} },
      { credential: { number: 'unknown' }, decision: 'granted' },
    ],
  ])('tells %s', (_name, match, expected) => {
    expect(mapWith(terminalProfile('uniview-face'), matched(match))).toMatchObject([expected]);
  });

  it('tells cards', () => {
    const card = {
      FaceInfoNum: 0,
      CardInfoNum: 1,
      CardInfoList: [{ ID: 9, CapSrc: 2, CardType: 1, CardID: '99887766' }],
    };
    const profile = terminalProfile('uniview-face');
    expect(mapWith(profile, matched({}, card))).toMatchObject([
      { credential: { format: 'card', number: '99887766' }, decision: 'granted' },
    ]);
    expect(mapWith(profile, matched({ MatchStatus: 2 }, card))).toMatchObject([
      { credential: { format: 'card', number: '99887766' }, decision: 'unknown' },
    ]);
    expect(mapWith(profile, { ...verified, ...card, LibMatInfoNum: 0, LibMatInfoList: [] })).toMatchObject([
      { credential: { format: 'card', number: '99887766' } },
    ]);
  });

  it('tells everybody whom a record is about, each under a number and a face of their own', () => {
    const [one] = verified.LibMatInfoList;
    const two = { ...one, ID: 10, MatchStatus: 3, MatchFaceID: 2, MatchPersonInfo: { PersonCode: '2077' } };
    const FaceInfoList = [...verified.FaceInfoList, { ID: 10, Timestamp: 1_795_477_202 }];
    const body = { ...verified, FaceInfoNum: 2, FaceInfoList, LibMatInfoNum: 2, LibMatInfoList: [one, two] };
    expect(mapMessage(terminalProfile('uniview-face'), body)).toMatchObject({
      events: 2,
      mapped: [
        { credential: { number: '1042' }, decision: 'granted', at: 1_795_477_201, key: '77/9' },
        { credential: { number: '2077' }, decision: 'denied', at: 1_795_477_202, key: '77/10' },
      ],
    });
  });

  it('that only enrolled somebody is counted', () => {
    expect(mapMessage(terminalProfile('uniview-face'), matched({ MatchStatus: 21 }))).toMatchObject({
      mapped: [],
      unmapped: ['21/0'],
    });
  });
});

describe('an alarm of a Uniview terminal', () => {
  // As NVRs and terminals push it to programs of others (uniview_next of Home Assistant; simulators of face access
  // cameras, in which AlarmSrcType 9 is an alarm input).
  it('tells its alarms, and hears that they are on disk', async () => {
    const { send, reports } = await port([{ id: 'gate', profile: terminalProfile('uniview-face') }]);
    const path = '/LAPI/V1.0/System/Event/Notification/Alarm';
    const alarm = (AlarmType: string, AlarmSeq: number, more: object = {}) =>
      JSON.stringify({
        Reference: '192.168.2.10:8080/Subscription/Subscribers/249',
        AlarmInfo: {
          ...{ AlarmType, AlarmLevel: 0, TimeStamp: 1_795_477_201, AlarmSeq, AlarmSrcID: 1, AlarmSrcType: 8 },
          ...more,
        },
      });
    const { status, body } = await send(path, { body: alarm('TamperAlarmOn', 327) });
    expect([status, JSON.parse(body)]).toMatchObject([
      200,
      { Response: { ResponseURL: path, StatusCode: 0, ResponseString: 'Succeed' } },
    ]);
    const at = { time: 1_795_477_201_000 };
    expect(await reports.next()).toMatchObject({ kind: 'tamper', state: 'raised', at });
    await send(path, { body: alarm('TamperAlarmOff', 328) });
    expect(await reports.next()).toMatchObject({ kind: 'tamper', state: 'restored' });
    for (const [name, seq, state] of [
      ['InputAlarmOn', 329, 'raised'],
      ['InputAlarmOff', 330, 'restored'],
    ] as const) {
      await send(path, { body: alarm(name, seq, { AlarmSrcType: 9, AlarmSrcID: 2 }) });
      expect(await reports.next()).toMatchObject({ kind: 'intrusion', state, zone: { number: 2 } });
    }
  });

  it.each(['AlarmInfo', 'flat'])('counts an alarm that it does not know by its name, %s', (form) => {
    const AlarmInfo = { AlarmType: 'SomethingOn', AlarmSrcType: 8, TimeStamp: 1_795_477_201, AlarmSeq: 7 };
    const body = form === 'flat' ? AlarmInfo : { Reference: 'x', AlarmInfo };
    const found = mapMessage(terminalProfile('uniview-face'), body);
    expect(found).toMatchObject({ events: 1, mapped: [], unmapped: ['SomethingOn'] });
  });
});

describe('a Uniview terminal, or what says that it is one', () => {
  it('that is simulated repeats what is not answered with its number', async () => {
    let refusals = 1;
    const { url, reports } = await port(
      [{ id: 'gate', profile: terminalProfile('uniview-face') }],
      async () => {
        if (refusals-- > 0) throw new Error('disk full');
        return { sequence: 1, id: 'x', repeated: false };
      },
    );
    const terminal = await startFaceTerminal({ kind: 'uniview', to: url });
    onTestFinished(() => terminal.close());
    await terminal.do('heartbeat');
    await terminal.do('face 1042');
    const first = await reports.next();
    expect(first).toMatchObject({ credential: { format: 'face', number: '1042' } });
    expect(await reports.next()).toMatchObject({ repeat: first.repeat });
    await terminal.do('stranger');
    expect(await reports.next()).toMatchObject({ access: { decision: 'unknown' } });
    await terminal.do('card 5');
    expect(await reports.next()).toMatchObject({ credential: { format: 'card', number: '5' } });
  });

  it('may say anything at all', () => {
    const profile = terminalProfile('uniview-face');
    fc.assert(fc.property(fc.jsonValue(), (body) => void mapMessage(profile, body)));
    const list = fc.record({
      LibMatInfoList: fc.array(fc.dictionary(fc.constantFrom('MatchStatus', 'ID'), fc.jsonValue())),
    });
    fc.assert(fc.property(list, (body) => void mapMessage(profile, body)));
  });
});

const own = (requests: object[]) =>
  profileSchema.parse({
    title: 'x',
    requests,
    topic: ['kind'],
    observations: [{ kind: 'panic', when: { kind: 'sos' }, state: 'raised', zone: 'zone', key: 'no' }],
  }) as Profile;

describe('a terminal with paths of its own', () => {
  it('is asked by what method it likes, and hears what its profile says', async () => {
    const profile = own([
      { path: '/api/{device}/event', method: 'PUT', reply: { text: 'success' } },
      {
        path: '/report.cgi',
        method: 'GET',
        reply: { json: [{ ok: true, at: { now: 'seconds' }, no: { echo: 'no' } }] },
      },
      {
        path: '/alive',
        events: false,
        reply: { json: { you: { echo: 'a.b' }, at: { now: 'rfc3339', offset: '-03:30' } } },
      },
    ]);
    const { send, reports, discards, host } = await port([{ id: 'gate', profile }]);
    expect(await send('/api/gate/event', { method: 'PUT', body: '{"kind":"sos","zone":3}' })).toEqual({
      status: 200,
      body: 'success',
    });
    expect(await reports.next()).toMatchObject({ kind: 'panic', zone: { number: 3 } });
    const asked = await send('/report.cgi?kind=sos&zone=4&no=12', { method: 'GET' });
    const [{ at, ...rest }] = JSON.parse(asked.body);
    expect(rest).toEqual({ ok: true, no: '12' });
    expect(Math.abs(at * 1000 - host.clock.wall())).toBeLessThan(10_000);
    expect(await reports.next()).toMatchObject({ zone: { number: 4 } });
    const alive = JSON.parse((await send('/alive', { body: '{"kind":"sos","a":{"b":5}}' })).body);
    expect(alive).toEqual({ you: 5, at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}-03:30$/) });
    expect(Math.abs(Date.parse(alive.at) - host.clock.wall())).toBeLessThan(10_000);
    expect(JSON.parse((await send('/alive', { body: '{"a":{"b":{}}}' })).body)).toMatchObject({ you: null });
    expect((await send('/api/other/event', { method: 'PUT', body: '{}' })).status).toBe(401);
    expect((await send('/api/gate/event', { body: '{}' })).status).toBe(404);
    expect(reports.rest()).toEqual([]);
    expect(discards.rest()).toHaveLength(2);
  });

  it('is told from others at one path by its address and its name, or not taken at all', async () => {
    const profile = own([{ path: '/event' }]);
    const password = (username: string) => ({
      own: { username, passwordFile: secretFile(`pw-${username}`) },
    });
    const { send, reports, discards } = await port([
      { id: 'one', profile, ...password('u1') },
      { id: 'two', profile, ...password('u2') },
      { id: 'elsewhere', profile, own: { from: ['10.9.9.9'] } },
    ]);
    const as = (name: string) => ({
      body: '{"kind":"sos"}',
      headers: { authorization: `Basic ${Buffer.from(`${name}:pw-${name}`).toString('base64')}` },
    });
    expect((await send('/event', as('u2'))).status).toBe(200);
    expect(await reports.next()).toMatchObject({ device: 'two' });
    expect((await send('/event', as('u3'))).status).toBe(401);
    expect((await send('/event', { body: '{"kind":"sos"}' })).status).toBe(401);
    expect(discards.rest().map(({ reason }) => reason)).toEqual([
      'a terminal that is not in the config',
      'a terminal that is not in the config',
    ]);
  });

  it.each([
    ['a path that is none', { path: 'event' }, /a path such as/],
    ['a pattern', { path: '/event/*' }, /a path such as/],
    ['a form of time that is none', { path: '/e', reply: { json: { a: [{ now: 'noon' }] } } }, /local/],
    ['an echo that is no path', { path: '/e', reply: { json: { a: { echo: 'a[0]' } } } }, /no path/],
    ['an answer in two forms', { path: '/e', reply: { json: {}, text: '' } }, /text|json/],
  ])('with %s is refused', (_name, request, message) => {
    const found = profileSchema.safeParse({
      title: 'x',
      requests: [request],
      observations: [{ kind: 'fire', state: 'raised' }],
    });
    expect(JSON.stringify(found.error?.issues)).toMatch(message);
  });
});

describe('what is answered 200', () => {
  it('was told or is counted, each by what it is about', async () => {
    const { send, reports, unmapped } = await port([{ id: 'gate', profile: own([]) }]);
    const said = [{ kind: 'sos' }, { kind: 'door' }, {}, [], [{ kind: 'a' }, { kind: 'b' }], 5];
    for (const body of said)
      expect((await send('/push/gate', { body: JSON.stringify(body) })).status).toBe(200);
    expect(reports.rest()).toHaveLength(1);
    expect(unmapped.rest()).toEqual(['door', 'a', 'b', 'an event'].map((what) => ({ device: 'gate', what })));
  });

  it('says all that one event means, each once', () => {
    const profile = profileSchema.parse({
      title: 'x',
      key: 'no',
      observations: [
        { kind: 'contact', also: true, when: { closed: true }, state: 'restored' },
        {
          kind: 'forced',
          also: true,
          when: { closed: true },
          state: 'restored',
          ends: ['', 'lock'],
          untold: true,
        },
        { kind: 'fire', when: { fire: 1 }, state: 'raised' },
        { kind: 'none' },
      ],
    }) as Profile;
    expect(mapWith(profile, { closed: true, no: 1, fire: 1 })).toEqual([
      { kind: 'contact', state: 'restored', key: '1' },
      { kind: 'forced', state: 'restored', ends: { causes: ['', 'lock'], untold: true }, key: '1', nth: 1 },
      { kind: 'fire', state: 'raised', key: '1', nth: 2 },
    ]);
    expect(mapMessage(profile, { beat: 1 })).toEqual({ events: 1, mapped: [], problems: [] });
  });
});

// RFC 9110, 8.4.1.
it('a body that is packed is what it was before, and no larger than others may be', async () => {
  const { send, reports, discards } = await port([{ id: 'gate', profile: terminalProfile('uniview-face') }]);
  const packed = (body: string, coding: string) =>
    send('/push/gate', { body: gzipSync(body), headers: { 'content-encoding': coding } });
  const body = JSON.stringify({ AlarmInfo: { AlarmType: 'TamperAlarmOn', TimeStamp: 1_795_477_201 } });
  expect((await packed(body, 'gzip')).status).toBe(200);
  expect(await reports.next()).toMatchObject({ kind: 'tamper', state: 'raised' });
  for (const refused of [packed(' '.repeat(2_000_000), 'gzip'), packed(body, 'br')])
    expect((await refused).status).toBe(400);
  expect(discards.rest()).toHaveLength(2);
});
