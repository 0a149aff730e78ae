/** What went wrong, in a sentence that says what to do: of Node's option parser, of the system. */
import { say } from '../../config/language.ts';

/** `--name` and `-n` as a usage has them. */
export const optionsOf = (usage: string): readonly string[] => [
  ...new Set([...usage.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option)),
];

/** Of an error of `parseArgs` (node:util); undefined: another error. */
export async function optionMistake(
  error: Error & { code?: string },
  usage: string,
): Promise<string | undefined> {
  const { code = '', message } = error;
  if (!code.startsWith('ERR_PARSE_ARGS')) return undefined;
  const [, option = ''] = /'(-[^' ]*)/.exec(message) ?? [];
  const known = optionsOf(usage);
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const { allowed, near } = await import('../../config/explain.ts');
    return (
      say(`there is no option ${option}`, `没有选项 ${option}`) + (near(option, known) || allowed(known))
    );
  }
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') {
    const [, word = ''] = /'([^']*)'/.exec(message) ?? [];
    return tooMany(word);
  }
  return /does not take/.test(message)
    ? say(`${option} takes no value`, `${option} 不带值`)
    : say(`${option} needs a value behind it`, `${option} 后须给出值`);
}

export const tooMany = (word: string): string =>
  say(`"${word}" is one word too many`, `“${word}”是多余的参数`);

/** Codes of the system (errno(3)) that people can do something about. */
const reasons: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  ENOENT: ['there is no such file or folder: look at its name', '文件或目录不存在：请检查名称'],
  EACCES: [
    'this user may not do that: run it with sudo, or as the user campus-gateway',
    '当前用户无权操作：请用 sudo，或以 campus-gateway 用户运行',
  ],
  EPERM: [
    'this user may not do that: run it with sudo, or as the user campus-gateway',
    '当前用户无权操作：请用 sudo，或以 campus-gateway 用户运行',
  ],
  EISDIR: ['is a folder: name a file', '是目录：请给出文件'],
  ENOTDIR: ['a part of this path is no folder: look at its name', '路径中有一段不是目录：请检查名称'],
  ENOSPC: ['the disk is full: make room', '磁盘已满：请清理空间'],
  EROFS: ['this disk can only be read: name another place', '磁盘只读：请换位置'],
  EIO: [
    'the disk does not answer rightly: look after it (campus-gateway doctor --disk)',
    '磁盘读写错误：请检查磁盘（campus-gateway doctor --disk）',
  ],
  EMFILE: ['too many files are open: raise the limit (ulimit -n)', '打开的文件过多：请提高上限（ulimit -n）'],
  EADDRINUSE: [
    'another program listens there: stop it, or take another port',
    '端口已被占用：请停止该程序或换端口',
  ],
  EADDRNOTAVAIL: ['this machine has no such address', '本机没有此地址'],
};

/** Of an error that the system gave; undefined: another one. */
export function systemMistake(
  error: NodeJS.ErrnoException & { address?: string; port?: number },
): string | undefined {
  const { code = '', path, address, port, syscall, message } = error;
  const reason = reasons[code];
  // One that says more than the system by itself is left as it is.
  if (
    reason === undefined ||
    syscall === undefined ||
    (!message.startsWith(code) && !message.includes(`${syscall} ${code}`))
  )
    return undefined;
  const what =
    path ?? (address === undefined ? undefined : `${address}${port === undefined ? '' : `:${port}`}`);
  return `${what === undefined ? '' : `${what}: `}${say(...reason)}`;
}
