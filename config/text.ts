/** Text files that people write, and what a Chinese Windows makes of them: GBK (ANSI) or UTF-16 (Unicode). */
import { isUtf8 } from 'node:buffer';
import { EmptySecretError, FileTooLargeError, FolderError, sizeText } from '../drivers/files.ts';
import { say } from './language.ts';

export interface TextProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Why a file cannot be read, after its name. */
export function whyUnreadable(error: Error): string {
  if (error instanceof FileTooLargeError) {
    const most = sizeText(error.most);
    return say(
      `is larger than ${most}, the most that it may be; is it the right file?`,
      `超过上限 ${most}；请确认文件是否正确`,
    );
  }
  if (error instanceof FolderError) return say('is a folder, not a file', '是文件夹，不是文件');
  if (error instanceof EmptySecretError)
    return error.isWhole
      ? say('has nothing in it: the file is empty', '没有内容：文件为空')
      : say(
          'has nothing in its first line, where the secret is to stand',
          '第一行为空，密码或令牌应写在第一行',
        );
  const reason = (error as NodeJS.ErrnoException).code ?? error.message;
  return say(`cannot be read (${reason})`, `无法读取（${reason}）`);
}

/** The same of the file that somebody named, with what to do. */
export function whyUnreadableAndHelp(error: Error): string {
  const help: Readonly<Record<string, string>> = {
    ENOENT: say(': there is no such file; look at its name', '：没有此文件，请检查名称'),
    EACCES: say(
      ': this user may not; run it with sudo, or let its user read it',
      '：当前用户无权读取，请用 sudo 或调整权限',
    ),
  };
  return whyUnreadable(error) + (help[(error as NodeJS.ErrnoException).code ?? ''] ?? '');
}

const LINE_FEED = 0x0a;

/** What is wrong with a file's bytes as text; undefined: nothing. UTF-8 is asked for (RFC 3629), with a BOM or without. */
export function textProblem(bytes: Buffer): TextProblem | undefined {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return { line: 1, column: 1, message: notUtf8('UTF-16') };
  if (isUtf8(bytes) && !bytes.includes(0)) return undefined;
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const end = bytes.indexOf(LINE_FEED, start);
    const own = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (!isUtf8(own))
      return { line, column: own.toString().indexOf('\ufffd') + 1, message: notUtf8('GB18030') };
    if (own.includes(0))
      return { line, column: own.subarray(0, own.indexOf(0)).toString().length + 1, message: nul() };
    start += own.length + 1;
  }
  return undefined;
}

const notUtf8 = (from: string) =>
  say(
    `the file is not UTF-8. Save it as UTF-8 (Notepad: Save as, Encoding: UTF-8), or: iconv -f ${from} -t UTF-8 OLD > NEW`,
    `文件不是 UTF-8 编码。请另存为 UTF-8（记事本：另存为，编码选 UTF-8），或执行：iconv -f ${from} -t UTF-8 旧文件 > 新文件`,
  );

const nul = () =>
  say(
    'the file holds NUL bytes: it is no text, or was torn by a power cut. Put a good copy in its place',
    '文件含有 NUL 字节：不是文本文件，或因断电损坏。请用完好的副本替换',
  );
