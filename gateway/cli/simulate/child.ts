/** The process in which simulators run that the console drives: it hears what remote.ts asks, and ends with it. */
import { systemClock } from '../../../drivers/contract/clock.ts';
import { readKey } from '../../../simulators/panel.ts';
import type { SimulatorAction } from '../../console/contract/simulators.ts';
import { type DrivenDevice, driveSimulators } from './drive.ts';

/** The first message. */
export interface Begin {
  readonly devices: readonly DrivenDevice[];
  readonly others: readonly number[];
}
/** Each further one; without an action it asks what there is. */
export interface Ask {
  readonly ask: number;
  readonly action?: SimulatorAction;
}
export interface Told {
  readonly ask: number;
  readonly answer: object;
}

process.once('message', ({ devices, others }: Begin) => {
  const driven = driveSimulators({ devices, others, readKey, time: systemClock });
  process.on('message', async ({ ask, action }: Ask) => {
    const answer = action === undefined ? await driven.view() : await driven.perform(action);
    process.send?.({ ask, answer } satisfies Told);
  });
});
// A gateway that is gone needs none, however it went.
process.on('disconnect', () => process.exit());
