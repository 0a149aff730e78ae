/**
 * What campuses are told of what is stored: all lanes of a numbering in one message, after the commit. An alarm's leaves at
 * once; others of the same campus are drawn together. What could not be sent is sent later, with what came in between.
 */
import type { Clock, Timer } from '../../../drivers/contract/clock.ts';
import { createRecent } from '../../lifecycle/recent.ts';
import type { Receipt, Source, Store } from '../contract.ts';

export interface ReceiptsOptions {
  readonly positions: Store['positions'];
  readonly publish: Source['publish'];
  readonly time: Clock;
  readonly onSent: () => void;
}

export interface Receipts {
  /** What a commit made true, or what came again; `beside`: other lanes, which another instance may have brought. */
  add(receipts: readonly Receipt[], beside?: readonly Receipt[]): void;
  /** A gateway is there (again): it may lack what was sent meanwhile. `journal`: its numbering; default: all of them. */
  repeat(prefix: string, journal?: string): void;
  /** Resolves when all that is due was tried. */
  finish(): Promise<void>;
}

/** One campus is told so often, and under load less often: well within the 30 s after which it sends again. */
const SPACING_MS = 250;
const SPACING_MAX_MS = 8000;
/** So many a second are load, for a broker that has the events of a whole city to pass on; so few are none. */
const LOADED = 300;
const UNLOADED = 100;
/** Of the last second in what counts: campuses that are told together are not told in each second. */
const NEW_SHARE = 0.2;
/** A campus that is ahead by so many is told at once: it sends 1,024 that were not confirmed, and no more. */
const BEHIND_MAX = 256;
const LOOK_EVERY_MS = 50;
const AGAIN_MS = 1000;
/** Not answered by the broker: no more are sent. */
const UNANSWERED_MAX = 500;
/** Questions to the database at once. */
const ASKING_MAX = 4;
const REMEMBERED = 20_000;
const LANES_MAX = 16;
const FINISH_MS = 3000;

const keyOf = (prefix: string, journal: string) => `${prefix}\n${journal}`;

interface Told {
  readonly prefix: string;
  readonly journal: string;
  readonly lanes: Map<string, number>;
  /** The database was asked for its other lanes. */
  isWhole: boolean;
  sentAt: number;
  /** By how many numbers it is ahead of what it was told. */
  behind: number;
  /** Not before, where the last one could not be sent. */
  notBefore: number;
}

/** What is known of what campuses were told. */
function createTold() {
  const recent = createRecent<string, Told>(REMEMBERED);
  const of = ({ prefix, journal }: Pick<Receipt, 'prefix' | 'journal'>): Told => {
    const key = keyOf(prefix, journal);
    const told = recent.get(key) ?? {
      ...{ prefix, journal, lanes: new Map<string, number>(), isWhole: false },
      ...{ sentAt: Number.NEGATIVE_INFINITY, behind: 0, notBefore: 0 },
    };
    recent.set(key, told);
    return told;
  };
  return {
    of,
    /** With what it says. */
    note(receipt: Receipt): Told {
      const told = of(receipt);
      const before = told.lanes.get(receipt.lane);
      if (before === undefined && told.lanes.size >= LANES_MAX) return told;
      const upTo = Math.max(before ?? 0, receipt.upTo);
      told.lanes.set(receipt.lane, upTo);
      told.behind += upTo - (before ?? upTo);
      return told;
    },
  };
}

/** Asks the database how far campuses are, a few at once. */
function createAsking(
  { positions, time }: Pick<ReceiptsOptions, 'positions' | 'time'>,
  onAnswer: (prefix: string, all: readonly Receipt[], journals: ReadonlySet<string> | undefined) => void,
) {
  /** Of each prefix the numberings to be told; undefined: all. */
  const toAsk = new Map<string, Set<string> | undefined>();
  /** Of each campus one at once: one that says `online` without end takes the turn of no other. */
  const asking = new Set<string>();
  let notBefore = 0;
  const more = () => {
    for (const [prefix, journals] of toAsk) {
      if (asking.size >= ASKING_MAX || time.elapsed() < notBefore) return;
      if (asking.has(prefix)) continue;
      toAsk.delete(prefix);
      asking.add(prefix);
      positions(prefix)
        .then(
          (all) => onAnswer(prefix, all, journals),
          () => {
            // Asked again where it is due; a gateway that lacks a receipt sends again what it is about.
            notBefore = time.elapsed() + AGAIN_MS;
          },
        )
        .finally(() => {
          asking.delete(prefix);
          more();
        });
    }
  };
  return {
    more,
    open: () => asking.size + toAsk.size,
    ask(prefix: string, journal: string | undefined) {
      if (journal === undefined) toAsk.set(prefix, undefined);
      else if (!toAsk.has(prefix)) toAsk.set(prefix, new Set([journal]));
      else toAsk.get(prefix)?.add(journal);
      more();
    },
  };
}

/** How far apart two receipts of one campus are: more under load. */
function createSpacing(time: Clock) {
  let sent = 0;
  let since = time.elapsed();
  let rate = 0;
  let spacing = SPACING_MS;
  return {
    count: () => void sent++,
    ms(): number {
      const now = time.elapsed();
      const ms = now - since;
      if (ms >= 1000) {
        rate += ((sent / ms) * 1000 - rate) * NEW_SHARE;
        if (rate > LOADED) spacing = Math.min(SPACING_MAX_MS, spacing * 2);
        if (rate < UNLOADED) spacing = Math.max(SPACING_MS, spacing / 2);
        sent = 0;
        since = now;
      }
      return spacing;
    },
  };
}

export function createReceipts({ positions, publish, time, onSent }: ReceiptsOptions): Receipts {
  const told = createTold();
  const spacing = createSpacing(time);
  const due = new Map<string, Told>();
  let unanswered = 0;
  let timer: Timer | undefined;
  let isLast = false;
  /** What could not be sent by the end waits for no later: its timer would keep the process. */
  let isOver = false;

  const send = (one: Told) => {
    due.delete(keyOf(one.prefix, one.journal));
    one.sentAt = time.elapsed();
    one.behind = 0;
    spacing.count();
    unanswered++;
    const lanes = Object.fromEntries([...one.lanes].map(([lane, upTo]) => [lane, String(upTo)]));
    const text = JSON.stringify({ ...lanes, journal: one.journal });
    publish(`${one.prefix}/ack`, text, { retain: true })
      .then(onSent, () => {
        one.notBefore = time.elapsed() + AGAIN_MS;
        put(one);
      })
      .finally(() => {
        unanswered--;
      });
  };
  const consider = (one: Told, isUrgent: boolean) => {
    const now = time.elapsed();
    if (!one.isWhole) asking.ask(one.prefix, one.journal);
    else if (now >= one.notBefore && unanswered < UNANSWERED_MAX)
      if (isUrgent || isLast || one.behind >= BEHIND_MAX || now - one.sentAt >= spacing.ms()) send(one);
  };
  const put = (one: Told, isUrgent = false) => {
    if (one.lanes.size === 0) return;
    due.set(keyOf(one.prefix, one.journal), one);
    consider(one, isUrgent);
    if (due.size > 0 && !isOver) timer ??= time.after(LOOK_EVERY_MS, look);
  };
  const look = () => {
    timer = undefined;
    for (const one of [...due.values()]) consider(one, false);
    asking.more();
    if (due.size + asking.open() > 0) timer ??= time.after(LOOK_EVERY_MS, look);
  };
  const asking = createAsking({ positions, time }, (prefix, all, journals) => {
    const wanted = all.filter(({ journal }) => journals?.has(journal) ?? true);
    const named = [...(journals ?? [])].map((journal) => told.of({ prefix, journal }));
    for (const one of new Set([...wanted.map(told.note), ...named])) {
      one.isWhole = true;
      put(one, true);
    }
  });
  return {
    add(receipts, beside = []) {
      for (const one of beside) told.note(one);
      const urgent = new Set(receipts.filter(({ lane }) => lane === 'urgent').map(told.of));
      for (const one of new Set(receipts.map(told.note))) put(one, urgent.has(one));
    },
    repeat(prefix, journal) {
      asking.ask(prefix, journal);
      timer ??= time.after(LOOK_EVERY_MS, look);
    },
    async finish() {
      isLast = true;
      const from = time.elapsed();
      look();
      while (due.size + unanswered + asking.open() > 0 && time.elapsed() - from < FINISH_MS)
        await time.wait(LOOK_EVERY_MS / 5);
      isOver = true;
      timer?.stop();
    },
  };
}
