/**
 * A config as it stands in its file, without its secrets. None should stand there (the check refuses them), so that what
 * does is a mistake, in a key that may be misspelt, in a comment or in a file that is no YAML: too much is hidden rather
 * than too little. The lines stay where they are.
 */
import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml';
import { isSecretAt } from '../../drivers/contract/options.ts';

/** What stands in the place of a secret. */
export const HIDDEN = '••••••';

/** Keys of secrets, and what people take for them; `passwordFile` and its kind name a file. */
const SECRET_KEY =
  /^(?!.*files?$).*(pass(word|wd|phrase|code)|pwd|secret|token|credential|api[-_]?key|private[-_]?key|scbk)|^(key|pin|pass|psk)$/i;
/** `scheme://name:password@host`. */
const USER_INFO = /([a-z][a-z0-9+.-]{0,20}:\/\/[^/\s:@]{0,200}:)([^/\s@]{1,200})(?=@)/gi;
/** `password: x` and `token=x`, wherever a line has it: in a comment, in a file that is no YAML. */
const SPOKEN =
  /((?:pass(?:word|wd|phrase|code)|pwd|secret|token|api[-_]?key|private[-_]?key|scbk|\bkey|\bpin|\bpsk|密码|口令|密钥)["']?\s*[:=：＝]\s*)(\S[^\n]*)/gi;
/** From the environment: a name, and no secret. */
const IS_REFERENCE = /^["']?\$\{[A-Za-z_][A-Za-z0-9_]*\}["']?\s*[,}\]]?\s*(#.*)?$/;
/** Shorter ones are found all over a file by chance. */
const REPEATED_MIN = 6;

type Range = readonly [number, number];

export interface Hidden {
  readonly text: string;
  /** The same for a message about the file. */
  hideIn(message: string): string;
}

const isSecretKey = (path: readonly PropertyKey[]) =>
  isSecretAt(path) || (SECRET_KEY.test(String(path.at(-1))) && String(path.at(-1)) !== 'token');

/** Where secrets stand in a document. */
function secretsIn(document: ReturnType<typeof parseDocument>): readonly { range: Range; value: string }[] {
  const found: { range: Range; value: string }[] = [];
  const walk = (node: unknown, path: readonly PropertyKey[], isSecret: boolean) => {
    if (isAlias(node)) {
      // What it stands for is a secret where it stands. A whole collection of aliases is no secret of anybody's.
      const source = node.resolve(document);
      if (isSecret && isScalar(source)) walk(source, path, true);
    } else if (isPair(node)) {
      const key = isScalar(node.key) ? String(node.key.value) : '';
      walk(node.value, [...path, key], isSecret || isSecretKey([...path, key]));
    } else if (isMap(node)) for (const pair of node.items) walk(pair, path, isSecret);
    else if (isSeq(node)) for (const [i, item] of node.items.entries()) walk(item, [...path, i], isSecret);
    else if (isSecret && isScalar(node) && node.range) {
      const value = String(node.value ?? '');
      const [from, to] = node.range;
      if (value !== '' && typeof node.value !== 'boolean' && !IS_REFERENCE.test(value))
        found.push({ range: [from, to], value });
    }
  };
  if (isCollection(document.contents)) walk(document.contents, [], false);
  return found;
}

const hideLines = (text: string) => text.replace(/[^\r\n]+/g, (line) => (line.trim() === '' ? line : HIDDEN));

/** Comments, as far as a `#` behind a space or at the beginning of a line begins one: in a text it may be another thing. */
const hideInComments = (text: string) =>
  text.replace(/(^|\s)#[^\n]*/g, (comment) => comment.replace(SPOKEN, `$1${HIDDEN}`));
const hideSpoken = (text: string) =>
  text.replace(SPOKEN, (whole, before: string, value: string) =>
    IS_REFERENCE.test(value) ? whole : `${before}${HIDDEN}`,
  );

/** Never throws: what cannot be read as YAML is searched line by line. */
export function hideSecrets(written: string): Hidden {
  let isYaml = false;
  let found: ReturnType<typeof secretsIn> = [];
  try {
    // A second document is an error only where errors are not silenced.
    const document = parseDocument(written, { prettyErrors: false, logLevel: 'error' });
    isYaml = document.errors.length === 0 && isCollection(document.contents);
    found = secretsIn(document);
  } catch {
    // Mappings within mappings without end.
  }
  let text = written;
  const fromTheEnd = [...found].sort((a, b) => b.range[0] - a.range[0]);
  for (const { range } of fromTheEnd)
    text = text.slice(0, range[0]) + hideLines(text.slice(...range)) + text.slice(range[1]);
  text = isYaml ? hideInComments(text) : hideSpoken(text);
  const repeated = [...new Set(found.map(({ value }) => value.trim()))].filter(
    (value) => value.length >= REPEATED_MIN,
  );
  const hideRepeated = (where: string) => repeated.reduce((all, one) => all.replaceAll(one, HIDDEN), where);
  const hideIn = (where: string) => hideRepeated(where.replace(USER_INFO, `$1${HIDDEN}`));
  return { text: hideIn(text), hideIn };
}
