/** How a page begins: a session, or a login; then what happens, for as long as it is open. */
import { type ComponentType, render } from 'preact';
import type { Me } from '../../contract/me.ts';
import { enter } from '../pages/login.ts';
import { ApiError, get, loggedIn } from './api.ts';
import { effect, html } from './html.ts';
import { beginLine, type LineOptions } from './line.ts';
import { me } from './me.ts';
import { address, followLinks, go, query } from './router.ts';
import { applyTheme } from './theme.ts';

const AGAIN_MS = 2000;

/** Asks until the server answers, with or without a session. */
async function findMe(): Promise<void> {
  for (;;)
    try {
      me.value = await get<Me>('/api/me');
      loggedIn.value = true;
      return;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
      if (error instanceof ApiError && error.status === 403) {
        // A screen has no other page than its own.
        loggedIn.value = false;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
}

/** Where somebody was before the login; to a place of this server, whatever the address says. */
function leadTo(to: string): void {
  const wanted = URL.canParse(to, location.origin) ? new URL(to, location.origin) : undefined;
  const isOwn = wanted?.origin === location.origin;
  if (isOwn && wanted.pathname.startsWith('/gate/')) location.replace(wanted.pathname);
  else go(isOwn ? wanted.pathname + wanted.search : '/', { replace: true });
}

export interface Beginning extends Omit<LineOptions, 'isSession'> {
  readonly App: ComponentType;
  /** Begins with the first session. */
  readonly follow: () => void;
}

export async function begin({ App, follow, ...line }: Beginning): Promise<void> {
  applyTheme();
  followLinks();
  // A token that came in the address is taken out of it at once: it is in no history.
  const token = location.pathname === '/setup' ? '' : location.hash.slice(1);
  if (token !== '') {
    history.replaceState(null, '', location.pathname + location.search);
    await enter(token).catch(() => {});
  }
  await findMe();

  const isSession = async () => {
    await get('/api/me').catch(() => {});
    return loggedIn.peek() === true;
  };
  let following = false;
  effect(() => {
    if (loggedIn.value === true && !following) {
      following = true;
      // After a login this was not known yet.
      void (me.peek() === undefined ? findMe() : Promise.resolve()).then(() => {
        const to = query('to');
        if (to !== undefined) leadTo(to);
        follow();
        beginLine({ ...line, isSession });
      });
    }
    // Nothing of what was shown stays in the page.
    if (loggedIn.value === false && following) location.replace(`/?to=${encodeURIComponent(address.peek())}`);
  });

  const root = document.getElementById('app');
  if (root !== null) render(html`<${App} />`, root);
}
