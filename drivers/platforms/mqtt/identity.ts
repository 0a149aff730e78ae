/**
 * `{prefix}/identity`, retained: which numbering, and which lease of it, the gateway here has. It reads there too,
 * because another gateway in its place (a copy of this one, or a second with its client id) is seen nowhere else. Not on
 * `presence`: there the will of the one that is pushed out comes over what it showed last.
 *
 * Each connection looks there before it sends, because a broker may push one of two out without a word (3.1.1, and
 * mosquitto 2.0.11 in MQTT 5 too): what was shown before comes first, then our own word, which ends the look. A broker
 * that does not let it read keeps it waiting for two seconds; one may close the connection over it (mosquitto 2.0.11 after
 * a denied PUBLISH). Such a one is not asked again for ten minutes, because alarms wait; and nothing is shown over a connection on which we do not hear ourselves, because it may be denied, too.
 */
import { within } from '../../contract/clock.ts';
import { type PlatformHost, StartOver } from '../../contract/transport.ts';
import { type Incoming, SessionTakenOver } from './connection.ts';
import type { Subscribing } from './subscribing.ts';

const LOOK_MS = 2000;
const UNASKED_MS = 600_000;
/** Once, it may have been the network. */
const ENDS_MAX = 2;
/** A few hundred bytes are ours. */
const SHOWN_MAX = 4096;
/** What another shows waits for the disk where a new numbering begins. */
const JUDGED_MAX = 16;

/** What is known of an uplink's topic, over its connections. */
interface Known {
  /** How many looks in a row ended with their connection. */
  ends: number;
  /** It is not asked for until then, `elapsed`. */
  askAgainAt: number;
  /** We have shown ourselves there: what another shows since is from now. */
  shown: boolean;
}
const knownOf = new WeakMap<PlatformHost, Known>();

function known(host: PlatformHost): Known {
  const found = knownOf.get(host) ?? { ends: 0, askAgainAt: Number.NEGATIVE_INFINITY, shown: false };
  knownOf.set(host, found);
  return found;
}

/** What is shown, as far as it can be read. */
function readShown(payload: Buffer): { readonly journal?: unknown; readonly lease?: unknown } | undefined {
  if (payload.length > SHOWN_MAX) return undefined;
  try {
    const said: unknown = JSON.parse(payload.toString());
    return typeof said === 'object' && said !== null ? said : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Shows who numbers, and hears who else does. @returns what shows it again, once it is known whose numbers these are, as
 * far as the broker tells. `publish`: retained, to the topic.
 * @throws Error where the connection ended over it.
 */
export async function showIdentity(
  subscribing: Subscribing,
  topic: string,
  host: PlatformHost,
  publish: (payload: string) => void,
): Promise<() => void> {
  const { campus, clock, log, uplink } = host;
  const about = known(host);
  void subscribing.ended.then((reason) => {
    if (reason instanceof SessionTakenOver) host.takenOver();
  });
  const show = () => {
    about.shown = true;
    publish(JSON.stringify({ campus, ...host.identity() }));
  };
  let [heard, denied] = [false, false];
  const showAgain = () => {
    if (heard) show();
  };
  const first = host.identity();
  if (first === undefined || clock.elapsed() < about.askAgainAt) return showAgain;

  const looked = Promise.withResolvers<void>();
  const shownBefore = about.shown;
  let judging: Promise<void> = Promise.resolve();
  let unjudged = 0;
  const subscribed = subscribing.ask(topic, ({ payload, retained }: Incoming) => {
    const said = readShown(payload);
    if (said === undefined) return;
    if (said.lease === host.identity()?.lease) {
      heard = true;
      return looked.resolve();
    }
    if (unjudged >= JUDGED_MAX) return host.discarded('more identities than can be judged');
    unjudged++;
    // One after another: the second is judged by the numbering that the first left.
    judging = judging
      .then(() => host.shown(said, !retained || shownBefore))
      .finally(() => {
        unjudged--;
      });
  });
  // Not before the answer: a broker may look for what it has retained after it took what came next (aedes does).
  subscribed.then(show, (error: Error) => {
    log.info({ uplink, topic, error: error.message }, 'copies of this gateway go unseen here');
    denied = true;
    looked.resolve();
  });
  const ended = subscribing.ended.then((reason) => {
    throw reason;
  });
  ended.catch(() => {});
  const late = new Error('the broker shows nothing on this topic');
  await within(Promise.race([looked.promise, ended]), LOOK_MS, clock, () => late).catch((error: Error) => {
    // At the SUBSCRIBE: that is looked after there.
    if (error instanceof StartOver) throw error;
    if (error === late || ++about.ends >= ENDS_MAX) {
      about.askAgainAt = clock.elapsed() + UNASKED_MS;
      log.info(
        { uplink, topic, error: error.message },
        'copies of this gateway go unseen here for some minutes',
      );
    }
    if (error !== late) throw error;
  });
  about.ends = 0;
  if (denied) about.askAgainAt = clock.elapsed() + UNASKED_MS;
  await judging;
  if (host.identity()?.journal !== first.journal) showAgain();
  return showAgain;
}
