/** Shows a notice where the config says: on signs, and to the school's own systems over HTTP. */
import type { Result } from '../../config/catalogue/actions.ts';
import type { NoticesConfig } from '../../config/sections/notices.ts';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Commands } from '../commands/index.ts';
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

const HTTP_TIMEOUT_MS = 5000;
const SHOW_MAX_S = 86_400 * 31;
/** A sign or a server that is not there may come. */
const AGAIN_MS = [2000, 10_000, 60_000, 600_000];

export function createShowing(options: {
  readonly config: NoticesConfig;
  readonly recorder: Pick<Recorder, 'recordOwn'>;
  readonly commands: Pick<Commands, 'performForRule'>;
  readonly isValid: (notice: Notice) => boolean;
  readonly now: () => number;
  readonly time: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}) {
  const { config, recorder, commands, isValid, now, time, log, signal } = options;

  const tellShown = (id: string, where: string, { done, reason }: Result) => {
    log.info({ notice: id, where, done, reason }, 'a notice was shown');
    const details = { notice: id, where, done, ...(reason !== undefined && { reason }) };
    void recorder.recordOwn('notice.shown', details);
  };
  const tryAgain = async (notice: Notice, where: string, attempt: () => Promise<Result>) => {
    for (const ms of AGAIN_MS) {
      if ((await time.wait(ms, signal)) === 'stopped' || !isValid(notice)) return;
      const result = await attempt();
      if (result.done) return tellShown(notice.id, where, result);
    }
  };
  /** Tries, tells, and tries again in a while where it failed; the first answer is the one that is given. */
  const show = async (notice: Notice, where: string, attempt: () => Promise<Result>): Promise<boolean> => {
    const first = await attempt();
    tellShown(notice.id, where, first);
    if (!first.done) void tryAgain(notice, where, attempt);
    return first.done;
  };
  const showOn = (notice: Notice, target: string) =>
    show(notice, target, () => {
      const seconds = Math.round((Date.parse(notice.validUntil) - now()) / 1000);
      const wanted = { text: notice.text, for: Math.min(Math.max(seconds, 1), SHOW_MAX_S) };
      return commands.performForRule({ target, action: 'show', arguments: wanted }, 'notice', notice.id);
    });
  const post = (notice: Notice, url: string) =>
    show(notice, url, async () => {
      const late = new AbortController();
      const asking = fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(notice),
        redirect: 'error',
        signal: AbortSignal.any([signal, late.signal]),
      });
      try {
        const { ok, status } = await within(
          asking,
          HTTP_TIMEOUT_MS,
          time,
          () => new Error('it does not answer'),
        );
        return ok ? { done: true } : { done: false, reason: `it answers ${status}` };
      } catch (error) {
        const { cause, message } = error as Error & { cause?: Error };
        return { done: false, reason: cause?.message ?? message };
      } finally {
        late.abort();
      }
    });

  return {
    /** Everywhere. @returns where it was shown at the first try. */
    async showEverywhere(notice: Notice): Promise<string[]> {
      const places = [...config.show, ...config.http.map(({ url }) => url)];
      const shown = await Promise.all([
        ...config.show.map((target) => showOn(notice, target)),
        ...config.http.map(({ url }) => post(notice, url)),
      ]);
      return places.filter((_, i) => shown[i] === true);
    },
    showOnSigns(notice: Notice) {
      for (const target of config.show) void showOn(notice, target);
    },
    clearSigns(id: string) {
      for (const target of config.show)
        void commands.performForRule({ target, action: 'clear', arguments: {} }, 'notice', id);
    },
  };
}
