/** The platform of a city: a broker's source, the consumer, and the database that all instances share. */
import { Registry } from 'prom-client';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { type RunningAuthority, startAuthority } from './authority/running.ts';
import { type Consumer, type ConsumerState, createConsumer } from './consumer.ts';
import type { Received, SourceOptions } from './contract.ts';
import { openDatabase } from './database/connection.ts';
import { openStore, startRetention } from './database/index.ts';
import { sourceFor } from './sources/index.ts';

export interface PlatformOptions {
  readonly source: SourceOptions;
  /** `postgres://…`; the password may be in PGPASSWORD. */
  readonly database: string;
  /** Where the authority of the city has its keys, in `authority/`; undefined: not here. */
  readonly dataDir?: string | undefined;
  /** Of the certificates of campuses, ms. */
  readonly certificateLifeMs?: number | undefined;
  /** Months before this one whose events are kept; undefined: all. */
  readonly keepMonths?: number | undefined;
  /** After each commit, what was new. */
  readonly onStored?: (fresh: readonly Received[]) => void;
  readonly time: Clock;
  readonly log: Log;
}

export interface Platform extends Pick<Consumer, 'command' | 'counts'> {
  readonly registry: Registry;
  /** Who enrols campuses. */
  readonly enrolment: RunningAuthority;
  state(): ConsumerState;
  /** What was taken is committed, its receipts leave, and then all ends. */
  close(): Promise<void>;
}

/** Of the authority, which asks little. */
const CONNECTIONS = 2;

/** Resolves when it consumes. @throws SourceError, StoreError: the broker or the database cannot be had. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { source: wanted, database, time, log, onStored } = options;
  const openSource = await sourceFor(wanted.url);
  const registry = new Registry();
  const parts = new AsyncDisposableStack();
  const close = () => parts.disposeAsync();
  const over = new AbortController();
  try {
    const store = parts.adopt(await openStore(database, { time, log }), (one) => one.close());
    if (options.keepMonths !== undefined)
      parts.defer(startRetention(store, options.keepMonths, { time, log }));
    const ofAuthority = parts.adopt(openDatabase(database, { time, log }, CONNECTIONS), (one) => one.close());
    const running = await startAuthority({
      ...{ dataDir: options.dataDir, lifeMs: options.certificateLifeMs, database: ofAuthority, time, log },
      passphrase: process.env['AUTHORITY_PASSPHRASE'],
    });
    const enrolment = parts.adopt(running, (one) => one.close());
    parts.defer(() => over.abort());
    const { isWithdrawn, sign } = enrolment;
    const consumer = createConsumer({
      ...{ store, root: wanted.root, receipts: wanted.receipts, isWithdrawn, sign, time, log, registry },
      ...(onStored !== undefined && { onStored }),
    });
    parts.defer(() => consumer.close());
    const { onEvent, onNote, onState, command, counts, state } = consumer;
    const host = { onEvent, onNote, onState, time, log, signal: over.signal };
    consumer.begin(await openSource(wanted, host));
    return { registry, enrolment, command, counts, state, close };
  } catch (error) {
    await close();
    throw error;
  }
}
