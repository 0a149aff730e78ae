/**
 * Sessions: a password, or a token, is exchanged for a cookie. They outlive a restart: a screen at a gate must come back
 * by itself after a power cut. The disk has hashes of the cookies, so that who reads it gets into no session.
 *
 * A session is as good as what it was had by: with another password, another role, a token that is withdrawn, or a user
 * who is removed, it is over, and what it shows ends.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Accounts } from './accounts.ts';
import { hasAdministrator, LOCAL_NAME, nameOfToken } from './accounts-acts.ts';
import { hashOfSecret } from './accounts-file.ts';
import { type KeptSession, keptSessions, type Subject } from './kept-sessions.ts';
import type { Role } from './rights.ts';
import { isOver } from './tokens.ts';

export interface Session {
  /** Names it in lists; no secret. */
  readonly id: string;
  /** As in events and in the audit. */
  readonly name: string;
  readonly role: Role;
  readonly by: Subject['by'];
  /** Aborted when it is over: what still shows something to its owner ends. */
  readonly over: AbortSignal;
  /** Epoch ms. */
  readonly since: number;
  /** Epoch ms, by the clock of now; undefined: it has no end. */
  readonly until: number | undefined;
  /** Epoch ms: when it last asked for something. */
  readonly seen: number;
  readonly from: string;
  readonly agent: string;
}

export interface Opening {
  readonly from: string;
  /** The browser's User-Agent. */
  readonly agent: string | undefined;
}

export interface Sessions {
  /** A new one, on disk as far as the disk takes it. @returns the secret of its cookie. */
  open(subject: Subject, opening: Opening): Promise<string>;
  /** The session of a cookie's secret. */
  find(secret: string | undefined): Session | undefined;
  list(): readonly Session[];
  /** Ends those that fit. @returns how many. */
  end(fits: (session: Session) => boolean): Promise<number>;
  /** Ends what is shown; the sessions themselves stay on disk. */
  close(): Promise<void>;
}

/** Of one user, of the token of the data folder, of one screen's token: who logs in again and again pushes out his own. */
const MOST: Readonly<Record<Subject['by'], number>> = { password: 20, local: 100, token: 100 };
/** People log in once a shift; a screen hangs on its wall for years. */
const LIFE_MS: Readonly<Record<Subject['by'], number>> = {
  password: 12 * 3_600_000,
  local: 12 * 3_600_000,
  token: Number.POSITIVE_INFINITY,
};
const SWEEP_MS = 60_000;
const AGENT_MAX = 200;

interface Open extends Omit<KeptSession, 'until'> {
  readonly over: AbortController;
  /** `elapsed`, while this process runs; the wall clock, for the next one. */
  readonly untilElapsed: number;
  readonly until: number | null;
  seen: number;
}

/** Who a session's subject is today; undefined: nobody any more. */
export function whoIs(
  subject: Subject,
  { state, isKnown }: Pick<Accounts, 'state' | 'isKnown'>,
  now: number,
): { readonly name: string; readonly role: Role } | undefined {
  if (!isKnown) return undefined;
  if (subject.by === 'local')
    return hasAdministrator(state) ? undefined : { name: LOCAL_NAME, role: 'administrator' };
  if (subject.by === 'password')
    return state.users.find(({ name, stamp }) => name === subject.user && stamp === subject.stamp);
  const token = state.tokens.find(({ id }) => id === subject.id);
  return token === undefined || isOver(token, now)
    ? undefined
    : { name: nameOfToken(token), role: token.role };
}

/** Whose it is: those of one owner count together, and one screen's token ends nothing of another's. */
function ownerOf(subject: Subject): string {
  if (subject.by === 'password') return `user ${subject.user}`;
  return subject.by === 'token' ? `token ${subject.id}` : 'local';
}

export async function createSessions(
  dataDir: string,
  accounts: Pick<Accounts, 'state' | 'isKnown' | 'onChanged'>,
  { time, log }: { readonly time: Clock; readonly log: Log },
  file = 'console.sessions',
): Promise<Sessions> {
  const kept = keptSessions(dataDir, file, time, log);
  // By the hash of the cookie's secret.
  const sessions = new Map<string, Open>();

  const add = (one: KeptSession, leftMs: number) =>
    sessions.set(one.hash, {
      ...one,
      over: new AbortController(),
      untilElapsed: time.elapsed() + leftMs,
      until: Number.isFinite(leftMs) ? time.wall() + leftMs : null,
      seen: one.since,
    });
  const remove = (hash: string) => {
    sessions.get(hash)?.over.abort();
    sessions.delete(hash);
  };
  const save = () =>
    kept.save(() =>
      [...sessions.values()].map(({ hash, subject, since, until, from, agent }) => ({
        hash,
        subject,
        since,
        until,
        from,
        agent,
      })),
    );
  const shownOf = (one: Open): Session | undefined => {
    const who = time.elapsed() < one.untilElapsed ? whoIs(one.subject, accounts, time.wall()) : undefined;
    return (
      who && {
        id: one.hash.slice(0, 16),
        name: who.name,
        role: who.role,
        by: one.subject.by,
        over: one.over.signal,
        since: one.since,
        until: one.until ?? undefined,
        seen: one.seen,
        from: one.from,
        agent: one.agent,
      }
    );
  };
  /** Those that are over. What is known of nobody is no reason to end anything. */
  const sweep = () => {
    if (!accounts.isKnown) return;
    const before = sessions.size;
    for (const [hash, one] of sessions) if (shownOf(one) === undefined) remove(hash);
    if (sessions.size < before) void save();
  };

  for (const one of await kept.load()) {
    // Its clock may have jumped meanwhile: none is longer than a new one.
    const left = one.until === null ? Number.POSITIVE_INFINITY : one.until - time.wall();
    const leftMs = Math.min(left, LIFE_MS[one.subject.by]);
    if (leftMs > 0) add(one, leftMs);
  }
  sweep();
  accounts.onChanged(sweep);
  const sweeping: Timer = time.every(SWEEP_MS, sweep);

  return {
    async open(subject, { from, agent = '' }) {
      const secret = randomBytes(24).toString('base64url');
      const now = time.wall();
      const hash = hashOfSecret(secret);
      const about = { from: from.slice(0, 64), agent: agent.slice(0, AGENT_MAX) };
      add({ hash, subject, since: now, until: null, ...about }, LIFE_MS[subject.by]);
      const owner = ownerOf(subject);
      const own = [...sessions.values()].filter((one) => ownerOf(one.subject) === owner);
      for (const old of own.slice(0, -MOST[subject.by])) remove(old.hash);
      await save();
      return secret;
    },
    find(secret) {
      const one = secret === undefined ? undefined : sessions.get(hashOfSecret(secret));
      if (one === undefined) return undefined;
      const shown = shownOf(one);
      if (shown !== undefined) one.seen = time.wall();
      return shown;
    },
    list: () => [...sessions.values()].flatMap((one) => shownOf(one) ?? []),
    async end(fits) {
      const own = [...sessions.values()].filter((one) => {
        const shown = shownOf(one);
        return shown !== undefined && fits(shown);
      });
      for (const { hash } of own) remove(hash);
      if (own.length > 0) await save();
      return own.length;
    },
    async close() {
      sweeping.stop();
      for (const { over } of sessions.values()) over.abort();
      await kept.settled();
    },
  };
}
