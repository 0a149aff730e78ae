import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import jsonata from 'jsonata';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { digestAuthorization, fetchAs, readChallenge } from '../../drivers/digest.ts';
import { multipartDecoder, readMessage, readTable } from '../../drivers/http-push/codec.ts';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { mapMessage, type Profile, timeOf } from '../../drivers/http-push/mapping.ts';
import { startFaceTerminal, type TerminalOptions } from '../../simulators/face-terminal.ts';
import { digestGuard } from '../../simulators/http.ts';
import { fakeHost, freePort, temporaryDirectory } from '../helpers.ts';
import { chunked } from './decoding.ts';

const run = promisify(execFile);
const profileOf = (name: string) =>
  parse(readFileSync(join(import.meta.dirname, `../../config/profiles/${name}.yaml`), 'utf8')) as Profile;
const map = async (profile: string, body: unknown) =>
  await mapMessage(jsonata(profileOf(profile).map), body, systemClock);
const secretFile = (text: string) => {
  const file = join(temporaryDirectory(), 'secret');
  writeFileSync(file, `${text}\n`);
  return file;
};

describe('digest authentication', () => {
  // RFC 7616, 3.9.1; RFC 2617, 3.5.
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('answers as RFC 7616 does with %s', (algorithm, response) => {
    const challenge = readChallenge(
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
    );
    expect(
      digestAuthorization(
        challenge ?? {},
        { username: 'Mufasa', password: 'Circle of Life' },
        { method: 'GET', uri: '/dir/index.html' },
        'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
      ),
    ).toContain(`response="${response}"`);
  });

  it('answers as RFC 2617 does', () => {
    const challenge = readChallenge(
      'Basic realm="x", Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
    expect(
      digestAuthorization(
        challenge ?? {},
        { username: 'Mufasa', password: 'Circle Of Life' },
        { method: 'GET', uri: '/dir/index.html' },
        '0a4f113b',
      ),
    ).toContain('response="6629fae49393a05397450978507c4ef1"');
  });

  it('is understood by our simulators, and by curl there', async () => {
    const guard = digestGuard('camera', 'admin', 'pass word');
    const server = createServer((request, response) => {
      if (guard(request, response)) response.end('in');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}/a?b=c`;
    const ours = await fetchAs(url, { username: 'admin', password: 'pass word' });
    expect([ours.status, await ours.text()]).toEqual([200, 'in']);
    expect((await fetchAs(url, { username: 'admin', password: 'x' })).status).toBe(401);
    const curl = (password: string) =>
      run('curl', [
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '--digest',
        '-u',
        `admin:${password}`,
        url,
      ]);
    expect((await curl('pass word')).stdout).toBe('200');
    expect((await curl('x')).stdout).toBe('401');
  });
});

describe('what terminals send', () => {
  const hik = {
    ipAddress: '10.0.0.31',
    dateTime: '2026-11-24T07:40:01+08:00',
    eventType: 'AccessControllerEvent',
    AccessControllerEvent: { majorEventType: 5, subEventType: 75, employeeNoString: '1042', serialNo: 77 },
  };

  it('of Hikvision is read as JSON, as XML, and as JSON beside a picture', async () => {
    const face = {
      kind: 'credential',
      credential: { format: 'face', number: '1042' },
      decision: 'granted',
      at: '2026-11-24T07:40:01+08:00',
      key: '77/2026-11-24T07:40:01+08:00',
    };
    expect(await map('hikvision-face', hik)).toEqual([face]);
    const xml = readMessage(
      'application/xml',
      Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<dateTime>2026-11-24T07:40:01+08:00</dateTime><eventType>AccessControllerEvent</eventType>
<AccessControllerEvent><majorEventType>5</majorEventType><subEventType>75</subEventType><employeeNoString>1042</employeeNoString><serialNo>77</serialNo></AccessControllerEvent>
</EventNotificationAlert>`),
    );
    expect(typeof xml === 'string' ? xml : await map('hikvision-face', xml.body)).toEqual([face]);
    const both = readMessage(
      'multipart/form-data; boundary=---------------------------7e13971310878',
      Buffer.from(
        `-----------------------------7e13971310878\r\nContent-Disposition: form-data; name="event_log"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(hik)}\r\n-----------------------------7e13971310878\r\nContent-Disposition: form-data; name="Picture"; filename="Picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--\xff\xd9\r\n-----------------------------7e13971310878--\r\n`,
        'latin1',
      ),
    );
    if (typeof both === 'string') throw new Error(both);
    expect(await map('hikvision-face', both.body)).toEqual([face]);
    expect(both.pictures.map(({ bytes }) => bytes.toString('latin1'))).toEqual(['\xff\xd8\r\n--\xff\xd9']);
  });

  it.each([
    ['a face that is refused', 76, { employeeNoString: '7' }, { decision: 'denied' }],
    ['a face that nobody knows', 76, {}, { decision: 'unknown' }],
    ['a card', 1, { cardNo: '990' }, { credential: { format: 'card', number: '990' }, decision: 'granted' }],
  ])('of Hikvision: %s', async (_name, subEventType, more, expected) => {
    const event = { ...hik, AccessControllerEvent: { majorEventType: 5, subEventType, ...more } };
    expect(await map('hikvision-face', event)).toEqual([expect.objectContaining(expected)]);
  });

  it('of Hikvision that is a heartbeat says nothing', async () => {
    const beat = readMessage(
      'application/xml',
      Buffer.from('<EventNotificationAlert><eventType>videoloss</eventType></EventNotificationAlert>'),
    );
    expect(typeof beat === 'string' ? beat : await map('hikvision-face', beat.body)).toEqual([]);
  });

  it('of Dahua is read from its stream and from a push', async () => {
    const text = `Code=AccessControl;action=Pulse;index=0;data={
   "CardNo" : "",
   "UserID" : "88",
   "Status" : 1,
   "Similarity" : 93,
   "RecNo" : 12,
   "UTC" : 1795477201
}`;
    const read = readMessage('text/plain', Buffer.from(text));
    const face = {
      kind: 'credential',
      credential: { format: 'face', number: '88' },
      decision: 'granted',
      match: 0.93,
      at: 1_795_477_201,
      key: '12',
    };
    expect(typeof read === 'string' ? read : await map('dahua-face', read.body)).toEqual([face]);
    const pushed = {
      Events: [
        { Code: 'AccessControl', Index: 0, Data: { UserID: '', CardNo: '5F', Status: 0 } },
        { Code: 'DoorStatus', Index: 0, Data: {} },
      ],
    };
    expect(await map('dahua-face', pushed)).toEqual([
      { kind: 'credential', credential: { format: 'card', number: '5F' }, decision: 'denied' },
    ]);
  });

  it('of ZKTeco is read from its tables', async () => {
    const [row] = readTable('ATTLOG', '1452\t2026-11-24 07:41:00\t0\t15\t0\t0\t0\r\n\n');
    expect(await map('zkteco-push', row)).toEqual([
      {
        kind: 'credential',
        credential: { format: 'face', number: '1452' },
        decision: 'granted',
        at: '2026-11-24T07:41:00+08:00',
        key: '1452/2026-11-24 07:41:00',
      },
    ]);
    const [log] = readTable(
      'rtlog',
      'time=2026-11-24 07:41:00\tpin=9\tcardno=\teventaddr=1\tevent=27\tinoutstatus=0\tverifytype=15\tindex=21',
    );
    expect(await map('zkteco-push', log)).toEqual([
      expect.objectContaining({
        decision: 'denied',
        credential: { format: 'person', number: '9' },
        key: '21',
      }),
    ]);
    expect(await map('zkteco-push', readTable('OPERLOG', 'OPLOG 4\t0')[0])).toEqual([]);
  });

  it.each([
    ['no JSON', 'application/json', '{'],
    ['nothing', 'application/json', ''],
    ['XML that does not end', 'text/xml', '<a><b></a>'],
    ['multipart without a part', 'multipart/mixed; boundary=x', 'y'],
  ])('that makes no sense is told: %s', (_name, type, text) => {
    expect(readMessage(type, Buffer.from(text))).toEqual(expect.any(String));
  });

  it('never makes a reader throw', () => {
    const type = fc.constantFrom('application/json', 'text/xml', 'multipart/x; boundary=b', 'text/plain', '');
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.string().map((text) => Buffer.from(`--b\r\nContent-Length: 3\r\n\r\n${text}`)),
      fc.string().map((text) => Buffer.from(`Code=A;data=${text}`)),
    );
    fc.assert(
      fc.property(type, bytes, (contentType, body) => {
        readMessage(contentType, Buffer.from(body));
        readTable(contentType, Buffer.from(body).toString());
      }),
    );
  });

  it('as a stream is read part by part, whatever the chunks, and each is there with its last byte', () => {
    const part = (text: string, end: string) =>
      `--b\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}${end}`;
    const wire = Buffer.from(
      part('one', '\r\n') + part('--b', '\r\n\r\n') + part('', '\r\n') + part('end', ''),
    );
    fc.assert(
      fc.property(chunked, (cut) => {
        const decoder = multipartDecoder('b');
        const found = cut(wire).flatMap((chunk) => decoder.push(chunk));
        expect(found.map((one) => ('frame' in one ? one.frame.bytes.toString() : one))).toEqual([
          'one',
          '--b',
          '',
          'end',
        ]);
      }),
    );
  });

  it('as a stream is found again after noise', () => {
    const decoder = multipartDecoder('b');
    const found = decoder.push(
      Buffer.from(
        'garbage\r\n--b\r\nContent-Length: 2\r\n\r\nhi\r\nmore garbage--b\r\nContent-Length: 1\r\n\r\n!',
      ),
    );
    expect(found).toEqual([
      { discarded: 9, reason: 'bytes between parts' },
      { frame: { contentType: '', bytes: Buffer.from('hi') } },
      { discarded: 14, reason: 'bytes between parts' },
      { frame: { contentType: '', bytes: Buffer.from('!') } },
    ]);
  });
});

describe('a mapping', () => {
  it.each([
    ['fails', '$error("no")', /failed/],
    ['gives no observation', '{"kind": "credential"}', /no observation: 0.credential/],
    ['gives what is none of ours', '{"kind": "hello", "state": "raised"}', /no observation/],
  ])('that %s is told', async (_name, text, reason) => {
    expect(await mapMessage(jsonata(text), {}, systemClock)).toEqual(expect.stringMatching(reason));
  });

  it('gives the time of the terminal, believed where it can be', () => {
    const now = Date.UTC(2026, 10, 24);
    expect(timeOf('2026-11-23T23:00:00Z', now)).toEqual({ time: now - 3_600_000, trusted: true });
    expect(timeOf(now / 1000 - 5, now)).toEqual({ time: now - 5000, trusted: true });
    expect(timeOf(String(now - 5), now)).toEqual({ time: now - 5, trusted: true });
    expect(timeOf('1970-01-01T00:10:00Z', now)?.trusted).toBe(false);
    expect(timeOf(now + 3_600_000, now)?.trusted).toBe(false);
    expect(timeOf('tomorrow', now)).toBeUndefined();
    expect(timeOf(undefined, now)).toBeUndefined();
  });
});

const CARD = { kind: 'credential', state: 'raised' };

async function terminal(
  profile: string,
  own: object,
  simulated: Omit<TerminalOptions, 'to'> & { to?: (port: number) => string },
  store?: (observation: Observation) => Promise<Receipt>,
) {
  const port = await freePort();
  const fake = fakeHost(store);
  const listen = simulated.listen === undefined ? { listen: { port } } : {};
  const device = {
    id: 'face',
    driver: 'http-push',
    options: httpPush.options.parse({ profile, ...listen, ...own }),
    profile: profileOf(profile),
  };
  expect(httpPush.problems?.(device)).toEqual([]);
  const start = async () => {
    const session = await httpPush.open([device], fake.host);
    session.ended.catch(() => {});
    onTestFinished(() => session.close());
    return session;
  };
  const one = await startFaceTerminal({
    ...simulated,
    id: 'face',
    to: simulated.to?.(port) ?? `http://127.0.0.1:${port}/push/face`,
  });
  onTestFinished(() => one.close());
  return { ...fake, start, port, device, do: one.do };
}
const authorization = `Basic ${Buffer.from('face:s3cret').toString('base64')}`;
const password = () => ({ username: 'face', passwordFile: secretFile('s3cret') });

describe('terminals that push', () => {
  it('of Hikvision are believed with their password, and their pictures are kept where the config says so', async () => {
    const {
      reports,
      pictures,
      links,
      start,
      do: act,
    } = await terminal(
      'hikvision-face',
      { ...password(), pictures: true },
      { kind: 'hikvision', authorization },
    );
    await start();
    await act('face 1042');
    expect(await reports.next()).toMatchObject({
      ...CARD,
      credential: { format: 'face', number: '1042' },
      access: { door: 'face', decision: 'granted', holder: '1042' },
      picture: expect.stringMatching(/^picture-/),
      at: { trusted: true },
    });
    expect((await pictures.next()).subarray(0, 2).toString('hex')).toBe('ffd8');
    expect(await links.next()).toMatchObject({ device: 'face', state: 'online' });
    await act('stranger');
    expect(await reports.next()).toMatchObject({ access: { decision: 'unknown' } });
    await act('tamper');
    expect(await reports.next()).toMatchObject({ kind: 'tamper', state: 'raised' });
    await act('clock -2h');
    await act('card 5');
    expect(await reports.next()).toMatchObject({ credential: { format: 'card', number: '5' } });
  });

  it('of ZKTeco keep what is not answered with OK, and are known by their serial number', async () => {
    let broken = true;
    const {
      reports,
      start,
      do: act,
    } = await terminal(
      'zkteco-push',
      { serial: 'CGK1', from: ['127.0.0.1'] },
      { kind: 'zkteco', serial: 'CGK1', to: (port) => `http://127.0.0.1:${port}` },
      async () => {
        if (broken) throw new Error('disk full');
        return { sequence: 1, id: 'x', repeated: false };
      },
    );
    await start();
    await act('face 7');
    await reports.next();
    await reports.next();
    broken = false;
    expect(await reports.next()).toMatchObject({
      credential: { format: 'face', number: '7' },
      repeat: { key: expect.stringContaining('7/2') },
    });
    await act('face 8');
    expect(await reports.find(({ credential }) => credential?.number === '8')).toBeDefined();
  });

  it('come and go as kiosks for visitors do', async () => {
    const {
      reports,
      start,
      do: act,
    } = await terminal(
      'visitor-kiosk',
      { tokenFile: secretFile('t0ken') },
      { kind: 'kiosk', to: (port) => `http://127.0.0.1:${port}/push/face?token=t0ken` },
    );
    await start();
    await act('arrive v-1 王芳');
    expect(await reports.next()).toMatchObject({
      kind: 'visit',
      visit: { id: 'v-1', stage: 'arrived', name: '王芳' },
    });
    await act('leave v-1');
    expect(await reports.next()).toMatchObject({ visit: { id: 'v-1', stage: 'left' } });
  });

  it('lose nothing while the gateway is away', async () => {
    const {
      reports,
      start,
      do: act,
    } = await terminal(
      'zkteco-push',
      { serial: 'A', from: ['127.0.0.1'] },
      {
        kind: 'zkteco',
        serial: 'A',
        to: (port) => `http://127.0.0.1:${port}`,
      },
    );
    for (const person of ['1', '2', '3']) await act(`face ${person}`);
    await start();
    const numbers = [await reports.next(), await reports.next(), await reports.next()];
    expect(numbers.map(({ credential }) => credential?.number)).toEqual(['1', '2', '3']);
  });

  it('are offline after a silence, where that is watched', async () => {
    const {
      links,
      start,
      do: act,
    } = await terminal('visitor-kiosk', { from: ['127.0.0.1'], supervision: '300ms' }, { kind: 'kiosk' });
    await start();
    await act('heartbeat');
    expect(await links.next()).toMatchObject({ state: 'online' });
    expect(await links.next()).toMatchObject({ state: 'offline', reason: 'silent for 0.3 s' });
    await act('heartbeat');
    expect(await links.next()).toMatchObject({ state: 'online' });
  });

  it('are refused who have no right to, or send too much or nonsense; the next good one works', async () => {
    const {
      reports,
      discards,
      start,
      port,
      do: act,
    } = await terminal('hikvision-face', password(), {
      kind: 'hikvision',
      authorization,
    });
    await start();
    const url = `http://127.0.0.1:${port}/push/face`;
    const post = async (to: string, init: RequestInit) =>
      (await fetch(to, { method: 'POST', ...init })).status;
    expect(await post(url, { body: '{}' })).toBe(401);
    expect(await post(url, { body: '{}', headers: { authorization: 'Basic eDp5' } })).toBe(401);
    expect(
      await post(`http://127.0.0.1:${port}/push/other`, { body: '{}', headers: { authorization } }),
    ).toBe(401);
    expect(await post(url, { body: 'x'.repeat(4_100_000), headers: { authorization } })).toBe(413);
    expect(await post(url, { body: '{', headers: { authorization } })).toBe(400);
    expect(await post(url, { body: '{"EventNotificationAlert": 5}', headers: { authorization } })).toBe(200);
    expect(discards.rest().map(({ reason }) => reason)).toEqual([
      'no or a wrong password',
      'no or a wrong password',
      'a terminal that is not in the config',
      'a request that cannot be read',
      'neither JSON nor XML',
    ]);
    await act('garbage');
    await act('face 3');
    expect(await reports.next()).toMatchObject({ credential: { number: '3' } });
  });

  it('may be curl, with a form and a picture', async () => {
    const { reports, pictures, start, port } = await terminal(
      'hikvision-face',
      { from: ['127.0.0.1'], pictures: true },
      { kind: 'hikvision' },
    );
    await start();
    const directory = temporaryDirectory();
    const picture = join(directory, 'face.jpg');
    writeFileSync(picture, Buffer.from('ffd8ffd9', 'hex'));
    const event = join(directory, 'event.json');
    writeFileSync(
      event,
      '{"AccessControllerEvent": {"majorEventType": 5, "subEventType": 75, "employeeNo": 12}}',
    );
    const { stdout } = await run('curl', [
      '-s',
      '-w',
      '%{http_code}',
      '-F',
      `event_log=@${event};type=application/json`,
      '-F',
      `Picture=@${picture};type=image/jpeg`,
      `http://127.0.0.1:${port}/push/face`,
    ]);
    expect(stdout).toBe('200');
    expect(await reports.next()).toMatchObject({ credential: { format: 'face', number: '12' } });
    expect((await pictures.next()).toString('hex')).toBe('ffd8ffd9');
  });

  it.each([
    ['nobody to be authenticated by', { listen: { port: 1 } }, /anybody could push/],
    ['no way', {}, /one of listen and pull/],
    ['a name without a password', { listen: { port: 1 }, from: ['::1'], username: 'x' }, /go together/],
  ])('with %s are a config error', (_name, own, message) => {
    const options = httpPush.options.parse({ profile: 'x', ...own });
    expect(httpPush.problems?.({ id: 'x', driver: 'http-push', options })[0]?.message).toMatch(message);
  });
});

describe('terminals whose stream is read', () => {
  it.each([
    ['hikvision', 'hikvision-face'],
    ['dahua', 'dahua-face'],
  ] as const)(
    'of %s tell what happens, with digest, and the line is lost when it ends',
    async (kind, profile) => {
      const port = await freePort();
      const {
        reports,
        links,
        start,
        discards,
        do: act,
      } = await terminal(
        profile,
        {
          pull: {
            url: `http://127.0.0.1:${port}/stream?x=1`,
            username: 'admin',
            passwordFile: secretFile('pw'),
          },
        },
        { kind, listen: { host: '127.0.0.1', port }, password: 'pw' },
      );
      const session = await start();
      expect(await links.next()).toMatchObject({ state: 'online' });
      await act('face 31');
      expect(await reports.next()).toMatchObject({ ...CARD, credential: { format: 'face', number: '31' } });
      await act('garbage');
      await act('card 32');
      expect(await reports.next()).toMatchObject({ credential: { format: 'card', number: '32' } });
      expect((await discards.next()).reason).toBe('bytes between parts');
      await act('cut');
      await expect(session.ended).rejects.toMatchObject({ code: 'E_LINE_LOST' });
    },
  );

  it('with a wrong password are a line that cannot be had', async () => {
    const port = await freePort();
    const { start } = await terminal(
      'dahua-face',
      { pull: { url: `http://127.0.0.1:${port}/s`, username: 'admin', passwordFile: secretFile('wrong') } },
      { kind: 'dahua', listen: { host: '127.0.0.1', port }, password: 'right' },
    );
    await expect((await start()).ended).rejects.toThrow(/401 \(the password\?\)/);
  });
});
