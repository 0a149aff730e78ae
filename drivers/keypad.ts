/** Keys that somebody presses at a reader, put together to codes. A code is never logged and stands in no key. */
const WITHIN_MS = 10_000;
/** No code is longer. */
const MOST_KEYS = 16;

export interface Keypad {
  /** `keys`: 0 to 9, A to D, * and #. `now`: `elapsed`. @returns the codes that they end. */
  press(keys: string, now: number): readonly string[];
}

/** # ends a code, * begins it anew; one that stops in the middle is forgotten after 10 s. `bounce`: ms. */
export function createKeypad(bounce: number): Keypad {
  let held = '';
  let heldAt = 0;
  let last: { readonly code: string; readonly at: number } | undefined;
  return {
    press(keys, now) {
      const codes: string[] = [];
      if (now - heldAt > WITHIN_MS) held = '';
      for (const key of keys) {
        if (key === '#' && held !== '') {
          // A reader that missed our answer tells it again, as it does with a card.
          if (last?.code !== held || now - last.at >= bounce) codes.push(held);
          last = { code: held, at: now };
        }
        held = key === '#' || key === '*' || held.length >= MOST_KEYS ? '' : held + key;
      }
      heldAt = now;
      return codes;
    },
  };
}
