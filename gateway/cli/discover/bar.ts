/** One bar on a terminal for all ways together, below what was found. */
import { say } from '../../../config/language.ts';
import { printable } from '../../printable.ts';
import type { Terminal } from '../command.ts';
import type { Progress, Way } from './found.ts';

const WIDTH = 24;
const WORDS_MAX = 60;
const SHOWN_EVERY_MS = 100;

export function progressBar({ stderr, clock }: Terminal) {
  const ways = new Map<Way, Progress>();
  let shownAt = Number.NEGATIVE_INFINITY;
  let isShown = false;
  const draw = (words: Progress['words']) => {
    const shares = [...ways.values()].map(({ done, total }) => (total === 0 ? 1 : Math.min(1, done / total)));
    const share = shares.reduce((sum, one) => sum + one, 0) / shares.length;
    const filled = Math.round(share * WIDTH);
    const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
    const text = printable(say(words.en, words.zh)).slice(0, WORDS_MAX).padEnd(WORDS_MAX);
    stderr.write(`\r[${bar}] ${String(Math.floor(share * 100)).padStart(3)} % ${text}`);
    isShown = true;
  };
  return {
    progress(now: Progress) {
      ways.set(now.way, now);
      if (!stderr.isTTY || clock.elapsed() - shownAt < SHOWN_EVERY_MS) return;
      shownAt = clock.elapsed();
      draw(now.words);
    },
    /** Makes room for a line of its own. */
    clear() {
      if (isShown) stderr.write(`\r${' '.repeat(WIDTH + WORDS_MAX + 10)}\r`);
      isShown = false;
    },
  };
}
