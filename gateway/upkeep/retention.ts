/**
 * Retention: what leaves the journal, and in which order.
 *
 *  1. By age: of each class, what was seen longer ago than `keep`.
 *  2. By class: where a class takes more than its `bytes`, its oldest.
 *  3. By budget: where the journal takes more than all it may, the oldest of the lowest lane first.
 *
 * An alarm that some platform has not got yet is never removed. Whatever else is removed before a platform had it is
 * told (`Dropped`), so that it can be an event: nothing is dropped in silence.
 */

import { classOf, eventTypes, laneOf } from '../../config/catalogue/events.ts';
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Interest, Journal, Removed, RemoveStep } from '../journal/index.ts';

export interface RetentionPolicy {
  /** ms. */
  readonly keep: number;
  /** Bytes of the whole journal. */
  readonly budget: number;
  readonly classes: Readonly<
    Record<string, { readonly keep?: number | undefined; readonly bytes?: number | undefined }>
  >;
}

/** Events that were removed before a platform had them. */
export interface Dropped {
  readonly uplink: string;
  readonly lane: Lane;
  readonly reason: 'age' | 'class' | 'budget';
  readonly class: string;
  readonly events: number;
  /** Sequences. */
  readonly first: number;
  readonly last: number;
}

/** Events that a step looks at. Appends wait for one step at most: some 2 ms. */
const STEP = 200;
/** Once over its budget, the journal is brought this far under it, so that not each event costs a step. */
const BUDGET_SLACK = 0.98;
const CLASS_SCAN = 5000;

const lowestFirst = [...lanes].reverse();
const classesIn = (lane: Lane) => new Set(eventTypes.filter((type) => laneOf(type) === lane).map(classOf));

/**
 * One sweep; the events it removed, and what of them was dropped undelivered. `now`: epoch ms; -Infinity where the
 * clock cannot be trusted, and nothing goes for its age.
 */
export async function sweep(
  journal: Journal,
  policy: RetentionPolicy,
  uplinks: readonly Interest[],
  now: number,
): Promise<{ readonly removed: number; readonly dropped: readonly Dropped[] }> {
  const dropped: Dropped[] = [];
  let removed = 0;
  /** Removes the oldest that fit, step by step, as long as `more` wants. */
  const remove = async (
    lane: Lane,
    reason: Dropped['reason'],
    which: Pick<RemoveStep, 'class' | 'before'>,
    more: (done: Removed) => boolean | Promise<boolean>,
  ) => {
    // A platform's word on an alarm is waited for, however old it is.
    const upTo =
      lane === 'urgent'
        ? Math.min(Number.MAX_SAFE_INTEGER, ...uplinks.map(({ id }) => journal.position(id, lane).sequence))
        : undefined;
    for (let after = 0; ; ) {
      const done = await journal.remove({ lane, ...which, after, upTo, limit: STEP, uplinks });
      removed += done.events;
      after = done.last;
      for (const one of done.undelivered) note(dropped, { ...one, lane, reason });
      if (done.looked < STEP || !(await more(done))) return;
    }
  };

  if (now !== Number.NEGATIVE_INFINITY) {
    const ages = [...new Set(eventTypes.map(classOf))].map((name) => [
      name,
      now - (policy.classes[name]?.keep ?? policy.keep),
    ]);
    const before = Object.fromEntries(ages) as Record<string, number>;
    for (const lane of lowestFirst) await remove(lane, 'age', { before }, () => true);
  }

  if (Object.values(policy.classes).some(({ bytes }) => bytes !== undefined)) {
    const sizes = await classSizes(journal);
    for (const lane of lowestFirst) {
      for (const name of classesIn(lane)) {
        const limit = policy.classes[name]?.bytes;
        let over = (sizes.get(name) ?? 0) - (limit ?? Number.POSITIVE_INFINITY);
        if (over <= 0) continue;
        await remove(lane, 'class', { class: name }, ({ bytes }) => {
          over -= bytes;
          return over > 0;
        });
        sizes.set(name, (limit ?? 0) + Math.max(over, 0));
      }
    }
  }

  const over = async (limit: number) => (await journal.usage()).bytes > limit;
  if (await over(policy.budget)) {
    for (const lane of lowestFirst) {
      if (!(await over(policy.budget * BUDGET_SLACK))) break;
      await remove(lane, 'budget', {}, () => over(policy.budget * BUDGET_SLACK));
    }
  }
  const longest = Math.max(policy.keep, ...Object.values(policy.classes).map(({ keep }) => keep ?? 0));
  await journal.forget(now - longest, now);
  return { removed, dropped };
}

/** Joins what was dropped step by step into one entry for each uplink, lane, reason and class. */
function note(dropped: Dropped[], one: Dropped) {
  const i = dropped.findIndex(
    (other) =>
      other.uplink === one.uplink &&
      other.lane === one.lane &&
      other.reason === one.reason &&
      other.class === one.class,
  );
  const before = dropped[i];
  if (before === undefined) dropped.push(one);
  else dropped[i] = { ...before, events: before.events + one.events, last: one.last };
}

/** Bytes of each class, read in steps that appends can pass between. */
async function classSizes(journal: Journal): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (let after = 0; ; ) {
    const part = await journal.classes(after, CLASS_SCAN);
    for (const { class: name, bytes } of part) sizes.set(name, (sizes.get(name) ?? 0) + bytes);
    if (part.length === 0) return sizes;
    after = Math.max(...part.map(({ last }) => last));
  }
}
