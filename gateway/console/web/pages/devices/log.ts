/** How much the gateway's log says of a device, for a while. */
import type { DeviceDetail } from '../../../contract/devices.ts';
import { put } from '../../kit/api.ts';
import { momentOf } from '../../kit/format.ts';
import { html, useSignal } from '../../kit/html.ts';
import { ActionButton, FieldOf } from '../../kit/parts.ts';
import { t } from '../../kit/words.ts';
import { deviceLog as words } from '../../words/devices.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const MINUTES = [10, 60, 480, 1440] as const;

export function LogOf({ of, again }: { readonly of: DeviceDetail; readonly again: () => Promise<void> }) {
  const level = useSignal<(typeof LEVELS)[number]>('debug');
  const minutes = useSignal(10);
  const set = async () => {
    await put(`/api/devices/${encodeURIComponent(of.id)}/log`, {
      level: level.value,
      minutes: minutes.value,
    });
    await again();
  };
  const options = <T extends string | number>(all: readonly T[], chosen: T, word: (one: T) => string) =>
    all.map((one) => html`<option key=${one} value=${one} selected=${one === chosen}>${word(one)}</option>`);
  return html`<section>
    <h2>${t(words.title)}</h2>
    <p role="status">${of.log === null ? t(words.usual) : t(words.is, { level: t(words[of.log.level]), until: momentOf(of.log.until) })}</p>
    <div class="row">
      <${FieldOf} label=${t(words.level)}><select value=${level.value}
        onChange=${(event: Event) => {
          level.value = (event.target as HTMLSelectElement).value as (typeof LEVELS)[number];
        }}>${options(LEVELS, level.value, (one) => t(words[one]))}</select><//>
      <${FieldOf} label=${t(words.for)}><select value=${minutes.value}
        onChange=${(event: Event) => {
          minutes.value = Number((event.target as HTMLSelectElement).value);
        }}>${options(MINUTES, minutes.value as (typeof MINUTES)[number], (one) => (one < 60 ? t(words.minutes, { n: one }) : t(words.hours, { n: one / 60 })))}</select><//>
      <${ActionButton} act=${set}>${t(words.set)}<//>
    </div>
    <p class="quiet">${t(words.hint)}</p>
  </section>`;
}
