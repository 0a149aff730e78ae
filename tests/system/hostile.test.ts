/** All hostile peers at once, and a teacher who presses the button each second. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';
import { press } from './hostile/panel.ts';
import type { Doors } from './hostile/peers.ts';
import { gateway, mosquitto, need, subscriber, until } from './tools.ts';

const CAMPUS = '4503000001';
const SECONDS = 60;
/** The aim is 1 s, and is printed; a machine half as fast took 0.97 s, and more with other work beside. */
const ACK_S = 3;
/** Measured 63 to 110: two young generations, the heaps of threads that read foreign bodies. What is held for peers would be much more. */
const GROWTH_MB = 150;

it(`acknowledges every panic within ${ACK_S} s under all hostile peers at once, and loses none`, {
  timeout: 180_000,
}, async (context) => {
  need(context, 'mosquitto', 'mosquitto_sub', 'stdbuf', 'nice');
  const platform = await mosquitto();
  const police = await subscriber(platform.port, 'mqttv5');
  const doors: Doors = {
    panel: await freePort(),
    terminals: await freePort(),
    token: 'a-token-of-a-terminal-that-went-bad',
    console: await freePort(),
    status: await freePort(),
    broker: await freePort(),
    platform: platform.port,
    campus: CAMPUS,
    camera: await freePort(),
    fence: await freePort(),
    reader: await freePort(),
  };
  const directory = temporaryDirectory();
  const daemon = await gateway(configOf(doors, directory), directory);
  await delay(2000);
  const before = memory(daemon.child.pid);
  const peers = await startProcess(
    // They burn other machines' time in the world.
    'nice',
    ['-n', '10', process.execPath, join(import.meta.dirname, 'hostile/peers.ts'), JSON.stringify(doors)],
    /the peers are at it/,
    (own) => onTestFinished(() => stopProcess(own, 'SIGKILL')),
  );
  let most = before;
  const waits: number[] = [];
  const panics: string[] = [];
  for (let second = 0; second < SECONDS; second++) {
    const next = delay(1000);
    const sent = performance.now();
    // Each of another zone, so that none is a repetition of another.
    await press(doors.panel, second + 1, 101 + second);
    waits.push((performance.now() - sent) / 1000);
    panics.push(`button-${101 + second}`);
    most = Math.max(most, memory(daemon.child.pid));
    await next;
  }
  await stopProcess(peers.child);
  const sorted = waits.toSorted((a, b) => a - b);
  const told = () =>
    police.all
      .filter(({ event }) => event.type.endsWith('alarm.raised') && event.data['kind'] === 'panic')
      .map(({ event }) => event.subject);
  await until('all panics are with the platform', () => new Set(told()).size === SECONDS);
  process.stdout.write(
    `${peers.log.at(-1)}\n${SECONDS} panics under all of them: p50 ${((sorted[30] ?? 0) * 1000).toFixed(0)} ms, p99 ${((sorted.at(-1) ?? 0) * 1000).toFixed(0)} ms; memory ${before.toFixed(0)} MB, at most ${most.toFixed(0)} MB\n`,
  );
  const did = JSON.parse(/^peers: (.*)$/.exec(peers.log.at(-1) ?? '')?.[1] ?? '{}') as Record<string, number>;
  expect(Object.keys(did)).toHaveLength(14);
  expect(did).not.toHaveProperty('FOLLOWED ELSEWHERE');
  expect(sorted.at(-1)).toBeLessThan(ACK_S);
  expect(most - before).toBeLessThan(GROWTH_MB);
  expect(told()).toEqual(panics);
  expect(await daemon.stop()).toBe(0);
});

/** Resident memory in MB. */
const memory = (pid: number | undefined) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

function configOf(doors: Doors, directory: string) {
  const secret = (name: string, text: string) => {
    const file = join(directory, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const zones = Array.from({ length: SECONDS }, (_, i) => ({
    zone: 101 + i,
    id: `button-${101 + i}`,
    kind: 'panic',
  }));
  return {
    campus: { id: CAMPUS, name: '一中' },
    dataDir: join(directory, 'data'),
    status: { port: doors.status },
    console: { port: doors.console },
    uplinks: [
      {
        id: 'police',
        url: `mqtt://127.0.0.1:${doors.platform}`,
        reconnectSpread: '0s',
        commands: ['inventory', 'replay'],
      },
      {
        id: 'evil',
        url: `mqtt://127.0.0.1:${doors.broker}`,
        mqttVersion: 5,
        reconnectSpread: '0s',
        receipts: true,
        commands: ['replay'],
      },
    ],
    devices: [
      {
        id: 'panel',
        driver: 'dc09',
        listen: { port: doors.panel },
        accounts: [{ account: '1234', zones }, { account: '5678' }],
      },
      {
        id: 'face',
        driver: 'http-push',
        listen: { port: doors.terminals },
        profile: 'dahua-face',
        tokenFile: secret('terminal', doors.token),
      },
      { id: 'camera', driver: 'onvif', host: '127.0.0.1', port: doors.camera },
      {
        id: 'fence',
        driver: 'modbus',
        connection: { serialServer: `127.0.0.1:${doors.fence}` },
        profile: 'pulse-fence-2zone',
        zones: [{ zone: 1, kind: 'fence' }],
      },
      {
        id: 'reader',
        driver: 'osdp',
        connection: { serialServer: `127.0.0.1:${doors.reader}` },
        keyFile: secret('scbk', '00112233445566778899aabbccddeeff'),
      },
    ],
  };
}
