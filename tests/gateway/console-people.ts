/** People of a console, for tests: accounts that are there before it starts, and what they ask with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOfSecret, type TokenRecord } from '../../gateway/console/accounts-file.ts';
import { createPasswords } from '../../gateway/console/accounts-passwords.ts';
import type { Role } from '../../gateway/console/rights.ts';

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
