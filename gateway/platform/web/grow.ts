/** A long list, of which more is shown as somebody comes to its end. */
import { html, useEffect, useRef, useSignal } from '../../console/web/kit/html.ts';
import { t } from '../../console/web/kit/words.ts';
import { common } from '../../console/web/words/common.ts';

/**
 * How many of `all` to show, and what stands below them: a button, which presses itself when it is seen.
 * @param key begins anew where it changes.
 */
export function useGrowing(all: number, step: number, key: string) {
  const shown = useSignal(step);
  useEffect(() => {
    shown.value = step;
  }, [key]);
  const end = useRef<HTMLButtonElement>(null);
  const left = all > shown.value;
  const more = () => {
    shown.value += step;
  };
  useEffect(() => {
    if (end.current === null) return undefined;
    const seen = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) more();
      },
      { rootMargin: '600px' },
    );
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [left, shown.value]);
  return {
    count: Math.min(all, shown.value),
    End: left && html`<p><button type="button" ref=${end} onClick=${more}>${t(common.more)}</button></p>`,
  };
}
