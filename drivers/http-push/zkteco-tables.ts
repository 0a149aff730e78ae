/**
 * ZKTeco's tables, a record a line: `ATTLOG` has columns without names, the others `name=value`, separated by tabs. From
 * "Attendance PUSH Communication Protocol" and "Security PUSH Communication Protocol" (考勤/安防 PUSH 通讯协议). Pure.
 *
 *   ATTLOG              1042 HT 2026-11-24 07:41:00 HT status HT verify HT workcode ...
 *   OPERLOG             OPLOG 3 HT operator HT time HT object1 ... ; USER PIN=1 HT ... ; FP PIN=1 HT ...
 *   rtlog               time=2026-11-24 07:41:00 HT pin=9 HT cardno=0 HT eventaddr=1 HT event=27 HT index=21 ...
 *   rtstate             time=... HT sensor=01 HT relay=00 HT alarm=0000000000000000 HT door=01
 *   tabledata           transaction cardno=... HT pin=... HT eventtype=27 HT doorid=1 HT time_second=... HT index=21
 */
export type Row = Readonly<Record<string, string>>;

/** Terminals send what they kept while they were cut off, a few hundred lines at once. */
const ROWS_MAX = 5000;
const CELLS_MAX = 100;

const ATTLOG = ['pin', 'time', 'status', 'verify', 'workcode', 'reserved1', 'reserved2'];
const OPLOG = ['operator', 'time', 'object1', 'object2', 'object3', 'object4'];
const namesOf = (names: readonly string[]) => (i: number) => names[i] ?? `column${i}`;

/** Some firmware ends lines with a carriage return alone. */
export const LINE_ENDS = /\r\n|\n|\r/;

/** The lines of a table; a string: why it is not read. */
function linesOf(text: string): readonly string[] | string {
  const lines = text.split(LINE_ENDS).filter((line) => line.trim() !== '');
  return lines.length > ROWS_MAX ? 'a table that is too long' : lines;
}

/** The rows of a table, an event each; a string: why it is not read. */
export function readTable(table: string, text: string): readonly Row[] | string {
  const lines = linesOf(text);
  if (typeof lines === 'string') return lines;
  const plain = table.toLowerCase();
  const read = rowReaders[plain];
  if (read === undefined) return lines.map((line) => ({ ...named(line), table }));
  // However it is spelled, it is the one that profiles name.
  const isUsual = table === plain || table === table.toUpperCase();
  const name =
    plain.startsWith('rt') || plain === 'transaction' ? plain : isUsual ? table : table.toUpperCase();
  return lines.flatMap((line) => read(line).map((row) => ({ ...row, table: name })));
}

const rowReaders: Readonly<Record<string, (line: string) => readonly Row[]>> = {
  // Newer ones write names here too.
  attlog: (line) => [/^\s*pin=/i.test(line) ? lowered(named(line)) : positional(line, namesOf(ATTLOG))],
  operlog: (line) => [operation(line)],
  rtlog: (line) => [lowered(named(line))],
  rtstate: (line) => doors(lowered(named(line))),
  transaction: (line) => [transaction(lowered(named(line.replace(/^\s*transaction\s+/i, ''))))],
};

/** Some firmware has blanks or commas where the protocol has tabs: a time has a blank within, and a value may. */
const BETWEEN = { values: /,\s?|\s+(?!\d{2}:\d{2})/, pairs: /[\s,]{1,4}(?=\w{1,40}=)/ } as const;
const cellsOf = (line: string, between: RegExp = BETWEEN.values) =>
  line.trim() === '' ? [''] : line.trimEnd().split(line.includes('\t') ? '\t' : between, CELLS_MAX);

function positional(line: string, nameOf: (i: number) => string): Row {
  return Object.fromEntries(cellsOf(line).map((cell, i) => [nameOf(i), cell.trim()]));
}

function named(line: string): Row {
  return Object.fromEntries(
    cellsOf(line, BETWEEN.pairs).map((cell, i): [string, string] => {
      const equals = cell.indexOf('=');
      return equals === -1
        ? [`column${i}`, cell]
        : [cell.slice(0, equals).trim(), cell.slice(equals + 1).trimEnd()];
    }),
  );
}
const lowered = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));

/** Appendix 5 (alarm reasons): the smallest is 50. Where it stands differs by version: object 1 or object 2. */
const REASON_LEAST = 50;

/** `OPLOG 3 ...`: what was done at the terminal. Users and their templates come here too: of them only what they are. */
function operation(line: string): Row {
  const [, record = '', rest = ''] = /^\s*(\w*)[ \t]*(.*)$/s.exec(line) ?? [];
  if (record.toUpperCase() !== 'OPLOG') return { record };
  const [operation = '', ...cells] = cellsOf(rest);
  const row = positional(cells.join('\t'), namesOf(OPLOG));
  const alarm = [row['object1'], row['object2']].find((one) => Number(one) >= REASON_LEAST);
  return { ...row, record, operation: operation.trim(), ...(alarm !== undefined && { alarm }) };
}

const DOORS_MAX = 32;

/**
 * The state of each door. `alarm`: a byte a door, 1 forced, 2 tampered, 4 and 8 duress (code, finger), 16 open for too long.
 * `sensor`: two bits a door, 0 none, 1 closed, 2 open; four doors a byte, the first in its lowest bits.
 */
function doors({ time = '', alarm = '', sensor = '' }: Row): readonly Row[] {
  const alarms = bytesOf(alarm);
  const sensors = bytesOf(sensor);
  const count = Math.min(DOORS_MAX, Math.max(alarms.length, sensors.length * 4));
  const isUnread = count === 0 || (alarm.trim() !== '' && alarms.length === 0);
  const states = Array.from({ length: count }, (_, i): Row => {
    const bits = alarms[i] ?? 0;
    const contact = ((sensors[i >> 2] ?? 0) >> ((i & 3) * 2)) & 3;
    const flag = (mask: number) => ((bits & mask) === 0 ? '0' : '1');
    return {
      time,
      door: String(i + 1),
      sensor: String(contact),
      forced: flag(1),
      tamper: flag(2),
      duress: flag(4 | 8),
      held: flag(16),
    };
  });
  // What cannot be read is of no door: it is counted.
  return isUnread ? [...states, { time }] : states;
}
const bytesOf = (hex: string): readonly number[] =>
  /^([0-9a-f]{2})+$/i.test(hex.trim()) ? [...Buffer.from(hex.trim(), 'hex')] : [];

/** A row of `rtlog`, by the names that it has in the table that it is kept in. */
function transaction(row: Row): Row {
  const { eventtype = '', doorid = '', verified = '', time_second: packed = '', ...rest } = row;
  const time = unpackTime(packed);
  return {
    ...rest,
    event: eventtype,
    eventaddr: doorid,
    verifytype: verified,
    ...(time !== undefined && { time }),
  };
}

/** Appendix 5 (algorithm of times): seconds as if each month had 31 days and each year 12 such, from 2000 on. */
function unpackTime(text: string): string | undefined {
  const packed = Number(text);
  if (text === '' || !Number.isSafeInteger(packed) || packed < 0) return undefined;
  const parts: number[] = [];
  let left = packed;
  for (const size of [60, 60, 24, 31, 12]) {
    parts.push(left % size);
    left = Math.floor(left / size);
  }
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0] = parts;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${2000 + left}-${two(month + 1)}-${two(day + 1)} ${two(hour)}:${two(minute)}:${two(second)}`;
}
