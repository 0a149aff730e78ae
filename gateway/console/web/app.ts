/** The pages of the console, and how all is, above them. */
import type { Me } from '../contract/me.ts';
import { html } from './kit/html.ts';
import { heard } from './kit/line.ts';
import { nameOf } from './kit/me.ts';
import { createApp, type Route } from './kit/shell.ts';
import { overview } from './kit/stream.ts';
import { t } from './kit/words.ts';
import { because, navigation, states } from './words/common.ts';

const hasLedger = ({ ledger }: Me) => ledger;

const routes: readonly Route[] = [
  {
    path: '/',
    needs: 'look',
    word: navigation.alarms,
    count: () => overview.value?.alarms ?? 0,
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
    path: '/ledger',
    needs: 'look',
    word: navigation.ledger,
    isThere: hasLedger,
    load: async () => (await import('./pages/ledger.ts')).LedgerPage,
  },
  {
    path: '/ledger/entries/:number',
    needs: 'look',
    isThere: hasLedger,
    load: async () => (await import('./pages/ledger.ts')).LedgerEntryPage,
  },
  {
    path: '/ledger/devices',
    needs: 'look',
    isThere: hasLedger,
    load: async () => (await import('./pages/ledger-devices.ts')).LedgerDevicesPage,
  },
  {
    path: '/ledger/devices/:device',
    needs: 'look',
    isThere: hasLedger,
    load: async () => (await import('./pages/ledger-devices.ts')).LedgerDevicePage,
  },
  {
    path: '/ledger/availability',
    needs: 'look',
    isThere: hasLedger,
    load: async () => (await import('./pages/ledger-links.ts')).LedgerLinksPage,
  },
  {
    path: '/ledger/reports',
    needs: 'look',
    isThere: hasLedger,
    load: async () => (await import('./pages/ledger-days.ts')).LedgerDaysPage,
  },
  {
    path: '/walk-test',
    needs: 'walk',
    word: navigation.walkTest,
    load: async () => (await import('./pages/walk-test.ts')).WalkTestPage,
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
    path: '/system/doctor',
    needs: 'system',
    load: async () => (await import('./pages/doctor.ts')).DoctorPage,
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
    path: '/system/backup',
    needs: 'backup',
    load: async () => (await import('./pages/backup.ts')).BackupPage,
  },
  {
    path: '/system/users',
    needs: 'users',
    load: async () => (await import('./pages/system-users.ts')).SystemUsersPage,
  },
  {
    path: '/account',
    needs: 'look',
    load: async () => (await import('./pages/account.ts')).AccountPage,
  },
];

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

export const App = createApp({ routes, Health });
