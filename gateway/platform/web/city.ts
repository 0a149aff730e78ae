/** What the whole page knows of the city, told by the stream as it changes. */
import { computed, signal } from '@preact/signals';
import { get } from '../../console/web/kit/api.ts';
import { happened, heard, onReturn, wasHeard } from '../../console/web/kit/line.ts';
import { me } from '../../console/web/kit/me.ts';
import { notify, standGuard } from '../../console/web/kit/on-guard.ts';
import { label, t } from '../../console/web/kit/words.ts';
import { words } from '../../console/web/words/alarms.ts';
import type { AlarmView, CampusView, OverviewView } from '../views.ts';
import { createKept } from './kept.ts';
import { alarmKey, isStanding, isUntaken } from './order.ts';
import { nameOf, placeOf } from './place.ts';
import { navigation } from './words/city.ts';

/** undefined: nothing was told yet; null: the platform answers, and its database does not. */
export const overview = signal<OverviewView | null | undefined>(undefined);
/** How it was since the page is there, every two seconds, for so long. */
const REMEMBERED = 900;
export const overviews = signal<readonly OverviewView[]>([]);

export const campuses = createKept(
  () => get<readonly CampusView[]>('/api/campuses'),
  ({ id }) => id,
);

/** As many as the API gives at once. */
export const ALARMS_MAX = 500;
/** And so many of each campus: one that tells thousands hides no other. */
const EACH_MAX = 25;
export const alarms = createKept(
  () => get<readonly AlarmView[]>(`/api/alarms?state=standing&each=${EACH_MAX}&limit=${ALARMS_MAX}`),
  alarmKey,
  isStanding,
);

/** Of all that stand, in the order of nothing. */
const standing = computed(() => [...(alarms.data.value?.values() ?? [])]);
/** More may stand than are known here. */
export const isPart = computed(() => {
  const all = standing.value;
  if (all.length >= ALARMS_MAX) return true;
  const counts = new Map<string, number>();
  for (const { campus } of all) counts.set(campus.id, (counts.get(campus.id) ?? 0) + 1);
  return Math.max(0, ...counts.values()) >= EACH_MAX;
});
/** Those that nobody has taken: what the stream told of, where the overview is older. */
export const untaken = computed(() => {
  const known = standing.value.filter(isUntaken).length;
  return isPart.value ? Math.max(known, overview.value?.alarms.untaken ?? 0) : known;
});

/** Nobody is told of what happened while no page was there. */
const NEW_MS = 60_000;
function tellOf(alarm: AlarmView): void {
  if (!isUntaken(alarm) || Date.now() - Date.parse(alarm.receivedAt) > NEW_MS) return;
  const title = t(words.newAlarm, { kind: label('kind', alarm.kind) });
  notify(alarmKey(alarm), title, `${nameOf(alarm.campus)} · ${placeOf(alarm)}`);
}

/** What the line brings. */
export const taken = {
  overview(data: unknown) {
    const now = data as OverviewView | null;
    overview.value = now;
    if (now !== null && now.at !== overviews.value.at(-1)?.at)
      overviews.value = [...overviews.value, now].slice(-REMEMBERED);
  },
  alarm(data: unknown) {
    const alarm = data as AlarmView;
    alarms.tell(alarm);
    tellOf(alarm);
    happened(`alarm ${alarm.campus.id}`);
  },
  campus(data: unknown) {
    const campus = data as CampusView;
    campuses.tell(campus);
    happened(`campus ${campus.id}`);
  },
} as const;

export const cityName = (): string => me.value?.campus.name || t(navigation.city);

/** What no frame told of, though it should have. */
const EACH_MS = 120_000;

/** Once, for as long as the page is there. */
export function followCity(): void {
  const readAll = () => {
    void alarms.again();
    void campuses.again();
  };
  onReturn(readAll);
  let wasLost = false;
  heard.subscribe((is) => {
    if (is && wasLost) readAll();
    wasLost = !is && wasHeard();
  });
  setInterval(() => {
    if (heard.value) readAll();
  }, EACH_MS);
  readAll();
  standGuard(untaken, cityName);
}
