/** What the city's API tells and its page shows. Times are UTC, RFC 3339, unless a unit is said. */
import { z } from 'zod';
import { closeReasons } from '../../config/catalogue/event-data.ts';
import type { Right } from '../console/rights.ts';

/**
 * `GET /api/me` tells who looks in the console's form (gateway/console/contract/me.ts), which the shared pages read:
 * `campus` is the city, with the time zone that times are shown in; `names`, `cameras`, `gates` are empty, `ledger` false;
 * `rights` are those of the console's that mean something here.
 */
export const cityRights = ['look', 'persons', 'alarms', 'users'] as const satisfies readonly Right[];

/** What the stream begins with: a page of another version loads itself anew. */
export const helloView = z.object({ version: z.string(), webVersion: z.string() });
export type HelloView = z.output<typeof helloView>;

const time = z.string().describe('UTC, RFC 3339');
const count = z.int().nonnegative();

/** `silent`: nothing comes; `degraded`: its events come, and something is wrong with them or with the gateway. */
export const campusStates = ['online', 'degraded', 'silent', 'withdrawn', 'unknown'] as const;

export const coordinatesView = z.object({
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  datum: z.enum(['GCJ-02', 'WGS 84']),
});

export const campusView = z.object({
  id: z.string().describe('The number of the campus'),
  prefix: z.string().describe('The beginning of its topics'),
  name: z.string().optional(),
  district: z.string().optional().describe('Code of the district (GB/T 2260), as the campus says it'),
  address: z.string().optional(),
  coordinates: coordinatesView.optional(),
  state: z.enum(campusStates),
  reasons: z.array(z.string()).describe('Why it is degraded or silent: codes'),
  since: time.optional().describe('Since when it is in this state'),
  lastEventAt: time.optional().describe('When its last event was received'),
  standing: count.describe('Alarms that stand'),
  untaken: count.describe('Alarms, tests aside, that nobody took or closed, ended or not'),
  gaps: count.describe('Open gaps in its chains'),
  version: z.string().optional().describe('Of its gateway'),
});
export type CampusView = z.output<typeof campusView>;

export const campusDetailView = campusView.extend({
  contacts: z
    .array(z.object({ role: z.string(), name: z.string().optional(), phone: z.string().optional() }))
    .describe('Only for who may see persons'),
  lanes: z.array(
    z.object({ journal: z.string(), lane: z.string(), upTo: z.string().describe('A sequence') }),
  ),
  gapsOf: z.array(
    z.object({
      journal: z.string(),
      lane: z.string(),
      after: z.string(),
      upTo: z.string(),
      since: time,
      asked: count,
      state: z.enum(['open', 'lost']),
    }),
  ),
});
export type CampusDetailView = z.output<typeof campusDetailView>;

const act = z.object({
  by: z.string(),
  via: z.string().optional(),
  at: time,
  here: z.literal(true).optional().describe('At the desk alone: its campus does not know'),
});

/** An event `alarm.raised`, and what became of it. */
export const alarmView = z.object({
  id: z.string().describe('Of the event'),
  sequence: z.string().describe('"0": from memory; it cannot be acknowledged yet'),
  campus: z.object({ id: z.string(), name: z.string().optional(), district: z.string().optional() }),
  kind: z.string(),
  cause: z.string().optional(),
  device: z.object({ id: z.string(), name: z.string().optional() }),
  zone: z
    .object({ number: z.number().optional(), id: z.string().optional(), name: z.string().optional() })
    .optional(),
  area: z.object({ id: z.string(), name: z.string().optional() }).optional(),
  text: z.string().optional(),
  time: time.describe('When it happened'),
  receivedAt: time,
  storedAt: time.describe('When it was committed'),
  test: z.string().optional().describe('walk-test, maintenance; a later version may know more'),
  standing: z.boolean().describe('It is so now'),
  ended: z.object({ at: time, how: z.enum(['restored', 'cancelled']) }).optional(),
  confirmed: z.object({ at: time }).optional(),
  acknowledged: act.optional(),
  closed: act
    .extend({ reason: z.string().describe('A later version may know more'), note: z.string().optional() })
    .optional(),
});
export type AlarmView = z.output<typeof alarmView>;

/** Why an act of an operator was not done. */
export const actReasons = [
  /** Somebody else has taken it: `by`, `at`. */
  'taken',
  /** It is closed already: `by`, `at`. */
  'closed',
  /** It came from the memory of a gateway whose disk fails; it comes again with a number. */
  'not-numbered',
  'withdrawn',
  /** The campus is not connected. */
  'offline',
  /** It may be done yet, when the campus hears of it. */
  'no-answer',
  /** The broker is away. */
  'broker',
  /** The instance that was asked has no key that its campus knows: `detail` says what to do. */
  'cannot-sign',
  /** The campus refused: `detail` in its words. */
  'refused',
  /** The campus knows no such alarm, as after its disk was changed: `detail` in its words. */
  'unknown-alarm',
] as const;
export type ActReason = (typeof actReasons)[number];

/** What became of it. `ms`: until the campus had answered. */
export const actOutcome = z.discriminatedUnion('done', [
  z.object({
    done: z.literal(true),
    ms: count,
    here: z.literal(true).optional().describe('It was noted at the desk alone'),
  }),
  z.object({
    done: z.literal(false),
    reason: z.enum(actReasons),
    detail: z.string().optional(),
    by: z.string().optional(),
    at: time.optional(),
  }),
]);
export type ActOutcome = z.output<typeof actOutcome>;

const here = z
  .boolean()
  .optional()
  .describe(
    'Where its campus cannot (silent, withdrawn, or it knows no such alarm): in the database of the city alone',
  );
export const acknowledgeRequest = z.strictObject({ here });
export const closeRequest = z.strictObject({
  here,
  reason: z.enum(closeReasons),
  note: z.string().min(1).max(1000).optional(),
});
export type CloseRequest = z.input<typeof closeRequest>;

export const eventView = z.object({
  id: z.string(),
  campus: z.string(),
  type: z.string(),
  time,
  receivedAt: time,
  lane: z.string(),
  sequence: z.string(),
  event: z.record(z.string(), z.unknown()).describe('As it came'),
});
export type EventView = z.output<typeof eventView>;

export const overviewView = z.object({
  at: time,
  campuses: z.object({
    total: count,
    online: count,
    degraded: count,
    silent: count,
    withdrawn: count,
    unknown: count,
  }),
  alarms: z.object({ standing: count, untaken: count }),
  events: z.object({ perSecond: z.number(), stored: z.number(), duplicates: z.number() }),
  gaps: z.object({ open: count, lost: count }),
  /** ms, of alarms of the last hour: from `time` to the commit. */
  latency: z.object({ count, p50: z.number(), p99: z.number() }),
  /** false: the instance that says it has lost its broker; by it nothing new comes, and nobody is asked. */
  broker: z.boolean().optional(),
});
export type OverviewView = z.output<typeof overviewView>;

/** A minute of alarms: from `time`, as the campus saw it, to the commit, ms. */
export const latencyView = z.object({ at: time, count, p50: z.number(), p99: z.number(), most: z.number() });
export type LatencyView = z.output<typeof latencyView>;

export const auditView = z.object({
  id: z.string().describe('Rises; its place in pages'),
  at: time,
  entry: z
    .record(z.string(), z.unknown())
    .describe('Who did what, as it was noted: `kind`, `user`, `from`, ...'),
});
export type AuditView = z.output<typeof auditView>;
export interface AuditQuery {
  readonly campus?: string | undefined;
  /** Who did it. */
  readonly user?: string | undefined;
  /** An `id`: what is older. */
  readonly before?: string | undefined;
  readonly limit: number;
}

export interface AlarmQuery {
  /** standing: it is so now, or nobody has closed it. Untaken ones first, tests last, then the newest first. */
  readonly state: 'standing' | 'untaken' | 'all';
  readonly campus?: string | undefined;
  readonly district?: string | undefined;
  /** In a name or an id of a zone, an area or a device. */
  readonly place?: string | undefined;
  /** An alarm's `receivedAt` and id: what is older. */
  readonly before?: { readonly at: string; readonly id: string } | undefined;
  /** So many of each campus at most, those that come first: one that tells thousands hides no other. */
  readonly each?: number | undefined;
  readonly limit: number;
}
export interface EventQuery {
  readonly campus?: string | undefined;
  readonly district?: string | undefined;
  /** With `*` at its end: all that begin so. */
  readonly type?: string | undefined;
  /** Received from then on, and before `to`. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly before?: { readonly at: string; readonly id: string } | undefined;
  readonly limit: number;
}

/** What changed; campuses by their numbers. */
export type Change =
  | { readonly what: 'alarm'; readonly id: string; readonly campus: string }
  | { readonly what: 'campus'; readonly id: string }
  | { readonly what: 'missed' };

/** What an operator did with an alarm at the desk alone. */
export interface DeskAct {
  readonly what: 'acknowledged' | 'closed';
  /** The id of the alarm. */
  readonly alarm: string;
  /** The number of its campus. */
  readonly campus: string;
  readonly by: string;
  /** Epoch ms. */
  readonly at: number;
  /** Of `closed`. */
  readonly reason?: string | undefined;
  readonly note?: string | undefined;
}

/** What the API reads. */
export interface Reads {
  overview(): Promise<OverviewView>;
  campuses(of?: { readonly district?: string | undefined }): Promise<readonly CampusView[]>;
  campus(id: string): Promise<CampusDetailView | undefined>;
  alarms(query: AlarmQuery): Promise<readonly AlarmView[]>;
  /** `campus`: its number; none: `several` campuses may use one id. */
  alarm(id: string, campus?: string): Promise<AlarmView | 'several' | undefined>;
  events(query: EventQuery): Promise<readonly EventView[]>;
  latency(of: {
    readonly from: string;
    readonly to: string;
    readonly campus?: string | undefined;
  }): Promise<readonly LatencyView[]>;
  /** What other consumers commit, too: called after the commit, with what changed. `missed`: read anew. @returns what ends it. */
  follow(listener: (change: Change) => void): () => Promise<void>;
  /** An alarm is taken or closed at the desk alone. @returns whether it was; false: somebody was first. */
  desk(act: DeskAct): Promise<boolean>;
  /** For the audit of the platform: who did what. */
  audit(at: number, body: string): Promise<void>;
  audits(query: AuditQuery): Promise<readonly AuditView[]>;
}
