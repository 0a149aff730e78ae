/** The last events of the normal lane: what a restart must not forget of doors is read from them. */
import type { Entry, Journal } from '../journal/index.ts';

const PAGE = 1000;
/** Read back from so many of the last events. */
const EVENTS_MAX = 20_000;

/** Events seen since a time (epoch ms), newest first. @throws what the journal throws. */
export async function* readBackSince(
  journal: Pick<Journal, 'readBack'>,
  since: number,
): AsyncGenerator<Entry> {
  let before = Number.MAX_SAFE_INTEGER;
  for (let looked = 0; looked < EVENTS_MAX; ) {
    const page = await journal.readBack('normal', before, PAGE);
    for (const entry of page) if (entry.seenAt >= since) yield entry;
    looked += page.length;
    const oldest = page.at(-1);
    if (oldest === undefined || page.length < PAGE || oldest.seenAt < since) return;
    before = oldest.sequence;
  }
}
