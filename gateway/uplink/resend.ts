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
  /** After each batch: all up to this sequence was taken. */
  readonly progress?: (sequence: number) => void;
}

/** As much of a journal as is needed: the daemon's, or a file that is only read. */
export type Readable = Pick<Journal, 'read' | 'readBack'>;

export type SendOne = (entry: Entry, previous: number) => Promise<Answer>;

export interface Resent {
  /** How many were taken. */
  readonly taken: number;
  /** The first that was not. */
  readonly refused?: { readonly sequence: number; readonly is: Refusal; readonly reason: string };
}

const BATCH = 16;
const LOOK_BACK = 64;

/** @throws what reading throws. */
export async function resend(
  journal: Readable,
  { lane, after, upTo, wants, inChain, progress }: Stretch,
  send: SendOne,
): Promise<Resent> {
  let previous = await before(journal, lane, after + 1, inChain);
  let taken = 0;
  for (let at = after; ; ) {
    const entries = (await journal.read(lane, at, BATCH)).filter(({ sequence }) => sequence <= upTo);
    const last = entries.at(-1);
    if (last === undefined) return { taken };
    const sending: Promise<{ entry: Entry; answer: Answer }>[] = [];
    for (const entry of entries) {
      const own = previous;
      if (inChain(entry.type as EventType)) previous = entry.sequence;
      if (wants(entry)) sending.push(send(entry, own).then((answer) => ({ entry, answer })));
    }
    for (const { entry, answer } of await Promise.all(sending)) {
      if (answer.is !== 'taken') return { taken, refused: { ...answer, sequence: entry.sequence } };
      taken++;
    }
    at = last.sequence;
    progress?.(at);
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
