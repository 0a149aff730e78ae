/** The short words of the pages for others who tell people what happened. */
import { labels } from './labels.ts';
import type { Word } from './word.ts';

/** In both languages; a name that no list has is its own word. */
export function wordsFor(list: 'type' | 'kind' | 'cause', name: string): Word {
  const words: Readonly<Record<string, Word>> = labels[list];
  return words[name] ?? [name, name];
}
