/**
 * Changes a config where it stands: a value, a new key, a new item of a list, one that goes. All else of the text stays as a
 * person wrote it: comments, order, alignment. Pure.
 *
 * The text is read once, edits become splices of it, and what comes out is read again: where that is not what was asked for
 * (aliases, merge keys), nothing is given back but an error.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isCollection,
  isNode,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { say } from './language.ts';
import type { Path } from './yaml.ts';

/** What was asked cannot be written without changing more than that. */
export class EditError extends Error {
  readonly code = 'E_EDIT';
}

/** Lines that go and lines that come in their place. `line`: of the old text, from 1. */
export interface Hunk {
  readonly line: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

export interface Edits {
  /** Sets what stands at a path, or adds the last key of it. What holds it is there. */
  set(path: Path, value: unknown): void;
  /** Adds an item to the end of a list, which is there. */
  append(path: Path, value: unknown): void;
  /** Takes out a key, or an item of a list. */
  remove(path: Path): void;
  /** @throws EditError. */
  apply(): { readonly text: string; readonly hunks: readonly Hunk[] };
}

/** A line of flow style is no longer than this where it is ours to choose. */
const FLOW_MAX = 110;

interface Splice {
  readonly at: number;
  readonly end: number;
  readonly text: string;
  /** Of several at one place the deepest comes first: it belongs to what stands before. */
  readonly depth: number;
}
type Held = YAMLMap | YAMLSeq;
interface Changes {
  readonly depth: number;
  readonly removed: Set<number>;
  readonly added: { readonly key?: string; readonly value: unknown }[];
}

/** A value on one line, as `{ a: 1, b: [x, y] }`. */
export function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, item]) => `${flowText(key)}: ${flowText(item)}`);
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }
  // Within a list, so that what only flow style gives a meaning ([ ] { } ,) comes in quotes.
  const text = stringify([value], {
    blockQuote: false,
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    lineWidth: 0,
  });
  return text.trim().slice(1, -1).trim();
}

/** A key and its value as lines of a block, the first without its indent. */
function blockText(value: unknown, indent: string, eol: string, key?: string): string {
  const flow = flowText(value);
  const head = key === undefined ? '' : `${flowText(key)}:`;
  const isLong =
    typeof value === 'object' && value !== null && indent.length + head.length + flow.length > FLOW_MAX;
  if (Array.isArray(value) && value.length > 0 && (isLong || value.some((one) => typeof one === 'object'))) {
    const items = value.map((one) => `${indent}  - ${blockText(one, `${indent}    `, eol)}`);
    return key === undefined ? flow : [head, ...items].join(eol);
  }
  if (isLong && !Array.isArray(value)) {
    const inner = key === undefined ? indent : `${indent}  `;
    const members = Object.entries(value as object).map(([name, item]) => blockText(item, inner, eol, name));
    return key === undefined
      ? members.join(eol + inner)
      : [head, ...members.map((one) => inner + one)].join(eol);
  }
  return key === undefined ? flow : `${head} ${flow}`;
}

/** @throws EditError where the text is no YAML. */
export function editYaml(text: string): Edits {
  const document = parseDocument(text, { keepSourceTokens: true, logLevel: 'silent', prettyErrors: false });
  if (document.errors.length > 0)
    throw new EditError(
      say(`it is no YAML: ${document.errors[0]?.message}`, `不是有效的 YAML：${document.errors[0]?.message}`),
    );
  // Through JSON: what aliases share is then as many things as it is in the text.
  const wanted = plain(document.toJS() ?? {}) as object;
  const splices: Splice[] = [];
  const changes = new Map<Held, Changes>();
  const removals: Path[] = [];
  const changesOf = (held: Held, depth: number): Changes => {
    const found = changes.get(held) ?? { depth, removed: new Set(), added: [] };
    changes.set(held, found);
    return found;
  };
  return {
    set(path, value) {
      const { held, key } = holderOf(document, path);
      const at = indexOf(held, key);
      setIn(wanted, path, plain(value));
      if (at < 0) changesOf(held, path.length).added.push({ key: String(key), value });
      else splices.push(replacement(text, held, at, value, path.length));
    },
    append(path, value) {
      const list = document.getIn(path, true);
      if (!isSeq(list)) throw cannot(path);
      changesOf(list, path.length + 1).added.push({ value });
      (getIn(wanted, path) as unknown[]).push(plain(value));
    },
    remove(path) {
      const { held, key } = holderOf(document, path);
      const at = indexOf(held, key);
      if (at < 0) throw cannot(path);
      changesOf(held, path.length).removed.add(at);
      removals.push(path);
    },
    apply() {
      const all = [...splices, ...[...changes].flatMap(([held, one]) => splicesOf(text, held, one))];
      // From the back: the places of others stay as they are.
      for (const path of [...removals].sort(lastFirst)) removeIn(wanted, path);
      const made = splice(text, all);
      const read = parseDocument(made.text, { logLevel: 'silent' });
      if (read.errors.length > 0 || !isDeepStrictEqual(read.toJS(), wanted))
        throw new EditError(
          say(
            'what is to change is written in a way that cannot be edited in place (anchors, aliases, merge keys): edit the file by hand',
            '要修改的内容使用了锚点、别名或合并键，无法就地修改：请手工编辑',
          ),
        );
      return made;
    },
  };
}

const cannot = (path: Path) =>
  new EditError(say(`${path.join('.')} cannot be changed where it stands`, `${path.join('.')} 无法就地修改`));

/** Of one list the last items first, and what stands in a thing before the thing. */
const lastFirst = (one: Path, other: Path): number => {
  for (const [i, part] of one.entries()) {
    const otherPart = other[i];
    if (otherPart === undefined) return -1;
    if (part === otherPart) continue;
    if (typeof part === 'number' && typeof otherPart === 'number') return otherPart - part;
    return String(part) < String(otherPart) ? -1 : 1;
  }
  return other.length - one.length;
};

function holderOf(document: Document, path: Path): { readonly held: Held; readonly key: PropertyKey } {
  const key = path.at(-1);
  const held = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (key === undefined || !isCollection(held)) throw cannot(path);
  return { held: held as Held, key };
}

function indexOf(held: Held, key: PropertyKey): number {
  if (isSeq(held)) return Number(key) < held.items.length ? Number(key) : -1;
  return held.items.findIndex((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
}

/** Where an item begins: a key, or what stands behind the dash. */
function startOf(item: unknown): number {
  const node = isNode(item) ? item : (item as Pair).key;
  if (!isNode(node) || !node.range) throw new EditError(say('an item has no place', '条目没有位置'));
  return node.range[0];
}

/** Behind the last character of what stands there, without comments and white space after it. */
function endOf(text: string, item: unknown): number {
  if (item === null || item === undefined) return -1;
  if (!isNode(item)) {
    const { key, value } = item as Pair;
    return Math.max(endOf(text, value), endOf(text, key));
  }
  if (isCollection(item) && !item.flow && item.items.length > 0) return endOf(text, item.items.at(-1));
  let end = item.range?.[1] ?? -1;
  while (end > 0 && /\s/.test(text[end - 1] ?? '')) end--;
  return end;
}

const lineStart = (text: string, at: number) => text.lastIndexOf('\n', at - 1) + 1;
/** The beginning of the line after. */
function nextLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}
const eolOf = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n');

function replacement(text: string, held: Held, at: number, value: unknown, depth: number): Splice {
  const item = held.items[at];
  const node = isSeq(held) ? item : (item as Pair).value;
  const made = flowText(value);
  if (isNode(node) && node.range && node.range[1] > node.range[0])
    return { at: node.range[0], end: Math.max(endOf(text, node), node.range[0]), text: made, depth };
  // `name:` and nothing behind it.
  const colon = text.indexOf(':', endOf(text, isSeq(held) ? item : (item as Pair).key));
  if (colon < 0) throw cannot([at]);
  return { at: colon + 1, end: colon + 1, text: ` ${made}`, depth };
}

/** What is added to and taken from one list or mapping. */
function splicesOf(text: string, held: Held, { removed, added, depth }: Changes): readonly Splice[] {
  const items = held.items as readonly unknown[];
  const [start = 0, end = 0] = held.range ?? [];
  const isAllGone = removed.size === items.length;
  const words = added.map(({ key, value }) =>
    key === undefined ? flowText(value) : `${flowText(key)}: ${flowText(value)}`,
  );
  if (isAllGone && (held.flow || added.length === 0)) {
    const empty = isSeq(held)
      ? `[${words.join(', ')}]`
      : words.length === 0
        ? '{}'
        : `{ ${words.join(', ')} }`;
    return [{ at: start, end: held.flow ? end : endOf(text, held), text: empty, depth }];
  }
  return held.flow
    ? flowSplices(text, items, removed, words, depth)
    : blockSplices(text, held, removed, added, depth);
}

function flowSplices(
  text: string,
  items: readonly unknown[],
  removed: ReadonlySet<number>,
  words: readonly string[],
  depth: number,
): readonly Splice[] {
  const lastKept = items.findLastIndex((_, i) => !removed.has(i));
  const kept = endOf(text, items[lastKept]);
  const gone = [...removed].map((i): Splice => {
    // The last ones go with the comma before them, others with the one behind.
    if (i > lastKept)
      return {
        at: i === lastKept + 1 ? kept : startOf(items[i]),
        end: i + 1 < items.length ? startOf(items[i + 1]) : endOf(text, items[i]),
        text: '',
        depth,
      };
    return { at: startOf(items[i]), end: startOf(items[i + 1]), text: '', depth };
  });
  const more = words.map((word): Splice => ({ at: kept, end: kept, text: `, ${word}`, depth }));
  return [...more, ...gone];
}

function blockSplices(
  text: string,
  held: Held,
  removed: ReadonlySet<number>,
  added: Changes['added'],
  depth: number,
): readonly Splice[] {
  const eol = eolOf(text);
  const items = held.items as readonly unknown[];
  const first = startOf(items[0]);
  const dash = isSeq(held) ? text.lastIndexOf('-', first - 1) : first;
  const indent = ' '.repeat(dash - lineStart(text, dash));
  const gone = [...removed].map((i): Splice => {
    const from = startOf(items[i]);
    const begin = isSeq(held) ? text.lastIndexOf('-', from - 1) : from;
    const isAlone = text.slice(lineStart(text, begin), begin).trim() === '';
    if (isAlone)
      return { at: lineStart(text, begin), end: nextLine(text, endOf(text, items[i])), text: '', depth };
    // `- a: 1`, the first of its mapping: the next one comes up to the dash.
    const next = items.findIndex((_, k) => k > i && !removed.has(k));
    if (next < 0) throw cannot([i]);
    return { at: begin, end: startOf(items[next]), text: '', depth };
  });
  const at = nextLine(text, endOf(text, items.at(-1)));
  const isEnded = text[at - 1] === '\n';
  const more = added.map(({ key, value }): Splice => {
    const line =
      key === undefined
        ? `${indent}- ${blockText(value, `${indent}  `, eol)}`
        : indent + blockText(value, indent, eol, key);
    return { at, end: at, text: isEnded ? line + eol : eol + line, depth };
  });
  return [...gone, ...more];
}

function splice(
  text: string,
  splices: readonly Splice[],
): { readonly text: string; readonly hunks: readonly Hunk[] } {
  const sorted = splices
    .map((one, order) => ({ ...one, order }))
    .sort((a, b) => a.at - b.at || b.depth - a.depth || a.order - b.order);
  let out = '';
  let at = 0;
  const hunks: { from: number; to: number; parts: Splice[] }[] = [];
  for (const one of sorted) {
    if (one.at < at && one.text !== '') throw new EditError(say('edits overlap', '修改重叠'));
    if (one.at >= at) out += text.slice(at, one.at);
    out += one.text;
    at = Math.max(at, one.end);
    const from = lineStart(text, one.at);
    const isBetween =
      one.at === one.end && one.at === from && (one.at === text.length || one.text.endsWith('\n'));
    const to = isBetween
      ? from
      : one.end > one.at && text[one.end - 1] === '\n'
        ? one.end
        : nextLine(text, one.end);
    const last = hunks.at(-1);
    if (last !== undefined && from <= last.to) {
      last.to = Math.max(last.to, to);
      last.parts.push(one);
    } else hunks.push({ from, to, parts: [one] });
  }
  return { text: out + text.slice(at), hunks: hunks.map((one) => hunkOf(text, one)) };
}

const linesOf = (text: string): readonly string[] =>
  text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);

function hunkOf(
  text: string,
  { from, to, parts }: { readonly from: number; readonly to: number; readonly parts: readonly Splice[] },
): Hunk {
  let made = '';
  let at = from;
  for (const one of parts) {
    if (one.at > at) made += text.slice(at, one.at);
    made += one.text;
    at = Math.max(at, one.end);
  }
  made += text.slice(at, Math.max(at, to));
  return {
    line: text.slice(0, from).split('\n').length,
    removed: linesOf(text.slice(from, to)),
    added: linesOf(made.replace(/^\r?\n/, '')),
  };
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

type Container = Record<PropertyKey, unknown>;
const getIn = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (value as Container | undefined)?.[part], data);

function setIn(data: object, path: Path, value: unknown): void {
  const holder = getIn(data, path.slice(0, -1)) as Container | undefined;
  const key = path.at(-1);
  if (holder === undefined || key === undefined) throw cannot(path);
  holder[key] = value;
}

function removeIn(data: object, path: Path): void {
  const holder = getIn(data, path.slice(0, -1));
  const key = path.at(-1);
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (key !== undefined) delete (holder as Container)[key];
}
