/**
 * Wrong codes at a reader. After so many its codes are refused for a while, right ones too, and that is told as tamper;
 * then each further wrong one refuses them again, until a right one came or none did for long. A card opens all the time
 * where a card is enough.
 */
import type { AccessConfig } from '../../config/sections/access.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';

export interface Brake {
  /** Somebody typed a code at a reader: whether it is to be looked at. It counts as wrong until `right`. */
  attempt(reader: string): boolean;
  wrong(reader: string): void;
  right(reader: string): void;
  /** A power cut gives no new tries: as after too many. */
  lock(reader: string): void;
  close(): void;
}

interface Tries {
  count: number;
  lastAt: number;
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
    const known = readers.get(reader) ?? { count: 0, lastAt: Number.NEGATIVE_INFINITY };
    readers.set(reader, known);
    return known;
  };
  const lock = (reader: string) => {
    const tries = triesAt(reader);
    tries.locked?.stop();
    tries.locked = time.after(lockout, () => {
      tries.locked = undefined;
      // One more, and not all of them again.
      tries.count = most - 1;
      tries.lastAt = time.elapsed();
      tell(reader, 'restored');
    });
  };
  return {
    attempt(reader) {
      const tries = triesAt(reader);
      const now = time.elapsed();
      if (tries.locked === undefined && now - tries.lastAt > within) tries.count = 0;
      // Those that are being looked at count too: nobody tries more by being quick.
      if (tries.locked !== undefined || tries.count >= most) return false;
      tries.count++;
      tries.lastAt = now;
      return true;
    },
    wrong(reader) {
      const tries = triesAt(reader);
      if (tries.count < most || tries.locked !== undefined) return;
      lock(reader);
      tell(reader, 'raised');
    },
    right(reader) {
      const tries = triesAt(reader);
      // One that was already on its way when they were locked does not unlock them.
      if (tries.locked === undefined) tries.count = 0;
    },
    lock,
    close() {
      for (const { locked } of readers.values()) locked?.stop();
    },
  };
}
