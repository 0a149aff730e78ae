/**
 * On Debian 12 as debootstrap makes it, with nothing else: the bundle installed without a network, an upgrade from the last
 * released package with a full journal, removal; the package for ARM under qemu; the image's steps. Minutes, and Debian's
 * mirror: in `npm run test:long -- debian` alone.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../gateway/version.ts';
import { download } from '../../packaging/apt.ts';
import { makeBundle } from '../../packaging/bundle.ts';
import { temporaryDirectory } from '../helpers.ts';
import { otherMachine } from './other-machine.ts';
import { here, makePackages } from './packages.ts';
import { need, until } from './tools.ts';
import { supervise } from './upgrade/stand-in.ts';

const root = join(import.meta.dirname, '../..');
const cache = join(root, 'node_modules/.cache');
const MIRROR = process.env['DEBIAN_MIRROR'] ?? 'http://deb.debian.org/debian';
const CONFIG = '/etc/campus-gateway/campus.yaml';

/** Made once; whatever is done on it is done in an overlay. */
function debian12(): string {
  const folder = join(cache, 'debian-12');
  if (existsSync(folder)) return folder;
  const partial = `${folder}.partial`;
  execFileSync('rm', ['-rf', partial]);
  mkdirSync(partial, { recursive: true });
  execFileSync('debootstrap', ['--variant=minbase', 'bookworm', partial, MIRROR], { stdio: 'pipe' });
  renameSync(partial, folder);
  return folder;
}

/** Of the commit before the version was last changed. @returns its file. */
function previousPackage(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const raised = git('log', '-1', '--format=%H', `-S"version": "${version}"`, '--', 'package.json');
  const folder = join(cache, `previous-${raised}`);
  if (!existsSync(folder)) {
    const tree = temporaryDirectory();
    execFileSync('sh', ['-c', 'git archive "$1" | tar x -C "$2"', 'sh', `${raised}^`, tree], { cwd: root });
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    const args = ['packaging/package.ts', '--deb', here, '--compression', 'none', '--out', 'made'];
    const env = { ...process.env, SOURCE_DATE_EPOCH: '1' };
    execFileSync(process.execPath, args, { cwd: tree, stdio: 'pipe', env });
    cpSync(join(tree, 'made'), folder, { recursive: true });
  }
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '');
}

const made = { bundle: '', like: '' };
const isWanted = process.env['DEBIAN'] !== undefined;
beforeAll(() => {
  if (!isWanted) return;
  const out = join(cache, 'bundle');
  execFileSync('rm', ['-rf', out]);
  mkdirSync(out, { recursive: true });
  const { deb } = makePackages();
  made.bundle = makeBundle({ architecture: here, version, deb, out, mirror: MIRROR });
  made.like = debian12();
}, 900_000);

describe.runIf(isWanted)('Debian 12 without a network', { timeout: 900_000 }, () => {
  it('is given the gateway and ffmpeg by the bundle', async (context) => {
    const machine = await otherMachine(context, temporaryDirectory(), made.like);
    const { sh } = machine;
    const laid = machine.beside([
      'sh',
      '-c',
      `tar x -C "$1/var/tmp" -f "$2"; echo laid`,
      'sh',
      machine.root,
      made.bundle,
    ]);
    await new Promise((resolve) => laid.once('exit', resolve));
    const folder = `/var/tmp/campus-gateway-${version}-debian12-${here}`;
    expect(sh('which systemctl ffmpeg node campus-gateway').said).toBe('');
    // A bundle that was copied badly installs nothing.
    const damaged = sh(
      `cp -r ${folder} /var/tmp/bad; echo >> /var/tmp/bad/packages/Packages; sh /var/tmp/bad/install.sh`,
    );
    expect(damaged).toMatchObject({ status: 1, said: expect.stringContaining('the bundle is damaged') });
    const installed = sh(`sh ${folder}/install.sh`);
    expect(installed.status, installed.said.slice(-3000)).toBe(0);
    const guide = '/usr/share/doc/campus-gateway/docs/guide';
    expect(installed.said).toContain(`what comes next: ${guide}/en/README.md`);
    sh('echo LANG=zh_CN.UTF-8 > /etc/default/locale');
    expect(sh('LC_ALL=C.UTF-8 CAMPUS_LANG= /usr/lib/campus-gateway/guide').said).toBe(
      `${guide}/zh/README.md\n`,
    );
    expect(sh(`ls ${guide}/zh/day-one.md ${guide}/../pictures`).status).toBe(0);
    expect(sh('ffmpeg -hide_banner -version').said).toMatch(/^ffmpeg version/);
    expect(sh('dpkg --audit').said).toBe('');
    expect(sh(`campus-gateway check ${CONFIG}`).status).toBe(0);
    expect(sh('systemd-analyze verify campus-gateway.service campus-gateway-trial.service')).toEqual({
      status: 0,
      said: '',
    });
    const score = sh('systemd-analyze security --offline=true campus-gateway.service').said;
    expect(Number(/exposure level for campus-gateway\.service: ([\d.]+)/.exec(score)?.[1])).toBeLessThan(2);
    const demo = sh('runuser -u campus-gateway -- campus-gateway demo --for 5s | tail -n 1');
    expect(demo.said).toMatch(/^\d+ events seen, \d+ on disk, \d+ delivered, 0 lost$/m);
  });
});

describe.runIf(isWanted)('a Debian 12 of last year', { timeout: 900_000 }, () => {
  it('is upgraded from the package before, with a full journal and a backlog, and removed', async (context) => {
    need(context, 'mosquitto', 'mosquitto_sub', 'python3');
    const machine = await otherMachine(context, temporaryDirectory(), made.like);
    const { sh, beside } = machine;
    const previous = previousPackage();
    const { deb } = makePackages();
    const lay = `tar x -C "$1/var/tmp" -f "$2"; cp "$3" "$1/var/tmp/old.deb"; cp "$4" "$1/var/tmp/new.deb"`;
    const laid = beside(['sh', '-c', lay, 'sh', machine.root, made.bundle, previous, deb]);
    await new Promise((resolve) => laid.once('exit', resolve));
    // What it depends on, by the bundle; and then the package before.
    sh(`rm /var/tmp/campus-gateway-*/packages/campus-gateway_*.deb`);
    const folder = `/var/tmp/campus-gateway-${version}-debian12-${here}`;
    sh(`mkdir -p /var/tmp/l/partial; echo 'deb [trusted=yes] file:${folder}/packages ./' > /var/tmp/s.list`);
    const apt =
      'apt-get -q -o Dir::Etc::sourcelist=/var/tmp/s.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=/var/tmp/l';
    const depends = sh(`${apt} update && ${apt} install -y --no-install-recommends adduser systemd`);
    expect(depends.status, depends.said.slice(-2000)).toBe(0);
    const said = await supervise(machine, [
      'CAMPUS_GATEWAY_TRIAL_SECONDS=90',
      'CAMPUS_GATEWAY_STEADY_SECONDS=5',
    ]);
    expect(sh('dpkg -i /var/tmp/old.deb').status).toBe(0);
    const before = sh('campus-gateway --version').said.trim();
    expect(before).not.toBe(version);
    const config = `campus: { id: "4503000001", name: x }
dataDir: /var/lib/campus-gateway
status: { port: 9464 }
uplinks: [{ id: police, url: "mqtt://127.0.0.1:1883", events: ["alarm.*"] }]
devices: [{ id: panel, driver: dc09, listen: { port: 5100 }, accounts: [{ account: "1234" }] }]
`;
    sh(`echo ${Buffer.from(config).toString('base64')} | base64 -d > ${CONFIG}`);
    const filled = sh(
      `echo ${Buffer.from(FILL).toString('base64')} | base64 -d > /var/tmp/fill.mjs; runuser -u campus-gateway -- /usr/lib/campus-gateway/bin/node /var/tmp/fill.mjs`,
    );
    expect(filled).toEqual({ status: 0, said: `${EVENTS} events\n` });
    sh('systemctl start campus-gateway.service');
    const health = () => {
      const { said: text } = sh(`campus-gateway health ${CONFIG} --json`);
      return (text.startsWith('{') ? JSON.parse(text) : {}) as { version?: string };
    };
    await until('the old one runs', () => health().version === before, 60_000);
    const pressed = sh(
      'campus-gateway simulate panel --to 127.0.0.1:5100 --account 1234 --do "press 9" --for 2s',
    );
    expect(pressed.said).toContain('ACK');
    const count = () => Number(sh(`campus-gateway journal export ${CONFIG} --type 'alarm.*' | wc -l`).said);
    expect(count()).toBe(ALARMS + 1);

    // Without a terminal, and with a config that is dpkg's no longer: it asks nothing, and leaves it.
    const upgraded = sh('dpkg -i /var/tmp/new.deb');
    expect(upgraded.status, upgraded.said).toBe(0);
    expect(sh(`cat ${CONFIG}`).said).toBe(config);
    await until(
      'it is good',
      () => said.some((line) => line.includes(`${version} is healthy: it stays`)),
      120_000,
    );
    expect(health().version).toBe(version);
    expect(count()).toBe(ALARMS + 1);
    expect(sh(`campus-gateway journal verify ${CONFIG}`).status).toBe(0);
    // The platform comes only now: it gets each alarm once, from before the upgrade too.
    const got: { id: string; type: string }[] = [];
    beside(['mosquitto', '-p', '1883']);
    await until('there is a broker', () => beside(['true']) && sh('true').status === 0 && isListening(sh));
    const topic = 'campus/v1/+/event/alarm/#';
    const platform = beside(['mosquitto_sub', '-p', '1883', '-q', '1', '-c', '-i', 'police', '-t', topic]);
    if (platform.stdout !== null)
      createInterface({ input: platform.stdout }).on('line', (line) => got.push(JSON.parse(line)));
    await until('it has all', () => got.length >= ALARMS + 1, 120_000);
    expect(new Set(got.map(({ id }) => id)).size).toBe(ALARMS + 1);

    expect(sh('dpkg -r campus-gateway').status).toBe(0);
    expect(sh(`ls ${CONFIG} /var/lib/campus-gateway/journal.sqlite`).status).toBe(0);
    expect(sh('ls -d /usr/lib/campus-gateway* /var/lib/campus-gateway-package').said).not.toMatch(/^\//m);
    expect(sh('CAMPUS_GATEWAY_PURGE_DATA=yes dpkg -P campus-gateway').status).toBe(0);
    expect(sh('ls -d /etc/campus-gateway /var/lib/campus-gateway').said).not.toMatch(/^\//m);
  });
});

describe.runIf(isWanted)('a machine with an ARM processor', { timeout: 900_000 }, () => {
  it('checks a config and runs the demo, under qemu', (context) => {
    need(context, 'qemu-aarch64-static');
    const { deb } = makePackages('arm64');
    const arm = temporaryDirectory();
    const apt = { architecture: 'arm64', place: temporaryDirectory(), mirror: MIRROR } as const;
    const libraries = download(apt, ['libc6', 'libstdc++6', 'libgcc-s1'], false);
    for (const file of [...libraries, deb]) execFileSync('dpkg-deb', ['-x', file, arm]);
    const home = join(arm, 'usr/lib/campus-gateway');
    const run = (...args: string[]) => {
      // As the program would begin itself once more: qemu stands for no binary of that kind here.
      const node = [
        join(home, 'bin/node'),
        '--max-semi-space-size=8',
        join(home, 'gateway/campus-gateway.js'),
      ];
      const env = { PATH: '/usr/bin:/bin', CAMPUS_LANG: 'en', HOME: temporaryDirectory() };
      const cwd = temporaryDirectory();
      return spawnSync('qemu-aarch64-static', ['-L', arm, ...node, ...args], { encoding: 'utf8', env, cwd });
    };
    expect(run('--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
    const checked = run('check', join(root, 'config/campus.example.yaml'));
    expect(checked.stdout, checked.stderr).toContain('good');
    const demo = run('demo', '--for', '10s');
    expect(demo.stdout.trim().split('\n').at(-1), demo.stderr).toMatch(
      /^[1-9]\d* events seen, \d+ on disk, \d+ delivered, 0 lost$/,
    );
  });
});

const isListening = (sh: (line: string) => { said: string }) =>
  sh('cat /proc/net/tcp').said.includes(`:${(1883).toString(16).toUpperCase().padStart(4, '0')} `);

const EVENTS = 200_000;
const ALARMS = 1000;
/** Run by the package before: a journal with events that no platform has got, alarms among them. */
const FILL = `
MODULES { randomUUID } OF 'node:crypto';
MODULES { openJournal } OF '/usr/lib/campus-gateway/dist/gateway/journal/index.js';
const journal = await openJournal('/var/lib/campus-gateway');
const event = (i, isAlarm) => {
  const id = randomUUID(), seenAt = Date.now() - 86_400_000 + i;
  const type = isAlarm ? 'alarm.raised' : 'device.fault';
  const body = JSON.stringify({
    specversion: '1.0', id, source: '/campus/4503000001/device/panel', type: 'cn.campus.' + type,
    time: new Date(seenAt).toISOString(), subject: 'zone/1', datacontenttype: 'application/json',
    data: { kind: isAlarm ? 'panic' : 'fault', zone: { number: 1 }, clock: { by: 'gateway', synchronised: true } },
  });
  return { id, lane: isAlarm ? 'urgent' : 'normal', type, device: 'panel', seenAt, body };
};
for (let at = 0; at < ${EVENTS}; at += 1000)
  await Promise.all(Array.from({ length: 1000 }, (_, i) => journal.append(event(at + i, (at + i) % ${EVENTS / ALARMS} === 0))));
await journal.close();
console.log('${EVENTS} events');
`
  // What looks at the imports of this file takes these for none.
  .replaceAll('MODULES', 'import')
  .replaceAll('} OF', '} from');
