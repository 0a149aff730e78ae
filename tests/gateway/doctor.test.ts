/** `campus-gateway doctor` with platforms of GB/T 28181 that are written by hand. */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type PeerOptions, startPlatform } from '../drivers/gb28181-peer.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { clock, run } from './terminal.ts';

/** Beijing's, as platforms write it. */
const beijing = (at: number) => new Date(at + 8 * 3_600_000).toISOString().slice(0, -1);

async function withPlatform(peer: PeerOptions = {}, own: object = {}, more: object = {}) {
  const platform = await startPlatform(peer);
  platform.behaviour.date = () => beijing(clock.wall());
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'pw'), 'secret\n', { mode: 0o600 });
  const port = await freePort();
  const config = join(directory, 'campus.yaml');
  const uplink = {
    ...{ id: 'police', protocol: 'gb28181', server: `127.0.0.1:${platform.port}`, port },
    ...{ serverId: '34020000002000000001', deviceId: '45030000001180000007', passwordFile: 'pw' },
    ...{ events: ['alarm.*'], ...own },
  };
  const campus = { id: '4503000001', name: 'T' };
  writeFileSync(
    config,
    JSON.stringify({ campus, timezone: 'Asia/Shanghai', dataDir: 'data', uplinks: [uplink], ...more }),
  );
  const registers = () =>
    platform.heard
      .rest()
      .filter(({ method }) => method === 'REGISTER')
      .map(({ header }) => header('Expires'));
  return { platform, directory, port, registers, doctor: () => run('doctor', config) };
}

describe('the doctor', () => {
  it('registers once, compares the clocks, and leaves', async () => {
    const { doctor, registers } = await withPlatform({ asks: 'nothing' });
    const { status, stdout } = await doctor();
    expect(stdout).toMatch(
      /^✓ platforms: police: it registers; its clock is \d\.\d s (ahead of|behind) this one$/m,
    );
    expect(status).toBe(0);
    const expires = [...new Set(registers())];
    expect(expires.at(-1)).toBe('0');
    expect(expires).toHaveLength(2);
  });

  it.each([
    [9000, /its clock is 9\.\d s ahead of this one, more than 5 s: look at the NTP of both/],
    [-8 * 3_600_000, /its clock is 8\.0 h behind this one, .* whole hours are a time zone/],
  ])('says that a clock is off by %i ms, and lets it in all the same', async (off, sentence) => {
    const { platform, doctor } = await withPlatform({ asks: 'nothing' });
    platform.behaviour.date = () => beijing(clock.wall() + off);
    const { status, stdout } = await doctor();
    expect(stdout).toMatch(sentence);
    expect(status).toBe(0);
  });

  it('says that the password is refused, and proves it once only', async () => {
    const { platform, doctor } = await withPlatform({ password: 'another' });
    const { status, stdout } = await doctor();
    expect(stdout).toMatch(/^✗ platforms: police: it refuses the password, .* it was not tried again/m);
    expect(status).toBe(1);
    const proofs = platform.heard.rest().filter(({ header }) => header('Authorization') !== '');
    expect(new Set(proofs.map(({ header }) => header('CSeq'))).size).toBe(1);
  });

  it('says that nobody answers, that there is no such host, and that a port is taken', async () => {
    const silent = await withPlatform();
    silent.platform.behaviour.isSilent = true;
    expect(await silent.doctor()).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/✗ platforms: police: no answer by UDP from 127\.0\.0\.1:/),
    });
    const lost = await withPlatform({}, { server: 'platform.invalid:5060' });
    expect((await lost.doctor()).stdout).toMatch(/✗ platforms: police: there is no way to platform\.invalid/);
    const taken = await withPlatform();
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    await new Promise<void>((resolve) => socket.bind(taken.port, '0.0.0.0', resolve));
    expect((await taken.doctor()).stdout).toContain(`the SIP port ${taken.port} is taken by another program`);
    expect(taken.registers()).toEqual([]);
  });

  it('says that large messages will not arrive where the platform takes no connections, and that an id is odd', async () => {
    const { platform, doctor } = await withPlatform(
      { asks: 'nothing' },
      { deviceId: '45030000001320000007' },
    );
    await platform.refuseTcp();
    const { status, stdout } = await doctor();
    expect(stdout).toMatch(/^! .* \(TCP\): what is over 1300 bytes goes by TCP and will not arrive$/m);
    expect(stdout).toMatch(
      /^! .*digits 11 to 13 of `deviceId` are 132, where a gateway's are 111, 118 or 2xx/m,
    );
    expect(stdout).toMatch(/^✓ platforms: police: it registers/m);
    expect(status).toBe(0);
  });

  it('asks the gateway that runs, and registers nothing', async () => {
    const status = await freePort();
    const { doctor, registers } = await withPlatform({}, {}, { status: { port: status } });
    const said = {
      healthy: true,
      campus: '4503000001',
      uplinks: { police: { state: 'connected', channel: { clockOffsetMs: -7000 } } },
    };
    const server = createServer((_request, response) => response.end(JSON.stringify(said)));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(status, '127.0.0.1', resolve));
    const found = await doctor();
    expect(found.stdout).toContain('✓ platforms: police: is connected\n');
    expect(found.stdout).toContain('! platforms: police: its clock is -7.0 s off ours');
    expect(registers()).toEqual([]);
  });

  it('says that nobody would be told: no platform, and an area that nothing arms', async () => {
    const zones = [{ zone: 1, kind: 'perimeter' }];
    const panel = { id: 'p', driver: 'dc09', listen: { port: await freePort() } };
    const devices = [{ ...panel, accounts: [{ account: '1234', zones }] }];
    const areas = [{ id: 'wall', zones: [{ device: 'p', zone: 1 }] }];
    const { stdout } = await (await withPlatform({}, {}, { uplinks: [], devices, areas })).doctor();
    expect(stdout).toMatch(/^! platforms: the config has none: nobody outside/m);
    expect(stdout).toMatch(/^! devices: nothing arms wall: it is disarmed until/m);
  });

  it('tries nothing beside a gateway that it cannot ask', async () => {
    const dataDir = temporaryDirectory();
    const { doctor, registers } = await withPlatform({}, {}, { dataDir });
    const lock = new Database(join(dataDir, 'lock.sqlite'));
    onTestFinished(() => void lock.close());
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    expect((await doctor()).stdout).toMatch(/a gateway runs with .* platforms and devices were not tried/);
    expect(registers()).toEqual([]);
  });
});
