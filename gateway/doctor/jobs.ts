/** What takes long of an examination, for a thread apart (lifecycle/isolated.ts), where nothing waits for it. */
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Finding } from './finding.ts';
import { examineMachine, type OfMachine } from './machine.ts';
import { type Needed, nameFindings } from './network.ts';

export interface Question {
  readonly machine: OfMachine;
  readonly needed: readonly Needed[];
}

/** Never rejects. */
export async function examine({ machine, needed }: Question): Promise<readonly Finding[]> {
  const [own, names] = await Promise.all([
    examineMachine(machine, systemClock),
    nameFindings(needed, systemClock),
  ]);
  return [...own, ...names];
}
