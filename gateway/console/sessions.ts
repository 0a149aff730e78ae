/**
 * Who may see the console. Until there are accounts, two tokens, made once and kept beside the journal, readable by
 * the gateway's user alone: one of the operator's, one for screens that everybody can see and that show a gate and
 * nothing else. A token is exchanged for a cookie.
 *
 * Sessions outlive a restart: a screen at a gate must come back by itself after a power cut. The disk has hashes of the
 * cookies, so that who reads it gets into no session.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { EmptySecretError, readSecretOf } from '../../drivers/files.ts';
import { keptSessions } from './kept-sessions.ts';

/** Of the two tokens. */
export type Role = 'operator' | 'screen';
export const roles = ['operator', 'screen'] as const satisfies readonly Role[];

export interface Session {
  readonly role: Role;
  /** Aborted when it is over: what still shows something to its owner ends. */
  readonly over: AbortSignal;
}

export interface Sessions {
  readonly tokens: Readonly<Record<Role, string>>;
  /** A new session, on disk as far as the disk takes it; undefined: the token is none of ours. */
  login(token: string): Promise<{ readonly role: Role; readonly cookie: string } | undefined>;
  /** The session of a request's cookie. */
  find(cookieHeader: string | undefined): Session | undefined;
  /** The cookie of a session anew, where it should stay longer with a browser than it was promised. */
  renew(cookieHeader: string | undefined): string | undefined;
  /** Ends the session of a cookie; the cookie that takes it from the browser. */
  logout(cookieHeader: string | undefined): Promise<string>;
  /** Ends what is shown; the sessions themselves stay on disk. */
  close(): Promise<void>;
}

const COOKIE = 'campus-session';
/** Of each role: a screen that logs in again and again pushes out screens, no operator. */
const SESSIONS_MAX = 100;
/** An operator logs in once a shift; a screen hangs on its wall for years. */
const LIFE_MS: Readonly<Record<Role, number>> = {
  operator: 12 * 3_600_000,
  screen: Number.POSITIVE_INFINITY,
};
/** A browser keeps a cookie no longer than 400 days (RFC 6265bis, 5.6.1); the screen's page renews it. */
const SCREEN_COOKIE_S = 400 * 86_400;
const SWEEP_MS = 60_000;

const hashOf = (text: string) => createHash('sha256').update(text).digest();
const same = (a: string, b: string) => timingSafeEqual(hashOf(a), hashOf(b));

/** The token of a file; undefined: it is not there, or holds none, as after a power cut at the first start. */
function foundToken(file: string): string | undefined {
  try {
    return existsSync(file) ? readSecretOf(file).trim() : undefined;
  } catch (error) {
    if (error instanceof EmptySecretError) return undefined;
    throw error;
  }
}

/** The token of a file, which is made where it is not there. @throws what the disk says. */
function tokenOf(file: string): string {
  const found = foundToken(file);
  if (found === undefined) writeFileSync(file, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
  const token = found ?? readSecretOf(file).trim();
  if (token.length < 16)
    throw new Error(`${file}: a token has at least 16 letters; delete the file for a new one`);
  return token;
}

export const tokenFile = (dataDir: string, role: Role) => join(dataDir, `console.${role}.token`);

/** The secret of the session cookie among a request's cookies. */
function secretIn(header: string | undefined): string | undefined {
  const own = header
    ?.split(';')
    .map((one) => one.trim())
    .find((one) => one.startsWith(`${COOKIE}=`));
  return own?.slice(COOKIE.length + 1);
}

// No Secure: on loopback there is no TLS; a proxy in front of it sets its own.
const cookieOf = (secret: string, role: Role) =>
  `${COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict${role === 'screen' ? `; Max-Age=${SCREEN_COOKIE_S}` : ''}`;
const NO_COOKIE = `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;

interface Open extends Session {
  readonly end: () => void;
  /** `elapsed`, while this process runs; the wall clock, for the next one. */
  readonly until: number;
  readonly untilWall: number | null;
}

/** @throws what the disk says of the files of the tokens. */
export async function createSessions(dataDir: string, time: Clock, log: Log): Promise<Sessions> {
  mkdirSync(dataDir, { recursive: true, mode: 0o750 });
  const tokens = {
    operator: tokenOf(tokenFile(dataDir, 'operator')),
    screen: tokenOf(tokenFile(dataDir, 'screen')),
  };
  const kept = keptSessions(dataDir, time, log);
  // By the hash of the cookie's secret.
  const sessions = new Map<string, Open>();
  const keyOf = (secret: string) => hashOf(secret).toString('base64url');

  const open = (key: string, role: Role, leftMs: number) => {
    const over = new AbortController();
    const lasts = Number.isFinite(leftMs);
    sessions.set(key, {
      role,
      over: over.signal,
      end: () => over.abort(),
      until: time.elapsed() + leftMs,
      untilWall: lasts ? time.wall() + leftMs : null,
    });
  };
  const end = (key: string) => {
    sessions.get(key)?.end();
    sessions.delete(key);
  };
  const save = () =>
    kept.save([...sessions].map(([hash, { role, untilWall: until }]) => ({ hash, role, until })));
  const sweep = () => {
    for (const [key, { until }] of sessions) if (time.elapsed() >= until) end(key);
  };

  for (const { hash, role, until } of await kept.load()) {
    // Its clock may have jumped meanwhile: none is longer than a new one.
    const leftMs = Math.min(until === null ? Number.POSITIVE_INFINITY : until - time.wall(), LIFE_MS[role]);
    if (leftMs > 0) open(hash, role, leftMs);
  }
  const sweeping: Timer = time.every(SWEEP_MS, sweep);

  const find = (header: string | undefined) => {
    const secret = secretIn(header);
    const session = secret === undefined ? undefined : sessions.get(keyOf(secret));
    return session !== undefined && time.elapsed() < session.until ? session : undefined;
  };
  return {
    tokens,
    async login(token) {
      const role = roles.find((one) => same(token, tokens[one]));
      if (role === undefined) return undefined;
      const secret = randomBytes(18).toString('base64url');
      open(keyOf(secret), role, LIFE_MS[role]);
      const ofRole = [...sessions].filter(([, one]) => one.role === role);
      for (const [key] of ofRole.slice(0, -SESSIONS_MAX)) end(key);
      await save();
      return { role, cookie: cookieOf(secret, role) };
    },
    find,
    renew(header) {
      const session = find(header);
      return session?.role === 'screen' ? cookieOf(secretIn(header) ?? '', 'screen') : undefined;
    },
    async logout(header) {
      const secret = secretIn(header);
      if (secret !== undefined && sessions.has(keyOf(secret))) {
        end(keyOf(secret));
        await save();
      }
      return NO_COOKIE;
    },
    async close() {
      sweeping.stop();
      for (const { end: over } of sessions.values()) over();
      await kept.settled();
    },
  };
}
