import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { atMost, type Command, configOrErrors, UsageError } from './command.ts';

const english = `campus-gateway gb28181 ids CONFIG [--uplink ID] [--json]

Shows for each platform of GB/T 28181 the 20 digits of the gateway, of the nodes of \`organisation\`, of the cameras that \`video\`
lets it see, and of each alarm input: what an operator types in there. Ids are made when the gateway first connects, and kept in
its journal; what has none yet shows "-". What has one and is not in the config, such as a zone
that nobody listed, comes last.
It reads the journal beside a gateway that runs, and changes nothing.

  --uplink ID   of one platform; default: of all
  --json        an array, for programs

  campus-gateway gb28181 ids /etc/campus-gateway/campus.yaml`;
const chinese = `campus-gateway gb28181 ids CONFIG [--uplink ID] [--json]

列出每个 GB/T 28181 平台上的 20 位编码：网关、\`organisation\` 的节点、\`video\` 允许其查看的摄像机，以及每个报警输入：即操作员在平台上
要填写的内容。编码在网关首次连接时生成，保存在其日志库中；尚未生成的显示 "-"。已有编码而配置中没有的，例如未列出的防区，排在最后。
可在网关运行时读取，不做任何更改。

  --uplink ID   只列一个平台；默认全部
  --json        数组，供程序使用

  campus-gateway gb28181 ids /etc/campus-gateway/campus.yaml`;

export const gb28181: Command = {
  name: 'gb28181',
  summary: [
    'Show the ids by which platforms of GB/T 28181 know what is here',
    '列出 GB/T 28181 平台所用的国标编码',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { uplink: { type: 'string' }, json: { type: 'boolean', default: false } },
    });
    atMost(2, positionals);
    const [what, file] = positionals;
    if (what !== 'ids' || file === undefined)
      throw new UsageError(say('ids, and a config file', 'ids 及配置文件'));
    const config = await configOrErrors(file, terminal);
    if (config === undefined) return 1;
    const all = config.uplinks.filter(({ protocol }) => protocol === 'gb28181');
    const uplinks = all.filter(({ id }) => values.uplink === undefined || id === values.uplink);
    if (uplinks.length === 0) {
      const { meant } = await import('./words.ts');
      const there = all.map(({ id }) => id);
      const wanted = values.uplink ?? '';
      throw new UsageError(
        there.length === 0
          ? say(`${file} has no platform of GB/T 28181`, `${file} 中没有 GB/T 28181 平台`)
          : say(`there is no platform ${wanted}`, `没有平台 ${wanted}`) + meant(wanted, there),
      );
    }
    const { showIds } = await import('./gb28181/ids.ts');
    return await showIds(config, uplinks, values.json, terminal);
  },
};
