/**
 * The screens at gates: whose child may go now, by server-sent events. For a screen that everybody can see: of its own
 * door, what it shows and no more.
 *
 *   event: hello    once at the beginning: which door, and which page belongs to this gateway
 *   event: pickup   a card was shown; its id to go on from. What a broken line missed is told again, while whose card it
 *                   was may still stand there
 *   event: beat     every two seconds, so that a screen knows that it is heard
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Persons } from '../persons/index.ts';
import type { Recorder } from '../road/recorder.ts';
import type { GateHello, Pickup } from './contract/gate.ts';
import { frame, type OpenLine, openLine } from './open-line.ts';
import { createShares } from './shares.ts';

export interface ScreensOptions {
  readonly recorder: Pick<Recorder, 'onStored'>;
  /** `onUnkept`: what was decided and the disk did not take. */
  readonly access: { onUnkept(listener: (observation: Pick<Observation, 'access'>) => void): void };
  readonly persons: Persons;
  /** Doors that have a screen, and what people call them. */
  readonly gates: ReadonlyMap<string, string | undefined>;
  readonly campus: { readonly name: string };
  readonly time: Clock;
}

export interface Screens {
  /** Keeps the answer open. @returns false: there are too many screens. */
  follow(request: FastifyRequest, reply: FastifyReply, door: string): boolean;
  start(): void;
  /** Ends all. */
  close(): void;
}

const BEAT_MS = 2000;
const BEHIND_MAX_BYTES = 100_000;
/** A school has a few gates, and a few screens at each. */
const SCREENS_MAX = 100;
/** Who was shown nothing for so long has gone to ask a person. */
const STILL_THERE_MS = 15_000;
/** Of a door: a reader takes two cards a second. */
const KEPT_MAX = 30;

interface Kept {
  readonly id: string;
  readonly at: number;
  readonly pickup: Pickup;
}

/** `webVersion`: of what is served; a screen that runs for years loads it anew when it changes. */
export function createScreens(options: ScreensOptions, webVersion: string): Screens {
  const { recorder, access, persons, gates, campus, time } = options;
  const screens = new Map<FastifyReply, { readonly door: string; readonly write: OpenLine['write'] }>();
  const shares = createShares(SCREENS_MAX);
  const kept = new Map<string, Kept[]>();
  let beating: Timer | undefined;

  const recent = (door: string) => {
    const fresh = (kept.get(door) ?? []).filter(({ at }) => time.elapsed() - at < STILL_THERE_MS);
    if (fresh.length === 0) kept.delete(door);
    else kept.set(door, fresh.slice(-KEPT_MAX));
    return fresh;
  };
  /** One after the other, as the cards were shown: names may have to be read from a file first. */
  let telling: Promise<void> = Promise.resolve();
  let last = 0;
  const tell = async (door: string, decided: Decided, id: string | undefined) => {
    const pickup = await pickupOf(decided, persons);
    kept.set(door, [...recent(door), { id: id ?? String(last), at: time.elapsed(), pickup }]);
    for (const one of screens.values()) if (one.door === door) one.write(frame('pickup', pickup, id));
  };
  const follow = (decided: Decided | undefined, id?: string) => {
    if (decided === undefined || !gates.has(decided.door)) return;
    telling = telling.then(() => tell(decided.door, decided, id)).catch(() => {});
  };
  recorder.onStored((event, sequence) => {
    last = sequence;
    if (event.type.startsWith(`${typePrefix}access.`)) follow(accessIn(event), String(sequence));
  });
  access.onUnkept((observation) => follow(observation.access));

  return {
    follow(request, reply, door) {
      const ended = () => void screens.delete(reply);
      const line = openLine(request, reply, { shares, behindMax: BEHIND_MAX_BYTES, ended });
      if (line === undefined) return false;
      const { write } = line;
      const name = gates.get(door);
      const hello: GateHello = { door: name ?? door, campus: campus.name, webVersion };
      write(frame('hello', hello));
      const after = Number(request.headers['last-event-id'] ?? Number.NaN);
      for (const { id, pickup } of recent(door)) if (Number(id) > after) write(frame('pickup', pickup, id));
      screens.set(reply, { door, write });
      return true;
    },
    start() {
      beating = time.every(BEAT_MS, () => {
        for (const { write } of screens.values()) write(frame('beat', {}));
        for (const door of kept.keys()) recent(door);
      });
    },
    close() {
      beating?.stop();
      for (const reply of screens.keys()) reply.raw.destroy();
    },
  };
}

type Decided = NonNullable<Observation['access']>;
const accessIn = ({ data }: Event) => (data as Pick<Observation, 'access'>).access;

async function pickupOf(
  { decision, reason, children = [] }: Decided,
  persons: Pick<Persons, 'get'>,
): Promise<Pickup> {
  const found = await persons.get(children);
  return {
    decision,
    ...(reason !== undefined && { reason }),
    children: found.map((person, i) => ({
      name: person?.name ?? children[i] ?? '',
      ...(person?.class !== undefined && { class: person.class }),
    })),
  };
}
