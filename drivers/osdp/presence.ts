/** Whether a reader answers. */
import type { Host } from '../contract/driver.ts';
import { OFFLINE_MS } from './asking.ts';
import type { Reader } from './options.ts';
import { type Refusal, refusalWords } from './session.ts';

const LOOK_MS = 100;
/** One that answers, and is never through with its greeting, is not there either. */
const GREETED_WITHIN_MS = 60_000;

export interface Presence {
  /** undefined: not known yet. */
  readonly online: boolean | undefined;
  /** It answers: it is online. */
  heard(): void;
  /** It answers while it is greeted; that takes its time where many are, and answer slowly. */
  alive(): void;
  /** True: it is offline from now on. `refusal`: it answers, and cannot be spoken with. */
  noteSilence(now: number, refusal: Refusal | undefined): boolean;
  close(): void;
}

/** `look`: called now and then. */
export function createPresence(
  { id, options: { address } }: Reader,
  { clock, link }: Host,
  look: (now: number) => void,
): Presence {
  let heardAt = clock.elapsed();
  let aliveAt = heardAt;
  let online: boolean | undefined;
  const pauses = clock.onPause(() => {
    heardAt = clock.elapsed();
    aliveAt = heardAt;
  });
  const looks = clock.every(LOOK_MS, () => look(clock.elapsed()));
  return {
    get online() {
      return online;
    },
    heard() {
      heardAt = clock.elapsed();
      aliveAt = heardAt;
      online = true;
      link(id, 'online');
    },
    alive() {
      aliveAt = clock.elapsed();
    },
    noteSilence(now, refusal) {
      if (online === false || (now - aliveAt < OFFLINE_MS && now - heardAt < GREETED_WITHIN_MS)) return false;
      online = false;
      const why = refusal === undefined ? 'does not answer' : refusalWords[refusal];
      link(id, 'offline', `address ${address}: ${why}`);
      return true;
    },
    close() {
      pauses.stop();
      looks.stop();
    },
  };
}
