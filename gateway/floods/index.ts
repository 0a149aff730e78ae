/**
 * A device that floods is waited for by nobody but itself. All alarms of a campus go to a platform in one lane, in their
 * order: a panel that raises thousands of them, or a terminal that says thousands of things, would have its neighbour's
 * alarm stand behind them. So each source, a device or one of its accounts, is let through at once up to a burst, and
 * then at a rate that any platform keeps up with; the rest waits, in its order and with its time, and the device for its
 * acknowledgement. What is more than that is refused: the device is not told that it was taken.
 *
 * That it floods is told once, as `device.fault` with the cause `flooding`, and, a quiet minute after, that it is over,
 * with how many waited and how many were refused.
 */
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { gatewayKinds, isAlarmKind, type Observation } from '../../drivers/contract/observation.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import type { Pass, Stage } from '../road/stage.ts';
import { createQueue, type Queue } from './queue.ts';

/**
 * Alarms, and what decides whether something is one. A panel of hundreds of zones in a fire says each at once; 300 are
 * a third of a second of a platform that takes 1000 a second.
 */
const ALARMS = { perSecond: 100, burst: 300 };
/**
 * Everything else. It is in a lane that alarms do not wait for, but takes the disk and the processor from them. A terminal
 * whose line was away for a week says thousands of passages in one message, and gives its answer some seconds.
 */
const OTHERS = { perSecond: 500, burst: 5000 };
const QUIET_MS = 60_000;
/** Sources that are remembered. */
const SOURCES_MAX = 10_000;
const CAUSE = 'flooding';

/** Without it an alarm would be judged by what was: it keeps its place among them. */
const besideAlarms: readonly Observation['kind'][] = ['arming', 'bypass', 'test', 'cancel'];
const ofGateway: readonly Observation['kind'][] = gatewayKinds;

interface Flood {
  /** Epoch ms. */
  readonly since: number;
  /** Of the last that was slowed, `elapsed`. */
  lastAt: number;
  waited: number;
  refused: number;
}

interface Source {
  readonly device: string;
  readonly account: string | undefined;
  readonly alarms: Queue;
  readonly others: Queue;
  flood: Flood | undefined;
}

export interface Floods extends Stage, Part {
  /** Sources that flood, for /health. */
  list(): readonly object[];
}

export function createFloods(options: {
  readonly onward: Pass;
  readonly states: Recorder['states'];
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}): Floods {
  const { onward, states, time, log, metrics } = options;
  const sources = new Map<string, Source>();
  let timer: Timer | undefined;
  let closed = false;

  const tell = (
    { device, account }: Pick<Source, 'device' | 'account'>,
    state: Observation['state'],
    counts?: Pick<Flood, 'waited' | 'refused'>,
  ) =>
    onward({
      device,
      kind: 'fault',
      cause: CAUSE,
      state,
      details: { ...(account !== undefined && { account }), ...counts },
    });
  const makeSource = (key: string, device: string, account: string | undefined): Source => {
    const made = {
      device,
      account,
      alarms: createQueue(ALARMS, options),
      others: createQueue(OTHERS, options),
      flood: undefined,
    };
    // Forgotten, a source has its burst anew.
    for (const [old, { flood }] of sources) {
      if (sources.size < SOURCES_MAX) break;
      if (flood === undefined) sources.delete(old);
    }
    sources.set(key, made);
    return made;
  };
  const sourceOf = ({ device, details }: Observation): Source => {
    const account = details?.['account'];
    const key = account === undefined ? device : `${device}/${account}`;
    return sources.get(key) ?? makeSource(key, device, account === undefined ? undefined : String(account));
  };
  const slow = (source: Source, waits: boolean) => {
    const { device, account } = source;
    const isNew = source.flood === undefined;
    source.flood ??= { since: time.wall(), lastAt: 0, waited: 0, refused: 0 };
    source.flood.lastAt = time.elapsed();
    source.flood[waits ? 'waited' : 'refused']++;
    metrics.flooded.inc({ device, what: waits ? 'waited' : 'refused' });
    if (!isNew) return;
    log.warn({ device, account }, 'a device says more than a platform is to be asked to take; it waits');
    tell(source, 'raised').catch(() => {});
  };
  const endQuiet = () => {
    for (const source of sources.values()) {
      const { flood, alarms, others, device, account } = source;
      if (flood === undefined || flood.lastAt + QUIET_MS > time.elapsed()) continue;
      if (alarms.waiting() + others.waiting() > 0) continue;
      const { waited, refused } = flood;
      source.flood = undefined;
      log.info({ device, account, waited, refused }, 'the flood of a device is over');
      // Where the disk refuses, with the next look.
      tell(source, 'restored', { waited, refused }).catch(() => {
        source.flood ??= flood;
      });
    }
  };
  return {
    pass(observation) {
      const { kind } = observation;
      if (closed || ofGateway.includes(kind)) return onward(observation);
      const source = sourceOf(observation);
      const isAlarm = isAlarmKind(kind) || besideAlarms.includes(kind);
      return source[isAlarm ? 'alarms' : 'others'].pass(observation, (waits) => slow(source, waits));
    },
    list: () =>
      [...sources.values()].flatMap(({ device, account, flood, alarms, others }) =>
        flood === undefined
          ? []
          : {
              device,
              account,
              since: new Date(flood.since).toISOString(),
              waiting: alarms.waiting() + others.waiting(),
              waited: flood.waited,
              refused: flood.refused,
            },
      ),
    start() {
      timer = time.every(QUIET_MS / 6, endQuiet);
      // What stood when the gateway stopped: nothing waits any more.
      for (const { device, raised, event } of states.values()) {
        const { cause, details } = event.data as { cause?: string; details?: Observation['details'] };
        if (!raised || cause !== CAUSE) continue;
        const account = details?.['account'];
        tell({ device, account: account === undefined ? undefined : String(account) }, 'restored').catch(
          () => {},
        );
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.stop();
      for (const { alarms, others } of sources.values()) {
        alarms.release();
        others.release();
      }
    },
  };
}
