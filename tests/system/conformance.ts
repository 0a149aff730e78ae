/** The trials of `campus-gateway conform`, for tests. */
import { systemClock } from '../../drivers/contract/clock.ts';
import { openStage } from '../../simulators/conform/stage.ts';
import { trials } from '../../simulators/conform/trials.ts';

const all: readonly string[] = trials.map(({ name }) => name);

/** Which trials a consumer does not stand. */
export async function failedTrials(
  url: string,
  names = all,
  patienceMs = 20_000,
): Promise<readonly string[]> {
  const stage = await openStage({
    ...{ url, campus: '4503999999', mqtt: {}, time: systemClock, patienceMs },
    signal: new AbortController().signal,
  });
  const wrong: string[] = [];
  for (const { name, run } of trials)
    if (names.includes(name) && (await run(stage)) !== undefined) wrong.push(name);
  await stage.close();
  return wrong;
}
