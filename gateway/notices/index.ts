/**
 * Warnings to the school: what a platform broadcasts is kept, shown on signs, sent to the school's own systems over
 * HTTP, sounded by rules (`notice.received`), and both "shown" and "read, by whom" go back as events.
 *
 * A notice is a command (`warn`) that the platform leaves retained on `{prefix}/notice/{id}`: a gateway that was away
 * gets it, and its id makes sure that it rings once. It is a state of the journal until it ends: after a restart it
 * is on the signs again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { NoticesConfig } from '../../config/schema.ts';
import { type Log, wrongArgument } from '../../drivers/contract/driver.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Commands, Result, Task } from '../commands/index.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Recorder } from '../road/recorder.ts';

export interface Notice {
  readonly id: string;
  readonly severity: 'info' | 'warning' | 'emergency';
  readonly text: string;
  /** RFC 3339. */
  readonly validUntil: string;
  /** Where it is about; the whole campus where there is none. */
  readonly area?: string | undefined;
}

export interface Notices {
  /** `warn`, `end-notice`, `read`; undefined: it is none of them. */
  execute(task: Task): Promise<Result> | undefined;
  /** Those that are valid now. */
  list(): readonly Notice[];
  /** Somebody at the school read it. False: there is no such notice. @throws JournalError. */
  read(id: string, by: string): Promise<boolean>;
  /** Takes up what the journal knows. */
  start(): void;
  close(): void;
}

const warnSchema = z.strictObject({
  severity: z.enum(['info', 'warning', 'emergency']),
  text: z.string().min(1).max(500),
  validUntil: z.iso.datetime({ offset: true }),
  area: z.string().max(100).optional(),
});
const endSchema = z.strictObject({ notice: z.string() });
const readSchema = z.strictObject({ notice: z.string(), by: z.string().min(1).max(100) });
const HTTP_TIMEOUT_MS = 5000;
const SHOW_MAX_S = 86_400 * 31;
/** A sign or a server that is not there may come. */
const AGAIN_MS = [2000, 10_000, 60_000, 600_000];
const LOOK_EVERY_MS = 60_000;

export function createNotices(options: {
  readonly config: NoticesConfig;
  readonly recorder: Pick<Recorder, 'record' | 'recordOwn' | 'states'>;
  readonly commands: () => Pick<Commands, 'act'>;
  readonly clock: Pick<WallClock, 'now' | 'onStep'>;
  readonly log: Log;
}): Notices {
  const { config, recorder, commands, clock, log } = options;
  const over = new AbortController();
  const { signal } = over;

  const about = (id: string, state: Observation['state'], more: Partial<Observation> = {}): Observation => ({
    device: 'gateway',
    kind: 'notice',
    state,
    ...more,
    details: { part: id, ...more.details },
  });
  const known = (): Notice[] =>
    [...recorder.states.values()].flatMap(({ raised, event }) => {
      if (!raised || event.data['kind'] !== 'notice') return [];
      const { text, details } = event.data as {
        text: string;
        details: Omit<Notice, 'id' | 'text'> & { part: string };
      };
      const { part, severity, validUntil, area } = details;
      return [{ id: part, severity, text, validUntil, area }];
    });
  const valid = ({ validUntil }: Notice) => Date.parse(validUntil) > clock.now();

  const tellShown = (id: string, where: string, { done, reason }: Result) => {
    log.info({ notice: id, where, done, reason }, 'a notice was shown');
    void recorder.recordOwn('notice.shown', {
      notice: id,
      where,
      done,
      ...(reason !== undefined && { reason }),
    });
  };
  /** Tries, tells, and tries again in a while where it failed; the first answer is the one that is given. */
  const show = async (notice: Notice, where: string, attempt: () => Promise<Result>): Promise<boolean> => {
    const first = await attempt();
    tellShown(notice.id, where, first);
    if (!first.done)
      void (async () => {
        for (const wait of AGAIN_MS) {
          await delay(wait, undefined, { signal });
          if (!valid(notice)) return;
          const result = await attempt();
          if (result.done) return tellShown(notice.id, where, result);
        }
      })().catch(() => {});
    return first.done;
  };
  const showOn = (notice: Notice, target: string) =>
    show(notice, target, () => {
      const seconds = Math.round((Date.parse(notice.validUntil) - clock.now()) / 1000);
      const wanted = { text: notice.text, for: Math.min(Math.max(seconds, 1), SHOW_MAX_S) };
      return commands().act({ target, action: 'show', arguments: wanted }, 'notice', notice.id);
    });
  const post = (notice: Notice, url: string) =>
    show(notice, url, () =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(notice),
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(HTTP_TIMEOUT_MS)]),
      }).then(
        ({ ok, status }): Result => (ok ? { done: true } : { done: false, reason: `it answers ${status}` }),
        (error: Error): Result => ({
          done: false,
          reason: (error.cause as Error | undefined)?.message ?? error.message,
        }),
      ),
    );

  const warn = async (task: Task): Promise<Result> => {
    const parsed = warnSchema.safeParse(task.arguments);
    if (!parsed.success) {
      return { done: false, reason: wrongArgument(parsed.error) };
    }
    const notice: Notice = { id: task.id, ...parsed.data };
    if (!valid(notice)) return { done: false, reason: `it was valid until ${notice.validUntil}` };
    const { severity, validUntil, area } = notice;
    const details = { severity, validUntil, ...(area !== undefined && { area }) };
    await recorder.record(about(notice.id, 'raised', { text: notice.text, details }));
    const places = [...config.show, ...config.http.map(({ url }) => url)];
    const shown = await Promise.all([
      ...config.show.map((target) => showOn(notice, target)),
      ...config.http.map(({ url }) => post(notice, url)),
    ]);
    return { done: true, result: { shown: places.filter((_, i) => shown[i] === true) } };
  };

  const read = async (id: string, by: string): Promise<boolean> => {
    const notice = known().find((one) => one.id === id);
    if (notice === undefined) return false;
    await recorder.recordOwn('notice.read', { notice: id, by });
    return true;
  };

  /** Ends what is not valid any more. */
  const look = () => {
    for (const notice of known())
      if (!valid(notice)) recorder.record(about(notice.id, 'restored')).catch(() => {});
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  clock.onStep(look);

  /** The platform takes it back. */
  const end = async (task: Task): Promise<Result> => {
    const parsed = endSchema.safeParse(task.arguments);
    if (!parsed.success) return { done: false, reason: 'arguments: `notice` is needed' };
    const { notice: id } = parsed.data;
    if (!known().some((one) => one.id === id)) return { done: false, reason: `there is no notice ${id}` };
    await recorder.record(about(id, 'restored'));
    const left = known().filter(valid);
    for (const target of config.show) {
      // What is still valid is shown instead.
      const next = left.at(-1);
      if (next !== undefined) void showOn(next, target);
      else void commands().act({ target, action: 'clear', arguments: {} }, 'notice', id);
    }
    return { done: true };
  };

  return {
    execute(task) {
      if (task.action === 'warn') return warn(task);
      if (task.action === 'end-notice') return end(task);
      if (task.action !== 'read') return undefined;
      const parsed = readSchema.safeParse(task.arguments);
      if (!parsed.success)
        return Promise.resolve({ done: false, reason: 'arguments: `notice` and `by` are needed' });
      const { notice, by } = parsed.data;
      return read(notice, by).then((done) =>
        done ? { done } : { done, reason: `there is no notice ${notice}` },
      );
    },
    list: () => known().filter(valid),
    read,
    start() {
      look();
      for (const notice of known()) {
        if (!valid(notice)) continue;
        for (const target of config.show) void showOn(notice, target);
      }
    },
    close() {
      over.abort();
      clearInterval(timer);
    },
  };
}
