/**
 * The school's ledger (台账): what devices are, faults and hazards with who mends them by when, availability, and days in numbers.
 *
 * Faults that stand come from the states that the recorder has, so that after a restart nothing is missed; they are looked at
 * once a minute. All that touches its file is done in a thread apart: no alarm waits for it, and a disk that hangs costs a look.
 * What was put in or closed is told as an event once it is on disk, and taken off the list of what is to be told after that event
 * is on disk too: a crash between the two tells it again.
 */
import { stat } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import type { LedgerConfig } from '../../config/sections/ledger.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { About } from '../../drivers/contract/inventory.ts';
import type { Availabilities } from '../availability/index.ts';
import type { CertificatesFound } from '../certificates.ts';
import type { Journal } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import { burstLog } from '../observe/log.ts';
import type { Recorder } from '../road/recorder.ts';
import { type Asking, createAsking } from './asking.ts';
import { detailsOf } from './digest.ts';
import type { Untold, Which } from './entries-table.ts';
import type { DeviceNotes, DeviceRecord, DeviceWords, Entry, EntryWords, Note, Standing } from './entry.ts';
import { ledgerFile } from './file.ts';
import { type DeviceLinks, linksOfAll } from './links.ts';
import type { DayReport } from './report.ts';
import { createReports } from './reports.ts';
import { certificatesIn, dueOf, faultsIn } from './standing.ts';

export type { Which } from './entries-table.ts';
export type { DeviceNotes, DeviceRecord, Entry, EntryWords, Note } from './entry.ts';
export { LedgerError, stateOf } from './entry.ts';
export type { DeviceLinks } from './links.ts';
export type { DayReport } from './report.ts';

export interface LedgerContext {
  readonly recorder: Pick<Recorder, 'states' | 'recordOwn' | 'isLoaded'>;
  readonly devices: { about(device: string): About | undefined };
  readonly availability: Pick<Availabilities, 'of'>;
  readonly journal: Pick<Journal, 'audit'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
  /** Other threads than its own. */
  readonly asking?: Asking;
}

/** What the console asks; each rejects with a LedgerError, an IsolatedError, or what the disk says. */
export interface Ledger extends Part {
  start(): void;
  list(asked: {
    readonly which: Which;
    readonly before: number;
    readonly limit: number;
  }): Promise<readonly Entry[]>;
  entry(number: number): Promise<{ readonly entry: Entry; readonly history: readonly Note[] }>;
  add(words: EntryWords, by: string): Promise<Entry>;
  edit(number: number, words: Partial<EntryWords>, by: string): Promise<Entry>;
  close(number: number, result: string, by: string): Promise<Entry>;
  reopen(number: number, by: string): Promise<Entry>;
  /** Of the config, in its order, and then those that were in it. */
  devices(): Promise<readonly DeviceRecord[]>;
  device(id: string): Promise<DeviceRecord & { readonly history: readonly Note[] }>;
  write(id: string, notes: DeviceNotes, by: string): Promise<DeviceRecord>;
  certificates(): Promise<CertificatesFound>;
  /** Of the last 30 days. */
  links(): Promise<readonly DeviceLinks[]>;
  /** Of `2026-11-28`; undefined: that day is not yet. @throws RangeError: it is no day. */
  report(day: string): Promise<DayReport | undefined>;
}

const LOOK_EVERY_MS = 60_000;
const CERTIFICATES_EVERY_MS = 6 * 3_600_000;
/** Pages that are open together ask together. */
const FRESH_MS = 30_000;

export function createLedger(
  ledger: LedgerConfig,
  config: Pick<Config, 'dataDir' | 'timezone' | 'devices' | 'file'>,
  context: LedgerContext,
): Ledger {
  const { devices: supervisor, availability, clock, time, log } = context;
  const asking = context.asking ?? createAsking(config.dataDir, time);
  const { ask } = asking;
  const now = () => clock.now();
  const links = fresh(time, () => linksOfAll(config.devices, availability));
  const certificates = fresh(time, () => asking.readCertificates(config.file, now()));
  const { recorder } = context;
  const reports = createReports(ledger, config, { asking, links, recorder, now, log });
  const follow = createFollowing(ledger, config, { ...context, asking, certificates });
  const bursts = burstLog(log, time);
  let timer: Timer | undefined;
  let looking: Promise<void> | undefined;
  let again = false;
  let isClosed = false;

  const sayWhatDevicesAre = async () => {
    const said = config.devices.flatMap(({ id }) => {
      const words = saidOf(supervisor.about(id));
      return words === undefined ? [] : [{ id, said: words }];
    });
    const known = JSON.stringify(said);
    if (known === saidBefore) return;
    if (said.length > 0) await ask('say', { devices: said, now: now() });
    saidBefore = known;
  };
  let saidBefore = '';
  const steps = [follow, sayWhatDevicesAre, () => reports.look()];
  const look = async () => {
    // Each by itself: a journal that cannot be read must not keep faults out of the ledger.
    for (const step of steps)
      await step().catch((error: Error) => {
        if (!isClosed)
          bursts.warn('ledger', { error: error.message }, 'the ledger could not be kept; it is tried again');
      });
  };
  const lookSoon = () => {
    again = looking !== undefined;
    if (looking !== undefined || isClosed) return;
    looking = look().finally(() => {
      looking = undefined;
      if (again) lookSoon();
    });
  };
  /** What was changed is told at once. */
  const changed = async <T>(change: Promise<T>): Promise<T> => {
    const value = await change;
    lookSoon();
    return value;
  };
  return {
    list: (asked) => ask('list', { ...asked, now: now() }),
    entry: (number) => ask('entry', { number }),
    add: (words, by) => changed(ask('add', { words, by, now: now() })),
    edit: (number, words, by) => changed(ask('edit', { number, words, by, now: now() })),
    close: (number, result, by) => changed(ask('closeEntry', { number, result, by, now: now() })),
    reopen: (number, by) => changed(ask('reopen', { number, by, now: now() })),
    async devices() {
      const known = new Map((await ask('devices', undefined)).map((one) => [one.id, one]));
      const own = config.devices.map(({ id }) => {
        const { said, saidAt, notes } = known.get(id) ?? { said: {}, saidAt: null, notes: {} };
        known.delete(id);
        return { id, said: { ...said, ...saidOf(supervisor.about(id)) }, saidAt, notes };
      });
      return [...own, ...known.values()];
    },
    device: (id) => ask('device', { id }),
    write: (id, notes, by) => changed(ask('write', { id, notes, by, now: now() })),
    certificates,
    links,
    report: reports.of,
    start() {
      timer = time.every(LOOK_EVERY_MS, lookSoon);
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      timer?.stop();
      await asking.close();
      await looking;
      bursts.close();
    },
  };
}

function saidOf(about: About | undefined): DeviceWords | undefined {
  if (about === undefined) return undefined;
  const { maker, model, firmware, serial } = about;
  const known = Object.entries({ maker, model, serial, firmware }).filter(([, word]) => word !== undefined);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

/** The same answer for all who ask within a while. */
function fresh<T>(time: Pick<Clock, 'elapsed'>, make: () => Promise<T>): () => Promise<T> {
  let known: { readonly at: number; readonly value: Promise<T> } | undefined;
  return () => {
    if (known !== undefined && time.elapsed() - known.at < FRESH_MS) return known.value;
    const value = make();
    const one = { at: time.elapsed(), value };
    known = one;
    value.catch(() => {
      if (known === one) known = undefined;
    });
    return value;
  };
}

/** Puts in what stands for long enough, closes what is over, and tells of it. It asks the file only where there is reason to. */
function createFollowing(
  ledger: LedgerConfig,
  { dataDir, devices }: Pick<Config, 'dataDir' | 'devices'>,
  of: LedgerContext & { readonly asking: Asking; readonly certificates: Ledger['certificates'] },
): () => Promise<void> {
  const { recorder, journal, clock, time, log, asking, certificates } = of;
  const { ask } = asking;
  const ids = new Set(devices.map(({ id }) => id));
  const wantsCertificates = ledger.open.some(({ kinds }) => kinds.includes('certificate'));
  /** Since when each stands, whatever else its device says of it meanwhile. */
  let since = new Map<string, number>();
  let ending: readonly Standing[] = [];
  let endingAt = Number.NEGATIVE_INFINITY;
  let tracked: ReadonlySet<string> | undefined;
  let nextAt: number | null = null;
  let changedAt: number | undefined;

  const standingNow = async (at: number): Promise<ReadonlyMap<string, Standing>> => {
    if (wantsCertificates && time.elapsed() - endingAt >= CERTIFICATES_EVERY_MS) {
      endingAt = time.elapsed();
      // A config that is being written just now: what ended before does still.
      const found = await certificates().catch(() => undefined);
      if (found !== undefined) ending = certificatesIn(found.certificates, at);
    }
    const found = faultsIn(recorder.states, (device) => ids.has(device));
    for (const one of ending) found.set(one.key, one);
    const before = since;
    since = new Map();
    for (const [key, one] of found) {
      const from = Math.min(before.get(key) ?? one.since, one.since);
      since.set(key, from);
      found.set(key, { ...one, since: from });
    }
    return found;
  };
  const tell = async ({ outbox, overdue, notes }: Untold) => {
    if (outbox.length + overdue.length + notes.length === 0) return;
    const at = clock.now();
    for (const { type, entry } of outbox) {
      const { number, kind, device } = entry;
      log.info({ number, kind, device }, `the ledger: an entry was ${type}`);
      await recorder.recordOwn(`ledger.${type}`, detailsOf(entry, at));
    }
    for (const entry of overdue) {
      const { number, device, owner } = entry;
      log.warn({ number, device, owner }, 'the ledger: an entry is open after its deadline');
      await recorder.recordOwn('ledger.overdue', detailsOf(entry, at));
    }
    for (const { at: done, by, subject, body } of notes)
      await journal.audit(done, JSON.stringify({ kind: 'ledger', by, about: subject, changes: body }));
    const numbers = (all: readonly { readonly number: number }[]) => all.map(({ number }) => number);
    await ask('told', {
      ...{ outbox: numbers(outbox), overdue: numbers(overdue), notes: numbers(notes), now: at },
    });
  };
  return async () => {
    // Before the states were read nothing stands, and nothing is over.
    if (!recorder.isLoaded()) return;
    const at = clock.now();
    const standing = await standingNow(at);
    const opening = dueOf(standing.values(), ledger, (key) => tracked?.has(key) === true, at);
    const gone = [...(tracked ?? [])].filter((key) => !standing.has(key));
    const isDue = nextAt !== null && nextAt <= at;
    const changed = await changeOf(dataDir);
    if (tracked !== undefined && opening.length + gone.length === 0 && !isDue && changed === changedAt)
      return;
    const found = await ask('look', { opening, gone, now: at, remindMs: ledger.remind });
    if (found.refused > 0)
      log.warn({ faults: found.refused }, 'the ledger has too many open entries: faults are not put in');
    tracked = new Set(found.tracked);
    ({ nextAt } = found);
    await tell(found.untold);
    changedAt = changed;
  };
}

/** When the file was changed last, here or by the command line; undefined: there is none yet. */
const changeOf = async (dataDir: string): Promise<number | undefined> =>
  await stat(ledgerFile(dataDir)).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
