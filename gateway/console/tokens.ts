/**
 * Tokens: of programs, which send them with each request (`Authorization: Bearer`, RFC 6750); of the screens at gates,
 * which exchange them for a session; and, until an administrator has a password, the one of the data folder, with which
 * somebody on this machine is let in.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { EmptySecretError, readSecretOf } from '../../drivers/files.ts';
import { PRIVATE_FILE } from '../lifecycle/private-files.ts';
import type { Accounts } from './accounts.ts';
import { AT_START, adoptScreen, FIRST_SCREEN, hasAdministrator, LOCAL_NAME } from './accounts-acts.ts';
import { hashOfSecret, newSecret, type TokenRecord } from './accounts-file.ts';

export const tokenFile = (dataDir: string, of: 'operator' | 'screen') => join(dataDir, `console.${of}.token`);
/** Who puts a token of his own into the file. */
const LEAST_LETTERS = 16;

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
  if (found !== undefined && found.length < LEAST_LETTERS)
    throw new Error(`${file}: a token has at least ${LEAST_LETTERS} letters; delete the file for a new one`);
  const token = found ?? newSecret();
  if (found === undefined) writeFileSync(file, `${token}\n`, { mode: PRIVATE_FILE });
  return token;
}

export interface LocalToken {
  /** undefined: an administrator has a password, or the disk refuses. */
  readonly token: string | undefined;
}

/**
 * The two tokens of the data folder: made where they are wanted, and their files deleted where they are not. Never
 * rejects: what the disk refuses is told. `hasScreens`: there are screens, which have one.
 */
export async function localTokens(
  dataDir: string,
  accounts: Accounts,
  log: Log,
  hasScreens = true,
): Promise<LocalToken> {
  const files = { operator: tokenFile(dataDir, 'operator'), screen: tokenFile(dataDir, 'screen') };
  let operator: string | undefined;
  const firstScreen = () => accounts.state.tokens.find(({ id }) => id === FIRST_SCREEN);
  const attempt = async (file: string, work: () => Promise<void> | void) => {
    try {
      await work();
    } catch (error) {
      log.error({ file, error: (error as Error).message }, 'a token of the console cannot be had');
    }
  };
  const follow = () => {
    if (!accounts.isKnown) return;
    const isOver = hasAdministrator(accounts.state);
    if (isOver) operator = undefined;
    const unwanted = [
      ...(isOver ? [files.operator] : []),
      ...(accounts.state.hadScreen && firstScreen() === undefined ? [files.screen] : []),
    ];
    for (const file of unwanted) void attempt(file, () => rm(file, { force: true }));
  };
  if (accounts.isKnown && !hasAdministrator(accounts.state))
    await attempt(files.operator, () => {
      operator = tokenOf(files.operator);
    });
  if (hasScreens && accounts.isKnown && (firstScreen() !== undefined || !accounts.state.hadScreen))
    await attempt(files.screen, async () => {
      const screen = tokenOf(files.screen);
      if (firstScreen()?.hash !== hashOfSecret(screen))
        await accounts.perform(adoptScreen(screen), { name: LOCAL_NAME, from: AT_START });
    });
  follow();
  accounts.onChanged(follow);
  return {
    get token() {
      return operator;
    },
  };
}

export interface Bearers {
  /** The token of an Authorization header; a screen's is for screens. `over`: when it is withdrawn, or ends. */
  find(header: string | undefined): { readonly token: TokenRecord; readonly over: AbortSignal } | undefined;
  close(): void;
}

const SWEEP_MS = 10_000;

export const isOver = ({ until }: TokenRecord, now: number) => until !== null && until <= now;

export function createBearers(accounts: Accounts, time: Clock): Bearers {
  const shown = new Map<string, AbortController>();
  const valid = (fits: (token: TokenRecord) => boolean) =>
    accounts.state.tokens.find((one) => fits(one) && !isOver(one, time.wall()));
  const sweep = () => {
    for (const [hash, over] of shown) {
      if (valid((one) => one.hash === hash) !== undefined) continue;
      over.abort();
      shown.delete(hash);
    }
  };
  accounts.onChanged(sweep);
  const sweeping: Timer = time.every(SWEEP_MS, sweep);
  return {
    find(header) {
      const [, secret] = /^Bearer ([A-Za-z0-9_-]{16,200})$/i.exec(header ?? '') ?? [];
      if (secret === undefined) return undefined;
      const hash = hashOfSecret(secret);
      const token = valid((one) => one.hash === hash && one.role !== 'screen');
      if (token === undefined) return undefined;
      const over = shown.get(hash) ?? new AbortController();
      shown.set(hash, over);
      return { token, over: over.signal };
    },
    close() {
      sweeping.stop();
      for (const over of shown.values()) over.abort();
    },
  };
}
