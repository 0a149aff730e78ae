/**
 * A world from one seed: panels, a door and a siren, the wires to them, a disk, platforms, and a gateway between them,
 * on a clock that is moved by hand. Wires break, the disk fails, hangs and loses power at any step, platforms refuse
 * and vanish; then all of it works again, and what must hold is looked at. The same seed is the same world.
 *
 *   npm run world -- --seeds 10000        prints seeds a second, and of a failure the seed
 *   npm run world -- --seed 4711          that one alone
 */
import { parseArgs } from 'node:util';
import type { Receipt } from '../drivers/contract/observation.ts';
import { createDisk, type DiskFault, type DiskStep } from './backing.ts';
import { type ManualClock, manualClock } from './clocks.ts';
import { createDice } from './world/dice.ts';
import { createFaults } from './world/faults.ts';
import { createField, type Field, type Said } from './world/field.ts';
import { createGateway } from './world/gateway.ts';
import { underWay, violations } from './world/invariants.ts';
import type { Plant } from './world/life.ts';
import { createPlatforms, type Platform } from './world/platform.ts';

export interface Verdict {
  readonly seed: number;
  /** What did not hold, in plain words. */
  readonly wrong: readonly string[];
  readonly counts: Readonly<Record<'said' | 'events' | 'lives' | 'commands' | 'moved', number>>;
}

const TROUBLE_MS = 90_000;
/** Until all is well again: the longest that something waits before it is tried again is ten minutes. */
const CALM_MS = 45 * 60_000;
const CALM_STEP_MS = 2000;
/** A rule waits for the line of its siren. */
const CALM_MIN_MS = 20_000;
const START = Date.UTC(2026, 0, 5, 8);

export async function runWorld(seed: number, plant: Plant = {}): Promise<Verdict> {
  const time = manualClock(START, seed);
  const faults = createFaults(seed, TROUBLE_MS, time);
  const dice = createDice(seed, 'world');
  const wrong: string[] = [];
  const disk = createDisk({
    time,
    fault: (step) => faultOf(step, faults),
    hold: () => holdOf(faults, time),
    onCrash: () => gateway.noteCrash(),
  });
  const onReceipt = ({ n }: Said, { sequence, id }: Receipt) => {
    if (sequence === null) return;
    const kept = disk.events().find((one) => one.sequence === sequence);
    if (kept?.id !== id) wrong.push(`#${n} was acknowledged as ${sequence} and is not on disk`);
  };
  const field = createField(seed, faults, time, onReceipt);
  const { transport, platforms } = createPlatforms(seed, faults, time, ['police', 'bureau']);

  const gateway = createGateway({ time, disk, field, platforms, transport, plant, dice, wrong });
  gateway.start();
  field.begin(TROUBLE_MS);
  for (const platform of platforms) platform.begin(TROUBLE_MS);
  time.every(3000, () => {
    if (faults.happens('power', 0.06)) disk.crash();
    else if (faults.happens('power', 0.03)) void gateway.restart();
    if (faults.happens('clock', 0.03)) time.step(dice.between(-7_200_000, 7_200_000));
  });
  await time.advance(TROUBLE_MS);
  const open = await calmDown(time, () => [...restless(field, platforms), ...underWay(gateway.life())]);
  const held = violations({ disk, field, platforms, gateway });
  const verdict = {
    seed,
    wrong: [...wrong, ...platforms.flatMap((platform) => platform.wrong), ...open, ...held],
    counts: {
      said: field.said.length,
      events: disk.events().length,
      lives: gateway.lives(),
      moved: field.done.filter(({ action }) => action === 'unlock').length,
      commands: platforms.reduce((sum, { asked }) => sum + asked.length, 0),
    },
  };
  disk.crash();
  disk.close();
  return verdict;
}

/** Lets time pass until nothing is under way. @returns what still is, where it takes too long. */
async function calmDown(time: ManualClock, underWay: () => readonly string[]): Promise<readonly string[]> {
  await time.advance(CALM_MIN_MS);
  let open = underWay();
  for (let passed = CALM_MIN_MS; passed < CALM_MS && open.length > 0; passed += CALM_STEP_MS) {
    await time.advance(CALM_STEP_MS);
    open = underWay();
  }
  return open;
}

/** Who still waits for something. */
function restless(
  field: Pick<Field, 'isQuiet'>,
  platforms: readonly Pick<Platform, 'id' | 'isQuiet'>[],
): string[] {
  return [
    ...(field.isQuiet() ? [] : ['a panel still waits for its acknowledgement']),
    ...platforms.flatMap((one) => (one.isQuiet() ? [] : [`${one.id} still waits for a reply`])),
  ];
}

function faultOf(step: DiskStep, faults: ReturnType<typeof createFaults>): DiskFault | undefined {
  // Commits are many; a command is begun and ended once.
  if (faults.happens('power', step === 'commit' ? 0.004 : 0.03))
    return { crash: faults.dice.pick(['before', 'after']) };
  if (!faults.happens('disk', step === 'open' ? 0.05 : 0.01)) return undefined;
  return faults.dice.pick([
    { error: 'SQLITE_FULL' },
    { error: 'SQLITE_IOERR_FSYNC' },
    { error: 'SQLITE_IOERR_FSYNC', kept: true },
    { error: 'SQLITE_READONLY' },
  ] as const);
}

/** Mostly a quick disk; now and then a slow one, and one that hangs. */
function holdOf(faults: ReturnType<typeof createFaults>, time: ManualClock) {
  if (faults.happens('disk', 0.005)) return time.wait(faults.dice.between(1000, 20_000));
  return time.wait(faults.happens('disk', 0.05) ? faults.dice.between(10, 1000) : 0.5);
}

const USAGE = 'npm run world -- [--seeds N] [--from SEED] | --seed SEED\n';

/** @throws Error where they are not understood. */
function seedsOf(args: readonly string[]): { readonly from: number; readonly seeds: number } {
  const number = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { seeds: number, seed: number, from: number } });
  const whole = (text: string) => {
    if (!/^\d{1,15}$/.test(text) || Number(text) < 1) throw new Error(`${text}: a number from 1`);
    return Number(text);
  };
  if (values.seed !== undefined) return { from: whole(values.seed), seeds: 1 };
  return { from: whole(values.from ?? '1'), seeds: whole(values.seeds ?? '1000') };
}

async function main(args: readonly string[]) {
  if (args.includes('--help')) return void process.stdout.write(USAGE);
  let wanted: ReturnType<typeof seedsOf>;
  try {
    wanted = seedsOf(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const { from, seeds } = wanted;
  const started = performance.now();
  const totals = { said: 0, events: 0, lives: 0, commands: 0, moved: 0 };
  let failures = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const { wrong, counts } = await runWorld(seed);
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += counts[key];
    if (wrong.length > 0) {
      failures++;
      process.stdout.write(
        `seed ${seed}:\n${wrong
          .slice(0, 20)
          .map((text) => `  ${text}\n`)
          .join('')}`,
      );
    }
    const done = seed - from + 1;
    if (done % 500 === 0)
      process.stdout.write(
        `${done} of ${seeds}, ${(done / ((performance.now() - started) / 1000)).toFixed(1)} seeds a second\n`,
      );
  }
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `${seeds} seeds in ${seconds.toFixed(1)} s, ${(seeds / seconds).toFixed(1)} a second: ${totals.said} things said, ${totals.events} events on disk, ${totals.lives} lives, ${totals.commands} commands, ${totals.moved} doors moved; ${failures} failed\n`,
  );
  if (failures > 0) process.exitCode = 1;
}

if (import.meta.main) await main(process.argv.slice(2));
