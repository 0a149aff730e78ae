/**
 * Whether this instance can sign commands. Its keys are in a folder and never in the database: another machine has them
 * where somebody copied them there, after each rotation again.
 */
import { say } from '../../../config/language.ts';
import type { Authority } from './index.ts';
import type { KeptKey } from './registry.ts';

export interface Signing {
  /** false: campuses that were enrolled would refuse what this instance sends. */
  readonly able: boolean;
  /** What is wrong, and what to do. It may be able and have it: the next key is not here. */
  readonly reason?: string;
}

const modes = () =>
  say('files 0600, the folder 0700, of the user of the platform', '文件 0600，目录 0700，归平台运行用户所有');

/**
 * `keys`: of the database, that are good now or later; `folder`: where they should be; `trouble`: why they cannot be read.
 */
export function signingOf(
  {
    keys,
    authority,
    folder,
    trouble,
  }: {
    readonly keys: readonly KeptKey[];
    readonly authority: Pick<Authority, 'hasKey'> | undefined;
    readonly folder: string | undefined;
    readonly trouble?: string | undefined;
  },
  now: number,
): Signing {
  // Campuses that know no key want no signature.
  if (keys.length === 0) return { able: true };
  if (folder === undefined)
    return {
      able: false,
      reason: say(
        'this instance has no folder for the keys of commands, and campuses want them signed: start it with --data, and copy the folder authority of the instance that made the keys into it',
        '本实例没有存放指令密钥的目录，而学校要求指令签名：请用 --data 启动，并从生成密钥的实例复制 authority 目录',
      ),
    };
  if (authority === undefined)
    return {
      able: false,
      reason:
        trouble === undefined
          ? say(
              `${folder} is not here, and campuses want commands signed: copy the folder authority of the instance that made the keys (${modes()})`,
              `${folder} 不存在，而学校要求指令签名：请从生成密钥的实例复制 authority 目录（${modes()}）`,
            )
          : say(
              `the keys of commands cannot be read: ${trouble} (${modes()})`,
              `无法读取指令密钥：${trouble}（${modes()}）`,
            ),
    };
  const missing = keys.filter(({ id }) => !authority.hasKey(id));
  if (missing.length === 0) return { able: true };
  const able = keys.some(({ id, signsFrom }) => signsFrom <= now && authority.hasKey(id));
  const names = missing.map(({ id }) => `command-${id}.key`).join(', ');
  return {
    able,
    reason: say(
      `${folder} lacks ${names}, as after \`keys rotate\` on another machine: copy it from there (${modes()})`,
      `${folder} 缺少 ${names}（可能在另一台机器上执行过 keys rotate）：请从该机器复制（${modes()}）`,
    ),
  };
}
