import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { printable } from '../printable.ts';
import { type Command, configOrErrors } from './command.ts';
import { askHealth } from './health/ask.ts';

export const health: Command = {
  name: 'health',
  summary: ['Ask a running gateway how it is', '查询运行中的网关状态'],
  usage: `campus-gateway health FILE [--json]

Asks the gateway that runs with this config, through \`status\` in it: which devices answer, since when, why others do
not, the faults and alarms that stand at each, and the platforms. A device that was not heard of since the start has a
question mark (in JSON null): it may be well and have said nothing yet, as a panel or a terminal without \`supervision\`.

  --json   the answer as it is, for programs

Exit status 0 where it is healthy, else 1. Healthy is a gateway whose disk takes events, and so alarms: devices and
platforms that are down, and faults, do not change it.`,

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [file] = positionals;
    const { stdout, stderr, clock } = terminal;
    const config = await configOrErrors(file, terminal);
    if (config === undefined) return 1;
    if (config.status === undefined)
      throw new Error(say(`${file} has no \`status\``, `${file} 中没有 \`status\``));
    const { host, port } = config.status;
    const told = await askHealth(config.status, clock);
    if (told === undefined) {
      stderr.write(say(`no gateway answers at ${host}:${port}\n`, `${host}:${port} 没有网关响应\n`));
      return 1;
    }
    const { status, text, answer } = told;
    if (values.json || answer === undefined) stdout.write(text);
    else {
      const { showHealth } = await import('./health/show.ts');
      for (const line of showHealth(answer)) stdout.write(`${printable(line)}\n`);
    }
    return status === 200 ? 0 : 1;
  },
};
