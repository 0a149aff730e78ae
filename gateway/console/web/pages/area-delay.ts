/** The delay of an area that runs, on the page of areas and, where it ends in an alarm, on that of alarms. */
import type { Area, Areas } from '../../contract/areas.ts';
import { command } from '../kit/api.ts';
import { useSecondsLeft } from '../kit/countdown.ts';
import { html } from '../kit/html.ts';
import { may, nameOf } from '../kit/me.ts';
import { ActionButton, Badge } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { areas as words } from '../words/areas.ts';
import { navigation } from '../words/common.ts';
import { stillOpenIn, zoneName } from './area-zones.ts';

export interface Shown {
  readonly area: Area;
  /** Asks anew how areas are. */
  readonly again: () => Promise<void>;
}

/** How much is left of the delay that runs, and which zone is why, or must be shut before. */
export function Countdown({ area }: { readonly area: Area }) {
  const left = useSecondsLeft(area.leftMs, area);
  if (left === undefined) return null;
  const isEntry = area.state === 'entry-delay';
  const whole = (isEntry ? area.entryDelayMs : area.exitDelayMs) / 1000;
  const { entry } = area;
  const open = stillOpenIn(area);
  return html`<div class="countdown ${isEntry ? 'bad' : 'warn'}">
    ${
      isEntry &&
      entry !== undefined &&
      // A door that was left open when the exit delay ended begins it too.
      html`<p role="alert">${t(words.entryBy, { zone: entry.zoneName ?? `${nameOf(entry.device)} ${entry.zone}` })}</p>`
    }
    <p role="timer">${t(isEntry ? words.entryLeft : words.exitLeft, { n: left })}</p>
    <progress max=${Math.max(whole, left)} value=${left} aria-hidden="true"></progress>
    ${open.length > 0 && html`<p role="status">${t(words.stillOpen, { zones: open.map(zoneName).join(', ') })}</p>`}
  </div>`;
}

export function Disarm({ area, again }: Shown) {
  const disarm = async () => {
    await command(area.id, 'disarm');
    await again();
  };
  return html`<p class="buttons"><${ActionButton} tone="main" act=${disarm}>
    ${t(area.state === 'exit-delay' ? words.stopArming : words.disarm)}<span class="hidden"> ${area.name ?? area.id}</span>
  <//></p>`;
}

/** What becomes an alarm unless somebody disarms: above the alarms that stand. */
export function EntryDelays() {
  const resource = useResource<Areas>('/api/areas', { on: ['arming.'], every: 30_000 });
  const running = (resource.data.value?.areas ?? []).filter(({ state }) => state === 'entry-delay');
  return running.map((area) => {
    const { id, name = id, state } = area;
    return html`<section key=${id} class="card alarm" aria-label=${name}>
      <p class="line"><strong>${name}</strong> <${Badge} tone="alarm">${label('state', state)}<//> <a href="/areas">${t(navigation.areas)}</a></p>
      <${Countdown} area=${area} />
      ${may('arm') && html`<${Disarm} area=${area} again=${resource.again} />`}
    </section>`;
  });
}
