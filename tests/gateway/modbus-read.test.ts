import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerTCP } from 'modbus-serial';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

/** modbus-serial as a fence: registers 0 to 3, and what it was told to write. */
async function fence() {
  const port = await freePort();
  const registers = [0b1011, 3, 65, 0xfff6];
  const written: unknown[] = [];
  const server = new ServerTCP(
    {
      getHoldingRegister: (address: number) => {
        const value = registers[address];
        // modbus-serial's way to say exception 2.
        if (value === undefined) throw Object.assign(new Error('none'), { modbusErrorCode: 2 });
        return value;
      },
      setCoil: (...what: unknown[]) => void written.push(what),
      setRegister: (...what: unknown[]) => void written.push(what),
    },
    { host: '127.0.0.1', port, unitID: 1 },
  );
  await new Promise<void>((resolve) => server.on('initialized', () => resolve()));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const config = join(temporaryDirectory(), 'campus.yaml');
  const outputs = '[{ id: siren, kind: siren, coil: 3 }]';
  writeFileSync(
    config,
    `campus: { id: "4503000001", name: x }
devices:
  - { id: fence, driver: modbus, connection: { tcp: "127.0.0.1:${port}" }, timeout: 4s, profile: pulse-fence-2zone, outputs: ${outputs} }
`,
  );
  return { config, registers, written };
}

describe('modbus read', () => {
  it('shows the registers of the profile and what it makes of them, and writes nothing', async () => {
    const { config, written } = await fence();
    const { status, stdout } = await run('modbus', 'read', config, 'fence', '--once');
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      'holding 0             0x000b     11  0000 0000 0000 1011',
      '    bit 0 zone 1 arming armed-1: on',
      '    bit 2 zone 1 fence touched: off',
      '    bit 3 zone 1 fence broken-wire: on',
      '    bit 4 zone 1 fence short: off',
    ]);
    expect(stdout).toContain('    zone 1 kilovolts: 6.5\n');
    expect(written).toEqual([]);
  });

  it('shows what changes', async () => {
    const { config, registers } = await fence();
    const running = run('modbus', 'read', config, 'fence', '--for', '12s', '--every', '100ms');
    setTimeout(() => {
      registers[0] = 0b1111;
    }, 500);
    const { status, stdout } = await running;
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}holding 0 +0x000f +15 +0000 0000 0000 1111 {3}bit 2 zone 1 fence touched: on$/m,
    );
  });

  it('reads with its connection and unit alone, before there is a profile and whatever else is wrong', async () => {
    const { config } = await fence();
    const whole = readFileSync(config, 'utf8');
    const bare = whole
      .replace('profile: pulse-fence-2zone', 'profile: ./not-written-yet.yaml, zones: [{ zone: 99 }]')
      .concat(
        '  - { id: yard, driver: onvif, host: 10.0.0.41, username: u, passwordFile: secrets/none }\n',
        '  - { id: panel, driver: dc09, lsten: 5100 }\n',
      );
    writeFileSync(config, bare);
    const asked = (...more: readonly string[]) => run('modbus', 'read', config, ...more);
    const { status, stdout } = await asked('fence', '--once', '--function', '3', '--count', '2');
    expect(stdout.split('\n')).toEqual([
      'holding 0             0x000b     11  0000 0000 0000 1011',
      'holding 1             0x0003      3  0000 0000 0000 0011',
      '',
    ]);
    expect(status).toBe(0);
    // What it needs is told where it is wrong, and where it stands.
    writeFileSync(config, bare.replace(/unit: 1, |tcp: /, 'tcpp: '));
    const wrong = await asked('fence', '--once', '--function', '3');
    expect([wrong.status, wrong.stderr]).toEqual([
      1,
      expect.stringMatching(/:3:\d+: devices\[0\]\.connection/),
    ]);
    expect(wrong.stderr).not.toContain('panel');
    const none = await asked('wall', '--once', '--function', '3');
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('there are: fence')]);
  });

  it('shows whatever is there, and says what is not', async () => {
    const { config } = await fence();
    const { status, stdout } = await run(
      'modbus',
      'read',
      config,
      'fence',
      '--once',
      '--function',
      '3',
      '--count',
      '10',
    );
    expect(stdout).toBe(
      [
        'holding 0             0x000b     11  0000 0000 0000 1011',
        'holding 1             0x0003      3  0000 0000 0000 0011',
        'holding 2             0x0041     65  0000 0000 0100 0001',
        'holding 3             0xfff6  65526  1111 1111 1111 0110  (-10)',
        'holding 4-9: not there',
        '',
      ].join('\n'),
    );
    expect(status).toBe(0);
  });

  it('says what it needs, and which devices there are', async () => {
    const { config } = await fence();
    expect(await run('modbus', 'write', config, 'fence')).toMatchObject({ status: 2 });
    expect(await run('modbus', 'read', config, 'fence', '--function', '6')).toMatchObject({ status: 2 });
    expect(await run('modbus', 'read', config, 'fence', '--from', '-1')).toMatchObject({ status: 2 });
    expect(await run('modbus', 'read', config, 'wall')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('there are: fence'),
    });
  });
});
