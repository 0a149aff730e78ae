/** The packages, made as a release is, installed on a machine like this one, used there, upgraded, removed. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../gateway/version.ts';
import { linksOf } from '../../packaging/pages.ts';
import { temporaryDirectory } from '../helpers.ts';
import { filesOf, type OtherMachine, otherMachine } from './other-machine.ts';
import { makePackages } from './packages.ts';
import { need, until } from './tools.ts';

const root = join(import.meta.dirname, '../..');
const made = { tarball: '', deb: '' };

beforeAll(() => {
  Object.assign(made, makePackages());
}, 240_000);

describe('the npm package', { timeout: 180_000 }, () => {
  it('runs from `npm install -g`', (context) => {
    need(context, 'npm', 'unshare', 'ip');
    const prefix = temporaryDirectory();
    const args = [
      'install',
      '-g',
      '--prefix',
      prefix,
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      made.tarball,
    ];
    const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8' });
    if (/E(NOTFOUND|AI_AGAIN|NOTCACHED|CONNREFUSED|NETUNREACH)/.test(stderr)) {
      process.stderr.write('skipped: npm install -g: the npm registry is not to be reached\n');
      context.skip();
    }
    expect(status, stderr).toBe(0);
    const home = join(prefix, 'lib/node_modules/campus-gateway');
    const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ version, publishConfig: { provenance: true } });
    expect(manifest).not.toHaveProperty('private');
    for (const file of ['docs/guide/zh/README.md', 'docs/config.schema.json', 'drivers/dc09/README.md'])
      expect(existsSync(join(home, file)), file).toBe(true);
    expect(readFileSync(join(prefix, 'share/man/man1/campus-gateway.1'), 'utf8')).toContain('.TH CAMPUS');
    const own = join(root, 'node_modules/node/bin');
    // The demo has ports of its own: they are this test's alone in a network of its own.
    const alone = 'ip link set lo up; exec "$@"';
    const run = (...words: string[]) =>
      spawnSync('unshare', ['-n', 'sh', '-c', alone, 'sh', join(prefix, 'bin/campus-gateway'), ...words], {
        ...{ cwd: prefix, encoding: 'utf8' },
        env: { PATH: `${own}:/usr/sbin:/usr/bin:/sbin:/bin`, CAMPUS_LANG: 'en' },
      });
    expect(run('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(run('check', join(root, 'config/campus.example.yaml')).stdout).toContain('good');
    const demo = run('demo', '--for', '3s');
    expect(demo.stdout.trim().split('\n').at(-1), demo.stderr).toMatch(
      /^\d+ events seen, \d+ on disk, \d+ delivered, 0 lost$/,
    );
  });
});

describe('the Debian package', { timeout: 180_000 }, () => {
  it('has nothing to compile, nothing for other machines, and no right that it does not need', () => {
    const files = filesOf(made.deb);
    const of = (pattern: RegExp) => files.filter((line) => pattern.test(line));
    expect(of(/lib\/campus-gateway\/(dist|gateway)\/.*\.ts$/)).toEqual([]);
    expect(of(/\.node$/)).toHaveLength(2);
    expect(of(/\.(c|cc|cpp|gyp)$/).filter((line) => !/binding\.gyp|node-addon-api/.test(line))).toEqual([]);
    // Of root, readable by all, writable by root alone, run as nobody else.
    expect(files.filter((line) => !/^([d-]rw[x-]r-[x-]r-[x-]|lrwxrwxrwx) root\/root /.test(line))).toEqual(
      [],
    );
    expect(of(/ \.\/usr\/lib\/campus-gateway\/bin\/node$/)).toHaveLength(1);
  });

  it('is installed, configured, used, upgraded and removed, and keeps what is the school’s', async (context) => {
    const machine = await otherMachine(context, temporaryDirectory());
    const { sh } = machine;
    const installed = sh(`apt-get install -y ${made.deb}`);
    expect(installed).toMatchObject({ status: 0, said: expect.stringContaining('Edit /etc/campus-gateway') });
    expect(installed.said).toContain('/usr/share/doc/campus-gateway/docs/guide/en/README.md');
    expect(sh('dpkg --verify campus-gateway')).toEqual({ status: 0, said: '' });
    const whose =
      'stat -c "%a %U:%G %n" /etc/campus-gateway /etc/campus-gateway/campus.yaml /etc/campus-gateway/secrets /var/lib/campus-gateway';
    expect(sh(whose).said.split('\n')).toEqual([
      '750 root:campus-gateway /etc/campus-gateway',
      '640 root:campus-gateway /etc/campus-gateway/campus.yaml',
      '750 root:campus-gateway /etc/campus-gateway/secrets',
      '700 campus-gateway:campus-gateway /var/lib/campus-gateway',
      '',
    ]);
    expect(sh('readlink /etc/systemd/system/multi-user.target.wants/campus-gateway.service').status).toBe(0);
    expect(sh('systemd-analyze verify campus-gateway.service')).toEqual({ status: 0, said: '' });
    const score = sh('systemd-analyze security --offline=true campus-gateway.service').said;
    expect(Number(/exposure level for campus-gateway\.service: ([\d.]+)/.exec(score)?.[1])).toBeLessThan(2);

    // As it comes it is good, and of no campus.
    const config = '/etc/campus-gateway/campus.yaml';
    expect(sh(`campus-gateway check ${config}`)).toMatchObject({ status: 0 });
    expect(sh('/usr/lib/campus-gateway/is-configured')).toMatchObject({ status: 1 });
    expect(sh(`${PANEL} >> ${config}; sed -i s/4503000000/4503000001/ ${config}`).status).toBe(0);
    expect(sh('/usr/lib/campus-gateway/is-configured')).toEqual({ status: 0, said: '' });
    await raiseAlarm(machine, config);
    const alarms = `campus-gateway journal export ${config} --type alarm.raised | grep -c '"panic"'`;
    expect(sh(alarms).said).toBe('1\n');
    expect(sh('find /var/lib/campus-gateway -type f -perm /077').said).toBe('');

    expect(sh(`dpkg -i ${made.deb}`)).toMatchObject({ status: 0 });
    expect(sh(`grep -c '^campus:.*4503000001' ${config}`).said).toBe('1\n');
    expect(sh(alarms).said).toBe('1\n');
    expect(sh('dpkg -r campus-gateway').status).toBe(0);
    expect(sh(`ls ${config} /var/lib/campus-gateway/journal.sqlite`).status).toBe(0);
    expect(sh('ls /usr/lib/campus-gateway /usr/bin/campus-gateway').said).not.toMatch(/^\//m);

    // Purged: the journal goes where somebody says so, and nowhere else.
    const purge = 'dpkg -P campus-gateway';
    const atTerminal = (answer: string) => sh(`echo ${answer} | script -qec "${purge}" /dev/null`);
    expect(sh(purge)).toMatchObject({ status: 0, said: expect.stringContaining('rm -r /var/lib') });
    expect(sh(`ls ${config}`).status).not.toBe(0);
    const isThere = () => sh('ls /var/lib/campus-gateway/journal.sqlite').status === 0;
    expect(isThere()).toBe(true);
    sh(`dpkg -i ${made.deb}`);
    expect(atTerminal('no').said).toContain('[yes/no]');
    expect(isThere()).toBe(true);
    sh(`dpkg -i ${made.deb}`);
    atTerminal('yes');
    expect(isThere()).toBe(false);
    expect(sh('ls -d /etc/campus-gateway; getent passwd campus-gateway').said).not.toMatch(/^[/c]/m);
  });
});

describe('what the Debian package has to read and to fill in', { timeout: 400_000 }, () => {
  it('has the pages as they lie in the repository, and no link in them leads nowhere', () => {
    const folder = temporaryDirectory();
    spawnSync('sh', [
      '-c',
      'dpkg-deb --fsys-tarfile "$1" | tar x -C "$2" ./usr/share',
      'sh',
      made.deb,
      folder,
    ]);
    const doc = join(folder, 'usr/share/doc/campus-gateway');
    const pages = readdirSync(doc, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md'),
    );
    expect(pages).toEqual(
      expect.arrayContaining([
        'README.md',
        'docs/guide/en/README.md',
        'docs/guide/zh/README.md',
        'docs/city/running.md',
      ]),
    );
    const broken = pages.flatMap((page) =>
      linksOf(page, readFileSync(join(doc, page), 'utf8')).filter(({ file }) => !existsSync(join(doc, file))),
    );
    expect(broken).toEqual([]);
  });

  it('takes the config out of dpkg’s hands where the package before left it there, and asks nothing', async (context) => {
    // As packages up to 0.9.0 were: a conffile, and another template.
    const folder = temporaryDirectory();
    const old = join(folder, 'old.deb');
    const make = `set -e; dpkg-deb -R "$1" old; cd old
      sed -i 's/^Version: .*/Version: 0.0.1/' DEBIAN/control; echo /etc/campus-gateway/campus.yaml > DEBIAN/conffiles
      echo '# of old' >> usr/share/campus-gateway/campus.yaml
      mkdir -p etc/campus-gateway; cp usr/share/campus-gateway/campus.yaml etc/campus-gateway/
      dpkg-deb --root-owner-group -Znone --build . "$2"`;
    const built = spawnSync('sh', ['-c', make, 'sh', made.deb, old], { cwd: folder, encoding: 'utf8' });
    expect(built.status, built.stderr).toBe(0);
    const { sh } = await otherMachine(context, temporaryDirectory());
    const config = '/etc/campus-gateway/campus.yaml';
    const template = '/usr/share/campus-gateway/campus.yaml';

    // The school's own: not a byte of it changes.
    expect(sh(`apt-get install -y ${old}`).status).toBe(0);
    expect(sh(`echo '# ours' >> ${config}; cp -p ${config} /root/ours.yaml`).status).toBe(0);
    const upgraded = sh(`dpkg -i ${made.deb}`);
    expect(upgraded.status, upgraded.said).toBe(0);
    expect(upgraded.said).not.toContain('conf');
    expect(sh(`cmp ${config} /root/ours.yaml; ls /etc/campus-gateway; dpkg --audit`).said).toBe(
      'campus.yaml\nsecrets\n',
    );
    expect(sh(`dpkg -i ${made.deb}; cmp ${config} /root/ours.yaml`).status).toBe(0);
    expect(sh('CAMPUS_GATEWAY_PURGE_DATA=yes dpkg -P campus-gateway').status).toBe(0);
    expect(sh('ls -d /etc/campus-gateway').status).not.toBe(0);

    // Nobody's: the new one is there in its place, and is still of no campus.
    expect(sh(`dpkg -i ${old}; cmp ${config} ${template}`).status).toBe(0);
    expect(sh(`dpkg -i ${made.deb} && cmp ${config} ${template} && ! grep '# of old' ${config}`).status).toBe(
      0,
    );
    expect(sh('/usr/lib/campus-gateway/is-configured').status).toBe(1);
    expect(sh(`dpkg -r campus-gateway; ls ${config}`).status).not.toBe(0);
  });
});

/** A panel, put under the last key of the config. */
const PANEL = `printf 'devices:\\n  - { id: panel, driver: dc09, listen: { port: 5100 }, accounts: [{ account: "1234" }] }\\n'`;

/** The service's user runs it as the unit does; a panel reports a panic, and is acknowledged. */
async function raiseAlarm({ sh, begin }: OtherMachine, config: string): Promise<void> {
  const user = 'runuser -u campus-gateway -- env NODE_COMPILE_CACHE=/var/tmp/compiled';
  const daemon = begin(`${user} campus-gateway run ${config}`);
  const said: string[] = [];
  if (daemon.stdout !== null) createInterface({ input: daemon.stdout }).on('line', (line) => said.push(line));
  await until('it runs', () => said.some((line) => line.includes('the gateway runs')));
  const panel = sh(
    'campus-gateway simulate panel --to 127.0.0.1:5100 --account 1234 --do "press 9" --for 2s',
  );
  expect(panel.said).toContain('ACK');
  const healthy = sh('campus-gateway health /etc/campus-gateway/campus.yaml');
  expect(healthy, healthy.said).toMatchObject({ status: 0 });
  const reloaded = sh('campus-gateway reload /etc/campus-gateway/campus.yaml');
  expect(reloaded).toEqual({ status: 0, said: 'nothing had changed\n' });
  const ended = once(daemon, 'exit');
  sh('kill $(pgrep -f "gateway.js run /etc/campus-gateway")');
  expect((await ended)[0]).toBe(0);
}
