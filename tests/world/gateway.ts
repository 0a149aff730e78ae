/** The gateway of a world: it runs, crashes with its disk, is stopped in order, and comes again. */
import type { Transport } from '../../drivers/contract/transport.ts';
import type { TestDisk } from '../backing.ts';
import type { ManualClock } from '../clocks.ts';
import type { Dice } from './dice.ts';
import type { Field } from './field.ts';
import { type Life, type Plant, processClock, startLife } from './life.ts';
import type { Platform } from './platform.ts';

export interface Gateway {
  start(): void;
  /** The process is gone, and with it all that it had opened. It comes again. */
  noteCrash(): void;
  /** In order, as an update does. */
  restart(): Promise<void>;
  /** undefined: it does not run. */
  life(): Life | undefined;
  /** How often it was started. */
  lives(): number;
  /** When it crashed or was stopped, `elapsed()`. */
  readonly stops: readonly number[];
  /** Timers of the process. */
  pending(): number;
}

const ANSWER_MS = 1000;

export function createGateway(of: {
  readonly time: ManualClock;
  readonly disk: Pick<TestDisk, 'attach'>;
  readonly field: Field;
  readonly platforms: readonly Platform[];
  readonly transport: Transport;
  readonly plant: Plant;
  readonly dice: Dice;
  /** What does not hold is told here. */
  readonly wrong: string[];
}): Gateway {
  const { time, disk, field, platforms, transport, plant, dice, wrong } = of;
  const stops: number[] = [];
  let life: Life | undefined;
  let process = processClock(time);
  let lives = 0;
  const start = () => {
    lives++;
    process = processClock(time);
    const own = process;
    startLife({
      time: own.clock,
      backing: disk.attach(),
      driver: field.driver,
      devices: field.devices,
      transport,
      uplinks: platforms,
      plant,
    }).then(
      (started) => {
        if (own === process) life = started;
      },
      (error: Error) => wrong.push(`the gateway does not start: ${error.stack}`),
    );
  };
  return {
    start,
    stops,
    life: () => life,
    lives: () => lives,
    pending: () => process.pending(),
    noteCrash() {
      stops.push(time.elapsed());
      process.kill();
      life = undefined;
      field.lose();
      for (const platform of platforms) platform.lose();
      time.after(dice.between(500, 8000), start);
    },
    async restart() {
      const closing = life;
      if (closing === undefined) return;
      const own = process;
      life = undefined;
      stops.push(time.elapsed());
      await closing.close();
      // A command that came last is still answered by its device.
      await time.wait(ANSWER_MS);
      if (own.pending() > 0) wrong.push(`${own.pending()} timers are left of a gateway that was stopped`);
      own.kill();
      // Closed in order, it has let go of the disk.
      time.after(dice.between(500, 3000), start);
    },
  };
}
