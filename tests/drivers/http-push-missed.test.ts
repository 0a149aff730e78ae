import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { readRecords } from '../../drivers/http-push/missed.ts';
import { startFaceTerminal } from '../../simulators/face-terminal.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, freePort, stream, temporaryDirectory } from '../helpers.ts';
import { terminalProfile } from './terminal-profile.ts';

interface Asked {
  readonly url: URL;
  readonly body: string;
  readonly response: ServerResponse;
}

/** A terminal whose stream is read, and that answers what it is asked beside as it likes. */
async function terminal(profile: string, path: string, answer: (asked: Asked) => void, own: object = {}) {
  const streams = stream<ServerResponse>();
  const server = createServer(async (request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '', 'http://terminal');
    if (url.pathname === new URL(path, 'http://terminal').pathname) {
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' });
      response.flushHeaders();
      streams.push(response);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    answer({ url, body: Buffer.concat(chunks).toString(), response });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const passwordFile = join(temporaryDirectory(), 'password');
  writeFileSync(passwordFile, 'pw\n');
  const fake = fakeHost(undefined, fastClock(25));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const options = httpPush.options.parse({
    profile: 'x',
    pull: { url, username: 'admin', passwordFile, ...own },
  });
  const device = { id: 'gate', driver: 'http-push', options, profile: terminalProfile(profile) };
  const open = async () => {
    const session = await httpPush.open([device] as never, fake.host);
    session.ended.catch(() => {});
    onTestFinished(() => session.close());
    return session;
  };
  const say = (response: ServerResponse, text: string) =>
    response.write(
      `--b\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}\r\n`,
    );
  return { ...fake, open, streams, say };
}

// ISAPI, "search for access control events": condition and answer as its documents and public clients have them.
const info = (serialNo: number, minor: number, more: object = {}) => ({
  major: minor === 1034 || minor === 1024 ? 1 : 5,
  minor,
  time: '2026-11-24T07:40:01+08:00',
  serialNo,
  doorNo: 1,
  employeeNoString: '1042',
  ...more,
});
const acsEvent = (InfoList: readonly object[], responseStatusStrg: string) =>
  JSON.stringify({
    AcsEvent: { searchID: '1', totalMatches: 3, responseStatusStrg, numOfMatches: InfoList.length, InfoList },
  });

describe('a Hikvision terminal whose stream was away', () => {
  it('is asked what happened, page by page, and tells it as the stream would have, as past', async () => {
    const asked = stream<{
      searchResultPosition: number;
      startTime: string;
      endTime: string;
      maxResults: number;
    }>();
    const pages = [
      acsEvent([info(1, 75), info(2, 23)], 'MORE'),
      acsEvent([info(3, 1034), info(4, 1024, { alarmInNo: 2 })], 'OK'),
    ];
    const { open, reports, host } = await terminal(
      'hikvision-face',
      '/ISAPI/Event/notification/alertStream',
      ({ url, body, response }) => {
        expect(url.pathname).toBe('/ISAPI/AccessControl/AcsEvent');
        asked.push(JSON.parse(body).AcsEventCond);
        response.end(pages.shift());
      },
    );
    await open();
    expect(await reports.next()).toMatchObject({
      credential: { format: 'face', number: '1042' },
      access: { decision: 'granted' },
      past: true,
      at: { time: Date.parse('2026-11-24T07:40:01+08:00') },
      repeat: {
        key: `http-push/gate/1/5/75/${Date.parse('2026-11-24T07:40:01+08:00')}/credential/raised/1042`,
      },
    });
    expect(await reports.next()).toMatchObject({ kind: 'exit-request', past: true });
    expect(await reports.next()).toMatchObject({ kind: 'duress', past: true, zone: { number: 1 } });
    // Whether its area was armed then, the gateway knows.
    expect(await reports.next()).toMatchObject({ kind: 'intrusion', past: true, zone: { number: 2 } });
    const [first, second] = [await asked.next(), await asked.next()];
    expect([first.searchResultPosition, second.searchResultPosition, first.maxResults]).toEqual([0, 2, 30]);
    expect(first.startTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/);
    const since = host.clock.wall() - Date.parse(first.startTime);
    expect(Math.abs(since - 12 * 3_600_000 - 600_000)).toBeLessThan(120_000);
    expect(reports.rest()).toEqual([]);
  });

  it('is asked from where it was last heard, when its stream comes again', async () => {
    const asked = stream<{ startTime: string }>();
    const { open, streams, say, reports, links, host } = await terminal(
      'hikvision-face',
      '/ISAPI/Event/notification/alertStream',
      ({ body, response }) => {
        asked.push(JSON.parse(body).AcsEventCond);
        response.end(acsEvent([], 'NO MATCH'));
      },
    );
    await open();
    const first = await streams.next();
    await asked.next();
    const event = { majorEventType: 5, subEventType: 75, serialNo: 9, employeeNoString: '7' };
    say(first, JSON.stringify({ dateTime: '2026-11-24T07:40:01+08:00', AccessControllerEvent: event }));
    expect((await reports.next()).past).toBeUndefined();
    await links.next();
    first.destroy();
    await streams.next();
    const { startTime } = await asked.next();
    // It was not away: nobody hears that it was.
    expect(links.rest()).toEqual([]);
    expect(Math.abs(host.clock.wall() - 600_000 - Date.parse(startTime))).toBeLessThan(120_000);
  });

  it('that ends its streams at once is not asked beside, and later for all of it', async () => {
    const asked = stream<{ startTime: string }>();
    const { open, streams, host } = await terminal(
      'hikvision-face',
      '/ISAPI/Event/notification/alertStream',
      ({ body, response }) => {
        asked.push(JSON.parse(body).AcsEventCond);
        response.end(acsEvent([], 'NO MATCH'));
      },
    );
    for (let i = 0; i < 3; i++) {
      const session = await open();
      (await streams.next()).destroy();
      await expect(session.ended).rejects.toThrow();
    }
    expect(asked.rest()).toEqual([]);
    await open();
    const { startTime } = await asked.next();
    const since = host.clock.wall() - Date.parse(startTime);
    expect(Math.abs(since - 12 * 3_600_000 - 600_000)).toBeLessThan(120_000);
  });

  it('that cannot be asked is read all the same, and that is told', async () => {
    const { open, streams, say, reports, discards } = await terminal(
      'hikvision-face',
      '/ISAPI/Event/notification/alertStream',
      ({ response }) => response.writeHead(403).end(),
    );
    await open();
    expect(await discards.next()).toMatchObject({
      reason: 'what was missed, which it does not give',
      detail: 'it answers 403',
    });
    say(
      await streams.next(),
      JSON.stringify({ AccessControllerEvent: { majorEventType: 1, subEventType: 1034 } }),
    );
    expect(await reports.next()).toMatchObject({ kind: 'duress' });
  });
});

describe('a terminal that is asked what was missed', () => {
  it('is not, where the config says so', async () => {
    const asked = stream<string>();
    const { open, streams } = await terminal(
      'hikvision-face',
      '/ISAPI/Event/notification/alertStream',
      ({ url, response }) => {
        asked.push(url.pathname);
        response.end();
      },
      { missed: '0s' },
    );
    await open();
    await streams.next();
    expect(asked.rest()).toEqual([]);
  });

  it('says by its past nothing of how a door is now', async () => {
    let give: (() => void) | undefined;
    const asked = stream<true>();
    const { open, streams, say, reports } = await terminal(
      'hikvision-face',
      '/ISAPI/Event/notification/alertStream',
      ({ response }) => {
        give = () => response.end(acsEvent([info(5, 25)], 'OK'));
        asked.push(true);
      },
    );
    await open();
    const live = await streams.next();
    await asked.next();
    const closed = { majorEventType: 5, subEventType: 26, doorNo: 1, serialNo: 6 };
    say(live, JSON.stringify({ eventType: 'AccessControllerEvent', AccessControllerEvent: closed }));
    expect(await reports.next()).toMatchObject({ kind: 'contact', state: 'restored' });
    give?.();
    expect(await reports.find(({ past }) => past === true)).toMatchObject({
      kind: 'contact',
      state: 'raised',
      momentary: true,
    });
  });
});

describe('simulated terminals', () => {
  it.each([
    ['hikvision', 'hikvision-face', '/ISAPI/Event/notification/alertStream'],
    ['dahua', 'dahua-face', '/cgi-bin/eventManager.cgi?action=attach&codes=[All]'],
  ] as const)('of %s give what happened while nobody read', async (kind, profile, path) => {
    const port = await freePort();
    const one = await startFaceTerminal({ kind, listen: { host: '127.0.0.1', port }, password: 'pw' });
    onTestFinished(() => one.close());
    await one.do('face 31');
    const passwordFile = join(temporaryDirectory(), 'password');
    writeFileSync(passwordFile, 'pw\n');
    const pull = { url: `http://127.0.0.1:${port}${path}`, username: 'admin', passwordFile };
    const options = httpPush.options.parse({ profile: 'x', pull });
    const { host, reports } = fakeHost(undefined, fastClock(25));
    const device = { id: 'gate', driver: 'http-push', options, profile: terminalProfile(profile) };
    const session = await httpPush.open([device] as never, host);
    session.ended.catch(() => {});
    onTestFinished(() => session.close());
    const missed = await reports.next();
    expect(missed).toMatchObject({ credential: { format: 'face', number: '31' }, past: true });
    await one.do('face 32');
    expect((await reports.next()).credential).toEqual({ format: 'face', number: '32' });
  });
});

// Dahua's HTTP API, recordFinder.cgi.
const records = (rows: readonly object[]) =>
  [
    `totalCount=${rows.length}`,
    `found=${rows.length}`,
    ...rows.flatMap((row, i) => Object.entries(row).map(([name, value]) => `records[${i}].${name}=${value}`)),
    '',
  ].join('\r\n');

describe('a Dahua terminal whose stream was away', () => {
  it('is asked for its records, in the form of time that it knows, and tells each under its number', async () => {
    const asked = stream<URLSearchParams>();
    const row = {
      RecNo: 12,
      CreateTime: 1_795_477_201,
      UserID: '88',
      CardNo: '',
      Method: 15,
      Status: 1,
      Door: 0,
    };
    const { open, reports } = await terminal(
      'dahua-face',
      '/cgi-bin/eventManager.cgi?action=attach&codes=[All]',
      ({ url, response }) => {
        asked.push(url.searchParams);
        const isText = url.searchParams.get('StartTime')?.includes(':') === true;
        response.end(
          isText ? records([row, { ...row, RecNo: 13, UserID: '', Status: 0 }]) : 'Error\r\nBad Request!\r\n',
        );
      },
    );
    await open();
    expect(await reports.next()).toMatchObject({
      credential: { format: 'face', number: '88' },
      access: { decision: 'granted' },
      at: { time: 1_795_477_201_000 },
      past: true,
      repeat: { key: 'http-push/gate/12/AccessControl/1795477201000/credential/raised/88' },
    });
    expect(await reports.next()).toMatchObject({ access: { decision: 'unknown' }, past: true });
    const [epoch, text] = [await asked.next(), await asked.next()];
    expect(epoch.get('name')).toBe('AccessControlCardRec');
    expect(epoch.get('StartTime')).toMatch(/^\d{10}$/);
    expect(text.get('StartTime')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });

  it('may answer anything', () => {
    expect(readRecords('found=0\r\n')).toEqual([]);
    fc.assert(
      fc.property(fc.string(), (text) => void readRecords(`records[0].${text}\nrecords[1].A=${text}`)),
    );
  });
});
