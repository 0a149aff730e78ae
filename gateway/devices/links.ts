/** Who answers and who does not; a change is an event. */
import type { Log } from '../../drivers/contract/driver.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { signal } from '../lifecycle/signal.ts';
import type { Metrics } from '../observe/metrics.ts';

export interface Links {
  /** `part`: an account or a unit of the device; undefined: the device as a whole. Repeating what is known costs nothing. */
  noteLink(device: string, part: string | undefined, online: boolean, reason: string | undefined): void;
  /** The wire is gone: everything that was known of its devices is too. */
  noteLineLost(device: string, reason: string): void;
  /** It is of the config no longer, or otherwise: what was known of it is nothing now. */
  forget(device: string): void;
  /** Whether all of a device answers; undefined: it has not been heard of yet. */
  online(device: string): boolean | undefined;
  /** Whether one part of it answers, or all of it where nothing is known of that part alone. */
  onlineAt(device: string, part: string): boolean | undefined;
  /** Calls back after a device, or a part of one, began or ceased to answer. */
  onChanged(run: () => void): () => void;
  /** Whether any part of a device answers. */
  isHeard(device: string): boolean;
}

/** The last word on a part of a device; undefined is the device as a whole. */
interface Link {
  readonly answers: boolean;
  /** The disk refused it: the next word tries again. */
  untold: boolean;
}

export function createLinks({
  record,
  metrics,
  log,
}: {
  readonly record: (observation: Observation) => Promise<Receipt>;
  readonly metrics: Metrics;
  readonly log: Log;
}): Links {
  const changed = signal<[]>('a link', log);
  const known = new Map<string, Map<string | undefined, Link>>();
  const partsOf = (device: string) => {
    const parts = known.get(device) ?? new Map<string | undefined, Link>();
    known.set(device, parts);
    return parts;
  };
  const answersOf = (device: string) =>
    [...(known.get(device)?.values() ?? [])].map(({ answers }) => answers);
  const online = (device: string) => {
    const answers = answersOf(device);
    return answers.length === 0 ? undefined : answers.every(Boolean);
  };
  const noteLink: Links['noteLink'] = (device, part, answers, reason) => {
    const parts = partsOf(device);
    // A line lost before any part was heard of is told of the device as a whole; a part that answers ends it.
    if (part !== undefined && answers && parts.get(undefined)?.answers === false)
      noteLink(device, undefined, true, undefined);
    const before = parts.get(part);
    if (before?.answers === answers && !before.untold) return;
    const link: Link = { answers, untold: false };
    parts.set(part, link);
    if (before?.answers !== answers) {
      changed.tell();
      metrics.devices.set({ device }, online(device) === true ? 1 : 0);
      const name = part === undefined ? device : `${device} (${part})`;
      if (answers) log.info({ device, part }, `${name} answers`);
      // Where it is we who cannot listen, nothing is said of the device.
      else if (reason?.startsWith('cannot listen ')) log.warn({ device, part, reason }, `${name}: ${reason}`);
      else log.warn({ device, part, reason }, `${name} does not answer: ${reason ?? 'no reason given'}`);
    }
    const observation: Observation = {
      device,
      kind: 'link',
      state: answers ? 'restored' : 'raised',
      // After a restart, or a disk that refused, what the journal knows already is no event.
      initial: before === undefined || before.untold,
      ...(part !== undefined && { details: { part } }),
      ...(reason !== undefined && { text: reason }),
    };
    record(observation).catch(() => {
      link.untold = true;
    });
  };
  return {
    noteLink,
    noteLineLost(device, reason) {
      const parts = [...partsOf(device).keys()];
      for (const part of parts.length > 0 ? parts : [undefined]) noteLink(device, part, false, reason);
    },
    forget(device) {
      if (!known.delete(device)) return;
      metrics.devices.remove({ device });
      changed.tell();
    },
    online,
    onlineAt: (device, part) => known.get(device)?.get(part)?.answers ?? online(device),
    onChanged: changed.on,
    isHeard: (device) => answersOf(device).includes(true),
  };
}
