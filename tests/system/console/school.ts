/** A school for the suites of the console: its hardware simulated over real protocols, a broker, the gateway as a process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { formatError, loadConfig } from '../../../config/load.ts';
import { type Campus, startCampus } from '../../../simulators/campus.ts';
import type { Panel } from '../../../simulators/panel.ts';
import { freePort, temporaryDirectory } from '../../helpers.ts';
import { type GatewayProcess, gateway, type Mosquitto, mosquitto, until } from '../tools.ts';

export interface School {
  /** `http://127.0.0.1:PORT` of its console. */
  readonly base: string;
  readonly directory: string;
  readonly broker: Mosquitto;
  readonly campus: Campus;
  /** Does something at a simulated device, by its id in the config: `panel`, `press 9`. */
  act(device: string, action: string): Promise<void>;
  /** Tells of many things at once, as SIA's data (`#1234|Nri1/AT0`); resolves when the gateway has taken all. */
  report(device: string, data: readonly string[]): Promise<void>;
  /** The link of the first start, which sets the administrator's password once. */
  link(): string;
  /** Sets it. */
  accounts(): Promise<void>;
  /** Of the user called as his role, made where he is not there; the password of all is `password`. */
  session(name: Role): Promise<Cookie>;
  /** The token of the first start for gate screens. */
  screenToken(): string;
  /** Resolves when the gateway that runs now has heard a device. */
  heard(device: string): Promise<void>;
  /** SIGKILL, as a power cut. */
  kill(): Promise<void>;
  /** Starts it again on the same disk. */
  start(): Promise<void>;
  log(): readonly string[];
}

/** Users are called as their role. */
type Role = 'viewer' | 'guard' | 'operator' | 'technician' | 'administrator';
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly url: string;
}

export const password = 'four walls and a gate';

export interface SchoolOptions {
  /** More of the config, instead of what it has. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** With a camera, which needs ffmpeg. */
  readonly camera?: true;
  /** Before the first start: `data` is its folder beside the config. */
  readonly prepare?: (directory: string) => Promise<void>;
}

const ZONES = [
  { zone: 1, id: 'north-wall', kind: 'perimeter', name: '北围墙' },
  { zone: 2, id: 'south-wall', kind: 'perimeter', name: '南围墙' },
  { zone: 3, id: 'hall', kind: 'intrusion', name: '教学楼大厅' },
  { zone: 4, id: 'library', kind: 'intrusion', name: '图书馆' },
  { zone: 5, id: 'gym', kind: 'intrusion', name: '体育馆' },
  { zone: 6, id: 'kitchen', kind: 'fire', name: '厨房烟感' },
  { zone: 9, id: 'gatehouse-button', kind: 'panic', name: '门卫室一键报警' },
];

async function devicesOf(camera: boolean) {
  const [panel, fence, io, reader, onvif] = await Promise.all(Array.from({ length: 5 }, freePort));
  const yard = { id: 'yard', name: '操场摄像机', driver: 'onvif', host: '127.0.0.1', port: onvif };
  return [
    {
      id: 'panel',
      name: '周界报警主机',
      driver: 'dc09',
      listen: { host: '127.0.0.1', port: panel },
      accounts: [{ account: '1234', zones: ZONES }],
    },
    {
      id: 'fence',
      name: '东侧电子围栏',
      driver: 'modbus',
      connection: { tcp: `127.0.0.1:${fence}` },
      profile: 'pulse-fence-2zone',
      poll: '100ms',
    },
    {
      id: 'io',
      name: '校门输入输出模块',
      driver: 'modbus',
      connection: { tcp: `127.0.0.1:${io}` },
      profile: 'io-8zone',
      poll: '100ms',
      outputs: [
        { id: 'siren', kind: 'siren', coil: 1, limit: '3m' },
        { id: 'gate', kind: 'door', coil: 2, moment: '5s' },
      ],
    },
    {
      id: 'reader',
      name: '校门读卡器',
      driver: 'wiegand',
      connection: { serialServer: `127.0.0.1:${reader}` },
      format: 'ascii',
    },
    ...(camera ? [yard] : []),
  ];
}

const configOf = (directory: string, port: number, broker: number, devices: readonly object[]) => ({
  campus: { id: '4503000001', name: '第一小学' },
  dataDir: join(directory, 'data'),
  console: { port, simulators: true },
  uplinks: [
    {
      id: 'police',
      url: `mqtt://127.0.0.1:${broker}`,
      events: ['alarm.*'],
      commands: [{ actions: ['warn'], targets: ['gateway'] }],
    },
  ],
  devices,
  areas: [
    {
      id: 'walls',
      name: '围墙',
      ...(devices.length > 4 && { cameras: ['yard'] }),
      exitDelay: '1s',
      zones: [
        { device: 'panel', zone: 1 },
        { device: 'panel', zone: 2 },
        { device: 'panel', zone: 9, type: 'panic' },
      ],
    },
  ],
  access: {
    credentialsFile: join(directory, 'cards.csv'),
    personsFile: join(directory, 'persons.csv'),
    groups: [{ id: 'all', doors: ['gate'] }],
    doors: [
      {
        id: 'gate',
        reader: 'reader',
        direction: 'out',
        pickup: true,
        unlock: [{ target: 'io', output: 'gate' }],
      },
    ],
  },
  rules: [
    {
      id: 'siren',
      when: { kinds: ['panic'] },
      do: [{ target: 'io', action: 'activate', arguments: { output: 'siren' }, for: '60s' }],
      stopOnAcknowledge: true,
    },
  ],
});

/** It runs, and all of its devices are there to be heard; it goes with the test. */
export async function school({ more = {}, camera, prepare }: SchoolOptions = {}): Promise<School> {
  const directory = temporaryDirectory();
  const [port, broker] = await Promise.all([freePort(), mosquitto()]);
  const devices = await devicesOf(camera === true);
  const config = { ...configOf(directory, port, broker.port, devices), ...more };
  writeFileSync(
    join(directory, 'cards.csv'),
    'number,facility,holder,groups,children\n100001,,g-1,all,c-1;c-2\n100002,,g-2,all,\n',
  );
  writeFileSync(join(directory, 'persons.csv'), 'id,name,class\nc-1,李小明,一年级2班\nc-2,李小红,大一班\n');
  const file = join(directory, 'simulated.yaml');
  writeFileSync(file, stringify(config));
  const loaded = loadConfig(file);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatError).join('; '));
  await prepare?.(directory);
  const base = `http://127.0.0.1:${port}`;
  const runs: GatewayProcess[] = [];
  const start = async () => void runs.push(await gateway(config, directory));
  await start();
  const campus = await startCampus(loaded.config.devices, () => new Uint8Array(), [port]);
  onTestFinished(() => campus.close());
  const simulatorOf = (device: string) => {
    const found = campus.simulators.find(({ id }) => id === device);
    if (found === undefined) throw new Error(`nothing simulates ${device}`);
    return found;
  };
  return {
    base,
    directory,
    broker,
    campus,
    act: async (device, action) => await simulatorOf(device).do(action),
    async report(device, data) {
      const panel = simulatorOf(device) as Panel;
      await Promise.all(data.map((one) => panel.report(one)));
    },
    ...accountsAt(base, () => runs.flatMap(({ log }) => log)),
    screenToken: () => readFileSync(join(directory, 'data/console.screen.token'), 'utf8').trim(),
    heard: async (device) =>
      await until(`${device} answers`, () =>
        (runs.at(-1)?.log ?? []).some((line) => line.includes(device) && line.includes('answers')),
      ),
    kill: async () => await runs.at(-1)?.kill(),
    start,
    log: () => runs.flatMap(({ log }) => log),
  };
}

/** Users, made as an administrator makes them. */
function accountsAt(
  base: string,
  log: () => readonly string[],
): Pick<School, 'link' | 'accounts' | 'session'> {
  const sessions = new Map<Role, Promise<Cookie>>();
  const post = async (path: string, body: object, cookie = '') => {
    const headers = { 'content-type': 'application/json', cookie };
    const answer = await fetch(`${base}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  const cookieOf = (answer: Response): Cookie => {
    const all = answer.headers.getSetCookie().map((one) => one.split(';')[0] ?? '');
    const pair = all.find((one) => one.includes('session')) ?? '';
    const at = pair.indexOf('=');
    return { name: pair.slice(0, at), value: pair.slice(at + 1), url: base };
  };
  const link = () => {
    const found = /(\/setup#[\w-]+)/.exec(log().join('\n'))?.[1];
    if (found === undefined) throw new Error('no link was printed');
    return `${base}${found}`;
  };
  /** The password by a link, which is a login too. */
  const setUp = async (secret: string, more: object): Promise<Cookie> =>
    cookieOf(await post('/setup', { link: secret, ...more, password }));
  const secretIn = (made: string) => made.slice(made.indexOf('#') + 1);
  const made = async (name: Role): Promise<Cookie> => {
    const { name: cookie, value } = await session('administrator');
    const answer = await post('/api/users', { name, role: name }, `${cookie}=${value}`);
    return await setUp(secretIn(((await answer.json()) as { link: string }).link), {});
  };
  const session = (name: Role): Promise<Cookie> => {
    const found = sessions.get(name) ?? made(name);
    sessions.set(name, found);
    return found;
  };
  return {
    link,
    session,
    async accounts() {
      sessions.set('administrator', setUp(secretIn(link()), { name: 'administrator' }));
      await session('administrator');
    },
  };
}
