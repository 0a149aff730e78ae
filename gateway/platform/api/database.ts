/** Reading where the database may be away, or hang: who asks is told so in time, and the log once a burst. */
import { type Clock, within } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import { burstLog } from '../../observe/log.ts';
import type { Reads } from '../views.ts';

/** Nobody waits longer for an answer; for one over all events longer than the database takes before it ends it itself. */
const PATIENCE_MS = 10_000;
const LONG_PATIENCE_MS = 20_000;

/** Answered as 503, `failed`. */
export class DatabaseError extends Error {
  readonly code = 'E_DATABASE';
  readonly statusCode = 503;
}

export interface PatientReads extends Omit<Reads, 'follow'> {
  close(): void;
}

/** The same reads; each rejects with DatabaseError. */
export function patientReads(reads: Reads, { time, log }: { time: Clock; log: Log }): PatientReads {
  const bursts = burstLog(log, time);
  const patient =
    <Args extends readonly unknown[], T>(
      name: string,
      read: (...args: Args) => Promise<T>,
      ms = PATIENCE_MS,
    ) =>
    async (...args: Args): Promise<T> => {
      try {
        return await within(read(...args), ms, time, () => new Error('it does not answer'));
      } catch (error) {
        const { message } = error as Error;
        bursts.warn('database', { asked: name, error: message }, 'the database could not be read');
        throw new DatabaseError(message, { cause: error });
      }
    };
  return {
    overview: patient('overview', () => reads.overview()),
    campuses: patient('campuses', (of) => reads.campuses(of)),
    campus: patient('campus', (id) => reads.campus(id)),
    alarms: patient('alarms', (query) => reads.alarms(query)),
    alarm: patient('alarm', (id, campus) => reads.alarm(id, campus)),
    events: patient('events', (query) => reads.events(query), LONG_PATIENCE_MS),
    latency: patient('latency', (of) => reads.latency(of), LONG_PATIENCE_MS),
    desk: patient('desk', (act) => reads.desk(act)),
    audits: patient('audits', (query) => reads.audits(query), LONG_PATIENCE_MS),
    audit: patient('audit', (at, body) => reads.audit(at, body)),
    close: () => bursts.close(),
  };
}
