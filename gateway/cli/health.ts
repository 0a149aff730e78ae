import { say } from '../../config/language.ts';
import { type Command, configOrErrors } from './command.ts';

export const health: Command = {
  name: 'health',
  summary: ['Ask a running gateway how it is', '查询运行中的网关状态'],
  usage: `campus-gateway health FILE

Asks the gateway that runs with this config, through \`status\` in it. Exit status 0 where it is healthy, else 1.`,

  async run([file]) {
    const config = configOrErrors(file);
    if (config === undefined) return 1;
    if (config.status === undefined)
      throw new Error(say(`${file} has no \`status\``, `${file} 中没有 \`status\``));
    const { host, port } = config.status;
    const answer = await fetch(`http://${host}:${port}/health`, { signal: AbortSignal.timeout(3000) }).catch(
      () => undefined,
    );
    if (answer === undefined) {
      process.stderr.write(say(`no gateway answers at ${host}:${port}\n`, `${host}:${port} 没有网关响应\n`));
      return 1;
    }
    process.stdout.write(await answer.text());
    return answer.ok ? 0 : 1;
  },
};
