/**
 * What changed, as frames of server-sent events, made once for all pages. A change says only what it is of; what that is
 * now is read, and many changes of one thing within a moment are one frame.
 *
 * Each frame has a number. Of each thing the number of its last change is kept, for so many things: a page that comes back
 * is told what changed since, or that it missed more than is known.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { frame } from '../../console/open-line.ts';
import type { AlarmView, CampusView, Reads } from '../views.ts';
import type { PatientReads } from './database.ts';

type What = 'alarm' | 'campus';

/** An alarm is named by its id, which has no slash, and by its campus. */
const alarmKey = ({ id, campus }: { readonly id: string; readonly campus: string }) => `${id}/${campus}`;
const alarmOf = (key: string): readonly [id: string, campus: string] => {
  const mark = key.indexOf('/');
  return [key.slice(0, mark), key.slice(mark + 1)];
};

/** What changes while one was read, and so long after it, goes together. */
const PACE_MS: Readonly<Record<What, number>> = { alarm: 50, campus: 1000 };
/** After more campuses than this at once, as when a broker comes back, the next ones wait longer. */
const CROWD = 200;
const CROWD_PACE_MS = 5000;
/** Read one by one; of more campuses all are read together. */
const SINGLES_MAX = 20;
/** More alarms than this that wait, or so many campuses: pages are told to read anew. */
const WAITING_MAX: Readonly<Record<What, number>> = { alarm: 500, campus: 20_000 };
/** Alarms that are read at once. */
const TOGETHER = 50;
const AGAIN_MS = 1000;
/** Things of which it is known when they changed. */
const KNOWN_MAX = 2000;

/** What a frame tells of, for who follows a part. */
export type Told =
  | { readonly what: 'alarm'; readonly view: AlarmView }
  | { readonly what: 'campus'; readonly view: CampusView };
/** undefined: it is for all. */
export type OnFrame = (text: string, told?: Told) => void;

export interface Feed {
  /** The id of the newest frame: what comes after it is to come. */
  readonly newest: string;
  /** Called with each frame. @returns what ends it. */
  onFrame(listener: OnFrame): () => void;
  /** Called at each change, before it is read. */
  onChange(listener: () => void): void;
  /** What a page that was told `id` last is to be told: frames, or that it missed some. */
  since(id: string): Promise<readonly { readonly text: string; readonly told?: Told }[]>;
  close(): Promise<void>;
}

export function createFeed(follow: Reads['follow'], reads: PatientReads, time: Clock): Feed {
  const numbering = randomBytes(6).toString('base64url');
  const listeners = new Set<OnFrame>();
  const changes: (() => void)[] = [];
  const known = new Map<string, number>();
  const stop = new AbortController();
  let newest = 0;
  /** What changed up to this number is not known one by one. */
  let floor = 0;

  const idOf = (number: number) => `${numbering}:${number}`;
  const tell: OnFrame = (text, told) => {
    for (const listener of listeners) listener(text, told);
  };
  const note = (what: What, id: string) => {
    const key = `${what} ${id}`;
    known.delete(key);
    known.set(key, ++newest);
    const [oldest] = known;
    if (known.size <= KNOWN_MAX || oldest === undefined) return;
    known.delete(oldest[0]);
    floor = oldest[1];
  };
  const missed = () => {
    known.clear();
    floor = ++newest;
    tell(frame('missed', {}, idOf(newest)));
  };
  const views = viewsBy(reads);
  const show = async (what: What, ids: readonly string[]) => {
    for (const [id, view] of await views[what](ids)) {
      note(what, id);
      tell(frame(what, view, idOf(newest)), { what, view } as Told);
    }
  };
  const pumps = {
    alarm: createPump('alarm', show, missed, time, stop.signal),
    campus: createPump('campus', show, missed, time, stop.signal),
  };
  const unfollow = follow((change) => {
    for (const listener of changes) listener();
    if (change.what === 'missed') missed();
    else if (change.what === 'campus') pumps.campus.add(change.id);
    else pumps.alarm.add(alarmKey(change));
  });
  return {
    get newest() {
      return idOf(newest);
    },
    onFrame(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onChange: (listener) => void changes.push(listener),
    async since(id) {
      const [of, number] = id.split(':');
      const last = Number(number);
      const isOurs = of === numbering && Number.isSafeInteger(last) && last >= floor && last <= newest;
      if (!isOurs) return [{ text: frame('missed', {}, idOf(newest)) }];
      // Before it is read: what changes meanwhile comes as a frame of its own.
      const upTo = newest;
      const changed = (what: What) =>
        [...known].flatMap(([key, at]) =>
          at > last && key.startsWith(`${what} `) ? [key.slice(what.length + 1)] : [],
        );
      try {
        const [alarms, campuses] = [changed('alarm'), changed('campus')];
        const [ofAlarms, ofCampuses] = [await views.alarm(alarms), await views.campus(campuses)];
        return [
          ...ofAlarms.map(([, view]) => ({
            text: frame('alarm', view, idOf(upTo)),
            told: { what: 'alarm', view } as const,
          })),
          ...ofCampuses.map(([, view]) => ({
            text: frame('campus', view, idOf(upTo)),
            told: { what: 'campus', view } as const,
          })),
        ];
      } catch {
        return [{ text: frame('missed', {}, idOf(upTo)) }];
      }
    },
    async close() {
      stop.abort();
      await unfollow();
    },
  };
}

/** What things are now, by their names; what is there no more is left out. */
function viewsBy(reads: PatientReads) {
  const one = async <V>(id: string, read: (id: string) => Promise<V | undefined>) => {
    const view = await read(id);
    return view === undefined ? [] : [[id, view] as const];
  };
  const alarm = async (key: string): Promise<AlarmView | undefined> => {
    const found = await reads.alarm(...alarmOf(key));
    return found === 'several' ? undefined : found;
  };
  /** Contacts are for some; the rest is of a page of its own. */
  const briefly = async (id: string): Promise<CampusView | undefined> => {
    const { contacts: _c, lanes: _l, gapsOf: _g, ...view } = (await reads.campus(id)) ?? {};
    return 'id' in view ? view : undefined;
  };
  return {
    async alarm(ids: readonly string[]): Promise<readonly (readonly [string, AlarmView])[]> {
      const found: (readonly [string, AlarmView])[] = [];
      for (let i = 0; i < ids.length; i += TOGETHER)
        for (const some of await Promise.all(ids.slice(i, i + TOGETHER).map((id) => one(id, alarm))))
          found.push(...some);
      return found;
    },
    async campus(ids: readonly string[]): Promise<readonly (readonly [string, CampusView])[]> {
      if (ids.length <= SINGLES_MAX) return (await Promise.all(ids.map((id) => one(id, briefly)))).flat();
      const wanted = new Set(ids);
      return (await reads.campuses()).filter(({ id }) => wanted.has(id)).map((view) => [view.id, view]);
    },
  };
}

/** Collects what changed and shows it, at a pace. What could not be read waits. */
function createPump(
  what: What,
  show: (what: What, ids: readonly string[]) => Promise<void>,
  missed: () => void,
  time: Clock,
  signal: AbortSignal,
) {
  let waiting = new Set<string>();
  let isRunning = false;
  const run = async () => {
    while (waiting.size > 0 && !signal.aborted) {
      const ids = [...waiting];
      waiting = new Set();
      try {
        await show(what, ids);
        const isCrowd = what === 'campus' && ids.length > CROWD;
        await time.wait(isCrowd ? CROWD_PACE_MS : PACE_MS[what], signal);
      } catch {
        waiting = new Set([...ids, ...waiting]);
        await time.wait(AGAIN_MS, signal);
      }
    }
    isRunning = false;
  };
  return {
    add(id: string) {
      waiting.add(id);
      if (waiting.size > WAITING_MAX[what]) {
        waiting.clear();
        missed();
      }
      if (isRunning) return;
      isRunning = true;
      void run();
    },
  };
}
