import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { twice } from './tests/twice.ts';

/** What parsers cost is measured alone. */
const costs = 'tests/**/*.cost.test.ts';

/** What is waited for is waited for where the machine is busy, too, and no longer. */
const patient = { poll: { timeout: 30_000, interval: 10 } };

/** Said by tests/twice.ts. */
const retry = 1;

export default defineConfig({
  test: {
    reporters: ['default', twice],
    env: {
      // Processes that tests start are there sooner.
      NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compile'),
      // Whatever the machine speaks.
      CAMPUS_LANG: 'en',
    },
    projects: [
      {
        test: {
          name: 'unit',
          retry,
          include: ['tests/**/*.test.ts'],
          setupFiles: ['tests/fuzz.ts'],
          expect: patient,
          exclude: ['tests/system/**', 'tests/foreign/**', 'tests/bench/**', costs],
          testTimeout: 60_000,
          // A process runs many files, and loads what they share once: a third of all time went there. What a test
          // changes of its process (environment, language, listeners) it puts back.
          isolate: false,
          // Most of a test's time is spent waiting for a peer: more files at once than cores.
          maxWorkers: 6,
        },
      },
      {
        test: {
          name: 'cost',
          retry,
          include: [costs],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          // Against programs that nobody here wrote.
          name: 'foreign',
          retry,
          include: ['tests/foreign/**/*.test.ts'],
          expect: patient,
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'system',
          retry,
          include: ['tests/system/**/*.test.ts'],
          expect: patient,
          // Real brokers, serial lines and processes on a small machine: one file at a time.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
