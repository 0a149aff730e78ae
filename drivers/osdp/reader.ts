/** One reader on its line: what is asked of it, and when it is asked next. */
import type { Command, Host, Outcome } from '../contract/driver.ts';
import { commands, type OsdpFrame, replies } from './codec.ts';
import { askStatus, greetReader, plain } from './greeting.ts';
import type { Reader } from './options.ts';
import { createOrders, type Placed } from './orders.ts';
import { createPresence } from './presence.ts';
import { createReports, tells } from './reports.ts';
import { isDefaultKey } from './secure.ts';
import { createSession } from './session.ts';
import { backOff, TURN_MS, type Turns } from './turns.ts';

export interface LineReader {
  readonly id: string;
  /** Greets, polls and tells until the signal aborts. Never rejects. */
  run(): Promise<void>;
  execute(command: Command): Promise<Outcome>;
  /** Its line is gone: nothing waits any more. */
  close(): void;
}

/** Some tell of their power with each poll. */
const RENEW_MS = 10_000;
/** After a mistake of ours, or where the line or the disk is gone, so long. */
const FAILED_MS = 1000;

/** `key`: of its secure channel; undefined: it is asked in clear. `signal`: the session of the line ends. */
export function createReader(
  reader: Reader,
  key: Buffer | undefined,
  turns: Turns,
  host: Host,
  signal: AbortSignal,
): LineReader {
  const { clock } = host;
  const { id } = reader;
  const seat = turns.seat(reader.options.answerTime);
  const session = createSession(reader, key, seat, host, signal);
  const reports = createReports(reader, host);
  const orders = createOrders(reader, clock);
  const presence = createPresence(reader, host, (now) => {
    if (!presence.noteSilence(now, session.refusal)) return;
    session.forget();
    orders.drop();
  });

  /** When it is asked again for what it told and the disk refused, `elapsed`. */
  let untoldAt = Number.POSITIVE_INFINITY;
  const untold = () => {
    untoldAt = clock.elapsed() + FAILED_MS;
  };
  const heard = () => {
    reports.keyFault(key !== undefined && isDefaultKey(key) ? 'default-key' : undefined);
    presence.heard();
  };
  const context = { reader, key, session, reports, orders, presence, host, untold };

  const poll = plain(commands.POLL);
  /** When it was told last how it should be. */
  let settledAt = 0;
  /** One question, an order or a poll. Resolves to when the next one is due. */
  const askOne = async (due: number): Promise<number> => {
    let placed: Placed | undefined;
    let got: OsdpFrame | undefined;
    const choose = () => {
      placed = orders.take();
      return placed?.order ?? poll;
    };
    try {
      got = await session.ask(choose, due);
    } finally {
      placed?.settle(got);
    }
    const { askedAt } = seat;
    if (got === undefined) return clock.elapsed() + backOff(seat.misses);
    heard();
    // So tells a reader that has lost its power, or got it back, and it does not keep its lights over that.
    if (placed === undefined && got.code === replies.LSTATR && clock.elapsed() - settledAt > RENEW_MS) {
      settledAt = clock.elapsed();
      orders.renew();
    }
    // The others do not wait for the disk with this one; its own next question does.
    if (placed === undefined || tells(got)) await reports.reply(got).catch(untold);
    // It told something, and may have more to tell. Others who have waited longer go first all the same.
    const more = got.code !== replies.ACK || orders.waiting;
    return more ? clock.elapsed() : askedAt + TURN_MS;
  };
  /** Greetings in a row that failed though it answered. */
  let failures = 0;
  const greet = async (due: number): Promise<number> => {
    const greeted = await greetReader({ ...context, due });
    const now = clock.elapsed();
    if (greeted) {
      failures = 0;
      settledAt = now;
      heard();
      return now;
    }
    if (signal.aborted) return now;
    failures++;
    if (session.refusal !== undefined) reports.keyFault(session.refusal);
    return now + backOff(Math.max(failures, seat.misses));
  };

  signal.addEventListener('abort', seat.leave, { once: true });
  return {
    id,
    async run() {
      let due = clock.elapsed();
      while (!signal.aborted) {
        try {
          if (session.greeted && clock.elapsed() >= untoldAt) {
            untoldAt = Number.POSITIVE_INFINITY;
            await askStatus({ ...context, due });
          }
          due = session.greeted ? await askOne(due) : await greet(due);
        } catch (error) {
          host.log.warn({ device: id, error: (error as Error).message }, 'a turn of a reader failed');
          await clock.wait(FAILED_MS, signal);
        }
      }
    },
    async execute(command) {
      const wanted = orders.read(command);
      if (typeof wanted === 'string') return { done: false, reason: wanted };
      if (command.action === 'set-key' && key === undefined)
        return { done: false, reason: 'a key is only sent over the secure channel' };
      if (presence.online !== true) {
        orders.refuse(wanted);
        return { done: false, reason: `${id} does not answer` };
      }
      const outcome = orders.place(wanted);
      seat.hurry();
      return await outcome;
    },
    close() {
      presence.close();
      orders.drop();
    },
  };
}
