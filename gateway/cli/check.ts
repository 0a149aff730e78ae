import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { printable } from '../printable.ts';
import { type Command, loadedOrErrors, UsageError } from './command.ts';

export const check: Command = {
  name: 'check',
  summary: ['Check a config file and say all that is wrong', '检查配置文件并列出全部错误'],
  usage: `campus-gateway check FILE [--explain] [--ask]

Prints each error as FILE:LINE:COLUMN: message. Exit status 0 where there is none, else 1. Warnings change nothing of
that: of what is open to the network in clear text, and of files with secrets that other users of the machine can read,
with the command that mends it.

  --explain   says what each zone's alarm will do: when it counts, who gets it, what it switches
  --ask       asks the cameras over the network: whether they have the sources, profiles, relays and presets that the config
              names (else exit status 1), and, with --explain, what becomes of each topic that they tell, and why of
              others nothing. Each is logged in to once, as it is by a gateway that runs

  campus-gateway check campus.yaml --explain`,

  async run(args, terminal) {
    const { stdout, stderr } = terminal;
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { explain: { type: 'boolean', default: false }, ask: { type: 'boolean', default: false } },
    });
    const [file] = positionals;
    if (file === undefined) throw new UsageError(say('which file?', '请给出配置文件'));
    const loaded = await loadedOrErrors(file, terminal);
    if (loaded === undefined) return 1;
    const { config, warnings } = loaded;
    const { formatError } = await import('../../config/load.ts');
    const { cardWarnings } = await import('../check.ts');
    for (const warning of [...warnings, ...cardWarnings(config).map(loaded.tell)])
      stderr.write(`${printable(formatError(warning))}\n`);
    const { devices, uplinks } = config;
    stdout.write(
      say(
        `${file}: good. ${devices.length} devices, ${uplinks.length} uplinks; data in ${config.dataDir}\n`,
        `${file}：正确。${devices.length} 台设备，${uplinks.length} 个平台；数据目录 ${config.dataDir}\n`,
      ),
    );
    const { inWords, openSecrets } = await import('../secrets.ts');
    for (const one of openSecrets(file, config.dataDir)) stdout.write(`! ${inWords(one)}\n`);
    if (values.explain) {
      const { explainZones } = await import('./check/explain.ts');
      for (const line of explainZones(config)) stdout.write(`${line}\n`);
    }
    if (!values.ask) return 0;
    const { askCameras } = await import('./check/cameras.ts');
    const { lines, isWrong } = await askCameras(config, terminal.clock, { explain: values.explain });
    for (const line of lines) stdout.write(`${line}\n`);
    return isWrong ? 1 : 0;
  },
};
