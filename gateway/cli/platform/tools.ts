/**
 * The tools of a city's authority: `campus-gateway platform codes`, `campuses`, `withdraw`, `uplink`, `authority` and
 * `keys`. They work beside the platform that runs, over its database.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from '../../../config/language.ts';
import { CARD_FILE_MAX, CERTIFICATE_FILE_MAX, readTextOf } from '../../../drivers/files.ts';
import { replaceFile as replaceShared } from '../../lifecycle/replace-file.ts';
import { replaceFile } from '../../lifecycle/replaced-file.ts';
import type { Authority } from '../../platform/authority/index.ts';
import type { Registry } from '../../platform/authority/registry.ts';
import { type Terminal, UsageError } from '../command.ts';
import { timeOf, ValueError } from '../values.ts';
import { showAuthority, showCampuses, showCodes, showKeys } from './show.ts';
import type { ToolName } from './tools-usage.ts';

const options = {
  database: { type: 'string' },
  data: { type: 'string' },
  root: { type: 'string', default: 'campus/v1' },
  file: { type: 'string' },
  valid: { type: 'string', default: '7d' },
  reason: { type: 'string' },
  ca: { type: 'string' },
  out: { type: 'string' },
  overlap: { type: 'string', default: '30d' },
  csv: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const parse = (args: string[]) => parseArgs({ args, allowPositionals: true, options, tokens: true });
type Values = ReturnType<typeof parse>['values'];

interface Tool {
  /** What the tool takes beside --database and --data. */
  readonly takes: readonly (keyof Values)[];
  /** undefined: it works without the keys of the authority. */
  readonly needsAuthority?: true;
  run(of: Work): Promise<number>;
}
interface Work {
  readonly words: readonly string[];
  readonly values: Values;
  readonly registry: Registry;
  /** undefined: its folder is not here. */
  readonly authority: Authority | undefined;
  readonly terminal: Terminal;
}
type WithAuthority = Work & { readonly authority: Authority };

const PUBLIC_FILE = 0o644;

const tools: Readonly<Record<ToolName, Tool>> = {
  codes: {
    takes: ['root', 'file', 'valid', 'csv'],
    needsAuthority: true,
    run: (work) => makeCodes(work as WithAuthority),
  },
  campuses: {
    takes: ['json'],
    async run({ registry, values, terminal }) {
      const campuses = await registry.campuses();
      showCampuses(campuses, values.json, terminal);
      return 0;
    },
  },
  withdraw: { takes: ['reason'], run: withdraw },
  uplink: { takes: ['ca'], run: setUplink },
  authority: {
    takes: ['out'],
    needsAuthority: true,
    run: (work) => lookAfterAuthority(work as WithAuthority),
  },
  keys: { takes: ['overlap'], needsAuthority: true, run: (work) => lookAfterKeys(work as WithAuthority) },
};

/** @returns the exit status. @throws UsageError; what the database or the disk says. */
export async function runTool(name: ToolName, args: string[], terminal: Terminal): Promise<number> {
  const tool = tools[name];
  const { values, positionals, tokens } = parse(args);
  const strange = tokens.find(
    (token) => token.kind === 'option' && !['database', 'data', ...tool.takes].includes(token.name),
  );
  if (strange?.kind === 'option')
    throw new UsageError(say(`${name} takes no --${strange.name}`, `${name} 没有选项 --${strange.name}`));
  const { database: url = process.env['DATABASE_URL'], data } = values;
  if (url === undefined)
    throw new UsageError(
      say('--database URL, or DATABASE_URL', '请用 --database 或 DATABASE_URL 给出数据库'),
    );
  if (data === undefined && tool.needsAuthority)
    throw new UsageError(
      say('--data DIR, where the authority has its keys', '请用 --data 给出证书机构密钥所在的目录'),
    );
  const { openTools } = await import('./open.ts');
  const opened = await openTools({ url, data, create: tool.needsAuthority === true }, terminal);
  try {
    return await tool.run({ ...opened, words: positionals, values, terminal });
  } finally {
    await opened.close();
  }
}

const CAMPUS = /^\d{4,20}$/;

/** Campuses as arguments, or a file with one a line; of a CSV the first column. */
function campusesOf(words: readonly string[], file: string | undefined): readonly string[] {
  const lines =
    file === undefined
      ? []
      : readTextOf(file, CARD_FILE_MAX)
          .replace(/^\ufeff/, '')
          .split(/\r?\n/);
  const listed = lines
    .map((line) => (line.split(/[,;\t]/)[0] ?? '').replaceAll('"', '').trim())
    // The head of a table, and lines that are empty or a comment.
    .filter((first, at) => first !== '' && !first.startsWith('#') && !(at === 0 && !CAMPUS.test(first)));
  const all = [...new Set([...words, ...listed])];
  const wrong = all.find((one) => !CAMPUS.test(one));
  if (wrong !== undefined)
    throw new ValueError(
      say(
        `"${wrong}" is no number of a campus: 4 to 20 digits`,
        `"${wrong}" 不是校园编号：应为 4 到 20 位数字`,
      ),
    );
  if (all.length === 0)
    throw new UsageError(say('which campuses? Their numbers, or --file', '请给出校园编号，或用 --file'));
  return all;
}

async function makeCodes({ words, values, registry, authority, terminal }: WithAuthority): Promise<number> {
  const campuses = campusesOf(words, values.file);
  const validMs = timeOf('valid', values.valid, '1h', '90d');
  const root = values.root.replace(/\/+$/, '');
  const made = await authority.codes(campuses, { prefixOf: (campus) => `${root}/${campus}`, validMs });
  showCodes(made, values.csv, terminal);
  if ((await registry.setting('uplink')) === undefined)
    terminal.stderr.write(
      say(
        'nobody has said yet which broker campuses are to connect to: campus-gateway platform uplink URL\n',
        '尚未设置各校园应连接的消息服务器：campus-gateway platform uplink 地址\n',
      ),
    );
  return 0;
}

/** The list for brokers, where the keys are here. */
async function writeList(authority: Authority | undefined, { stdout, stderr }: Terminal): Promise<void> {
  if (authority !== undefined) {
    const file = await authority.writeList();
    stdout.write(
      say(
        `${file}: give it to the brokers, and let them read it (mosquitto: SIGHUP)\n`,
        `${file}：请提供给消息服务器并使其重新读取（mosquitto：SIGHUP）\n`,
      ),
    );
    return;
  }
  stderr.write(
    say(
      'the list of revoked certificates is written by the platform that has the keys of the authority, or by this with --data\n',
      '吊销列表由持有证书机构密钥的平台写出，或在此使用 --data\n',
    ),
  );
}

async function withdraw({ words, values, registry, authority, terminal }: Work): Promise<number> {
  const { withdrawCampus } = await import('../../platform/authority/index.ts');
  for (const campus of campusesOf(words, undefined)) {
    const withdrawn = await withdrawCampus(registry, campus, values.reason, terminal.clock.wall());
    if (withdrawn === undefined) {
      terminal.stderr.write(say(`there is no campus ${campus}\n`, `没有校园 ${campus}\n`));
      return 1;
    }
    terminal.stdout.write(
      say(
        `${campus} is withdrawn: ${withdrawn.revoked} certificates are worth nothing any more, and it is given no other\n`,
        `${campus} 已撤销：${withdrawn.revoked} 张证书失效，不再续发\n`,
      ),
    );
    if (!withdrawn.isOurs)
      terminal.stdout.write(
        say(
          `this authority never issued ${campus} a certificate: one that was made elsewhere is not on the list of revoked ones; have its own authority revoke it, or take its user out of the brokers\n`,
          `本证书机构未向 ${campus} 签发过证书：在别处签发的证书不会列入吊销列表，请由原机构吊销，或在消息服务器上删除其用户\n`,
        ),
      );
  }
  await writeList(authority, terminal);
  return 0;
}

async function setUplink({ words, values, registry, terminal }: Work): Promise<number> {
  const wrong = words.find((one) => !/^(mqtts?|wss?):\/\/[^\s/@]+(\/[^\s@]*)?$/.test(one));
  if (wrong !== undefined || words.length > 8)
    throw new ValueError(
      say(
        `"${wrong ?? words.length}": at most 8 addresses as mqtts://HOST:PORT, without a user`,
        `"${wrong ?? words.length}"：最多 8 个地址，写作 mqtts://主机:端口，不含用户名`,
      ),
    );
  if (words.length > 0)
    await registry.set('uplink', {
      urls: words,
      ...(values.ca !== undefined && { ca: readTextOf(values.ca, CERTIFICATE_FILE_MAX) }),
    });
  const now = await registry.setting<{ urls: readonly string[]; ca?: string }>('uplink');
  const whose =
    now?.ca === undefined ? say('this authority', '本证书机构') : say('another authority', '其他机构');
  terminal.stdout.write(
    now === undefined
      ? say('nothing is set\n', '尚未设置\n')
      : `${now.urls.join('\n')}\n${say(`certificates of the brokers are of ${whose}`, `消息服务器证书来自${whose}`)}\n`,
  );
  return 0;
}

async function lookAfterAuthority({
  words,
  values,
  registry,
  authority,
  terminal,
}: WithAuthority): Promise<number> {
  const [what = 'show', ...names] = words;
  if (what === 'ca') terminal.stdout.write(authority.ca);
  else if (what === 'list') await writeList(authority, terminal);
  else if (what === 'show') showAuthority(authority, await registry.campuses(), terminal);
  else if (what === 'certificate') return await issueServer(authority, names, values.out ?? '.', terminal);
  else throw new UsageError(say('ca, list, certificate or nothing', 'ca、list、certificate，或不写'));
  return 0;
}

const NAME =
  /^([A-Za-z0-9*]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|[0-9A-Fa-f:]+)$/;

async function issueServer(
  authority: Authority,
  names: readonly string[],
  out: string,
  { stdout }: Terminal,
): Promise<number> {
  const [first] = names;
  const wrong = names.find((one) => !NAME.test(one) || one.length > 253);
  if (first === undefined || wrong !== undefined)
    throw new UsageError(
      say(
        'certificate NAME…: the names and addresses under which a broker is reached',
        'certificate 名称…：消息服务器的主机名和地址',
      ),
    );
  const { cert, key, endsAt } = await authority.issueServer(names);
  const base = join(resolve(out), first.replace(/[^A-Za-z0-9.-]/g, '_'));
  await replaceFile(`${base}.key`, key);
  replaceShared(`${base}.pem`, cert, PUBLIC_FILE);
  const ends = new Date(endsAt).toISOString().slice(0, 10);
  stdout.write(
    say(
      `${base}.pem and ${base}.key: good until ${ends}; the same command makes the next\n`,
      `${base}.pem 和 ${base}.key：有效期至 ${ends}；重新执行同一命令即可换发\n`,
    ),
  );
  return 0;
}

async function lookAfterKeys({ words, values, authority, terminal }: WithAuthority): Promise<number> {
  const [what] = words;
  if (what === 'rotate') await authority.rotate(timeOf('overlap', values.overlap, '2d', '365d'));
  else if (what !== undefined) throw new UsageError(say('rotate, or nothing', 'rotate，或不写'));
  showKeys(await authority.keys(), terminal);
  return 0;
}
