/** It begins: a session, or a login; then what happens, for as long as the page is open. */
import { render } from 'preact';
import type { Me } from '../contract/me.ts';
import { App, applyTheme } from './app.ts';
import { followAlarms, isOnGuard } from './kit/alarms.ts';
import { ApiError, get, loggedIn } from './kit/api.ts';
import { effect, html } from './kit/html.ts';
import { me } from './kit/me.ts';
import { address, followLinks, go, query } from './kit/router.ts';
import { beginStream } from './kit/stream.ts';
import { enter } from './pages/login.ts';

const AGAIN_MS = 2000;

/** Asks until the gateway answers, with or without a session. */
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

/** Where somebody was before the login; to a place of this console, whatever the address says. */
function leadTo(to: string): void {
  const wanted = URL.canParse(to, location.origin) ? new URL(to, location.origin) : undefined;
  const isOwn = wanted?.origin === location.origin;
  if (isOwn && wanted.pathname.startsWith('/gate/')) location.replace(wanted.pathname);
  else go(isOwn ? wanted.pathname + wanted.search : '/', { replace: true });
}

applyTheme();
followLinks();
// A token that came in the address is taken out of it at once: it is in no history.
const token = location.pathname === '/setup' ? '' : location.hash.slice(1);
if (token !== '') {
  history.replaceState(null, '', location.pathname + location.search);
  await enter(token).catch(() => {});
}
await findMe();

let streaming = false;
effect(() => {
  if (loggedIn.value === true && !streaming) {
    streaming = true;
    // After a login this was not known yet.
    void (me.peek() === undefined ? findMe() : Promise.resolve()).then(() => {
      const to = query('to');
      if (to !== undefined) leadTo(to);
      followAlarms();
      beginStream(
        async () => {
          await get('/api/me').catch(() => {});
          return loggedIn.peek() === true;
        },
        () => !isOnGuard() && !address.peek().startsWith('/?') && address.peek() !== '/',
      );
    });
  }
  // Nothing of what was shown stays in the page.
  if (loggedIn.value === false && streaming) location.replace(`/?to=${encodeURIComponent(address.peek())}`);
});

const root = document.getElementById('app');
if (root !== null) render(html`<${App} />`, root);
