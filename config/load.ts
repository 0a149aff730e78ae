/**
 * YAML -> validated config. Every mistake is told at once, each with its line, column, what stands there and what
 * may stand there.
 */

import type { Problem } from '../drivers/contract/driver.ts';
import { CONFIG_FILE_MAX, readBytesOf } from '../drivers/files.ts';
import { checkConfig } from './check/index.ts';
import { warningsOf } from './check/warnings.ts';
import { type ConfigProblem, explainAll, pathText, type Schema } from './explain.ts';
import { say } from './language.ts';
import { resolveConfig, substitute } from './resolve.ts';
import { type Config, configJsonSchema, configSchema } from './schema.ts';
import { whyUnreadableAndHelp } from './text.ts';
import { type Place, readYaml } from './yaml.ts';

/** One mistake, ready to print: `FILE:LINE:COLUMN: message`. */
export interface ConfigError extends Place {
  readonly message: string;
}
export const formatError = ({ file, line, column, message }: ConfigError) =>
  `${file}:${line}:${column}: ${message}`;

/** A config without mistakes. */
export interface LoadedConfig {
  readonly config: Config;
  /** What works and should not stay so. */
  readonly warnings: readonly ConfigError[];
  /** What is wrong, and does not keep the rest from running. */
  readonly forgiven: readonly ConfigError[];
  /** Where in the file something stands, ready to print. */
  readonly tell: (problem: Problem) => ConfigError;
}

/** Made when the first mistake is explained. */
let shape: Schema | undefined;

/** A config file as it stands, or as it would be with these bytes, with the places in it; or why it cannot be read. */
export function readConfigFile(file: string, bytes?: Buffer): ReturnType<typeof readYaml> {
  try {
    return readYaml(file, bytes ?? readBytesOf(file, CONFIG_FILE_MAX));
  } catch (error) {
    return { errors: [{ file, line: 1, column: 1, message: whyUnreadableAndHelp(error as Error) }] };
  }
}

/**
 * Reads, checks and resolves a config file. `verify` adds checks that only the caller can make; what `forgives` says
 * yes to is told and is no error. `bytes`: what would stand in the file, which need not be there.
 */
export function loadConfig(
  file: string,
  verify: (config: Config) => readonly Problem[] = () => [],
  forgives: (problem: Problem) => boolean = () => false,
  bytes?: Buffer,
): LoadedConfig | { readonly errors: readonly ConfigError[] } {
  const yaml = readConfigFile(file, bytes);
  if ('errors' in yaml) return yaml;
  const missing: ConfigProblem[] = [];
  const data = substitute(yaml.data ?? {}, [], missing);
  const tell = ({ path, place, message }: ConfigProblem): ConfigError =>
    place === undefined
      ? { ...yaml.placeOf(path), message: `${pathText(path)}${message}` }
      : { ...place, message };
  const parsed = configSchema.safeParse(data);
  if (!parsed.success) {
    shape ??= configJsonSchema() as Schema;
    const problems = explainAll(parsed.error, configSchema, data, shape);
    return { errors: placed([...missing, ...problems], tell, file) };
  }
  const problems: ConfigProblem[] = [...missing];
  const config = resolveConfig(file, parsed.data, problems);
  if (problems.every(forgives)) problems.push(...checkConfig(config), ...verify(config));
  if (!problems.every(forgives)) return { errors: placed(problems, tell, file) };
  return {
    config,
    warnings: inOrder(warningsOf(config).map(tell), file),
    forgiven: inOrder(problems.map(tell), file),
    tell,
  };
}

/** More than anybody reads: a place in the file is looked for from its beginning, which is minutes for what a stranger wrote. */
const TOLD_MAX = 1000;

/** Mistakes as they are told; of more than that, how many are not. */
function placed(
  problems: readonly ConfigProblem[],
  tell: (problem: ConfigProblem) => ConfigError,
  file: string,
): readonly ConfigError[] {
  const errors = inOrder(problems.slice(0, TOLD_MAX).map(tell), file);
  const more = problems.length - TOLD_MAX;
  if (more <= 0) return errors;
  const message = say(`${more} more mistakes are not told`, `另有 ${more} 处错误未列出`);
  return [...errors, { file, line: 1, column: 1, message }];
}

/** Those of the file itself first; what two devices name is told once. */
function inOrder(errors: readonly ConfigError[], file: string): readonly ConfigError[] {
  const other = (error: ConfigError) => Number(error.file !== file);
  return [...new Map(errors.map((error) => [formatError(error), error])).values()].sort(
    (a, b) => other(a) - other(b) || a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  );
}
