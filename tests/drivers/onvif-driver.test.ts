import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Host } from '../../drivers/contract/driver.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import { type CameraOptions, startCamera } from '../../simulators/camera.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, freePort, stream, temporaryDirectory } from '../helpers.ts';

/** Waits and limits pass ten times as fast; the wall, which tokens bear, does not. */
const quick: Clock = { ...fastClock(6), wall: systemClock.wall };

async function camera(own: object = {}, simulated: Partial<CameraOptions> = {}) {
  const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
  const did = stream<string>();
  const one = await startCamera({ port, rtspPort, password: 'pw', did: did.push, time: quick, ...simulated });
  onTestFinished(() => one.close());
  const passwordFile = join(temporaryDirectory(), 'pw');
  writeFileSync(passwordFile, 'pw\n');
  const fake = fakeHost(undefined, quick);
  const device = {
    id: 'cam',
    driver: 'onvif',
    options: onvif.options.parse({ host: '127.0.0.1', port, username: 'admin', passwordFile, ...own }),
  };
  expect(onvif.problems?.(device)).toEqual([]);
  const abouts: object[] = [];
  const about: Host['about'] = (of, what) => void abouts.push({ device: of, ...what });
  const session = await onvif.open([device], { ...fake.host, about });
  onTestFinished(() => session.close());
  const next = () => fake.reports.find(({ initial }) => initial !== true);
  const ready = async () => {
    await fake.links.find(({ state }) => state === 'online');
    await fake.reports.find(({ cause }) => cause === 'storage');
  };
  const tell = (action: string, wanted: object = {}) =>
    session.execute?.({ id: 'c', device: 'cam', action, arguments: { ...wanted } });
  return { ...fake, abouts, session, one, next, ready, tell, did, rtspPort };
}

describe('a camera', () => {
  it.each(['digest', 'token', 'either'] as const)('that knows %s tells what it sees', async (auth) => {
    const { one, next, ready, reports } = await camera({}, { auth });
    await ready();
    reports.rest();
    await one.do('motion');
    expect(await next()).toMatchObject({
      kind: 'video',
      cause: 'motion',
      state: 'raised',
      at: { trusted: true },
      details: { part: 'MotionRule' },
    });
    await one.do('motion-end');
    expect(await next()).toMatchObject({ cause: 'motion', state: 'restored' });
    await one.do('line');
    expect(await next()).toMatchObject({ cause: 'line-crossed', state: 'raised' });
    // What only happens ends by itself.
    expect(await next()).toMatchObject({
      cause: 'line-crossed',
      state: 'restored',
      details: { assumed: true },
    });
    await one.do('storage-failed');
    expect(await next()).toMatchObject({ kind: 'fault', cause: 'storage' });
  });

  it('with a clock that is off by hours is understood, its time is not believed, and it is a fault', async () => {
    const { one, next, reports } = await camera({}, { auth: 'token' });
    await one.do('clock -8h');
    expect(await reports.find(({ cause, state }) => cause === 'clock' && state === 'raised')).toMatchObject({
      kind: 'fault',
      initial: true,
    });
    await reports.find(({ cause }) => cause === 'storage');
    await one.do('cover');
    expect(await next()).toMatchObject({ cause: 'tampered', at: { trusted: false } });
  });

  it('that never says that something ended is taken to have ended', async () => {
    const { one, next, ready } = await camera({ clearAfter: '500ms' });
    await ready();
    await one.do('never-clear');
    await one.do('motion');
    await one.do('motion-end');
    expect(await next()).toMatchObject({ cause: 'motion', state: 'raised' });
    expect(await next()).toMatchObject({ cause: 'motion', state: 'restored', details: { assumed: true } });
  });

  it('turns to its presets, takes pictures, switches relays and says where its stream is', async () => {
    const relays = [{ id: 'light', token: 'ro0', limit: '200ms' }];
    const { tell, did, pictures, kept, rtspPort, abouts } = await camera({ relays });
    expect(await tell('preset', { preset: 'yard' })).toEqual({ done: true });
    expect(await did.next()).toBe('preset yard');
    await expect(tell('preset', { preset: 'roof' })).rejects.toThrow(
      'it has no preset roof; it has: gate, yard',
    );
    expect(await tell('snapshot', { preset: 'p1', event: 'alarm-1' })).toMatchObject({
      done: true,
      result: { picture: expect.stringMatching(/^picture-\d+/) },
    });
    expect(await did.next()).toBe('preset gate');
    expect((await pictures.next()).subarray(0, 2).toString('hex')).toBe('ffd8');
    expect(await kept.next()).toBe('alarm-1');
    expect(await tell('activate', { output: 'light' })).toEqual({ done: true });
    expect([await did.next(), await did.next()]).toEqual(['relay ro0 active', 'relay ro0 inactive']);
    expect(await tell('stream')).toEqual({
      done: true,
      result: { url: `rtsp://admin:pw@127.0.0.1:${rtspPort}/main` },
    });
    expect(abouts).toMatchObject([{ device: 'cam', maker: 'Simulated', model: 'SC-1', ptz: true }]);
    // The simulated camera calls its presets p1, p2 and so on.
    expect(await tell('presets')).toEqual({
      done: true,
      result: {
        presets: expect.arrayContaining([{ number: 1, name: expect.any(String) }]),
        all: expect.arrayContaining([{ token: 'p1', name: 'gate' }]),
      },
    });
    expect(await tell('key-picture')).toEqual({ done: true });
    expect(await did.next()).toBe('key picture');
    expect(await tell('unlock')).toMatchObject({ done: false });
    await expect(tell('preset', {})).rejects.toThrow('arguments.preset');
  });

  it('of a recorder is told by its channel', async () => {
    const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
    const one = await startCamera({ port, rtspPort, time: quick });
    onTestFinished(() => one.close());
    const channel = (id: string, source: string) => ({
      id,
      driver: 'onvif',
      options: onvif.options.parse({ host: '127.0.0.1', port, source }),
    });
    const { host, reports, links } = fakeHost(undefined, quick);
    const session = await onvif.open([channel('gate', 'vs0'), channel('yard', 'vs1')], host);
    onTestFinished(() => session.close());
    await links.next();
    await one.do('signal-lost');
    expect(
      await reports.find(({ cause, state }) => cause === 'signal-lost' && state === 'raised'),
    ).toMatchObject({
      device: 'gate',
    });
  });
});

describe('a camera that is restarted', () => {
  it('says so, is away, and tells again what it sees', async () => {
    const { tell, did, one, ready, reports } = await camera();
    await ready();
    expect(await tell('reboot')).toEqual({ done: true });
    expect(await did.next()).toBe('reboot');
    expect(one.subscriptions()).toBe(0);
    await expect(tell('presets')).rejects.toThrow();
    await expect.poll(() => one.subscriptions()).toBe(1);
    await one.do('motion');
    expect(await reports.find(({ cause, state }) => cause === 'motion' && state === 'raised')).toMatchObject({
      device: 'cam',
    });
  });
});

describe('a camera that turns', () => {
  it('moves until it is told to stop, and stops by itself after its time', async () => {
    const { tell, did } = await camera();
    expect(await tell('move', { pan: -0.5, tilt: 0.25 })).toEqual({ done: true });
    expect(await did.next()).toBe('move -0.5 0.25 0 for PT10S');
    expect(await tell('halt')).toEqual({ done: true });
    expect(await did.next()).toBe('stop');
    expect(await tell('move', { zoom: 1, for: 2 })).toEqual({ done: true });
    expect([await did.next(), await did.next()]).toEqual(['move 0 0 1 for PT2S', 'stop']);
    await expect(tell('move', { pan: 2 })).rejects.toThrow('arguments.pan');
  });

  it('that moves when the gateway ends is stopped', async () => {
    const { tell, did, session } = await camera();
    await tell('move', { tilt: 1, for: 30 });
    await session.close();
    expect([await did.next(), await did.next()]).toEqual(['move 0 1 0 for PT30S', 'stop']);
  });

  it('keeps presets, deletes them, and finds them by the number of their token', async () => {
    const { tell, did } = await camera();
    await tell('save-preset', { preset: '7' });
    await tell('preset', { preset: '2' });
    await tell('preset', { preset: '7' });
    await tell('save-preset', { preset: 'gate' });
    await tell('delete-preset', { preset: '1' });
    const heard = [];
    for (let i = 0; i < 5; i++) heard.push(await did.next());
    expect(heard).toEqual([
      'save preset 7',
      'preset yard',
      'preset 7',
      'save preset gate',
      'remove preset gate',
    ]);
    await expect(tell('delete-preset', { preset: '9' })).rejects.toThrow('it has no preset 9');
  });
});

describe('the clock of a camera', () => {
  it('that steps keeps its subscription, with what waits in it: our password was not wrong', async () => {
    const { one, ready, reports } = await camera({}, { auth: 'token' });
    await ready();
    const both = async (...wanted: readonly string[]) => {
      const missing = new Set(wanted);
      while (missing.size > 0) {
        const { cause, state } = await reports.next();
        missing.delete(`${cause} ${state}`);
      }
    };
    for (const [step, clock] of [
      ['clock -8h', 'raised'],
      ['clock 0s', 'restored'],
    ] as const) {
      await one.do(step);
      // The question that is open is answered; the next one bears a stale token, and somebody crosses the line meanwhile.
      await one.do('cover');
      await both('tampered raised');
      await one.do('line');
      await both('line-crossed raised', `clock ${clock}`);
      await one.do('uncover');
      await both('tampered restored');
      expect(one.subscriptions()).toBe(1);
    }
  });
});

describe('a camera in trouble', () => {
  it.each(['wrong', 'relative'])(
    'that names a %s address for its events is found all the same',
    async (which) => {
      const { one, reports, ready } = await camera();
      await ready();
      await one.do(`address ${which}`);
      await one.do('forget');
      await one.do('motion');
      const isMotion = (report: Observation) => report.cause === 'motion' && report.state === 'raised';
      expect(await reports.find(isMotion)).toMatchObject({ kind: 'video' });
    },
  );

  it('that forgets subscriptions, closes sockets, answers nonsense, tells everything once', async () => {
    const { one, next, ready, reports, discards } = await camera();
    await ready();
    reports.rest();
    await one.do('close-after 3s');
    for (let i = 0; i < 3; i++) {
      await delay(250);
      await one.do('line');
      expect(await next()).toMatchObject({ cause: 'line-crossed', state: 'raised' });
    }
    await reports.find(({ state }) => state === 'restored');
    await one.do('close-after 0s');
    await one.do('garbage 2');
    await one.do('drop');
    await one.do('line');
    expect(await next()).toMatchObject({ cause: 'line-crossed', state: 'raised' });
    expect((await discards.next()).reason).toBe('an answer that makes no sense');
    await one.do('forget');
    await one.do('drop');
    await quick.wait(1500);
    await one.do('enter');
    expect(
      (await reports.find(({ cause, state }) => cause === 'zone-entered' && state === 'raised')).kind,
    ).toBe('video');
  });

  it('that dies without a word is offline, and back by itself', async () => {
    const { one, links, next, ready, reports } = await camera();
    await ready();
    await one.do('hang 20s');
    expect(await links.next()).toMatchObject({ state: 'offline' });
    expect(await links.next()).toMatchObject({ state: 'online' });
    reports.rest();
    await one.do('motion');
    expect(await next()).toMatchObject({ cause: 'motion' });
  });

  it('with another password is offline, with the reason', async () => {
    const passwordFile = join(temporaryDirectory(), 'pw');
    writeFileSync(passwordFile, 'wrong\n');
    const { links } = await camera({ passwordFile });
    expect(await links.find(({ state }) => state === 'offline')).toMatchObject({
      reason: expect.stringMatching(/password|authentication|Authorized/i),
    });
  });

  it('that is no camera at all is offline, and harms nobody', async () => {
    const port = await freePort();
    const server = createServer((_request, response) => response.end(readFileSync(import.meta.filename)));
    server.listen(port, '127.0.0.1');
    onTestFinished(() => void server.close());
    const { host, links, discards } = fakeHost(undefined, quick);
    const device = { id: 'x', driver: 'onvif', options: onvif.options.parse({ host: '127.0.0.1', port }) };
    const session = await onvif.open([device], host);
    onTestFinished(() => session.close());
    expect((await discards.next()).reason).toBe('an answer that makes no sense');
    expect(await links.find(({ state }) => state === 'offline')).toMatchObject({ device: 'x' });
  });
});
