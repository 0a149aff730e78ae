/** Tells listeners, each alone: one that throws is logged, and neither the others nor who tells is harmed. */
import type { Log } from '../../drivers/contract/driver.ts';

export interface Signal<Values extends readonly unknown[]> {
  /** Calls back each time, until the function it gives is called. */
  on(listener: (...values: Values) => void): () => void;
  tell(...values: Values): void;
}

/** `name`: what is told, for the log. */
export function signal<Values extends readonly unknown[]>(name: string, log: Log): Signal<Values> {
  const listeners = new Set<(...values: Values) => void>();
  return {
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(...values) {
      for (const listener of listeners)
        try {
          listener(...values);
        } catch (error) {
          const { message, stack } = error as Error;
          log.error(
            { signal: name, error: message, stack },
            'a part of the gateway failed over what it was told',
          );
        }
    },
  };
}
