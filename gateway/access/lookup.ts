/**
 * Whose card it is that was shown: in the cards of a platform, whose word counts, and in the school's own list.
 *
 * A reader that sees only the lowest bits of a number (`access.lowBits`) is answered by these, and only where they are
 * of one card of all lists: what may be another person's card opens nothing.
 */
import type { AccessConfig } from '../../config/sections/access.ts';
import {
  type CardReading,
  keysOfReading,
  normalNumber,
  wholeOfKey,
  wholeOfReading,
} from '../../drivers/contract/card.ts';
import type { CardFile } from './card-file.ts';
import type { Holding } from './credentials.ts';
import type { PlatformCards } from './platform-cards.ts';
import type { Secret } from './secrets.ts';

type List = Pick<PlatformCards, 'get' | 'keys'>;
type OwnList = List & Pick<CardFile, 'pins'>;

export interface Lookup {
  find(card: CardReading, reader: string): Holding | undefined;
  /** Whether a list has it without the facility that its reader tells: it is then another card. */
  isWithoutFacility(card: CardReading): boolean;
  /** What is typed after it. */
  pinOf(card: CardReading, reader: string): Secret | undefined;
  /** There are other cards than before. */
  onChange(): void;
}

/** The keys of what has these bits; undefined: two cards have. */
type Low = Map<bigint, { readonly whole: bigint; readonly keys: string[] } | undefined>;

export function createLookup(
  platform: List,
  own: OwnList,
  { lowBits }: Pick<AccessConfig, 'lowBits'>,
): Lookup {
  const bitsOf = new Map(lowBits.map(({ reader, bits }) => [reader, bits]));
  const lows = new Map<number, Low>();

  const lowOf = (bits: number): Low => {
    const known = lows.get(bits);
    if (known !== undefined) return known;
    const low: Low = new Map();
    for (const list of [platform, own]) {
      for (const key of list.keys()) {
        const whole = wholeOfKey(key);
        if (whole === undefined || (whole.bits ?? bits) < bits) continue;
        const value = BigInt.asUintN(bits, whole.value);
        const before = low.get(value);
        if (before?.whole === whole.value) before.keys.push(key);
        else low.set(value, low.has(value) ? undefined : { whole: whole.value, keys: [key] });
      }
    }
    lows.set(bits, low);
    return low;
  };
  const keysOf = (card: CardReading, reader: string): readonly string[] => {
    const bits = bitsOf.get(reader);
    if (bits === undefined) return keysOfReading(card);
    const number = normalNumber(card.number);
    const value = wholeOfReading(card)?.value ?? (/^\d+$/.test(number) ? BigInt(number) : undefined);
    return value === undefined
      ? keysOfReading(card)
      : (lowOf(bits).get(BigInt.asUintN(bits, value))?.keys ?? []);
  };
  const first = <T>(list: { get(key: string): T | undefined }, keys: readonly string[]): string | undefined =>
    keys.find((key) => list.get(key) !== undefined);
  return {
    find(card, reader) {
      const keys = keysOf(card, reader);
      for (const list of [platform, own]) {
        const key = first(list, keys);
        if (key !== undefined) return list.get(key);
      }
      return undefined;
    },
    isWithoutFacility({ facility, number }) {
      const key = `/${normalNumber(number)}`;
      return facility !== undefined && [platform, own].some((list) => list.get(key) !== undefined);
    },
    pinOf(card, reader) {
      const key = first(own, keysOf(card, reader));
      return key === undefined ? undefined : own.pins.get(key);
    },
    onChange: () => lows.clear(),
  };
}
