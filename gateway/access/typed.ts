/** What is typed on the keys of a door's reader: a PIN after a card, or a code instead of one. */
import type { AccessConfig } from '../../config/sections/access.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Credential } from '../../drivers/contract/observation.ts';
import type { Brake } from './brake.ts';
import type { CodeHolding, Holding } from './credentials.ts';
import type { Decision, Denial, DoorConfig } from './decide.ts';
import { rightOf, type Secret } from './secrets.ts';

export interface Typed {
  /** A card that may pass, where a PIN must follow: it waits for that. */
  holdCard(reader: string, card: Credential, decided: Decision): Decision;
  /** A code: what it opens, and the card that waited for it. */
  decideCode(reader: string, code: string, door: DoorConfig): Promise<TypedDecision>;
}
export interface TypedDecision {
  readonly decided: Decision;
  readonly card?: Credential;
}

/** What of the lists and the rules it asks. */
export interface TypedContext {
  readonly pinOf: (card: Credential, reader: string) => Secret | undefined;
  readonly codes: () => readonly CodeHolding[];
  readonly decideCard: (card: Credential, door: DoorConfig, reader: string) => Decision;
  readonly decideHolding: (holding: Holding, door: DoorConfig) => Decision;
}

/** By reader: the card that was shown last and waits for its PIN, and when, `elapsed`. */
export type HeldCards = Map<
  string,
  { readonly card: Credential; readonly holder?: string; readonly at: number }
>;

export function createTyped(
  { wait }: Pick<AccessConfig['codes'], 'wait'>,
  brake: Brake,
  time: Pick<Clock, 'elapsed'>,
  { pinOf, codes, decideCard, decideHolding }: TypedContext,
  waiting: HeldCards = new Map(),
): Typed {
  const denied = (reason: Denial, about: object = {}): Decision => ({ decision: 'denied', reason, ...about });
  const takeCard = (reader: string) => {
    const held = waiting.get(reader);
    waiting.delete(reader);
    return held !== undefined && time.elapsed() - held.at <= wait ? held : undefined;
  };
  return {
    holdCard(reader, card, { holder }) {
      const about = { ...(holder !== undefined && { holder }) };
      if (pinOf(card, reader) === undefined) return denied('no-pin', about);
      waiting.set(reader, { card, ...about, at: time.elapsed() });
      return denied('pin-needed', about);
    },
    async decideCode(reader, code, door) {
      if (door.mode === 'card') return { decided: denied('no-codes') };
      const held = door.mode === 'card-and-pin' ? takeCard(reader) : undefined;
      if (door.mode === 'card-and-pin' && held === undefined) return { decided: denied('card-first') };
      const of = held && { card: held.card };
      const about = held?.holder === undefined ? {} : { holder: held.holder };
      if (!brake.attempt(reader)) return { decided: denied('locked-out', about), ...of };
      if (held !== undefined) {
        const secret = pinOf(held.card, reader);
        if (secret !== undefined && (await rightOf(code, [{ secret }])).length > 0) {
          brake.right(reader);
          // Again: the lists and the hour may have changed since it was shown.
          return { decided: decideCard(held.card, door, reader), card: held.card };
        }
      } else {
        const [holding] = await rightOf(code, codes());
        if (holding !== undefined) {
          brake.right(reader);
          return { decided: decideHolding(holding, door) };
        }
      }
      brake.wrong(reader);
      return { decided: denied('wrong-code', about), ...of };
    },
  };
}
