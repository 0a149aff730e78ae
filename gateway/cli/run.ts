import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Simulators } from '../console/contract/simulators.ts';
import { printable } from '../printable.ts';
import { atMost, type Command, loadedOrErrors, type Terminal, untilStopped } from './command.ts';
import { oneOf } from './values.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const english = `campus-gateway run FILE [--log-level LEVEL]

  FILE                 the config, see config/campus.example.yaml
  --log-level LEVEL    debug, info (default), warn, error

Logs go to standard error: JSON lines, or pretty on a terminal. Ctrl-C or SIGTERM stops it cleanly. It ends with 3
where a port of the config is taken, and where the journal is gone; with 4 where its event loop stood for 10 s. At
SIGHUP it reads FILE again (campus-gateway reload). systemd is told when it is ready, lives and stops (Type=notify, NotifyAccess=all, WatchdogSec=).

  campus-gateway run /etc/campus-gateway/campus.yaml`;
const chinese = `campus-gateway run FILE [--log-level LEVEL]

  FILE                 配置文件，参见 config/campus.example.yaml
  --log-level LEVEL    debug、info（默认）、warn、error

日志写到标准错误：JSON 行，在终端上为易读格式。Ctrl-C 或 SIGTERM 正常停止。配置的端口已被占用或日志库不可用时退出状态为 3；
事件循环停滞 10 秒时为 4。收到 SIGHUP 时重新读取 FILE（campus-gateway reload）。就绪、存活和停止会通知 systemd
（Type=notify, NotifyAccess=all, WatchdogSec=）。

  campus-gateway run /etc/campus-gateway/campus.yaml`;

export const run: Command = {
  name: 'run',
  summary: ['Run the gateway with a config file', '用配置文件运行网关'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { 'log-level': { type: 'string', default: 'info' } },
    });
    const level = oneOf('log-level', values['log-level'], LEVELS);
    atMost(1, positionals);
    const loaded = await loadedOrErrors(positionals[0], terminal, { forStart: true });
    if (loaded === undefined) return 1;
    const { config } = loaded;
    if (await arePortsTaken(loaded, terminal)) return 3;
    const [{ startGateway }, { createLog }, { watchLoop }, { supervisorNotes }] = await Promise.all([
      import('../main.ts'),
      import('../observe/log.ts'),
      import('../observe/watchdog.ts'),
      import('../observe/supervisor.ts'),
    ]);
    const log = createLog(level);
    const supervisor = supervisorNotes(terminal.clock, log);
    const watchdog = watchLoop(systemClock, log);
    for (const one of loaded.forgiven)
      log.error(
        { ...one },
        'a list of the school, or a file of a contact, cannot be used: the gateway runs without it until it is right',
      );
    // Without a listener it would end the process.
    let readAgain = () => {};
    process.on('SIGHUP', () => readAgain());
    const simulators =
      config.console?.simulators === true ? await simulatorsOf(config, terminal, log) : undefined;
    const gateway = await startGateway({
      ...{ config, log, time: terminal.clock, simulators },
      verbose: log.child({}, { level: 'debug' }),
    });
    readAgain = () => void gateway.reload();
    const { openSecrets } = await import('../secrets.ts');
    // After the start, which closes what is the gateway's own.
    for (const one of openSecrets(config.file, config.dataDir))
      log.warn({ ...one }, 'a secret can be read by other users of this machine');
    // A terminal is read by who started it; a log by many.
    if (gateway.console !== undefined && terminal.stdout.isTTY)
      terminal.stdout.write(`${say('console', '控制台')}: ${gateway.console}\n`);
    if (gateway.setup !== undefined && terminal.stdout.isTTY)
      terminal.stdout.write(
        `${say('set the administrator’s password, once, within 24 hours', '设置管理员密码（一次有效，24 小时内）')}: ${gateway.setup}\n`,
      );
    await supervisor.ready();
    const failed = await Promise.race([
      untilStopped(terminal).then(() => undefined),
      gateway.failed.catch((error: Error) => error),
    ]);
    if (failed !== undefined) {
      // Without a journal nothing may be acknowledged: better down, seen and restarted than up and forgetful.
      log.error({ error: failed.message }, 'the journal is gone; the gateway ends');
      return 3;
    }
    void supervisor.stopping();
    await gateway.close();
    await simulators?.[Symbol.asyncDispose]();
    await watchdog[Symbol.asyncDispose]();
    return 0;
  },
};

/** What the console's page of simulators drives. */
async function simulatorsOf(config: Config, { clock: time }: Terminal, log: Log): Promise<Simulators> {
  const [{ listenersOf }, { remoteSimulators }] = await Promise.all([
    import('../../config/check/ports.ts'),
    import('./simulate/remote.ts'),
  ]);
  const others = listenersOf(config).map(({ port }) => port);
  return remoteSimulators({ devices: config.devices, others }, { time, log });
}

/** Says which, and who has them. */
async function arePortsTaken({ config, tell }: LoadedConfig, { stderr }: Terminal): Promise<boolean> {
  const [{ listenersOf }, { formatError }, { takenPorts }] = await Promise.all([
    import('../../config/check/ports.ts'),
    import('../../config/load.ts'),
    import('../taken-ports.ts'),
  ]);
  const taken = await takenPorts(listenersOf(config));
  if (taken.length > 0) {
    const { runningWith } = await import('./reload/data-dir.ts');
    const running = runningWith(config.file);
    const { file } = config;
    if (running !== undefined) {
      const sentence = say(
        `a gateway runs already with ${file} (pid ${running.pid}): for it to take up what changed, campus-gateway reload ${file}; to run another, stop it first (systemctl stop campus-gateway)`,
        `已有网关以 ${file} 运行（pid ${running.pid}）：使改动生效请用 campus-gateway reload ${file}；如需另行运行，请先停止（systemctl stop campus-gateway）`,
      );
      stderr.write(`${printable(sentence)}\n`);
    }
  }
  for (const problem of taken) stderr.write(`${printable(formatError(tell(problem)))}\n`);
  return taken.length > 0;
}
