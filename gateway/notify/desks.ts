/**
 * One desk a contact: gives it what is due, one message at a time. What waits together goes as one message, so that a night
 * of alarms is no hundred of them; what fails is tried again after a back-off.
 */
import type { ContactConfig } from '../../config/sections/contacts.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { createBackOff } from '../lifecycle/back-off.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Entry } from './entry.ts';

/** Times: RFC 3339. */
export interface DeskState {
  /** How many are due and not told. */
  readonly waiting: number;
  readonly toldAt?: string | undefined;
  /** Since when, and why, nothing gets there. */
  readonly failingSince?: string | undefined;
  readonly reason?: string | undefined;
}

export interface DesksOptions {
  readonly contacts: readonly ContactConfig[];
  /** What a contact is to be told now, the most urgent first. */
  readonly due: (contact: string) => readonly Entry[];
  /** @returns how many of them, the first ones, found room in the message. @throws Error with a sentence where it was not taken. */
  readonly send: (contact: ContactConfig, entries: readonly Entry[]) => Promise<number>;
  /** Why a file of it cannot be read; undefined: each can. */
  readonly unreadable: (contact: ContactConfig) => Promise<string | undefined>;
  readonly told: (entry: Entry) => void;
  readonly failed: (entry: Entry, reason: string) => void;
  readonly metrics: Pick<Metrics, 'notifyWaiting'>;
  readonly time: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Robots of WeCom and DingTalk take 20 messages a minute and shut out who sends more. */
const PACE_MS = 3000;
/** In one message, as far as WeCom's 2048 bytes hold them (text.ts). */
const TOGETHER_MAX = 8;
const BACKOFF = { firstMs: 4000, mostMs: 300_000 };
/** Contacts that are told at the same moment: a name that is not resolved holds one of libuv's four threads. */
const AT_ONCE_MAX = 2;

interface Desk {
  readonly contact: ContactConfig;
  readonly backOff: ReturnType<typeof createBackOff>;
  working: Promise<void> | undefined;
  toldAt?: string;
  failingSince?: string | undefined;
  reason?: string | undefined;
  /** Since when, and why, its secrets cannot be read, whether there is something to tell or not. */
  closed?: { readonly since: string; readonly why: string } | undefined;
}

export function createDesks(options: DesksOptions) {
  const { contacts, due, time, metrics, signal, log } = options;
  const bursts = burstLog(log, time);
  const take = createTurns(AT_ONCE_MAX);
  const desks = contacts.map(
    (contact): Desk => ({ contact, backOff: createBackOff(BACKOFF, time), working: undefined }),
  );
  const now = () => new Date(time.wall()).toISOString();

  const tellOnce = async (desk: Desk, entries: readonly Entry[]): Promise<number> => {
    const { contact, backOff } = desk;
    const giveBack = await take();
    let told: number;
    try {
      if (signal.aborted) return 0;
      told = await options.send(contact, entries);
    } catch (error) {
      if (signal.aborted) return 0;
      const reason = (error as Error).message;
      desk.failingSince ??= now();
      desk.reason = reason;
      bursts.warn(contact.id, { contact: contact.id, by: contact.by, reason }, 'a contact cannot be told');
      for (const entry of entries) options.failed(entry, reason);
      return backOff.nextMs();
    } finally {
      giveBack();
    }
    backOff.reset();
    desk.toldAt = now();
    desk.failingSince = undefined;
    desk.reason = undefined;
    desk.closed = undefined;
    for (const entry of entries.slice(0, told)) options.told(entry);
    return contact.by === 'webhook' || contact.by === 'mail' ? 0 : PACE_MS;
  };
  const work = async (desk: Desk) => {
    // A webhook gets each by itself: its id says which try it is of.
    const most = desk.contact.by === 'webhook' ? 1 : TOGETHER_MAX;
    for (;;) {
      const waiting = due(desk.contact.id);
      metrics.notifyWaiting.set({ contact: desk.contact.id }, waiting.length);
      if (waiting.length === 0 || signal.aborted) return;
      await time.wait(await tellOnce(desk, waiting.slice(0, most)), signal);
    }
  };
  return {
    /** Begins to tell what is due, where that is not done already. */
    look() {
      for (const desk of desks) {
        if (desk.working !== undefined || signal.aborted || due(desk.contact.id).length === 0) continue;
        desk.working = work(desk)
          .catch((error: Error) => log.error({ error: error.message }, 'a contact could not be looked after'))
          .finally(() => {
            desk.working = undefined;
          });
      }
    },
    /** Whether what each contact is told with can be read: better known before the first alarm than by it. */
    async lookAtSecrets() {
      for (const desk of desks) {
        const why = await options.unreadable(desk.contact);
        const isNew = why !== undefined && desk.closed === undefined && desk.failingSince === undefined;
        desk.closed = why === undefined ? undefined : { since: desk.closed?.since ?? now(), why };
        const { id, by } = desk.contact;
        if (isNew) log.error({ contact: id, by, reason: why }, 'a contact cannot be told: mend its file');
      }
    },
    states: (): Readonly<Record<string, DeskState>> =>
      Object.fromEntries(
        desks.map(({ contact, toldAt, failingSince, reason, closed }) => [
          contact.id,
          {
            ...{ waiting: due(contact.id).length, toldAt },
            ...{ failingSince: failingSince ?? closed?.since, reason: reason ?? closed?.why },
          },
        ]),
      ),
    async close() {
      await Promise.all(desks.map(({ working }) => working));
      bursts.close();
    },
  };
}

/** Lets so many in at once, in the order in which they came. @returns what gives the turn back. */
function createTurns(most: number): () => Promise<() => void> {
  let busy = 0;
  const waiting: (() => void)[] = [];
  const giveBack = () => {
    busy--;
    waiting.shift()?.();
  };
  return async () => {
    if (busy >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    busy++;
    return giveBack;
  };
}
