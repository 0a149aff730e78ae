/**
 * Who may see the console. Until there are accounts, two tokens, made once and kept beside the journal, readable by
 * the gateway's user alone: one of the operator's, one for screens that everybody can see and that show a gate and
 * nothing else. A token is exchanged for a cookie; who guesses is slowed down, and each login is in the audit.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../drivers/contract/clock.ts';

export type Role = 'operator' | 'screen';

export interface Sessions {
  readonly tokens: Readonly<Record<Role, string>>;
  /** A new session's cookie; undefined: the token is none of ours; `slow`: too many were wrong. */
  login(token: string): { readonly role: Role; readonly cookie: string } | undefined | 'slow';
  roleOf(cookieHeader: string | undefined): Role | undefined;
}

const COOKIE = 'campus-session';
const SESSIONS_MAX = 200;
/** An operator logs in once a shift; a screen hangs on its wall for years. */
const OPERATOR_MS = 12 * 3600_000;
const WRONG_A_MINUTE = 10;
const MINUTE_MS = 60_000;

const same = (a: string, b: string) => {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
};

/** The token of a file, which is made where it is not there. @throws what the disk says. */
function tokenOf(file: string): string {
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
  const token = readFileSync(file, 'utf8').trim();
  if (token.length < 16)
    throw new Error(`${file}: a token has at least 16 letters; delete the file for a new one`);
  return token;
}

export const tokenFile = (dataDir: string, role: Role) => join(dataDir, `console.${role}.token`);

/** @throws what the disk says of the files of the tokens. */
export function createSessions(dataDir: string, time: Clock): Sessions {
  mkdirSync(dataDir, { recursive: true, mode: 0o750 });
  const tokens = {
    operator: tokenOf(tokenFile(dataDir, 'operator')),
    screen: tokenOf(tokenFile(dataDir, 'screen')),
  };
  const sessions = new Map<string, { readonly role: Role; readonly until: number }>();
  let wrong = { since: Number.NEGATIVE_INFINITY, count: 0 };
  return {
    tokens,
    login(token) {
      const now = time.elapsed();
      if (now - wrong.since > MINUTE_MS) wrong = { since: now, count: 0 };
      if (wrong.count >= WRONG_A_MINUTE) return 'slow';
      const role = (['operator', 'screen'] as const).find((one) => same(token, tokens[one]));
      if (role === undefined) {
        wrong.count++;
        return undefined;
      }
      const id = randomBytes(18).toString('base64url');
      sessions.set(id, { role, until: role === 'operator' ? now + OPERATOR_MS : Number.POSITIVE_INFINITY });
      for (const old of sessions.keys()) {
        if (sessions.size <= SESSIONS_MAX) break;
        sessions.delete(old);
      }
      // No Secure: on loopback there is no TLS; a proxy in front of it sets its own.
      return { role, cookie: `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Strict` };
    },
    roleOf(header) {
      const id = header
        ?.split(';')
        .map((one) => one.trim())
        .find((one) => one.startsWith(`${COOKIE}=`))
        ?.slice(COOKIE.length + 1);
      const session = id === undefined ? undefined : sessions.get(id);
      return session !== undefined && time.elapsed() < session.until ? session.role : undefined;
    },
  };
}
