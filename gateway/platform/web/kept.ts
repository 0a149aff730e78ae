/** Things that are read as a whole, and then told of one by one. */
import { signal } from '@preact/signals';
import { ApiError } from '../../console/web/kit/api.ts';
import type { Resource } from '../../console/web/kit/resource.ts';

/** What comes in one moment is shown in one. */
const TOGETHER_MS = 100;

/** By their keys. */
export interface Kept<V> extends Resource<ReadonlyMap<string, V>> {
  /** One as it is now. */
  tell(one: V): void;
}

/**
 * @param read all of them. What is told while they are read is newer than the answer.
 * @param keyOf what tells them apart.
 * @param stays what is no longer to be kept is let go.
 */
export function createKept<V>(
  read: () => Promise<readonly V[]>,
  keyOf: (one: V) => string,
  stays: (one: V) => boolean = () => true,
): Kept<V> {
  const data = signal<ReadonlyMap<string, V> | undefined>(undefined);
  const error = signal<ApiError | undefined>(undefined);
  const told = new Map<string, V>();
  let [begun, reading] = [0, 0];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keep = (all: Iterable<readonly [string, V]>) => {
    data.value = new Map([...new Map([...all, ...told])].filter(([, one]) => stays(one)));
  };
  const show = () => {
    timer = undefined;
    if (data.value === undefined) return;
    keep(data.value);
    if (reading === 0) told.clear();
  };
  return {
    data,
    error,
    async again() {
      const own = ++begun;
      reading++;
      try {
        const all = await read();
        if (own !== begun) return;
        keep(all.map((one) => [keyOf(one), one]));
        error.value = undefined;
      } catch (caught) {
        if (own === begun) error.value = caught instanceof ApiError ? caught : new ApiError(0, 'failed');
      } finally {
        reading--;
        if (reading === 0 && timer === undefined) told.clear();
      }
    },
    tell(one) {
      told.set(keyOf(one), one);
      timer ??= setTimeout(show, TOGETHER_MS);
    },
  };
}
