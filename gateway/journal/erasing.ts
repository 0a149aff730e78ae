/**
 * Takes a person out of the file, step by step, so that appends pass between the steps.
 *
 *   rows -> events -> the WAL into the file -> is anything left in its bytes? -> then all of it is written anew
 *
 * What is erased is overwritten in its place, but an older version did not do so, and SQLite may have copied a row into
 * another page before. Writing all anew (VACUUM) makes appends wait for as long as it takes; alarms leave from memory
 * meanwhile. So it is done only where the bytes say that it must be.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Backing } from './backing.ts';
import type { Person } from './erasure.ts';

export interface ErasedPerson {
  readonly events: number;
  /** References of pictures that were of them alone. */
  readonly pictures: readonly string[];
  /** Files of the journal in which something of them may stand still. */
  readonly left: readonly string[];
}

/** Events that a step looks at; appends wait for one step at most. */
const ERASE_STEP = 200;
/** Of very many texts some are enough to find pages that were not cleaned. */
const TRACES_MAX = 50;
/** Another program that reads the file keeps the WAL from being emptied. */
const CHECKPOINT_TRIES = 5;
const CHECKPOINT_AGAIN_MS = 250;

/** `ask`: each question is watched, so that how the disk is is known. @throws JournalError: begin again. */
export async function erasePerson(
  ask: Backing['ask'],
  person: Person,
  onStep: (looked: number) => void,
  { time, log }: { readonly time: Clock; readonly log: Log },
): Promise<ErasedPerson> {
  const rows = await ask('eraseRows', person);
  const whole = { ...person, cards: rows.cards };
  const pictures: string[] = [];
  const traces = new Set(rows.traces);
  let events = 0;
  for (let after = 0; ; ) {
    const done = await ask('erase', { person: whole, after, limit: ERASE_STEP });
    events += done.events;
    pictures.push(...done.pictures);
    for (const trace of done.traces) if (traces.size < TRACES_MAX) traces.add(trace);
    onStep(done.looked);
    if (done.looked < ERASE_STEP) break;
    after = done.last;
  }
  const emptyWal = async () => {
    for (let tries = 0; tries < CHECKPOINT_TRIES; tries++) {
      if (await ask('checkpoint')) return [];
      await time.wait(CHECKPOINT_AGAIN_MS);
    }
    log.warn({}, 'what was erased stands in the WAL until the program that reads the journal ends');
    return ['journal.sqlite-wal'];
  };
  const isLeft = async () => {
    for (let from: number | undefined = 0; from !== undefined; ) {
      const { found, next }: { found: boolean; next?: number } = await ask('look', [...traces], from);
      if (found) return true;
      from = next;
    }
    return false;
  };
  let left: readonly string[] = await emptyWal();
  if (await isLeft()) {
    log.info({}, 'old pages of the journal name who was erased: the file is written anew');
    try {
      await ask('compact');
      left = await emptyWal();
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'the journal could not be written anew');
      left = [...left, 'journal.sqlite'];
    }
  }
  return { events, pictures, left };
}
