/** People of a console, for tests: accounts that are there before it starts, and what they ask with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { accountsFile, hashOfSecret, type TokenRecord } from '../../gateway/console/accounts-file.ts';
import { createPasswords } from '../../gateway/console/accounts-passwords.ts';
import type { Role } from '../../gateway/console/rights.ts';
import { temporaryDirectory } from '../helpers.ts';
import { startConsole } from './a-console.ts';

export const PASSWORD = 'three cats on a wall';
export interface Person {
  readonly name: string;
  readonly role: Role;
}

/** Cheap, so that a test may guess. */
const passwords = createPasswords({ ln: 1, p: 1 });

/** Puts users with `PASSWORD`, and tokens of programs, named as their roles, into a data folder. */
export async function settle(
  dataDir: string,
  people: readonly Person[],
  tokens: readonly (Pick<TokenRecord, 'label' | 'role'> & Partial<TokenRecord>)[] = [],
): Promise<void> {
  const users = await Promise.all(
    people.map(async ({ name, role }) => ({
      ...{ name, role, stamp: `stamp-of-${name}`, since: 0 },
      password: (await passwords.hash(PASSWORD)) ?? '',
    })),
  );
  const accounts = {
    ...{ users, links: [], hadScreen: false, notes: [] },
    tokens: tokens.map(({ label, role, until = null, by = 'li' }) => ({
      ...{ id: label, hash: hashOfSecret(bearerOf(label)), label, role, by, since: 0, until },
    })),
  };
  writeFileSync(join(dataDir, 'console.accounts'), JSON.stringify(accounts));
}
export const bearerOf = (label: string) => `secret-of-the-token-${label}`;

export interface Browser {
  /** Its cookies, as they came. */
  readonly cookies: ReadonlyMap<string, string>;
  ask(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body?: object, method?: string): Promise<Response>;
  login(name: string, password?: string): Promise<Response>;
}

/** A browser, as far as it keeps cookies. */
export function browserAt(base: string): Browser {
  const cookies = new Map<string, string>();
  const ask = async (path: string, init: RequestInit = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${base}${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), cookie },
    });
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (/Max-Age=0/.test(set)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  const post = (path: string, body: object = {}, method = 'POST') =>
    ask(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { cookies, ask, post, login: (name, password = PASSWORD) => post('/login', { name, password }) };
}

const DAY = 86_400_000;
/** Where a console's clock begins. */
export const START = Date.UTC(2026, 0, 5, 8);

/** A console of a school whose administrator is Li, whose guard is Wang. */
export async function schoolConsole(more: Parameters<typeof startConsole>[1] = {}, own: object = {}) {
  const dataDir = temporaryDirectory();
  await settle(
    dataDir,
    [
      { name: 'li', role: 'administrator' },
      { name: 'wang', role: 'guard' },
    ],
    [{ label: 'report', role: 'viewer', until: START + DAY }],
  );
  const one = await startConsole(own, more, true, dataDir);
  const browser = () => browserAt(one.base);
  const loggedIn = async (name: string) => {
    const own = browser();
    expect((await own.login(name)).status).toBe(200);
    return own;
  };
  /** As the command line does. */
  const byTerminal = accountsFile(dataDir, systemClock);
  return { ...one, browser, loggedIn, byTerminal };
}

export const codeOf = async (asked: Promise<Response>): Promise<number> => (await asked).status;
