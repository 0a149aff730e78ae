/** The pages of the city, and how all is, above them. */
import { spanOf } from '../../console/web/kit/format.ts';
import { html } from '../../console/web/kit/html.ts';
import { heard } from '../../console/web/kit/line.ts';
import { createApp, type Route } from '../../console/web/kit/shell.ts';
import { t } from '../../console/web/kit/words.ts';
import { LoginPage } from '../../console/web/pages/login.ts';
import { cityName, overview, untaken } from './city.ts';
import type { Level } from './order.ts';
import { because, login, navigation, states } from './words/city.ts';

const routes: readonly Route[] = [
  {
    path: '/',
    needs: 'look',
    word: navigation.duty,
    count: () => untaken.value,
    load: async () => (await import('./pages/duty.ts')).DutyPage,
  },
  {
    path: '/campuses',
    needs: 'look',
    word: navigation.campuses,
    load: async () => (await import('./pages/campuses.ts')).CampusesPage,
  },
  {
    path: '/campuses/:campus',
    needs: 'look',
    load: async () => (await import('./pages/campus.ts')).CampusPage,
  },
  {
    path: '/condition',
    needs: 'look',
    word: navigation.condition,
    load: async () => (await import('./pages/condition.ts')).ConditionPage,
  },
  {
    path: '/system/users',
    needs: 'users',
    word: navigation.users,
    load: async () => (await import('./pages/users.ts')).CityUsersPage,
  },
  {
    path: '/account',
    needs: 'look',
    load: async () => (await import('../../console/web/pages/account.ts')).AccountPage,
  },
];

/** As the header of a console: later, an alarm is late. */
const LATE_MS = 60_000;

type Reason = readonly [cause: keyof typeof because, level: Level, n: number];
/** What is not well, the worst first. */
function reasons(): readonly Reason[] {
  const told = overview.value;
  const { silent = 0, degraded = 0 } = told?.campuses ?? {};
  const { open = 0, lost = 0 } = told?.gaps ?? {};
  const { p99 = 0 } = told?.latency ?? {};
  const all: readonly Reason[] = [
    ['untaken', 'alarm', untaken.value],
    ['late', 'bad', p99 > LATE_MS ? 1 : 0],
    ['lost', 'warn', lost],
    ['silent', 'warn', silent],
    ['degraded', 'warn', degraded],
    ['gaps', 'warn', open],
  ];
  return all.filter(([, , n]) => n > 0);
}

/** One colour and its reasons; grey while the platform is not heard. */
function Health() {
  const told = overview.value;
  const isHeard = heard.value && told !== undefined;
  const why = isHeard && told !== null ? reasons() : [];
  const [word, level] = !isHeard
    ? ([states.unheard, 'unheard'] as const)
    : told === null
      ? ([states.blind, 'bad'] as const)
      : told.broker === false
        ? ([states.deaf, 'bad'] as const)
        : ([states[(why[0]?.[1] ?? 'good') as keyof typeof states], why[0]?.[1] ?? 'good'] as const);
  return html`<details class="health" id="health-box">
    <summary><span id="health" class="dot ${level}" role="status">${t(word)}</span></summary>
    ${
      why.length > 0 &&
      html`<ul>${why.map(
        ([cause, own, n]) =>
          html`<li key=${cause}><span class="dot ${own}">${t(because[cause], { n, span: spanOf(overview.value?.latency.p99 ?? 0) })}</span></li>`,
      )}</ul>`
    }
  </details>`;
}

const Login = () => html`<${LoginPage} where=${login.where} forgotten=${login.forgotten} />`;

export const App = createApp({ routes, Health, name: cityName, Login });
