/** What is around each page: the header, the way between the pages, the login. */
import type { Me } from '../../contract/me.ts';
import { LoginPage } from '../pages/login.ts';
import { SetupPage } from '../pages/setup.ts';
import { navigation } from '../words/common.ts';
import { loggedIn, post } from './api.ts';
import { html, useEffect, useSignal, type VNode } from './html.ts';
import { heard, wasHeard } from './line.ts';
import { may, me } from './me.ts';
import { address, matchOf, type Page } from './router.ts';
import { switchTheme } from './theme.ts';
import { choose, language, t, type Word } from './words.ts';

export interface Route {
  readonly path: string;
  readonly needs: Me['rights'][number];
  /** In the navigation; those without are reached from a page. */
  readonly word?: Word;
  /** false: there is none here. */
  readonly isThere?: (here: Me) => boolean;
  /** What waits there, beside its name. */
  readonly count?: () => number;
  readonly load: () => Promise<Page>;
}

export interface Shell {
  /** In the order of the navigation. A page is loaded when it is first shown. */
  readonly routes: readonly Route[];
  /** How all is; in the header. */
  readonly Health: () => VNode;
  /** What is looked at; the campus. */
  readonly name?: () => string;
  /** How one gets in here, where it is not as at a console. */
  readonly Login?: () => VNode;
}

const isShown = ({ needs, isThere = () => true }: Pick<Route, 'needs' | 'isThere'>) =>
  may(needs) && me.value !== undefined && isThere(me.value);

const loaded = new Map<Route, Page>();
/** A page that could not be had is asked for again. */
const AGAIN_MS = 2000;

/** The page of the address, once it is there. */
function Shown({ routes }: Pick<Shell, 'routes'>) {
  const path = address.value.split('?')[0] ?? '/';
  const [route, names] = routes
    .filter(isShown)
    .map((one) => [one, matchOf(one.path, path)] as const)
    .find(([, found]) => found !== undefined) ?? [undefined, undefined];
  const there = useSignal(0);
  useEffect(() => {
    if (route === undefined || loaded.has(route)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = () =>
      void route.load().then(
        (page) => {
          loaded.set(route, page);
          there.value++;
        },
        () => {
          timer = setTimeout(load, AGAIN_MS);
        },
      );
    load();
    // A browser may keep it that a module was not there while the server was away. Not yet heard at all is not away.
    let wasAway = false;
    const stop = heard.subscribe((is) => {
      if (is && wasAway && !loaded.has(route)) location.reload();
      wasAway ||= !is && wasHeard();
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [route]);
  void there.value;
  const Found = route && loaded.get(route);
  if (route === undefined) return html`<p>${t(navigation.notFound)}</p>`;
  return Found && html`<${Found} key=${path} ...${names} />`;
}

async function logOut() {
  await post('/api/logout').catch(() => {});
  loggedIn.value = false;
}

function Header({ routes, Health, name = () => me.value?.campus.name ?? '' }: Shell) {
  const path = address.value.split('?')[0] ?? '/';
  const open = useSignal(false);
  useEffect(() => {
    open.value = false;
  }, [path]);
  const current = (to: string) => (to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`));
  return html`<header class="top">
    <a class="skip" href="#content">${t(navigation.skip)}</a>
    <strong class="campus">${name()}</strong>
    <${Health} />
    <button type="button" class="menu" aria-expanded=${open.value} aria-controls="pages" onClick=${() => {
      open.value = !open.value;
    }}>${t(navigation.menu)}</button>
    <nav id="pages" class=${open.value ? 'open' : ''} aria-label=${t(navigation.pages)}>
      ${routes.map(
        ({ path: to, word, count = () => 0, ...route }) =>
          word !== undefined &&
          isShown(route) &&
          html`<a key=${to} href=${to} aria-current=${current(to) ? 'page' : undefined}>${t(word)}${
            count() > 0 ? html` <b class="count">${count()}</b>` : ''
          }</a>`,
      )}
      <span class="own">
        <a class="who" href="/account" aria-current=${current('/account') ? 'page' : undefined}>${me.value?.name}</a>
        <button type="button" class="plain" onClick=${() => choose(language.value === 'zh' ? 'en' : 'zh')}>${t(navigation.language)}</button>
        <button type="button" class="plain" onClick=${switchTheme} aria-label="${t(navigation.light)} / ${t(navigation.dark)}">◐</button>
        <button type="button" class="plain" id="logout" onClick=${logOut}>${t(navigation.logout)}</button>
      </span>
    </nav>
  </header>`;
}

/** The whole page. */
export const createApp = (shell: Shell) => () => {
  if (address.value === '/setup') return html`<${SetupPage} />`;
  if (loggedIn.value === false) return html`<${shell.Login ?? LoginPage} />`;
  if (me.value === undefined) return html`<main id="content"></main>`;
  return html`<${Header} ...${shell} />
    <main id="content" class=${heard.value ? '' : 'unheard'}><${Shown} routes=${shell.routes} /></main>`;
};
