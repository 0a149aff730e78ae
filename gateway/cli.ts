/**
 * The command line: one file a command in cli/.
 *
 * Exit statuses: 0 done; 1 it ran and found something wrong (config errors, lost events, an unhealthy gateway);
 * 2 the command was not understood; 3 it could not run (a port or the data folder is taken, no broker); 4 its event loop
 * stood still (observe/watchdog.ts).
 */
import { say } from '../config/language.ts';
import { type Command, printing, type Terminal, terminalOfProcess, UsageError } from './cli/command.ts';
import { optionMistake, systemMistake } from './cli/mistakes.ts';
import { ValueError } from './cli/values.ts';
import { version } from './version.ts';

/** Loaded only when named. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./cli/init.ts')).init,
  run: async () => (await import('./cli/run.ts')).run,
  reload: async () => (await import('./cli/reload.ts')).reload,
  check: async () => (await import('./cli/check.ts')).check,
  enrol: async () => (await import('./cli/enrol.ts')).enrol,
  simulate: async () => (await import('./cli/simulate.ts')).simulate,
  watch: async () => (await import('./cli/watch.ts')).watch,
  platform: async () => (await import('./cli/platform.ts')).platform,
  conform: async () => (await import('./cli/conform.ts')).conform,
  demo: async () => (await import('./cli/demo.ts')).demo,
  journal: async () => (await import('./cli/journal.ts')).journal,
  'log-level': async () => (await import('./cli/log-level.ts')).logLevel,
  doctor: async () => (await import('./cli/doctor.ts')).doctor,
  discover: async () => (await import('./cli/discover.ts')).discover,
  points: async () => (await import('./cli/points.ts')).points,
  credentials: async () => (await import('./cli/credentials.ts')).credentials,
  osdp: async () => (await import('./cli/osdp.ts')).osdp,
  modbus: async () => (await import('./cli/modbus.ts')).modbus,
  gb28181: async () => (await import('./cli/gb28181.ts')).gb28181,
  users: async () => (await import('./cli/users.ts')).users,
  backup: async () => (await import('./cli/backup.ts')).backup,
  restore: async () => (await import('./cli/restore.ts')).restore,
  'walk-test': async () => (await import('./cli/walk-test.ts')).walkTest,
  ledger: async () => (await import('./cli/ledger.ts')).ledger,
  health: async () => (await import('./cli/health.ts')).health,
  upgrade: async () => (await import('./cli/upgrade.ts')).upgrade,
  completion: async () => (await import('./cli/completion.ts')).completionOf(loadCommands),
};

/** All of them, in the order of the help. */
export async function loadCommands(): Promise<readonly Command[]> {
  return await Promise.all(Object.values(loaders).map((load) => load()));
}

async function help(): Promise<string> {
  const commands = await loadCommands();
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    say(
      `campus-gateway ${version}: a durable road from a school's security hardware to the platforms`,
      `campus-gateway ${version}：从校园安防设备到公安、教育平台的可靠通道`,
    ),
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${say(...summary)}`),
    '',
    say(
      '  campus-gateway COMMAND --help   its options and examples',
      '  campus-gateway 命令 --help   选项与示例',
    ),
    '',
    say(
      'Exit status: 0 done; 1 something is wrong (said above it); 2 not understood; 3 could not run; 4 it stood still.',
      '退出状态：0 完成；1 发现问题；2 命令有误；3 无法运行；4 程序停滞。',
    ),
    say('Language: CAMPUS_LANG=en or zh; default: the system’s.', '语言：CAMPUS_LANG=en 或 zh；默认随系统。'),
    '',
  ].join('\n');
}

/** Who typed something knows the command: a sentence must not scroll away over all of its options. */
const howTo = (name: string) =>
  say(
    `campus-gateway ${name} --help   its options and examples`,
    `campus-gateway ${name} --help   选项与示例`,
  );

/** Runs one command; its exit status. What it prints has no control characters of others in it. */
export async function runCommandLine(
  args: readonly string[],
  on: Terminal = terminalOfProcess,
): Promise<number> {
  const terminal = printing(on);
  const { stdout, stderr } = terminal;
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    stdout.write(await help());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    stdout.write(`${version}\n`);
    return 0;
  }
  const command = await loaders[name]?.();
  if (command === undefined) {
    const { meant } = await import('./cli/words.ts');
    const names = Object.keys(loaders);
    stderr.write(`${say(`there is no command ${name}`, `没有命令 ${name}`)}${meant(name, names)}\n`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    stdout.write(`${say(...command.summary)}\n\n${command.usage}\n`);
    return 0;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    const mistake = await optionMistake(error as Error, command.usage);
    const isMisused = error instanceof UsageError && !(error instanceof ValueError);
    const meant = isMisused ? (await import('./cli/words.ts')).meantBehind(command, rest) : '';
    stderr.write(
      `${name}: ${mistake ?? systemMistake(error as Error) ?? (error as Error).message}${meant}\n`,
    );
    if (isMisused) stderr.write(rest.length === 0 ? `\n${command.usage}\n` : `${howTo(name)}\n`);
    return mistake !== undefined || error instanceof UsageError ? 2 : 3;
  }
}
