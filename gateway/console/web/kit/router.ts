/** Which page, by the address; links lead there without loading anew. */
import { signal } from '@preact/signals';
import { html, type VNode } from './html.ts';

const now = () => location.pathname + location.search;
/** Path and search. */
export const address = signal(now());
addEventListener('popstate', () => {
  address.value = now();
});
/** A link to the same place is of no history. */
export function go(to: string, { replace = false } = {}): void {
  if (to === now()) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  address.value = now();
}
/** A click on a link of this console, in this tab. */
export function followLinks(): void {
  addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const elsewhere =
      event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0 || event.defaultPrevented;
    if (
      link === null ||
      elsewhere ||
      link.target !== '' ||
      link.origin !== location.origin ||
      link.hasAttribute('download')
    )
      return;
    if (/^\/(api|web|gate)\//.test(link.pathname) || link.hash !== '') return;
    event.preventDefault();
    go(link.pathname + link.search);
    scrollTo(0, 0);
  });
}
export const query = (name: string): string | undefined =>
  new URL(address.value, location.origin).searchParams.get(name) ?? undefined;

/** `/devices/:device` and the path of now: what stands for `:device`; undefined: it is another page. */
export function matchOf(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const names: Record<string, string> = {};
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  for (const [i, part] of wanted.entries())
    if (part.startsWith(':')) names[part.slice(1)] = decodeURIComponent(given[i] ?? '');
    else if (part !== given[i]) return undefined;
  return names;
}
export type Page = (names: Readonly<Record<string, string>>) => VNode;
export const Link = ({
  to,
  class: own = '',
  children,
}: {
  readonly to: string;
  readonly class?: string;
  readonly children?: unknown;
}) => html`<a href=${to} class=${own}>${children}</a>`;
