/**
 * What is on serial lines: first each is listened to, for who talks by himself must not be talked into and who asks there
 * already must not be disturbed; then OSDP readers are asked for, then Modbus units.
 */
import { type LineConnection, lineConnection, lineName, portReason } from '../../../drivers/line.ts';
import { type FoundUnit, findUnits } from '../../../drivers/modbus/find.ts';
import { baudRates, type Found as FoundReader, findReaders } from '../../../drivers/osdp/find.ts';
import { keyboardDecoder, openKeyboard } from '../../../drivers/wiegand/keyboard.ts';
import { listenTo, type Talk, talkRates } from './ear.ts';
import type { DiscoverOptions, Found, Look, Words } from './found.ts';
import { knownLines } from './known.ts';
import { behind, keyboards, openedBy, serialPorts } from './ports.ts';

const LAST_UNIT = 16;
/** How long an answer may take to begin, ms: OSDP says 200 (SIA OSDP 2.2, 5.7); a serial server adds its own. */
const READER_PATIENCE_MS = 200;
const UNIT_PATIENCE_MS = { serial: 120, serialServer: 300 };
/** As Modbus devices are delivered, the commonest first; 8E1 is the standard's own (serial line V1.02, 2.5.1). */
const unitSettings = [
  ...[9600, 19_200].flatMap((baudRate) => [
    { baudRate, parity: 'none' },
    { baudRate, parity: 'even' },
  ]),
  ...[4800, 38_400, 115_200, 57_600, 2400].map((baudRate) => ({ baudRate, parity: 'none' })),
];

/** A line that is to be looked at. */
interface Place {
  /** `/dev/serial/by-id/…`, or `10.0.0.9:4001`. */
  readonly name: string;
  /** Its connection, with what else is set at a serial port. A serial server has one setting, its own. */
  readonly settings: (of: readonly object[]) => readonly LineConnection[];
  readonly patience: number;
}

const serialPlace = (path: string): Place => ({
  name: path,
  settings: (of) => of.map((one) => lineConnection.parse({ serial: path, ...one })),
  patience: UNIT_PATIENCE_MS.serial,
});
const serverPlace = (name: string): Place => ({
  name,
  settings: () => [lineConnection.parse({ serialServer: name })],
  patience: UNIT_PATIENCE_MS.serialServer,
});

/** As the config writes it: what is the default is left out, but for the rate. */
export function connectionOf(connection: LineConnection): Record<string, unknown> {
  if (!('serial' in connection)) {
    const { host, port } = connection.serialServer;
    return { serialServer: `${host.includes(':') ? `[${host}]` : host}:${port}` };
  }
  const { serial, baudRate, dataBits, parity } = connection;
  return {
    serial,
    baudRate,
    ...(dataBits !== 8 && { dataBits }),
    ...(parity !== 'none' && { parity }),
  };
}

/** `/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0` -> `FTDI-FT232R-A50285BI`, for ids. */
const shortName = (name: string): string =>
  name
    .replace(/^.*\//, '')
    .replace(/^usb-|-if\d+(-port\d+)?$|-event-kbd$/g, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);

const where = (connection: LineConnection) =>
  'serial' in connection
    ? `${connection.serial}, ${connection.baudRate} ${connection.dataBits}${connection.parity[0]?.toUpperCase()}1`
    : lineName(connection).replace(/^tcp /, '');

function talker(place: Place, talk: Talk, connection: LineConnection): Found | undefined {
  const at = shortName(place.name);
  const address = lineName(connection);
  if (talk.is === 'card')
    return {
      kind: 'reader',
      driver: 'wiegand',
      address,
      device: {
        id: `reader-${at}`,
        driver: 'wiegand',
        connection: connectionOf(connection),
        format: talk.format,
      },
      words: { en: `a card was shown (${talk.format})`, zh: `收到刷卡（${talk.format}）` },
    };
  if (talk.is !== 'receiver') return undefined;
  const account = /[1-9A-F]/i.test(talk.account ?? '') ? talk.account : undefined;
  const seven = talk.sevenBits && 'serial' in connection ? { dataBits: 7, parity: 'even' } : {};
  return {
    kind: 'receiver',
    driver: 'receiver',
    address,
    device: {
      id: `receiver-${at}`,
      driver: 'receiver',
      connection: { ...connectionOf(connection), ...seven },
      accounts: [{ account: account ?? '1234' }],
    },
    words:
      account === undefined
        ? {
            en: 'an alarm receiver; put the accounts of its panels in the place of 1234',
            zh: '报警接收机；请将 1234 换成各主机的账号',
          }
        : { en: `an alarm receiver; account ${account} reported`, zh: `报警接收机；账号 ${account} 有上报` },
  };
}

function readerOf(place: Place, { connection, address, id, secureChannel }: FoundReader): Found {
  const is =
    id === undefined
      ? 'OSDP'
      : `OSDP, ${id.vendor} ${id.model}, serial ${id.serial}, firmware ${id.firmware}`;
  const secure = secureChannel
    ? {
        en: '; it knows the secure channel: `osdp provision` gives it a key',
        zh: '；支持安全通道：可用 osdp provision 下发密钥',
      }
    : { en: '', zh: '' };
  return {
    kind: 'reader',
    driver: 'osdp',
    address: `${lineName(connection)} ${address}`,
    device: {
      id: `reader-${shortName(place.name)}-${address}`,
      driver: 'osdp',
      connection: connectionOf(connection),
      address,
    },
    words: { en: is + secure.en, zh: is + secure.zh },
  };
}

/** A Modbus unit. What its registers mean nobody can see from outside: the nearest example stands as its profile. */
export function unitFound(
  { unit, id, reads }: FoundUnit,
  connection: Record<string, unknown>,
  at: { readonly address: string; readonly id: string },
): Found {
  const profile = reads.inputs || !reads.holding ? 'io-8zone' : 'pulse-fence-2zone';
  const is = id === undefined ? 'Modbus' : `Modbus, ${id.vendor} ${id.product} ${id.revision}`.trim();
  const check = {
    en: `; ${profile} is an example: look at its registers with \`modbus read\``,
    zh: `；${profile} 为示例：请用 modbus read 核对寄存器`,
  };
  return {
    kind: 'modbus',
    driver: 'modbus',
    address: `${at.address} ${unit}`,
    device: { id: `modbus-${at.id}-${unit}`, driver: 'modbus', connection, unit, profile },
    words: { en: is + check.en, zh: is + check.zh },
  };
}

/** The line's own name stands before it already. */
const why = ({ name }: Place, error: Error): Words => {
  const message = error.message.startsWith(`${name} `) ? error.message.slice(name.length + 1) : error.message;
  return portReason(error) ?? { en: message, zh: message };
};

interface Telling {
  found(one: Found): void;
  note(words: Words): void;
  /** A rate or a unit is asked; so many are still to come. */
  step(words: Words, left: number): void;
}
const noted = ({ name }: Place, { note }: Telling, en: string, zh: string) =>
  note({ en: `${name}: ${en}`, zh: `${name}：${zh}` });

async function lookAtLine(place: Place, options: DiscoverOptions, tell: Telling): Promise<void> {
  const { clock, signal, forMs, lastUnit = LAST_UNIT } = options;
  const host = { clock, signal };
  const talked = place.settings(talkRates.map((baudRate) => ({ baudRate })));
  const asked = place.settings(unitSettings);
  tell.step(
    { en: `${place.name}: listening`, zh: `${place.name}：监听` },
    asked.length * lastUnit + baudRates.length,
  );
  const { talk, connection } = await listenTo(talked, forMs, host);
  const one = talker(place, talk, connection);
  if (one !== undefined) return tell.found(one);
  if (talk.is === 'master')
    return noted(
      place,
      tell,
      `somebody asks there already (${talk.protocol}): left alone`,
      `线路上已有主站（${talk.protocol}）：跳过`,
    );
  if (talk.is === 'noise')
    return noted(
      place,
      tell,
      `something talks at ${where(connection)} and cannot be read: nothing was asked there; look at its rate and at A and B`,
      `${where(connection)} 有数据但无法识别：未发送查询；请检查波特率及 A、B 接线`,
    );

  if (!(await askReaders(place, options, tell))) await askUnits(place, options, tell);
}

/** @returns whether there are any. */
async function askReaders(place: Place, { clock, signal }: DiscoverOptions, tell: Telling): Promise<boolean> {
  let readers = 0;
  await findReaders({
    connections: place.settings(baudRates.map((baudRate) => ({ baudRate }))),
    patience: READER_PATIENCE_MS,
    all: false,
    onlyHeard: true,
    host: { clock, signal },
    found(reader) {
      readers++;
      tell.found(readerOf(place, reader));
    },
    asking: (left) => tell.step({ en: `${place.name}: OSDP`, zh: `${place.name}：OSDP` }, left),
  });
  return readers > 0;
}

async function askUnits(place: Place, options: DiscoverOptions, tell: Telling): Promise<void> {
  const { clock, signal, lastUnit = LAST_UNIT } = options;
  const asked = place.settings(unitSettings);
  let noise: LineConnection | undefined;
  let left = asked.length * lastUnit;
  for (const setting of asked) {
    if (signal.aborted) return;
    const { units, noise: heard } = await findUnits(setting, {
      ...{ lastUnit, host: { clock, signal }, patience: place.patience },
      found: (unit) =>
        tell.found(
          unitFound(unit, connectionOf(setting), { address: lineName(setting), id: shortName(place.name) }),
        ),
      asking: () => tell.step({ en: `Modbus, ${where(setting)}`, zh: `Modbus，${where(setting)}` }, left--),
    });
    // All of one line are set alike.
    if (units > 0) return;
    if (heard) noise ??= setting;
  }
  if (signal.aborted) return;
  if (noise !== undefined)
    noted(
      place,
      tell,
      'something answered that cannot be read: look at its parity, and at A and B',
      '有应答但无法识别：请检查校验位及 A、B 接线',
    );
  else
    noted(
      place,
      tell,
      place.name.startsWith('/')
        ? 'nobody talks and nobody answers'
        : 'it is reached, and nobody talks or answers behind it',
      place.name.startsWith('/') ? '无数据、无应答' : '可连接，但其后无数据、无应答',
    );
}

/** Readers that type: who shows a card within the time is found. What is typed is neither kept nor shown. */
async function lookAtKeyboard(
  path: string,
  { clock, signal, forMs }: DiscoverOptions,
  found: (one: Found) => void,
) {
  const over = Promise.withResolvers<boolean>();
  const decoder = keyboardDecoder();
  const line = await openKeyboard(path, (chunk) => {
    if (decoder.push(chunk).some((one) => 'frame' in one)) over.resolve(true);
  });
  line.ended.catch(() => over.resolve(false));
  void clock.wait(forMs, signal).then(() => over.resolve(false));
  const isReader = await over.promise;
  await line.close();
  if (!isReader) return;
  found({
    kind: 'reader',
    driver: 'wiegand',
    address: `keyboard ${path}`,
    device: { id: `reader-${shortName(path)}`, driver: 'wiegand', connection: { keyboard: path } },
    words: { en: 'a card was shown; it types', zh: '收到刷卡（键盘型读卡器）' },
  });
}

/** The lines that nobody has; of the others it is said who does. */
function freePlaces(options: DiscoverOptions, note: (words: Words) => void): readonly Place[] {
  const known = knownLines(options.config);
  const paths = options.ports ?? serialPorts();
  const servers = (options.serialServers ?? []).map(
    ({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`,
  );
  const isFree = (name: string): boolean => {
    const device = known.get(behind(name));
    const by = device === undefined && name.startsWith('/') ? openedBy(name) : undefined;
    if (device !== undefined)
      note({
        en: `${name}: left alone, it is ${device}'s in the config`,
        zh: `${name}：跳过，配置中已由 ${device} 使用`,
      });
    else if (by !== undefined)
      note({ en: `${name}: left alone, ${by} has it open`, zh: `${name}：跳过，正被 ${by} 使用` });
    return device === undefined && by === undefined;
  };
  return [...paths.filter(isFree).map(serialPlace), ...servers.filter(isFree).map(serverPlace)];
}

export const lookAtLines: Look = async (options, { found, note, progress }) => {
  const places = freePlaces(options, note);
  const typing = options.ports === undefined ? keyboards() : [];
  /** Of each line, the steps that were made and those that are still to come. */
  const steps = new Map<Place, { done: number; left: number }>(
    places.map((one) => [one, { done: 0, left: 1 }]),
  );
  const tellProgress = (words: Words) => {
    const all = [...steps.values()];
    const done = all.reduce((sum, one) => sum + one.done, 0);
    progress({ way: 'serial', words, done, total: done + all.reduce((sum, one) => sum + one.left, 0) });
  };
  await Promise.all([
    ...places.map(async (place) => {
      const own = steps.get(place) ?? { done: 0, left: 0 };
      const step = (words: Words, left: number) => {
        own.done++;
        own.left = left;
        tellProgress(words);
      };
      await lookAtLine(place, options, { found, note, step }).catch((error: Error) => {
        const { en, zh } = why(place, error);
        note({ en: `${place.name}: ${en}`, zh: `${place.name}：${zh}` });
      });
      own.left = 0;
    }),
    ...typing.map((path) => lookAtKeyboard(path, options, found).catch(() => {})),
  ]);
};
