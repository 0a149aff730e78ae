/**
 * How many events of each kind a stretch of a lane has. It is counted once and followed: what came behind its end is
 * added, what its beginning passed is dropped a block at a time, so that a look costs what happened since the last one,
 * and never a million rows.
 */
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Journal, Kind } from '../journal/index.ts';

export interface Tally {
  /** Follows the stretch to what it is now: after a sequence and up to another. Rejects where the journal does. */
  follow(after: number, upTo: number): Promise<void>;
  /** How many match: of what was not counted yet, all. */
  count(matches: (kind: Kind) => boolean): number;
  /** When the first that matches was seen, epoch ms; undefined: there is none. */
  oldest(matches: (kind: Kind) => boolean): number | undefined;
}

interface Block {
  readonly after: number;
  readonly upTo: number;
  readonly kinds: readonly Kind[];
}

/** Sequences that are counted at once: the thread of the journal is busy for some 3 ms. */
const BLOCK = 5000;

export function createTally(journal: Pick<Journal, 'kinds'>, lane: Lane): Tally {
  let blocks: Block[] = [];
  let place = { after: 0, upTo: 0 };
  const read = async (after: number, upTo: number): Promise<Block> => ({
    after,
    upTo,
    kinds: upTo > after ? await journal.kinds(lane, after, upTo) : [],
  });
  return {
    async follow(after, upTo) {
      place = { after, upTo };
      // The cursor went back, or the stretch ended before: another journal.
      if (after < (blocks[0]?.after ?? after) || upTo < (blocks.at(-1)?.upTo ?? 0)) blocks = [];
      blocks = blocks.filter((block) => block.upTo > after);
      const [first] = blocks;
      if (first !== undefined && first.after < after) blocks[0] = await read(after, first.upTo);
      for (;;) {
        const last = blocks.at(-1);
        const from = last?.upTo ?? after;
        if (from >= upTo) return;
        if (last !== undefined && last.upTo - last.after < BLOCK) {
          const more = await read(from, Math.min(last.after + BLOCK, upTo));
          blocks[blocks.length - 1] = joined(last, more);
        } else blocks.push(await read(from, Math.min(from + BLOCK, upTo)));
      }
    },
    count(matches) {
      const counted = blocks
        .flatMap(({ kinds }) => kinds)
        .reduce((sum, kind) => sum + (matches(kind) ? kind.events : 0), 0);
      return counted + Math.max(0, place.upTo - (blocks.at(-1)?.upTo ?? place.after));
    },
    oldest(matches) {
      for (const { kinds } of blocks) {
        const found = kinds.filter(matches).sort((a, b) => a.first - b.first)[0];
        if (found !== undefined) return found.seenAt;
      }
      return undefined;
    },
  };
}

/** Two blocks, one behind the other. */
function joined(one: Block, next: Block): Block {
  const kinds = new Map(one.kinds.map((kind) => [`${kind.type}\n${kind.device}`, kind]));
  for (const kind of next.kinds) {
    const key = `${kind.type}\n${kind.device}`;
    const before = kinds.get(key);
    kinds.set(key, before === undefined ? kind : { ...before, events: before.events + kind.events });
  }
  return { after: one.after, upTo: next.upTo, kinds: [...kinds.values()] };
}
