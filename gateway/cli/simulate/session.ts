/** A simulator at the terminal: actions from standard input, scenarios, a day by itself. Until Ctrl-C or its time. */
import { createInterface } from 'node:readline';
import { say } from '../../../config/language.ts';
import { CONFIG_FILE_MAX, readTextOf } from '../../../drivers/files.ts';
import { liveADay, rush } from '../../../simulators/campus.ts';
import { parseScenario, play, type Simulator } from '../../../simulators/simulator.ts';
import { printable } from '../../printable.ts';
import { type Terminal, untilStopped } from '../command.ts';
import type { Simulated } from './devices.ts';
import type { SimulateOptions } from './options.ts';

/** What is on its way when the time is over gets so long to be taken. */
const SETTLE_MS = 2000;
const LOOK_EVERY_MS = 50;

/**
 * @returns the exit status: 1 where what was told came to nobody, or an action of `--do` was none. @throws what a scenario
 * fails with.
 */
export async function playAtTerminal(
  simulated: Simulated,
  options: SimulateOptions,
  terminal: Terminal,
): Promise<number> {
  const { simulators, campus } = simulated;
  const stop = new AbortController();
  const tell = (sentence: string) => void terminal.stdout.write(`${printable(sentence)}\n`);
  const act = (line: string) => perform(line, simulators, campus !== undefined, tell);
  for (const { id } of simulators)
    tell(say(`${id} is simulated; type help`, `正在模拟 ${id}；输入 help 查看动作`));
  // Some wait for the other side: Ctrl-C ends that, too.
  const first = doEach(options.do, act);
  const failed = first.then((done) => (done ? undefined : 'failed'));
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => void first.then(() => act(line)));
  const wrong = first
    .then(() => playByItself(simulated, options, tell, stop.signal))
    .catch((error: Error) => (stop.signal.aborted ? undefined : error));
  const end = await Promise.race([
    untilStopped(terminal, options.for),
    failed.then((word) => word ?? new Promise<never>(() => {})),
    wrong.then((error) => error ?? new Promise<never>(() => {})),
    ...simulators.flatMap(({ ended }) => ended ?? []),
  ]);
  const left = await undeliveredOf(simulators, end === 'timed' ? SETTLE_MS : 0, terminal.clock);
  stop.abort();
  input.close();
  await Promise.all(simulators.map((simulator) => simulator.close()));
  const error = await wrong;
  if (error instanceof Error) throw error;
  for (const [id, count] of left)
    terminal.stderr.write(
      say(
        `${printable(id)}: ${count} messages came to nobody: is there a gateway that listens for it?\n`,
        `${printable(id)}：${count} 条消息未送达：请确认有网关在监听\n`,
      ),
    );
  return left.length > 0 || end === 'failed' ? 1 : 0;
}

/** Who told what nobody has taken, and how much, when all had `ms` more. */
async function undeliveredOf(
  simulators: readonly Simulator[],
  ms: number,
  clock: Terminal['clock'],
): Promise<readonly (readonly [id: string, count: number])[]> {
  const until = clock.elapsed() + ms;
  for (;;) {
    const left = simulators
      .map(({ id, undelivered }) => [id, undelivered?.() ?? 0] as const)
      .filter(([, count]) => count > 0);
    if (left.length === 0 || clock.elapsed() >= until) return left;
    await clock.wait(LOOK_EVERY_MS);
  }
}

/** @returns whether each of them could be done. */
async function doEach(lines: readonly string[], act: (line: string) => Promise<boolean>): Promise<boolean> {
  for (const line of lines) if (!(await act(line))) return false;
  return true;
}

async function playByItself(
  { simulators, campus }: Simulated,
  { scenario: file, rate, rush: count, within }: SimulateOptions,
  tell: (sentence: string) => void,
  signal: AbortSignal,
) {
  if (file !== undefined) {
    const scenario = parseScenario(readTextOf(file, CONFIG_FILE_MAX), file);
    await play(scenario, simulators, tell, signal);
    tell(say(`${scenario.title}: played`, `${scenario.title}：播放完毕`));
  }
  if (campus !== undefined && rate !== undefined) await liveADay(campus, rate, signal);
  if (campus !== undefined && count !== undefined) {
    const cards = Array.from({ length: count }, (_, i) => String(i + 1));
    const readers = simulators.filter(({ help }) => 'card NUMBER [FACILITY]' in help);
    await rush(readers, cards, within, signal);
    tell(say(`${cards.length} cards were shown`, `已刷卡 ${cards.length} 次`));
  }
}

/** @returns whether it could be done; where not, it was told. */
async function perform(
  line: string,
  simulators: readonly Simulator[],
  named: boolean,
  tell: (sentence: string) => void,
): Promise<boolean> {
  if (line.trim() === '') return true;
  if (line.trim() === 'help') {
    for (const { id, help } of simulators) {
      for (const [usage, words] of Object.entries(help))
        tell(`  ${named ? `${id} ` : ''}${usage.padEnd(24)} ${words}`);
    }
    return true;
  }
  const space = line.indexOf(' ');
  const simulator = named ? simulators.find(({ id }) => id === line.slice(0, space)) : simulators[0];
  if (simulator === undefined) {
    tell(`DEVICE ACTION; devices: ${simulators.map(({ id }) => id).join(', ')}`);
    return false;
  }
  try {
    await simulator.do(named ? line.slice(space + 1) : line);
    return true;
  } catch (error) {
    tell((error as Error).message);
    return false;
  }
}
