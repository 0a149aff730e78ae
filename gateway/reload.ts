/**
 * A config that changed, taken up while the gateway runs. Only what differs is closed and made anew; as yet that can be
 * platforms alone. What cannot be taken up so refuses all of it, and nothing changes: half of a config is none that
 * anybody wrote.
 */
import { isDeepStrictEqual } from 'node:util';
import { type ConfigError, formatError, type LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../drivers/contract/clock.ts';
import type { Log } from '../drivers/contract/driver.ts';
import { noteConfig, noteRefusedConfig } from './commands/audit.ts';
import type { Journal } from './journal/index.ts';
import type { WallClock } from './observe/clock.ts';

/** What came of a reload. */
export type Reloaded =
  /** Taken up: the uplinks that were closed or made anew; none: nothing had changed. */
  | { readonly done: true; readonly uplinks: readonly string[] }
  /** Refused: what is wrong with it, `FILE:LINE:COLUMN: message` each, or what it changes that only a restart takes up. */
  | { readonly done: false; readonly errors: readonly string[] }
  | { readonly done: false; readonly needsRestart: readonly string[] };

export interface Reload {
  /** One after the other. Never rejects. */
  take(loaded: LoadedConfig | { readonly errors: readonly ConfigError[] }): Promise<Reloaded>;
  /** The last one since the start, counted from 1. */
  last(): (Reloaded & { readonly number: number; readonly at: string }) | undefined;
}

export interface ReloadContext {
  readonly uplinks: { configure(configs: Config['uplinks']): Promise<readonly string[]> };
  /** What the media of these platforms need: they cannot learn it while they run. */
  readonly mediaNeeds: (uplinks: Config['uplinks']) => object;
  readonly journal: Pick<Journal, 'audit' | 'auditChange'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Pick<Clock, 'wall'>;
  readonly log: Log;
}

/** Errors that are told: who reads them mends the first ones first. */
const TOLD_MAX = 20;

export function createReload(
  started: Config,
  { uplinks, mediaNeeds, journal, clock, time, log }: ReloadContext,
): Reload {
  let config = started;
  let number = 0;
  let last: ReturnType<Reload['last']>;
  let turn: Promise<unknown> = Promise.resolve();

  /** The sections that differ and that only a restart takes up. */
  const needsRestart = (next: Config): readonly string[] => {
    const names = new Set([...Object.keys(config), ...Object.keys(next)]) as Set<keyof Config>;
    const others = [...names].filter(
      (name) => name !== 'uplinks' && !isDeepStrictEqual(config[name], next[name]),
    );
    const ofMedia = isDeepStrictEqual(mediaNeeds(config.uplinks), mediaNeeds(next.uplinks))
      ? []
      : ['uplinks'];
    return [...others, ...ofMedia];
  };
  const takeUp = async (loaded: Parameters<Reload['take']>[0]): Promise<Reloaded> => {
    if ('errors' in loaded) return { done: false, errors: loaded.errors.slice(0, TOLD_MAX).map(formatError) };
    const needed = needsRestart(loaded.config);
    if (needed.length > 0) return { done: false, needsRestart: needed };
    const changed = await uplinks.configure(loaded.config.uplinks);
    config = loaded.config;
    return { done: true, uplinks: changed };
  };
  const takeOnce = async (loaded: Parameters<Reload['take']>[0]): Promise<Reloaded> => {
    const outcome = await takeUp(loaded).catch(({ message }: Error) => ({
      done: false as const,
      errors: [`${started.file}: ${message}`],
    }));
    last = { ...outcome, number: ++number, at: new Date(time.wall()).toISOString() };
    if (outcome.done) {
      log.info({ ...outcome }, 'the config was read again');
      await noteConfig(config.file, journal, clock, log);
    } else {
      log.error({ ...outcome }, 'the changed config was refused; the gateway goes on with the one it has');
      await noteRefusedConfig(outcome, started.file, journal, clock, log);
    }
    return outcome;
  };
  return {
    take(loaded) {
      const taken = turn.then(() => takeOnce(loaded));
      turn = taken.catch(() => {});
      return taken;
    },
    last: () => last,
  };
}
