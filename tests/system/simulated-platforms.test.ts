/** Simulated platforms as a technician starts them, and the gateway as a campus runs it: processes, told by lines. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dialRaw, withCrc } from '../drivers/dc09-port.ts';
import { freePair, freePort, stream, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { gateway, need, until } from './tools.ts';

const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
const [PLATFORM, GATEWAY, CAMERA] = ['34020000002000000001', '34020000001180000001', '34020000001320000001'];

/** `campus-gateway simulate ...`, with its lines, and lines to it. */
function simulate(...args: string[]) {
  const child = spawn(process.execPath, [entry, 'simulate', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  const out = stream<string>();
  createInterface({ input: child.stdout }).on('line', out.push);
  return { child, out, type: (...lines: string[]) => child.stdin.write(`${lines.join('\n')}\n`) };
}

/** A folder with the passwords that both sides know. */
function passwords(): string {
  const directory = temporaryDirectory();
  for (const name of ['gb', 'cam'])
    writeFileSync(join(directory, `${name}.password`), 'secret\n', { mode: 0o600 });
  return directory;
}

/** A config with one uplink over GB/T 28181, and a panel at a port: made when the platform has its own. */
async function campusFor(platformPort: number, more: object, devices: readonly object[] = []) {
  const [panel, sip] = [await freePort(), await freePort()];
  const config = {
    campus: { id: '4503000001', name: '一中' },
    dataDir: 'data',
    uplinks: [
      {
        ...{ id: 'gb', protocol: 'gb28181', server: `127.0.0.1:${platformPort}`, port: sip },
        ...{ serverId: PLATFORM, deviceId: GATEWAY, passwordFile: 'gb.password', events: ['alarm.*'] },
        ...{ reconnectSpread: '0s', ...more },
      },
    ],
    devices: [
      { id: 'panel', driver: 'dc09', listen: { port: panel }, accounts: [{ account: '1234' }] },
      ...devices,
    ],
  };
  return { config, panel };
}

async function press(port: number, sequence: number, zone: number) {
  await until(
    'the port of panels is open',
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.destroy());
        socket.on('error', () => resolve(false)).on('close', (failed) => resolve(!failed));
      }),
  );
  const { send, answers, socket } = await dialRaw(port);
  send(withCrc(`"SIA-DCS"000${sequence}L0#1234[#1234|NPA${String(zone).padStart(3, '0')}]`));
  expect(await answers.next()).toContain('"ACK"');
  socket.destroy();
}

describe('a simulated platform of GB/T 28181', { timeout: 60_000 }, () => {
  it('registers a gateway, shows its alarms once each over a registration that it forgot, and ends on quit', async () => {
    const port = await freePort();
    const directory = passwords();
    const password = join(directory, 'gb.password');
    const { child, out, type } = simulate(
      ...['gb28181-platform', '--listen', String(port), '--password-file', password, '--algorithm', 'sm3'],
    );
    await out.find((line) => line.endsWith('is simulated; type help'));
    const { config, panel } = await campusFor(port, {});
    await gateway(config, directory);
    await out.find((line) => line.startsWith(`${GATEWAY} is registered for 3600 s (UDP 127.0.0.1:`));
    await press(panel, 1, 9);
    expect(await out.find((line) => line.startsWith('alarm'))).toMatch(
      /^alarm {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d {2}3402000000134000000[12] {2}priority 1 {2}method 2 device {2}type - {2}一键报警 panel 9 {2}SN \d+$/,
    );
    type('forget');
    await out.find((line) => line.startsWith('forgotten'));
    await press(panel, 2, 8);
    await out.find((line) => line.startsWith(`${GATEWAY} is registered`));
    expect(await out.find((line) => line.startsWith('alarm'))).toContain('一键报警 panel 8');
    type('counts', 'quit');
    expect(await out.find((line) => line.includes('keepalives'))).toMatch(/, 2 alarms$/);
    await until('it ended', () => child.exitCode === 0);
  });

  it('looks at a simulated camera through the gateway, by UDP and TCP both ways, and turns it', async (context) => {
    need(context, 'ffmpeg', 'ffprobe');
    const camera = await freePair();
    const directory = passwords();
    const simulated = simulate(
      ...['camera', '--listen', String(camera), '--rtsp', String(camera + 1)],
      ...['--password-file', join(directory, 'cam.password')],
    );
    await simulated.out.find((line) => line.endsWith('is simulated; type help'));
    const port = await freePort();
    const { out, type, child } = simulate(
      ...['gb28181-platform', '--listen', String(port), '--out', directory],
      ...['--password-file', join(directory, 'gb.password')],
    );
    await out.find((line) => line.endsWith('is simulated; type help'));
    const { config, panel } = await campusFor(
      port,
      { video: true, commands: [{ actions: ['move', 'halt'], targets: ['*'] }] },
      [
        {
          ...{ id: 'yard', driver: 'onvif', name: '操场', host: '127.0.0.1', port: camera },
          ...{ username: 'admin', passwordFile: 'cam.password' },
        },
      ],
    );
    const { log } = await gateway(config, directory);
    await out.find((line) => line.startsWith(`${GATEWAY} is registered`));
    // The gateway, the camera, and two alarm inputs.
    await out.find((line) => line.startsWith('Catalog: 4 of 4 items (SumNum)'));
    await until('the camera answers', () => log.some((line) => line.includes('yard answers')));
    for (const way of ['', '--tcp=passive', '--tcp=active']) {
      const file = `${way.slice(-3)}.mpg`;
      type(`play ${CAMERA} ${file} ${way}`, 'wait 2', 'stop');
      expect(await out.find((line) => line.startsWith(CAMERA))).toMatch(
        /the first key picture was whole \d+ ms after the ACK, H\.264$/,
      );
      const [, frames = ''] =
        /H\.264, (\d+) frames, \d+ of them key, \d+ packets, 0 lost, /.exec(await out.next()) ?? [];
      // What is counted is what a decoder finds.
      const probe = spawnSync('ffprobe', [
        ...['-v', 'error', '-count_frames', '-show_entries', 'stream=codec_name,nb_read_frames'],
        ...['-of', 'csv=p=0', join(directory, file)],
      ]);
      expect(probe.stdout.toString().trim()).toBe(`h264,${frames}`);
      expect(Number(frames)).toBeGreaterThan(10);
    }
    type(`ptz ${CAMERA} left 255`, `ptz ${CAMERA} stop`);
    expect(await simulated.out.find((line) => line.startsWith('move'))).toMatch(/^move -1 0 0 /);
    await simulated.out.find((line) => line.startsWith('stop'));
    type('quit');
    await until('it ended', () => child.exitCode === 0);
    await press(panel, 1, 1);
  });
});
