import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { classOf, type Event, type EventType, readEvent } from '../../config/catalogue/events.ts';
import { matches, wantsOf } from '../../config/catalogue/filter.ts';
import { say } from '../../config/language.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import { openConnection } from '../../drivers/platforms/mqtt/connection.ts';
import { readTls } from '../../drivers/platforms/mqtt/tls.ts';
import { verifyAudit } from '../journal/audit.ts';
import type { Person } from '../journal/erasure.ts';
import { openJournal } from '../journal/index.ts';
import { findJournal, type JournalReader, openReader } from '../journal/reader.ts';
import { removeMedia } from '../media/store.ts';
import { EVENT_CONTENT_TYPE, everything, payloadOf, privacyOf } from '../uplink/payload.ts';
import { resend } from '../uplink/resend.ts';
import { type Command, configOrErrors, progress, UsageError } from './command.ts';

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

  campus-gateway journal inspect /etc/campus-gateway/campus.yaml
  campus-gateway journal export /var/lib/campus-gateway --type 'alarm.*' > alarms.jsonl`,

  async run(args) {
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
      const upTo = values['up-to'] === undefined ? Number.MAX_SAFE_INTEGER : whole(values['up-to']);
      return await replay(where, values.uplink, laneNamed(values.lane), whole(values.after), upTo);
    }
    if (what === 'erase') {
      const { card, facility, holder, visit } = values;
      const number = facility === undefined ? undefined : whole(facility);
      return await erase(where, {
        card: card === undefined ? undefined : { number: card, facility: number },
        holder,
        visit,
      });
    }
    const path = placeOf(where);
    if (path === undefined) return 1;
    const reader = openReader(path);
    try {
      if (what === 'inspect')
        return values.event === undefined ? inspect(reader) : life(reader, values.event);
      if (what === 'verify') return verify(reader);
      if (what === 'audit') return audit(reader, timeOf(values.from, 0), timeOf(values.to, Infinity));
      if (what === 'export')
        return exportEvents(reader, timeOf(values.from, 0), timeOf(values.to, Infinity), values.type);
    } finally {
      reader.close();
    }
    throw new UsageError(
      say(
        'inspect, export, audit, verify, replay or erase?',
        'inspect、export、audit、verify、replay 还是 erase？',
      ),
    );
  },
};

const out = (line: string) => process.stdout.write(`${line}\n`);
const iso = (ms: number | null) => (ms === null ? '' : new Date(ms).toISOString());

/** The journal of a config, or the path itself. undefined: the config is wrong, and was told so. */
function placeOf(where: string): string | undefined {
  if (!['.yaml', '.yml'].includes(extname(where))) return findJournal(where);
  return configOrErrors(where)?.dataDir;
}

function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`"${text}" ${say('is no sequence', '不是序号')}`);
  return Number(text);
}

function laneNamed(text: string): Lane {
  const found = lanes.find((lane) => lane === text);
  if (found === undefined) throw new UsageError(`"${text}": ${lanes.join(', ')}`);
  return found;
}

function timeOf(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`"${text}" ${say('is no time', '不是时间')}`);
  return time;
}

function inspect(reader: JournalReader): number {
  out(`${reader.file}`);
  out(
    say(
      `  journal ${reader.journalId}, schema ${reader.version}`,
      `  日志 ${reader.journalId}，版本 ${reader.version}`,
    ),
  );
  const summary = reader.summary();
  out(`\n  ${'lane'.padEnd(8)} ${'class'.padEnd(10)} ${'events'.padStart(10)}  sequences, seen`);
  for (const { lane, class: name, events, first, last, from, to } of summary)
    out(
      `  ${(lanes[lane] ?? '?').padEnd(8)} ${name.padEnd(10)} ${String(events).padStart(10)}  ${first} to ${last}, ${iso(from)} to ${iso(to)}`,
    );
  const lasts = lanes.map((_, i) =>
    Math.max(0, ...summary.filter(({ lane }) => lane === i).map(({ last }) => last)),
  );
  out(`\n  ${'uplink'.padEnd(16)} ${'lane'.padEnd(8)} ${say('delivered up to', '已送达')}`);
  for (const { uplink, lane, sequence } of reader.cursors()) {
    const last = lasts[lane] ?? 0;
    const behind = last > sequence ? say(`, the last is ${last}`, `，最新为 ${last}`) : '';
    out(`  ${uplink.padEnd(16)} ${(lanes[lane] ?? '?').padEnd(8)} ${sequence}${behind}`);
  }
  for (const { uplink, topic, first, last, reason, since } of reader.held())
    out(
      say(
        `\n  ${uplink}: ${topic} is refused since ${iso(since)} (${reason}): ${first} to ${last}`,
        `\n  ${uplink}：${topic} 自 ${iso(since)} 起被拒绝（${reason}）：${first} 至 ${last}`,
      ),
    );
  return 0;
}

function audit(reader: JournalReader, from: number, to: number): number {
  for (const { number, at, body, hash } of reader.audit().entries)
    if (at >= from && at < to)
      out(JSON.stringify({ number, at: iso(at), ...(JSON.parse(body) as object), hash }));
  return 0;
}

function life(reader: JournalReader, id: string): number {
  const entry = reader.find(id);
  if (entry === undefined) {
    process.stderr.write(say(`there is no event ${id}\n`, `没有事件 ${id}\n`));
    return 1;
  }
  const row = (words: string, time: string) => out(`  ${words.padEnd(36)} ${time}`);
  out(entry.body);
  row(say('seen', '发现'), iso(entry.seenAt));
  row(say('on disk', '写盘'), iso(entry.storedAt));
  const stages = {
    broker: say('at the broker of', '到达代理：'),
    platform: say('at the platform', '到达平台：'),
  };
  for (const { uplink, stage, at } of reader.reached(entry.lane, entry.sequence))
    row(`${stages[stage]} ${uplink}`, iso(at));
  for (const other of reader.events(entry.seenAt, Number.MAX_SAFE_INTEGER)) {
    if (other.type !== 'alarm.acknowledged') continue;
    const { acknowledged } = (JSON.parse(other.body) as Event).data as {
      acknowledged: { event: string; by: string; uplink: string };
    };
    if (acknowledged.event === id)
      row(
        say(
          `acknowledged by ${acknowledged.by} (${acknowledged.uplink})`,
          `由 ${acknowledged.by}（${acknowledged.uplink}）确认`,
        ),
        iso(other.seenAt),
      );
  }
  return 0;
}

function exportEvents(reader: JournalReader, from: number, to: number, type: string): number {
  const bar = progress(say('exported', '已导出'), reader.count());
  for (const entry of reader.events(from, Math.min(to, Number.MAX_SAFE_INTEGER))) {
    bar.step();
    if (!matches(type, entry.type as EventType)) continue;
    const place = {
      sequence: entry.sequence,
      previous: 0,
      lane: lanes[entry.lane] as Lane,
      journal: reader.journalId,
    };
    const whole = readEvent(payloadOf(entry, place, everything) ?? '');
    if (whole === undefined) {
      process.stderr.write(`${entry.sequence}: ${say('cannot be read any more', '已无法读取')}\n`);
      continue;
    }
    const { previous: _unknown, ...event } = whole as Event & { previous: string };
    out(JSON.stringify(event));
  }
  bar.end();
  return 0;
}

/** Everything that can be wrong with a file, told a line each. */
function verify(reader: JournalReader): number {
  const wrong: string[] = reader.integrity();
  const bar = progress(say('read', '已读'), reader.count());
  let read = 0;
  let before = 0;
  try {
    for (const { sequence, id, type, body } of reader.events(0, Number.MAX_SAFE_INTEGER)) {
      bar.step();
      read++;
      if (sequence <= before) wrong.push(`${sequence}: after ${before}`);
      before = sequence;
      try {
        const event = JSON.parse(body) as Event;
        if (event.id !== id || event.type !== `cn.campus.${type}`)
          wrong.push(`${sequence}: its body is of another event`);
      } catch {
        wrong.push(`${sequence}: its body is no JSON`);
      }
    }
  } catch (error) {
    wrong.push(`after ${before}: ${(error as Error).message}`);
  }
  bar.end();
  const { anchor, entries } = reader.audit();
  const broken = verifyAudit(anchor, entries);
  if (broken !== undefined) wrong.push(`audit ${broken.number}: ${broken.reason}`);
  for (const line of wrong.slice(0, 20)) out(line);
  if (wrong.length > 20) out(say(`and ${wrong.length - 20} more`, `另有 ${wrong.length - 20} 处`));
  out(
    say(
      `${read} events and ${entries.length} audit entries read, ${wrong.length} faults; the last audit hash is ${entries.at(-1)?.hash ?? '-'}`,
      `读取 ${read} 个事件、${entries.length} 条审计记录，${wrong.length} 处错误；最后一条审计哈希为 ${entries.at(-1)?.hash ?? '-'}`,
    ),
  );
  return wrong.length === 0 ? 0 : 1;
}

async function erase(file: string, person: Person): Promise<number> {
  if ([person.card, person.holder, person.visit].filter((one) => one !== undefined).length !== 1)
    throw new UsageError(say('one of --card, --holder, --visit', '请给出 --card、--holder、--visit 之一'));
  const config = configOrErrors(file);
  if (config === undefined) return 1;
  const journal = await openJournal(config.dataDir);
  try {
    const bar = progress(say('looked at', '已检查'), undefined);
    const { events, pictures } = await journal.erase(person, (looked) => bar.step(looked));
    bar.end();
    await removeMedia(join(config.dataDir, 'media'), pictures);
    const sha256 = createHash('sha256').update(JSON.stringify(person)).digest('hex');
    const { username: user } = userInfo();
    await journal.audit(Date.now(), JSON.stringify({ kind: 'erase', sha256, events, user }));
    out(say(`erased in ${events} events`, `已在 ${events} 个事件中删除`));
    return 0;
  } finally {
    await journal.close();
  }
}

async function replay(
  file: string,
  id: string | undefined,
  lane: Lane,
  after: number,
  upTo: number,
): Promise<number> {
  const config = configOrErrors(file);
  if (config === undefined) return 1;
  const uplink: UplinkConfig | undefined = config.uplinks.find((one) => one.id === id);
  if (uplink === undefined)
    throw new UsageError(`--uplink: ${config.uplinks.map((one) => one.id).join(', ')}`);
  const reader = openReader(config.dataDir);
  const { url, proxy, username, password, protocol } = uplink;
  const options = {
    url,
    proxy,
    username,
    password,
    tls: uplink.tls === undefined ? undefined : readTls(uplink.tls),
    // Not the gateway's own: a broker would close that one.
    clientId: `${uplink.clientId ?? `${config.campus.id}-${uplink.id}`}-replay`,
    keepalive: 10,
  };
  const { signal } = new AbortController();
  const connect = (version: 5 | 4) => openConnection(options, version, signal);
  const connection = await (protocol === '3.1.1'
    ? connect(4)
    : connect(5).catch((error: { protocolRefused?: string }) => {
        if (error.protocolRefused !== undefined && protocol === 'auto') return connect(4);
        throw error;
      }));
  const prefix = uplink.topicPrefix ?? `campus/v1/${config.campus.id}`;
  const privacy = privacyOf(uplink, readFileSync(join(config.dataDir, 'card.key')));
  const wants = wantsOf(uplink);
  const bar = progress(say('sent', '已发送'), undefined);
  const { taken, refused } = await resend(
    reader,
    { lane, after, upTo, wants: ({ type }) => wants(type as EventType), inChain: wants },
    (entry, previous) => {
      bar.step();
      const topic = `${prefix}/event/${classOf(entry.type as EventType)}/${entry.device}`;
      const place = { sequence: entry.sequence, previous, lane, journal: reader.journalId };
      const payload = payloadOf(entry, place, privacy);
      if (payload === undefined) return Promise.resolve({ code: 0, reason: 'cannot be read any more' });
      const sent = new Promise<{ code: number; reason: string }>((resolve) =>
        connection.publish({ topic, payload, qos: 1, contentType: EVENT_CONTENT_TYPE }, resolve),
      );
      return Promise.race([sent, connection.ended.then(({ message }) => ({ code: -1, reason: message }))]);
    },
  );
  bar.end();
  await connection.end(1000);
  reader.close();
  out(say(`${taken} events sent again`, `重新发送 ${taken} 个事件`));
  if (refused === undefined) return 0;
  process.stderr.write(`${refused.sequence}: ${refused.reason}\n`);
  return 1;
}
