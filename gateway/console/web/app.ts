/** The pages, the header above them, and the way between them. */
import type { Me } from '../contract/me.ts';
import { loggedIn, post } from './kit/api.ts';
import { html, useEffect, useSignal } from './kit/html.ts';
import { may, me, nameOf } from './kit/me.ts';
import { address, matchOf, type Page } from './kit/router.ts';
import { heard, overview } from './kit/stream.ts';
import { choose, language, t, type Word } from './kit/words.ts';
import { LoginPage } from './pages/login.ts';
import { SetupPage } from './pages/setup.ts';
import { because, navigation, states } from './words/common.ts';

interface Route {
  readonly path: string;
  readonly needs: Me['rights'][number];
  /** In the navigation; those without are reached from a page. */
  readonly word?: Word;
  readonly load: () => Promise<Page>;
}

/** In the order of the navigation. A page is loaded when it is first shown. */
const routes: readonly Route[] = [
  {
    path: '/',
    needs: 'look',
    word: navigation.alarms,
    load: async () => (await import('./pages/alarms.ts')).AlarmsPage,
  },
  {
    path: '/plan',
    needs: 'look',
    word: navigation.plan,
    load: async () => (await import('./pages/plan.ts')).PlanPage,
  },
  {
    path: '/areas',
    needs: 'look',
    word: navigation.areas,
    load: async () => (await import('./pages/areas.ts')).AreasPage,
  },
  {
    path: '/doors',
    needs: 'look',
    word: navigation.doors,
    load: async () => (await import('./pages/doors.ts')).DoorsPage,
  },
  {
    path: '/cameras',
    needs: 'pictures',
    word: navigation.cameras,
    load: async () => (await import('./pages/cameras.ts')).CamerasPage,
  },
  {
    path: '/cameras/:camera',
    needs: 'pictures',
    load: async () => (await import('./pages/camera.ts')).CameraPage,
  },
  {
    path: '/events',
    needs: 'look',
    word: navigation.events,
    load: async () => (await import('./pages/events.ts')).EventsPage,
  },
  {
    path: '/events/:which',
    needs: 'look',
    load: async () => (await import('./pages/event.ts')).EventPage,
  },
  {
    path: '/devices',
    needs: 'look',
    word: navigation.devices,
    load: async () => (await import('./pages/devices.ts')).DevicesPage,
  },
  {
    path: '/devices/:device',
    needs: 'look',
    load: async () => (await import('./pages/device.ts')).DevicePage,
  },
  {
    path: '/platforms',
    needs: 'look',
    word: navigation.platforms,
    load: async () => (await import('./pages/platforms.ts')).PlatformsPage,
  },
  {
    path: '/simulators',
    needs: 'simulate',
    word: navigation.simulators,
    load: async () => (await import('./pages/simulators.ts')).SimulatorsPage,
  },
  {
    path: '/system',
    needs: 'system',
    word: navigation.system,
    load: async () => (await import('./pages/system.ts')).SystemPage,
  },
  {
    path: '/system/config',
    needs: 'system',
    load: async () => (await import('./pages/config.ts')).ConfigPage,
  },
  {
    path: '/system/audit',
    needs: 'system',
    load: async () => (await import('./pages/audit.ts')).AuditPage,
  },
  {
    path: '/system/users',
    needs: 'users',
    load: async () => (await import('./pages/users.ts')).UsersPage,
  },
  {
    path: '/account',
    needs: 'look',
    load: async () => (await import('./pages/account.ts')).AccountPage,
  },
];

const loaded = new Map<Route, Page>();
/** A page that could not be had is asked for again. */
const AGAIN_MS = 2000;

/** The page of the address, once it is there. */
function Shown() {
  const path = address.value.split('?')[0] ?? '/';
  const [route, names] = routes
    .filter(({ needs }) => may(needs))
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
    // A browser may keep it that a module was not there while the gateway was away. Not yet heard at all is not away.
    let wasAway = false;
    const stop = heard.subscribe((is) => {
      if (is && wasAway && !loaded.has(route)) location.reload();
      wasAway ||= !is && overview.peek() !== undefined;
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

/** One colour and its reasons; grey while the gateway is not heard. */
function Health() {
  const told = overview.value;
  const level = heard.value && told !== undefined ? told.level : 'unheard';
  const reasons = level === 'unheard' ? [] : (told?.because ?? []);
  return html`<details class="health" id="health-box">
    <summary><span id="health" class="dot ${level}" role="status">${t(states[level])}</span></summary>
    ${
      reasons.length > 0 &&
      html`<ul>${reasons.map(
        ({ cause, level: own, count, of }) =>
          html`<li key=${cause}><span class="dot ${own}">${t(because[cause], { n: count, of: of.map(nameOf).join(', ') })}</span></li>`,
      )}</ul>`
    }
  </details>`;
}

const THEME = 'campus-theme';
export function applyTheme(): void {
  const chosen = localStorage.getItem(THEME);
  if (chosen !== null) document.documentElement.dataset['theme'] = chosen;
}
function switchTheme(): void {
  const { dataset } = document.documentElement;
  const isDark =
    dataset['theme'] === 'dark' ||
    (dataset['theme'] === undefined && matchMedia('(prefers-color-scheme: dark)').matches);
  localStorage.setItem(THEME, isDark ? 'light' : 'dark');
  applyTheme();
}

async function logOut() {
  await post('/api/logout').catch(() => {});
  loggedIn.value = false;
}

function Header() {
  const path = address.value.split('?')[0] ?? '/';
  const open = useSignal(false);
  useEffect(() => {
    open.value = false;
  }, [path]);
  const current = (to: string) => (to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`));
  return html`<header class="top">
    <a class="skip" href="#content">${t(navigation.skip)}</a>
    <strong class="campus">${me.value?.campus.name}</strong>
    <${Health} />
    <button type="button" class="menu" aria-expanded=${open.value} aria-controls="pages" onClick=${() => {
      open.value = !open.value;
    }}>${t(navigation.menu)}</button>
    <nav id="pages" class=${open.value ? 'open' : ''} aria-label=${t(navigation.pages)}>
      ${routes.map(
        ({ path: to, word, needs }) =>
          word !== undefined &&
          may(needs) &&
          html`<a key=${to} href=${to} aria-current=${current(to) ? 'page' : undefined}>${t(word)}${
            to === '/' && (overview.value?.alarms ?? 0) > 0
              ? html` <b class="count">${overview.value?.alarms}</b>`
              : ''
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

export function App() {
  if (address.value === '/setup') return html`<${SetupPage} />`;
  if (loggedIn.value === false) return html`<${LoginPage} />`;
  if (me.value === undefined) return html`<main id="content"></main>`;
  return html`<${Header} /><main id="content" class=${heard.value ? '' : 'unheard'}><${Shown} /></main>`;
}
