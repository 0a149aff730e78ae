/**
 * Warnings to the school: what a platform broadcasts is kept, shown on signs, sent to the school's own systems over
 * HTTP, sounded by rules (`notice.received`), and both "shown" and "read, by whom" go back as events.
 *
 * A notice is a command (`warn`) that the platform leaves retained: a gateway that was away gets it, and its id makes
 * sure that it rings once. It is a state of the journal until it ends: after a restart it is on the signs again.
 */
import type { Registry, Result } from '../../config/catalogue/actions.ts';
import type { NoticesConfig } from '../../config/sections/notices.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import type { Commands } from '../commands/index.ts';
import type { Part } from '../lifecycle/part.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Recorder } from '../road/recorder.ts';
import { createShowing, type Notice } from './show.ts';

export type { Notice } from './show.ts';

export interface Reader {
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
}

export interface Notices extends Part {
  /** Those that are valid now. */
  list(): readonly Notice[];
  /** Who at the school has read one since the gateway started, the first first. */
  readersOf(id: string): readonly Reader[];
  /** Somebody at the school read it. False: there is no such notice. @throws JournalError. */
  noteRead(id: string, by: string): Promise<boolean>;
  /** Takes up what the journal knows. */
  start(): void;
  /** Other signs: what is valid is shown on those that are new, and taken off those that are gone. */
  configure(config: NoticesConfig): void;
}

const LOOK_EVERY_MS = 60_000;
/** Of one notice; more are told to the platform and not remembered. */
const READERS_MAX = 50;

const aboutNotice = (
  id: string,
  state: Observation['state'],
  more: Partial<Observation> = {},
): Observation => ({
  device: 'gateway',
  kind: 'notice',
  state,
  ...more,
  details: { part: id, ...more.details },
});

export function createNotices(
  config: NoticesConfig,
  options: {
    readonly recorder: Pick<Recorder, 'record' | 'recordOwn' | 'states'>;
    readonly commands: Pick<Commands, 'performForRule'> & Registry;
    readonly clock: Pick<WallClock, 'now' | 'onStep'>;
    readonly time: Clock;
    readonly log: Log;
  },
): Notices {
  const { recorder, commands, clock, time } = options;
  const over = new AbortController();
  /** By notice. */
  const readers = new Map<string, readonly Reader[]>();
  let timer: Timer | undefined;

  const known = (): Notice[] =>
    [...recorder.states.values()].flatMap(({ raised, event }) => {
      if (!raised || event.data['kind'] !== 'notice') return [];
      const { text, details } = event.data as {
        text: string;
        details: Omit<Notice, 'id' | 'text'> & { part: string };
      };
      const { part, severity, validUntil, area } = details;
      return [{ id: part, severity, text, validUntil, area }];
    });
  const isValid = ({ validUntil }: Notice) => Date.parse(validUntil) > clock.now();
  const isKnown = (id: string) => known().some((one) => one.id === id);
  const showingOn = (where: NoticesConfig) =>
    createShowing({ ...options, config: where, isValid, now: clock.now, signal: over.signal });
  let shownBy = config;
  let showing = showingOn(config);

  const warn = async (notice: Notice): Promise<Result> => {
    if (!isValid(notice)) return { done: false, reason: `it was valid until ${notice.validUntil}` };
    const { id, text, severity, validUntil, area } = notice;
    const details = { severity, validUntil, ...(area !== undefined && { area }) };
    await recorder.record(aboutNotice(id, 'raised', { text, details }));
    return { done: true, result: { shown: await showing.showEverywhere(notice) } };
  };
  const noteRead = async (id: string, by: string): Promise<boolean> => {
    if (!isKnown(id)) return false;
    await recorder.recordOwn('notice.read', { notice: id, by });
    const before = readers.get(id) ?? [];
    if (before.length < READERS_MAX && before.every((one) => one.by !== by))
      readers.set(id, [...before, { by, at: new Date(clock.now()).toISOString() }]);
    return true;
  };
  /** The platform takes it back. */
  const end = async (id: string): Promise<Result> => {
    if (!isKnown(id)) return { done: false, reason: `there is no notice ${id}` };
    await recorder.record(aboutNotice(id, 'restored'));
    // What is still valid is shown instead.
    const next = known().filter(isValid).at(-1);
    if (next !== undefined) showing.showOnSigns(next);
    else showing.clearSigns(id);
    return { done: true };
  };
  commands.serve({
    warn: ({ id, arguments: wanted }) => warn({ id, ...wanted }),
    'end-notice': ({ arguments: { notice } }) => end(notice),
    async read({ arguments: { notice, by } }) {
      return (await noteRead(notice, by))
        ? { done: true }
        : { done: false, reason: `there is no notice ${notice}` };
    },
  });

  /** Ends what is not valid any more. */
  const endLate = () => {
    for (const id of readers.keys()) if (!isKnown(id)) readers.delete(id);
    for (const notice of known())
      if (!isValid(notice)) recorder.record(aboutNotice(notice.id, 'restored')).catch(() => {});
  };
  clock.onStep(endLate);

  return {
    list: () => known().filter(isValid),
    readersOf: (id) => readers.get(id) ?? [],
    noteRead,
    start() {
      timer = time.every(LOOK_EVERY_MS, endLate);
      endLate();
      for (const notice of known()) if (isValid(notice)) showing.showOnSigns(notice);
    },
    configure(next) {
      const before = shownBy;
      shownBy = next;
      showing = showingOn(next);
      const valid = known().filter(isValid);
      const gone = before.show.filter((sign) => !next.show.includes(sign));
      const come = next.show.filter((sign) => !before.show.includes(sign));
      for (const { id } of valid) showingOn({ ...next, show: gone }).clearSigns(id);
      for (const notice of valid) showingOn({ ...next, show: come }).showOnSigns(notice);
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      timer?.stop();
    },
  };
}
