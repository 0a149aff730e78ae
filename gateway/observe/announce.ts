/** What the gateway says of itself when it starts and while it runs: to the log, to the platforms, to the audit. */
import type { Config } from '../../config/schema.ts';
import type { Timer } from '../../drivers/contract/clock.ts';
import { noteConfig } from '../commands/audit.ts';
import type { Commands } from '../commands/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Recorder } from '../road/recorder.ts';
import { version } from '../version.ts';
import type { WallClock } from './clock.ts';
import { type DescriptorsContext, watchDescriptors } from './descriptors.ts';

export interface Announcements extends Part {
  /** Before anything is started: the first event. */
  begin(): void;
}

/** Its start, the last of all, says that the gateway runs. */
export function createAnnouncements(
  config: Pick<Config, 'campus' | 'devices' | 'uplinks' | 'file'>,
  of: {
    readonly journal: Pick<Journal, 'opened' | 'onOpened' | 'auditChange'>;
    readonly recorder: Pick<Recorder, 'recordOwn'>;
    readonly commands: Pick<Commands, 'tellInterrupted'>;
    readonly clock: WallClock;
  } & DescriptorsContext,
): Announcements {
  const { journal, recorder, commands, clock, time, log } = of;
  let pauses: Timer | undefined;
  let descriptors: ReturnType<typeof watchDescriptors> | undefined;
  const devices = config.devices.length;
  /** What a stop cut off is told once the file is there. */
  const onceOpen = () => {
    commands
      .tellInterrupted()
      .catch((error: Error) => log.warn({ error: error.message }, 'what a stop cut off could not be told'));
    void noteConfig(config.file, journal, clock, log);
  };
  return {
    begin() {
      if (journal.opened !== undefined) onceOpen();
      else journal.onOpened(onceOpen);
      const uplinks = config.uplinks.map(({ id }) => id);
      void recorder.recordOwn('gateway.started', { version, devices, uplinks });
      clock.onStep((ms) => {
        log.warn({ ms }, "the gateway's clock jumped");
        void recorder.recordOwn('gateway.clock-stepped', { ms });
      });
      pauses = time.onPause((ms) =>
        log.warn(
          { ms },
          'the gateway stood still: what devices said meanwhile may be lost, their silence is not counted',
        ),
      );
    },
    start() {
      descriptors = watchDescriptors(of);
      const details = { campus: config.campus.id, version, devices, uplinks: config.uplinks.length };
      log.info(details, 'the gateway runs');
    },
    async [Symbol.asyncDispose]() {
      pauses?.stop();
      descriptors?.stop();
    },
  };
}
