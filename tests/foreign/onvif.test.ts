/** ONVIF with programs of others, which ask our simulated camera: onvif-util (libonvif) from a host beside it, node-onvif-ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startCamera } from '../../simulators/camera.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { secondHost } from '../system/second-host.ts';
import { need, until } from '../system/tools.ts';
import { outcome } from './peers.ts';

it('onvif-util finds our simulated camera, logs in, and reads its profile, stream and time', {
  timeout: 60_000,
}, async (context) => {
  need(context, 'onvif-util', 'ip');
  const host = secondHost(78);
  if (host === undefined) return context.skip('no network namespace can be made here');
  // WS-Discovery.
  host.share('239.255.255.250');
  const passwordFile = join(temporaryDirectory(), 'pw');
  writeFileSync(passwordFile, 'secret-7\n');
  const [program = '', ...before] = host.wrap;
  const listen = [
    `--listen`,
    `${host.address}:8077`,
    '--rtsp',
    '8577',
    '--password-file',
    passwordFile,
    '--discovery',
  ];
  const camera = spawn(
    program,
    [
      ...before,
      process.execPath,
      join(import.meta.dirname, '../../gateway/campus-gateway.js'),
      'simulate',
      'camera',
      ...listen,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  onTestFinished(() => stopProcess(camera, 'SIGKILL'));
  await once(camera.stdout, 'data');
  // It looks for half a second.
  await until('it is found', async () => (await outcome('onvif-util', ['-a'])).text.includes(host.address));
  const ask = async (password: string, ...questions: string[]) => {
    const util = spawn('onvif-util', ['-u', 'admin', '-p', password, host.address], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    onTestFinished(() => stopProcess(util, 'SIGKILL'));
    let text = '';
    util.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    util.stdin.on('error', () => {});
    util.stdin.end(`${[...questions, 'quit'].join('\n')}\n`);
    await Promise.race([once(util, 'close'), delay(20_000)]);
    return text;
  };
  const said = await ask('secret-7', 'get rtsp', 'get profiles', 'get profile', 'get time');
  expect(said).toContain('successfully connected to host');
  expect(said).toMatch(/name:\s+Simulated SC-1/);
  expect(said).toContain(`rtsp://${host.address}:8577/main`);
  expect(said).toMatch(/Token 0: main/);
  expect(said).toMatch(/Width:\s+640\s+Height:\s+360/);
  expect(said).toMatch(/Time Offset: -?[01] seconds/);
  expect(said).not.toContain('ERROR');
  expect(await ask('wrong', 'get profiles')).not.toContain('Token 0');
});

/** What is asked of it here. */
interface NodeOnvif {
  init(): Promise<unknown>;
  getCurrentProfile(): unknown;
  readonly services: {
    readonly ptz?: { getPresets(of: { ProfileToken: string }): Promise<{ readonly data: unknown }> };
    readonly events?: { getEventProperties(): Promise<{ readonly data: unknown }> };
  };
}

it('node-onvif-ts logs in with a UsernameToken, and reads profile, stream, presets and topics', {
  timeout: 30_000,
}, async () => {
  const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
  const one = await startCamera({ port, rtspPort, password: 'secret-7', auth: 'token' });
  onTestFinished(() => one.close());
  // Loaded by this test alone.
  const { OnvifDevice } = createRequire(import.meta.url)('node-onvif-ts') as {
    readonly OnvifDevice: new (at: { xaddr: string; user: string; pass: string }) => NodeOnvif;
  };
  const client = (pass: string) =>
    new OnvifDevice({ xaddr: `http://127.0.0.1:${port}/onvif/device_service`, user: 'admin', pass });
  const device = client('secret-7');
  expect(await device.init()).toMatchObject({ Manufacturer: 'Simulated', Model: 'SC-1' });
  expect(device.getCurrentProfile()).toMatchObject({
    token: 'main',
    stream: { rtsp: `rtsp://127.0.0.1:${rtspPort}/main` },
    snapshot: `http://127.0.0.1:${port}/snapshot.jpg`,
    video: { source: { token: 'vsconf' }, encoder: { encoding: 'H264' } },
  });
  const { ptz, events } = device.services;
  expect(JSON.stringify((await ptz?.getPresets({ ProfileToken: 'main' }))?.data)).toContain('"Name":"yard"');
  const { data } = (await events?.getEventProperties()) ?? {};
  expect(data).toHaveProperty('GetEventPropertiesResponse.TopicSet.RuleEngine.CellMotionDetector.Motion');
  await expect(client('wrong').init()).rejects.toThrow(/not Authorized/);
});
