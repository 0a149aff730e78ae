/** The last 30 days of a device: a bar a day, and when it did not answer. */
import type { Availability } from '../../../contract/devices.ts';
import { momentOf, spanOf } from '../../kit/format.ts';
import { html } from '../../kit/html.ts';
import { Empty, Table, type Tone, waitingFor } from '../../kit/parts.ts';
import { useResource } from '../../kit/resource.ts';
import { label, t } from '../../kit/words.ts';
import { availability as words } from '../../words/devices.ts';

/** What happened is told by events; today grows. */
const ASK_MS = 60_000;
/** Of a day: less is a short outage, as of a restart. */
const SHORT = 0.02;

type Day = Availability['days'][number];

function toneOf({ onlineMs, offlineMs }: Day): Tone {
  const known = onlineMs + offlineMs;
  if (known === 0) return 'quiet';
  return offlineMs === 0 ? 'good' : offlineMs / known < SHORT ? 'warn' : 'bad';
}
const dayWords = (day: Day): string =>
  day.onlineMs + day.offlineMs === 0
    ? t(words.dayUnknown, { day: day.day })
    : t(words.day, {
        day: day.day,
        online: spanOf(day.onlineMs),
        offline: spanOf(day.offlineMs),
        n: day.outages,
      });

/** Never rounded up to 100 %. */
const percent = (share: number) => `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;

export function AvailabilityOf({ device }: { readonly device: string }) {
  const path = `/api/devices/${encodeURIComponent(device)}/availability`;
  const found = useResource<Availability>(path, { on: ['device.online', 'device.offline'], every: ASK_MS });
  const of = found.data.value;
  return html`<section>
    <h2>${t(words.title)}</h2>
    ${waitingFor(found)}
    ${of !== undefined && html`<${Shown} of=${of} />`}
  </section>`;
}

function Shown({ of: { share, days, outages } }: { readonly of: Availability }) {
  const rows = outages.map(({ from, to, reason }) => ({
    key: from,
    cells: [
      momentOf(from),
      to === null ? t(words.lasts) : momentOf(to),
      spanOf((to === null ? Date.now() : Date.parse(to)) - Date.parse(from)),
      label('reason', reason),
    ],
  }));
  return html`<ol class="days" aria-label=${t(words.title)}>${days.map(
    (day) =>
      html`<li key=${day.day} class=${toneOf(day)} title=${dayWords(day)}><span class="hidden">${dayWords(day)}</span></li>`,
  )}</ol>
  <p>${share === null ? t(words.unknown) : t(words.share, { share: percent(share) })}</p>
  ${
    rows.length === 0
      ? html`<${Empty}>${t(words.none)}<//>`
      : html`<details><summary>${t(words.outages)} (${rows.length})</summary>
          <${Table} caption=${t(words.outages)} rows=${rows}
            heads=${[t(words.from), t(words.to), t(words.long), t(words.why)]} />
        </details>`
  }`;
}
