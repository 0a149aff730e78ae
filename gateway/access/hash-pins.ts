/** The list of cards with its PINs and codes as hashes: so it lies on the disk. */
import { randomBytes } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { hashSecret, isInClear } from './secrets.ts';

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/**
 * `text`: a list without mistakes. All its codes that open alone get one salt, so that one hash of what is typed finds
 * them; each PIN of a card has its own, so that the same PIN of two cards does not show. `step`: one more is hashed.
 * @returns undefined: there is nothing to hash.
 */
export async function hashPins(text: string, step: () => void): Promise<string | undefined> {
  const [names = [], ...rows] = parse(text, {
    bom: true,
    skip_empty_lines: true,
    trim: true,
    relax_column_count: true,
  }) as string[][];
  const [pinAt, numberAt] = [names.indexOf('pin'), names.indexOf('number')];
  if (pinAt === -1 || !rows.some((row) => isInClear(row[pinAt] ?? ''))) return undefined;
  const ofCodes = randomBytes(16);
  for (const row of rows) {
    const pin = row[pinAt] ?? '';
    if (!isInClear(pin)) continue;
    row[pinAt] = await hashSecret(pin, row[numberAt] === '' ? ofCodes : undefined);
    step();
  }
  return [names, ...rows].map((row) => `${row.map(quoted).join(',')}\n`).join('');
}
