/** A config made of answers: from a file, and typed. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { speak } from '../../config/language.ts';
import { numbersOf, withOwnIds } from '../../gateway/cli/init/questions.ts';
import { temporaryDirectory } from '../helpers.ts';
import { run, runTyping } from './terminal.ts';

const ANSWERS = `campus: { id: "4503000001", name: 桂林市第一中学 }
platforms:
  - { id: police, url: "mqtts://police.example:8883", username: campus, password: "s#1: x", receipts: true, events: ["alarm.*", "device.*"] }
  - { id: video, protocol: gb28181, server: "10.0.0.9:5060", serverId: "34020000002000000001", deviceId: "34020000001180000001", password: two }
devices:
  - { id: panel, driver: dc09, listen: { host: 0.0.0.0, port: 5100 }, accounts: [{ account: "0012", supervision: 60s, zones: [{ zone: 1, kind: panic, name: 门卫室 }] }] }
  - { id: yard, driver: onvif, host: 10.0.0.41, username: admin, passwordFile: secrets/cameras }
secrets: { cameras: three }
console: { port: 9481 }
areas: [{ id: wall, zones: [{ device: panel, zone: 1, type: 24-hour }] }]
`;

function place(answers = ANSWERS) {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'answers.yaml'), answers, { mode: 0o600 });
  return { folder, answers: join(folder, 'answers.yaml'), file: join(folder, 'campus/campus.yaml') };
}
const modeOf = (file: string) => statSync(file).mode & 0o777;

it('answers become a config that the check calls good, its secrets in files of their own', async () => {
  const { answers, file } = place();
  expect(await run('init', file, '--answers', answers)).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringContaining('2 platforms, 2 devices'),
  });
  expect(await run('check', file)).toMatchObject({ status: 0, stdout: expect.not.stringContaining('!') });
  const text = readFileSync(file, 'utf8');
  expect(text).not.toMatch(/s#1|two|three/);
  const schema = /^# yaml-language-server: \$schema=(.+)$/m.exec(text)?.[1] ?? '';
  expect(JSON.parse(readFileSync(schema, 'utf8')).properties).toHaveProperty('campus');
  expect(parse(text)).toMatchObject({
    uplinks: [
      { id: 'police', passwordFile: 'secrets/police.password', receipts: true },
      { id: 'video', protocol: 'gb28181', passwordFile: 'secrets/video.password' },
    ],
    devices: [{ id: 'panel', accounts: [{ account: '0012' }] }, { id: 'yard' }],
    console: { port: 9481 },
    areas: [{ id: 'wall' }],
    ledger: {},
  });
  const secrets = join(file, '../secrets');
  expect(readFileSync(join(secrets, 'police.password'), 'utf8')).toBe('s#1: x\n');
  expect([file, secrets, join(secrets, 'cameras')].map(modeOf)).toEqual([0o600, 0o700, 0o600]);
});

it('says that a file of answers with passwords is readable by everybody, and that a folder was made', async () => {
  const { answers, file } = place();
  const folder = join(file, '..');
  chmodSync(answers, 0o644);
  expect(await run('init', file, '--answers', answers)).toMatchObject({
    status: 0,
    stderr: `! ${answers} holds passwords, and every user of this machine can read it: chmod 600 ${answers}, and remove it when all is done\n`,
    stdout: expect.stringContaining(`the folder ${folder} was not there, and was made\n`),
  });
  const again = await run('init', file, '--answers', answers, '--replace');
  expect(again.stdout).not.toContain('was not there');
  writeFileSync(answers, 'campus: { id: "4503000001", name: x }\n');
  expect(await run('init', file, '--answers', answers, '--replace')).toMatchObject({ status: 0, stderr: '' });
});

it('asks for a receiver, terminals and a sign what each needs, and the check calls them good', async () => {
  const { file } = place();
  const typed = [
    ...['en', '4503000001', 'No. 1 School', '', '', '', 'none', 'n'],
    ...['receiver', 'center', '', 'line', '/dev/ttyS0', '115200', '1234, 01234', '1234 5678', ''],
    ...['receiver', 'trikdis', '', 'listen', '', '192.168.10.30', '7037', 'n'],
    ...['terminal', 'face-gate', 'Gate', '', '', 'gate', '10.0.0.31', 'gateway', 'sesame', ''],
    ...['terminal', 'face-yard', '', 'zkteco-push', '', '10.0.0.33', 'CGKX201234', 'n'],
    ...['terminal', 'kiosk', '', 'visitor-kiosk', '', '10.0.0.34', '', ''],
    ...['sign', 'gate-sign', '', '192.168.10.9:4003', '', ''],
    ...['none', 'n', 'y', ''],
  ].join('\n');
  const said = await runTyping(typed, 'init', file);
  expect(said.stderr).toMatch(/one stands there twice/);
  expect(said.stderr).toMatch(/Its address:\s+an address such as 10\.0\.0\.31/);
  expect(said.stderr).toContain('http://THIS-MACHINE:8080/push/face-gate\n');
  expect(said.stderr).toContain('http://THIS-MACHINE:8080\n');
  expect(said).toMatchObject({ status: 0, stdout: expect.stringContaining('0 platforms, 6 devices') });
  expect(await run('check', file)).toMatchObject({ status: 0, stdout: expect.stringContaining('good') });
  const { devices, notices } = parse(readFileSync(file, 'utf8'));
  const listen = { host: '0.0.0.0', port: 8080 };
  expect(devices).toEqual([
    {
      ...{ id: 'center', driver: 'receiver', connection: { serial: '/dev/ttyS0', baudRate: 115_200 } },
      ...{ supervision: '90s', accounts: [{ account: '1234' }, { account: '5678' }] },
    },
    {
      ...{ id: 'trikdis', driver: 'receiver', accounts: [{ account: '7037' }] },
      listen: { host: '0.0.0.0', port: 5200, from: ['192.168.10.30'] },
    },
    {
      ...{ id: 'face-gate', name: 'Gate', driver: 'http-push', profile: 'hikvision-face', listen },
      ...{ from: ['10.0.0.31'], username: 'gateway', passwordFile: 'secrets/face-gate.password' },
      supervision: '5m',
    },
    {
      ...{ id: 'face-yard', driver: 'http-push', profile: 'zkteco-push', listen },
      ...{ from: ['10.0.0.33'], serial: 'CGKX201234' },
    },
    {
      ...{ id: 'kiosk', driver: 'http-push', profile: 'visitor-kiosk', listen },
      ...{ from: ['10.0.0.34'], supervision: '5m' },
    },
    {
      ...{ id: 'gate-sign', driver: 'serial-line', connection: { serialServer: '192.168.10.9:4003' } },
      profile: 'led-line',
    },
  ]);
  expect(notices).toEqual({ show: ['gate-sign'] });
});

it('offers each model that it names', () => {
  const source = readFileSync(join(import.meta.dirname, '../../gateway/cli/init/hardware.ts'), 'utf8');
  const named = [...source.matchAll(/'([a-z]+-(?:face|push|kiosk))'/g)].map(([, name]) => `${name}.yaml`);
  expect(named.filter((name) => name !== 'http-push.yaml')).not.toEqual([]);
  const there = readdirSync(join(import.meta.dirname, '../../config/profiles'));
  expect(there).toEqual(expect.arrayContaining(named.filter((name) => name !== 'http-push.yaml')));
});

it.each(['en', 'zh'])('the answers of the guide become a good config (%s)', async (language) => {
  const guide = readFileSync(join(import.meta.dirname, `../../docs/guide/${language}/init.md`), 'utf8');
  const { answers, file } = place(/```yaml\n(.*?)```/s.exec(guide)?.[1]);
  expect(await run('init', file, '--answers', answers)).toMatchObject({ status: 0, stderr: '' });
});

it('what is there is replaced only where that is said, and is kept beside it', async () => {
  const { answers, file } = place();
  mkdirSync(join(file, '..'));
  writeFileSync(file, '# mine\n');
  expect(await run('init', file, '--answers', answers)).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('--replace'),
  });
  expect(readFileSync(file, 'utf8')).toBe('# mine\n');
  const said = await run('init', file, '--answers', answers, '--replace');
  const [, kept = ''] = /the old one: (\S+)/.exec(said.stdout) ?? [];
  expect(readFileSync(kept, 'utf8')).toBe('# mine\n');
  expect(await run('check', file)).toMatchObject({ status: 0 });
});

it.each([
  ['campus: { id: 1, name: x }', /answers\.yaml:1:11: campus\.id: 1: a text is needed/],
  [`${ANSWERS}colour: red\n`, /answers\.yaml:\d+:1: colour: unknown key/],
  [
    ANSWERS.replace('secrets: { cameras: three }', ''),
    /secrets\/cameras is named and nobody said what it holds/,
  ],
  [
    ANSWERS.replace('driver: onvif', 'driver: onvfi'),
    /devices\[1\]\.driver: "onvfi": not known; did you mean onvif/,
  ],
  // Of the config nothing was written: it has no line that anybody could look up.
  [
    ANSWERS.replace('device: panel, zone: 1', 'device: panel, zone: 2'),
    /^areas\[0\][^\n]*\nnothing was written\n$/,
  ],
  [ANSWERS.replace('driver: onvif', 'driver: onvfi'), /^devices\[1\]\.driver: "onvfi"/],
])('wrong answers write nothing: %#', async (text, why) => {
  const { folder, answers, file } = place(text);
  expect(await run('init', file, '--answers', answers)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(why),
  });
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  expect(left).toEqual(['answers.yaml']);
});

it('asks one thing after another, again where an answer will not do, and speaks the language that was chosen', async () => {
  onTestFinished(() => speak('en'));
  const { file } = place();
  const typed = [
    ...['zh', '45', '4503000001', '一中', '45030', '450305', '七星区环城南二路1号', ''],
    ...[
      'mqtt',
      'a b',
      '',
      'police.example',
      'mqtts://police.example:8883',
      'campus',
      '',
      'secret',
      'y',
      '',
      'none',
    ],
    ...['n', 'panel', 'gatehouse', '门卫室', '5101', '0012'],
    ...['modbus', 'gatehouse', 'fence', '', '10.0.0.9:502', '3', 'pulse-fence-2zone'],
    ...['camera', 'yard', '', '10.0.0.41', ''],
    ...['none', 'camera-secret', 'n', 'y', ''],
  ].join('\n');
  const said = await runTyping(typed, 'init', file);
  expect(said).toMatchObject({ status: 0, stdout: expect.stringContaining('1 个平台，3 台设备') });
  expect(said.stderr).toContain('校园编号');
  expect(said.stderr).toMatch(/行政区划代码，如 450305（可空）:\s+应为行政区划代码/);
  expect(said.stderr).toContain('已使用');
  expect(said.stderr).toMatch(/简称 \[police\]:\s+只能用字母/);
  expect(said.stderr).toMatch(/密码（不显示）:\s+此项必填/);
  expect(await run('check', file)).toMatchObject({ status: 0 });
  const { campus, uplinks, devices } = parse(readFileSync(file, 'utf8'));
  expect(campus).toMatchObject({ district: '450305', address: '七星区环城南二路1号' });
  expect(uplinks).toEqual([
    {
      id: 'police',
      url: 'mqtts://police.example:8883',
      username: 'campus',
      receipts: true,
      campus: ['district', 'address'],
      passwordFile: 'secrets/police.password',
    },
  ]);
  expect(devices).toMatchObject([
    { id: 'gatehouse', driver: 'dc09', listen: { port: 5101 }, accounts: [{ account: '0012' }] },
    { id: 'fence', connection: { tcp: '10.0.0.9:502' }, unit: 3 },
    { id: 'yard', host: '10.0.0.41', username: 'admin' },
  ]);
  expect(readFileSync(join(file, '../secrets/cameras'), 'utf8')).toBe('camera-secret\n');
});

it('who leaves in the middle leaves nothing', async () => {
  const { file } = place();
  expect(await runTyping('en\n4503000001\n', 'init', file)).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('nothing was written'),
  });
  expect(existsSync(join(file, '..'))).toBe(false);
});

it('finds are chosen by numbers, and two of one name are two devices', () => {
  expect(numbersOf('1,3-5', 9)).toEqual([1, 3, 4, 5]);
  expect(numbersOf('全部', 2)).toEqual([1, 2]);
  expect(numbersOf('none', 2)).toEqual([]);
  expect(numbersOf('one', 2)).toBeUndefined();
  const find = {
    kind: 'camera',
    driver: 'onvif',
    address: 'x',
    device: { id: 'a', driver: 'onvif' },
    words: { en: '', zh: '' },
  } as const;
  expect(withOwnIds([find, find]).map(({ id }) => id)).toEqual(['a', 'a-2']);
});

it('finds the lists that lie beside a config where it checks it, and leaves them there', async () => {
  const { answers, file } = place(`${ANSWERS}access: { credentialsFile: cards.csv }\n`);
  mkdirSync(join(file, '..'));
  expect(await run('init', file, '--answers', answers)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('cards.csv cannot be read'),
  });
  const list = join(file, '../cards.csv');
  writeFileSync(list, 'number,holder,groups\n0040856634,t-1,\n');
  expect(await run('init', file, '--answers', answers)).toMatchObject({ status: 0 });
  expect(statSync(list).isFile()).toBe(true);
  expect(await run('check', file)).toMatchObject({ status: 0 });
});
