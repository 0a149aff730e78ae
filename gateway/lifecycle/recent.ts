/**
 * The newest of many, by key. Two generations of Maps: when the younger one is full it becomes the older one, and the
 * older one goes as a whole. To take the oldest keys out of one Map one by one costs more with each that is gone: 25 to
 * 50 µs a time, past 50,000 keys.
 */
export interface Recent<Key, Value> {
  get(key: Key): Value | undefined;
  /** Of a key that is known already, the value is another one. */
  set(key: Key, value: Value): void;
  /** Each once, the younger ones first. */
  values(): IterableIterator<Value>;
}

/** Remembers at least the `count` newest keys, and at most twice as many. */
export function createRecent<Key, Value>(count: number): Recent<Key, Value> {
  let younger = new Map<Key, Value>();
  let older = new Map<Key, Value>();
  return {
    get: (key) => younger.get(key) ?? older.get(key),
    set(key, value) {
      if (younger.size >= count && !younger.has(key)) {
        older = younger;
        younger = new Map();
      }
      younger.set(key, value);
    },
    *values() {
      yield* younger.values();
      for (const [key, value] of older) if (!younger.has(key)) yield value;
    },
  };
}
