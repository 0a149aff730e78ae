/**
 * Sends a stretch of a lane once more, beside the live events: what a platform asks for (`replay`), and what it
 * refused before (holds.ts). In batches, each answered before the next: it must never crowd out live events.
 */

import type { EventType } from '../../config/catalogue/events.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Answer, Refusal } from '../../drivers/contract/transport.ts';
import type { Entry, Journal } from '../journal/index.ts';

export interface Stretch {
  readonly lane: Lane;
  /** After this sequence... */
  readonly after: number;
  /** ...and up to this one. */
  readonly upTo: number;
  /** Only what this wants; the chain of `previous` runs over all that `inChain` wants. */
  readonly wants: (entry: Entry) => boolean;
  readonly inChain: (type: EventType) => boolean;
  /** After each batch: all up to this sequence was taken, or stepped over. */
  readonly progress?: (sequence: number) => void;
  /** It alone is refused: the platform takes others of its stretch. Before `progress`. */
  readonly onStep?: (entry: Entry, reason: string) => void;
}

/** As much of a journal as is needed: the daemon's, or a file that is only read. */
export type Readable = Pick<Journal, 'read' | 'readBack'>;

export type SendOne = (entry: Entry, previous: number) => Promise<Answer>;

export interface Resent {
  /** All of it was taken, or stepped over. */
  readonly whole: boolean;
  /** How many were taken. */
  readonly taken: number;
  /** The first that was not, where one was not; those behind it may have been taken. */
  readonly refused?: { readonly sequence: number; readonly is: Refusal; readonly reason: string };
}

const BATCH = 16;
const LOOK_BACK = 64;

interface Sent {
  readonly entry: Entry;
  readonly answer: Answer;
}
type Refused = Sent & { readonly answer: Exclude<Answer, { is: 'taken' }> };
const isRefused = (one: Sent): one is Refused => one.answer.is !== 'taken';

/**
 * One event that is refused holds up no other: where the platform takes others of its batch, or of the next one, it is
 * stepped over. Where it takes none, or is busy or gone, the stretch ends. @throws what reading throws.
 */
export async function resend(journal: Readable, stretch: Stretch, send: SendOne): Promise<Resent> {
  const { lane, after, upTo, wants, inChain, progress, onStep } = stretch;
  let previous = await before(journal, lane, after + 1, inChain);
  let taken = 0;
  let first: Resent['refused'];
  /** Refused, of a batch of which nothing was taken. */
  let suspects: Refused[] = [];
  const end = (whole: boolean): Resent => ({ whole, taken, ...(first !== undefined && { refused: first }) });
  const stepOver = (ones: readonly Refused[]) => {
    for (const { entry, answer } of ones) onStep?.(entry, answer.reason);
  };
  for (let at = after; ; ) {
    const entries = (await journal.read(lane, at, BATCH)).filter(({ sequence }) => sequence <= upTo);
    const last = entries.at(-1);
    if (last === undefined) return end(suspects.length === 0);
    const sending: Promise<Sent>[] = [];
    for (const entry of entries) {
      const own = previous;
      if (inChain(entry.type as EventType)) previous = entry.sequence;
      if (wants(entry)) sending.push(send(entry, own).then((answer) => ({ entry, answer })));
    }
    const sent = await Promise.all(sending);
    const refused = sent.filter(isRefused);
    const worst = refused[0];
    if (worst !== undefined) first ??= { ...worst.answer, sequence: worst.entry.sequence };
    const takenNow = sent.length - refused.length;
    taken += takenNow;
    if (refused.some(({ answer: { is } }) => is === 'lost' || is === 'busy')) return end(false);
    // That one is too large says nothing about the others.
    stepOver(refused.filter(({ answer: { is } }) => is === 'too-large'));
    const doubtful = refused.filter(({ answer: { is } }) => is !== 'too-large');
    if (takenNow > 0) {
      stepOver([...suspects, ...doubtful]);
      suspects = [];
    } else if (doubtful.length > 0) {
      // Twice in a row nothing was taken: it is no matter of one event.
      if (suspects.length > 0) return end(false);
      suspects = doubtful;
    }
    at = last.sequence;
    if (suspects.length === 0) progress?.(at);
  }
}

/** The last event of the chain before a sequence; 0: there is none. */
async function before(
  journal: Readable,
  lane: Lane,
  sequence: number,
  inChain: (type: EventType) => boolean,
): Promise<number> {
  for (let at = sequence; ; ) {
    const entries = await journal.readBack(lane, at, LOOK_BACK);
    const found = entries.find(({ type }) => inChain(type as EventType));
    if (found !== undefined) return found.sequence;
    const last = entries.at(-1);
    if (last === undefined) return 0;
    at = last.sequence;
  }
}
