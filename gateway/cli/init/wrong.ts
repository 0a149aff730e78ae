/** What is wrong with an answer, in a sentence; undefined: nothing. */
import type { z } from 'zod';
import { say } from '../../../config/language.ts';
import { identifier } from '../../../drivers/contract/options.ts';

/** What is wrong with an answer, by a schema of the config. */
export const by =
  (schema: z.ZodType) =>
  (answer: string): string | undefined => {
    const [issue] = schema.safeParse(answer).error?.issues ?? [];
    const zh = issue?.code === 'custom' ? (issue.params?.['zh'] as string | undefined) : undefined;
    return issue && say(issue.message, zh ?? issue.message);
  };
export const orEmpty = (check: (answer: string) => string | undefined) => (answer: string) =>
  answer === '' ? undefined : check(answer);

export const unusedId =
  (used: readonly { readonly id: string }[]) =>
  (answer: string): string | undefined =>
    (by(identifier())(answer) === undefined
      ? undefined
      : say(
          'letters, digits, ".", "_" and "-", at most 64, a letter or digit first',
          '只能用字母、汉字、数字、“.”、“_”、“-”，最多 64 个字符，以字母、汉字或数字开头',
        )) ?? (used.some(({ id }) => id === answer) ? say('stands here already', '已使用') : undefined);

export const number =
  (least: number, most: number) =>
  (answer: string): string | undefined =>
    /^\d{1,7}$/.test(answer) && Number(answer) >= least && Number(answer) <= most
      ? undefined
      : say(`a whole number from ${least} to ${most}`, `${least} 到 ${most} 的整数`);

export const fullWidth = (pattern: RegExp, en: string, zh: string) => (answer: string) =>
  pattern.test(answer) ? undefined : say(en, zh);
