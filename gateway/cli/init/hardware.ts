/** Hardware that is added by hand: what the gateway needs to know of each kind. */
import { readdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { say } from '../../../config/language.ts';
import { hostPort } from '../../../drivers/contract/options.ts';
import type { Answers } from './answers.ts';
import type { Asker } from './ask.ts';
import { by, fullWidth, number, unusedId } from './wrong.ts';

type Thing = Answers['devices'][number];

export interface Hardware {
  readonly devices: Thing[];
  /** Of those, the signs that show what platforms warn of. */
  readonly shows: readonly string[];
}

/** As the config has it, without id and name. */
type Asked = Readonly<Record<string, unknown>>;

const kinds = {
  panel: askPanel,
  receiver: askReceiver,
  modbus: askModbus,
  osdp: askOsdp,
  reader: askReader,
  terminal: askTerminal,
  camera: askCamera,
  sign: askSign,
} as const;

/** @param found what is there already: its short names are taken. */
export async function askByHand(asker: Asker, found: readonly Thing[]): Promise<Hardware> {
  const devices: Thing[] = [];
  const shows: string[] = [];
  for (;;) {
    const kind = await asker.choose(
      say('Hardware to add by hand', '手工添加硬件'),
      [
        ['panel', say('alarm panels that report here (SIA DC-09)', '报警主机上报（SIA DC-09）')],
        ['receiver', say('an alarm receiver (Sur-Gard, Ademco 685)', '接警机（Sur-Gard、安定宝 685）')],
        ['modbus', say('a fence or an I/O module (Modbus)', '电子围栏或开关量模块（Modbus）')],
        ['osdp', say('a card reader (OSDP)', '读卡器（OSDP）')],
        [
          'reader',
          say('a card reader that sends numbers (RDM6300, Wiegand)', '读卡器（RDM6300、韦根转串口）'),
        ],
        ['terminal', say('a face or visitor terminal (HTTP)', '人脸、访客终端（HTTP）')],
        ['camera', say('a camera (ONVIF)', '摄像机（ONVIF）')],
        ['sign', say('an LED sign (serial line)', 'LED 屏（串口）')],
        ['none', say('no more', '没有了')],
      ],
      'none',
    );
    if (kind === 'none') return { devices, shows };
    const id = await asker.ask(say('Short name', '编号'), undefined, unusedId([...found, ...devices]));
    const name = await asker.ask(say('Name for people (empty: none)', '名称（可空）'), '');
    devices.push({ id, ...(name !== '' && { name }), ...(await kinds[kind](asker, id)) } as Thing);
    if (
      kind === 'sign' &&
      (await asker.confirm(say('Shall it show what platforms warn of?', '是否显示平台下发的预警？'), true))
    )
      shows.push(id);
  }
}

const profiles = () =>
  readdirSync(join(import.meta.dirname, '../../../config/profiles')).map((name) =>
    name.replace(/\.yaml$/, ''),
  );

const port = (asker: Asker, question: string, usual: string) => asker.ask(question, usual, number(1, 65_535));

/** Of a device that comes to us: others are turned away. */
const sender = (asker: Asker) =>
  asker.ask(say('Its address', '地址'), undefined, (answer) =>
    isIP(answer) === 0 ? say('an address such as 10.0.0.31', 'IP 地址，如 10.0.0.31') : undefined,
  );

async function askPanel(asker: Asker): Promise<Asked> {
  const at = await port(asker, say('Port that panels report to', '主机上报端口'), '5100');
  const account = await asker.ask(
    say('Account of the panel', '主机账号'),
    '1234',
    fullWidth(/^[0-9A-Za-z]{3,16}$/, '3 to 16 letters and digits', '3 到 16 位字母或数字'),
  );
  return {
    driver: 'dc09',
    listen: { host: '0.0.0.0', port: Number(at) },
    accounts: [{ account, supervision: '60s' }],
  };
}

const accountsIn = (text: string) => text.split(/[,，、\s]+/).filter(Boolean);

/** What is wrong with the accounts of a receiver; zeros before one make no difference. */
function wrongAccounts(text: string): string | undefined {
  const accounts = accountsIn(text);
  const keys = accounts.map((one) => one.toUpperCase().replace(/^0+/, ''));
  if (accounts.length > 0 && accounts.every((one) => /^[0-9A-Fa-f]{1,16}$/.test(one)))
    return new Set(keys).size === keys.length ? undefined : say('one stands there twice', '有重复');
  return say('1 to 16 hex digits each, such as 1234, 5678', '每个 1 到 16 位十六进制数字，如 1234, 5678');
}

/** Three of its heartbeats, which come each 30 s. */
const RECEIVER_SILENT = '90s';

async function askReceiver(asker: Asker): Promise<Asked> {
  const way = await asker.choose(
    say('How it is connected', '连接方式'),
    [
      ['line', say('a serial port, a serial server, or its own port', '串口、串口服务器或其自身端口')],
      ['listen', say('it connects to this machine (TCP)', '由它连接本机（TCP）')],
    ],
    'line',
  );
  const where =
    way === 'line'
      ? { connection: await askLine(asker, 'serialServer') }
      : {
          listen: {
            host: '0.0.0.0',
            port: Number(await port(asker, say('Port that it connects to', '它连接的端口'), '5200')),
            from: [await sender(asker)],
          },
        };
  const accounts = await asker.ask(
    say('Accounts of the panels behind it, such as 1234, 5678', '其后报警主机的账号，如 1234, 5678'),
    '1234',
    wrongAccounts,
  );
  const hasHeartbeat = await asker.confirm(
    say(
      `Does it send a heartbeat (silent for ${RECEIVER_SILENT}, it is down then)?`,
      `是否发送心跳（${RECEIVER_SILENT} 无消息即离线）？`,
    ),
    true,
  );
  return {
    driver: 'receiver',
    ...where,
    ...(hasHeartbeat && { supervision: RECEIVER_SILENT }),
    accounts: accountsIn(accounts).map((account) => ({ account })),
  };
}

async function askModbus(asker: Asker): Promise<Asked> {
  const connection = await askLine(asker, 'tcp');
  const unit = await asker.ask(say('Its unit (address)', '站号（地址）'), '1', number(0, 255));
  const names = profiles().filter((name) => /fence|io-/.test(name));
  const profile = await asker.choose(
    say('Its model', '型号'),
    names.map((name) => [name, name] as const),
    names[0] ?? '',
  );
  return { driver: 'modbus', connection, unit: Number(unit), profile };
}

async function askOsdp(asker: Asker): Promise<Asked> {
  const connection = await askLine(asker, 'serialServer');
  const address = await asker.ask(say('Its address', '地址'), '0', number(0, 127));
  return { driver: 'osdp', connection, address: Number(address) };
}

async function askReader(asker: Asker): Promise<Asked> {
  const connection = await askLine(asker, 'serialServer');
  const { cardFormats } = await import('../../../simulators/kinds.ts');
  const format = await asker.choose(
    say('What it sends', '格式'),
    cardFormats.map((one) => [one, one] as const),
    cardFormats[0],
  );
  return { driver: 'wiegand', connection, format };
}

/** A few heartbeats of a terminal. */
const TERMINAL_SILENT = '5m';

async function askTerminal(asker: Asker, id: string): Promise<Asked> {
  const profile = await asker.choose(
    say('Its maker', '厂商'),
    [
      ['hikvision-face', say('Hikvision', '海康威视')],
      ['dahua-face', say('Dahua', '大华')],
      ['uniview-face', say('Uniview', '宇视')],
      ['zkteco-push', say('ZKTeco', '中控智慧（熵基）')],
      ['visitor-kiosk', say('a visitor kiosk, or another (JSON)', '访客机或其他（JSON）')],
    ],
    'hikvision-face',
  );
  const at = await port(asker, say('Port that terminals push to', '终端推送端口'), '8080');
  const from = [await sender(asker)];
  // It says no password: by its number it is known.
  const isNumbered = profile === 'zkteco-push';
  const own = isNumbered
    ? {
        serial: await asker.ask(
          say('Its serial number', '序列号'),
          undefined,
          fullWidth(/^[\w-]{1,40}$/, 'letters and digits, as it stands on it', '字母和数字，见机身'),
        ),
      }
    : await askLogin(asker);
  const hasHeartbeat = await asker.confirm(
    say(
      `Does it send a heartbeat (silent for ${TERMINAL_SILENT}, it is down then)?`,
      `是否发送心跳（${TERMINAL_SILENT} 无消息即离线）？`,
    ),
    true,
  );
  const path = isNumbered || profile === 'uniview-face' ? '' : `/push/${id}`;
  asker.tell(
    say(
      `  write into the terminal: http://THIS-MACHINE:${at}${path}`,
      `  请在终端上填写：http://本机地址:${at}${path}`,
    ),
  );
  return {
    ...{ driver: 'http-push', profile, listen: { host: '0.0.0.0', port: Number(at) }, from, ...own },
    ...(hasHeartbeat && { supervision: TERMINAL_SILENT }),
  };
}

/** What it says of itself beside its address, where it can. */
async function askLogin(asker: Asker): Promise<Asked> {
  const username = await asker.ask(
    say('User that it logs in with (empty: none)', '其登录用户名（可空）'),
    '',
  );
  if (username === '') return {};
  return { username, password: await asker.askSecret(say('Password (not shown)', '密码（不显示）')) };
}

async function askCamera(asker: Asker): Promise<Asked> {
  const host = await asker.ask(say('Its address', '地址'));
  const username = await asker.ask(say('Its ONVIF user', 'ONVIF 用户'), 'admin');
  return { driver: 'onvif', host, username, passwordFile: 'secrets/cameras' };
}

async function askSign(asker: Asker): Promise<Asked> {
  const connection = await askLine(asker, 'serialServer');
  const names = profiles().filter((name) => name.startsWith('led-'));
  const profile = await asker.choose(
    say(
      "How it takes a text (an example: the sign's manual says it, docs/guide/en/device-sign.md)",
      '文字的帧格式（仅为示例，以屏的手册为准，见 docs/guide/zh/device-sign.md）',
    ),
    names.map((name) => [name, name] as const),
    names[0] ?? '',
  );
  return { driver: 'serial-line', connection, profile };
}

/** A serial port, or HOST:PORT. */
async function askLine(asker: Asker, network: 'tcp' | 'serialServer') {
  const where = await asker.ask(
    say(
      'Where: HOST:PORT, or a serial port such as /dev/serial/by-id/...',
      '位置：主机:端口，或串口如 /dev/serial/by-id/...',
    ),
    undefined,
    (answer) => (answer.startsWith('/') ? undefined : by(hostPort())(answer)),
  );
  if (!where.startsWith('/')) return { [network]: where };
  const baudRate = await asker.ask(say('Bits per second', '波特率'), '9600', number(300, 4_000_000));
  return { serial: where, baudRate: Number(baudRate) };
}
