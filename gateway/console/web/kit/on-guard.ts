/** Whether this browser rings and notifies of alarms: a choice of who sits before it. */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { ring, touch } from './sound.ts';

const RING_MS = 2500;

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

/** Those that the browser was asked to show; an alarm that comes from memory comes again from the disk. */
const shown = new Set<string>();
/** Once for each `id`. */
export function notify(id: string, title: string, body: string): void {
  if (!notifying.value.value || shown.has(id) || !('Notification' in window)) return;
  shown.add(id);
  const one = new Notification(title, { body, tag: id });
  one.onclick = () => {
    window.focus();
    one.close();
  };
}

/** Rings while `waiting` alarms wait, where it was chosen, and says in the title how many. Once. */
export function standGuard(waiting: ReadonlySignal<number>, name: () => string): void {
  const waits = computed(() => waiting.value > 0);
  let ringing: ReturnType<typeof setInterval> | undefined;
  effect(() => {
    clearInterval(ringing);
    if (!sound.value.value || !waits.value) return;
    ring();
    ringing = setInterval(ring, RING_MS);
  });
  effect(() => {
    document.title = waiting.value > 0 ? `(${waiting.value}) ${name()}` : name();
  });
  for (const kind of ['pointerdown', 'keydown'])
    addEventListener(kind, () => {
      if (sound.value.peek()) touch();
    });
}
