import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSecrets } from '../../gateway/secrets.ts';
import { groupName, type Viewer } from '../../gateway/service-user.ts';
import { temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

/** A config that names secrets of several kinds, each readable by all. */
function openConfig() {
  const directory = temporaryDirectory();
  // Others come in: what lies in a closed folder is closed.
  chmodSync(directory, 0o755);
  const put = (name: string, content: string, mode = 0o644) => {
    const file = join(directory, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  };
  put('door.token', 'tttttttttttttttttttt\n');
  put('broker password', 'secret\n');
  put('cards.csv', 'number,facility,holder,groups\n');
  put('closed', 'secret\n', 0o600);
  put('ca.pem', 'no matter what');
  mkdirSync(join(directory, 'data'));
  put('data/card.key', 'k');
  put('data/console.operator.token', 'k', 0o600);
  const config = put(
    'campus.yaml',
    `campus: { id: "4503000001", name: T }
uplinks:
  - { id: police, url: "mqtts://127.0.0.1:1", username: u, passwordFile: "broker password", tls: { caFile: ca.pem } }
devices:
  - { id: kiosk, driver: http-push, listen: { port: 18080 }, profile: visitor-kiosk, tokenFile: door.token }
  - { id: face, driver: http-push, listen: { port: 18080 }, profile: dahua-face, username: t, passwordFile: closed }
access: { credentialsFile: cards.csv }
`,
  );
  return { config, dataDir: join(directory, 'data') };
}

test('each secret that others can read is told, with the command that mends it', () => {
  const { config, dataDir } = openConfig();
  const found = openSecrets(config, dataDir);
  expect(found.map(({ file }) => file.slice(file.lastIndexOf('/') + 1)).sort()).toEqual([
    'broker password',
    'card.key',
    'cards.csv',
    'door.token',
  ]);
  // What is told to be run is run, by a shell.
  for (const { file, mode, run } of found) {
    expect(mode).toBe('0644');
    execFileSync('sh', ['-c', run]);
    expect(modeOf(file)).toBe('600');
  }
  expect(openSecrets(config, dataDir)).toEqual([]);
});

test('the config itself, where a password stands in it', () => {
  const { config, dataDir } = openConfig();
  for (const { run } of openSecrets(config, dataDir)) execFileSync('sh', ['-c', run]);
  writeFileSync(config, 'media: { pushTo: ["rtmp://camera:geheim@10.0.0.9/live"] }\n');
  expect(openSecrets(config, dataDir).map(({ file }) => file)).toEqual([config]);
});

test('the token of a relay is its name, and no secret', () => {
  const { config, dataDir } = openConfig();
  for (const { run } of openSecrets(config, dataDir)) execFileSync('sh', ['-c', run]);
  chmodSync(config, 0o644);
  const write = (relays: string) =>
    writeFileSync(config, `devices: [{ id: cam, driver: onvif, host: 10.0.0.9, ${relays} }]\n`);
  write('relays: [{ id: siren, token: ro0 }]');
  expect(openSecrets(config, dataDir)).toEqual([]);
  // A secret that stands where none may stand is told all the same.
  write('relays: [{ id: siren, token: ro0, password: geheim }]');
  expect(openSecrets(config, dataDir).map(({ file }) => file)).toEqual([config]);
  write('token: geheim');
  expect(openSecrets(config, dataDir).map(({ file }) => file)).toEqual([config]);
});

test.runIf(process.getuid?.() === 0)(
  'a group through which the gateway reads what root owns is no mistake',
  () => {
    const { config, dataDir } = openConfig();
    const card = join(dataDir, 'card.key');
    const told = () => openSecrets(config, dataDir).find(({ file }) => file === card)?.run;
    chownSync(card, 0, 1);
    chmodSync(card, 0o640);
    expect(told()).toBeUndefined();
    chmodSync(card, 0o644);
    expect(told()).toBe(`chmod o= ${card}`);
  },
);

test('what lies in a folder that lets nobody else in is not open, whatever its own mode', () => {
  const { config, dataDir } = openConfig();
  for (const mode of [0o700, 0o704]) {
    chmodSync(join(dataDir, '..'), mode);
    expect(openSecrets(config, dataDir)).toEqual([]);
  }
  chmodSync(join(dataDir, '..'), 0o711);
  expect(openSecrets(config, dataDir)).toHaveLength(4);
  // A link into an open folder is as open as what it names.
  const elsewhere = temporaryDirectory();
  symlinkSync(join(dataDir, '../door.token'), join(elsewhere, 'token'));
  const other = join(elsewhere, 'campus.yaml');
  writeFileSync(other, 'devices: [{ id: k, driver: http-push, tokenFile: token }]\n');
  expect(openSecrets(other, elsewhere).map(({ file }) => file)).toEqual([join(elsewhere, 'token')]);
});

test.runIf(process.getuid?.() === 0)('what closes root’s file leaves it to the gateway', () => {
  const { config, dataDir } = openConfig();
  const folder = join(dataDir, '..');
  const token = join(folder, 'door.token');
  const told = (viewer?: Viewer) => openSecrets(config, dataDir, viewer).find(({ file }) => file === token);
  const service = { uid: 65534, name: 'nobody', groups: [65534] };
  const mended = `chgrp ${groupName(65534)} ${token} && chmod 640 ${token}`;
  // In root's own folder, by the group of who must read it.
  expect(told()?.run).toBe(`chmod go= ${token}`);
  expect(told(service)?.run).toBe(mended);
  // In a folder of the service's group, whoever looks.
  chownSync(folder, 0, 65534);
  expect(told()?.run).toBe(mended);
  // As the package makes it, that folder lets no others in, and what it holds is not open: nothing is to be run.
  chmodSync(folder, 0o750);
  expect(told(service)).toBeUndefined();
  chmodSync(folder, 0o755);
  execFileSync('sh', ['-c', mended]);
  expect([modeOf(token), statSync(token).gid]).toEqual(['640', 65534]);
  expect(told(service)).toBeUndefined();
  // The service's own file stays its own.
  chownSync(token, 65534, 65534);
  chmodSync(token, 0o644);
  expect(told(service)?.run).toBe(`chmod o= ${token}`);
});

test('check and doctor say so; the config is good all the same', async () => {
  const { config } = openConfig();
  for (const command of ['check', 'doctor']) {
    const { status, stdout } = await run(command, config);
    // What else is wrong with its devices, the doctor says too.
    if (command === 'check') expect(status).toBe(0);
    expect(stdout).toMatch(
      /^! (files: )?\S+door\.token \(mode 0644\) can be read by .* run: chmod go= \S+door\.token$/m,
    );
  }
});

test('in Chinese', () => {
  const { config } = openConfig();
  const program = join(import.meta.dirname, '../../gateway/campus-gateway.js');
  const env = { ...process.env, CAMPUS_LANG: 'zh' };
  const said = execFileSync(process.execPath, [program, 'check', config], { env, encoding: 'utf8' });
  expect(said).toMatch(
    /^! \S+door\.token（权限 0644）可被本机其他用户读取；请执行：chmod go= \S+door\.token$/m,
  );
});

test('a config that became unreadable after its check ends nobody: its data folder is looked at still', () => {
  const { config, dataDir } = openConfig();
  for (const text of ['a: [', `a: &a [x]\n${'b: [*a, *a]\n'}? {`]) {
    writeFileSync(config, text);
    expect(openSecrets(config, dataDir).map(({ file }) => file)).toEqual([join(dataDir, 'card.key')]);
  }
});
