/**
 * Failed logins, told in the log and the audit: the first at once, what follows as a number a minute. Whoever guesses
 * without end fills neither.
 */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';

export interface FailedLoginsContext {
  readonly journal: Pick<Journal, 'audit'>;
  readonly time: Clock;
  readonly log: Log;
}

export interface FailedLogins {
  /** `about`: the user that he said he was, where there is one. */
  note(from: string, about?: string): void;
  /** Tells what is not told yet. */
  close(): void;
}

interface Source {
  readonly from: string;
  readonly about?: string;
}

const TOGETHER_MS = 60_000;

export function createFailedLogins({ journal, time, log }: FailedLoginsContext): FailedLogins {
  let timer: Timer | undefined;
  let more = 0;
  let latest: Source = { from: '' };
  const tell = (source: Source, count: number) => {
    log.warn({ ...source, count }, 'a login to the console was refused');
    const entry = { kind: 'login', ...source, done: false, ...(count > 1 && { count }) };
    journal.audit(time.wall(), JSON.stringify(entry)).catch(() => {});
  };
  const flush = () => {
    if (more > 0) tell(latest, more);
    else {
      timer?.stop();
      timer = undefined;
    }
    more = 0;
  };
  return {
    note(from, about) {
      const source = { from, ...(about !== undefined && { about }) };
      if (timer === undefined) {
        tell(source, 1);
        timer = time.every(TOGETHER_MS, flush);
        return;
      }
      more++;
      latest = source;
    },
    close() {
      if (more > 0) flush();
      timer?.stop();
    },
  };
}
