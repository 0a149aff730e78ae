import { say } from '../../config/language.ts';
import { ask } from '../../drivers/http.ts';
import { type Command, configOrErrors } from './command.ts';

const ANSWER_MS = 3000;
/** Of some thousand devices. */
const ANSWER_MAX = 4_000_000;

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
    const answer = await ask(`http://${host.includes(':') ? `[${host}]` : host}:${port}/health`, {
      ...{ maxBytes: ANSWER_MAX, timeout: ANSWER_MS, clock },
    }).catch(() => undefined);
    if (answer === undefined) {
      stderr.write(say(`no gateway answers at ${host}:${port}\n`, `${host}:${port} 没有网关响应\n`));
      return 1;
    }
    stdout.write(answer.body.toString());
    return answer.status === 200 ? 0 : 1;
  },
};
