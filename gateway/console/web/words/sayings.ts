/**
 * What the gateway says in sentences, in Chinese: why a command was refused, why a device is away, what was discarded. The
 * gateway writes them in English, into its journal too, with what they are about in their midst; here each sentence
 * stands with `{0}` in that place. What nobody translated is shown as the gateway wrote it.
 */
import { ofCommands } from './sayings/commands.ts';
import { ofConnections, ofDiscards } from './sayings/wire.ts';

const HOLE = /\{\d\}/;
const HOLE_FIRST = /^\{\d\}/;
/** A sentence within a sentence within a sentence. */
const DEPTH_MAX = 3;
/** Longer ones are something else's output. */
const LENGTH_MAX = 1000;

const all: Readonly<Record<string, string>> = { ...ofCommands, ...ofConnections, ...ofDiscards };
const patterns = Object.entries(all)
  .filter(([said]) => HOLE.test(said))
  // What begins as the sentence does first, and what says more of itself: `there is no {0}` is among the last that fit.
  .sort(
    ([one], [other]) =>
      Number(HOLE_FIRST.test(one)) - Number(HOLE_FIRST.test(other)) || fixedIn(other) - fixedIn(one),
  )
  .map(([said, zh]) => ({ fixed: said.split(/\{\d\}/), zh }));

function fixedIn(said: string): number {
  return said.replace(/\{\d\}/g, '').length;
}

/** What stands in the holes; undefined: it is another sentence. Without a regular expression: foreign text is in it. */
function holesOf(text: string, fixed: readonly string[]): string[] | undefined {
  const [first = '', ...rest] = fixed;
  if (!text.startsWith(first)) return undefined;
  const holes: string[] = [];
  let at = first.length;
  for (const [i, part] of rest.entries()) {
    const isLast = i === rest.length - 1;
    const next = isLast ? text.length - part.length : text.indexOf(part, at + 1);
    if (next <= at || (isLast && !text.endsWith(part))) return undefined;
    holes.push(text.slice(at, next));
    at = next + part.length;
  }
  return holes;
}

/** A sentence of the gateway's in Chinese; itself where there is none. */
export function sayingInChinese(text: string, depth = 0): string {
  if (Object.hasOwn(all, text)) return all[text] ?? text;
  if (text.length > LENGTH_MAX || depth > DEPTH_MAX) return text;
  for (const { fixed, zh } of patterns) {
    const holes = holesOf(text, fixed);
    if (holes !== undefined)
      return zh.replace(/\{(\d)\}/g, (_hole, i: string) =>
        sayingInChinese(holes[Number(i)] ?? '', depth + 1),
      );
  }
  // Two in one: `it does not answer; another device has its address`.
  const [before = '', ...after] = text.split('; ');
  if (after.length === 0) return text;
  return [before, ...after].map((one) => sayingInChinese(one, depth + 1)).join('；');
}
