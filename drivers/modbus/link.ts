/**
 * A line that is opened anew where the other end closes it: serial servers and devices do so after each answer, when
 * they are idle, or now and then, and are no less there. It is over where it cannot be opened again at once, or where
 * it was lost after questions that nobody answered: that was an outage.
 */
import { type Host, LineError } from '../contract/driver.ts';
import { type Line, type LineConnection, lineName, openLine } from '../line.ts';

export interface Link {
  readonly name: string;
  /** Opens it where it is not. Rejects when it is over. */
  ready(): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
  /** This unit answered, or did not in its time. */
  note(unit: number, answered: boolean): void;
  /** What is on the line makes no sense any more: begins again with a new connection, where there is one. */
  drop(): void;
  /** Resolves after `close`; rejects with E_LINE_LOST. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

export interface LinkListener {
  data(chunk: Buffer): void;
  /** What was asked on it will not be answered. */
  lost(): void;
}

/** A device that has one connection at a time needs a moment to take the next. */
const REOPEN_AFTER_MS = [0, 250, 750];
/** Who let us wait so long does not refuse: it is not there. */
const SLOW_MS = 1000;
/** A connection that ended after one answer, so often in a row: we close it ourselves, before a question gets lost. */
const SINGLE_AFTER = 2;
/** One lost frame is no outage; a device that is silent and then closes was gone. */
const GONE_AFTER = 2;
/** One more than make a unit offline, so that this is told first, with its own reason. */
const SILENT_AFTER = 4;
/** Where nobody ever answered, the line is most likely good and the devices are off. */
const NEVER_HEARD_MS = 60_000;

/** A serial server that has one connection at a time takes the next, and closes it. */
const OTHER_MASTER = 'look at whether another master is connected, such as a gateway that runs';

/** `units`: all that are on it. @throws LineError E_LINE_REFUSED. */
export async function openLink(
  connection: LineConnection,
  units: readonly number[],
  host: Pick<Host, 'signal' | 'clock' | 'log' | 'tap'>,
  heard: LinkListener,
): Promise<Link> {
  const { clock, signal, log } = host;
  const name = lineName(connection);
  const canReopen = !('serial' in connection);
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => {});
  const opened = clock.elapsed();
  /** Unanswered questions in a row, by unit. */
  const missed = new Map<number, number>();
  let line: Line | undefined;
  let opening: Promise<void> | undefined;
  let failed: Error | undefined;
  let answers = 0;
  let everAnswered = false;
  let singles = 0;

  /** Whether each unit left so many questions in a row unanswered. */
  const areSilent = (times: number) => units.every((one) => (missed.get(one) ?? 0) >= times);
  const fail = (reason: string) => {
    if (failed !== undefined) return;
    failed = new LineError('E_LINE_LOST', `${name} is gone: ${reason}`);
    over.reject(failed);
    drop();
  };
  const attach = async () => {
    const own: Line = await openLine(connection, host, (chunk) => {
      if (line === own) heard.data(chunk);
    });
    if (failed !== undefined) return await own.close();
    line = own;
    answers = 0;
    own.ended.catch((error: Error) => onEnded(own, error));
  };
  const onEnded = (which: Line, error: Error) => {
    if (line !== which) return;
    line = undefined;
    singles = answers === 1 ? singles + 1 : 0;
    const ended = error.message.replace(`${name} is gone: `, '');
    const reason =
      everAnswered || !canReopen ? ended : `${ended}, and nothing was ever answered; ${OTHER_MASTER}`;
    if (!canReopen || areSilent(GONE_AFTER)) fail(reason);
    else {
      log.debug({ line: name }, `${reason}; it is opened anew`);
      heard.lost();
    }
  };
  function drop() {
    const gone = line;
    line = undefined;
    void gone?.close();
    if (gone !== undefined) heard.lost();
  }
  const reopen = async () => {
    let reason = '';
    for (const waitMs of REOPEN_AFTER_MS) {
      if (waitMs > 0) await clock.wait(waitMs, signal);
      const from = clock.elapsed();
      const refused = await attach().then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (refused === undefined) return;
      reason = refused;
      if (clock.elapsed() - from > SLOW_MS || signal.aborted) break;
    }
    fail(reason);
  };

  await attach();
  return {
    name,
    ended: over.promise,
    async ready() {
      if (line === undefined && failed === undefined) {
        opening ??= reopen().finally(() => {
          opening = undefined;
        });
        await opening;
      }
      if (failed !== undefined) throw failed;
    },
    write: (bytes) => line?.write(bytes) ?? Promise.reject(new LineError('E_LINE_LOST', `${name} is gone`)),
    note(unit, answered) {
      if (answered) {
        missed.clear();
        answers++;
        everAnswered = true;
        if (singles >= SINGLE_AFTER && canReopen) drop();
        return;
      }
      missed.set(unit, (missed.get(unit) ?? 0) + 1);
      if (canReopen && areSilent(SILENT_AFTER) && (everAnswered || clock.elapsed() - opened > NEVER_HEARD_MS))
        fail(units.length === 1 ? 'its device does not answer' : 'none of its devices answers');
    },
    drop() {
      if (canReopen) drop();
    },
    async close() {
      const gone = line;
      failed ??= new LineError('E_LINE_LOST', `${name} is gone: it was closed`);
      line = undefined;
      await gone?.close();
      heard.lost();
      over.resolve();
    },
  };
}
