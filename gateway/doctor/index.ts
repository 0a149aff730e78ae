/**
 * The doctor of a gateway that runs, for its console. It opens no device and no platform: those say themselves how they are.
 * The machine is looked at in a thread apart, one examination at a time, for all who ask meanwhile.
 */
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { createIsolated, type Isolated } from '../lifecycle/isolated.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Health } from '../observe/status.ts';
import type { Viewer } from '../service-user.ts';
import { inOrder, type Report } from './finding.ts';
import type { examine, Question } from './jobs.ts';
import type { OfMachine } from './machine.ts';
import { neededHosts } from './network.ts';
import { findingsOf, type Told } from './running.ts';

export interface Doctor extends Part {
  /** Rejects where it is not done within a minute. */
  examine(): Promise<Report>;
  /** The last report. */
  last(): Report | undefined;
}

/** A name that is not known takes 5 s, two at once; a disk that is nearly dead, as long. */
const DEADLINE_MS = 60_000;
const HEAP_MB = 64;
const MODULE = new URL('./jobs.ts', import.meta.url).href;

type OfConfig = Pick<
  Config,
  'file' | 'dataDir' | 'timezone' | 'retention' | 'media' | 'uplinks' | 'devices' | 'contacts'
>;

/** What of a config the machine is looked at for. `gently`: a gateway runs here. `viewer`: who it runs as; undefined: we. */
export const machineOf = (
  { file, dataDir, timezone, retention, media, devices }: OfConfig,
  gently: boolean,
  viewer?: Viewer,
): OfMachine => ({
  ...{ file, dataDir, timezone, gently, viewer, lowDisk: retention.lowDisk },
  needsVideo: media.clips.length > 0 || devices.some(({ driver }) => driver === 'onvif'),
});

/** `config`: as it is now. */
export function createDoctor(
  config: () => OfConfig,
  {
    health,
    time,
    isolated = createIsolated({ time, deadlineMs: DEADLINE_MS, heapMb: HEAP_MB }),
  }: {
    readonly health: () => Promise<Health>;
    readonly time: Clock;
    readonly isolated?: Pick<Isolated, 'run' | 'close'>;
  },
): Doctor {
  let last: Report | undefined;
  let running: Promise<Report> | undefined;
  const examineNow = async (): Promise<Report> => {
    const name = 'examine' satisfies (typeof examine)['name'];
    const now = config();
    const input: Question = { machine: machineOf(now, true), needed: neededHosts(now) };
    const [own, { details }] = await Promise.all([
      isolated.run({ module: MODULE, name, input }) as ReturnType<typeof examine>,
      health(),
    ]);
    const findings = inOrder([...own, ...findingsOf(details as Told, time.wall())]);
    last = { at: new Date(time.wall()).toISOString(), findings };
    return last;
  };
  return {
    examine() {
      running ??= examineNow().finally(() => {
        running = undefined;
      });
      return running;
    },
    last: () => last,
    [Symbol.asyncDispose]: () => isolated.close(),
  };
}
