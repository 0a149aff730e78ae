/** The simulated camera, as clients that are not ours see it: the onvif package here, ffprobe in the system suite. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEvents } from '../../simulators/camera/events.ts';
import { startCamera } from '../../simulators/camera.ts';
import { manualClock } from '../clocks.ts';
import { freePort, stream } from '../helpers.ts';

const { Cam } = createRequire(import.meta.url)('onvif') as typeof import('onvif');
type Cam = InstanceType<typeof Cam>;

async function connect(auth: 'digest' | 'token', password = 'pw') {
  const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
  const camera = await startCamera({ port, rtspPort, password: 'pw', auth });
  onTestFinished(() => camera.close());
  const cam = await new Promise<Cam>((resolve, reject) => {
    const one: Cam = new Cam(
      { hostname: '127.0.0.1', port, username: 'admin', password, useWSSecurity: auth === 'token' },
      (error) => (error ? reject(error) : resolve(one)),
    );
  });
  const ask = <T>(run: (done: (error: Error | null | false, value?: T) => void) => void) =>
    new Promise<T>((resolve, reject) => run((error, value) => (error ? reject(error) : resolve(value as T))));
  return { camera, cam, ask, port, rtspPort };
}

describe('a simulated camera, to the onvif package', () => {
  it.each(['digest', 'token'] as const)('is a camera, with %s', async (auth) => {
    const { cam, ask, port, rtspPort } = await connect(auth);
    expect(await ask((done) => cam.getDeviceInformation(done as never))).toMatchObject({
      manufacturer: 'Simulated',
      model: 'SC-1',
    });
    expect(await ask((done) => cam.getStreamUri({ protocol: 'RTSP' }, done as never))).toMatchObject({
      uri: `rtsp://127.0.0.1:${rtspPort}/main`,
    });
    expect(await ask((done) => cam.getSnapshotUri({}, done as never))).toMatchObject({
      uri: `http://127.0.0.1:${port}/snapshot.jpg`,
    });
    expect(Object.keys(await ask<object>((done) => cam.getPresets({}, done as never)))).toEqual([
      'gate',
      'yard',
    ]);
    await ask((done) => cam.gotoPreset({ preset: 'p1' }, done as never));
    await expect(ask((done) => cam.gotoPreset({ preset: 'p9' }, done as never))).rejects.toThrow(
      'GotoPreset',
    );
  });

  it('tells its events to the package’s own loop', async () => {
    const { camera, cam } = await connect('digest');
    const events = stream<string>();
    cam.on(
      'event',
      (message: { topic: { _: string }; message: { message: { $: { PropertyOperation?: string } } } }) =>
        events.push(`${message.topic._} ${message.message.message.$.PropertyOperation}`),
    );
    expect(await events.next()).toBe('tns1:RuleEngine/CellMotionDetector/Motion Initialized');
    await camera.do('motion');
    await events.find((one) => one === 'tns1:RuleEngine/CellMotionDetector/Motion Changed');
    cam.removeAllListeners('event');
  });

  it('answers what each ONVIF device must: scopes, name, capabilities, properties of events', async () => {
    const { cam, ask } = await connect('token');
    const scopes = await ask<readonly { readonly scopeItem: string }[]>((done) =>
      cam.getScopes(done as never),
    );
    expect(scopes.map(({ scopeItem }) => scopeItem)).toContain('onvif://www.onvif.org/Profile/Streaming');
    expect(await ask((done) => cam.getHostname(done as never))).toMatchObject({
      name: expect.stringMatching(/^simulated/),
    });
    const all = cam as unknown as Record<
      string,
      (done: (error: Error | null, value?: unknown) => void) => void
    >;
    const asked = (name: string) =>
      ask<object>((done) => all[name]?.call(cam, done as (error: Error | null, value?: unknown) => void));
    expect(await asked('getServiceCapabilities')).toMatchObject({ security: expect.anything() });
    expect(JSON.stringify(await asked('getEventServiceCapabilities'))).toMatch(/PullPoint/i);
    const properties = await asked('getEventProperties');
    for (const topic of [
      'cellMotionDetector',
      'lineDetector',
      'tamperDetector',
      'digitalInput',
      'signalLoss',
    ])
      expect(JSON.stringify(properties)).toMatch(new RegExp(topic, 'i'));
  });

  it.each([
    ['a duration', () => 'PT2M', 120],
    ['hours', () => 'PT1H', 3600],
    ['a time', (now: number) => new Date(now + 90_000).toISOString(), 90],
    ['nothing', () => undefined, 60],
  ])('gives a subscription the time that was asked for by %s', async (_name, wanted, seconds) => {
    const port = await freePort();
    const open = await startCamera({ port, rtspPort: await freePort() });
    onTestFinished(() => open.close());
    const text = wanted(Date.now());
    const asked = text === undefined ? '' : `<InitialTerminationTime>${text}</InitialTerminationTime>`;
    const answer = await fetch(`http://127.0.0.1:${port}/onvif/events_service`, {
      method: 'POST',
      body: `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><CreatePullPointSubscription xmlns="http://www.onvif.org/ver10/events/wsdl">${asked}</CreatePullPointSubscription></s:Body></s:Envelope>`,
    });
    const xml = await answer.text();
    const at = (name: string) => Date.parse(new RegExp(`${name}>([^<]*)<`).exec(xml)?.[1] ?? '');
    expect((at('TerminationTime') - at('CurrentTime')) / 1000).toBeCloseTo(seconds, -1);
  });

  it('lets nobody in with another password', async () => {
    await expect(connect('digest', 'wrong')).rejects.toThrow(/401/);
  });
});

it('waits for nobody who went while the question was read', async () => {
  const time = manualClock();
  const events = createEvents('http://127.0.0.1', () => time.wall(), time);
  events.subscribe('');
  const [here, gone] = [new Socket(), new Socket()];
  expect(await events.answer('1', 'PullMessages', '<MessageLimit>100</MessageLimit>', here)).toContain(
    'Rule',
  );
  gone.destroy();
  await once(gone, 'close');
  // No time goes by: who waited would wait for ever.
  expect(await events.answer('1', 'PullMessages', '<Timeout>PT60S</Timeout>', gone)).toBe('');
});
