/** What goes over the wire of an alarm receiver: its lines, and the single bytes that they are answered with. */
import type { Explain, Explained, Piece } from '../contract/tap.ts';
import { explainPieces, explainStreams, listed, type Words } from '../explaining.ts';
import { ACK, ASK_685, NAK, type RawLine, receiverDecoder, understand } from './codec.ts';

/** A text beside an event: a panel may name a user there. */
const TEXT = '^';
const answers: ReadonlyMap<number | undefined, string> = new Map([
  [ACK[0], 'ACK'],
  [NAK[0], 'NAK'],
  [ASK_685[0], 'S'],
]);

function wordsOf({ text }: RawLine): Words {
  const line = understand(text)?.line;
  if (line === undefined) return { what: 'not understood', detail: '', holds: 'person' };
  const account = 'account' in line && `account ${line.account}`;
  const port = line.port && `receiver ${line.port.receiver}, line ${line.port.line}`;
  switch (line.is) {
    case 'heartbeat':
      return { what: 'heartbeat', detail: listed(port), isRoutine: true };
    case 'contact-id': {
      const { qualifier, code, partition, number } = line;
      return {
        what: 'Contact ID',
        detail: listed(port, account, `${qualifier}${code} ${partition} ${number}`),
      };
    }
    case 'sia': {
      const isNamed = line.data.includes(TEXT);
      return {
        what: 'SIA',
        detail: listed(port, account, !isNamed && line.data),
        holds: isNamed ? 'person' : 'nothing',
      };
    }
    case 'channels':
      return { what: 'channels', detail: listed(port, account, line.states) };
    case 'pulse':
      return { what: 'pulse', detail: listed(port, account, `${line.event}${line.number}`) };
    default:
      return { what: 'other', detail: listed(port, account), holds: 'person' };
  }
}

const answerOf = ({ bytes }: Piece): Words => ({
  what: answers.get(bytes[0]) ?? '…',
  detail: '',
});

/** The pieces of one direction, each with its place among all. */
function ofSide(
  pieces: readonly Piece[],
  said: boolean,
  explain: (of: readonly Piece[]) => readonly Explained[],
): readonly Explained[] {
  const places = [...pieces.keys()].filter((i) => pieces[i]?.said === said);
  return explain(places.map((i) => pieces[i] as Piece)).map((one) => ({
    ...one,
    piece: places[one.piece] as number,
  }));
}

export const explain: Explain = (pieces) =>
  [
    ...ofSide(pieces, false, (heard) => explainStreams(heard, () => receiverDecoder(), wordsOf)),
    ...ofSide(pieces, true, (said) => explainPieces(said, answerOf)),
  ].sort((one, other) => one.piece - other.piece);
