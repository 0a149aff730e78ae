import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { createLogin } from '../../drivers/login.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { fakeHost, temporaryDirectory } from '../helpers.ts';
import { type PeerOptions, startPeer } from './onvif-peer.ts';

/** Waits pass ten times as fast; the wall, which tokens bear, does not. */
const quick: Clock = { ...fastClock(10), wall: systemClock.wall };

async function met(options: PeerOptions, passwordOfFile = 'pw') {
  const peer = await startPeer(options);
  const passwordFile = join(temporaryDirectory(), 'pw');
  writeFileSync(passwordFile, `${passwordOfFile}\n`);
  const fake = fakeHost(undefined, quick);
  const own = { host: '127.0.0.1', port: peer.port, username: 'admin', passwordFile };
  const device = { id: 'cam', driver: 'onvif', options: onvif.options.parse(own) };
  const session = await onvif.open([device], fake.host);
  onTestFinished(() => session.close());
  const tell = (action: string) =>
    session.execute?.({ id: 'c', device: 'cam', action, arguments: {} }).catch(() => {});
  return { peer, passwordFile, tell, ...fake };
}
const isOnline = ({ state }: { readonly state: string }) => state === 'online';
const patient = { timeout: 30_000 };
const hasToken = ({ body }: { readonly body: string }) => body.includes('<UsernameToken>');

describe('a password', () => {
  it.each(['digest', 'token', 'either'] as const)(
    'that is wrong is in two requests (%s), and in no third one, whatever is asked and by whom',
    async (login) => {
      const { peer, tell } = await met({ password: 'another', login });
      await expect.poll(() => peer.wrong(), patient).toBeGreaterThan(0);
      for (let i = 0; i < 3; i++) {
        await Promise.all(['snapshot', 'stream', 'preset'].map(tell));
        await quick.wait(1000);
      }
      expect(peer.wrong()).toBe(2);
    },
  );

  it('that anybody is answered without does not pass for right', async () => {
    // ONVIF Core 5.9: these are PRE_AUTH.
    const open = ['GetSystemDateAndTime', 'GetServices', 'GetCapabilities'];
    for (const login of ['digest', 'token'] as const) {
      const { peer, tell } = await met({ password: 'another', login, open });
      await expect.poll(() => peer.wrong(), patient).toBeGreaterThan(0);
      for (let i = 0; i < 3; i++) {
        await tell('snapshot');
        await quick.wait(1000);
      }
      expect(peer.wrong()).toBe(2);
    }
  });

  it.each(['digest', 'token', 'either'] as const)(
    'that is right is told in the way that is read: %s',
    async (login) => {
      const { peer, links } = await met({ password: 'pw', login });
      await links.find(isOnline);
      await expect.poll(() => peer.of('PullMessages').length, patient).toBeGreaterThan(2);
      expect(peer.wrong()).toBe(0);
      const pulls = peer.of('PullMessages');
      if (login === 'digest') expect(pulls.filter(hasToken)).toEqual([]);
      // One that reads tokens is asked once, not twice.
      else expect(pulls.filter((one) => !hasToken(one))).toEqual([]);
      // No request tells it in two ways.
      expect(peer.heard.filter((one) => hasToken(one) && one.authorization !== undefined)).toEqual([]);
    },
  );

  it('that is changed at the camera is tried twice as well, and taken up from its file at once', async () => {
    let right = 'pw';
    const { peer, links, passwordFile } = await met({ password: () => right });
    await links.find(isOnline);
    await expect.poll(() => peer.of('PullMessages').length, patient).toBeGreaterThan(1);
    right = 'new';
    await expect.poll(() => peer.wrong(), patient).toBe(2);
    await quick.wait(3000);
    expect(peer.wrong()).toBe(2);
    writeFileSync(passwordFile, 'new\n');
    const before = peer.of('CreatePullPointSubscription').length;
    const from = quick.elapsed();
    await expect.poll(() => peer.of('CreatePullPointSubscription').length, patient).toBeGreaterThan(before);
    expect(quick.elapsed() - from).toBeLessThan(50_000);
    expect(peer.wrong()).toBe(2);
  });
});

describe('tries', () => {
  const started = () => {
    const clock = manualClock();
    const file = { password: 'a' };
    const login = createLogin(clock, () => ({ username: 'admin', password: file.password }));
    return { clock, file, login };
  };

  it('are two, one after a minute, and then one in two minutes: Dahua locks after five in five', async () => {
    const { clock, login } = started();
    const at: number[] = [];
    for (let s = 0; s < 600; s++) {
      const leave = await login.enter('PullMessages').catch(() => undefined);
      if (leave !== undefined) {
        for (let left = login.ways('PullMessages').most; left > 0; left--) {
          at.push(s);
          login.refused('PullMessages', 'http');
        }
        leave();
      }
      await clock.advance(1000);
    }
    expect(at).toEqual([0, 0, 60, 180, 300, 420, 540]);
  });

  it('go by one way and the other in turn where both were refused', () => {
    const { login } = started();
    const first = [];
    for (let i = 0; i < 4; i++) {
      first.push(login.ways('GetProfiles').order[0]);
      login.refused('GetProfiles', 'http');
    }
    expect(new Set(first.slice(2))).toEqual(new Set(['http', 'token']));
  });

  it('of one question that is refused to whom others answer are of that question alone', async () => {
    const { clock, login } = started();
    login.accepted('GetProfiles', 'http');
    login.refused('SetRelayOutputState', 'http');
    login.refused('SetRelayOutputState', 'http');
    expect(login.waitMs()).toBe(0);
    await expect(login.enter('SetRelayOutputState')).rejects.toThrow('refuses our password');
    await expect(login.enter('GetProfiles')).resolves.toBeDefined();
    // The same question was answered: it is another password now.
    login.refused('GetProfiles', 'http');
    login.refused('GetProfiles', 'http');
    expect(login.waitMs()).toBe(60_000);
    await clock.advance(60_000);
    expect(login.waitMs()).toBe(0);
  });

  it('begin anew with another password in the file, and wait no longer', async () => {
    const { clock, file, login } = started();
    login.refused('GetProfiles', 'http');
    login.refused('GetProfiles', 'http');
    const waiting = login.wait(1000, new AbortController().signal);
    await clock.advance(5000);
    file.password = 'b';
    await clock.advance(1000);
    await waiting;
    expect(login.waitMs()).toBe(0);
    expect(login.credentials()?.password).toBe('b');
    expect(login.ways('GetProfiles').most).toBe(2);
  });
});
