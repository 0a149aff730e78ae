/** What is asked once of a reader that came, or came back. */
import type { Host } from '../contract/driver.ts';
import { commands, type OsdpFrame, replies } from './codec.ts';
import { checksOf, idOf, lacksOf, type Order } from './data.ts';
import type { Reader } from './options.ts';
import type { Orders } from './orders.ts';
import type { Presence } from './presence.ts';
import { type Reports, tells } from './reports.ts';
import type { ReaderSession } from './session.ts';

export const plain = (code: number, ...data: number[]): Order => ({ code, data: Buffer.from(data) });

const statuses: ReadonlySet<number> = new Set([commands.LSTAT, commands.RSTAT, commands.ISTAT]);

export interface Greeting {
  readonly reader: Reader;
  readonly key: Buffer | undefined;
  readonly session: ReaderSession;
  readonly reports: Reports;
  readonly orders: Orders;
  readonly presence: Pick<Presence, 'online' | 'alive'>;
  readonly host: Host;
  /** When it begins, `elapsed`. */
  readonly due: number;
  /** The disk refused what it told: it is asked for that again. */
  readonly untold: () => void;
}
type AskNow = (order: Order, at?: number) => Promise<OsdpFrame | undefined>;

/**
 * Each question is a turn of its own: the others on the line go on. False: not now; a question without an answer ends
 * all of it, for what comes after it would be asked outside the session.
 */
export async function greetReader(greeting: Greeting): Promise<boolean> {
  const { reader, key, session, orders, presence, host, due } = greeting;
  // One that was there all the time is no news.
  const known = presence.online === true;
  const ask = asking(greeting);
  if (key === undefined) {
    // It may tell at once what it could not tell before.
    if ((await ask(plain(commands.POLL), due)) === undefined) return false;
  } else if (!(await session.secure(due))) return false;
  const id = await ask(plain(commands.ID, 0));
  if (id === undefined) return false;
  const about = id.code === replies.PDID ? idOf(id.data) : undefined;
  if (about !== undefined && !known)
    host.log.info({ device: reader.id, ...about }, 'a reader told who it is');
  if (about !== undefined) {
    const { vendor: maker, ...is } = about;
    host.about?.(reader.id, { maker, ...is });
  }
  const abilities = await ask(plain(commands.CAP, 0));
  if (abilities === undefined) return false;
  if (abilities.code === replies.PDCAP) {
    orders.lacks(lacksOf(abilities.data));
    const checks = checksOf(abilities.data);
    if (checks !== undefined) session.knowsChecks(checks);
  }
  if (!(await askStatus(greeting))) return false;
  for (const order of orders.settled()) if ((await ask(order)) === undefined) return false;
  session.greeted = true;
  return true;
}

function asking({ session, presence, reports, host, untold }: Greeting): AskNow {
  return async (order, at = host.clock.elapsed()) => {
    const got = await session.ask(() => order, at);
    if (got === undefined) return undefined;
    presence.alive();
    // The first poll is one of them; a status is told as found, below.
    if (tells(got) && !statuses.has(order.code)) await reports.reply(got).catch(untold);
    return got;
  };
}

/** How it is just now. False: not now. */
export async function askStatus(greeting: Greeting): Promise<boolean> {
  const { reader, reports, untold } = greeting;
  const ask = asking(greeting);
  const local = await ask(plain(commands.LSTAT));
  if (local === undefined) return false;
  if (local.code === replies.LSTATR) await reports.local(local.data, true).catch(untold);
  const attached = await ask(plain(commands.RSTAT));
  if (attached === undefined) return false;
  if (attached.code === replies.RSTATR) await reports.attached(attached.data, true).catch(untold);
  if (reader.options.inputs.length === 0) return true;
  const inputs = await ask(plain(commands.ISTAT));
  if (inputs?.code === replies.ISTATR) await reports.inputs(inputs.data, true).catch(untold);
  return inputs !== undefined;
}
