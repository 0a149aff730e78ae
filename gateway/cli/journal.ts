import { extname } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import { type Command, configOrErrors, type Terminal, UsageError } from './command.ts';
import { momentOf, oneOf, wholeOf } from './values.ts';

/** Of the widest layout of cards, 32 bits. */
const FACILITY_MAX = 0xffff_ffff;

export const journal: Command = {
  name: 'journal',
  summary: [
    'Look at a journal, export it, check it, send from it again',
    '查看、导出、校验事件日志，重新发送',
  ],
  usage: `campus-gateway journal inspect WHERE [--event ID]
campus-gateway journal export  WHERE [--from TIME] [--to TIME] [--type TYPE]
campus-gateway journal audit   WHERE [--from TIME] [--to TIME]
campus-gateway journal verify  WHERE
campus-gateway journal replay  CONFIG --uplink ID [--lane LANE] [--after N] [--up-to N]
campus-gateway journal erase   CONFIG --card NUMBER [--facility N] | --holder ID | --visit ID
campus-gateway journal destroy-damaged CONFIG

  WHERE         a config file (.yaml), a data folder, or a journal file; of a running gateway, or a copy
  inspect       what is in it, where each platform stands, what brokers refuse
    --event ID  the life of one event: seen, on disk, at the broker, at the platform, acknowledged
  export        events as JSON lines, card numbers included: it is the campus's own record
    --from, --to TIME   seen in this time, e.g. 2026-11-24 or 2026-11-24T08:00Z
    --type TYPE         only of a type or class: alarm.raised, 'device.*'
  audit         who commanded what, when, from where, and what became of it, as JSON lines
  verify        reads all of it and follows the hashes of the audit; exit status 1 where something is wrong
  replay        sends events of one lane again to a platform, the same \`id\`; over a connection of its own
    --lane LANE         urgent (default), normal, bulk
    --after N, --up-to N   sequences; default all
  erase         takes a person out of all events, for good; stop the gateway first, or send it the command \`erase\`
    --card, --holder, --visit   by a card, by the school's id of a person or child, by a visit
  destroy-damaged   writes over damaged copies of the journal that were set aside, and removes them; the gateway is stopped

  campus-gateway journal inspect /etc/campus-gateway/campus.yaml
  campus-gateway journal export /var/lib/campus-gateway --type 'alarm.*' > alarms.jsonl`,

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
    const [what, where] = positionals;
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
    return await read(what, where, values, terminal);
  },
};

/** What reads a journal and changes nothing. */
async function read(
  what: string | undefined,
  where: string,
  { event, from, to, type }: { event?: string; from?: string; to?: string; type: string },
  terminal: Terminal,
): Promise<number> {
  const [
    { findJournal, openReader },
    { inspectJournal, printAudit, printLife },
    { exportEvents, verifyJournal },
  ] = await Promise.all([
    import('../journal/reader.ts'),
    import('./journal/inspect.ts'),
    import('./journal/events.ts'),
  ]);
  const isConfig = ['.yaml', '.yml'].includes(extname(where));
  const path = isConfig ? (await configOrErrors(where, terminal))?.dataDir : findJournal(where);
  if (path === undefined) return 1;
  const reader = openReader(path);
  try {
    if (what === 'inspect')
      return event === undefined ? inspectJournal(reader, terminal) : printLife(reader, event, terminal);
    if (what === 'verify') return verifyJournal(reader, terminal);
    const [after, before] = [
      from === undefined ? 0 : momentOf('from', from),
      to === undefined ? Number.POSITIVE_INFINITY : momentOf('to', to),
    ];
    if (what === 'audit') return printAudit(reader, after, before, terminal);
    if (what === 'export') return exportEvents(reader, after, before, type, terminal);
  } finally {
    reader.close();
  }
  throw new UsageError(
    say(
      'inspect, export, audit, verify, replay, erase or destroy-damaged?',
      'inspect、export、audit、verify、replay、erase 还是 destroy-damaged？',
    ),
  );
}

const sequence = (option: string, text: string) => wholeOf(option, text, 0, Number.MAX_SAFE_INTEGER);
