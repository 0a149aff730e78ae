/**
 * A config that is changed in a browser, which never sees its secrets: the lines that have one are shown with it hidden, and
 * get it back from the file when they come back as they were.
 */
import { HIDDEN, hideSecrets } from './hidden.ts';

const linesOf = (text: string) => text.split('\n');

/**
 * `written`: the file, of which `edited` was shown with its secrets hidden. A line with a hidden secret may be moved and
 * indented otherwise; one that was changed in any other way is told, by its number from 1.
 */
export function revealSecrets(
  written: string,
  edited: string,
): { readonly text: string } | { readonly line: number } {
  if (!edited.includes(HIDDEN)) return { text: edited };
  const own = linesOf(written);
  const known = Map.groupBy(
    linesOf(hideSecrets(written).text).flatMap((line, i) =>
      line.includes(HIDDEN) ? [{ line, written: own[i] ?? '' }] : [],
    ),
    ({ line }) => line.trim(),
  );
  const asked = Map.groupBy(
    linesOf(edited).filter((line) => line.includes(HIDDEN)),
    (line) => line.trim(),
  );
  const used = new Map<string, number>();
  const lines: string[] = [];
  for (const [i, line] of linesOf(edited).entries()) {
    if (!line.includes(HIDDEN)) {
      lines.push(line);
      continue;
    }
    const name = line.trim();
    const found = known.get(name) ?? [];
    const n = used.get(name) ?? 0;
    used.set(name, n + 1);
    // Two lines that look alike with different secrets are told apart by their order, while both are there.
    const isPlain = new Set(found.map((one) => one.written.trim())).size === 1;
    const one = isPlain ? found[0] : found.length === asked.get(name)?.length ? found[n] : undefined;
    if (one === undefined) return { line: i + 1 };
    const indentation = /^\s*/.exec(line)?.[0] ?? '';
    lines.push(line === one.line ? one.written : `${indentation}${one.written.trim()}`);
  }
  return { text: lines.join('\n') };
}
