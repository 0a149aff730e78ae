/** The devices: how each is and why, the worst first. */
import type { DeviceLine, Devices } from '../../contract/devices.ts';
import { shortOf, spanOf } from '../kit/format.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { nameOf } from '../kit/me.ts';
import { Badge, Empty, FieldOf, Table, type Tone, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { devices as words } from '../words/devices.ts';

/** When it was last heard is no event. */
const ASK_MS = 5000;
/** What changes how a device is. */
export const CHANGES = ['device.', 'alarm.', 'video.tampered', 'video.signal-lost'];

const order: readonly DeviceLine['level'][] = ['alarm', 'bad', 'warn', 'unknown', 'good'];
/** Green is only what is well: of what answers and has a fault, the fault has the colour. */
const toneOf = ({ level, online }: DeviceLine): Tone =>
  level === 'bad' || online === false ? 'bad' : level === 'good' ? 'good' : 'quiet';

function stateWord({ level, online }: DeviceLine): string {
  if (online === false) return label('state', 'offline');
  if (level === 'bad') return online === null ? label('state', 'offline') : t(words.blind);
  return online === null ? label('state', 'unknown') : label('state', 'online');
}

type Stands = DeviceLine['standing'][number];
/** `Fault East fence: loop open` */
export function standingWords({ kind, cause, at, name = at, reason }: Stands): string {
  const what = [label('kind', kind), name].filter(Boolean).join(' ');
  const why = [cause && label('cause', cause), reason && label('reason', reason)].filter(Boolean);
  return why.length === 0 ? what : `${what}: ${why.join(', ')}`;
}

/** How a device is, in words with their colours. */
export const StateOf = ({ of }: { readonly of: DeviceLine }) => html`<span class="line">
  <${Badge} tone=${toneOf(of)}>${stateWord(of)}<//>
  ${of.alarms > 0 && html`<${Badge} tone="alarm">${t(words.alarms, { n: of.alarms })}<//>`}
  ${of.faults > 0 && html`<${Badge} tone="warn">${t(words.faultCount, { n: of.faults })}<//>`}
</span>`;

export const PowerOf = ({ of: { mains, battery } }: { readonly of: DeviceLine }) =>
  mains === 'good' && battery === 'good'
    ? html`<span class="quiet">${t(words.noTrouble)}</span>`
    : html`<span class="line">
        ${mains === 'lost' && html`<${Badge} tone="warn">${t(words.mainsLost)}<//>`}
        ${battery === 'low' && html`<${Badge} tone="warn">${t(words.batteryLow)}<//>`}
      </span>`;

export const heardWords = (heardAt: string | null): string =>
  heardAt === null ? t(words.never) : t(words.ago, { span: spanOf(Date.now() - Date.parse(heardAt)) });

/** Where no alarm could come from. */
const FAULTS: readonly string[] = ['fault', 'battery', 'power', 'video'];
const SHOWN_MAX = 3;

/** Why it is no better: of what stands the first, alarms before faults. */
function Why({ of }: { readonly of: DeviceLine }) {
  const isFault = ({ kind }: Stands) => FAULTS.includes(kind);
  const first = [...of.standing]
    .sort((one, other) => Number(isFault(one)) - Number(isFault(other)))
    .slice(0, SHOWN_MAX);
  return html`${of.reason !== undefined && html`<small class="block">${label('reason', of.reason)}</small>`}
    ${first.map(
      (one) =>
        html`<small key=${standingWords(one)} class="block">${standingWords(one)} · ${shortOf(one.since)}</small>`,
    )}`;
}

const matches = (one: DeviceLine, text: string) =>
  [
    one.id,
    one.name,
    one.driver,
    label('driver', one.driver),
    label('reason', one.reason),
    ...one.standing.map(standingWords),
  ]
    .join('\n')
    .toLowerCase()
    .includes(text.trim().toLowerCase());

export function DevicesPage() {
  const found = useResource<Devices>('/api/devices', { on: CHANGES, every: ASK_MS });
  const text = useField();
  const onlyTroubled = useSignal(false);
  const all = found.data.value?.devices;
  const shown = (all ?? [])
    .filter((one) => matches(one, text.value) && !(onlyTroubled.value && one.level === 'good'))
    .sort((one, other) => order.indexOf(one.level) - order.indexOf(other.level));
  const rows = shown.map((one) => ({
    key: one.id,
    cells: [
      html`<a href="/devices/${encodeURIComponent(one.id)}">${nameOf(one.id)}</a>
        <small class="block">${label('driver', one.driver)}</small>`,
      html`<div><${StateOf} of=${one} /><${Why} of=${one} /></div>`,
      heardWords(one.heardAt),
      html`<${PowerOf} of=${one} />`,
      one.discarded === 0 ? html`<span class="quiet">0</span>` : String(one.discarded),
    ],
  }));
  return html`<h1>${t(words.title)}</h1>
    ${waitingFor(found)}
    ${all?.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    ${
      all !== undefined &&
      all.length > 0 &&
      html`<div class="line">
        <${FieldOf} label=${t(words.search)}><input type="search" value=${text.value} onInput=${typed(text)} /><//>
        <label><input type="checkbox" checked=${onlyTroubled.value} onChange=${() => {
          onlyTroubled.value = !onlyTroubled.value;
        }} /> ${t(words.onlyTroubled)}</label>
      </div>
      ${
        rows.length === 0
          ? html`<${Empty}>${t(words.noneFits)}<//>`
          : html`<${Table} caption=${t(words.title)} rows=${rows}
              heads=${[t(words.device), t(words.state), t(words.heard), t(words.power), t(words.discarded)]} />`
      }`
    }`;
}
