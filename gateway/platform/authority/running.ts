/**
 * The authority in a platform that runs: opened where its keys are in the data folder, and again when they come; writes the
 * list of revoked certificates when it changes and each day; knows which campuses are withdrawn.
 */
import { join } from 'node:path';
import type { Clock, Timer } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import type { Database } from '../database/connection.ts';
import { openAuthorityFiles } from './files.ts';
import { type Authority, openAuthority } from './index.ts';
import { type CertificateFiles, keepOwnCertificate } from './own-certificate.ts';
import { createRegistry, type KeptKey } from './registry.ts';
import { type Signing, signingOf } from './signing.ts';

const LOOK_EACH_MS = 5000;
const LIST_EACH_MS = 86_400_000;
/** An operator waits for less; and the clock of a gateway may be ahead. */
const COMMAND_MS = 600_000;

export interface RunningAuthority {
  /** undefined: its keys are not here. */
  readonly authority: () => Authority | undefined;
  /** As of some seconds ago. Events that still come of it are of nobody who may send any. */
  isWithdrawn(prefix: string): boolean;
  /** Whether it can sign, as of some seconds ago; and of a campus why it could not what that wants signed. */
  signing(): Signing;
  cannotSign(prefix: string): string | undefined;
  /** A command as it is sent: signed where the campus knows a key of ours. */
  sign<T extends { readonly target: string }>(
    prefix: string,
    command: T,
  ): Promise<T | Record<string, unknown>>;
  /** The certificate of the page under these names, kept good from now on. undefined: there is no authority here. */
  pageCertificate(names: readonly string[]): Promise<CertificateFiles | undefined>;
  close(): Promise<void>;
}

export interface RunningAuthorityOptions {
  /** undefined: this instance has no authority. */
  readonly dataDir: string | undefined;
  readonly database: Database;
  readonly passphrase?: string | undefined;
  /** Of the certificates of campuses, ms. */
  readonly lifeMs?: number | undefined;
  readonly time: Clock;
  readonly log: Log;
}

/** Looks once before it resolves. Never rejects: a platform without its authority takes events all the same. */
export async function startAuthority(options: RunningAuthorityOptions): Promise<RunningAuthority> {
  const { dataDir, database, passphrase, lifeMs, time, log } = options;
  const registry = createRegistry(database);
  let authority: Authority | undefined;
  let states: Awaited<ReturnType<typeof registry.states>> = new Map();
  const folder = dataDir === undefined ? undefined : join(dataDir, 'authority');
  let keys: readonly KeptKey[] = [];
  let signing: Signing = { able: true };
  let pageNames: readonly string[] = [];
  let listed = '';
  let listedAt = Number.NEGATIVE_INFINITY;
  let trouble: string | undefined;
  let timer: Timer | undefined;
  let isClosed = false;

  const open = async () => {
    const now = time.wall();
    const files =
      folder === undefined ? undefined : openAuthorityFiles(folder, { passphrase, create: false, now });
    if (files === undefined) return undefined;
    const opened = await openAuthority({ files, registry, time, lifeMs });
    log.info({ fingerprint: opened.fingerprint }, 'the authority of the city enrols campuses');
    return opened;
  };
  const keepPage = (own: Authority) =>
    keepOwnCertificate(own, { directory: own.directory, names: pageNames, now: time.wall() });
  const look = async () => {
    states = await registry.states();
    keys = await registry.keys(time.wall());
    authority ??= await open();
    if (authority === undefined) return;
    const revoked = (await registry.revoked(time.wall())).map(({ serial }) => serial).join();
    if (revoked === listed && time.elapsed() - listedAt < LIST_EACH_MS) return;
    if (pageNames.length > 0) await keepPage(authority);
    const file = await authority.writeList();
    listed = revoked;
    listedAt = time.elapsed();
    log.info({ file }, 'the list of revoked certificates was written');
  };
  const tellSigning = (wrong: string | undefined) => {
    const before = signing;
    try {
      signing = signingOf({ keys, authority, folder, trouble: wrong }, time.wall());
    } catch (error) {
      signing = { able: false, reason: (error as Error).message };
    }
    if (signing.reason === before.reason) return;
    if (signing.reason === undefined) log.info({}, 'commands are signed again');
    else
      log.warn(
        { reason: signing.reason },
        signing.able
          ? 'this instance cannot sign commands with the next key'
          : 'this instance cannot sign commands: campuses that were enrolled would refuse them',
      );
  };
  const lookAndGoOn = async () => {
    try {
      await look();
      trouble = undefined;
      tellSigning(undefined);
    } catch (error) {
      const { message } = error as Error;
      if (message !== trouble)
        log.warn({ error: message }, 'the authority of the city has trouble; it tries again');
      trouble = message;
      tellSigning(message);
    }
    if (!isClosed) timer = time.after(LOOK_EACH_MS, begin);
  };
  let running: Promise<void> | undefined;
  function begin() {
    running = lookAndGoOn();
  }
  begin();
  await running;
  return {
    authority: () => authority,
    isWithdrawn: (prefix) => states.get(prefix)?.state === 'withdrawn',
    signing: () => signing,
    cannotSign: (prefix) =>
      signing.able || states.get(prefix)?.state !== 'enrolled' ? undefined : signing.reason,
    async sign(prefix, command) {
      const { campus, state } = states.get(prefix) ?? {};
      // One that was not enrolled knows no key of ours, and would refuse what it cannot check.
      if (authority === undefined || campus === undefined || state !== 'enrolled') return command;
      const now = time.wall();
      const times = {
        issuedAt: new Date(now).toISOString(),
        expiresAt: new Date(now + COMMAND_MS).toISOString(),
      };
      return await authority.signCommand({ ...command, audience: campus, ...times });
    },
    async pageCertificate(names) {
      if (authority === undefined || names.length === 0) return undefined;
      pageNames = names;
      return await keepPage(authority);
    },
    async close() {
      isClosed = true;
      timer?.stop();
      await running;
    },
  };
}
