/**
 * Polls one unit: asks, follows, waits. What rises is told at once; what would end is read once more, for an answer may
 * be another's however well it fits. One that does not answer backs off alone. Of several reads each stands for
 * itself: what the device refuses, or answers in part, costs the points of that read and no others.
 */
import type { Clock } from '../contract/clock.ts';
import type { Host } from '../contract/driver.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import type { ZoneOptions } from '../contract/options.ts';
import { exceptionText, type ModbusRequest } from './codec.ts';
import { type Follower, follow } from './follow.ts';
import type { Point } from './point.ts';
import { imageKey, type Profile, type Read, readsOf } from './profile.ts';
import { createResets, type Resets } from './resets.ts';
import type { Reply } from './wire.ts';

/** Unanswered polls after which a unit is offline; one lost frame is no outage. */
const OFFLINE_AFTER = 3;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;
/** What this device does not have may come with its next firmware. */
const REFUSED_MAX_MS = 60_000;
/** A read that is not answered while others are is tried less and less often: it costs them their turns. */
const UNANSWERED_MAX_MS = 10_000;
/** Busy, failing, or away by a gateway's word: that passes, and what it has to tell waits. */
const PASSING_MAX_MS = 1000;
/** A read of several points that is refused so often in a row is taken apart. */
const SPLIT_AFTER = 2;
/** Illegal function, address or value (V1.1b3, 7): what was asked is not in this device. */
const ILLEGAL = [1, 2, 3];

interface Reading {
  readonly read: Read;
  /** In a row. */
  failures: number;
  notBefore: number;
  problem: string | undefined;
  /** So long at most until it is asked again, where it failed. */
  mostMs: number;
}
const readingOf = (read: Read): Reading => ({
  ...{ read, failures: 0, notBefore: 0, problem: undefined, mostMs: 0 },
});
const mostMsOf = (reply: Reply): number => {
  if (!('exception' in reply)) return UNANSWERED_MAX_MS;
  return ILLEGAL.includes(reply.exception) ? REFUSED_MAX_MS : PASSING_MAX_MS;
};

export interface Polled {
  /** What was read; what was not is not in it. */
  readonly image: ReadonlyMap<string, number>;
  /** Some read was answered with values. */
  readonly answered: boolean;
  /** The first thing that is wrong. */
  readonly problem: string | undefined;
  /** Nothing that was asked was answered, not by a refusal either. */
  readonly isSilent: boolean;
  /** It said of all that it was asked that it cannot now. */
  readonly isPassing: boolean;
}

type AskRead = (request: ModbusRequest) => Promise<Reply>;

/** The words of an exception; the profile is not to blame for a gateway's, nor for one that is busy. */
export function refusalOf(read: Pick<Read, 'function' | 'address'>, exception: number): string {
  const words = exceptionText[exception] ?? 'unknown exception';
  const what = `function ${read.function} at ${read.address}: ${words} (exception ${exception})`;
  return ILLEGAL.includes(exception)
    ? `refuses ${what}; does the profile fit the device?`
    : `answers to ${what}`;
}

/** What a unit is asked for; it learns what the unit refuses. */
export function createReader(profile: Profile, clock: Pick<Clock, 'elapsed'>) {
  let readings = readsOf(profile).map(readingOf);
  /** Together with its points apart, where it is refused: each may be good. */
  const split = (reading: Reading) => {
    const parts = reading.read.points.flatMap((point) => readsOf({ ...profile, points: [point] }));
    const apart = [...new Map(parts.map((read) => [`${read.address}/${read.count}`, read])).values()];
    if (apart.length < 2) return;
    readings = readings.flatMap((one) => (one === reading ? apart.map(readingOf) : [one]));
  };
  const take = (reading: Reading, reply: Reply, image: Map<string, number>): boolean => {
    const { read } = reading;
    if ('bits' in reply || 'registers' in reply) {
      const values = 'bits' in reply ? reply.bits.map(Number) : reply.registers;
      for (const [i, value] of values.slice(0, read.count).entries())
        image.set(imageKey(read.function, read.address + i), value);
      reading.failures = 0;
      reading.problem = undefined;
      return true;
    }
    reading.failures++;
    reading.mostMs = mostMsOf(reply);
    reading.problem =
      'missing' in reply
        ? reply.missing
        : 'exception' in reply
          ? refusalOf(read, reply.exception)
          : 'an answer of another function';
    if ('exception' in reply && ILLEGAL.includes(reply.exception) && reading.failures >= SPLIT_AFTER)
      split(reading);
    return false;
  };
  return {
    async poll(ask: AskRead): Promise<Polled> {
      const image = new Map<string, number>();
      const asked: Reading[] = [];
      let answered = false;
      let silences = 0;
      for (const reading of [...readings]) {
        if (reading.notBefore > clock.elapsed()) continue;
        asked.push(reading);
        const reply = await ask(reading.read);
        if (take(reading, reply, image)) answered = true;
        else if ('missing' in reply) {
          silences++;
          // Each costs the line a timeout: a unit that is silent is not asked for all it has.
          if (!answered || silences > 1) break;
        }
      }
      // A unit that answers nothing at all backs off as a whole.
      for (const one of asked) {
        const waitMs = Math.min(1000 * 2 ** (one.failures - 1), one.mostMs);
        one.notBefore = answered && one.failures > 0 ? clock.elapsed() + waitMs : 0;
      }
      const isSilent = silences === asked.length;
      return {
        image,
        answered,
        isSilent,
        isPassing: asked.every(({ failures, mostMs }) => failures > 0 && mostMs === PASSING_MAX_MS),
        problem: readings.find(({ problem }) => problem !== undefined)?.problem,
      };
    },
  };
}

export interface PollOptions {
  readonly device: string;
  readonly profile: Profile;
  readonly zones: readonly ZoneOptions[];
  readonly pollMs: number;
  readonly ask: AskRead;
  /** Called when a rise of a point with `reset` is on disk, and while it stands all the same. */
  readonly reset: (point: Point) => void;
  /** What to look at, of a device that was never heard. */
  readonly hint: (problem: string) => string | undefined;
}

export async function pollLoop(options: PollOptions, host: Host, signal: AbortSignal): Promise<void> {
  const { device, profile, zones, pollMs } = options;
  const { clock } = host;
  const reader = createReader(profile, clock);
  const tellProblem = problemTeller(device, host);
  const resets = createResets(options.reset, clock);
  const fresh = (): Follower => follow(profile, device, zones);
  let following = fresh();
  let missed = 0;
  let wasHeard = false;
  while (!signal.aborted) {
    const started = clock.elapsed();
    const polled = await reader.poll(options.ask).catch(() => undefined);
    if (signal.aborted) return;
    if (polled?.answered === true) {
      missed = 0;
      wasHeard = true;
      host.link(device, 'online');
      // What is not on disk was not seen: start over, and the next poll reports the state as found.
      if (!(await followOn(following, polled.image, reader, options, host, resets))) following = fresh();
      resets.look(following.standing());
      for (const { address, value } of following.strange()) host.unmapped(device, `${value} at ${address}`);
      await tellProblem(polled.problem);
    } else {
      missed++;
      const problem = polled?.problem ?? 'it does not answer';
      // What was heard is set up rightly; what refuses was heard.
      if (polled?.isSilent === false) wasHeard = true;
      if (missed === OFFLINE_AFTER)
        host.link(
          device,
          'offline',
          [problem, wasHeard ? undefined : options.hint(problem)].filter(Boolean).join('; '),
        );
    }
    const most = polled?.isPassing === true ? PASSING_MAX_MS : BACKOFF_MAX_MS;
    const backoff = Math.min(BACKOFF_FIRST_MS * 2 ** (missed - 1), most);
    const wait =
      missed === 0
        ? pollMs - (clock.elapsed() - started)
        : Math.max(backoff * (0.5 + clock.random() / 2), pollMs);
    await clock.wait(Math.max(wait, 1), signal);
  }
}

/** @returns whether all that follows from an image is on disk. */
async function followOn(
  following: Follower,
  image: Polled['image'],
  reader: ReturnType<typeof createReader>,
  options: PollOptions,
  host: Host,
  resets: Resets,
): Promise<boolean> {
  const { clock } = host;
  const isOnDisk = await tellAll(following.take(image, clock.elapsed(), 'first'), resets, host);
  if (!isOnDisk || !following.isEnding) return isOnDisk;
  const again = await reader.poll(options.ask).catch(() => undefined);
  return await tellAll(following.take(again?.image ?? new Map(), clock.elapsed(), 'second'), resets, host);
}

/** @returns whether all is on disk. */
async function tellAll(said: ReturnType<Follower['take']>, resets: Resets, host: Host): Promise<boolean> {
  const written = await Promise.all(
    said.map(async ({ observation, point }) => {
      try {
        await host.report(observation);
      } catch {
        return false;
      }
      if (observation.state === 'raised') resets.begin(point);
      return true;
    }),
  );
  return !written.includes(false);
}

/** Says that some of a device cannot be read while the rest can, when it has been so for some polls; and that it can. */
function problemTeller(device: string, host: Host) {
  let told: boolean | undefined;
  let since: number | undefined;
  return async (problem: string | undefined) => {
    since = problem === undefined ? undefined : (since ?? host.clock.elapsed());
    const stands = since !== undefined && host.clock.elapsed() - since >= UNREADABLE_AFTER_MS;
    if (stands === (told ?? undefined) || (problem !== undefined && !stands)) return;
    const observation: DeviceObservation = {
      device,
      kind: 'fault',
      cause: 'unreadable',
      state: stands ? 'raised' : 'restored',
      ...(told === undefined && { initial: true }),
      ...(problem !== undefined && { text: problem }),
    };
    await host.report(observation).then(
      () => {
        told = stands;
      },
      () => {},
    );
  };
}
/** A device that starts may refuse for a moment. */
const UNREADABLE_AFTER_MS = 3000;
