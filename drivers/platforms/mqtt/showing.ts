/**
 * What is shown, not what happened: `presence`, `campus` and `state/{device}`, retained, and `life`; QoS 0, so that a broker says
 * nothing to it. One that denies a topic may close the connection instead (RabbitMQ does, mosquitto 2.0.11 now and
 * then): the next connection shows it again, is closed again, and alarms wait. So the kind (`state`) that two
 * connections in a row ended at is not shown for ten minutes; then once more, with what changed since. Where that is
 * denied for good, as a topic that a broker's rights do not know yet, each try costs a connection: the next one is
 * waited for twice as long, some hours at most.
 *
 * After the first such end it is found out which, and whether it was not an event: nothing is shown at first, and then
 * kind by kind, each with a PINGREQ behind it and none before its answer. A broker reads in order, so that what comes
 * before a PINGRESP was taken, and what lacks one is what the connection ended at.
 */
import type { Timer } from '../../contract/clock.ts';
import type { PlatformHost } from '../../contract/transport.ts';
import { BrokerError } from './checked.ts';
import { type Connection, SessionTakenOver } from './connection.ts';
import { JSON_TYPE } from './hear.ts';
import { REFUSED } from './sending.ts';

/** Once, it may have been the network. */
const ENDS_MAX = 2;
const UNSHOWN_MS = 600_000;
const UNSHOWN_MAX_MS = 16 * UNSHOWN_MS;
/**
 * A broker that closes because of a message does so at once; a slow line has it later. One whose cluster elects a leader
 * closes after 4 s (NATS), whatever was shown.
 */
const SOON_MS = 3000;
/** By then a broker that closes at an event has done so: it comes first. */
const EVENTS_FIRST_MS = 2000;
const REASON = 'the broker closes the connection when it is shown; it is not shown for some minutes';

/** What is known of a kind, over the connections of an uplink. */
interface Known {
  /** How many connections in a row ended at it. */
  ends: number;
  /** Until then it is not shown, `elapsed`; and how long that is. */
  againAt: number;
  unshownMs: number;
}
const knownOf = new WeakMap<PlatformHost, Map<string, Known>>();

export interface Showing {
  /** Retained, unless it is `passing`. `done`: it was written, or is not shown now. */
  publish(
    path: string,
    payload: string,
    of?: { readonly passing?: boolean; readonly done?: () => void },
  ): void;
  /** The connection ends by our own will: that says nothing of what was shown. What comes still goes out at once. */
  leave(): void;
}

const kindOf = (path: string) => path.split('/', 1)[0] ?? path;

/** `discovery`: the root of what is shown to Home Assistant, whose paths begin so. */
export const DISCOVERY = 'discovery';

export function createShowing(
  connection: Connection,
  host: PlatformHost,
  prefix: string,
  discovery = '',
): Showing {
  const { clock, log, uplink } = host;
  const known = knownOf.get(host) ?? new Map<string, Known>();
  knownOf.set(host, known);
  const untold = new Set<string>();
  let left = false;
  const topicAt = (path: string) =>
    kindOf(path) === DISCOVERY ? `${discovery}${path.slice(DISCOVERY.length)}` : `${prefix}/${path}`;
  const write = (path: string, payload: string, retain: boolean, done: () => void) =>
    connection.publish(
      { topic: topicAt(path), payload, qos: 0, retain, contentType: JSON_TYPE },
      ({ code, reason }) => {
        if (code >= REFUSED && !untold.has(path)) {
          untold.add(path);
          log.warn({ uplink, path, bytes: payload.length, reason }, 'a state is not shown');
        }
        done();
      },
    );
  const topicOf = (kind: string) => topicAt(kind === 'state' || kind === DISCOVERY ? `${kind}/#` : kind);
  const isSuspicious = () => [...known.values()].some(({ ends }) => ends > 0);
  const order = createOrder(connection, clock, isSuspicious, (kind) => {
    if (known.delete(kind)) host.notShown(topicOf(kind), undefined);
  });

  /** Of kinds that are not shown now: the last word of each topic. */
  const withheld = new Map<string, string>();
  const isWithheld = (kind: string) => clock.elapsed() < (known.get(kind)?.againAt ?? 0);
  const publish: Showing['publish'] = (path, payload, { passing = false, done = () => {} } = {}) => {
    const kind = kindOf(path);
    if (isWithheld(kind)) {
      if (!passing) withheld.set(path, payload);
      return done();
    }
    const writeIt = () => write(path, payload, !passing, done);
    // What the identity ends at is looked after where it is looked for (identity.ts).
    if (left || kind === 'identity') writeIt();
    else order.add(kind, writeIt);
  };
  const again = [...known].flatMap(([kind, { againAt }]) =>
    isWithheld(kind)
      ? clock.after(againAt - clock.elapsed(), () => {
          for (const [path, payload] of withheld) {
            if (kindOf(path) !== kind) continue;
            withheld.delete(path);
            publish(path, payload);
          }
        })
      : [],
  );

  void connection.ended.then((reason) => {
    for (const timer of again) timer.stop();
    const isOther = reason instanceof SessionTakenOver || reason instanceof BrokerError;
    if (left || isOther || host.signal.aborted) return;
    for (const kind of order.endedAt()) {
      const { ends, unshownMs } = known.get(kind) ?? { ends: 0, unshownMs: 0 };
      const isEnough = ends + 1 >= ENDS_MAX;
      if (!isEnough) {
        known.set(kind, { ends: ends + 1, againAt: 0, unshownMs });
        continue;
      }
      // One end is enough, once it is shown again.
      const nextMs = Math.min(UNSHOWN_MAX_MS, Math.max(UNSHOWN_MS, unshownMs * 2));
      known.set(kind, { ends, againAt: clock.elapsed() + nextMs, unshownMs: nextMs });
      host.notShown(topicOf(kind), REASON);
      log.warn({ uplink, topic: topicOf(kind), minutes: nextMs / 60_000 }, `${REASON}; events go on`);
    }
  });
  return {
    publish,
    leave() {
      left = true;
    },
  };
}

/** In what order kinds go out over one connection, and which it ended at. `isSuspicious`: one by one. */
function createOrder(
  connection: Connection,
  clock: PlatformHost['clock'],
  isSuspicious: () => boolean,
  taken: (kind: string) => void,
) {
  let queue: { readonly kind: string; readonly write: () => void }[] = [];
  let asked: { readonly kind: string; readonly at: number } | undefined;
  /** When one of a kind was written last, and nobody asked. */
  const unasked = new Map<string, number>();
  const begunAt = clock.elapsed();
  let waiting: Timer | undefined;
  let over = false;
  void connection.ended.then(() => {
    over = true;
    waiting?.stop();
  });
  const pump = () => {
    const [first] = queue;
    if (first === undefined || asked !== undefined || over) return;
    const { kind } = first;
    const [now, later] = [queue.filter((one) => one.kind === kind), queue.filter((one) => one.kind !== kind)];
    queue = later;
    asked = { kind, at: clock.elapsed() };
    for (const { write } of now) write();
    connection.ping(() => {
      asked = undefined;
      taken(kind);
      pump();
    });
  };
  return {
    add(kind: string, write: () => void) {
      if (queue.length === 0 && !isSuspicious()) {
        unasked.set(kind, clock.elapsed());
        return write();
      }
      if (queue.push({ kind, write }) > 1) return;
      const waitMs = begunAt + EVENTS_FIRST_MS - clock.elapsed();
      // Many states are shown in one go.
      if (waitMs > 0) waiting = clock.after(waitMs, pump);
      else process.nextTick(pump);
    },
    /** The kinds that it may have ended at. */
    endedAt(): readonly string[] {
      const isSoon = (at: number) => clock.elapsed() - at < SOON_MS;
      if (asked !== undefined) return isSoon(asked.at) ? [asked.kind] : [];
      return [...unasked].flatMap(([kind, at]) => (isSoon(at) ? kind : []));
    },
  };
}
