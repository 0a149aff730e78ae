import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { type Command, UsageError } from './command.ts';

const english = `campus-gateway upgrade DEB [FILE]
campus-gateway upgrade

  DEB    a Debian package of the gateway, newer than what is installed
  FILE   the config, by default /etc/campus-gateway/campus.yaml

First the new version reads the config: where it finds it wrong, nothing is installed. Then the package is installed, and
watched until the gateway was healthy for half a minute and no worse than before. One that is not within two minutes is taken
back: the program before it goes on with the same config and journal. \`apt install ./DEB\` does the same without the first
step, and without telling. Without DEB: what is installed, on trial, or was taken back, and why. As root.

Exit status 0: it is healthy; 1: the config is wrong for it, or it was taken back; 3: it could not be installed.

  sudo campus-gateway upgrade ./campus-gateway_0.10.0_amd64.deb`;
const chinese = `campus-gateway upgrade DEB [FILE]
campus-gateway upgrade

  DEB    比已安装版本更新的网关 Debian 软件包
  FILE   配置文件，默认 /etc/campus-gateway/campus.yaml

先由新版本读取配置：有错误时不安装。然后安装软件包，并观察到网关健康半分钟且不比以前差为止。两分钟内未达到的会被撤回：原来的程序以
同样的配置和日志库继续运行。\`apt install ./DEB\` 作用相同，但没有第一步，也不显示过程。不写 DEB：显示已安装、试用中或被撤回的版本及原因。
须以 root 执行。

退出状态：0 健康；1 配置对新版本有误，或已被撤回；3 无法安装。

  sudo campus-gateway upgrade ./campus-gateway_0.10.0_amd64.deb`;

export const upgrade: Command = {
  name: 'upgrade',
  summary: ['Upgrade the Debian package, and see that it is well', '升级 Debian 软件包，并确认运行正常'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { positionals } = parseArgs({ args, allowPositionals: true });
    const [deb, file = '/etc/campus-gateway/campus.yaml', ...more] = positionals;
    if (more.length > 0)
      throw new UsageError(say('one package and one config', '只能给出一个软件包和一个配置文件'));
    const { installAndWatch, tellPackage } = await import('./upgrade/deb.ts');
    return deb === undefined ? tellPackage(terminal) : await installAndWatch(deb, file, terminal);
  },
};
