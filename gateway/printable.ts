/**
 * Texts that others wrote, for a terminal. A panel, a visitor or a broker may send what clears a screen, sets its title,
 * types for who sits there, or shows letters in another order than they stand. Such characters are shown as `\u001b`:
 * inside JSON that is the same text.
 */

/** C0, DEL and C1 (Unicode's Cc), what turns the order of letters (UAX #9, 2), and line ends of other kinds. */
const CONTROL = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
/** Colours of our own (ECMA-48, 8.3.117), and what our lines are made of. */
const OURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m|[\\n\\r\\t]`, 'g');

const escapeOne = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A field: all of it is foreign, line ends are no part of it either. */
export const printable = (text: string): string => text.replace(CONTROL, escapeOne);

/** A whole output, whose fields are printable already: keeps our own colours and lines, and nothing else that moves. */
export function printableOutput(text: string): string {
  let out = '';
  let from = 0;
  for (const { index, 0: own } of text.matchAll(OURS)) {
    out += printable(text.slice(from, index)) + own;
    from = index + own.length;
  }
  return out + printable(text.slice(from));
}

/** A value of a log line: its texts are foreign, however deep. */
export function printableValue(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) return value.map(printableValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [printable(key), printableValue(one)]));
}
