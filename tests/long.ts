/**
 * `npm run test:long`: what finds faults only after a while, one after the other. `-- NAME...` runs those whose names
 * begin so, `--minutes N` each so long. Exit status 1 where one fails; the others are run all the same.
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

interface Long {
  readonly name: string;
  readonly minutes: number;
  /** Run by Node in the project's folder. */
  readonly command: (minutes: number) => readonly string[];
  readonly env?: (minutes: number) => Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '..');
const system = (file: string) => () =>
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'system', `tests/system/${file}`] as const;
const milliseconds = (minutes: number) => String(Math.round(minutes * 60_000));
/** Those with something at random in them; two minutes take about ten times as many runs as in `npm test`. */
const fuzzed = () =>
  globSync('tests/**/*.test.ts', { cwd: root }).filter((file) =>
    readFileSync(join(root, file), 'utf8').includes('fc.assert'),
  );
const runs: readonly Long[] = [
  {
    name: 'fuzz',
    minutes: 10,
    command: () => [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--project',
      'unit',
      '--testTimeout',
      '1800000',
      ...fuzzed(),
    ],
    env: (minutes) => ({ FUZZ_TIMES: String(Math.max(1, minutes * 5)) }),
  },
  {
    name: 'world',
    minutes: 10,
    command: (minutes) => ['tests/world.ts', '--seeds', String(Math.max(1, Math.round(minutes * 300)))],
  },
  { name: 'soak', minutes: 30, command: (minutes) => ['tests/soak.ts', '--for', `${minutes}m`] },
  {
    name: 'cameras',
    minutes: 10,
    command: system('cameras.test.ts'),
    env: (minutes) => ({ TROUBLE_MS: milliseconds(minutes) }),
  },
  {
    name: 'osdp',
    minutes: 10,
    command: system('osdp.test.ts'),
    env: (minutes) => ({ NOISY_MS: milliseconds(minutes) }),
  },
  {
    name: 'gb28181',
    minutes: 2,
    command: system('gb28181-video.test.ts'),
    env: (minutes) => ({ GB28181_MS: milliseconds(minutes) }),
  },
  {
    name: 'debian',
    minutes: 10,
    command: () => [
      ...system('debian.test.ts')(),
      'tests/system/image.test.ts',
      'tests/system/upgrade.test.ts',
    ],
    env: () => ({ DEBIAN: '1' }),
  },
  {
    name: 'search',
    minutes: 2,
    command: system('console-events.test.ts'),
    env: () => ({ SEARCHED: '1000000' }),
  },
  {
    name: 'puback',
    minutes: 10,
    command: system('city/puback.test.ts'),
    env: () => ({ PUBACK: '1' }),
  },
  {
    name: 'city',
    minutes: 20,
    command: () => [
      ...system('city/full.test.ts')(),
      ...['city/acl', 'city/running', 'platform-sources', 'enrol'].map(
        (name) => `tests/system/${name}.test.ts`,
      ),
    ],
    env: () => ({ CITY: '1' }),
  },
  {
    name: 'platform-page',
    minutes: 3,
    command: system('platform-page.test.ts'),
    env: () => ({ CITY_CAMPUSES: '1500' }),
  },
  { name: 'hour', minutes: 2, command: system('hour.test.ts'), env: () => ({ HOUR: '1' }) },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string' } },
});
const wanted = runs.filter(
  ({ name }) => positionals.length === 0 || positionals.some((prefix) => name.startsWith(prefix)),
);
if (wanted.length === 0) {
  process.stderr.write(`there are: ${runs.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const ended = wanted.map(({ name, minutes: usual, command, env }) => {
  const minutes = values.minutes === undefined ? usual : Number(values.minutes);
  process.stdout.write(`\n${name}: ${minutes} minutes\n`);
  const from = performance.now();
  const { status } = spawnSync(process.execPath, command(minutes), {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, REQUIRE_SYSTEM: '1', ...env?.(minutes) },
  });
  return { name, status, seconds: (performance.now() - from) / 1000 };
});
process.stdout.write('\n');
for (const { name, status, seconds } of ended)
  process.stdout.write(
    `${name.padEnd(12)} ${seconds.toFixed(0).padStart(5)} s  ${status === 0 ? 'good' : 'FAILED'}\n`,
  );
process.exitCode = ended.every(({ status }) => status === 0) ? 0 : 1;
