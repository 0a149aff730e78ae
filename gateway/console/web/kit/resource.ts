/** What a page shows of the server, kept up to date while the page is open. */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ApiError, get } from './api.ts';
import { heard, onHappening, onReturn } from './line.ts';

export interface Resource<T> {
  readonly data: Signal<T | undefined>;
  readonly error: Signal<ApiError | undefined>;
  /** Asks anew; resolves when the answer is there. */
  again(): Promise<void>;
}

export interface Following {
  /** Asks again when such an event comes: types, or their beginnings ("alarm."). */
  readonly on?: readonly string[];
  /** And at least so often, ms. */
  readonly every?: number;
}

/** Many events in a row are one reason to ask. */
const TOGETHER_MS = 150;

/** `path` undefined: nothing is asked. What comes late of another path is thrown away. */
export function useResource<T>(path: string | undefined, { on = [], every }: Following = {}): Resource<T> {
  const data = useSignal<T | undefined>(undefined);
  const error = useSignal<ApiError | undefined>(undefined);
  const again = useMemo(() => {
    let asked = 0;
    return async () => {
      if (path === undefined) return;
      const own = ++asked;
      try {
        const found = await get<T>(path);
        if (own !== asked) return;
        data.value = found;
        error.value = undefined;
      } catch (caught) {
        if (own === asked) error.value = caught instanceof ApiError ? caught : new ApiError(0, 'failed');
      }
    };
  }, [path]);
  useEffect(() => {
    if (path === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void again();
      }, TOGETHER_MS);
    };
    void again();
    const stopEvents = onHappening((type) => {
      if (on.some((one) => type.startsWith(one))) soon();
    });
    const stopReturn = onReturn(soon);
    let wasHeard = heard.peek();
    const stopHeard = heard.subscribe((is) => {
      if (is && !wasHeard) soon();
      wasHeard = is;
    });
    const ticking = every === undefined ? undefined : setInterval(() => void again(), every);
    return () => {
      clearTimeout(timer);
      clearInterval(ticking);
      stopEvents();
      stopReturn();
      stopHeard();
    };
  }, [path, again]);
  return { data, error, again };
}
