/** Doors that open only where several people show their cards, one soon after the other. */
import type { Decision, DoorConfig } from './decide.ts';

/** By door: who has shown a card and waits for the others, and since when, epoch ms. */
export type Together = Map<string, Map<string, number>>;

/** @returns the decision once it is known who else is there; `at`: epoch ms. */
export function createTogether(
  waiting: Together = new Map(),
): (door: DoorConfig, decision: Decision, at: number) => Decision {
  return (door, decision, at) => {
    const { holder } = decision;
    if (decision.decision !== 'granted' || door.persons === 1 || holder === undefined) return decision;
    const people = waiting.get(door.id) ?? new Map<string, number>();
    // A clock that stepped back makes nobody wait for ever.
    for (const [one, since] of people) if (at - since > door.together || at < since) people.delete(one);
    people.set(holder, at);
    waiting.set(door.id, people);
    if (people.size < door.persons) return { ...decision, decision: 'denied', reason: 'second-person' };
    waiting.delete(door.id);
    return decision;
  };
}
