import { say } from '../../config/language.ts';
import { type Command, configOrErrors } from './command.ts';

export const check: Command = {
  name: 'check',
  summary: ['Check a config file and say all that is wrong', '检查配置文件并列出全部错误'],
  usage: `campus-gateway check FILE

Prints each error as FILE:LINE:COLUMN: message. Exit status 0 where there is none, else 1.

  campus-gateway check campus.yaml`,

  async run([file]) {
    const config = configOrErrors(file);
    if (config === undefined) return 1;
    const { devices, uplinks } = config;
    process.stdout.write(
      say(
        `${file}: good. ${devices.length} devices, ${uplinks.length} uplinks; data in ${config.dataDir}\n`,
        `${file}：正确。${devices.length} 台设备，${uplinks.length} 个平台；数据目录 ${config.dataDir}\n`,
      ),
    );
    return 0;
  },
};
