/**
 * The accounts' file, beside the journal: users, one-time links, tokens, and what of their changes is not in the audit
 * yet. No secret can be read off it: passwords are scrypt hashes, links and tokens SHA-256 of 192 random bits.
 *
 * Two write it, the gateway and the command line. Who changes it holds `console.accounts.lock`, reads what is there,
 * and puts the whole file anew. The gateway looks now and then whether the other did.
 */
import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import { loadBytesOf } from '../../drivers/files.ts';
import { PRIVATE_FILE } from '../lifecycle/private-files.ts';
import { replaceFile } from '../lifecycle/replaced-file.ts';
import { roles } from './rights.ts';

/** Of each kind; a school has some dozens. */
export const ACCOUNTS_MAX = 500;
const NOTES_MAX = 1000;
/** 500 users, links and tokens, and 1000 notes take 700 KB. */
const FILE_MAX = 4_194_304;

const hash = z.string().length(43);
const time = z.number().int();
const user = z.strictObject({
  name: z.string().min(1).max(64),
  role: z.enum(roles),
  /** As accounts-passwords.ts writes it; null: none was set yet. */
  password: z.string().max(300).nullable(),
  /** Another one with each password and role: sessions and known browsers of before are worth nothing then. */
  stamp: z.string().max(43),
  /** Epoch ms. */
  since: time,
});
const link = z.strictObject({
  hash,
  /** null: of the first administrator, who says what he is called. */
  user: z.string().max(64).nullable(),
  until: time,
});
const token = z.strictObject({
  id: z.string().min(1).max(32),
  hash,
  label: z.string().min(1).max(64),
  role: z.enum(roles),
  by: z.string().max(64),
  since: time,
  /** null: until it is withdrawn. */
  until: time.nullable(),
});
const note = z.strictObject({ id: z.string().max(16), at: time, body: z.record(z.string(), z.unknown()) });
const accounts = z.strictObject({
  users: z.array(user).max(ACCOUNTS_MAX),
  links: z.array(link).max(ACCOUNTS_MAX),
  tokens: z.array(token).max(ACCOUNTS_MAX),
  /** The screens' first token was made once: withdrawn, it is not made again. */
  hadScreen: z.boolean(),
  /** Changes that the audit has not heard of. */
  notes: z.array(note),
});
export type UserRecord = Readonly<z.output<typeof user>>;
export type LinkRecord = Readonly<z.output<typeof link>>;
export type TokenRecord = Readonly<z.output<typeof token>>;
/** What an act changes. */
export type AccountsDraft = z.output<typeof accounts>;
export interface AccountsState {
  readonly users: readonly UserRecord[];
  readonly links: readonly LinkRecord[];
  readonly tokens: readonly TokenRecord[];
  readonly hadScreen: boolean;
  readonly notes: AccountsDraft['notes'];
}

export const NO_ACCOUNTS: AccountsState = { users: [], links: [], tokens: [], hadScreen: false, notes: [] };

/** 192 bits, which nobody guesses: SHA-256 is hash enough. */
export const newSecret = () => randomBytes(24).toString('base64url');
export const hashOfSecret = (secret: string) => createHash('sha256').update(secret).digest('base64url');

/** Why something about accounts cannot be; the API answers it as `error`. */
export type AccountsFault =
  | 'name-wrong'
  | 'name-taken'
  | 'no-such-user'
  | 'no-such-link'
  | 'no-such-token'
  | 'last-administrator'
  | 'end-wrong'
  | 'password-weak'
  | 'too-many'
  | 'accounts-busy'
  | 'disk';

export class AccountsError extends Error {
  readonly code: AccountsFault;
  /** More of it, as one word. */
  readonly detail: string | undefined;
  constructor(code: AccountsFault, detail?: string, cause?: unknown) {
    super(code, { cause });
    this.name = 'AccountsError';
    this.code = code;
    this.detail = detail;
  }
}

/**
 * A lock that is older was left: nobody holds it for longer than a write takes. Sooner where its process is gone, but not at once:
 * one of another container has a number that is nobody's here.
 */
const LOCK_STALE_MS = 15_000;
const LOCK_LEFT_MS = 1000;
const LOCK_EACH_MS = 25;
const LOCK_PATIENCE_MS = 5000;
const DISK_PATIENCE_MS = 10_000;

export interface AccountsFile {
  readonly file: string;
  /** @throws what the disk says, and Error where the file is none of ours. NO_ACCOUNTS: there is none. */
  read(): Promise<AccountsState>;
  /**
   * Changes it under its lock; resolves when it is on disk. `edit` may throw, then nothing has changed.
   * @throws AccountsError `disk`, `accounts-busy`, and what `edit` throws.
   */
  change<T>(
    edit: (draft: AccountsDraft) => T,
  ): Promise<{ readonly result: T; readonly accounts: AccountsState }>;
  /** Something that differs when the file was replaced. */
  mark(): Promise<string>;
  /** Puts aside what cannot be read. @returns where it is. */
  setAside(): Promise<string>;
}

/** Whether there is no such process. What is no number of one says nothing. */
function isGone(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

export function accountsFile(dataDir: string, time: Clock): AccountsFile {
  const file = join(dataDir, 'console.accounts');
  const lock = `${file}.lock`;
  let turn: Promise<unknown> = Promise.resolve();

  const read = async (): Promise<AccountsState> => {
    try {
      return accounts.parse(JSON.parse((await loadBytesOf(file, FILE_MAX)).toString()));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NO_ACCOUNTS;
      throw error;
    }
  };
  /** Whether whoever locked it is gone. */
  const isLeft = async () => {
    const [made, holder] = await Promise.all([stat(lock), readFile(lock, 'utf8')]).catch(() => []);
    if (made === undefined) return false;
    // Of a clock that was set back, too.
    const age = Math.abs(time.wall() - made.mtimeMs);
    return age > (isGone(Number(holder)) ? LOCK_LEFT_MS : LOCK_STALE_MS);
  };
  const acquire = async () => {
    const end = time.elapsed() + LOCK_PATIENCE_MS;
    for (;;) {
      try {
        const handle = await open(lock, 'wx', PRIVATE_FILE);
        // Without its number it is one all the same: a full disk is told by what is to be written.
        await handle.writeFile(String(process.pid)).catch(() => {});
        return await handle.close();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      if (await isLeft()) await rm(lock, { force: true });
      else if (time.elapsed() > end) throw new AccountsError('accounts-busy');
      else await time.wait(LOCK_EACH_MS);
    }
  };
  const change = async <T>(edit: (draft: AccountsDraft) => T) => {
    await acquire();
    try {
      const draft = structuredClone(await read()) as AccountsDraft;
      const result = edit(draft);
      draft.notes = draft.notes.slice(-NOTES_MAX);
      await replaceFile(file, `${JSON.stringify(accounts.parse(draft))}\n`);
      return { result, accounts: draft };
    } finally {
      await rm(lock, { force: true }).catch(() => {});
    }
  };
  return {
    file,
    read,
    async change(edit) {
      const own = turn.then(() => change(edit));
      turn = own.catch(() => {});
      try {
        return await within(own, DISK_PATIENCE_MS, time, () => new Error('the disk does not answer'));
      } catch (error) {
        throw error instanceof AccountsError ? error : new AccountsError('disk', undefined, error);
      }
    },
    async mark() {
      const found = await stat(file, { bigint: true }).catch(() => undefined);
      return found === undefined ? '' : `${found.ino} ${found.mtimeNs} ${found.size}`;
    },
    async setAside() {
      const aside = `${file}.damaged-${time.wall()}`;
      await rename(file, aside);
      return aside;
    },
  };
}
