/**
 * Upgrades of the Debian package: what runs while it is unpacked, what is taken back, and that no alarm is lost or told twice
 * on the way. The supervisor is a stand-in for systemd (upgrade/supervisor.py), the broker is mosquitto, the packages are
 * ours with a later version, and what the test broke in them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, expect, it } from 'vitest';
import { version } from '../../gateway/version.ts';
import { temporaryDirectory } from '../helpers.ts';
import { type OtherMachine, otherMachine } from './other-machine.ts';
import { here, makePackages } from './packages.ts';
import { need, until } from './tools.ts';
import { supervise } from './upgrade/stand-in.ts';

const out = mkdtempSync(join(tmpdir(), 'campus-upgrade-'));
const CONFIG = '/etc/campus-gateway/campus.yaml';

type Change = (inside: (path: string, change: (text: string) => string) => void) => void;

/** Ours, of another version and with something broken. @returns its file. */
function variant(deb: string, of: string, change: Change = () => {}): string {
  const folder = mkdtempSync(join(out, 'variant-'));
  execFileSync('dpkg-deb', ['-R', deb, folder]);
  const put = (path: string, edit: (text: string) => string) => {
    const before = readFileSync(join(folder, path), 'utf8');
    const after = edit(before);
    expect(after, path).not.toBe(before);
    writeFileSync(join(folder, path), after);
  };
  put('DEBIAN/control', (text) => text.replace(/^Version: .*$/m, `Version: ${of}`));
  put('usr/lib/campus-gateway/version', () => `${of}\n`);
  put('usr/lib/campus-gateway/dist/package.json', (text) => text.replace(version, of));
  change((path, edit) => put(join('usr/lib/campus-gateway', path), edit));
  const file = join(out, `campus-gateway_${of}_${here}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', folder, file]);
  rmSync(folder, { recursive: true });
  return file;
}

/** Other tables, and MQTT that cannot connect. */
const raisesAndIsMute: Change = (inside) => {
  inside('journal-schema', () => '6\n');
  inside('dist/gateway/journal/schema.js', (text) =>
    text
      .replace('SCHEMA_VERSION = 5', 'SCHEMA_VERSION = 6')
      .replace(/^ {2}\{ up: \(db\) => db\.exec\(first\) \},$/m, `  { up: (db) => db.exec(first) },`)
      .replace(
        /^export function migrate/m,
        `migrations.push({
           up: (db) => db.exec('CREATE TABLE later (key TEXT PRIMARY KEY) STRICT; ALTER TABLE event ADD COLUMN priority INTEGER'),
           down: (db) => db.exec('DROP TABLE later; ALTER TABLE event DROP COLUMN priority'),
         });
         export function migrate`,
      ),
  );
  inside('dist/drivers/platforms/mqtt/transport.js', (text) =>
    text.replace(/async open\(own, host\) *\{/, "async open(own, host) { throw new Error('mute');"),
  );
};
/** It does not even start, and no command of it does. */
const isBroken: Change = (inside) =>
  inside('dist/gateway/cli.js', (text) => `throw new Error('broken');\n${text}`);

const made: Record<'first' | 'second' | 'mute' | 'broken', string> = {
  first: '',
  second: '',
  mute: '',
  broken: '',
};
/** Two and a half minutes: `npm run test:long -- debian`. */
const isWanted = process.env['DEBIAN'] !== undefined;
beforeAll(() => {
  if (!isWanted) return;
  made.first = makePackages().deb;
  made.second = variant(made.first, '50.0.1');
  made.mute = variant(made.first, '50.0.2', raisesAndIsMute);
  made.broken = variant(made.first, '50.0.3', isBroken);
  return () => rmSync(out, { recursive: true, force: true });
}, 240_000);

/** A machine with a supervisor, a broker, and a platform that keeps what it gets. */
async function school(context: Parameters<typeof otherMachine>[0]) {
  const machine = await otherMachine(context, temporaryDirectory());
  const { sh, begin } = machine;
  const said = await supervise(machine, [
    'CAMPUS_GATEWAY_TRIAL_SECONDS=12',
    'CAMPUS_GATEWAY_STEADY_SECONDS=3',
  ]);
  begin('mosquitto -p 1883');
  await until('there is a broker', () => sh('mosquitto_pub -p 1883 -t x -m x').status === 0);
  begin("mosquitto_sub -p 1883 -q 1 -c -i police -t 'campus/v1/+/event/alarm/#' > /var/tmp/got");
  return { ...machine, said };
}

const json = ({ sh }: OtherMachine) => {
  const { said } = sh(`campus-gateway health ${CONFIG} --json`);
  return (said.startsWith('{') ? JSON.parse(said) : {}) as {
    version?: string;
    uplinks?: { police: { state: string } };
  };
};
const alarmsAt = ({ sh }: OtherMachine) => {
  const lines = sh('cat /var/tmp/got').said.trim().split('\n');
  return lines
    .filter((line) => line.startsWith('{'))
    .map(
      (line) =>
        JSON.parse(line) as { id: string; time: string; type: string; data: { zone: { number: number } } },
    )
    .filter(({ type }) => type.endsWith('alarm.raised'));
};
const press = ({ sh }: OtherMachine, button: number) =>
  sh(`campus-gateway simulate panel --to 127.0.0.1:5100 --account 1234 --do "press ${button}" --for 1s`).said;

it.runIf(isWanted)(
  'what does not become healthy is taken back, with every alarm',
  { timeout: 240_000 },
  async (context) => {
    need(context, 'mosquitto', 'mosquitto_sub', 'python3');
    const machine = await school(context);
    const { sh, said } = machine;
    expect(sh(`apt-get install -y ${made.first}`).status).toBe(0);
    const config = `campus: { id: "4503000001", name: x }
dataDir: /var/lib/campus-gateway
uplinks: [{ id: police, url: "mqtt://127.0.0.1:1883", events: ["alarm.*"] }]
devices: [{ id: panel, driver: dc09, listen: { port: 5100 }, accounts: [{ account: "1234" }] }]
`;
    sh(
      `echo ${Buffer.from(config).toString('base64')} | base64 -d > ${CONFIG}; systemctl start campus-gateway.service`,
    );
    const isConnected = (of: string) => {
      const { version: runs, uplinks } = json(machine);
      return runs === of && uplinks?.police.state === 'connected';
    };
    await until('it is connected', () => isConnected(version));
    expect(press(machine, 1)).toContain('ACK');
    // One that stands still is killed, and begins again; a reload of the same file changes nothing.
    const pid = sh('systemctl show --property=MainPID campus-gateway.service').said.trim();
    expect(sh(`kill -STOP ${pid}`).status).toBe(0);
    await until('the watchdog ends it', () => said.includes('campus-gateway.service: watchdog'));
    await until('it is back', () => isConnected(version));
    expect(sh('systemctl reload campus-gateway.service').status).toBe(0);
    await until('the reload is told', () => said.some((line) => line.includes('nothing had changed')));

    // The power fails while the second is unpacked: the first runs, whatever lies there; and then the second.
    expect(sh(`dpkg --unpack ${made.second}`).status).toBe(0);
    expect(sh('cat /usr/lib/campus-gateway/version').said).toBe('50.0.1\n');
    expect(sh('campus-gateway --version').said).toBe(`${version}\n`);
    sh('systemctl start campus-gateway.service');
    await until('the first runs', () => isConnected(version));
    expect(press(machine, 2)).toContain('ACK');
    expect(sh('dpkg --configure campus-gateway').status).toBe(0);
    await until('the second runs', () => isConnected('50.0.1'));
    await until('it is good', () => said.some((line) => line.includes('50.0.1 is healthy: it stays')));
    expect(sh('campus-gateway upgrade')).toEqual({ status: 0, said: 'installed: 50.0.1; this is 50.0.1\n' });

    // The third has other tables and reaches no platform: what it takes meanwhile is told by the second, once.
    const upgrading = machine.begin(`campus-gateway upgrade ${made.mute}`);
    const told: string[] = [];
    if (upgrading.stdout !== null)
      createInterface({ input: upgrading.stdout }).on('line', (line) => told.push(line));
    const ended = new Promise((resolve) => upgrading.once('exit', resolve));
    await until('the third runs', () => json(machine).version === '50.0.2', 60_000).catch((error) => {
      throw new Error(`${error.message}\n${[...told, ...said].join('\n')}`);
    });
    const before = Date.now();
    expect(press(machine, 3)).toContain('ACK');
    const after = Date.now();
    expect(await ended, told.join('\n')).toBe(1);
    expect(told.join('\n')).toMatch(/taken back: 50\.0\.2 .*platform police was connected and is not: mute/);
    await until('the second is back', () => isConnected('50.0.1'));
    await until('it has told', () => alarmsAt(machine).length >= 3);
    const third = alarmsAt(machine).filter(({ data }) => data.zone.number === 3);
    expect(third).toHaveLength(1);
    const at = Date.parse(third[0]?.time ?? '');
    expect(at).toBeGreaterThanOrEqual(before - 1000);
    expect(at).toBeLessThanOrEqual(after);
    expect(sh(`campus-gateway journal verify ${CONFIG}`).status).toBe(0);

    // The fourth cannot even read the config: nothing is installed; where it is by hand, it is taken back.
    expect(sh(`campus-gateway upgrade ${made.broken}`)).toMatchObject({
      status: 1,
      said: expect.stringContaining('nothing was installed'),
    });
    expect(sh(`dpkg -i ${made.broken}`).status).toBe(0);
    await until('the fourth is taken back', () =>
      sh('cat /var/lib/campus-gateway-package/taken-back').said.startsWith('50.0.3'),
    );
    await until('the second is back', () => isConnected('50.0.1'));
    expect(press(machine, 4)).toContain('ACK');
    await until('it has told', () => alarmsAt(machine).length >= 4);
    const all = alarmsAt(machine);
    expect(all.map(({ data }) => data.zone.number)).toEqual([1, 2, 3, 4]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
    await until('the trial is over', () => sh('ls /var/lib/campus-gateway-package').said === 'taken-back\n');
    expect(sh('campus-gateway upgrade')).toMatchObject({
      status: 1,
      said: expect.stringContaining('taken back: 50.0.3'),
    });

    expect(sh('dpkg -r campus-gateway').status).toBe(0);
    expect(sh('ls -d /usr/lib/campus-gateway* /var/lib/campus-gateway-package').said).not.toMatch(/^\//m);
  },
);
