import { dirname, extname } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import { atMost, type Command, configOrErrors, type Terminal, UsageError } from './command.ts';
import { inForceOrErrors } from './in-force.ts';
import { momentOf, oneOf, wholeOf } from './values.ts';

/** Of the widest layout of cards, 32 bits. */
const FACILITY_MAX = 0xffff_ffff;
/** A version of the tables beyond it was written over (journal/schema.ts). */
const TABLES_MAX = 1000;

const english = `campus-gateway journal inspect WHERE [--event ID]
campus-gateway journal export  WHERE [--from TIME] [--to TIME] [--type TYPE]
campus-gateway journal audit   WHERE [--from TIME] [--to TIME]
campus-gateway journal verify  WHERE
campus-gateway journal hash    WHERE [--after N] [--up-to N]
campus-gateway journal replay  CONFIG --uplink ID [--lane LANE] [--after N] [--up-to N]
campus-gateway journal erase   CONFIG --card NUMBER [--facility N] | --holder ID | --visit ID
campus-gateway journal destroy-damaged CONFIG
campus-gateway journal lower   WHERE --to VERSION

  WHERE         a config file (.yaml), a data folder, or a journal file; of a running gateway, or a copy
  inspect       what is in it, where each platform stands, what brokers refuse
    --event ID  the life of one event: seen, on disk, at the broker, at the platform, acknowledged
  export        events as JSON lines, card numbers included: it is the campus's own record
    --from, --to TIME   seen in this time, e.g. 2026-11-24 or 2026-11-24T08:00Z
    --type TYPE         only of a type or class: alarm.raised, 'device.*'
  audit         who commanded what, when, from where, and what became of it, as JSON lines
  verify        reads all of it and follows the hashes of the audit; exit status 1 where something is wrong
  hash          SHA-256 over the JSON of events, a line each, as the report of a walk test has it
    --after N, --up-to N   sequences; default all
  replay        sends events of one lane again to a platform, the same \`id\`; over a connection of its own
    --lane LANE         urgent (default), normal, bulk
    --after N, --up-to N   sequences; default all
  erase         takes a person out of all events, for good; stop the gateway first, or send it the command \`erase\`
    --card, --holder, --visit   by a card, by the school's id of a person or child, by a visit
  destroy-damaged   writes over damaged copies of the journal that were set aside, and removes them; the gateway is stopped
  lower         brings its tables back to those of an older package, which goes on with it then; no event is touched; the gateway
                is stopped. An upgrade that is taken back does it by itself
    --to VERSION        of the tables, as the older package's refusal names it

  campus-gateway journal inspect /etc/campus-gateway/campus.yaml
  campus-gateway journal export /var/lib/campus-gateway --type 'alarm.*' > alarms.jsonl`;
const chinese = `campus-gateway journal inspect WHERE [--event ID]
campus-gateway journal export  WHERE [--from TIME] [--to TIME] [--type TYPE]
campus-gateway journal audit   WHERE [--from TIME] [--to TIME]
campus-gateway journal verify  WHERE
campus-gateway journal hash    WHERE [--after N] [--up-to N]
campus-gateway journal replay  CONFIG --uplink ID [--lane LANE] [--after N] [--up-to N]
campus-gateway journal erase   CONFIG --card NUMBER [--facility N] | --holder ID | --visit ID
campus-gateway journal destroy-damaged CONFIG
campus-gateway journal lower   WHERE --to VERSION

  WHERE         配置文件（.yaml）、数据目录或日志库文件；可为运行中的网关的，也可为副本
  inspect       其中有什么、各平台到哪里、服务器拒绝了什么
    --event ID  一个事件的经历：发现、写盘、到达服务器、到达平台、确认
  export        事件，JSON 行，包含卡号：这是校园自己的记录
    --from, --to TIME   在此时间内发现的，如 2026-11-24 或 2026-11-24T08:00Z
    --type TYPE         只要某一类型或类别：alarm.raised、'device.*'
  audit         谁在何时从何处发出什么命令，结果如何，JSON 行
  verify        读取全部内容并核对审计的哈希链；有问题时退出状态为 1
  hash          事件 JSON（每行一个）的 SHA-256，与步测报告中的相同
    --after N, --up-to N   序号；默认全部
  replay        向平台重新发送一个通道的事件，\`id\` 不变；使用单独的连接
    --lane LANE         urgent（默认）、normal、bulk
    --after N, --up-to N   序号；默认全部
  erase         从所有事件中永久删除一个人；请先停止网关，或向其发送命令 \`erase\`
    --card, --holder, --visit   按卡、按学校的人员或儿童编号、按访问
  destroy-damaged   覆写并删除已隔离的损坏日志副本；网关须已停止
  lower         将表结构恢复为旧版软件包的结构，旧版即可继续使用；不改动任何事件；网关须已停止。被撤回的升级会自动执行
    --to VERSION        表结构的版本，见旧版软件包拒绝时的提示

  campus-gateway journal inspect /etc/campus-gateway/campus.yaml
  campus-gateway journal export /var/lib/campus-gateway --type 'alarm.*' > alarms.jsonl`;

export const journal: Command = {
  name: 'journal',
  summary: [
    'Look at a journal, export it, check it, send from it again',
    '查看、导出、校验事件日志，重新发送',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        event: { type: 'string' },
        from: { type: 'string' },
        to: { type: 'string' },
        type: { type: 'string', default: '*' },
        uplink: { type: 'string' },
        lane: { type: 'string', default: 'urgent' },
        after: { type: 'string', default: '0' },
        'up-to': { type: 'string' },
        card: { type: 'string' },
        facility: { type: 'string' },
        holder: { type: 'string' },
        visit: { type: 'string' },
      },
    });
    atMost(2, positionals);
    const [what, where] = positionals;
    if (what !== undefined && !acts.some((act) => act === what))
      throw new UsageError(
        say(`${acts.slice(0, -1).join(', ')} or lower?`, `${acts.slice(0, -1).join('、')} 还是 lower？`),
      );
    if (where === undefined) throw new UsageError(say('which journal?', '请给出日志位置'));
    if (what === 'replay') {
      const { replayEvents } = await import('./journal/replay.ts');
      const after = sequence('after', values.after);
      const upTo =
        values['up-to'] === undefined ? Number.MAX_SAFE_INTEGER : sequence('up-to', values['up-to']);
      return await replayEvents(
        where,
        values.uplink,
        oneOf('lane', values.lane, lanes),
        after,
        upTo,
        terminal,
      );
    }
    if (what === 'erase') {
      const { erasePerson } = await import('./journal/erase.ts');
      const { card, facility, holder, visit } = values;
      const number = facility === undefined ? undefined : wholeOf('facility', facility, 0, FACILITY_MAX);
      const person = {
        card: card === undefined ? undefined : { number: card, facility: number },
        holder,
        visit,
      };
      return await erasePerson(where, person, terminal);
    }
    if (what === 'destroy-damaged')
      return await (await import('./journal/erase.ts')).destroyCopies(where, terminal);
    if (what === 'lower') return await lowerTables(where, values.to, terminal);
    const range = {
      after: sequence('after', values.after),
      upTo: values['up-to'] === undefined ? undefined : sequence('up-to', values['up-to']),
    };
    return await read(what, where, { ...values, ...range }, terminal);
  },
};

const acts = [
  'inspect',
  'export',
  'audit',
  'verify',
  'hash',
  'replay',
  'erase',
  'destroy-damaged',
  'lower',
] as const;

/** The folder of a journal that a config, a folder or a file names. `isRead`: who only reads needs no config that is right. */
async function pathOf(where: string, terminal: Terminal, isRead = false): Promise<string | undefined> {
  if (['.yaml', '.yml'].includes(extname(where)))
    return isRead
      ? (await inForceOrErrors(where, terminal))?.config.dataDir
      : (await configOrErrors(where, terminal))?.dataDir;
  return (await import('../journal/reader.ts')).findJournal(where);
}

async function lowerTables(where: string, to: string | undefined, terminal: Terminal): Promise<number> {
  if (to === undefined) throw new UsageError(say('to which version? --to', '请用 --to 给出版本'));
  const wanted = wholeOf('to', to, 1, TABLES_MAX);
  const path = await pathOf(where, terminal);
  if (path === undefined) return 1;
  const [{ lowerJournal }, { needJournal }] = await Promise.all([
    import('../journal/folder.ts'),
    import('./first-start.ts'),
  ]);
  needJournal(where, path);
  const { from } = lowerJournal(extname(path) === '.sqlite' ? dirname(path) : path, wanted);
  terminal.stdout.write(
    from <= wanted
      ? say(`its tables are of version ${from} already\n`, `数据表已是版本 ${from}\n`)
      : say(
          `its tables are of version ${wanted} now, and were of ${from}\n`,
          `数据表已由版本 ${from} 恢复为 ${wanted}\n`,
        ),
  );
  return 0;
}

/** What reads a journal and changes nothing. */
async function read(
  what: string | undefined,
  where: string,
  {
    event,
    from,
    to,
    type,
    after: afterSequence,
    upTo,
  }: {
    event?: string;
    from?: string;
    to?: string;
    type: string;
    after: number;
    upTo: number | undefined;
  },
  terminal: Terminal,
): Promise<number> {
  const [
    { openThere },
    { inspectJournal, printAudit, printLife },
    { exportEvents, hashEvents, verifyJournal },
  ] = await Promise.all([
    import('./first-start.ts'),
    import('./journal/inspect.ts'),
    import('./journal/events.ts'),
  ]);
  const path = await pathOf(where, terminal, true);
  if (path === undefined) return 1;
  const reader = openThere(where, path);
  try {
    if (what === 'inspect')
      return event === undefined ? inspectJournal(reader, terminal) : printLife(reader, event, terminal);
    if (what === 'verify') return verifyJournal(reader, terminal);
    if (what === 'hash') return hashEvents(reader, afterSequence + 1, upTo, terminal);
    const [after, before] = [
      from === undefined ? 0 : momentOf('from', from),
      to === undefined ? Number.POSITIVE_INFINITY : momentOf('to', to),
    ];
    if (what === 'audit') return printAudit(reader, after, before, terminal);
    return exportEvents(reader, after, before, type, terminal);
  } finally {
    reader.close();
  }
}

const sequence = (option: string, text: string) => wholeOf(option, text, 0, Number.MAX_SAFE_INTEGER);
