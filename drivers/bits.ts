/**
 * Wiegand bits <-> cards, as readers give them over serial lines and OSDP.
 *
 *   P F F F F F F F F C C C C C C C C C C C C C C C C P    26 bits: even parity over the first half,
 *   └──── even ─────────────┘└────────── odd ─────────┘    odd parity over the second
 *   34 bits: the same with 16 bits of facility and 16 of card.
 */
import type { Credential } from './contract.ts';

/** Bits of facility and card of a Wiegand format, both parity bits left out. */
const wiegandLayout = {
  wiegand26: { facility: 8, card: 16 },
  wiegand34: { facility: 16, card: 16 },
} as const;
export type WiegandFormat = keyof typeof wiegandLayout;

const ones = (bits: string) => bits.split('1').length - 1;

/** A string of '0' and '1' -> credential, its parity checked. */
export function parseWiegand(
  bits: string,
  format: WiegandFormat,
): { readonly frame: Credential } | { readonly reason: string } {
  const { facility, card } = wiegandLayout[format];
  const length = facility + card + 2;
  if (bits.length !== length || !/^[01]+$/.test(bits)) return { reason: `not ${length} bits` };
  if (ones(bits.slice(0, length / 2)) % 2 !== 0) return { reason: 'wrong even parity' };
  if (ones(bits.slice(length / 2)) % 2 !== 1) return { reason: 'wrong odd parity' };
  return {
    frame: {
      format,
      facility: Number.parseInt(bits.slice(1, 1 + facility), 2),
      number: String(Number.parseInt(bits.slice(1 + facility, 1 + facility + card), 2)),
    },
  };
}

/** A credential as '0' and '1'. @throws RangeError on a number that the format cannot hold. */
export function encodeWiegand(credential: Credential, format: WiegandFormat): string {
  const layout = wiegandLayout[format];
  const facility = credential.facility ?? 0;
  const card = Number(credential.number);
  if (!(facility >= 0 && facility < 2 ** layout.facility && card >= 0 && card < 2 ** layout.card)) {
    throw new RangeError(`${facility}/${card} does not fit ${format}`);
  }
  const data =
    facility.toString(2).padStart(layout.facility, '0') + card.toString(2).padStart(layout.card, '0');
  const half = data.length / 2;
  const even = ones(data.slice(0, half)) % 2;
  const odd = 1 - (ones(data.slice(half)) % 2);
  return `${even}${data}${odd}`;
}
