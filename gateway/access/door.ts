/**
 * What a door is doing, as its contact, its lock and the button beside it tell.
 *
 *              unlock                opened                 longer than heldAfter
 *   closed ────────────▶ unlocked ────────────▶ open ──────────────────────▶ held
 *     │  ◀── openWithin ──┘                      │                            │
 *     └── opened, though nobody unlocked it ──▶ forced ──── closed: all of them end ──▶ closed
 */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';

export type DoorState = 'closed' | 'unlocked' | 'open' | 'held' | 'forced';

export interface Door {
  state(): DoorState;
  /** It may be opened for a while: a card, a command, the button to go out. */
  unlock(): void;
  /** It stays unlocked until `lock`. */
  hold(): void;
  lock(): void;
  /** What its contact says. `initial`: as found, so that nobody knows who opened it. */
  contact(open: boolean, initial: boolean): void;
  close(): void;
}

export function createDoor(
  /** ms. */
  { openWithin, heldAfter }: { readonly openWithin: number; readonly heldAfter: number },
  time: Clock,
  /** It was forced or is held, or (`restored`) is closed again. */
  tell: (kind: 'forced' | 'held', state: 'raised' | 'restored') => void,
  /** As it was known before the config changed; by default closed. */
  was: { readonly state: DoorState; readonly isKept: boolean } = { state: 'closed', isKept: false },
): Door {
  let state = was.state;
  let held = was.isKept;
  /** Until when it may be opened, by `elapsed`. */
  let openableUntil = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;
  const after = (ms: number, then: () => void) => {
    timer?.stop();
    timer = time.after(ms, then);
  };
  const watchOpen = () => {
    state = 'open';
    timer?.stop();
    if (!held)
      after(heldAfter, () => {
        state = 'held';
        tell('held', 'raised');
      });
  };
  const rest = () => {
    timer?.stop();
    // Who showed a card while it stood open may open it again.
    const left = openableUntil - time.elapsed();
    state = held || left > 0 ? 'unlocked' : 'closed';
    if (!held && left > 0) after(left, rest);
  };
  // Who was let in may still come; what stands open is watched from now on.
  if (state === 'unlocked' && !held) openableUntil = time.elapsed() + openWithin;
  if (state === 'unlocked') rest();
  if (state === 'open') watchOpen();
  return {
    state: () => state,
    unlock() {
      openableUntil = time.elapsed() + openWithin;
      if (state === 'closed' || state === 'unlocked') rest();
    },
    hold() {
      held = true;
      if (state === 'closed') state = 'unlocked';
      // It may stand open now for as long as it likes.
      if (state === 'held') tell('held', 'restored');
      if (state === 'open' || state === 'held') watchOpen();
      else timer?.stop();
    },
    lock() {
      held = false;
      openableUntil = Number.NEGATIVE_INFINITY;
      if (state === 'open') watchOpen();
      else if (state === 'unlocked') rest();
    },
    contact(open, initial) {
      if (open && (state === 'unlocked' || (initial && state === 'closed'))) watchOpen();
      else if (open && state === 'closed') {
        timer?.stop();
        state = 'forced';
        tell('forced', 'raised');
      } else if (!open) {
        const before = state;
        if (before !== 'unlocked') rest();
        if (before === 'forced' || before === 'held') tell(before, 'restored');
      }
    },
    close: () => timer?.stop(),
  };
}
