/** FMT (7.11): a card as characters, as readers in use send them. The standard has given it up, and never said much of it. */

/** Its count includes START, END and CKSUM, which a reader does not send (libosdp#206). */
const FRAMING = 3;
/** What stands around a number: controls, blanks, line ends, fill; the sentinels of a magnetic stripe (ISO 7811). */
const filler = /^[\x00-\x20%;\xff]+|[\x00-\x20\x7f\xff]+$/g;
/** What follows the end sentinel is its check. */
const stripe = /^[%;]([^?]+)\?.?$/s;

/**
 * Reader, direction, number of characters, characters; the direction is 1 where they are told backward. undefined: its
 * count leaves out characters that may be of the number.
 */
export function charactersOf(data: Uint8Array): string | undefined {
  if (data.length < 4) return undefined;
  const characters = Buffer.from(data.subarray(3));
  const count = data[2] ?? 0;
  // 0 is no count: a card has characters.
  const counted = count === 0 || count > characters.length ? characters.length : count;
  if (count > characters.length + FRAMING) return undefined;
  const behind = characters.subarray(counted).toString('latin1');
  if (behind.replace(filler, '') !== '') return undefined;
  const told = characters.subarray(0, counted);
  const text = ((data[1] ?? 0) & 1 ? told.toReversed() : told) as Uint8Array;
  const whole = Buffer.from(text)
    .toString('latin1')
    .replace(/[\x00-\x20\x7f\xff]+$/, '')
    .replace(/^[\x00-\x20\xff]+/, '');
  return (stripe.exec(whole)?.[1] ?? whole).replace(filler, '');
}
