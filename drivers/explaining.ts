/** What drivers need to say what went over their wires: frames, with the bytes that they were made of. */
import type { Decoded, Decoder } from './contract/codec.ts';
import type { Explained, Holds, Piece } from './contract/tap.ts';

/** What is said of a frame. */
export interface Words {
  readonly what: string;
  readonly detail: string;
  /** Default: nothing. */
  readonly holds?: Holds;
  /** Default: false. */
  readonly isRoutine?: boolean;
}

const ranks: readonly Holds[] = ['nothing', 'person', 'secret'];
const worst = (all: readonly Holds[]): Holds =>
  ranks[Math.max(0, ...all.map((one) => ranks.indexOf(one)))] ?? 'secret';

/** What is no frame could be anything, a card that came torn too. */
const wordsOfNone = (reason: string): Words => ({ what: reason, detail: '', holds: 'person' });

/** CR and LF: what is left of the end of a line says nothing. */
const ENDS: readonly number[] = [0x0d, 0x0a];

/** One end of one connection. */
interface Stream<Frame> {
  readonly decoder: Decoder<Frame>;
  /** Bytes that nothing was said of yet. */
  held: number[];
  /** Some of them may belong to what was no frame. */
  isDoubtful: boolean;
  /** The index of the piece that brought the last of them. */
  last: number;
}

/**
 * Reads each end of each connection as a stream of its own, byte by byte: so what a decoder gives is known to be made
 * of the bytes since what it gave before. Where that is not sure, as after noise, more is held back rather than less.
 */
export function explainStreams<Frame>(
  pieces: readonly Piece[],
  decoderOf: (piece: Piece) => Decoder<Frame>,
  wordsOf: (frame: Frame, piece: Piece) => Words,
): readonly Explained[] {
  const streams = new Map<string, Stream<Frame>>();
  const found: Explained[] = [];
  const take = (stream: Stream<Frame>, decoded: readonly Decoded<Frame>[]) => {
    if (decoded.length === 0) return;
    const piece = stream.last;
    const words = decoded.map((one) =>
      'frame' in one ? wordsOf(one.frame, pieces[piece] as Piece) : wordsOfNone(one.reason),
    );
    const doubts: Holds[] = stream.isDoubtful || words.length > 1 ? ['person'] : [];
    const together = worst([
      ...doubts,
      ...(words.length > 1 ? words.map(({ holds = 'nothing' }) => holds) : []),
    ]);
    for (const [i, { what, detail, holds = 'nothing', isRoutine = false }] of words.entries()) {
      const one = decoded[i] as Decoded<Frame>;
      const length = 'discarded' in one ? one.discarded : stream.held.length;
      const bytes = Uint8Array.from(stream.held.splice(0, length));
      found.push({ piece, bytes, what, detail, holds: worst([holds, together]), isRoutine });
    }
    stream.isDoubtful = stream.held.length > 0;
  };
  for (const [index, piece] of pieces.entries()) {
    const key = `${piece.said} ${piece.peer}`;
    const stream = streams.get(key) ?? {
      decoder: decoderOf(piece),
      held: [],
      isDoubtful: false,
      last: index,
    };
    streams.set(key, stream);
    stream.last = index;
    for (const byte of piece.bytes) {
      stream.held.push(byte);
      take(stream, stream.decoder.push(Uint8Array.of(byte)));
    }
  }
  for (const stream of streams.values()) {
    take(stream, stream.decoder.silence());
    const { held, last: piece } = stream;
    if (held.some((byte) => !ENDS.includes(byte)))
      found.push({
        piece,
        bytes: Uint8Array.from(held),
        what: '…',
        detail: '',
        holds: 'person',
        isRoutine: false,
      });
  }
  return found.sort((one, other) => one.piece - other.piece);
}

/** Each piece by itself: of protocols whose messages are tapped whole, or whose writes are frames. */
export const explainPieces = (
  pieces: readonly Piece[],
  wordsOf: (piece: Piece) => Words,
): readonly Explained[] =>
  pieces.map((piece, index) => ({
    piece: index,
    bytes: piece.bytes,
    ...{ holds: 'nothing' as const, isRoutine: false },
    ...wordsOf(piece),
  }));

/** `a, b, c` of what there is. */
export const listed = (...words: readonly (string | false | undefined)[]): string =>
  words.filter((word) => word !== undefined && word !== false && word !== '').join(', ');
