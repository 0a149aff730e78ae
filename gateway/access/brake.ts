/**
 * Wrong codes at a reader. After so many its codes are refused for a while, right ones too, and that is told as tamper;
 * then each further wrong one refuses them again, until none came for long. Only time forgets a wrong one: who has a
 * right code, or a card of his own, guesses no more for that. A card opens all the time where a card is enough.
 */
import type { AccessConfig } from '../../config/sections/access.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';

export interface Brake {
  /** Somebody typed a code at a reader: whether it is to be looked at. It counts as wrong until `right`. */
  attempt(reader: string): boolean;
  wrong(reader: string): void;
  /** The one that is being looked at was right: it counts no more. Those before it stay. */
  right(reader: string): void;
  /** Wrong codes from before a restart; `agesMs`: how long ago each was typed. */
  restore(reader: string, agesMs: readonly number[]): void;
  /** A power cut gives no new tries: as after too many. */
  lock(reader: string): void;
  close(): void;
}

interface Tries {
  /** When each was typed that counts, the oldest first. */
  typedAt: number[];
  /** Codes are refused while it runs. */
  locked?: Timer | undefined;
}

/** `tell`: codes of a reader are refused from now on, or (`restored`) looked at again. */
export function createBrake(
  { tries: most, within, lockout }: AccessConfig['codes'],
  time: Clock,
  tell: (reader: string, state: 'raised' | 'restored') => void,
): Brake {
  const readers = new Map<string, Tries>();
  const triesAt = (reader: string): Tries => {
    const known = readers.get(reader) ?? { typedAt: [] };
    readers.set(reader, known);
    return known;
  };
  const lock = (reader: string) => {
    const tries = triesAt(reader);
    tries.locked?.stop();
    tries.locked = time.after(lockout, () => {
      tries.locked = undefined;
      // One more, and not all of them again.
      tries.typedAt = Array<number>(most - 1).fill(time.elapsed());
      tell(reader, 'restored');
    });
  };
  return {
    attempt(reader) {
      const tries = triesAt(reader);
      const now = time.elapsed();
      tries.typedAt = tries.typedAt.filter((at) => now - at <= within);
      // Those that are being looked at count too: nobody tries more by being quick.
      if (tries.locked !== undefined || tries.typedAt.length >= most) return false;
      tries.typedAt.push(now);
      return true;
    },
    wrong(reader) {
      const tries = triesAt(reader);
      if (tries.typedAt.length < most || tries.locked !== undefined) return;
      lock(reader);
      tell(reader, 'raised');
    },
    right(reader) {
      triesAt(reader).typedAt.pop();
    },
    restore(reader, agesMs) {
      const tries = triesAt(reader);
      const now = time.elapsed();
      // One try is left: whether the reader was locked is told apart from this. A clock that went back makes none younger
      // than now.
      const known = agesMs
        .map((age) => now - Math.max(0, age))
        .sort((a, b) => a - b)
        .slice(1 - most);
      // Those typed since the start may be among them.
      if (known.length > tries.typedAt.length) tries.typedAt = known;
    },
    lock,
    close() {
      for (const { locked } of readers.values()) locked?.stop();
    },
  };
}
