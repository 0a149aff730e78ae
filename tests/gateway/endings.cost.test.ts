/** What a panel says about nothing that stands costs the same, whatever else stands: nobody waits for it. */
import { expect, it } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createEndings } from '../../gateway/alarms/endings.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { stateKeyOf } from '../../gateway/road/event.ts';
import { createStanding } from '../../gateway/road/standing.ts';

const word = (more: Partial<Observation>): Observation => ({
  device: 'panel',
  kind: 'fault',
  state: 'raised',
  details: { account: '1234', partition: '1' },
  ...more,
});

const restoreOfNothing = word({ state: 'restored', ends: { causes: ['code-VA', 'code-VT'], untold: true } });
const restoreInAll = { ...restoreOfNothing, details: { account: '1234' } };
const cancelElsewhere = word({ kind: 'cancel', details: { account: '1234', partition: '9' } });

it.each([
  ['a restore of nothing', restoreOfNothing],
  ['a restore of nothing in all partitions', restoreInAll],
  ['a cancel of another partition', cancelElsewhere],
])('%s', async (_name, said) => {
  const costWith = async (count: number) => {
    const standing = createStanding();
    for (let number = 0; number < count; number++) {
      const thing = word({ kind: number % 2 === 0 ? 'panic' : 'fault', cause: 'code-QX', zone: { number } });
      standing.set(stateKeyOf(thing) ?? '', 'panel', thing);
    }
    const onward = async () => ({ sequence: 1, id: 'x', repeated: false });
    const endings = createEndings({ onward, standing, time: systemClock, metrics: createMetrics() });
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const begun = systemClock.elapsed();
      for (let i = 0; i < 2000; i++) await endings.pass(said);
      least = Math.min(least, systemClock.elapsed() - begun);
    }
    return least;
  };
  const few = await costWith(10);
  // Looked through one by one, 5000 of them cost a hundred times as much.
  expect((await costWith(5000)) / few).toBeLessThan(5);
});
