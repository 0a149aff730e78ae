/**
 * How another config comes into force while the gateway runs. Parts take it up in the order in which they were named
 * here: first each lets go of what the new config has no more or otherwise, a port, a line, a name at a platform, then
 * each has what the new one says. Where one cannot, all go back to the config of before by the same road.
 *
 * Most parts are made anew where a section that they read has changed (`remade`); what must not lose what it knows in
 * memory, a session or a siren that sounds, takes up the difference by itself (`follow`).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/schema.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Part } from '../lifecycle/part.ts';
import { type Leasable, lease } from './lease.ts';

export type Section = keyof Config;

export interface Follower {
  /** For the log. */
  readonly name: string;
  /** Lets go of what `next` has no more, or otherwise. */
  leave?(next: Config): Promise<void> | void;
  /**
   * Is as `next` says. It compares with what it has, not with what the gateway had: after a failure of another part it is
   * called with the config of before.
   */
  take(next: Config): Promise<void> | void;
  /** It answers who asked for the new config: with `afterwards` it comes last. */
  readonly answers?: boolean;
}

/** A part that is made anew. */
export interface Remade<P extends Part | undefined> extends Part {
  /** As it is now: ask for it each time. undefined: the config has none, or it is between two. */
  readonly current: P;
  start(): Promise<void>;
}

export interface TakeUp<C extends Leasable> {
  /** The config in force. */
  readonly config: Config;
  follow(follower: Follower): void;
  /**
   * A part that is closed and made anew where what it reads differs. What it follows (`onStored`, `onStep`, ...)
   * and serves must be of the context that `make` is given: it ends with the part. `hold`: called before it is closed; what
   * it gives is called when the next one has started.
   */
  remade<P extends Part | undefined>(
    name: string,
    reads: Reads,
    make: (config: Config, context: C) => P,
    more?: { readonly hold?: () => Promise<() => void>; readonly answers?: boolean },
  ): Remade<P>;
  /**
   * `afterwards`: is given what remains to be done where a part differs that answers who asked.
   * @throws what a part said that could not take it up; then all is as before, or the log says what is not.
   */
  take(next: Config, afterwards?: (rest: () => Promise<void>) => void): Promise<void>;
}

/** What a part reads of the config: sections, or what is made of them. */
export type Reads = readonly Section[] | ((config: Config) => unknown);

/** Of the campus, who it is: the rest is for platforms alone, and uplinks follow it. */
const sectionOf = (config: Config, section: Section): unknown =>
  section === 'campus' ? [config.campus.id, config.campus.name] : config[section];

const isSame = (one: Config, other: Config, reads: Reads): boolean =>
  typeof reads === 'function'
    ? isDeepStrictEqual(reads(one), reads(other))
    : reads.every((section) => isDeepStrictEqual(sectionOf(one, section), sectionOf(other, section)));

export function createTakeUp<C extends Leasable & { readonly log: Log }>(
  started: Config,
  context: C,
): TakeUp<C> {
  const { log } = context;
  const followers: Follower[] = [];
  let config = started;
  const bring = async (next: Config, those: readonly Follower[]) => {
    for (const { leave } of those) await leave?.(next);
    for (const { take } of those) await take(next);
  };
  /** What one part cannot keeps no other from coming back: the road of alarms is among them. */
  const bringBack = async (before: Config, those: readonly Follower[]) => {
    for (const step of ['leave', 'take'] as const)
      for (const follower of those)
        try {
          await follower[step]?.(before);
        } catch (error) {
          const { message } = error as Error;
          log.error(
            { part: follower.name, error: message },
            'a part cannot run with the old config any more',
          );
        }
  };
  return {
    get config() {
      return config;
    },
    follow: (follower) => void followers.push(follower),
    remade(name, reads, make, { hold, answers = false } = {}) {
      const part = remadePart(started, context, make, reads, hold);
      followers.push({ name, leave: part.leave, take: part.take, answers });
      return part;
    },
    async take(next, afterwards) {
      const before = config;
      const bringOrBack = async (those: readonly Follower[]) => {
        try {
          await bring(next, those);
        } catch (error) {
          const { message } = error as Error;
          log.error({ error: message }, 'a part cannot run with the new config: the old one comes back');
          await bringBack(before, those);
          throw error;
        }
      };
      const answering = followers.filter(({ answers }) => afterwards !== undefined && answers === true);
      await bringOrBack(followers.filter((one) => !answering.includes(one)));
      config = next;
      if (answering.length > 0) afterwards?.(() => bringOrBack(answering));
    },
  };
}

function remadePart<P extends Part | undefined, C extends Leasable>(
  started: Config,
  context: C,
  make: (config: Config, context: C) => P,
  reads: Reads,
  hold: () => Promise<() => void> = async () => () => {},
): Remade<P> & Required<Pick<Follower, 'leave' | 'take'>> {
  let held = lease(context);
  let current = make(started, held.context);
  /** What it was made of; undefined: there is none now. */
  let of: Config | undefined = started;
  let isStarted = false;
  let release = () => {};
  const close = async () => {
    of = undefined;
    await current?.[Symbol.asyncDispose]();
    held.end();
  };
  return {
    get current() {
      return current;
    },
    async start() {
      isStarted = true;
      await current?.start?.();
    },
    async leave(next) {
      if (of === undefined || isSame(of, next, reads)) return;
      release = await hold();
      await close();
    },
    async take(next) {
      if (of !== undefined) {
        of = next;
        return;
      }
      held = lease(context);
      current = make(next, held.context);
      of = next;
      if (!isStarted) return;
      try {
        await current?.start?.();
      } catch (error) {
        await close();
        throw error;
      }
      release();
      release = () => {};
    },
    [Symbol.asyncDispose]: close,
  };
}

/** A part as it is at each time it is asked: for who is given it once. Its functions must not be kept. */
export const live = <P extends object>(remade: { readonly current: P }): P =>
  new Proxy({} as P, { get: (_nothing, key) => Reflect.get(remade.current, key) as unknown });
