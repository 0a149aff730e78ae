/**
 * The last minute of a wire for a page: its driver's words for it, without what who asks may not see. Runs in a thread
 * apart: the driver's reading of foreign bytes holds nobody up there.
 */
import type { Explain, Explained } from '../../drivers/contract/tap.ts';
import { type Kept, piecesOf, type WireSnapshot } from '../wire-tap.ts';
import type { Frame, WireLook } from './contract/devices.ts';

export interface WireQuestion {
  readonly snapshot: WireSnapshot;
  /** What puts it into words; undefined: nothing does. */
  readonly explain: { readonly module: string; readonly name: string } | undefined;
  /** What comes after this piece. */
  readonly after: number;
  /** Polls and heartbeats too. */
  readonly routine: boolean;
  /** Cards and names too. */
  readonly persons: boolean;
}
export type WireWords = Omit<WireLook, 'isOpen'>;

/** Listed at once. */
const FRAMES_MAX = 500;
/** Of one frame, bytes. */
const HEX_MAX = 1024;
/** What has begun and is not ended yet may be in the next answer, whole. */
const OPEN = '…';

/** Of a driver without words: what it is nobody can tell. */
const unexplained = (pieces: readonly Kept[]): readonly Explained[] =>
  pieces.map(({ bytes }, piece) => ({
    ...{ piece, bytes, what: '', detail: '', isRoutine: false },
    holds: 'person',
  }));

export async function wireWords(question: WireQuestion): Promise<WireWords> {
  const { snapshot, explain, after, routine, persons } = question;
  const pieces = piecesOf(snapshot);
  const found = explain === undefined ? unexplained(pieces) : (await explainerOf(explain))(pieces);
  const fresh = found.filter(({ piece, what }) => (pieces[piece] as Kept).number > after && what !== OPEN);
  const wanted = routine ? fresh : fresh.filter(({ isRoutine }) => !isRoutine);
  return {
    isComplete: snapshot.isComplete,
    isExplained: explain !== undefined,
    frames: wanted.slice(-FRAMES_MAX).map((one) => frameOf(one, pieces[one.piece] as Kept, persons)),
    left: Math.max(0, wanted.length - FRAMES_MAX),
    routine: fresh.length - wanted.length,
    next: pieces.at(-1)?.number ?? after,
  };
}

async function explainerOf({ module, name }: { readonly module: string; readonly name: string }) {
  const { [name]: explain } = (await import(module)) as Readonly<Record<string, Explain>>;
  if (explain === undefined) throw new Error(`${module} has no ${name}`);
  return explain;
}

function frameOf({ bytes, what, detail, holds }: Explained, piece: Kept, persons: boolean): Frame {
  const { number, at, said, peer } = piece;
  const maySee = holds === 'nothing' || (holds === 'person' && persons);
  return {
    ...{ number, at: new Date(at).toISOString(), said, peer, what, detail, holds },
    length: Math.max(bytes.length, bytes.length === piece.bytes.length ? piece.length : 0),
    hex: maySee ? Buffer.from(bytes.subarray(0, HEX_MAX)).toString('hex') : null,
  };
}
