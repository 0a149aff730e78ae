/** YAML as it was written, with the places of what stands in it. */
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import { say } from './language.ts';
import { textProblem } from './text.ts';

export type Path = readonly PropertyKey[];

/** Where something stands, from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Yaml =
  | { readonly data: unknown; placeOf(path: Path): Place }
  | { readonly errors: readonly (Place & { readonly message: string })[] };

/** Reads a text in UTF-8. What YAML only warns of (unknown tags and directives) is an error. Never throws. */
export function readYaml(file: string, bytes: Buffer): Yaml {
  const unreadable = textProblem(bytes);
  if (unreadable !== undefined) return { errors: [{ file, ...unreadable }] };
  const counter = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const document = parseDocument(bytes.toString(), {
      lineCounter: counter,
      prettyErrors: false,
      logLevel: 'silent',
    });
    const wrong = [...document.errors, ...document.warnings];
    // What follows from the depth is not told beside it.
    const tooDeep = wrong.find(({ message }) => message.startsWith(TOO_DEEP));
    if (tooDeep !== undefined) return { errors: [{ ...place(0), message: sentence(tooDeep.message) }] };
    const data = wrong.length > 0 ? undefined : (document.toJS() as unknown);
    const colons = wrong.length > 0 || typeof data === 'string' ? fullWidthColons(bytes.toString()) : [];
    if (colons.length > 0)
      return { errors: colons.map((offset) => ({ ...place(offset), message: fullWidthColon() })) };
    if (wrong.length > 0)
      return { errors: wrong.map(({ pos, message }) => ({ ...place(pos[0]), message: sentence(message) })) };
    return { data, placeOf: (path) => place(offsetOf(document, path)) };
  } catch (error) {
    // An alias without its anchor, aliases that grow without end, mappings within mappings without end.
    return { errors: [{ ...place(0), message: sentence((error as Error).message) }] };
  }
}

export const fullWidthColon = () =>
  say(
    'this is the full-width colon （：）; write : and a space',
    '此处是全角冒号（：）；请改为半角冒号加空格',
  );

/** Where one stands behind a key, as an input method for Chinese types it: YAML knows it not. */
function fullWidthColons(text: string): number[] {
  const found = [...text.matchAll(/^[ \t]*(?:- +)?[A-Za-z][\w.-]{0,60}：/gm)];
  return found.slice(0, 20).map(({ index, 0: line }) => index + line.length - 1);
}

/** What the engine says when the reader has called itself too often. */
const TOO_DEEP = 'Maximum call stack';

function sentence(message: string): string {
  if (message.startsWith(TOO_DEEP))
    return say('lists or mappings stand too deep within one another', '列表或映射嵌套过深');
  if (message.startsWith('Excessive alias count'))
    return say('aliases (*name) of aliases make too much of it', '别名（*name）层层展开，内容过多');
  return message;
}

/** The offset in the file of the key (or item) at a path, or of the nearest thing around it. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
      );
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[part as number];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
