/** What the ledger has in it. Times are epoch ms. */

export type EntryKind = 'fault' | 'hazard';
export type EntryState = 'open' | 'overdue' | 'closed';

/** A fault or a hazard. */
export interface Entry {
  /** Never used twice. */
  readonly number: number;
  readonly kind: EntryKind;
  /** A device of the config; null: of none. */
  readonly device: string | null;
  /** The zone or the part of the device, or a place in words. */
  readonly place: string | null;
  /** What stood, where the gateway put it in: `link`, `battery`; and why, more finely, in the words of events. */
  readonly fault: string | null;
  readonly cause: string | null;
  readonly reason: string | null;
  /** In words, where somebody put it in. */
  readonly what: string | null;
  readonly owner: string | null;
  readonly measure: string | null;
  /** null: none was set. */
  readonly deadline: number | null;
  readonly since: number;
  readonly openedAt: number;
  /** A user of the console or of the machine; `gateway`: by rule. */
  readonly openedBy: string;
  /** When the fault was over; null: it stands, or nobody can know. */
  readonly endedAt: number | null;
  readonly closedAt: number | null;
  readonly closedBy: string | null;
  /** How it was mended. */
  readonly result: string | null;
}

export const stateOf = ({ closedAt, deadline }: Entry, now: number): EntryState => {
  if (closedAt !== null) return 'closed';
  return deadline !== null && deadline <= now ? 'overdue' : 'open';
};

/** What somebody puts in or changes. */
export interface EntryWords {
  readonly kind: EntryKind;
  readonly device: string | null;
  readonly place: string | null;
  readonly what: string;
  readonly owner: string | null;
  readonly measure: string | null;
  readonly deadline: number | null;
}

/** A fault that stands, and how its rule wants it put in. */
export interface Standing {
  /** As the recorder's states have it, or `certificate/…`: one entry for each as long as it stands. */
  readonly key: string;
  readonly device: string | null;
  readonly place: string | null;
  readonly fault: string;
  readonly cause: string | null;
  readonly reason: string | null;
  readonly since: number;
}
export interface Opening extends Standing {
  readonly kind: EntryKind;
  readonly owner: string | null;
  readonly measure: string | null;
  readonly deadline: number;
  readonly close: 'ended' | 'hand';
}

/** What a device says of itself, and what only people know. */
export interface DeviceWords {
  readonly maker?: string | undefined;
  readonly model?: string | undefined;
  readonly serial?: string | undefined;
  readonly firmware?: string | undefined;
}
/** `2026-09-01`. */
export interface DeviceNotes extends DeviceWords {
  readonly place?: string | undefined;
  readonly installedOn?: string | undefined;
  readonly warrantyUntil?: string | undefined;
  readonly note?: string | undefined;
}
export interface DeviceRecord {
  readonly id: string;
  readonly said: DeviceWords;
  /** When it said so. */
  readonly saidAt: number | null;
  readonly notes: DeviceNotes;
}

/** Something that happened to an entry or a device: for its history, and for the audit. */
export interface Note {
  readonly number: number;
  readonly at: number;
  readonly by: string;
  /** `entry/12`, `device/yard`. */
  readonly subject: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Adds what was changed, by whom. */
export type Noting = (
  at: number,
  by: string,
  subject: string,
  body: Readonly<Record<string, unknown>>,
) => void;

export interface Tally {
  readonly opened: number;
  readonly closed: number;
  readonly open: number;
  readonly overdue: number;
}
export type Tallies = Readonly<Record<EntryKind, Tally>>;

/**
 * - `E_LEDGER_NEWER`: a later version wrote the file.
 * - `E_LEDGER_NO_ENTRY`: there is none of this number.
 * - `E_LEDGER_CLOSED`: it is closed, and changes no more; `E_LEDGER_OPEN`: it is not.
 */
export class LedgerError extends Error {
  readonly code: 'E_LEDGER_NEWER' | 'E_LEDGER_NO_ENTRY' | 'E_LEDGER_CLOSED' | 'E_LEDGER_OPEN';
  constructor(code: LedgerError['code'], message: string) {
    super(message);
    this.name = 'LedgerError';
    this.code = code;
  }
}
