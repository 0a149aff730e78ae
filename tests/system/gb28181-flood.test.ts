/** A flood at the SIP port, from the platform's own address and from strangers, and a panic each second under it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startPlatform } from '../drivers/gb28181-peer.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { press } from './hostile/panel.ts';
import { gateway, until } from './tools.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];
const PANICS = 15;
/** A local alarm is shown within 2 s (GB/T 29315): it is printed. On a machine that does ten things more it took 7 s. */
const MOST_MS = 15_000;
const GROWTH_MB = 120;

const memory = (pid: number | undefined) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

it('a flood holds no alarm up, and takes no memory', { timeout: 90_000 }, async () => {
  const platform = await startPlatform({ asks: 'qop' });
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'pw'), 'secret\n', { mode: 0o600 });
  const [panel, sip] = [await freePort(), await freePort()];
  const daemon = await gateway(
    {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      uplinks: [
        {
          ...{ id: 'gb', protocol: 'gb28181', server: `127.0.0.1:${platform.port}`, port: sip },
          ...{ serverId: PLATFORM, deviceId: DEVICE, passwordFile: 'pw', events: ['alarm.*'] },
          ...{ eventId: true, reconnectSpread: '0s' },
        },
      ],
      devices: [{ id: 'panel', driver: 'dc09', listen: { port: panel }, accounts: [{ account: '1234' }] }],
    },
    directory,
  );
  /** When an alarm of a zone was heard first. */
  const heardAt = new Map<number, number>();
  void (async () => {
    for (;;) {
      const { body } = await platform.heard.next();
      if (!body.includes('<CmdType>Alarm')) continue;
      // The text is GB 18030; the zone's number stands in it as digits.
      const zone = Number(/(\d{3}) [\da-f]{8}-/.exec(body)?.[1]);
      if (!heardAt.has(zone)) heardAt.set(zone, performance.now());
    }
  })();
  const pressed = new Map<number, number>();
  const pressOne = async (zone: number) => {
    pressed.set(zone, performance.now());
    await press(panel, zone, zone);
  };
  await until('the port of panels is open, and the platform hears', async () => {
    await pressOne(100).catch(() => {});
    return heardAt.has(100);
  });
  const before = memory(daemon.child.pid);
  const script = join(import.meta.dirname, 'hostile/sip-flood.ts');
  const flood = spawn(process.execPath, [script, String(sip), DEVICE, PLATFORM, String(PANICS + 1)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => stopProcess(flood, 'SIGKILL'));
  const said = once(flood.stdout, 'data');
  let most = before;
  for (let i = 1; i <= PANICS; i++) {
    await delay(1000);
    await pressOne(100 + i);
    most = Math.max(most, memory(daemon.child.pid));
  }
  await until('all panics are with the platform', () => heardAt.size === PANICS + 1);
  const waits = Array.from({ length: PANICS }, (_, i) => i + 101)
    .map((zone) => (heardAt.get(zone) ?? Number.NaN) - (pressed.get(zone) ?? 0))
    .toSorted((a, b) => a - b);
  const [text] = (await said) as [Buffer];
  process.stdout.write(
    `${text.toString().trim()}; ${PANICS} panics: p50 ${waits[PANICS >> 1]?.toFixed(0)} ms, most ${waits.at(-1)?.toFixed(0)} ms; memory ${before.toFixed(0)} MB, at most ${most.toFixed(0)} MB\n`,
  );
  expect(waits.at(-1)).toBeLessThan(MOST_MS);
  expect(most - before).toBeLessThan(GROWTH_MB);
  expect(await daemon.stop()).toBe(0);
});
