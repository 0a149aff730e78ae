import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { type Command, configOrErrors, untilStopped } from './command.ts';

export const run: Command = {
  name: 'run',
  summary: ['Run the gateway with a config file', '用配置文件运行网关'],
  usage: `campus-gateway run FILE [--log-level LEVEL]

  FILE                 the config, see config/campus.example.yaml
  --log-level LEVEL    debug, info (default), warn, error

Logs go to standard error: JSON lines, or pretty on a terminal. Ctrl-C or SIGTERM stops it cleanly.

  campus-gateway run /etc/campus-gateway/campus.yaml`,

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { 'log-level': { type: 'string', default: 'info' } },
    });
    const config = await configOrErrors(positionals[0], terminal);
    if (config === undefined) return 1;
    const [{ startGateway }, { createLog }] = await Promise.all([
      import('../main.ts'),
      import('../observe/log.ts'),
    ]);
    const log = createLog(values['log-level']);
    const gateway = await startGateway({ config, log, time: terminal.clock });
    const { openSecrets } = await import('../secrets.ts');
    // After the start, which closes what is the gateway's own.
    for (const one of openSecrets(config.file, config.dataDir))
      log.warn({ ...one }, 'a secret can be read by other users of this machine');
    // A terminal is read by who started it; a log by many.
    if (gateway.console !== undefined && terminal.stdout.isTTY)
      terminal.stdout.write(`${say('console', '控制台')}: ${gateway.console}\n`);
    const failed = await Promise.race([
      untilStopped(terminal).then(() => undefined),
      gateway.failed.catch((error: Error) => error),
    ]);
    if (failed !== undefined) {
      // Without a journal nothing may be acknowledged: better down, seen and restarted than up and forgetful.
      log.error({ error: failed.message }, 'the journal is gone; the gateway ends');
      return 3;
    }
    await gateway.close();
    return 0;
  },
};
