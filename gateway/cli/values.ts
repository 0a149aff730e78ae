/** The values of options: what a person typed, checked before anything begins. */
import { say } from '../../config/language.ts';
import { milliseconds } from '../../simulators/words.ts';
import { UsageError } from './command.ts';

/** An option that is right has a value that is not: the sentence says what is allowed, and nobody needs all options. */
export class ValueError extends UsageError {}

const refuse = (option: string, text: string, en: string, zh: string) =>
  new ValueError(say(`--${option} "${text}": ${en}`, `--${option} "${text}"：${zh}`));

/** A number of an option, decimals included. @throws ValueError. */
export function numberOf(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw refuse(option, text, `a number from ${least} to ${most}`, `${least} 到 ${most} 的数字`);
}

/** A whole number of an option, in decimal or as 0x10. @throws ValueError. */
export function wholeOf(option: string, text: string, least: number, most: number): number {
  const value = /^(0x[0-9a-f]{1,12}|\d{1,16})$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw refuse(option, text, `a whole number from ${least} to ${most}`, `${least} 到 ${most} 的整数`);
}

/** A time of an option, ms. `least`, `most`: such as `100ms` and `1d`. @throws ValueError. */
export function timeOf(option: string, text: string, least: string, most: string): number {
  try {
    const ms = milliseconds(text);
    if (ms >= milliseconds(least) && ms <= milliseconds(most)) return ms;
  } catch {
    // No time at all: the same sentence.
  }
  throw refuse(
    option,
    text,
    `a time from ${least} to ${most}, such as ${examplesIn(least, most).join(' or ')}`,
    `${least} 到 ${most} 的时间，如 ${examplesIn(least, most).join('、')}`,
  );
}

/** Times as people write them, of which each range has two at least. */
const TIMES = ['200ms', '3s', '30s', '10m', '2h', '3d', '30d'] as const;

function examplesIn(least: string, most: string): readonly string[] {
  const inside = TIMES.filter(
    (one) => milliseconds(one) >= milliseconds(least) && milliseconds(one) <= milliseconds(most),
  );
  return inside.filter((_, i) => inside.length < 3 || i === 0 || i === 2);
}

/** Actions a second of a simulated campus: from one in 100 s to more than its devices do. */
export const RATES = [0.01, 1000] as const;

/** How long a command runs that ends by itself. @throws ValueError. */
export const lengthOf = (option: string, text: string): number => timeOf(option, text, '1ms', '3650d');

/** HOST:PORT, or the port alone for this machine. @throws ValueError. */
export function hostPortOf(option: string, text: string): { host: string; port: number } {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]\s]+)\]:|([^\s:]+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (port >= 1 && port <= 65_535) return { host: bracketed ?? plain ?? '127.0.0.1', port };
  throw refuse(
    option,
    text,
    'HOST:PORT, such as 10.0.0.9:4001 or [::1]:4001, the port from 1 to 65535',
    'HOST:PORT，如 10.0.0.9:4001 或 [::1]:4001，端口为 1 到 65535',
  );
}

/** One of some words. @throws ValueError. */
export function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  if (found === undefined)
    throw refuse(option, text, `one of ${allowed.join(', ')}`, `可选 ${allowed.join('、')}`);
  return found;
}

/** A date, or a date and a time as ISO 8601 writes them: `2026-11-24`, `2026-11-24T08:00Z`. Epoch ms. @throws ValueError. */
export function momentOf(option: string, text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw refuse(
    option,
    text,
    'a date or a time such as 2026-11-24, 2026-11-24T08:00Z or 2026-11-24T08:00+08:00',
    '日期或时间，如 2026-11-24、2026-11-24T08:00Z、2026-11-24T08:00+08:00',
  );
}
