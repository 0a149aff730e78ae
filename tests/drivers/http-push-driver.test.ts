import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { startFaceTerminal, type TerminalOptions } from '../../simulators/face-terminal.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { fakeHost, freePort, temporaryDirectory } from '../helpers.ts';
import { terminalProfile } from './terminal-profile.ts';

const run = promisify(execFile);
const secretFile = (text: string) => {
  const file = join(temporaryDirectory(), 'secret');
  writeFileSync(file, `${text}\n`);
  return file;
};

const CARD = { kind: 'credential', state: 'raised' };

async function terminal(
  profile: string,
  own: object,
  simulated: Omit<TerminalOptions, 'to'> & { to?: (port: number) => string },
  store?: (observation: Observation) => Promise<Receipt>,
  time?: Clock,
) {
  const port = await freePort();
  const fake = fakeHost(store, time);
  const listen = simulated.listen === undefined ? { listen: { port } } : {};
  const device = {
    id: 'face',
    driver: 'http-push',
    options: httpPush.options.parse({ profile, ...listen, ...own }),
    profile: terminalProfile(profile),
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
  return { ...fake, start, port, device, act: one.do };
}
const authorization = `Basic ${Buffer.from('face:s3cret').toString('base64')}`;
const password = () => ({ username: 'face', passwordFile: secretFile('s3cret') });

describe('terminals that push', () => {
  it('of Hikvision are believed with their password, and their pictures are kept where the config says so', async () => {
    const { reports, pictures, links, start, act } = await terminal(
      'hikvision-face',
      { ...password(), pictures: true },
      { kind: 'hikvision', username: 'face', password: 's3cret' },
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

  it('come and go as kiosks for visitors do', async () => {
    const { reports, start, act } = await terminal(
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
});

describe('terminals that push into trouble', () => {
  it('of ZKTeco keep what is not answered with OK, and are known by their serial number', async () => {
    let broken = true;
    const { reports, start, act } = await terminal(
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

  it('lose nothing while the gateway is away', async () => {
    const { reports, start, act } = await terminal(
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
    const { links, start, act } = await terminal(
      'visitor-kiosk',
      { from: ['127.0.0.1'], supervision: '60s' },
      { kind: 'kiosk' },
      undefined,
      fastClock(200),
    );
    await start();
    await act('heartbeat');
    expect(await links.next()).toMatchObject({ state: 'online' });
    expect(await links.next()).toMatchObject({ state: 'offline', reason: 'silent for 60 s' });
    await act('heartbeat');
    expect(await links.next()).toMatchObject({ state: 'online' });
  });

  it('are given a whole interval where the gateway stood still; one of 30 days is one', async () => {
    const time = manualClock();
    const { links, start } = await terminal(
      'visitor-kiosk',
      { from: ['127.0.0.1'], supervision: '30d' },
      { kind: 'kiosk' },
      undefined,
      time,
    );
    await start();
    const day = 86_400_000;
    await time.advance(29 * day);
    await time.pause(day + 1);
    await time.advance(30 * day - 1);
    expect(links.rest()).toEqual([]);
    await time.advance(1);
    expect(links.rest()).toMatchObject([{ state: 'offline' }]);
  });
});

describe('terminals that push, and who may', () => {
  it('are refused who have no right to, or send too much or nonsense; the next good one works', async () => {
    const { reports, discards, start, port, act } = await terminal('hikvision-face', password(), {
      ...{ kind: 'hikvision', username: 'face', password: 's3cret' },
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
    // Who said no password may say it yet.
    expect(discards.rest().map(({ reason }) => reason)).toEqual([
      'no or a wrong password',
      'a terminal that is not in the config',
      'a request that cannot be read',
      'neither JSON nor XML',
      'an event that fits no observation of the profile',
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
      const { reports, links, start, discards, act } = await terminal(
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
