/**
 * What may be done to accounts: each act says what it changes in the file, and what the audit has of it. The gateway and
 * the command line perform the same acts.
 */
import { randomBytes } from 'node:crypto';
import {
  ACCOUNTS_MAX,
  type AccountsDraft,
  AccountsError,
  hashOfSecret,
  type LinkRecord,
  newSecret,
  type TokenRecord,
  type UserRecord,
} from './accounts-file.ts';
import type { Role } from './rights.ts';

/** Where the gateway itself acts from, in the audit. */
export const AT_START = 'start';

/** Who does it. `from`: the address, `terminal`, or `start`. */
export interface Actor {
  readonly name: string;
  readonly from: string;
}

export interface Act<T> {
  /** Of the audit, beside who and when. */
  readonly note: Readonly<Record<string, unknown>>;
  /** `now`: epoch ms. @throws AccountsError, and then nothing has changed. */
  readonly edit: (draft: AccountsDraft, now: number) => T;
}

/** A one-time link is to be used the same day, or the next morning. */
export const LINK_LIFE_MS = 24 * 3_600_000;
/** None that a program has is to be forgotten for longer than a browser keeps a cookie (RFC 6265bis, 5.6.1). */
export const TOKEN_LIFE_MAX_MS = 400 * 86_400_000;

/** Names that the gateway gives to what acts without being a person. A colon is in none of a person. */
export const LOCAL_NAME = 'local';
export const nameOfToken = ({ role, label }: Pick<TokenRecord, 'role' | 'label'>) =>
  `${role === 'screen' ? 'screen' : 'token'}:${label}`;
/** The token of the file `console.screen.token`. */
export const FIRST_SCREEN = 'screen';

/** As it is kept: letters, digits, spaces and `._-` of any script, no two alike but for their case. */
export function readName(text: string): string {
  const name = text.normalize('NFC').trim().replace(/\s+/g, ' ');
  if (name.length > 64 || !/^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._-]*$/u.test(name))
    throw new AccountsError('name-wrong');
  return name;
}

const sameName = (a: string, b: string) =>
  a.normalize('NFKC').toLowerCase() === b.normalize('NFKC').toLowerCase();
export const findUser = <U extends Pick<UserRecord, 'name'>>(users: readonly U[], name: string) =>
  users.find((one) => sameName(one.name, name));
/** Somebody can manage the console by himself. */
export const hasAdministrator = ({ users }: { readonly users: readonly UserRecord[] }) =>
  users.some(({ role, password }) => role === 'administrator' && password !== null);

const newStamp = () => randomBytes(9).toString('base64url');
const userOf = (draft: AccountsDraft, name: string) => {
  const found = findUser(draft.users, name);
  if (found === undefined) throw new AccountsError('no-such-user');
  return found;
};
const keepAdministrator = (draft: AccountsDraft) => {
  if (!hasAdministrator(draft)) throw new AccountsError('last-administrator');
};
const room = (held: readonly unknown[]) => {
  if (held.length >= ACCOUNTS_MAX) throw new AccountsError('too-many');
};
const freeName = (draft: AccountsDraft, text: string) => {
  const name = readName(text);
  if (sameName(name, LOCAL_NAME)) throw new AccountsError('name-wrong');
  if (findUser(draft.users, name) !== undefined) throw new AccountsError('name-taken');
  return name;
};

/** A user without a password yet. */
export const addUser = (text: string, role: Exclude<Role, 'screen'>): Act<void> => ({
  note: { kind: 'user-added', about: text, role },
  edit(draft, now) {
    room(draft.users);
    draft.users.push({ name: freeName(draft, text), role, password: null, stamp: newStamp(), since: now });
  },
});

/** Their links, and the tokens that they made and may know, go with them. */
export const removeUser = (text: string): Act<void> => ({
  note: { kind: 'user-removed', about: text },
  edit(draft) {
    const { name } = userOf(draft, text);
    const had = hasAdministrator(draft);
    draft.users = draft.users.filter((one) => one.name !== name);
    draft.links = draft.links.filter((one) => one.user !== name);
    draft.tokens = draft.tokens.filter((one) => one.by !== name || one.role === 'screen');
    if (had) keepAdministrator(draft);
  },
});

export const changeRole = (text: string, role: Exclude<Role, 'screen'>): Act<void> => ({
  note: { kind: 'role-changed', about: text, role },
  edit(draft) {
    const user = userOf(draft, text);
    if (user.role === role) return;
    const had = hasAdministrator(draft);
    Object.assign(user, { role, stamp: newStamp() });
    // A token gives no more than who made it had.
    if (role !== 'administrator')
      draft.tokens = draft.tokens.filter((one) => one.by !== user.name || one.role === 'screen');
    if (had) keepAdministrator(draft);
  },
});

/**
 * A link with which a password is set, once; the ones before it are over. `text` undefined: of the first administrator.
 * @returns its secret.
 */
export function makeLink(text: string | undefined): Act<{ readonly secret: string; readonly until: number }> {
  const secret = newSecret();
  return {
    note: { kind: 'link-made', about: text ?? null },
    edit(draft, now) {
      const user = text === undefined ? null : userOf(draft, text).name;
      if (user === null && hasAdministrator(draft)) throw new AccountsError('no-such-user');
      draft.links = draft.links.filter((one) => one.user !== user && one.until > now);
      room(draft.links);
      const until = now + LINK_LIFE_MS;
      draft.links.push({ hash: hashOfSecret(secret), user, until });
      return { secret, until };
    },
  };
}

/** The link of a secret that may still be used. @throws AccountsError `no-such-link`. */
export function linkOf(links: readonly LinkRecord[], secret: string, now: number) {
  const hash = hashOfSecret(secret);
  const found = links.find((one) => one.hash === hash && one.until > now);
  if (found === undefined) throw new AccountsError('no-such-link');
  return found;
}

/** Sets a password by a link. `text`: what the first administrator is called. `hash`: as accounts-passwords.ts makes it. */
export const usePassword = (secret: string, text: string, hash: string): Act<UserRecord> => ({
  note: { kind: 'password-set', about: text, by: 'link' },
  edit(draft, now) {
    const link = linkOf(draft.links, secret, now);
    if (link.user === null) {
      if (hasAdministrator(draft)) throw new AccountsError('no-such-link');
      const name = freeName(draft, text);
      draft.users.push({ name, role: 'administrator', password: null, stamp: '', since: now });
    }
    const user = userOf(draft, link.user ?? text);
    Object.assign(user, { password: hash, stamp: newStamp() });
    draft.links = draft.links.filter((one) => one.user !== user.name);
    if (hasAdministrator(draft)) draft.links = draft.links.filter((one) => one.user !== null);
    return { ...user };
  },
});

export const changePassword = (text: string, hash: string): Act<UserRecord> => ({
  note: { kind: 'password-set', about: text, by: 'user' },
  edit(draft) {
    const user = userOf(draft, text);
    Object.assign(user, { password: hash, stamp: newStamp() });
    draft.links = draft.links.filter((one) => one.user !== user.name);
    return { ...user };
  },
});

export interface NewToken {
  readonly label: string;
  readonly role: Role;
  /** Epoch ms; null, of a screen alone: until it is withdrawn. */
  readonly until: number | null;
}

/** @returns its id and its secret. */
export function makeToken(
  { label: text, role, until }: NewToken,
  by: string,
  secret = newSecret(),
): Act<{ readonly id: string; readonly secret: string }> {
  const id = randomBytes(6).toString('base64url');
  return {
    note: { kind: 'token-made', token: id, label: text, role, until },
    edit(draft, now) {
      room(draft.tokens);
      const label = readName(text);
      if (draft.tokens.some((one) => sameName(one.label, label))) throw new AccountsError('name-taken');
      const isEndless = until === null && role === 'screen';
      if (!isEndless && !(until !== null && until > now && until <= now + TOKEN_LIFE_MAX_MS))
        throw new AccountsError('end-wrong');
      draft.tokens.push({ id, hash: hashOfSecret(secret), label, role, by, since: now, until });
      return { id, secret };
    },
  };
}

export const withdrawToken = (id: string): Act<void> => ({
  note: { kind: 'token-withdrawn', token: id },
  edit(draft) {
    if (!draft.tokens.some((one) => one.id === id)) throw new AccountsError('no-such-token');
    draft.tokens = draft.tokens.filter((one) => one.id !== id);
  },
});

/** Takes the screens' token of the data folder in, new or changed. */
export const adoptScreen = (secret: string): Act<void> => ({
  note: { kind: 'token-made', token: FIRST_SCREEN, label: FIRST_SCREEN, role: 'screen', until: null },
  edit(draft, now) {
    draft.tokens = draft.tokens.filter((one) => one.id !== FIRST_SCREEN);
    room(draft.tokens);
    draft.tokens.push({
      id: FIRST_SCREEN,
      hash: hashOfSecret(secret),
      label: FIRST_SCREEN,
      role: 'screen',
      by: LOCAL_NAME,
      since: now,
      until: null,
    });
    draft.hadScreen = true;
  },
});

/** An act as `AccountsFile.change` takes it: its note stands in the file until the audit has it. */
export const performing =
  <T>({ edit, note }: Act<T>, by: Actor, now: number) =>
  (draft: AccountsDraft): T => {
    const result = edit(draft, now);
    draft.notes.push({
      id: randomBytes(9).toString('base64url'),
      at: now,
      body: { ...note, user: by.name, from: by.from },
    });
    return result;
  };
