/** What came of a backup, in the terminal. */
import { say } from '../../../config/language.ts';
import type { Taken } from '../../backup/take.ts';
import { printable } from '../../printable.ts';
import type { Terminal } from '../command.ts';

export const bytesText = (bytes: number): string =>
  bytes >= 1_000_000 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${Math.ceil(bytes / 1000)} kB`;

/** @returns the exit status. */
export function showTaken(
  { file, bytes, files, last, environment, left }: Taken,
  { stdout, stderr }: Terminal,
): 0 {
  const size = bytesText(bytes);
  stdout.write(
    say(
      `${printable(file)}: ${files} files, ${size}; the journal up to number ${last}\n`,
      `${printable(file)}：${files} 个文件，${size}；事件日志至 ${last} 号\n`,
    ),
  );
  for (const one of left)
    stderr.write(
      say(`left out: ${printable(one.file)}: ${one.why}\n`, `未备份：${printable(one.file)}：${one.why}\n`),
    );
  showEnvironment(environment, stderr);
  return 0;
}

/** What is not in a backup although the config needs it. */
export function showEnvironment(environment: readonly string[], stderr: Terminal['stderr']): void {
  if (environment.length === 0) return;
  const names = printable(environment.join(', '));
  stderr.write(
    say(
      `not in it, for the config takes it from the environment: ${names}; keep these by other means\n`,
      `以下内容来自环境变量，不在备份中：${names}；请另行保存\n`,
    ),
  );
}
