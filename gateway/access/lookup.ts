/**
 * Whose card it is that was shown: in the cards of a platform, whose word counts, and in the school's own list.
 *
 * A reader that sees only the lowest bits of a number (`access.lowBits`) is answered by these, and only where they are
 * of one card of all lists: what may be another person's card opens nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AccessConfig } from '../../config/sections/access.ts';
import {
  type CardReading,
  keysOfReading,
  keyWithoutFormat,
  normalNumber,
  partOfKey,
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
  /** Whether a list has its facility and number, and not its format: it may be another card. */
  isWithoutFormat(card: CardReading): boolean;
  /** What is typed after it. */
  pinOf(card: CardReading, reader: string): Secret | undefined;
  /** There are other cards than before. */
  onChange(): void;
}

/** Whose it is that has these bits, and under which keys; undefined: two have. */
type Parts = Map<bigint, { readonly holding: Holding | undefined; readonly keys: string[] } | undefined>;
type Part = AccessConfig['lowBits'][number];

export function createLookup(
  platform: List,
  own: OwnList,
  { lowBits }: { readonly lowBits: readonly (Omit<Part, 'first'> & Partial<Part>)[] },
): Lookup {
  const partOf = new Map(lowBits.map(({ reader, bits, first = false }) => [reader, { bits, first }]));
  const known = new Map<string, Parts>();

  const partsOf = (bits: number, first: boolean): Parts => {
    const name = `${bits} ${first}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const parts: Parts = new Map();
    for (const list of [platform, own]) {
      for (const key of list.keys()) {
        const value = partOfKey(key, bits, first);
        if (value === undefined) continue;
        const holding = list.get(key);
        const other = parts.get(value);
        if (other !== undefined && isDeepStrictEqual(other.holding, holding)) other.keys.push(key);
        else parts.set(value, parts.has(value) ? undefined : { holding, keys: [key] });
      }
    }
    known.set(name, parts);
    return parts;
  };
  const keysOf = (card: CardReading, reader: string): readonly string[] => {
    const part = partOf.get(reader);
    if (part === undefined) return keysOfReading(card);
    const number = normalNumber(card.number);
    const value = wholeOfReading(card)?.value ?? (/^\d+$/.test(number) ? BigInt(number) : undefined);
    if (value === undefined) return keysOfReading(card);
    return partsOf(part.bits, part.first).get(BigInt.asUintN(part.bits, value))?.keys ?? [];
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
    isWithoutFormat(card) {
      const key = keyWithoutFormat(card);
      return key !== undefined && [platform, own].some((list) => list.get(key) !== undefined);
    },
    pinOf(card, reader) {
      const key = first(own, keysOf(card, reader));
      return key === undefined ? undefined : own.pins.get(key);
    },
    onChange: () => known.clear(),
  };
}
