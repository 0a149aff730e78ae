/** What a card reader on a serial line says: cards, which are of persons, and keys, which are nobody's to see. */
import type { Explain, Explained } from '../contract/tap.ts';
import { explainStreams, type Words } from '../explaining.ts';
import { cardDecoder, type LineFormat, type Shown } from './codec.ts';
import { keyboardDecoder } from './keyboard.ts';

const wordsOf = (shown: Shown): Words =>
  'key' in shown
    ? { what: 'key', detail: '', holds: 'secret' }
    : { what: 'card', detail: shown.format, holds: 'person' };

/** Where there are keys, what is no card may be part of a PIN. */
const asPins = (found: readonly Explained[]): readonly Explained[] =>
  found.map((one) => ({ ...one, holds: one.what === 'card' ? one.holds : 'secret' }));

const explainAs =
  (format: LineFormat): Explain =>
  (pieces) =>
    explainStreams(pieces, () => cardDecoder(format), wordsOf);

export const explainRdm6300: Explain = explainAs('rdm6300');
export const explainAscii: Explain = explainAs('ascii');
export const explainBits: Explain = (pieces) => asPins(explainAs('wiegand')(pieces));
/** Somebody who types by hand types a password, more likely than not. */
export const explainKeyboard: Explain = (pieces) =>
  asPins(explainStreams(pieces, () => keyboardDecoder(), wordsOf));
