/**
 * The alarms that stand, up to date on every page; where somebody chose so they are heard, and told by the browser, in a
 * tab that nobody looks at too.
 */
import { computed, effect, signal } from '@preact/signals';
import type { Alarms } from '../../contract/alarms.ts';
import { words } from '../words/alarms.ts';
import { ApiError, get } from './api.ts';
import { me, nameOf } from './me.ts';
import { ring, touch } from './sound.ts';
import { heard, onEvent, onReturn, type Told } from './stream.ts';
import { label, t } from './words.ts';

export const alarms = signal<Alarms | undefined>(undefined);
export const alarmsError = signal<ApiError | undefined>(undefined);

/** Many events in a row are one reason to ask. */
const TOGETHER_MS = 150;
/** What the disk has not taken comes in no stream, and a siren's time runs out without a word. */
const EACH_MS = 5000;
const RING_MS = 2500;

let asked = 0;
export async function readAlarms(): Promise<void> {
  const own = ++asked;
  try {
    const found = await get<Alarms>('/api/alarms');
    if (own !== asked) return;
    alarms.value = found;
    alarmsError.value = undefined;
  } catch (error) {
    if (own === asked) alarmsError.value = error instanceof ApiError ? error : new ApiError(0, 'failed');
  }
}

/** A choice of this browser. */
function choice(key: string) {
  const own = signal(localStorage.getItem(key) === 'on');
  return {
    value: computed(() => own.value),
    set(is: boolean) {
      localStorage.setItem(key, is ? 'on' : 'off');
      own.value = is;
    },
  };
}
export const sound = choice('campus-alarm-sound');
export const notifying = choice('campus-alarm-notify');
/** Whether this page must hear of alarms though nobody looks at it. */
export const isOnGuard = () => sound.value.peek() || notifying.value.peek();

/** False: the browser shows none here. */
export async function chooseNotifications(is: boolean): Promise<boolean> {
  const may = !is || ('Notification' in window && (await Notification.requestPermission()) === 'granted');
  notifying.set(is && may);
  return may;
}

const CONCERNS = ['alarm.', 'access.forced', 'access.restored', 'media.kept', 'command.done'];
const isNew = (type: string, { data }: Told) =>
  (type === 'alarm.raised' || type === 'access.forced') && data['test'] === undefined;

/** Those that the browser was asked to show; an alarm that comes from memory comes again from the disk. */
const shown = new Set<string>();
function show({ id, data, subject }: Told): void {
  if (!notifying.value.value || shown.has(id) || !('Notification' in window)) return;
  shown.add(id);
  const { kind, device, zone } = data as {
    kind: string;
    device: { id: string; name?: string };
    zone?: { name?: string };
  };
  const place = [device.name ?? nameOf(device.id), zone?.name ?? subject].filter(Boolean).join(' · ');
  const one = new Notification(t(words.newAlarm, { kind: label('kind', kind) }), { body: place, tag: id });
  one.onclick = () => {
    window.focus();
    one.close();
  };
}

/** Once, for as long as the page is there. */
export function followAlarms(): void {
  let isDue = false;
  const soon = () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      void readAlarms();
    }, TOGETHER_MS);
  };
  onEvent((event, type) => {
    if (!CONCERNS.some((one) => type.startsWith(one))) return;
    soon();
    if (isNew(type, event)) show(event);
  });
  onReturn(soon);
  heard.subscribe((is) => {
    if (is) soon();
  });
  setInterval(() => {
    if (heard.value) void readAlarms();
  }, EACH_MS);
  void readAlarms();

  const waits = computed(() => (alarms.value?.unacknowledged ?? 0) > 0);
  let ringing: ReturnType<typeof setInterval> | undefined;
  effect(() => {
    clearInterval(ringing);
    if (!sound.value.value || !waits.value) return;
    ring();
    ringing = setInterval(ring, RING_MS);
  });
  effect(() => {
    const standing = alarms.value?.unacknowledged ?? 0;
    const name = me.value?.campus.name ?? '';
    document.title = standing > 0 ? `(${standing}) ${name}` : name;
  });
  for (const kind of ['pointerdown', 'keydown'])
    addEventListener(kind, () => {
      if (sound.value.peek()) touch();
    });
}
