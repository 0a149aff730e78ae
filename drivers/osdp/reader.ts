/** One reader on its line: what becomes of its turn, when its next one is, and whether it is there. */
import type { Command, Host, Outcome } from '../contract/driver.ts';
import { commands, replies } from './codec.ts';
import { idOf, lacksOf, type Order } from './data.ts';
import type { Exchange } from './exchange.ts';
import type { Reader } from './options.ts';
import { createOrders, type Orders } from './orders.ts';
import { createReports, type Reports } from './reports.ts';
import { isDefaultKey } from './secure.ts';
import { createSession, type ReaderSession, type Refusal, refusalWords } from './session.ts';

/** 5.7: one that is silent for 8 s is offline. */
const OFFLINE_MS = 8000;
/** From the start of one turn of a reader to its next. */
export const TURN_MS = 50;
/** How soon a reader is looked at again whose word is on its way to the disk. */
const STORING_MS = 2;
const BACKOFF_MAX_MS = 2000;

export interface LineReader {
  readonly id: string;
  /** When its turn is, `elapsed`. Not before what it told is on disk. */
  turnAt(now: number): number;
  /** Asks it one thing, or greets it. Never rejects. */
  takeTurn(): Promise<void>;
  /** It is offline when it has been silent for too long. */
  checkSilence(now: number): void;
  execute(command: Command): Promise<Outcome>;
  /** Its line is gone: nothing waits any more. */
  close(): void;
}

const plain = (code: number, ...data: number[]): Order => ({ code, data: Buffer.from(data) });

/** `key`: of its secure channel; undefined: it is asked in clear. `signal`: the session of the line ends. */
export function createReader(
  reader: Reader,
  key: Buffer | undefined,
  exchange: Exchange,
  host: Host,
  signal: AbortSignal,
): LineReader {
  const { clock } = host;
  const { id } = reader;
  const session = createSession(reader, key, exchange, host, signal);
  const reports = createReports(reader, host);
  const orders = createOrders(reader, clock);
  const presence = createPresence(reader, host);
  let nextAt = 0;
  let misses = 0;
  /** What it told is on its way to the disk. */
  let storing = false;
  /** It told something, and may have more to tell. */
  let telling = false;

  const poll = async (): Promise<boolean> => {
    const got = await session.ask(plain(commands.POLL));
    if (got === undefined) return false;
    // The others do not wait for the disk with this one; its own next question does.
    storing = true;
    telling = got.code !== replies.ACK;
    void reports
      .reply(got)
      .catch(() => {})
      .finally(() => {
        storing = false;
      });
    return true;
  };
  const askOne = async (): Promise<boolean> =>
    session.greeted
      ? await (orders.carryOut(session.ask) ?? poll())
      : await greetReader({ reader, key, session, reports, orders, known: presence.online === true, host });
  const schedule = (heard: boolean, begun: number) => {
    const now = clock.elapsed();
    misses = heard ? 0 : misses + 1;
    if (!heard) nextAt = now + Math.min(BACKOFF_MAX_MS, TURN_MS * 2 ** misses);
    // Others who have waited longer go first all the same.
    else nextAt = telling || orders.waiting ? now : begun + TURN_MS;
  };

  return {
    id,
    turnAt: (now) => (storing ? now + STORING_MS : nextAt),
    async takeTurn() {
      const begun = clock.elapsed();
      const heard = await askOne().catch((error: Error) => {
        host.log.warn({ device: id, error: error.message }, 'a turn of a reader failed');
        return false;
      });
      if (signal.aborted) return;
      if (heard) {
        reports.keyFault(key !== undefined && isDefaultKey(key) ? 'default-key' : undefined);
        presence.heard();
      } else if (session.refusal !== undefined) reports.keyFault(session.refusal);
      schedule(heard, begun);
    },
    checkSilence(now) {
      if (presence.noteSilence(now, session.refusal)) orders.drop();
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
      nextAt = Math.min(nextAt, clock.elapsed());
      return await orders.place(wanted);
    },
    close() {
      presence.close();
      orders.drop();
    },
  };
}

/** Whether a reader answers. */
function createPresence({ id, options: { address } }: Reader, host: Host) {
  let heardAt = host.clock.elapsed();
  /** undefined: not known yet. */
  let online: boolean | undefined;
  const pauses = host.clock.onPause(() => {
    heardAt = host.clock.elapsed();
  });
  return {
    get online() {
      return online;
    },
    close: pauses.stop,
    heard() {
      heardAt = host.clock.elapsed();
      online = true;
      host.link(id, 'online');
    },
    /** True: it is offline from now on. `refusal`: it answers, and cannot be spoken with. */
    noteSilence(now: number, refusal: Refusal | undefined): boolean {
      if (now - heardAt < OFFLINE_MS || online === false) return false;
      online = false;
      const why = refusal === undefined ? 'does not answer' : refusalWords[refusal];
      host.link(id, 'offline', `address ${address}: ${why}`);
      return true;
    },
  };
}

/** What is asked once of a reader that came, or came back. False: not now. */
async function greetReader(context: {
  readonly reader: Reader;
  readonly key: Buffer | undefined;
  readonly session: ReaderSession;
  readonly reports: Reports;
  readonly orders: Orders;
  /** It was there all the time, and is no news. */
  readonly known: boolean;
  readonly host: Host;
}): Promise<boolean> {
  const { reader, key, session, reports, orders, known, host } = context;
  if (key === undefined) {
    const first = await session.ask(plain(commands.POLL));
    if (first === undefined) return false;
    // It may tell at once what it could not tell before.
    await reports.reply(first);
  } else if (!(await session.secure())) return false;
  // A question without an answer ends all of it: what comes after it would be asked outside the session.
  const id = await session.ask(plain(commands.ID, 0));
  if (id === undefined) return false;
  const about = id.code === replies.PDID ? idOf(id.data) : undefined;
  if (about !== undefined && !known)
    host.log.info({ device: reader.id, ...about }, 'a reader told who it is');
  const abilities = await session.ask(plain(commands.CAP, 0));
  if (abilities === undefined) return false;
  if (abilities.code === replies.PDCAP) orders.lacks(lacksOf(abilities.data));
  const status = await session.ask(plain(commands.LSTAT));
  if (status === undefined) return false;
  if (status.code === replies.LSTATR) await reports.local(status.data, true);
  if (reader.options.inputs.length > 0) {
    const inputs = await session.ask(plain(commands.ISTAT));
    if (inputs === undefined) return false;
    if (inputs.code === replies.ISTATR) await reports.inputs(inputs.data, true);
  }
  for (const order of orders.settled()) if ((await session.ask(order)) === undefined) return false;
  session.greeted = true;
  return true;
}
