import { existsSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { atMost, type Command, configOrErrors, type Terminal, UsageError } from './command.ts';
import { inForceOrErrors } from './in-force.ts';
import type { AccountsPlace } from './users/manage.ts';

const english = `campus-gateway users list   CONFIG
campus-gateway users add    CONFIG NAME --role ROLE
campus-gateway users role   CONFIG NAME --role ROLE
campus-gateway users link   CONFIG [NAME]
campus-gateway users remove CONFIG NAME
campus-gateway users token  CONFIG LABEL --role ROLE [--for 90d]
campus-gateway users withdraw CONFIG TOKEN

Who may use the console of this config. It works beside a gateway that runs, which takes it up within seconds, and without one;
it is run by the gateway's user or by root. All of it goes into the audit, with the user of this terminal.
In the place of CONFIG the folder that \`campus-gateway platform\` has as --data, for the page of a city.

  list      users, and the tokens of programs and screens
  add       a new user; shows the link with which he sets his password, once, within 24 hours
  role      another role; his sessions end
  link      a link to set another password; without NAME: the first administrator's, while there is none
  remove    a user; his sessions end, and the tokens that he made
  token     a token of a program, or of the screens at gates (--role screen); shown this once
  withdraw  a token, by its id in the list, is worth nothing from now on

  --role ROLE   viewer, guard, operator, technician, administrator; of a token also screen
  --for TIME    how long a token is good for: 1h to 400d; default 90d, of a screen until it is withdrawn

  campus-gateway users add /etc/campus-gateway/campus.yaml 李主任 --role operator`;
const chinese = `campus-gateway users list   配置
campus-gateway users add    配置 姓名 --role 角色
campus-gateway users role   配置 姓名 --role 角色
campus-gateway users link   配置 [姓名]
campus-gateway users remove 配置 姓名
campus-gateway users token  配置 名称 --role 角色 [--for 90d]
campus-gateway users withdraw 配置 令牌编号

管理可以使用控制台的人员。网关运行与否均可使用（运行中的网关数秒内生效），须以网关的用户或 root 执行。所有操作记入审计。
城市页面的用户：以 \`campus-gateway platform\` 的 --data 目录代替 配置。

  list      列出用户及程序、屏幕的令牌
  add       新增用户，并显示设置密码的一次性链接（24 小时内有效）
  role      更改角色；其会话随即结束
  link      重设密码的链接；不写姓名：首位管理员的链接（尚无管理员时）
  remove    删除用户；其会话及其创建的令牌随即失效
  token     程序或门口屏幕（--role screen）的令牌，仅显示这一次
  withdraw  按列表中的编号作废令牌

  --role 角色   viewer 查看、guard 保安、operator 值班、technician 技术、administrator 管理员；令牌还可为 screen 屏幕
  --for 时间    令牌有效期：1h 到 400d；默认 90d，屏幕直到作废

  campus-gateway users add /etc/campus-gateway/campus.yaml 李主任 --role operator`;

export const users: Command = {
  name: 'users',
  summary: ['Say who may use the console, give links and tokens', '管理控制台的用户、链接和令牌'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { role: { type: 'string' }, for: { type: 'string' } },
    });
    atMost(3, positionals);
    const [what, file, name] = positionals;
    if (what === undefined || file === undefined)
      throw new UsageError(
        say(
          'list, add, role, link, remove, token or withdraw, and a config file or the data folder of a platform',
          'list、add、role、link、remove、token 或 withdraw，及配置文件或城市平台的数据目录',
        ),
      );
    const place = await placeOf(file, terminal, what === 'list');
    if (place === undefined) return 1;
    const { manageUsers } = await import('./users/manage.ts');
    return await manageUsers({ what, name, role: values.role, lasts: values.for }, place, terminal);
  },
};

/** Where the accounts are: of a config, or of the data folder of a platform. undefined: the config is wrong, which is told. */
async function placeOf(
  file: string,
  terminal: Terminal,
  isRead: boolean,
): Promise<AccountsPlace | undefined> {
  const { addressIn, consoleAddress } = await import('../console/address.ts');
  if (existsSync(file) && statSync(file).isDirectory()) return { dataDir: file, address: addressIn(file) };
  const config = isRead
    ? (await inForceOrErrors(file, terminal))?.config
    : await configOrErrors(file, terminal);
  if (config === undefined) return undefined;
  const { console: shown, dataDir } = config;
  if (shown === undefined) throw new Error(say('the config has no `console`', '配置中没有 `console`'));
  return { dataDir, address: consoleAddress(shown) };
}
