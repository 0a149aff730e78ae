/** The acts of the console's accounts, from a terminal: on the same file, by the same rules. */
import { existsSync } from 'node:fs';
import { say } from '../../../config/language.ts';
import {
  type Act,
  addUser,
  changeRole,
  makeLink,
  makeToken,
  performing,
  removeUser,
  withdrawToken,
} from '../../console/accounts-acts.ts';
import { AccountsError, type AccountsFault, accountsFile } from '../../console/accounts-file.ts';
import { setupPath } from '../../console/address.ts';
import { type Role, roles } from '../../console/rights.ts';
import { printable } from '../../printable.ts';
import { type Terminal, UsageError } from '../command.ts';
import { oneOf, timeOf } from '../values.ts';
import { who } from '../who.ts';

export interface Wanted {
  readonly what: string;
  readonly name: string | undefined;
  readonly role: string | undefined;
  readonly lasts: string | undefined;
}

export interface AccountsPlace {
  readonly dataDir: string;
  /** Of its pages, without a slash at its end; undefined: a platform that never had them. */
  readonly address: string | undefined;
}

const people = roles.filter((role): role is Exclude<Role, 'screen'> => role !== 'screen');
const DEFAULT_LIFE = '90d';

/** @returns the exit status. @throws UsageError, and Error with a sentence. */
export async function manageUsers(
  wanted: Wanted,
  { dataDir, address }: AccountsPlace,
  terminal: Terminal,
): Promise<number> {
  const { stdout, clock } = terminal;
  const { name, lasts } = wanted;
  if (!existsSync(dataDir))
    throw new Error(
      say(`${dataDir} is not there yet: start the gateway first`, `${dataDir} 尚不存在：请先启动网关`),
    );
  const disk = accountsFile(dataDir, clock);
  const by = { name: who(), from: 'terminal' };
  const perform = async <T>(act: Act<T>): Promise<T> => {
    try {
      return (await disk.change(performing(act, by, clock.wall()))).result;
    } catch (error) {
      throw error instanceof AccountsError ? new Error(inWords(error)) : error;
    }
  };
  const role = () => oneOf('role', wanted.role ?? '', people);
  const tellLink = async (of: string | undefined) => {
    const { secret } = await perform(makeLink(of));
    const where = address ?? say('(the address of the page)', '（页面地址）');
    const url = `${where}${setupPath(secret)}`;
    stdout.write(`${say('once, within 24 hours', '一次有效，24 小时内')}: ${url}\n`);
  };

  const tell = (english: string, chinese: string) => stdout.write(`${say(english, chinese)}\n`);

  switch (wanted.what) {
    case 'list':
      await list(disk, terminal);
      return 0;
    case 'add':
      await perform(addUser(named(name), role()));
      await tellLink(named(name));
      return 0;
    case 'role':
      await perform(changeRole(named(name), role()));
      tell(
        `${name} is ${wanted.role} now; the sessions end`,
        `${name} 的角色已改为 ${wanted.role}，其会话随即结束`,
      );
      return 0;
    case 'link':
      await tellLink(name);
      return 0;
    case 'remove':
      await perform(removeUser(named(name)));
      tell(`${name} is removed; the sessions and tokens end`, `已删除 ${name}，其会话和令牌随即失效`);
      return 0;
    case 'token': {
      const of = oneOf('role', wanted.role ?? '', roles);
      const isEndless = of === 'screen' && lasts === undefined;
      const life = isEndless ? null : clock.wall() + timeOf('for', lasts ?? DEFAULT_LIFE, '1h', '400d');
      const { secret } = await perform(makeToken({ label: named(name), role: of, until: life }, by.name));
      stdout.write(`${secret}\n`);
      return 0;
    }
    case 'withdraw':
      await perform(withdrawToken(named(name)));
      tell(`the token ${name} is withdrawn`, `令牌 ${name} 已作废`);
      return 0;
    default:
      throw new UsageError(say(`there is no users ${wanted.what}`, `没有 users ${wanted.what}`));
  }
}

function named(name: string | undefined): string {
  if (name !== undefined) return name;
  throw new UsageError(say('whose name?', '请给出姓名'));
}

async function list(disk: ReturnType<typeof accountsFile>, { stdout, clock }: Terminal): Promise<void> {
  const { users, links, tokens } = await disk.read();
  const day = (time: number) => new Date(time).toISOString().slice(0, 16).replace('T', ' ');
  const open = links.filter(({ until }) => until > clock.wall());
  if (users.length === 0) stdout.write(say('no users yet\n', '尚无用户\n'));
  for (const { name, role, password } of users) {
    const link = open.find(({ user }) => user === name);
    const state =
      link === undefined
        ? password === null
          ? say('no password, no link', '无密码，无链接')
          : ''
        : say(`link until ${day(link.until)} UTC`, `链接有效至 ${day(link.until)} UTC`);
    stdout.write(`${printable(name)}  ${role}  ${state}`.trimEnd().concat('\n'));
  }
  for (const { id, label, role, by, until } of tokens) {
    const end =
      until === null
        ? say('no end', '长期')
        : until <= clock.wall()
          ? say('over', '已过期')
          : say(`until ${day(until)} UTC`, `有效至 ${day(until)} UTC`);
    stdout.write(`${id}  ${say('token', '令牌')} ${printable(label)}  ${role}  ${end}  ${printable(by)}\n`);
  }
}

/** Why something cannot be done, for who typed it. */
function inWords({ code, cause }: AccountsError): string {
  const words: Partial<Record<AccountsFault, string>> = {
    'name-wrong': say(
      'a name has up to 64 letters, digits, spaces and ._- and begins with a letter or a digit',
      '名称最多 64 个字符，可用文字、数字、空格和 ._-，以文字或数字开头',
    ),
    'name-taken': say('there is one of this name already', '名称已存在'),
    'no-such-user': say('there is no such user', '没有该用户'),
    'no-such-token': say('there is no such token', '没有该令牌'),
    'last-administrator': say(
      'nobody would be left who looks after users; make another administrator first',
      '这是最后一位管理员；请先设置另一位',
    ),
    'too-many': say('there are as many as there may be', '数量已达上限'),
    'accounts-busy': say('somebody else changes the accounts; try again', '账户正在被修改，请稍后再试'),
    disk: say(
      `the disk refused: ${(cause as Error | undefined)?.message ?? ''}`,
      `磁盘写入失败：${(cause as Error | undefined)?.message ?? ''}`,
    ),
  };
  return words[code] ?? code;
}
