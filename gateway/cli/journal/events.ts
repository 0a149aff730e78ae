/** All events of a journal, one after another: exported, or read to see whether they can be. */
import { type Event, type EventType, readEvent } from '../../../config/catalogue/events.ts';
import { matches } from '../../../config/catalogue/filter.ts';
import { say } from '../../../config/language.ts';
import { type Lane, lanes } from '../../../drivers/contract/lane.ts';
import { verifyAudit } from '../../journal/audit.ts';
import { hashRange } from '../../journal/range-hash.ts';
import type { JournalReader } from '../../journal/reader.ts';
import { printable } from '../../printable.ts';
import { everything, payloadOf } from '../../uplink/payload.ts';
import { progress, type Terminal } from '../command.ts';
import { printer } from './printer.ts';

export function exportEvents(
  reader: JournalReader,
  from: number,
  to: number,
  type: string,
  terminal: Terminal,
): number {
  const out = printer(terminal);
  const bar = progress(terminal, say('exported', '已导出'), reader.count());
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
      terminal.stderr.write(`${entry.sequence}: ${say('cannot be read any more', '已无法读取')}\n`);
      continue;
    }
    const { previous: _unknown, ...event } = whole as Event & { previous: string };
    out(JSON.stringify(event));
  }
  bar.end();
  return 0;
}

/** As the report of a walk test has it. `to` undefined: the last. Exit status 1 where there are none. */
export function hashEvents(
  reader: JournalReader,
  from: number,
  to: number | undefined,
  terminal: Terminal,
): number {
  const { events, sha256 } = hashRange(reader, from, to ?? reader.last());
  printer(terminal)(say(`${sha256}  ${events} events`, `${sha256}  ${events} 个事件`));
  return events === 0 ? 1 : 0;
}

/** Everything that can be wrong with a file, told a line each. */
export function verifyJournal(reader: JournalReader, terminal: Terminal): number {
  const out = printer(terminal);
  const wrong: string[] = reader.integrity();
  const bar = progress(terminal, say('read', '已读'), reader.count());
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
  for (const line of wrong.slice(0, 20)) out(printable(line));
  if (wrong.length > 20) out(say(`and ${wrong.length - 20} more`, `另有 ${wrong.length - 20} 处`));
  out(
    say(
      `${read} events and ${entries.length} audit entries read, ${wrong.length} faults; the last audit hash is ${entries.at(-1)?.hash ?? '-'}`,
      `读取 ${read} 个事件、${entries.length} 条审计记录，${wrong.length} 处错误；最后一条审计哈希为 ${entries.at(-1)?.hash ?? '-'}`,
    ),
  );
  return wrong.length === 0 ? 0 : 1;
}
