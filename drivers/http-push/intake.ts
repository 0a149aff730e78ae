/** What a terminal said, as observations on disk. */
import type { Host } from '../contract/driver.ts';
import { type DeviceObservation, isZoneAlarmKind } from '../contract/observation.ts';
import { type Interpreted, interpret, NO_EVENT, type Sent } from './interpret.ts';
import type { Mapped } from './mapping.ts';
import { observationOf } from './observing.ts';
import type { Terminal } from './options.ts';
import type { Path } from './reading.ts';
import { createRepeats, type Hearing } from './repeats.ts';

/** Events that wait for the disk together. */
const AT_ONCE = 500;

/** What is larger is read in a thread apart; what is smaller takes some ms at most. */
const HERE_MAX = 16_384;

/** A message as it came. `table`: of ZKTeco's push. */
export interface Message {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly table?: string;
  /** What of it is to be known for the answer. */
  readonly echo?: readonly Path[];
  /** It only says that the terminal is there. */
  readonly isQuiet?: true;
  /** Who sent it does not send it again: the same bytes are another event. */
  readonly isToldOnce?: true;
  /** What becomes of the answer to it. Without it there is none. */
  readonly hearing?: Hearing;
}

/**
 * What became of a message: on disk, with so many events in it; that it was not understood, or was too much. It was
 * counted already. `later`: the disk refused, or it could not be read just now; the terminal may try again.
 */
export type Taken =
  | { readonly is: 'taken'; readonly events: number; readonly echoes: readonly unknown[] }
  | { readonly is: 'senseless' | 'too-large' | 'later' };

/** Takes a message of a terminal: resolves when all of it is on disk. Never rejects. */
export type Intake = (message: Message) => Promise<Taken>;

const heard: Hearing = () => 'heard';

export function createIntake(terminal: Terminal, host: Host): Intake {
  const { id: device, options: own, profile } = terminal;
  const levels = createLevels(host);
  const repeats = createRepeats(device, host.clock);
  const refuse = (
    is: 'senseless' | 'too-large' | 'later',
    reason: string,
    bytes: number,
    detail?: string,
  ) => {
    host.discarded(device, reason, bytes, detail);
    return { is };
  };
  const take: Intake = async ({ contentType, bytes, table, echo = [], isQuiet, ...message }) => {
    const { isToldOnce = false, hearing = heard } = message;
    const sent: Sent = { profile: profile as Sent['profile'], contentType, bytes, table, echo, isQuiet };
    const read = await readSent(sent, host).catch((error: Error) => error);
    if (read instanceof Error)
      return refuse('later', 'a message that could not be read in time', bytes.length, read.message);
    if ('refused' in read) return refuse(read.refused, read.reason, bytes.length);
    const { events, mapped, problems, unmapped = [], strange, echoes, picture } = read;
    if (problems.length > 0)
      host.discarded(device, 'what the profile cannot map', 0, problems.join('; ').slice(0, 500));
    if (strange !== undefined)
      host.discarded(device, strange.reason, 0, strange.members === '' ? '' : `it has ${strange.members}`);
    // A stream has its pictures in parts of their own.
    for (const topic of unmapped.filter((one) => !(isToldOnce && one === NO_EVENT)))
      host.unmapped(device, topic === '' ? 'an event' : topic);
    try {
      const shown = own.pictures ? picture : undefined;
      await report(
        mapped,
        { repeatOf: repeats(bytes, { hearing, isToldOnce }), picture: shown, levels },
        device,
        host,
      );
      return { is: 'taken', events, echoes };
    } catch {
      return { is: 'later' };
    }
  };
  // One after another: a terminal that sends much at once waits for itself, not others for it.
  let last: Promise<unknown> = Promise.resolve();
  return (message) => {
    const taken = last.then(() => take(message));
    last = taken;
    return taken;
  };
}

/** @throws what `Host.isolated` throws. */
async function readSent(sent: Sent, host: Host): Promise<Interpreted> {
  if (sent.bytes.length <= HERE_MAX) return interpret(sent);
  const module = new URL('./interpret.ts', import.meta.url).href;
  return (await host.isolated({ module, name: interpret.name, input: sent })) as Interpreted;
}

/** Rejects where the disk refuses. */
async function report(
  mapped: readonly Mapped[],
  {
    repeatOf,
    picture: shown,
    levels,
  }: {
    readonly repeatOf: ReturnType<ReturnType<typeof createRepeats>>;
    readonly levels: ReturnType<typeof createLevels>;
    readonly picture: Exclude<Interpreted, { refused: string }>['picture'];
  },
  device: string,
  host: Host,
): Promise<void> {
  // What the disk refuses of it goes without its picture.
  const picture =
    shown !== undefined && mapped.length > 0
      ? await host.keep(device, shown).catch(() => undefined)
      : undefined;
  const observations = mapped.flatMap((one, i) => {
    const observation = observationOf(device, one, host.clock.wall());
    if (observation === undefined) return [];
    const repeat = repeatOf(one, observation, i);
    return [
      {
        ...observation,
        ...(picture !== undefined && { picture }),
        ...(repeat !== undefined && { repeat }),
      },
    ];
  });
  const tell = inOrder(observations, (one) => levels.tell(one, host.report));
  // Many at once, in their order: a terminal that kept thousands waits for the disk a few times, not thousands of times.
  for (let i = 0; i < observations.length; i += AT_ONCE) {
    const results = await Promise.allSettled(observations.slice(i, i + AT_ONCE).map(tell));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}

const whatOf = ({ kind, zone }: DeviceObservation) => `${kind}/${zone?.number ?? ''}`;

/**
 * Tells one after another what is of one door or input, where a level is among it: whether that is a change is known only
 * when what was before it is on disk.
 */
function inOrder(all: readonly DeviceObservation[], tell: (one: DeviceObservation) => Promise<void>) {
  const levels = new Set(all.filter(({ initial }) => initial === true).map(whatOf));
  const last = new Map<string, Promise<void>>();
  return (one: DeviceObservation): Promise<void> => {
    const what = whatOf(one);
    if (!levels.has(what)) return tell(one);
    const told = (last.get(what) ?? Promise.resolve()).then(() => tell(one));
    last.set(what, told);
    return told;
  };
}

/** Doors and inputs of one terminal, with what they can be. */
const KNOWN_MAX = 5000;
/** What a level said, and then the moment says that it began: one thing. */
const SAME_RAISE_MS = 10_000;

/** The last word of what is so: when that was, epoch ms by the terminal's clock where it has one. */
interface Word {
  readonly state: DeviceObservation['state'];
  readonly time: number;
}

/**
 * Some terminals say that something is so, again and again, and besides when it begins. Where the state is heard first,
 * the word that it begins is no second event.
 *
 * What is past and came after all that is known is told as what it is. What came before says nothing of now: a beginning
 * is told as over, and the end of it must not be taken for the end of what stands.
 */
function createLevels({ clock, unmapped }: Pick<Host, 'clock' | 'unmapped'>) {
  const begun = new Map<string, number>();
  const words = new Map<string, Word>();
  const timeOf = ({ at }: DeviceObservation) => (at?.trusted === true ? at.time : undefined);

  const tellOld = async (observation: DeviceObservation, last: Word, report: Host['report']) => {
    // Who hears an end takes it for the end of all that came before it.
    if (observation.state === 'restored' && last.state === 'raised') return;
    await report({ ...observation, momentary: true });
  };
  /** Whether its area was armed then, the gateway may not know. */
  const tellPast = async (observation: DeviceObservation, report: Host['report']) => {
    const { device, kind, state } = observation;
    const { id, repeated } = await report(observation);
    const isUntold = id === null && state === 'raised' && isZoneAlarmKind(kind);
    if (isUntold && repeated) unmapped(device, `${kind}, of before`);
  };
  return {
    async tell(observation: DeviceObservation, report: Host['report']): Promise<void> {
      const { kind, cause = '', state, initial, past } = observation;
      if (kind === 'credential' || kind === 'visit') return void (await report(observation));
      const what = whatOf(observation);
      const last = words.get(what);
      const time = timeOf(observation) ?? (past ? undefined : clock.wall());
      if (past && last !== undefined) {
        const isLater =
          time !== undefined && (time > last.time || (time === last.time && state === 'restored'));
        if (!isLater) return await tellOld(observation, last, report);
      }
      const isNews = last === undefined || last.state !== state || initial !== true;
      if (time !== undefined && isNews && (last !== undefined || words.size < KNOWN_MAX))
        words.set(what, { state, time });
      if (past) return await tellPast(observation, report);
      if (state !== 'raised') return void (await report(observation));
      const key = `${what}/${cause}`;
      const at = begun.get(key);
      const isSaid = at !== undefined && clock.elapsed() - at <= SAME_RAISE_MS;
      if (initial !== true)
        return void (await report(isSaid ? { ...observation, initial: true } : observation));
      const { id } = await report(observation);
      if (id !== null) begun.set(key, clock.elapsed());
    },
  };
}
