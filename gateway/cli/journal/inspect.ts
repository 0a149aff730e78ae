/** What is in a journal: where each platform stands, the life of one event, who commanded what. */
import type { Event } from '../../../config/catalogue/events.ts';
import { say } from '../../../config/language.ts';
import { lanes } from '../../../drivers/contract/lane.ts';
import type { JournalReader } from '../../journal/reader.ts';
import { printable } from '../../printable.ts';
import { addressOfRow } from '../../uplink/holds.ts';
import type { Terminal } from '../command.ts';
import { iso, printer } from './printer.ts';

export function inspectJournal(reader: JournalReader, terminal: Terminal): number {
  const out = printer(terminal);
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
        `\n  ${uplink}: ${printable(addressOfRow(topic))} is refused since ${iso(since)} (${printable(reason)}): ${first} to ${last}`,
        `\n  ${uplink}：${printable(addressOfRow(topic))} 自 ${iso(since)} 起被拒绝（${printable(reason)}）：${first} 至 ${last}`,
      ),
    );
  return 0;
}

export function printAudit(reader: JournalReader, from: number, to: number, terminal: Terminal): number {
  const out = printer(terminal);
  for (const { number, at, body, hash } of reader.audit().entries)
    if (at >= from && at < to)
      out(JSON.stringify({ number, at: iso(at), ...(JSON.parse(body) as object), hash }));
  return 0;
}

export function printLife(reader: JournalReader, id: string, terminal: Terminal): number {
  const out = printer(terminal);
  const entry = reader.find(id);
  if (entry === undefined) {
    terminal.stderr.write(say(`there is no event ${id}\n`, `没有事件 ${id}\n`));
    return 1;
  }
  const row = (words: string, time: string) => out(`  ${words.padEnd(36)} ${time}`);
  out(printable(entry.body));
  row(say('seen', '发现'), iso(entry.seenAt));
  row(say('on disk', '写盘'), iso(entry.storedAt));
  const stages = {
    broker: say('taken by', '已被接收：'),
    platform: say('stored by', '已被存储：'),
  };
  for (const { uplink, stage, at } of reader.reached(entry.lane, entry.sequence))
    row(`${stages[stage]} ${uplink}`, iso(at));
  for (const other of reader.events(entry.seenAt, Number.MAX_SAFE_INTEGER)) {
    if (other.type !== 'alarm.acknowledged') continue;
    const { acknowledged } = (JSON.parse(other.body) as Event).data as {
      acknowledged: { event: string; by: string; uplink: string };
    };
    if (acknowledged.event !== id) continue;
    const by = printable(acknowledged.by);
    const { uplink } = acknowledged;
    row(say(`acknowledged by ${by} (${uplink})`, `由 ${by}（${uplink}）确认`), iso(other.seenAt));
  }
  return 0;
}
