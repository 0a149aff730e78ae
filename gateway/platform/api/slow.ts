/**
 * Questions over all events may take long: two are asked at once, so that alarms are read beside them; the others wait,
 * and nobody fills the queue alone.
 */
const AT_ONCE = 2;
const WAITING_MAX = 32;
const WAITING_EACH_MAX = 4;

/** Answered as 429, `too-many`. */
export class TooManyError extends Error {
  readonly code = 'E_TOO_MANY';
  readonly statusCode = 429;
}

/** Asks when it is its turn. @throws TooManyError, and what `read` rejects with. */
export type Slowly = <T>(asker: string, read: () => Promise<T>) => Promise<T>;

export function createSlowly(): Slowly {
  const waiting: { readonly asker: string; readonly begin: () => void }[] = [];
  let running = 0;
  return async (asker, read) => {
    if (running < AT_ONCE) running++;
    else {
      const own = waiting.filter((one) => one.asker === asker).length;
      if (own >= WAITING_EACH_MAX || waiting.length >= WAITING_MAX) throw new TooManyError(asker);
      // Who ends gives its place on.
      await new Promise<void>((begin) => waiting.push({ asker, begin }));
    }
    try {
      return await read();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next.begin();
    }
  };
}
