/** What goes over a DC-09 port: frames of panels and what they are answered. Keys are not known here: what is encrypted stays so. */
import type { Explain } from '../contract/tap.ts';
import { explainStreams, listed, type Words } from '../explaining.ts';
import { type Dc09Frame, dc09Decoder } from './codec.ts';

/** A text beside an event (DC-03, 5.4): a panel may name a user there. */
const TEXT = '^';

function wordsOf({
  id,
  sequence,
  account,
  prefix,
  receiver,
  data = '',
  extended,
  cipherText,
  ...frame
}: Dc09Frame): Words {
  const holdsText = data.includes(TEXT);
  const isPlain = cipherText === undefined;
  return {
    what: id,
    detail: listed(
      `sequence ${sequence}`,
      account !== undefined && `account ${account}`,
      receiver !== undefined && `receiver ${receiver}`,
      prefix !== undefined && `line ${prefix}`,
      !isPlain && 'encrypted',
      isPlain && !holdsText && data !== '' && data,
      frame.lengthIsWrong && 'wrong length',
    ),
    holds: holdsText || (extended?.length ?? 0) > 0 ? 'person' : 'nothing',
    isRoutine: id === 'NULL',
  };
}

export const explain: Explain = (pieces) => explainStreams(pieces, () => dc09Decoder(), wordsOf);
