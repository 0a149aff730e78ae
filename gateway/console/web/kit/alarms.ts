/**
 * The alarms that stand, up to date on every page; where somebody chose so they are heard, and told by the browser, in a
 * tab that nobody looks at too.
 */
import { computed, signal } from '@preact/signals';
import type { Alarms } from '../../contract/alarms.ts';
import { words } from '../words/alarms.ts';
import { ApiError, get } from './api.ts';
import { heard, onReturn } from './line.ts';
import { me, nameOf } from './me.ts';
import { notify, standGuard } from './on-guard.ts';
import { onEvent, type Told } from './stream.ts';
import { label, t } from './words.ts';

export const alarms = signal<Alarms | undefined>(undefined);
export const alarmsError = signal<ApiError | undefined>(undefined);

/** Many events in a row are one reason to ask. */
const TOGETHER_MS = 150;
/** What the disk has not taken comes in no stream, and a siren's time runs out without a word. */
const EACH_MS = 5000;

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

const CONCERNS = ['alarm.', 'access.forced', 'access.restored', 'media.kept', 'command.done'];
const isNew = (type: string, { data }: Told) =>
  (type === 'alarm.raised' || type === 'access.forced') && data['test'] === undefined;

function show({ id, data, subject }: Told): void {
  const { kind, device, zone } = data as {
    kind: string;
    device: { id: string; name?: string };
    zone?: { name?: string };
  };
  const place = [device.name ?? nameOf(device.id), zone?.name ?? subject].filter(Boolean).join(' · ');
  notify(id, t(words.newAlarm, { kind: label('kind', kind) }), place);
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

  const waiting = computed(() => alarms.value?.unacknowledged ?? 0);
  standGuard(waiting, () => me.value?.campus.name ?? '');
}
