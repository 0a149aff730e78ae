/** The one place that says how often what is tested at random is run: set up for each file by vitest.config.ts. */
import fc from 'fast-check';

/** How many times as often as in `npm test`: `npm run test:long -- fuzz` sets it. */
const times = Number(process.env['FUZZ_TIMES'] ?? '1');

/** `usual`: in `npm test`. */
export const runs = (usual: number): number => Math.round(usual * times);

fc.configureGlobal({ numRuns: runs(100) });
