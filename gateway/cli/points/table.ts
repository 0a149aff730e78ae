/** Point lists as files: CSV in UTF-8 or GB 18030, and XLSX. */
import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { say } from '../../../config/language.ts';
import { readBytesOf } from '../../../drivers/files.ts';
import { hasHeadings, weightOf } from './headings.ts';
import type { Table } from './list.ts';

/** A campus of 10,000 points has 2 MB. */
const LIST_MAX = 20_000_000;
const CELL_MAX = 4000;
/** Of an XLSX, unpacked by its reader as a whole: rows that no campus has. */
const ROWS_MAX = 50_000;

/** `sheet`: of an XLSX, where it is not the first. @throws Error with a sentence, what the system says. */
export async function readTable(
  file: string,
): Promise<{ readonly table: Table; readonly sheet?: string | undefined }> {
  const bytes = readBytesOf(file, LIST_MAX);
  // A zip, whatever its name is.
  const { rows, sheet } =
    bytes.subarray(0, 2).toString('latin1') === 'PK'
      ? await readSheet(bytes, file)
      : { rows: readCsv(bytes, file) };
  if (rows.length > ROWS_MAX)
    throw new Error(
      say(`${file} has more than ${ROWS_MAX} rows: split it`, `${file} 超过 ${ROWS_MAX} 行：请拆分`),
    );
  return { table: rows.map((row) => row.map((cell) => cell.trim().slice(0, CELL_MAX))), sheet };
}

/** The first sheet that has the headings, for some begin with a cover; where none has, the first in which something stands. */
async function readSheet(
  bytes: Buffer,
  file: string,
): Promise<{ readonly rows: Table; readonly sheet?: string | undefined }> {
  const { default: read } = await import('read-excel-file/node');
  try {
    const sheets = (await read(bytes)).map(({ sheet, data }) => ({
      sheet,
      rows: data.map((row) => row.map((cell) => (cell === null ? '' : String(cell)))),
    }));
    const found =
      sheets.find(({ rows }) => hasHeadings(rows)) ?? sheets.find(({ rows }) => rows.length > 0) ?? sheets[0];
    return { rows: found?.rows ?? [], sheet: found === sheets[0] ? undefined : found?.sheet };
  } catch (error) {
    throw new Error(
      say(
        `${file} cannot be read as XLSX (${(error as Error).message}): save it as .xlsx or .csv again`,
        `${file} 无法按 XLSX 读取（${(error as Error).message}）：请重新另存为 .xlsx 或 .csv`,
      ),
    );
  }
}

/** As Excel, WPS and people write it: UTF-8 with or without a BOM, GB 18030; commas, semicolons or tabs. */
function readCsv(bytes: Buffer, file: string): Table {
  const text = textOf(bytes, file);
  try {
    const rows = parse(text, {
      ...{ bom: true, delimiter: delimiterOf(text), relax_column_count: true, skip_empty_lines: false },
    }) as string[][];
    return rows.map((row) => row.map(ofCell));
  } catch (error) {
    throw new Error(
      say(
        `${file} cannot be read as CSV: ${(error as Error).message}`,
        `${file} 无法按 CSV 读取：${(error as Error).message}`,
      ),
    );
  }
}

const DELIMITERS = ['\t', ';', ',', '，'];
/** Lines, and characters of them, in which the headings are looked for: a title may have lines of its own. */
const LINES_LOOKED_AT = 40;
const LOOKED_AT = 100_000;

/** The one by which the headings are such; where there are none, the one that the first lines have most of. */
function delimiterOf(text: string): string {
  const lines = text.slice(0, LOOKED_AT).split(/\r?\n/, LINES_LOOKED_AT);
  const cellsOf = (line: string, by: string) => line.split(by).map((cell) => cell.replace(/[\ufeff"]/g, ''));
  const weighed = DELIMITERS.map((by) => ({
    by,
    weight: Math.max(...lines.map((line) => weightOf(cellsOf(line, by)))),
    count: Math.max(...lines.map((line) => line.split(by).length)),
  }));
  return weighed.toSorted((a, b) => b.weight - a.weight || b.count - a.count)[0]?.by ?? ',';
}

function textOf(bytes: Buffer, file: string): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  if (isUtf8(bytes)) return bytes.toString();
  try {
    return new TextDecoder('gb18030', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(
      say(
        `${file} is neither UTF-8 nor GB18030: save it as CSV UTF-8`,
        `${file} 既不是 UTF-8 也不是 GB18030 编码：请另存为 CSV UTF-8`,
      ),
    );
  }
}

/** What a spreadsheet would take for a formula (OWASP, CSV injection) stands behind a quote, as it writes that itself. */
const FORMULA = /^[=+@\t\r\n＝＋－＠]|^-./;
const asCell = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);
const ofCell = (cell: string): string =>
  cell[0] === "'" && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell;

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** The bytes of a file: XLSX, or CSV in UTF-8 with the BOM by which Excel knows it. */
export async function writeTable(form: 'csv' | 'xlsx', rows: Table): Promise<Uint8Array> {
  if (form === 'csv')
    return Buffer.from(
      `\ufeff${rows.map((row) => row.map((cell) => quoted(asCell(cell))).join(',')).join('\r\n')}\r\n`,
    );
  const { default: write } = await import('write-excel-file/node');
  const widths = (rows[0] ?? []).map((_, i) => ({
    width: Math.min(60, Math.max(8, ...rows.map((row) => widthOf(row[i] ?? '')))),
  }));
  // All cells are texts: 0012 stays an account, 2026-11-29 a name.
  const [heads = [], ...others] = rows.map((row) =>
    row.map((value) => (value === '' ? null : { value, type: String })),
  );
  const sheet = [
    heads.map((cell) => (cell === null ? null : { ...cell, fontWeight: 'bold' as const })),
    ...others,
  ];
  return await write(sheet, {
    sheet: say('points', '点位表'),
    columns: widths,
    stickyRowsCount: 1,
  }).toBuffer();
}

/** A Chinese character is as wide as two others. */
const widthOf = (text: string) => text.replace(/[^\0-\xff]/g, 'xx').length + 2;
