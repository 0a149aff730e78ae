/**
 * Rows of a list that come to the same card, however they are written, and numbers that may be meant otherwise.
 *
 * One card has one holder: two rows with different ones are wrong, because which of them counts would hang on the
 * reader. Two ways to write it for the same holder do no harm.
 */
import { isDeepStrictEqual } from 'node:util';
import { cardOfKey, normalNumber, readCard, wholeOfKey } from '../../drivers/contract/card.ts';

export interface RowError {
  /** From 1, the line of names. */
  readonly line: number;
  readonly message: string;
}

interface Numbered {
  readonly number: string;
  readonly facility?: string | undefined;
  readonly format?: string | undefined;
}

const WARNINGS_MAX = 100;
const OVER32 = 2n ** 32n;
const LOW24 = 0xff_ffffn;
const MAX16 = 0xffffn;

/** Why a card with a facility and no format is found at no reader. */
function isTooWide(facility: string, number: string): boolean {
  const normal = normalNumber(number);
  return facility !== '' && /^\d+$/.test(normal) && (BigInt(normal) > MAX16 || BigInt(facility) > MAX16);
}

export function createTwins({
  credentials,
  pins,
}: {
  readonly credentials: ReadonlyMap<string, object>;
  readonly pins: Pick<ReadonlyMap<string, unknown>, 'has'>;
}) {
  const lines = new Map<string, number>();
  /** By what is the same in all ways to write a card: how it came first. */
  const first = new Map<string, { readonly key: string; readonly written: string }>();
  /** By the lowest 24 bits: rows of 2H4D, which have no others. */
  const low = new Map<bigint, string>();
  const warnings: RowError[] = [];
  const warn = (line: number, message: string) => {
    if (warnings.length < WARNINGS_MAX) warnings.push({ line, message });
  };
  /** Digits alone, as long as UIDs are in hex: by their length, the first lines. */
  const maybeHex = new Map<number, number[]>();
  const hexLengths = new Set<number>();

  const noteDigits = (number: string, line: number) => {
    const written = readCard(number);
    if (written?.is !== 'number') return;
    if (written.hex && /[A-F]/i.test(number)) hexLengths.add(number.length);
    if (written.hex) return;
    const known = maybeHex.get(number.length) ?? [];
    if (known.length < WARNINGS_MAX) known.push(line);
    maybeHex.set(number.length, known);
  };
  const isHarmless = (other: string, holding: object, hasPin: boolean) =>
    isDeepStrictEqual(credentials.get(other), holding) && !hasPin && !pins.has(other);

  return {
    warnings,
    /** By key. */
    lines: lines as ReadonlyMap<string, number>,
    /** A row, before its card is known. */
    add(
      key: string,
      { number, facility = '', format = '' }: Numbered,
      line: number,
      holding: object,
      hasPin: boolean,
    ): { readonly wrong?: string } {
      const whole = wholeOfKey(key);
      if (whole?.bits === 24) low.set(whole.value, key);
      const same =
        whole !== undefined && whole.bits === undefined && whole.value < OVER32 ? `/${whole.value}` : key;
      const written = `${facility}/${number}/${format}`;
      const before = first.get(same);
      noteDigits(number, line);
      if (facility !== '' && Number(facility) > 0xff && /^\d{1,3}$/.test(number) && Number(number) <= 0xff)
        warn(
          line,
          `facility ${facility} and a number of ${number.length} digits: are they the wrong way round?`,
        );
      if (cardOfKey(key).format === undefined && /^\d{0,5}$/.test(facility) && isTooWide(facility, number))
        warn(
          line,
          'facility and number have 16 bits at most: no card is it; leave out the facility (EM4100 has none), or write its format',
        );
      if (before === undefined) {
        first.set(same, { key, written });
        lines.set(key, line);
        return {};
      }
      const at = lines.get(before.key);
      if (!lines.has(key)) lines.set(key, line);
      if (before.written === written) return { wrong: `the same card as in line ${at}` };
      if (!isHarmless(before.key, holding, hasPin))
        return { wrong: `the same card as in line ${at}, written otherwise` };
      warn(line, `the same card as in line ${at}, written otherwise; one of them is enough`);
      return {};
    },
    /** All rows are there. @returns what is wrong. */
    end(): readonly RowError[] {
      for (const length of hexLengths)
        for (const line of maybeHex.get(length) ?? [])
          warn(
            line,
            'digits alone are read as decimal; where they are hex as in other rows, write 0x before them',
          );
      if (low.size === 0) return [];
      const wrong: RowError[] = [];
      for (const [key, line] of lines) {
        const whole = wholeOfKey(key);
        if (whole === undefined || whole.bits === 24 || whole.value >= OVER32) continue;
        const other = low.get(whole.value & LOW24);
        const holding = credentials.get(key);
        if (other === undefined || holding === undefined) continue;
        const at = lines.get(other) ?? 0;
        const message = `the lowest 24 bits are those of the card in line ${line}`;
        if (isHarmless(key, credentials.get(other) as object, pins.has(other))) warn(at, message);
        else wrong.push({ line: at, message });
      }
      return wrong;
    },
  };
}
