/**
 * YAML -> validated config. Every mistake is told at once, each with its line, column, what stands there and what
 * may stand there.
 */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { Problem } from '../drivers/contract/driver.ts';
import { checkConfig } from './check/index.ts';
import { explain, offsetOf, pathText, type Schema } from './explain.ts';
import { say } from './language.ts';
import { resolveConfig, substitute } from './resolve.ts';
import { type Config, configJsonSchema, configSchema } from './schema.ts';

/** One mistake, ready to print: `FILE:LINE:COLUMN: message`. */
export interface ConfigError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
export const formatError = ({ file, line, column, message }: ConfigError) =>
  `${file}:${line}:${column}: ${message}`;

/** Made when the first mistake is explained. */
let shape: Schema | undefined;

/**
 * Reads, checks and resolves a config file. `verify` adds checks that only the caller can make.
 */
export function loadConfig(
  file: string,
  verify: (config: Config) => readonly Problem[] = () => [],
): { readonly config: Config } | { readonly errors: readonly ConfigError[] } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? '';
    const message = say(`cannot be read (${reason})`, `无法读取（${reason}）`);
    return { errors: [{ file, line: 1, column: 1, message }] };
  }
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, logLevel: 'silent' });
  const at = (offset: number, message: string): ConfigError => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  // What YAML only warns of (unknown tags and directives) has no place in a config either.
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) return { errors: wrong.map((error) => at(error.pos[0], error.message)) };
  let written: unknown;
  try {
    written = document.toJS();
  } catch (error) {
    // An alias without its anchor, or aliases that grow without end.
    return { errors: [at(0, (error as Error).message)] };
  }

  const missing: Problem[] = [];
  const data = substitute(written ?? {}, [], missing);
  const tell = ({ path, message }: Problem) => at(offsetOf(document, path), `${pathText(path)}${message}`);
  const parsed = configSchema.safeParse(data);
  if (!parsed.success) {
    shape ??= configJsonSchema() as Schema;
    const schema = shape;
    const problems = parsed.error.issues.flatMap((issue) => explain(issue, [], data, schema));
    return { errors: inOrder([...missing, ...problems].map(tell)) };
  }
  const problems = [...missing];
  const config = resolveConfig(file, parsed.data, problems);
  if (problems.length === 0) problems.push(...checkConfig(config), ...verify(config));
  return problems.length > 0 ? { errors: inOrder(problems.map(tell)) } : { config };
}

const inOrder = (errors: ConfigError[]) => errors.sort((a, b) => a.line - b.line || a.column - b.column);
