/** Who went which way through a door last, as far as cards tell: for anti-passback, and for how many are inside. */
import { readEvent } from '../../config/catalogue/events.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Journal } from '../journal/index.ts';
import type { Passages } from './decide.ts';
import { readBackSince } from './read-back.ts';

export interface PassageBook {
  readonly passages: Passages;
  /** `at`: epoch ms. */
  note(holder: string, direction: 'in' | 'out', at: number): void;
  forget(holder: string): void;
  /** Who went in and did not come out since; epoch ms. */
  inside(): readonly { readonly holder: string; readonly since: number }[];
  /** Reads the last day back: a restart must not forget who is inside. @throws what the journal throws. */
  restore(): Promise<void>;
}

const DAY_MS = 86_400_000;

/** `now`: the gateway's wall clock, epoch ms. */
export function createPassages(journal: Pick<Journal, 'readBack'>, now: () => number): PassageBook {
  const passages = new Map<string, { direction: 'in' | 'out'; at: number }>();
  const noteEvent = (type: string, body: string, at: number) => {
    if (type !== 'access.granted' && type !== 'access.pickup') return;
    const { access } = (readEvent(body)?.data ?? {}) as { access?: Observation['access'] };
    if (access?.decision !== 'granted' || access.holder === undefined || access.direction === undefined)
      return;
    // Newest first: what is known of a person already is later.
    if (!passages.has(access.holder)) passages.set(access.holder, { direction: access.direction, at });
  };
  return {
    passages,
    note: (holder, direction, at) => void passages.set(holder, { direction, at }),
    forget: (holder) => void passages.delete(holder),
    inside: () =>
      [...passages].flatMap(([holder, { direction, at }]) =>
        direction === 'in' ? [{ holder, since: at }] : [],
      ),
    async restore() {
      for await (const { type, body, seenAt } of readBackSince(journal, now() - DAY_MS))
        noteEvent(type, body, seenAt);
    },
  };
}
