/** What the README, the guide and the pages for who installs tell to type, typed, on a machine of its own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';
import { type OtherMachine, otherMachine } from './other-machine.ts';
import { need, until } from './tools.ts';

const root = join(import.meta.dirname, '../..');
const guide = (language: string) =>
  readdirSync(join(root, 'docs/guide', language)).map((name) => `docs/guide/${language}/${name}`);
const pages = ['README.md', 'docs/README.zh-CN.md', 'docs/install.md', 'docs/console.md'];

/** Not typed here: who types it instead. */
const elsewhere: readonly (readonly [RegExp, string])[] = [
  [/^npm (ci|install)\b/, '.ci/run, and package.test.ts'],
  [
    /^(sudo )?(apt|dpkg|docker|systemctl|timedatectl|journalctl|nano|chown)\b/,
    'package.test.ts, as far as it is ours',
  ],
  [/^tar xf campus-gateway-|install\.sh$| upgrade \.\//, 'debian.test.ts and upgrade.test.ts'],
  [/^curl .*school\.example/, 'nobody: that school is none'],
  [/ init$| init \S+$/, 'init.test.ts: it asks at a terminal'],
  [/ init .*--answers answers\.yaml$/, 'init.test.ts and hour.test.ts: here is a config already'],
  [/ enrol /, 'enrol.test.ts: there is no such platform'],
  [/ (backup check|restore) /, 'backup.test.ts: the name has the time of the backup in it'],
  [/ \/tmp\/drill/, 'backup.test.ts: nothing was restored here'],
  [/ --back v11$/, 'reload.test.ts: there are not that many versions here'],
];

/** What ends with another status than 0 on a machine with nothing on its network, and rightly. */
const statuses: readonly (readonly [RegExp, number])[] = [
  [/ discover( modbus --net \S+)?$/, 1],
  // There is no such adapter.
  [/ osdp find \/dev\/ttyUSB0$/, 3],
  // Of the devices only the fence and the camera are there.
  [/ doctor /, 1],
  // It has not that many entries, and not that many events.
  [/ close 12 /, 3],
  [/ journal hash /, 1],
];

/** The lines of a page's blocks of `sh`, without comments. */
const linesOf = (page: string): string[] =>
  [...page.matchAll(/```sh\n(.*?)```/gs)]
    .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/** What goes on until it is stopped has as long as this until Ctrl-C. */
const GIVEN_S = 2;
/** What `timeout` ends with then. */
const STOPPED = 124;

describe('the pages for people', { timeout: 300_000 }, () => {
  it('tell to type what works', async (context) => {
    need(context, 'mosquitto', 'mosquitto_sub', 'timeout');
    const machine = await otherMachine(context, temporaryDirectory());
    await layCampus(machine);
    const typed = new Set<string>();
    const wrong: string[] = [];
    for (const page of [...pages, ...guide('en'), ...guide('zh')])
      for (const line of linesOf(readFileSync(join(root, page), 'utf8'))) {
        if (typed.has(line) || elsewhere.some(([pattern]) => pattern.test(line))) continue;
        typed.add(line);
        const quoted = `'${line.replaceAll("'", `'\\''`)}'`;
        const { status, said } = machine.sh(
          `cd /root/campus; timeout -s INT -k 5 ${GIVEN_S} sh -c ${quoted} </dev/null`,
        );
        const [, expected = 0] = statuses.find(([pattern]) => pattern.test(line)) ?? [];
        if (status !== expected && status !== STOPPED)
          wrong.push(`${page}: ${line}: ${status}: ${said.slice(-400)}`);
      }
    expect(wrong).toEqual([]);
    expect(typed.size).toBeGreaterThan(15);
  });
});

/** A machine that has the program, a broker, and a campus with the devices that the pages name, its gateway running. */
async function layCampus({ sh, begin }: OtherMachine): Promise<void> {
  const put = (file: string, text: string, mode = '644') =>
    expect(sh(`cat > ${file} <<'END'\n${text}\nEND\nchmod ${mode} ${file}`)).toMatchObject({ status: 0 });
  const program = `exec ${root}/node_modules/node/bin/node ${root}/gateway/campus-gateway.js "$@"`;
  put('/usr/bin/campus-gateway', `#!/bin/sh\n${program}`, '755');
  for (const name of ['sudo', 'npx']) put(`/usr/bin/${name}`, '#!/bin/sh\nexec "$@"', '755');
  put('/etc/hosts', '127.0.0.1 localhost BROKER');
  sh('rm -rf /etc/campus-gateway /var/lib/campus-gateway');
  sh('groupadd -f campus-gateway');
  sh('mkdir -p /root/campus /etc/campus-gateway/secrets; install -d -m 700 /var/lib/campus-gateway');
  sh(`cp -r ${root}/config /root/campus/`);
  put('/root/campus/cards.csv', CARDS);
  put('/root/campus/points.csv', '设备,名称,位置\nfence-east,东围墙电子围栏,东墙');
  sh('mkdir -p /mnt/usb /mnt/safe');
  put('/etc/campus-gateway/cards.csv', CARDS);
  put('/etc/campus-gateway/secrets/cameras', 'secret', '600');
  put('/etc/campus-gateway/secrets/face-gate.password', 'secret', '600');
  put('/etc/campus-gateway/secrets/gate-in.scbk', '000102030405060708090a0b0c0d0e0f', '600');
  const { said } = sh('campus-gateway backup keys --to /mnt/safe/backup.key');
  const [recipient = ''] = /age1[0-9a-z]+/.exec(said) ?? [];
  put('/etc/campus-gateway/campus.yaml', CAMPUS.replace('AGE', recipient), '600');
  for (const port of [1883, 18830]) begin(`mosquitto -p ${port}`);
  begin('campus-gateway simulate fence --listen 1602');
  begin(
    'campus-gateway simulate camera --listen 8100 --rtsp 8654 --password-file /etc/campus-gateway/secrets/cameras',
  );
  const config = '/etc/campus-gateway/campus.yaml';
  expect(sh(`campus-gateway check ${config}`)).toEqual({ status: 0, said: expect.any(String) });
  begin(`campus-gateway run ${config}`);
  await until('the gateway is there', () => sh(`campus-gateway health ${config}`).status === 0, 30_000);
}

const CARDS = 'number,holder,groups\n0040856634,t-1,teachers';
const CAMPUS = `campus: { id: "4503000001", name: 桂林市第一中学 }
dataDir: /var/lib/campus-gateway
status: { port: 9464 }
console: { port: 9480 }
ledger: {}
backup: { recipients: [AGE] }
uplinks: [{ id: police, url: "mqtt://127.0.0.1:1883", receipts: true }]
devices:
  - id: perimeter-panel
    driver: dc09
    listen: { port: 5100 }
    accounts: [{ account: "1234", zones: [{ zone: 9, id: gatehouse-button, kind: panic }] }]
  - { id: fence-east, driver: modbus, connection: { tcp: "127.0.0.1:1602" }, profile: pulse-fence-2zone }
  - id: face-gate
    driver: http-push
    listen: { port: 8080 }
    username: face-gate
    passwordFile: secrets/face-gate.password
    from: [127.0.0.1]
    profile: hikvision-face
  - { id: yard, driver: onvif, host: 127.0.0.1, port: 8100, username: admin, passwordFile: secrets/cameras }
  - id: gate-in
    driver: osdp
    connection: { serialServer: "127.0.0.1:4001" }
    keyFile: secrets/gate-in.scbk
    outputs: [{ id: strike, kind: door, output: 0 }]
access:
  credentialsFile: cards.csv
  groups: [{ id: teachers, doors: [main-gate] }]
  doors: [{ id: main-gate, reader: gate-in, direction: in, unlock: [{ target: gate-in, output: strike }] }]`;
