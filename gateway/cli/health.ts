import { say } from '../../config/language.ts';
import { type Command, configOrErrors } from './command.ts';

const ANSWER_MS = 3000;

export const health: Command = {
  name: 'health',
  summary: ['Ask a running gateway how it is', '查询运行中的网关状态'],
  usage: `campus-gateway health FILE

Asks the gateway that runs with this config, through \`status\` in it. Exit status 0 where it is healthy, else 1.`,

  async run([file], terminal) {
    const { stdout, stderr, clock } = terminal;
    const config = await configOrErrors(file, terminal);
    if (config === undefined) return 1;
    if (config.status === undefined)
      throw new Error(say(`${file} has no \`status\``, `${file} 中没有 \`status\``));
    const { host, port } = config.status;
    const patience = new AbortController();
    const late = clock.after(ANSWER_MS, () => patience.abort());
    const asked = fetch(`http://${host.includes(':') ? `[${host}]` : host}:${port}/health`, {
      signal: patience.signal,
    });
    const answer = await asked.catch(() => undefined);
    late.stop();
    if (answer === undefined) {
      stderr.write(say(`no gateway answers at ${host}:${port}\n`, `${host}:${port} 没有网关响应\n`));
      return 1;
    }
    stdout.write(await answer.text());
    return answer.ok ? 0 : 1;
  },
};
