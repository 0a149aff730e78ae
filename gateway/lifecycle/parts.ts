/** Parts in the order in which they start; they are closed in reverse. */
import type { Part } from './part.ts';

export interface Parts {
  /** Gives the part back. */
  add<P extends Part>(part: P): P;
  /** In this order; what is undefined is not there. */
  addAll(parts: readonly (Part | undefined)[]): void;
  /** The same for what is only closed. */
  adopt<T extends { close(): Promise<void> | void }>(value: T): T;
  /** Where one cannot start, all are closed again. @throws what it throws. */
  start(): Promise<void>;
  /** Each is closed, whatever another one throws. */
  close(): Promise<void>;
}

export function createParts(): Parts {
  const parts: Part[] = [];
  // As an object: dependency-cruiser's parser does not read the statement `await using`.
  const closing = new AsyncDisposableStack();
  const add = <P extends Part>(part: P): P => {
    parts.push(part);
    return closing.use(part);
  };
  return {
    add,
    addAll(those) {
      for (const part of those) if (part !== undefined) add(part);
    },
    adopt: (value) => closing.adopt(value, async () => await value.close()),
    async start() {
      try {
        for (const part of parts) await part.start?.();
      } catch (error) {
        // What runs already would keep the process, and nobody would see that it does nothing.
        await closing.disposeAsync().catch(() => {});
        throw error;
      }
    },
    close: () => closing.disposeAsync(),
  };
}
