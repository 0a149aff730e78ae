import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { mapMessage } from '../../drivers/http-push/mapping.ts';
import { readTable } from '../../drivers/http-push/zkteco-tables.ts';
import { startFaceTerminal } from '../../simulators/face-terminal.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost, freePort } from '../helpers.ts';
import { mapWith, terminalProfile } from './terminal-profile.ts';

const profile = terminalProfile('zkteco-push');
const rows = (table: string, text: string) => {
  const read = readTable(table, text);
  return typeof read === 'string' ? expect.unreachable(read) : read;
};
const read = (table: string, text: string) => rows(table, text).flatMap((row) => mapWith(profile, row));

async function terminal(store?: (observation: Observation) => Promise<Receipt>, time?: Clock) {
  const port = await freePort();
  const fake = fakeHost(store, time);
  const session = await httpPush.open(
    [
      {
        id: 'gate',
        driver: 'http-push',
        options: httpPush.options.parse({
          profile: 'zkteco-push',
          listen: { port },
          from: ['127.0.0.1'],
          serial: 'VGU6251500098',
        }),
        profile,
      },
    ] as never,
    fake.host,
  );
  session.ended.catch(() => {});
  onTestFinished(() => session.close());
  const url = `http://127.0.0.1:${port}`;
  const ask = async (path: string, init: RequestInit = {}) => {
    const [where, query] = path.split('?', 2);
    const answer = await fetch(
      `${url}/iclock/${where}?SN=VGU6251500098${query === undefined ? '' : `&${query}`}`,
      init,
    );
    return { status: answer.status, body: await answer.text() };
  };
  const post = (path: string, body: string) => ask(path, { method: 'POST', body });
  return { ...fake, url, ask, post };
}

// Lines as the PUSH protocols' documents, and captures in public programs that speak them, have them.
const rtlog = (event: number, more = 'pin=2\tcardno=0', index = 140) =>
  `time=2026-11-24 14:13:48\t${more}\teventaddr=1\tevent=${event}\tinoutstatus=0\tverifytype=15\tindex=${index}\tsitecode=0\tlinkid=0\tmaskflag=0\ttemperature=0\tconvtemperature=0`;
const rtstate = (alarm: string, sensor: string) =>
  `time=2026-11-24 14:13:48\tsensor=${sensor}\trelay=00\talarm=${alarm}\tdoor=01`;

describe('a ZKTeco door', () => {
  it.each([
    [
      3,
      {
        kind: 'credential',
        credential: { format: 'face', number: '2' },
        decision: 'granted',
        at: '2026-11-24T14:13:48+08:00',
      },
    ],
    [0, { decision: 'granted' }],
    [208, { decision: 'granted' }],
    [27, { decision: 'unknown' }],
    [22, { decision: 'denied', reason: 'not-now' }],
    [23, { decision: 'denied', reason: 'not-this-door' }],
    [24, { decision: 'denied', reason: 'passback' }],
    [29, { decision: 'denied', reason: 'expired' }],
    [39, { decision: 'denied', reason: 'blocked' }],
    [999, { decision: 'unknown', reason: 'code-999' }],
    [8, { credential: { format: 'remote' }, decision: 'granted' }],
    [28, { kind: 'held', state: 'raised', zone: 1 }],
    [100, { kind: 'tamper', state: 'raised', zone: 1 }],
    [101, { kind: 'duress', state: 'raised', zone: 1 }],
    [102, { kind: 'forced', state: 'raised', zone: 1 }],
    [200, { kind: 'contact', state: 'raised', zone: 1 }],
    [202, { kind: 'exit-request', state: 'raised', zone: 1 }],
    // PullSDK, appendix of event types: "auxiliary input disconnected" and "shorted", normal events of an input.
    [220, { kind: 'intrusion', state: 'restored', zone: 1, cause: 'input' }],
    [221, { kind: 'intrusion', state: 'raised', zone: 1, cause: 'input' }],
  ])('tells event %i', (event, expected) => {
    expect(read('rtlog', rtlog(event))).toMatchObject([{ ...expected, key: '140' }]);
  });

  it('that closes is closed, and neither forced nor held any more', () => {
    expect(read('rtlog', rtlog(201)).map(({ kind, ...one }) => [kind, 'state' in one && one.state])).toEqual([
      ['contact', 'restored'],
      ['forced', 'restored'],
      ['held', 'restored'],
    ]);
  });

  it('knows a stranger by a card, or by nothing', () => {
    expect(read('rtlog', rtlog(27, 'pin=0\tcardno=9988776'))).toMatchObject([
      { credential: { format: 'card', number: '9988776' }, decision: 'unknown' },
    ]);
    expect(read('rtlog', rtlog(27, 'pin=0\tcardno=0'))).toMatchObject([
      { credential: { format: 'person', number: 'unknown' }, decision: 'unknown' },
    ]);
    expect(mapMessage(profile, rows('rtlog', rtlog(12, 'pin=0\tcardno=0'))[0])).toMatchObject({
      unmapped: ['rtlog/12'],
    });
  });

  it('says the state of each door by bits', () => {
    // Door 1 open and forced, door 2 closed and opened under duress, door 3 without a sensor and tampered.
    const found = read('rtstate', rtstate('0108020000000000', '06')).filter(
      (one) => 'state' in one && (one.state === 'raised' || one.kind === 'contact'),
    );
    expect(found).toMatchObject([
      { kind: 'contact', state: 'raised', zone: 1, level: true },
      { kind: 'forced', state: 'raised', zone: 1, level: true },
      { kind: 'contact', state: 'restored', zone: 2 },
      { kind: 'duress', state: 'raised', zone: 2 },
      { kind: 'tamper', state: 'raised', zone: 3 },
    ]);
    expect(read('rtstate', rtstate('xyz', ''))).toEqual([]);
  });

  it('reads what was kept, with its packed time, and moves no door for it', () => {
    // 2026-11-24 14:13:48: ((((26*12+10)*31+23)*24+14)*60+13)*60+48.
    const packed = ((((26 * 12 + 10) * 31 + 23) * 24 + 14) * 60 + 13) * 60 + 48;
    const line = `transaction cardno=0\tpin=2\tverified=15\tdoorid=1\teventtype=202\tinoutstate=0\ttime_second=${packed}\tindex=7`;
    expect(read('transaction', line)).toMatchObject([
      {
        kind: 'exit-request',
        zone: 1,
        past: true,
        at: '2026-11-24T14:13:48+08:00',
        key: '7',
      },
    ]);
  });
});

describe('a ZKTeco attendance terminal', () => {
  it('tells alarms among what was done at it, wherever the reason stands', () => {
    const time = '2026-11-24 07:41:00';
    const line = (operation: number, one: number, two = 0) =>
      `OPLOG ${operation}\t0\t${time}\t${one}\t${two}\t0\t0`;
    expect(read('OPERLOG', line(3, 55))).toMatchObject([
      { kind: 'tamper', state: 'raised', at: '2026-11-24T07:41:00+08:00' },
    ]);
    expect(read('OPERLOG', line(3, 0, 55))).toMatchObject([{ kind: 'tamper', state: 'raised' }]);
    expect(read('OPERLOG', line(3, 54))).toMatchObject([{ kind: 'forced', state: 'raised', zone: 1 }]);
    expect(read('OPERLOG', line(3, 51))).toMatchObject([{ kind: 'contact', state: 'raised' }]);
    expect(read('OPERLOG', line(3, 53))).toMatchObject([{ kind: 'exit-request' }]);
    expect(read('OPERLOG', line(3, 58))).toMatchObject([{ kind: 'tamper', cause: 'too-many-failures' }]);
    expect(read('OPERLOG', line(3, 77))).toMatchObject([{ kind: 'fault', cause: 'alarm-3/77' }]);
    expect(read('OPERLOG', line(3, 65_535))).toMatchObject([
      { kind: 'tamper', state: 'restored' },
      { kind: 'forced', state: 'restored' },
    ]);
    expect(read('OPERLOG', line(32, 0))).toMatchObject([{ kind: 'duress', state: 'raised' }]);
    expect(read('OPERLOG', line(2, 1042))).toMatchObject([
      { credential: { number: '1042' }, decision: 'denied' },
    ]);
    expect(read('OPERLOG', line(0, 0))).toMatchObject([{ kind: 'fault', cause: 'started' }]);
  });

  it('lets nobody read who uses it, and counts what else it tells', () => {
    const told = [
      'USER PIN=21\tName=王芳\tPri=0\tPasswd=4321\tCard=\tGrp=1',
      'FP PIN=21\tFID=0\tSize=1024\tValid=1\tTMP=AAAABBBB',
      'OPLOG 4\t0\t2026-11-24 07:41:00\t0\t0\t0\t0',
    ];
    const read = rows('OPERLOG', told.join('\n'));
    expect(JSON.stringify(read)).not.toMatch(/王芳|4321|AAAA/);
    expect(mapMessage({ ...profile, events: [[]] }, read)).toMatchObject({
      events: 3,
      mapped: [],
      unmapped: ['OPERLOG/USER', 'OPERLOG/FP', 'OPERLOG/OPLOG/4'],
    });
  });

  it.each([
    ['1452\t2026-11-24 07:41:00\t0\t15\t0\t0\t0\r', 'face'],
    ['1452\t2026-11-24 07:41:00\t0\t1', 'finger'],
    ['PIN=1452\tTime=2026-11-24 07:41:00\tStatus=0\tVerify=4', 'card'],
  ])('tells who came: %j', (line, format) => {
    expect(read('ATTLOG', line)).toEqual([
      {
        kind: 'credential',
        credential: { format, number: '1452' },
        decision: 'granted',
        at: '2026-11-24T07:41:00+08:00',
        key: '1452/2026-11-24 07:41:00',
      },
    ]);
  });

  it('may send any table at all', () => {
    const table = fc.constantFrom('ATTLOG', 'OPERLOG', 'rtlog', 'rtstate', 'transaction', 'user', '');
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.string(), { maxLength: 9 }).map((cells) => cells.join('\t')),
      fc.string().map((alarm) => `alarm=${alarm}\tsensor=${alarm}`),
      fc.integer().map((time) => `time_second=${time}\teventtype=${time}`),
    );
    fc.assert(
      fc.property(table, text, (name, said) => {
        const read = readTable(name, said);
        if (typeof read !== 'string') mapMessage({ ...profile, events: [[]] }, read);
      }),
    );
  });
});

describe('ZKTeco terminals', () => {
  it('of access register, then take their settings, and are known from then on', async () => {
    const { ask, post, unmapped } = await terminal();
    const hello = 'cdata?options=all&pushver=3.1.2&DeviceType=acc';
    expect((await ask(hello)).body).toBe('OK');
    const registry = await post(
      'registry',
      'DeviceType=acc,~DeviceName=SpeedFace,FirmVer=ZAM180-Ver1.1.17,PushVersion=3.1.2',
    );
    expect(registry.body).toMatch(/^RegistryCode=[0-9a-f]{32}\n$/);
    for (const method of ['GET', 'POST'])
      expect((await ask('push', { method })).body).toMatch(
        /ServerVersion=3\.[\s\S]*\nRealtime=1\n[\s\S]*SessionID=/,
      );
    const known = (await ask(hello)).body;
    expect(known).toMatch(/^registry=ok\n/);
    expect(known).toContain(registry.body);
    expect((await ask('getrequest')).body).toBe('OK');
    expect(unmapped.rest()).toEqual([]);
    // Nobody gave it an order: what it tells of one is nothing, and nothing is swallowed.
    expect((await post('devicecmd', 'ID=1&Return=0&CMD=DATA')).body).toBe('OK');
    expect(unmapped.rest()).toEqual([{ device: 'gate', what: 'iclock/devicecmd' }]);
    expect((await post('fdata', 'PIN=1.jpg')).status).toBe(200);
    expect(unmapped.rest()).toEqual([{ device: 'gate', what: 'iclock/fdata' }]);
  });

  it('of attendance take their settings at once', async () => {
    const { ask } = await terminal();
    expect((await ask('cdata?options=all&pushver=2.4.1')).body).toMatch(
      /^GET OPTION FROM: VGU6251500098\n[\s\S]*Realtime=1/,
    );
    expect((await ask('cdata.aspx?options=all')).body).toMatch(/^GET OPTION FROM/);
  });

  it('hear for each table what they expect, at whatever path they know', async () => {
    const { post, reports, unmapped } = await terminal();
    const att = '1\t2026-11-24 07:41:00\t0\t15\n2\t2026-11-24 07:41:01\t0\t15\n';
    expect((await post('cdata?table=ATTLOG&Stamp=9999', att)).body).toBe('OK: 2');
    expect((await post('cdata.aspx?table=ATTLOG&Stamp=9999', att)).body).toBe('OK: 2');
    expect((await post('iclock/cdata?table=ATTLOG&Stamp=9999', att)).body).toBe('OK: 2');
    expect(reports.rest()).toHaveLength(6);
    expect((await post('cdata?table=rtlog', rtlog(3))).body).toBe('OK');
    expect((await post('cdata?table=rtstate', rtstate('0000', '01'))).body).toBe('OK');
    expect((await post('cdata?table=options', '~DeviceName=x,FirmVer=1')).body).toBe('OK');
    const kept = 'transaction cardno=0\tpin=2\tverified=15\tdoorid=1\teventtype=3\ttime_second=1\tindex=7\n';
    expect((await post('cdata?table=tabledata&tablename=transaction&count=2', kept + kept)).body).toBe(
      'transaction=2',
    );
    expect(
      (await post('cdata?table=tabledata&tablename=user&count=1', 'user uid=1\tpin=1\tname=x')).body,
    ).toBe('user=1');
    expect((await post('cdata?table=rtstate', rtstate('?', ''))).body).toBe('OK');
    expect((await post('cdata?table=rtstate', rtstate('?', '01'))).body).toBe('OK');
    expect(unmapped.rest().map(({ what }) => what)).toEqual(['iclock/options', 'user', 'rtstate', 'rtstate']);
  });
});

describe('ZKTeco terminals that say much', () => {
  it('that say a state and that it began say one thing', async () => {
    const time = manualClock();
    const { post, reports } = await terminal(undefined, time);
    await post('cdata?table=rtstate', rtstate('01', '02'));
    expect(await reports.find(({ kind }) => kind === 'forced')).toMatchObject({
      state: 'raised',
      initial: true,
    });
    reports.rest();
    await post('cdata?table=rtlog', rtlog(102));
    expect(reports.rest()).toMatchObject([{ kind: 'forced', state: 'raised', initial: true }]);
    await time.advance(11_000);
    await post('cdata?table=rtlog', rtlog(102, undefined, 141));
    expect(reports.rest()).toMatchObject([{ kind: 'forced', state: 'raised' }]);
    expect(reports.rest()).toEqual([]);
  });

  it('that say several states of one door at once say each change', async () => {
    // As the gateway has it: a level is news where it differs from what is on disk.
    const known = new Map<string, string>();
    const told: string[] = [];
    const { post } = await terminal(async ({ kind, state, zone, initial }) => {
      const what = `${kind}/${zone?.number}`;
      const isNews = initial !== true || (known.get(what) ?? 'restored') !== state;
      await new Promise(setImmediate);
      known.set(what, state);
      if (isNews) told.push(`${kind} ${state}`);
      return { sequence: isNews ? 1 : null, id: isNews ? 'x' : null, repeated: !isNews };
    });
    await post(
      'cdata?table=rtstate',
      ['01', '00', '01', '01'].map((alarm) => rtstate(alarm, '00')).join('\n'),
    );
    expect(told).toEqual(['forced raised', 'forced restored', 'forced raised']);
    await post(
      'cdata?table=rtlog',
      `${rtlog(201, undefined, 150)}\n${rtlog(102, undefined, 151)}\n${rtlog(201, undefined, 152)}`,
    );
    expect(told.slice(3).filter((one) => one.startsWith('forced'))).toEqual([
      'forced restored',
      'forced raised',
      'forced restored',
    ]);
  });

  it('that kept thousands wait for the disk a few times, and all again where it refuses one', async () => {
    let waiting = 0;
    let most = 0;
    let refused = false;
    const { post } = await terminal(async ({ credential }) => {
      most = Math.max(most, ++waiting);
      await new Promise(setImmediate);
      waiting--;
      if (credential?.number !== '700' || refused) return { sequence: 1, id: 'x', repeated: false };
      refused = true;
      throw new Error('disk full');
    });
    const lines = Array.from({ length: 1200 }, (_, i) => `${i}\t2026-11-24 07:41:00\t0\t15\n`).join('');
    expect((await post('cdata?table=ATTLOG', lines)).status).toBe(503);
    expect((await post('cdata?table=ATTLOG', lines)).body).toBe('OK: 1200');
    expect(most).toBe(500);
  });

  it('that are simulated tell events by their codes', async () => {
    const { url, reports } = await terminal();
    const one = await startFaceTerminal({ kind: 'zkteco', to: url, serial: 'VGU6251500098' });
    onTestFinished(() => one.close());
    await one.do('event 102');
    expect(await reports.next()).toMatchObject({ kind: 'forced', state: 'raised' });
    await one.do('face 7');
    expect(await reports.next()).toMatchObject({ credential: { format: 'face', number: '7' } });
  });
});

describe('a ZKTeco terminal that spells its address its own way', () => {
  it('is known by its number in any letters, and a picture is one thing that is counted', async () => {
    const { url, reports, unmapped } = await terminal();
    const post = (query: string, body: string | Uint8Array<ArrayBuffer>) =>
      fetch(`${url}/iclock/cdata?${query}`, { method: 'POST', body });
    expect((await post('sn=VGU6251500098&Table=rtlog', rtlog(102))).status).toBe(200);
    expect(await reports.next()).toMatchObject({ kind: 'forced' });
    const head = Buffer.from('PIN=20261124141348-9.jpg\nSN=VGU6251500098\nsize=900000\nCMD=uploadphoto\0');
    const photo = Uint8Array.from([...head, 0xff, 0xd8, 0xff, ...new Uint8Array(600_000).fill(0x0a)]);
    const answer = await post('SN=VGU6251500098&table=ATTPHOTO', photo);
    expect([answer.status, await answer.text()]).toEqual([200, 'OK']);
    expect(unmapped.rest()).toEqual([{ device: 'gate', what: 'iclock/attphoto' }]);
  });
});
