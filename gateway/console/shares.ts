/**
 * Lines that stay open, of which there are so many and no more: nobody keeps the others out of them. Where all are taken,
 * who comes gets one of who has most. Who has most himself is refused: nothing of anybody else ends for him.
 */
interface Line {
  readonly owner: string;
  readonly end: () => void;
}

export interface Shares {
  /** `end`: called where the line goes to somebody else. @returns how to give it back; undefined: none is to be had. */
  take(owner: string, end: () => void): (() => void) | undefined;
}

export function createShares(most: number): Shares {
  // The oldest first.
  const lines = new Set<Line>();

  const makeRoom = (owner: string): boolean => {
    const counts = new Map<string, number>();
    for (const one of lines) counts.set(one.owner, (counts.get(one.owner) ?? 0) + 1);
    const largest = Math.max(...counts.values());
    // One more than he has is no reason: they would take it from each other in turn.
    if (largest - (counts.get(owner) ?? 0) < 2) return false;
    const oldest = [...lines].find((one) => counts.get(one.owner) === largest);
    if (oldest === undefined) return false;
    lines.delete(oldest);
    oldest.end();
    return true;
  };
  return {
    take(owner, end) {
      if (lines.size >= most && !makeRoom(owner)) return undefined;
      const line = { owner, end };
      lines.add(line);
      return () => void lines.delete(line);
    },
  };
}
