/**
 * A config of a campus of 10,000 devices is 4 MB: it is read and checked in a thread apart (lifecycle/isolated.ts), and no
 * alarm waits for it. What comes back is a copy, which is all a config needs to be.
 */
import { speak } from '../../config/language.ts';
import type { ConfigError } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { readConfig } from '../check.ts';
import type { ConfigMistake } from '../console/contract/config.ts';

export interface ToRead {
  readonly file: string;
  /** What is in the file, or is to be. */
  readonly bytes: Uint8Array;
}

export type ReadApart =
  | { readonly config: Config; readonly forgiven: readonly ConfigError[] }
  /** With the places in the file. */
  | { readonly mistakes: readonly ConfigMistake[] };

/** Errors that are told: who reads them mends the first ones first. */
const TOLD_MAX = 20;

export function readApart({ file, bytes }: ToRead): ReadApart {
  const read = (language: 'en' | 'zh') => {
    speak(language);
    return readConfig(file, { forRunning: true, bytes: Buffer.from(bytes) });
  };
  const english = read('en');
  if ('config' in english) return { config: english.config, forgiven: english.forgiven };
  const chinese = read('zh');
  const told = 'errors' in chinese ? chinese.errors : [];
  return {
    mistakes: english.errors.slice(0, TOLD_MAX).map(({ file: where, line, column, message: en }, i) => ({
      ...(where !== file && { file: where }),
      ...{ line, column, en, zh: told[i]?.message ?? en },
    })),
  };
}
