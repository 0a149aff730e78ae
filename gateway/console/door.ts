/** Who gets in, and by what: looks at passwords, tokens and links, slowly for who guesses, and opens sessions. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findUser, hasAdministrator, LOCAL_NAME, linkOf, nameOfToken } from './accounts-acts.ts';
import { createAttempts } from './accounts-attempts.ts';
import { AccountsError, hashOfSecret, type LinkRecord, type UserRecord } from './accounts-file.ts';
import { weaknessOf } from './accounts-passwords.ts';
import type { Welcome } from './contract/login.ts';
import type { Me } from './contract/me.ts';
import { giveSession, knownBrowser, rememberBrowser } from './cookies.ts';
import { createFailedLogins, type FailedLoginsContext } from './failed-logins.ts';
import { createGuesses } from './guesses.ts';
import type { Identity } from './identity.ts';
import type { Subject } from './kept-sessions.ts';
import { isOver } from './tokens.ts';

export interface DoorOptions extends FailedLoginsContext {
  readonly campus: Me['campus'];
}

/** Why somebody is not let in. `seconds`: after which he may try again. */
export interface Refused {
  readonly error: 'wrong-password' | 'wrong-token' | 'no-such-link' | 'too-many-guesses';
  readonly seconds?: number;
}

export interface Door {
  /** Whose password it is. */
  checkPassword(name: string, password: string, request: FastifyRequest): Promise<UserRecord | Refused>;
  openByPassword(user: UserRecord, request: FastifyRequest, reply: FastifyReply): Promise<Welcome>;
  /** Of a screen, or of the data folder. */
  openByToken(token: string, request: FastifyRequest, reply: FastifyReply): Promise<Welcome | Refused>;
  checkLink(secret: string, request: FastifyRequest): Promise<LinkRecord | Refused>;
  /** A hash to keep. @throws AccountsError `password-weak`, `accounts-busy`. */
  hashOf(password: string, name: string): Promise<string>;
  note(kind: 'login' | 'logout', who: Welcome, from: string): void;
  close(): void;
}

const digest = (text: string) => createHash('sha256').update(text).digest();
const same = (a: string, b: string) => timingSafeEqual(digest(a), digest(b));

export function createDoor(identity: Identity, options: DoorOptions): Door {
  const { accounts, sessions, local, passwords } = identity;
  const { journal, time, log, campus } = options;
  const guesses = createGuesses(time);
  const failed = createFailedLogins(options);

  const note: Door['note'] = (kind, { name, role }, from) => {
    log.info({ from, user: name, role }, `a ${kind} ${kind === 'login' ? 'to' : 'from'} the console`);
    const entry = { kind, user: name, role, from, done: true };
    journal.audit(time.wall(), JSON.stringify(entry)).catch(() => {});
  };
  const open = async (subject: Subject, who: Welcome, request: FastifyRequest, reply: FastifyReply) => {
    const { 'user-agent': agent } = request.headers;
    const secret = await sessions.open(subject, { from: request.ip, agent });
    giveSession(request, reply, secret, subject.by === 'token');
    note('login', who, request.ip);
    return { name: who.name, role: who.role };
  };
  /** A wrong secret is told slowly. */
  const wrongSecret = async (error: Refused['error'], { ip }: FastifyRequest): Promise<Refused> => {
    failed.note(ip);
    return { error: (await guesses.wrong(ip)) ? error : 'too-many-guesses' };
  };
  const subjectOf = (token: string): readonly [Subject, Welcome] | undefined => {
    if (local.token !== undefined && !hasAdministrator(accounts.state) && same(token, local.token))
      return [{ by: 'local' }, { name: LOCAL_NAME, role: 'administrator' }];
    const hash = hashOfSecret(token);
    const found = accounts.state.tokens.find((one) => one.hash === hash && one.role === 'screen');
    if (found === undefined || isOver(found, time.wall())) return undefined;
    return [
      { by: 'token', id: found.id },
      { name: nameOfToken(found), role: 'screen' },
    ];
  };
  return {
    checkPassword: passwordCheck(identity, options, failed.note),
    async openByPassword(user, request, reply) {
      rememberBrowser(request, reply, user);
      return await open({ by: 'password', user: user.name, stamp: user.stamp }, user, request, reply);
    },
    async openByToken(token, request, reply) {
      const found = subjectOf(token);
      return found === undefined
        ? await wrongSecret('wrong-token', request)
        : await open(...found, request, reply);
    },
    async checkLink(secret, request) {
      try {
        return linkOf(accounts.state.links, secret, time.wall());
      } catch {
        return await wrongSecret('no-such-link', request);
      }
    },
    async hashOf(password, name) {
      const weakness = weaknessOf(password, [name, campus.name, campus.id]);
      if (weakness !== undefined) throw new AccountsError('password-weak', weakness);
      const hash = await passwords.hash(password);
      if (hash === undefined) throw new AccountsError('accounts-busy');
      return hash;
    },
    note,
    close: () => failed.close(),
  };
}

function passwordCheck(
  { accounts, passwords }: Pick<Identity, 'accounts' | 'passwords'>,
  { time }: Pick<DoorOptions, 'time'>,
  noteFailed: (from: string, about: string | undefined) => void,
): Door['checkPassword'] {
  const attempts = createAttempts(time);
  return async (name, password, request) => {
    const user = findUser(accounts.state.users, name);
    const browser = knownBrowser(request, user);
    const refuse = (error: Refused['error'], waitMs?: number): Refused => {
      noteFailed(request.ip, user?.name);
      return { error, ...(waitMs !== undefined && { seconds: Math.ceil(waitMs / 1000) }) };
    };
    const attempt = attempts.begin(user?.name ?? name, request.ip, browser);
    if (attempt.waitMs !== undefined) return refuse('too-many-guesses', attempt.waitMs);
    const found = await passwords.verify(password, user?.password ?? undefined, browser !== undefined);
    if (found === 'busy') {
      attempt.forgive();
      return refuse('too-many-guesses', 1000);
    }
    // He may have got another one while this one was looked at.
    const now = accounts.state.users.find((one) => one.name === user?.name && one.stamp === user?.stamp);
    if (!found || now === undefined) return refuse('wrong-password');
    attempt.forgive();
    return now;
  };
}
