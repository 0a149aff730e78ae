/**
 * Whose numbers these are. An event is known to a platform by its numbering (`journal`) and its number: two gateways
 * that number alike give one number to two events, and nobody sees it. So a numbering belongs to one file on one
 * machine, and whoever finds that it may have another goes on under a new one.
 *
 *   place    the machine's id, and which file on its disk it is: both differ in a copy of the folder, in a backup
 *            that was put back, in a disk that was put into another box
 *   leases   a random word, another at each start and every few minutes: a platform shows the last one that it was
 *            told (`identity`). One that was never ours shows a twin: a copy of the whole machine, or a machine that
 *            was set back to an older state. Where a container has no id of a machine, that is what finds it
 *   copied   a backup is marked as one when it is made (backup/journal-copy.ts): whoever puts it back, and wherever,
 *            begins a new numbering. `restored` keeps when that was: of commands from before it is not known whether they
 *            were carried out
 *
 * A new numbering costs nothing: numbers go on rising, each lane's chain begins anew, what waits for a platform goes
 * out under it. So when in doubt, there is a new one.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { type Meta, metaTable } from './meta.ts';

/** '' where it is not known. */
export interface Place {
  /** A hash of the machine's id: the id itself is not to be shown (machine-id(5)). */
  readonly machine: string;
  /** The inode of the file: another for each copy that is there beside it. */
  readonly file: string;
  /** When it was made, ns: an inode is used again once its file is gone. */
  readonly made: string;
}

export type RenumberReason = 'machine-changed' | 'folder-copied' | 'other-gateway' | 'restored';

/** A new numbering took the place of `before`. */
export interface Renumbered {
  readonly reason: RenumberReason;
  readonly before: string;
  readonly journal: string;
}

/** The words that this journal was known by: how many there were, and the newest. */
export interface Leases {
  readonly count: number;
  readonly recent: readonly string[];
}

/** The row of `meta` of a backup. */
const COPIED = 'copied';
const RESTORED = 'restored';

/** D-Bus had it before systemd. */
const MACHINE_FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];
/** At one each five minutes they reach back for five hours. */
const LEASES_KEPT = 64;

export function readMachine(files: readonly string[] = MACHINE_FILES): string {
  for (const file of files) {
    try {
      const id = readFileSync(file, 'utf8').trim();
      if (/^[0-9a-f]{32}$/.test(id)) return createHash('sha256').update(`campus-gateway ${id}`).digest('hex');
    } catch {
      // A container often has none.
    }
  }
  return '';
}

/** Where the system does not tell when a file was made (no statx, as under an old Docker), libuv gives the last change. */
export function placeOf(file: string, machine: string): Place {
  const { ino, birthtimeNs, ctimeNs } = statSync(file, { bigint: true });
  const isKnown = birthtimeNs > 0n && birthtimeNs !== ctimeNs;
  return { machine, file: String(ino || ''), made: isKnown ? String(birthtimeNs) : '' };
}

/** Whether a platform's word of us is our own: the newest are known as they are, older ones by their count. */
export function isOwnLease({ count, recent }: Leases, lease: string): boolean {
  const numberOf = (one: string) => Number.parseInt(one, 10);
  if (recent.includes(lease)) return true;
  return numberOf(lease) < Math.min(count, ...recent.map(numberOf));
}

/** As a lease is written: its count, and 64 random bits. */
export const isLease = (text: unknown): text is string =>
  typeof text === 'string' && /^\d{1,15}\.[0-9a-f]{16}$/.test(text);

/**
 * What was written over is as what was never there: the journal opens all the same. Read by hand: for these two alone
 * the thread would load all of zod at each start, which costs as much as the rest of it.
 */
function readObject(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(String(text)));
  } catch {
    return {};
  }
}
function readPlace(text: string | undefined): Place {
  const { machine, file, made = '' } = readObject(text);
  return typeof machine === 'string' && typeof file === 'string' && typeof made === 'string'
    ? { machine, file, made }
    : { machine: '', file: '', made: '' };
}
function readLeases(text: string | undefined): Leases {
  const { count, recent } = readObject(text);
  const isCount = typeof count === 'number' && Number.isSafeInteger(count) && count >= 0;
  return isCount && Array.isArray(recent) && recent.every(isLease)
    ? { count, recent }
    : { count: 0, recent: [] };
}

/** Marks a copy of a journal that is open: whoever opens it as a journal numbers on under another id. */
export const markCopied = (db: Database.Database, at: number): void =>
  metaTable(db).put(COPIED, new Date(at).toISOString());

/** `wall`: epoch ms. */
export function identityTable(db: Database.Database, meta: Meta, wall: () => number) {
  const forgetSent = db.prepare<[]>('UPDATE cursor SET sent = 0');
  const journalId = () => meta.get('journal') ?? '';
  const leases = () => readLeases(meta.get('leases'));
  const renumber = (reason: RenumberReason): Renumbered => {
    const before = journalId();
    // A copy of a running machine must not draw the same numbers: none that were drawn in advance.
    const journal = randomUUID({ disableEntropyCache: true });
    meta.put('journal', journal);
    forgetSent.run();
    return { reason, before, journal };
  };
  const bind = (place: Place): Renumbered | undefined => {
    const known = readPlace(meta.get('place'));
    const differs = (name: keyof Place) =>
      known[name] !== '' && place[name] !== '' && known[name] !== place[name];
    const isCopied = differs('file') || differs('made');
    const isBackup = (meta.get(COPIED) ?? '') !== '';
    const moved = differs('machine') ? 'machine-changed' : isCopied ? 'folder-copied' : undefined;
    const reason = isBackup ? 'restored' : moved;
    if (isBackup) {
      meta.put(COPIED, '');
      meta.put(RESTORED, String(wall()));
    }
    const now: Place = {
      machine: place.machine || known.machine,
      file: place.file || known.file,
      // Of another file it says nothing about this one.
      made: place.made || (differs('file') ? '' : known.made),
    };
    if (JSON.stringify(now) !== meta.get('place')) meta.put('place', JSON.stringify(now));
    return reason && renumber(reason);
  };
  const renewLease = (): Leases => {
    const { count, recent } = leases();
    const lease = `${count + 1}.${randomBytes(8).toString('hex')}`;
    const next = { count: count + 1, recent: [...recent, lease].slice(-LEASES_KEPT) };
    meta.put('leases', JSON.stringify(next));
    return next;
  };
  const bindIt = db.transaction(bind);
  const renumberIt = db.transaction(renumber);
  const renewIt = db.transaction(renewLease);
  return {
    /** The id of this numbering. */
    journalId,
    leases,
    /** When a backup was opened here, epoch ms; undefined: it is none. */
    restoredAt: () => Number(meta.get(RESTORED)) || undefined,
    /** Takes note of where the file is; a new numbering where it was elsewhere before. */
    bind: (place: Place) => bindIt.immediate(place),
    renumber: (reason: RenumberReason) => renumberIt.immediate(reason),
    renewLease: () => renewIt.immediate(),
  };
}
