/** What the service's user may do, seen by root: rights by table, folders on the way, and what check and doctor say of it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileFindings } from '../../gateway/doctor/files.ts';
import { serialFindings } from '../../gateway/doctor/network.ts';
import { unreadableBy } from '../../gateway/service-reads.ts';
import { groupName, hindrance, may, READ, serviceUser, WRITE } from '../../gateway/service-user.ts';
import { temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

const isRoot = process.getuid?.() === 0;
const OTHER = 65534;
const viewer = { uid: OTHER, name: 'campus-gateway', groups: [OTHER] };
const group = groupName(OTHER);
const sh = (line: string) => execFileSync('sh', ['-c', line]);

describe('who may', () => {
  const service = { uid: 999, groups: [998, 20] };
  it.each([
    ['its own', 999, 1, 0o600, READ, true],
    ['its own that is closed to it, whatever its group may', 999, 998, 0o070, READ, false],
    ['root’s through its group', 0, 998, 0o640, READ, true],
    ['root’s through its group, to write', 0, 998, 0o640, WRITE, false],
    ['root’s through its second group', 0, 20, 0o660, READ | WRITE, true],
    ['its group has less than others', 0, 998, 0o604, READ, false],
    ['root’s own', 0, 0, 0o640, READ, false],
    ['what all may read', 0, 0, 0o644, READ, true],
    ['what all may read, to write too', 0, 0, 0o644, READ | WRITE, false],
  ])('%s', (_what, uid, gid, mode, bits, is) => {
    // As stat has it, with the kind of the file.
    expect(may(service, { uid, gid, mode: mode | 0o100000 }, bits)).toBe(is);
    expect(may({ uid: 0, groups: [0] }, { uid, gid, mode }, bits)).toBe(true);
  });
});

/** A folder as the package makes it, with a data folder of the service's user, a config, and a secret that root wrote. */
function machine() {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const config = join(directory, 'etc');
  const dataDir = join(directory, 'data');
  mkdirSync(config);
  chownSync(config, 0, OTHER);
  chmodSync(config, 0o750);
  mkdirSync(dataDir, { mode: 0o700 });
  chownSync(dataDir, OTHER, OTHER);
  const put = (name: string, text: string, mode: number) => {
    writeFileSync(join(config, name), text);
    chmodSync(join(config, name), mode);
    return join(config, name);
  };
  const secret = put('token', 'tttttttttttttttttttt\n', 0o644);
  const device = `{ id: k, driver: http-push, listen: { port: 18080 }, profile: visitor-kiosk, supervision: 5m, tokenFile: token }`;
  const file = put(
    'campus.yaml',
    `campus: { id: "4503000001", name: T }\ndataDir: ${dataDir}\ndevices: [${device}]\nuplinks: [{ id: p, url: "mqtt://127.0.0.1:18083" }]\n`,
    0o644,
  );
  return { directory, config, dataDir, file, secret };
}

describe.runIf(isRoot)('the service’s user', () => {
  it('is who has the data folder, or what is there of its path; root’s own is no other', () => {
    const { directory, dataDir } = machine();
    expect(serviceUser(dataDir)).toMatchObject({ uid: OTHER, groups: expect.arrayContaining([OTHER]) });
    expect(serviceUser(join(dataDir, 'not/there'))?.uid).toBe(OTHER);
    expect(serviceUser(directory)).toBeUndefined();
    // One that no list knows.
    chownSync(dataDir, 54321, 54320);
    expect(serviceUser(dataDir)).toEqual({ uid: 54321, name: '54321', groups: [54320] });
  });

  it('comes to a file through every folder of its path, and of what a link names', () => {
    const { directory, secret } = machine();
    expect(hindrance(viewer, secret, READ)).toBeUndefined();
    expect(hindrance(viewer, join(directory, 'none'), READ)).toBeUndefined();
    const closed = join(directory, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    writeFileSync(join(closed, 'key'), 'x');
    const link = join(directory, 'link');
    symlinkSync(join(closed, 'key'), link);
    for (const path of [link, join(closed, 'key')])
      expect(hindrance(viewer, path, READ)).toMatchObject({ at: closed, isFolder: true });
    chmodSync(closed, 0o711);
    expect(hindrance(viewer, link, READ)).toBeUndefined();
    expect(hindrance(viewer, link, WRITE)).toMatchObject({ at: link, isFolder: false });
  });
});

describe.runIf(isRoot)('check and doctor, run by root', () => {
  it('say what the service cannot read, and the command that mends it does', async () => {
    const { file, secret, dataDir } = machine();
    expect(await run('check', file)).toMatchObject({ status: 0, stderr: '' });
    expect(fileFindings(file, dataDir, viewer)).toMatchObject([{ is: 'good' }]);
    chmodSync(secret, 0o600);
    const mend = `chgrp ${group} ${secret} && chmod 640 ${secret}`;
    const { status, stdout, stderr } = await run('check', file);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^\S+token \(mode 0600\) cannot be read by the service \(user \S+\); run: /);
    expect(stderr.trimEnd().split('; run: ')[1]).toBe(mend);
    expect(fileFindings(file, dataDir, viewer)).toMatchObject([
      { is: 'bad', en: expect.stringContaining(mend), zh: expect.stringContaining(`请执行：${mend}`) },
    ]);
    expect((await run('doctor', file)).stdout).toContain(`✗ files: ${secret} (mode 0600) cannot be read`);
    sh(mend);
    expect(await run('check', file)).toMatchObject({ status: 0 });
  });

  it('open a folder of the config to the service, and let what lies in any other move', () => {
    const { directory, config, file, secret } = machine();
    chownSync(config, 0, 0);
    const [one, ...more] = unreadableBy(viewer, file);
    expect(more).toEqual([]);
    const mend = `chgrp ${group} ${config} && chmod g+rx ${config}`;
    expect(one?.en).toBe(
      `${file}, ${secret} cannot be read by the service (user campus-gateway), which ${config} (mode 0750) does not let in; run: ${mend}`,
    );
    sh(mend);
    expect(unreadableBy(viewer, file)).toEqual([]);
    const home = join(directory, 'home');
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, 'token'), 'x');
    writeFileSync(file, `devices: [{ id: k, tokenFile: ${home}/token }]\n`);
    const [elsewhere] = unreadableBy(viewer, file);
    expect(elsewhere?.en).toMatch(
      new RegExp(`which ${home} \\(mode 0700\\) does not let in; move it to .*such as ${config},`),
    );
    expect(elsewhere?.zh).toContain(`请移到服务可进入的目录（如 ${config}）`);
  });

  it('say alike what root left in the data folder, with the command that mends it', async () => {
    const { file, dataDir } = machine();
    const journal = join(dataDir, 'journal.sqlite');
    writeFileSync(journal, '');
    chmodSync(journal, 0o600);
    const { status, stdout, stderr } = await run('check', file);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`cannot write into ${journal}: no alarm is kept. Run: chown -R `);
    expect((await run('doctor', file)).stdout).toContain(`✗ files: ${stderr}`);
    sh(stderr.trim().split('. Run: ')[1] ?? 'false');
    expect(await run('check', file)).toMatchObject({ status: 0 });
  });

  it('say that a data folder takes nothing, and what root left in it', () => {
    const { file, dataDir, directory } = machine();
    const said = () => fileFindings(file, dataDir, viewer);
    writeFileSync(join(dataDir, 'journal.sqlite'), '');
    chmodSync(join(dataDir, 'journal.sqlite'), 0o600);
    const what = (path: string) =>
      `cannot write into ${path}: no alarm is kept. Run: chown -R campus-gateway: `;
    expect(said()).toMatchObject([
      { is: 'bad', en: expect.stringContaining(what(join(dataDir, 'journal.sqlite'))) },
    ]);
    chownSync(join(dataDir, 'journal.sqlite'), OTHER, OTHER);
    expect(said()).toMatchObject([{ is: 'good' }]);
    chmodSync(dataDir, 0o500);
    expect(said()).toMatchObject([{ is: 'bad', en: expect.stringContaining(what(dataDir)) }]);
    chmodSync(dataDir, 0o700);
    chmodSync(directory, 0o700);
    expect(said().find(({ en }) => en.includes('cannot write into'))?.en).toContain(
      `for ${directory} does not let it in`,
    );
  });

  it('say which group opens a serial port, or that none does', () => {
    const port = join(temporaryDirectory(), 'ttyS0');
    chmodSync(join(port, '..'), 0o755);
    writeFileSync(port, '');
    const devices = [{ id: 'reader', driver: 'osdp', options: { connection: { serial: port } } }];
    const said = (groups: readonly number[]) => serialFindings(devices as never, { ...viewer, groups })[0];
    chownSync(port, 0, 1);
    chmodSync(port, 0o660);
    expect(said([OTHER, 1])).toMatchObject({ is: 'good', en: `reader: ${port} is there` });
    expect(said([OTHER])).toMatchObject({
      is: 'bad',
      en: `reader: the service (user campus-gateway) may not open ${port}: usermod -aG ${groupName(1)} campus-gateway, then restart it`,
      zh: expect.stringContaining(`请执行 usermod -aG ${groupName(1)} campus-gateway 后重启服务`),
    });
    chmodSync(port, 0o600);
    expect(said([OTHER, 1])).toMatchObject({
      is: 'bad',
      en: expect.stringContaining('KERNEL=="ttyS[0-9]*", GROUP="dialout", MODE="0660"'),
    });
  });
});
