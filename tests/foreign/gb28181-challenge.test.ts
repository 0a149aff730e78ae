/** A platform that has to prove itself, with sipp (Debian, sip-tester) as the platform: its digest is its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { noThings } from '../../drivers/contract/inventory.ts';
import { noMedia } from '../../drivers/contract/media.ts';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { startPlatform } from '../drivers/gb28181-peer.ts';
import { freePort, silentLog, stream, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { need } from '../system/tools.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];
const scenario = readFileSync(new URL('sipp-prover.xml', import.meta.url), 'utf8');

async function gateway() {
  const platform = await startPlatform({ asks: 'nothing' });
  const port = await freePort();
  const asked = stream<string>();
  const host = {
    ...{
      clock: systemClock,
      timeZone: 'Asia/Shanghai',
      media: noMedia,
      campusData: () => ({ id: '45', name: '一中' }),
      version: '1',
    },
    ...{ log: silentLog, discarded() {}, signal: new AbortController().signal },
    inventory: noThings.list,
    onInventory: noThings.onChanged,
    numbers: async (_series: string, names: readonly string[]) => names.map((_, i) => i + 1),
    async ask({ action }: { action: string }) {
      asked.push(action);
      return { done: true };
    },
  } as unknown as PlatformHost;
  const options = gb28181.options.parse({
    ...{ server: `127.0.0.1:${platform.port}`, serverId: PLATFORM, deviceId: DEVICE, port },
    ...{ challenge: 'MD5', guardArea: 'school' },
  });
  const channel = await gb28181.open({ ...options, password: 'secret' }, host);
  onTestFinished(() => channel.close(0, false));
  return { port, asked };
}

/** @returns its exit status: 0, all calls went as its scenario says. */
async function prove(port: number, by: 'u1' | 't1', password: string): Promise<number> {
  const directory = temporaryDirectory();
  const file = join(directory, 'prover.xml');
  const text = scenario.replaceAll('DEVICE', DEVICE).replaceAll('PLATFORM', PLATFORM);
  writeFileSync(file, text.replace('PASSWORD', password));
  const wire = ['-i', '127.0.0.1', '-p', String(await freePort()), '-t', by];
  const child = spawn(
    'sipp',
    [
      `127.0.0.1:${port}`,
      '-sf',
      file,
      ...wire,
      '-m',
      '3',
      '-r',
      '1',
      '-rp',
      '200',
      '-nostdin',
      '-timeout',
      '10s',
    ],
    { stdio: 'ignore', cwd: directory },
  );
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  const [status] = (await once(child, 'exit')) as [number];
  return status;
}

describe('sipp as a platform that has to prove itself', () => {
  beforeEach((context) => need(context, 'sipp'));

  it.each(['u1', 't1'] as const)('is heard where its proof is right: %s', async (by) => {
    const { port, asked } = await gateway();
    expect(await prove(port, by, 'secret')).toBe(0);
    expect(asked.rest()).toEqual(['arm', 'arm', 'arm']);
  });

  it('is not where its password is another', async () => {
    const { port, asked } = await gateway();
    expect(await prove(port, 'u1', 'guess')).not.toBe(0);
    expect(asked.rest()).toEqual([]);
  });
});
