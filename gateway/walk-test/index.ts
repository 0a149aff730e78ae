/**
 * Walk tests: somebody walks the campus and tries each point; what the gateway hears of it is ticked, with how long it
 * took to the disk, to each platform and back to the lamp of who pressed. It ends as a commissioning report.
 *
 * Alarms of what is under test bear a mark, and platforms are told (the actions `test` and `end-test` of alarms/): what
 * is not under test alarms as ever. It ends by itself, and a restart goes on with it.
 *
 *   arrivals.ts  sees what comes, before any stage      points.ts    what there is to try
 *   walk.ts      how far it is                           stopwatch.ts how long it takes
 *   kept.ts      its files                               ending.ts    what it leaves: record.ts, report.ts, pdf.ts
 */
import { randomBytes } from 'node:crypto';
import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { Commands } from '../commands/index.ts';
import type { Part } from '../lifecycle/part.ts';
import { isoOf } from '../road/event.ts';
import { type Current, createCurrent } from './current.ts';
import { createEnding, type EndingContext } from './ending.ts';
import { WalkError } from './errors.ts';
import { createKeptWalks } from './kept.ts';
import { createPrinter } from './pdf.ts';
import { listPoints, type Point } from './points.ts';
import type { Ending, RecordedPoint, WalkSummary } from './record.ts';
import { createReports, type Reports } from './reports.ts';
import { isInScope, startWalk, type Walk, withRemark } from './walk.ts';
import { createWatching, type Watching, type WatchingContext } from './watching.ts';

export { createArrivals } from './arrivals.ts';
export { WalkError } from './errors.ts';

/** How it is now. */
export interface WalkView {
  readonly running?: Pick<Walk, 'id' | 'by' | 'startedAt' | 'until' | 'areas' | 'others'> & {
    /** Its time is over, or somebody ended it: the report is being written. */
    readonly isEnding: boolean;
  };
  /** Under test; while none runs, all that there are. */
  readonly points: readonly RecordedPoint[];
}

export interface WalkTest extends Part, Reports, Pick<Watching, 'onStored' | 'onTaken' | 'onReceived'> {
  start(): Promise<void>;
  view(): WalkView;
  /** `areas` null: the whole campus; `forMs`: at most 8 h. @throws WalkError. */
  begin(wanted: {
    readonly areas: readonly string[] | null;
    readonly forMs: number;
    readonly by: string;
  }): Promise<WalkView>;
  /** Why a point is not tried, or what was seen there; empty: takes it back. @throws WalkError. */
  remark(point: string, text: string, by: string): WalkView;
  /** @returns the id of the report. @throws WalkError, and what the disk says: then it can be ended again. */
  end(by: string): Promise<string>;
  /** The reports, the newest first. */
  reports(): Promise<readonly WalkSummary[]>;
}

export interface WalkTestContext extends EndingContext, WatchingContext {
  readonly commands: Pick<Commands, 'askPart' | 'onPerform'>;
  readonly devices: EndingContext['devices'] & WatchingContext['devices'];
  readonly time: Clock;
  readonly log: Log;
}

/** The mark of the whole campus (alarms/tests.ts). */
const WHOLE = 'gateway';
/** Of what was pressed last, platforms and lamps get so long to say that they have it. */
const SETTLE_MS = 2000;
/** An end that the disk refused is tried again. */
const AGAIN_MS = 60_000;

const targetsOf = ({ areas }: Pick<Walk, 'areas'>): readonly string[] => areas ?? [WHOLE];
/** `20261129T013301Z-5f0c` */
const newId = (now: number) => `${isoOf(now).replace(/[-:]|\.\d+/g, '')}-${randomBytes(2).toString('hex')}`;

type Whole = Pick<
  Config,
  'campus' | 'timezone' | 'devices' | 'areas' | 'access' | 'dataDir' | 'file' | 'console'
>;

export function createWalkTest(config: Whole, context: WalkTestContext): WalkTest {
  const { time, log } = context;
  const all = listPoints(config);
  const kept = createKeptWalks(config.dataDir);
  const current = createCurrent(kept, context);
  const ending = createEnding(config, kept, context);
  const printer = createPrinter(time);
  const marks = createMarks(context);
  let isEnding: Promise<string> | undefined;
  let isBeginning = false;
  let over: Timer | undefined;
  let closed = false;
  const watching = createWatching(all, current, () => isEnding === undefined, context);

  const stop = () => {
    over?.stop();
    watching.stop();
  };
  const watch = ({ until }: Walk) => {
    watching.start();
    over?.stop();
    over = time.after(Math.max(0, Date.parse(until) - time.wall()), () => endLate('time'));
  };
  const finish = async (walk: Walk, how: Ending, by: string): Promise<string> => {
    const left = SETTLE_MS - (time.elapsed() - watching.lastTrial());
    if (left > 0) await time.wait(left);
    // The next start goes on with it.
    if (closed) throw new WalkError('no-walk-test', 'the gateway stops');
    await marks.end(targetsOf(walk), by);
    const last = current.get() ?? walk;
    const id = await ending.write(last, pointsOf(all, last), how);
    stop();
    current.set(undefined);
    await current.keepNow();
    log.info({ report: id, ending: how, by }, 'a walk test ended');
    return id;
  };
  /** One end at a time; one that failed can be tried again. */
  const end = async (how: Ending, by: string): Promise<string> => {
    const walk = current.get();
    if (walk === undefined || isBeginning) throw new WalkError('no-walk-test');
    isEnding ??= finish(walk, how, by).finally(() => {
      isEnding = undefined;
    });
    return await isEnding;
  };
  function endLate(how: Ending) {
    const walk = current.get();
    if (closed || walk === undefined) return;
    end(how, walk.by).catch((error: Error) => {
      log.warn({ error: error.message }, 'a walk test could not be ended; it is tried again in a minute');
      over = time.after(AGAIN_MS, () => endLate(how));
    });
  }
  const view = () => viewOf(all, current, isEnding !== undefined);

  return {
    ...createReports(kept, printer),
    ...watching,
    view,
    reports: kept.list,
    async begin({ areas, forMs, by }) {
      if (current.get() !== undefined || isBeginning) throw new WalkError('walk-test-runs');
      const isThere = areas?.every((area) => config.areas.some(({ id }) => id === area)) ?? true;
      if (!isThere) throw new WalkError('not-found');
      if (!all.some((point) => isInScope(point, areas))) throw new WalkError('nothing-to-try');
      const now = time.wall();
      const first = Math.max(...lanes.map((lane) => context.journal.last(lane))) + 1;
      const times = { startedAt: isoOf(now), until: isoOf(now + forMs) };
      const walk = startWalk({ id: newId(now), by, first, areas }, times);
      isBeginning = true;
      try {
        await marks.begin(targetsOf(walk), forMs / 1000, by);
        current.set(walk);
        watch(walk);
        await current.keepNow();
      } finally {
        isBeginning = false;
      }
      log.info({ id: walk.id, by, areas: areas ?? 'all', until: walk.until }, 'a walk test began');
      return view();
    },
    remark(point, text, by) {
      if (current.get() === undefined) throw new WalkError('no-walk-test');
      if (!view().points.some(({ id }) => id === point)) throw new WalkError('not-found');
      current.change((walk) => withRemark(walk, point, text.trim(), by));
      return view();
    },
    end: (by) => end('asked', by),
    onStored(event, sequence) {
      const walk = current.get();
      if (walk === undefined) return;
      watching.onStored(event, sequence);
      if (isEnding === undefined && endsMarkOf(walk, event))
        endLate(Date.parse(walk.until) <= time.wall() ? 'time' : 'elsewhere');
    },
    async start() {
      await current.load();
      const walk = current.get();
      if (walk !== undefined) watch(walk);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      stop();
      await current.close();
      await printer.close();
      await ending.close();
    },
  };
}

const endsMarkOf = (walk: Walk, { type, data }: Event): boolean =>
  type === `${typePrefix}device.test-ended` &&
  targetsOf(walk).includes((data['device'] as { readonly id: string }).id);

/** Platforms are told that alarms are of a test, by the actions of alarms/. */
function createMarks({ commands }: Pick<WalkTestContext, 'commands'>) {
  const end = async (targets: readonly string[], by: string) => {
    for (const target of targets) await commands.askPart('end-test', target, { by });
  };
  return {
    end,
    /** All or none. @throws WalkError. */
    async begin(targets: readonly string[], seconds: number, by: string) {
      for (const [i, target] of targets.entries()) {
        const wanted = { kind: 'walk-test', for: seconds, by } as const;
        const { done, reason } = await commands.askPart('test', target, wanted);
        if (done) continue;
        await end(targets.slice(0, i), by);
        throw new WalkError('not-marked', reason);
      }
    },
  };
}

const pointsOf = (all: readonly Point[], { areas, ticks, remarks }: Walk): readonly RecordedPoint[] =>
  all
    .filter((point) => isInScope(point, areas))
    .map((point) => {
      const [tick, remark] = [ticks[point.id], remarks[point.id]];
      return { ...point, ...(tick && { tick }), ...(remark && { remark }) };
    });

function viewOf(all: readonly Point[], current: Current, isEnding: boolean): WalkView {
  const walk = current.get();
  if (walk === undefined) return { points: all };
  const { id, by, startedAt, until, areas, others } = walk;
  return { running: { id, by, startedAt, until, areas, others, isEnding }, points: pointsOf(all, walk) };
}
