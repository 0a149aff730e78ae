import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { Config } from '../../config/schema.ts';
import type { boundsOfDay as BoundsOfDay } from '../ledger/digest.ts';
import { type Entry, type EntryWords, LedgerError, stateOf } from '../ledger/entry.ts';
import type { LedgerFile } from '../ledger/file.ts';
import { printable } from '../printable.ts';
import { type Command, configOrErrors, type Terminal, UsageError } from './command.ts';
import { inForceOrErrors } from './in-force.ts';
import { writeNewFile } from './new-file.ts';
import { ValueError } from './values.ts';
import { who } from './who.ts';

const english = `campus-gateway ledger FILE list   [--which open|overdue|closed|all] [--json]
campus-gateway ledger FILE add    --what TEXT [--hazard] [--device ID] [--place TEXT] [--owner NAME] [--measure TEXT] [--deadline DAY]
campus-gateway ledger FILE close  NUMBER --result TEXT
campus-gateway ledger FILE device ID [--place TEXT] [--installed DAY] [--warranty DAY] [--serial TEXT] [--note TEXT] [--json]
campus-gateway ledger FILE export entries|devices --to OUT.csv

The school's ledger, of the gateway that has this config. It works beside a gateway that runs, which tells platforms within a minute
of what was put in or closed, and without one; it is run by the gateway's user or by root. All of it goes into the audit, with the
user of this terminal.

  list    faults and hazards, the newest first; open ones where nothing is said
  add     puts one in: a fault, or with --hazard a hazard. DAY: 2026-12-05, until its end
  close   it is mended, and how
  device  what people know of a device; an empty text takes it out again
  export  as CSV for a spreadsheet, in the language of this terminal; its owner's alone (0600). An existing file is not overwritten

Exit status 0; of list 1 where an entry is open after its deadline; 3 where there is no such entry or device.

  campus-gateway ledger /etc/campus-gateway/campus.yaml add --hazard --what "loose bricks" --place "east wall" --deadline 2026-12-05
  campus-gateway ledger /etc/campus-gateway/campus.yaml close 12 --result "wall rebuilt"`;
const chinese = `campus-gateway ledger 配置 list   [--which open|overdue|closed|all] [--json]
campus-gateway ledger 配置 add    --what 内容 [--hazard] [--device 设备] [--place 位置] [--owner 责任人] [--measure 措施] [--deadline 日期]
campus-gateway ledger 配置 close  编号 --result 结果
campus-gateway ledger 配置 device 设备 [--place 位置] [--installed 日期] [--warranty 日期] [--serial 序列号] [--note 备注]
campus-gateway ledger 配置 export entries|devices --to 文件.csv

使用该配置的网关的学校台账。网关运行与否均可使用；运行中的网关会在一分钟内将登记和销号告知平台。请以网关用户或 root 运行。
所有操作以本终端用户的名义记入审计。

  list    故障与隐患，最新在前；默认仅列出未销号
  add     登记故障；加 --hazard 为隐患。日期如 2026-12-05，至当日结束
  close   销号，并说明整改结果
  device  填写设备信息；空文字表示清除
  export  导出 CSV，表头为本终端语言；仅所有者可读（0600）；不覆盖已有文件

退出状态 0；list 有超期未销号的记录时为 1；没有该记录或设备时为 3。

  campus-gateway ledger /etc/campus-gateway/campus.yaml add --hazard --what 砖块松动 --place 东墙 --deadline 2026-12-05
  campus-gateway ledger /etc/campus-gateway/campus.yaml close 12 --result 已重砌`;

const text = { type: 'string' } as const;
const options = {
  which: { ...text, default: 'open' },
  json: { type: 'boolean', default: false },
  hazard: { type: 'boolean', default: false },
  ...{ what: text, device: text, place: text, owner: text, measure: text, deadline: text, result: text },
  ...{ installed: text, warranty: text, serial: text, note: text, to: text },
} as const;

export const ledger: Command = {
  name: 'ledger',
  summary: ["The school's ledger: faults, hazards, what devices are", '学校台账：故障、隐患、设备清单'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options });
    const [file, act = 'list', subject] = positionals;
    const isRead = act === 'list';
    const config = isRead
      ? (await inForceOrErrors(file, terminal))?.config
      : await configOrErrors(file, terminal);
    if (config === undefined) return 1;
    if (config.ledger === undefined)
      throw new Error(
        say(
          `${file} has no \`ledger\`: write \`ledger: {}\` into it`,
          `${file} 中没有 \`ledger\`：请写入 \`ledger: {}\``,
        ),
      );
    const run = acts[act as keyof typeof acts];
    if (run === undefined) throw (await import('./words.ts')).noSuchWord('ledger', act, Object.keys(acts));
    const [{ openLedger }, { boundsOfDay }, { needDataFolder }] = await Promise.all([
      import('../ledger/file.ts'),
      // With its calendar, that `--help` has no use for.
      import('../ledger/digest.ts'),
      import('./first-start.ts'),
    ]);
    for (const name of DAYS) dayIn({ values, config, boundsOfDay }, name);
    needDataFolder(config);
    const opened = openLedger(config.dataDir);
    try {
      const by = who();
      const now = terminal.clock.wall();
      return await run({ ledger: opened, config, values, subject, by, now, terminal, boundsOfDay });
    } finally {
      opened.close();
    }
  },
};

interface Asked {
  readonly ledger: LedgerFile;
  readonly config: Config;
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly subject: string | undefined;
  /** The user of this terminal. */
  readonly by: string;
  readonly now: number;
  readonly terminal: Terminal;
  readonly boundsOfDay: typeof BoundsOfDay;
}

const acts = { list, add, close, device: writeDevice, export: exportTo } as const;

const textIn = (values: Asked['values'], name: string, most: number): string | undefined => {
  const value = values[name];
  if (typeof value !== 'string') return undefined;
  if (value.length > most)
    throw new UsageError(say(`--${name}: at most ${most} characters`, `--${name}：至多 ${most} 个字符`));
  return value.trim();
};
const isDay = (value: string, timezone: string, boundsOfDay: Asked['boundsOfDay']): boolean => {
  try {
    return /^\d{4}-\d\d-\d\d$/.test(value) && boundsOfDay(value, timezone).from > 0;
  } catch {
    return false;
  }
};
/** Options that are days. */
const DAYS = ['deadline', 'installed', 'warranty'] as const;

function dayIn(
  { values, config, boundsOfDay }: Pick<Asked, 'values' | 'config' | 'boundsOfDay'>,
  name: (typeof DAYS)[number],
): string | undefined {
  const given = values[name];
  const value = typeof given === 'string' ? given.trim() : undefined;
  if (value === undefined || value === '' || isDay(value, config.timezone, boundsOfDay)) return value;
  throw new ValueError(
    say(
      `--${name} "${value}": there is no such day; write year-month-day, such as 2026-12-05`,
      `--${name} "${value}"：没有这一天；请写成 年-月-日，如 2026-12-05`,
    ),
  );
}
async function deviceIn({ config }: Asked, id: string | undefined): Promise<string | null> {
  if (id === undefined) return null;
  if (config.devices.some((one) => one.id === id)) return id;
  const { meant } = await import('./words.ts');
  const ids = config.devices.map((one) => one.id);
  throw new Error(say(`the config has no device ${id}`, `配置中没有设备 ${id}`) + meant(id, ids));
}

const whiches = ['open', 'overdue', 'closed', 'all'] as const;
const PAGE = 500;

function allOf({ ledger: file, now }: Asked, which: (typeof whiches)[number]): readonly Entry[] {
  const all: Entry[] = [];
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const found = file.list({ which, before, limit: PAGE, now });
    all.push(...found);
    before = found.at(-1)?.number ?? 0;
    if (found.length < PAGE) return all;
  }
}

async function list(asked: Asked): Promise<number> {
  const { values, config, now, terminal } = asked;
  const which = whiches.find((one) => one === values['which']);
  if (which === undefined)
    throw new UsageError(
      say('--which: open, overdue, closed or all', '--which：open、overdue、closed 或 all'),
    );
  const entries = allOf(asked, which).map((one) => ({ ...one, state: stateOf(one, now) }));
  const status = entries.some(({ state }) => state === 'overdue') ? 1 : 0;
  if (values['json'] === true) {
    terminal.stdout.write(`${JSON.stringify(entries, null, 1)}\n`);
    return status;
  }
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: config.timezone, dateStyle: 'short' });
  const words = {
    open: say('open', '未销号'),
    overdue: say('OVERDUE', '超期'),
    closed: say('closed', '已销号'),
  };
  for (const { number, state, device, place, what, fault, cause, reason, owner, deadline } of entries) {
    const about = what ?? [fault, cause, reason].filter((one) => one !== null).join(': ');
    const line = [
      `${number}`.padStart(5),
      words[state],
      [device, place].filter((one) => one !== null).join(' '),
      about,
      owner ?? '',
      deadline === null || state === 'closed' ? '' : say('until ', '期限 ') + day.format(deadline),
    ];
    terminal.stdout.write(`${printable(line.filter((one) => one !== '').join('  '))}\n`);
  }
  if (entries.length === 0) terminal.stdout.write(say('there is none\n', '没有记录\n'));
  return status;
}

async function add(asked: Asked): Promise<number> {
  const { ledger: file, values, by, now, terminal, config, boundsOfDay } = asked;
  const what = textIn(values, 'what', 500);
  if (what === undefined || what === '')
    throw new UsageError(say('--what is missing: what is wrong, in words', '缺少 --what：请说明内容'));
  const deadline = dayIn(asked, 'deadline');
  const words: EntryWords = {
    kind: values['hazard'] === true ? 'hazard' : 'fault',
    device: await deviceIn(asked, textIn(values, 'device', 64)),
    place: textIn(values, 'place', 200) ?? null,
    what,
    owner: textIn(values, 'owner', 100) ?? null,
    measure: textIn(values, 'measure', 500) ?? null,
    deadline: deadline === undefined ? null : boundsOfDay(deadline, config.timezone).to - 1000,
  };
  const { number } = file.add({ words, by, now });
  terminal.stdout.write(say(`entry ${number}\n`, `编号 ${number}\n`));
  return 0;
}

async function close({ ledger: file, values, subject, by, now, terminal }: Asked): Promise<number> {
  const number = Number(subject);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new UsageError(say('which entry? its number', '请给出编号'));
  const result = textIn(values, 'result', 500);
  if (result === undefined || result === '')
    throw new UsageError(say('--result is missing: how it was mended', '缺少 --result：请说明整改结果'));
  try {
    file.closeEntry({ number, result, by, now });
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    throw new Error(
      error.code === 'E_LEDGER_CLOSED'
        ? say(`entry ${number} is closed already`, `编号 ${number} 早已销号`)
        : say(
            `there is no entry ${number}: look at \`list --which all\``,
            `没有编号 ${number}：请查看 \`list --which all\``,
          ),
    );
  }
  terminal.stdout.write(say(`entry ${number} is closed\n`, `编号 ${number} 已销号\n`));
  return 0;
}

type Told = Readonly<Record<string, string | undefined>>;
/** What is known of a device, as an export has it. */
const deviceWords = {
  place: ['place', '位置'],
  maker: ['maker', '厂商'],
  model: ['model', '型号'],
  serial: ['serial number', '序列号'],
  firmware: ['firmware', '固件'],
  installedOn: ['installed on', '安装日期'],
  warrantyUntil: ['warranty until', '质保到期'],
  note: ['note', '备注'],
} as const;

async function writeDevice(asked: Asked): Promise<number> {
  const { ledger: file, values, subject, by, now, terminal } = asked;
  if (subject === undefined) throw new UsageError(say('which device? its id', '请给出设备标识'));
  const id = (await deviceIn(asked, subject)) as string;
  const given = {
    place: textIn(values, 'place', 200),
    installedOn: dayIn(asked, 'installed'),
    warrantyUntil: dayIn(asked, 'warranty'),
    serial: textIn(values, 'serial', 100),
    note: textIn(values, 'note', 1000),
  };
  const notes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const { said, notes: now_ } = file.write({ id, notes, by, now });
  if (values['json'] === true) {
    terminal.stdout.write(`${printable(JSON.stringify({ id, said, notes: now_ }))}\n`);
    return 0;
  }
  const lines = Object.entries(deviceWords).flatMap(([key, [en, zh]]) => {
    // What the device says of itself goes before what somebody wrote.
    const value = (said as Told)[key] ?? (now_ as Told)[key] ?? '';
    return value === '' ? [] : [`  ${say(`${en}: `, `${zh}：`)}${value}`];
  });
  terminal.stdout.write(`${[id, ...lines].map(printable).join('\n')}\n`);
  if (lines.length === 0) terminal.stdout.write(say('  nothing is known of it yet\n', '  尚无信息\n'));
  return 0;
}

async function exportTo(asked: Asked): Promise<number> {
  const { ledger: file, config, subject, values, now, terminal } = asked;
  const { entriesCsv, devicesCsv } = await import('../console/ledger-csv.ts');
  const place = {
    language: say('en', 'zh') as 'en' | 'zh',
    timezone: config.timezone,
    names: Object.fromEntries(config.devices.map(({ id, name }) => [id, name])),
  };
  const make = (): string => {
    if (subject === 'entries')
      return entriesCsv(
        allOf(asked, 'all').map((one) => ({ ...one, state: stateOf(one, now) })),
        place,
      );
    if (subject !== 'devices') throw new UsageError(say('entries or devices', 'entries 或 devices'));
    const known = new Map(file.devices().map((one) => [one.id, one]));
    const rows = config.devices.map(({ id, driver }) => ({
      ...(known.get(id) ?? { id, said: {}, saidAt: null, notes: {} }),
      driver,
    }));
    return devicesCsv(rows, place);
  };
  const csv = make();
  const to = textIn(values, 'to', 4096);
  if (to === undefined || to === '')
    throw new UsageError(say('--to is missing: the file to write', '缺少 --to：请给出文件'));
  writeNewFile(to, csv);
  terminal.stdout.write(say(`written to ${to}\n`, `已写入 ${to}\n`));
  return 0;
}
