/** A simulator at the terminal: actions from standard input, scenarios, a day by itself. Until Ctrl-C or its time. */
import { createInterface } from 'node:readline';
import { say } from '../../../config/language.ts';
import { CONFIG_FILE_MAX, readTextOf } from '../../../drivers/files.ts';
import { liveADay, rush } from '../../../simulators/campus.ts';
import { parseScenario, play, type Refused, type Simulator } from '../../../simulators/simulator.ts';
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
  const acted = new Set<Simulator>();
  const act = (line: string) => perform(line, simulators, { named: campus !== undefined, tell, acted });
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
  const left = await undeliveredOf(simulators, acted, end === 'timed' ? SETTLE_MS : 0, terminal.clock);
  stop.abort();
  input.close();
  await Promise.all(simulators.map((simulator) => simulator.close()));
  const error = await wrong;
  if (error instanceof Error) throw error;
  for (const [id, sentence] of left) terminal.stderr.write(`${printable(id)}${say(': ', '：')}${sentence}\n`);
  return left.length > 0 || end === 'failed' ? 1 : 0;
}

/** Who told what was not taken, and what to look for, when all had `ms` more. `acted`: who was told to do something here. */
async function undeliveredOf(
  simulators: readonly Simulator[],
  acted: ReadonlySet<Simulator>,
  ms: number,
  clock: Terminal['clock'],
): Promise<readonly (readonly [id: string, sentence: string])[]> {
  const until = clock.elapsed() + ms;
  while (simulators.some(({ undelivered }) => (undelivered?.() ?? 0) > 0) && clock.elapsed() < until)
    await clock.wait(LOOK_EVERY_MS);
  return simulators.flatMap((one) => {
    const sentence = untakenSentence(one, acted.has(one));
    return sentence === undefined ? [] : [[one.id, sentence] as const];
  });
}

/** undefined: all of it was taken. */
function untakenSentence({ undelivered, refused, unheard }: Simulator, acted: boolean): string | undefined {
  const no = refused?.();
  if (no !== undefined) return refusalSentence(no);
  const count = undelivered?.() ?? 0;
  if (count > 0)
    return say(
      `${count} messages came to nobody: is there a gateway that listens for it?`,
      `${count} 条消息未送达：请确认有网关在监听`,
    );
  const silence = acted ? unheard?.() : undefined;
  if (silence === 'gone')
    return say(
      'nobody was connected as it said it, and it says it once: let a gateway connect, then type the action',
      '动作执行时没有网关连接，且只发送一次：请等网关连接后再输入动作',
    );
  return (
    silence &&
    say(
      'nobody has asked it: is a gateway there that connects to this port, with its unit or address and its password?',
      '没有网关来查询：请确认网关连接此端口，且站号（地址）、密码一致',
    )
  );
}

function refusalSentence({ count, status }: Refused): string {
  if (status === 401)
    return say(
      `${count} messages were refused (401): no or a wrong password (--username, --password-file) or token (?token=), an address that is not in its from, or no /push/DEVICE of the gateway's config`,
      `${count} 条消息被拒绝（401）：没有或错误的密码（--username、--password-file）或令牌（?token=），地址不在其 from 中，或路径不是网关配置中的 /push/设备编号`,
    );
  return say(
    `${count} messages were refused (HTTP ${status}): the log of the gateway says why`,
    `${count} 条消息被拒绝（HTTP ${status}）：原因见网关日志`,
  );
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
  {
    named,
    tell,
    acted,
  }: {
    readonly named: boolean;
    readonly tell: (sentence: string) => void;
    readonly acted: Set<Simulator>;
  },
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
    acted.add(simulator);
    await simulator.do(named ? line.slice(space + 1) : line);
    return true;
  } catch (error) {
    tell((error as Error).message);
    return false;
  }
}
