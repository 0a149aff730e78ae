/**
 * Accounts as the gateway has them: what the file says, in memory; acts that are on disk when they resolve, and in the
 * audit as soon as the journal takes them; what the command line changes is taken up within seconds.
 *
 * A file that is none of ours is put aside and told, and the console begins anew, by a link in the log and a token
 * beside the journal, which only who is on the machine can read. One that cannot be read at all lets nobody in until it
 * can.
 */
import { z } from 'zod';
import { type Clock, type Timer, within } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';
import { type Act, type Actor, AT_START, performing } from './accounts-acts.ts';
import { type AccountsFile, type AccountsState, accountsFile, NO_ACCOUNTS } from './accounts-file.ts';

export interface AccountsContext {
  readonly journal: Pick<Journal, 'audit'>;
  readonly time: Clock;
  readonly log: Log;
}

export interface Accounts {
  readonly state: AccountsState;
  /** False: the file cannot be read, and nothing is known of anybody. */
  readonly isKnown: boolean;
  /** Resolves when it is on disk. @throws AccountsError, and then nothing has changed. */
  perform<T>(act: Act<T>, by: Actor): Promise<T>;
  /** Called after each change, whoever made it. */
  onChanged(listener: () => void): void;
  /** Resolves when nothing is being written any more. */
  close(): Promise<void>;
}

/** The end of the gateway does not wait longer for a disk that hangs. */
const PATIENCE_MS = 2000;
/** So often it is looked whether the command line has changed the file. */
const LOOK_EACH_MS = 5000;

/** The disk refused; else what it gave is no file of accounts. */
const isOfDisk = (error: unknown) => !(error instanceof SyntaxError || error instanceof z.ZodError);

/** Never rejects. */
export async function openAccounts(
  dataDir: string,
  { journal, time, log }: AccountsContext,
): Promise<Accounts> {
  const disk = accountsFile(dataDir, time);
  const listeners: (() => void)[] = [];
  let state = NO_ACCOUNTS;
  let isKnown = false;
  let mark: string | undefined;

  const take = (next: AccountsState) => {
    state = next;
    isKnown = true;
    for (const listener of listeners) listener();
  };
  const load = async () => {
    const found = await disk.mark();
    if (found === mark) return;
    mark = found;
    try {
      take(await disk.read());
    } catch (error) {
      const { message } = error as Error;
      if (isOfDisk(error)) {
        isKnown = false;
        mark = undefined;
        log.error(
          { file: disk.file, error: message },
          'the accounts cannot be read; nobody gets into the console',
        );
        return;
      }
      const aside = await disk.setAside();
      log.error({ file: aside }, 'the accounts were damaged and are put aside; they must be made anew');
      take(NO_ACCOUNTS);
    }
  };
  const tellAudit = notesToAudit(disk, journal, log, () => state.notes.length > 0, take);
  const look = once(async () => {
    await load().catch((error: Error) => log.warn({ error: error.message }, 'the accounts cannot be read'));
    await tellAudit();
  });
  await look();
  const looking: Timer = time.every(LOOK_EACH_MS, () => void look());
  return {
    get state() {
      return state;
    },
    get isKnown() {
      return isKnown;
    },
    async perform(act, by) {
      const { result, accounts } = await disk.change(performing(act, by, time.wall()));
      take(accounts);
      if (by.from !== AT_START)
        log.info({ ...act.note, user: by.name, from: by.from }, 'the accounts of the console were changed');
      void look();
      return result;
    },
    onChanged: (listener) => void listeners.push(listener),
    async close() {
      looking.stop();
      await within(look.running(), PATIENCE_MS, time, () => new Error('late')).catch(() => {});
    },
  };
}

/** One at a time; all who come meanwhile have one more round together. */
function once(work: () => Promise<void>) {
  let running: Promise<void> | undefined;
  let isWanted = false;
  const run = async () => {
    do {
      isWanted = false;
      await work();
    } while (isWanted);
    running = undefined;
  };
  const begin = () => {
    isWanted = true;
    running ??= run();
    return running;
  };
  return Object.assign(begin, { running: async () => running });
}

/** What stands in the file for the audit goes there, once, and then out of the file. A crash in between tells it twice. */
function notesToAudit(
  disk: AccountsFile,
  journal: Pick<Journal, 'audit'>,
  log: Log,
  isNeeded: () => boolean,
  take: (accounts: AccountsState) => void,
) {
  const told = new Set<string>();
  return async () => {
    if (!isNeeded()) return;
    try {
      const { notes } = await disk.read();
      for (const { id, at, body } of notes) {
        if (!told.has(id)) await journal.audit(at, JSON.stringify(body));
        told.add(id);
      }
      const { accounts } = await disk.change((draft) => {
        draft.notes = draft.notes.filter(({ id }) => !told.has(id));
      });
      told.clear();
      take(accounts);
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'a change of the accounts is not in the audit yet');
    }
  };
}
