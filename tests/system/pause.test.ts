/** The gateway is stopped for a while (SIGSTOP), as a virtual machine is when it is moved: nobody is offline for that. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startCamera } from '../../simulators/camera.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import { startPanel } from '../../simulators/panel.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { gateway, until } from './tools.ts';

/** Longer than any silence that makes a device of these offline: OSDP 8 s, ONVIF 15 s. */
const PAUSE_MS = 18_000;

it('a gateway that stood still calls no device offline, and sees who is gone after that', async () => {
  const directory = temporaryDirectory();
  const [panelPort, pushPort, osdpPort, cameraPort, rtspPort] = (await Promise.all(
    Array.from({ length: 5 }, () => freePort()),
  )) as [number, number, number, number, number];
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, 'tttttttttttttttttttt\n');
  const readers = await startOsdpReaders({
    end: { listen: { host: '127.0.0.1', port: osdpPort } },
    readers: [{ id: 'reader', address: 0 }],
  });
  onTestFinished(() => readers[0]?.close());
  const camera = await startCamera({ port: cameraPort, rtspPort });
  onTestFinished(() => camera.close());
  const { child, log } = await gateway(
    {
      campus: { id: '4503000001', name: 'T' },
      devices: [
        {
          id: 'panel',
          driver: 'dc09',
          listen: { port: panelPort },
          accounts: [{ account: '1234', supervision: '4s' }],
        },
        {
          id: 'kiosk',
          driver: 'http-push',
          listen: { port: pushPort },
          profile: 'visitor-kiosk',
          tokenFile,
          supervision: '4s',
        },
        { id: 'reader', driver: 'osdp', connection: { serialServer: `127.0.0.1:${osdpPort}` }, address: 0 },
        { id: 'camera', driver: 'onvif', host: '127.0.0.1', port: cameraPort },
      ],
    },
    directory,
  );
  const panel = await startPanel({
    host: '127.0.0.1',
    port: panelPort,
    account: '1234',
    supervision: 1000,
    retry: 2000,
  });
  onTestFinished(() => panel.close());
  const beat = () =>
    void fetch(`http://127.0.0.1:${pushPort}/push/kiosk?token=tttttttttttttttttttt`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"event":"heartbeat"}',
    }).then(
      (response) => response.arrayBuffer(),
      () => {},
    );
  const beating = setInterval(beat, 1000);
  onTestFinished(() => clearInterval(beating));
  const says = (word: string) => log.filter((line) => line.includes(word));
  await until('all answer', () => says(' answers"').length === 4);

  child.kill('SIGSTOP');
  await delay(PAUSE_MS);
  child.kill('SIGCONT');
  await until('it says that it stood still', () => says('stood still').length === 1);
  await delay(6000);
  expect(says('does not answer')).toEqual([]);

  clearInterval(beating);
  await panel.do('cut');
  await until('two are gone', () => says('does not answer').length === 2, 10_000);
});
