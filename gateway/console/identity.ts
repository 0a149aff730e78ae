/** Who somebody is: accounts, sessions and tokens together. */
import { mkdirSync } from 'node:fs';
import type { FastifyRequest } from 'fastify';
import type { Accounts, AccountsContext } from './accounts.ts';
import { openAccounts } from './accounts.ts';
import { AT_START, hasAdministrator, LOCAL_NAME, makeLink, nameOfToken } from './accounts-acts.ts';
import { createPasswords, type Passwords } from './accounts-passwords.ts';
import { setupPath } from './address.ts';
import { sessionSecret } from './cookies.ts';
import type { User } from './guard.ts';
import { type Right, roleMay } from './rights.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createBearers, type LocalToken, localTokens } from './tokens.ts';

export interface Identity {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly local: LocalToken;
  readonly passwords: Passwords;
  /** undefined: nobody that is known. */
  find(request: FastifyRequest): User | undefined;
  /** A path to set the administrator's password, once; undefined: one has a password, or the disk refuses. */
  firstLink(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** What differs where it is not the console of a gateway. */
export interface IdentityOptions {
  /** The file of the sessions: each process that has this data folder has one of its own, and shares the accounts. */
  readonly sessionsFile?: string;
  /** false: there are no screens at gates, and no token for them is made. */
  readonly hasScreens?: boolean;
}

/** @throws what the disk says of the data folder. */
export async function openIdentity(
  dataDir: string,
  context: AccountsContext,
  { sessionsFile, hasScreens }: IdentityOptions = {},
): Promise<Identity> {
  mkdirSync(dataDir, { recursive: true, mode: 0o750 });
  const { time, log } = context;
  const accounts = await openAccounts(dataDir, context);
  const local = await localTokens(dataDir, accounts, log, hasScreens);
  const sessions = await createSessions(dataDir, accounts, context, sessionsFile);
  const bearers = createBearers(accounts, time);
  return {
    accounts,
    sessions,
    local,
    passwords: createPasswords(),
    find(request) {
      const { authorization } = request.headers;
      if (authorization !== undefined) {
        const found = bearers.find(authorization);
        if (found === undefined) return undefined;
        const { token, over } = found;
        // A token that is stolen makes no other tokens, and no users.
        const can = (right: Right) => right !== 'users' && roleMay(token.role, right);
        return { name: nameOfToken(token), role: token.role, over, can };
      }
      const session = sessions.find(sessionSecret(request));
      if (session === undefined) return undefined;
      const { id, name, role, over, by } = session;
      return {
        name,
        role,
        over,
        session: id,
        hasPassword: by === 'password',
        can: (right) => roleMay(role, right),
      };
    },
    async firstLink() {
      if (!accounts.isKnown || hasAdministrator(accounts.state)) return undefined;
      try {
        const { secret } = await accounts.perform(makeLink(undefined), { name: LOCAL_NAME, from: AT_START });
        return setupPath(secret);
      } catch (error) {
        log.warn({ error: (error as Error).message }, 'no link for the first administrator could be made');
        return undefined;
      }
    },
    async close() {
      bearers.close();
      await accounts.close();
      await sessions.close();
    },
  };
}
