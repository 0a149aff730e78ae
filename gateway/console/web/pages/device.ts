/** One device: how it is and why, what it can be told, how available it was, and what goes over its wire. */
import type { DeviceDetail } from '../../contract/devices.ts';
import { shortOf } from '../kit/format.ts';
import { html } from '../kit/html.ts';
import { may, me, nameOf } from '../kit/me.ts';
import { Empty, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { strange, devices as words } from '../words/devices.ts';
import { AvailabilityOf } from './devices/availability.ts';
import { LogOf } from './devices/log.ts';
import { OrdersOf } from './devices/orders.ts';
import { WireOf } from './devices/wire.ts';
import { CHANGES, heardWords, PowerOf, StateOf, standingWords } from './devices.ts';
import { Fact } from './system-tabs.ts';

const ASK_MS = 2000;

const linkTo = (id: string) => html`<a href="/devices/${encodeURIComponent(id)}">${nameOf(id)}</a>`;

function Facts({ of }: { readonly of: DeviceDetail }) {
  const made = [of.maker, of.model].filter(Boolean).join(' ');
  return html`<dl class="facts">
    <${Fact} name=${t(words.state)}><${StateOf} of=${of} /><//>
    ${of.reason !== undefined && html`<${Fact} name=${t(strange.reason)}>${label('reason', of.reason)}<//>`}
    ${of.since !== undefined && html`<${Fact} name=${t(words.since)}>${shortOf(of.since)}<//>`}
    <${Fact} name=${t(words.heard)}>${heardWords(of.heardAt)}<//>
    <${Fact} name=${t(words.power)}><${PowerOf} of=${of} /><//>
    ${of.parts.length > 0 && html`<${Fact} name=${t(words.parts)}>${of.parts.join(', ')}<//>`}
    <${Fact} name=${t(words.type)}>${label('driver', of.driver)}<//>
    ${made !== '' && html`<${Fact} name=${t(words.about)}>${made}<//>`}
    ${of.firmware !== undefined && html`<${Fact} name=${t(words.firmware)}>${of.firmware}<//>`}
    <${Fact} name=${t(words.line)}><code>${of.line}</code> (${t(of.isOpen ? words.lineOpen : words.lineClosed)})<//>
    ${
      of.others.length > 0 &&
      html`<${Fact} name=${t(words.others)}>${of.others.map((id, i) => html`${i > 0 && ', '}${linkTo(id)}`)}<//>`
    }
  </dl>`;
}

const Standing = ({ of }: { readonly of: DeviceDetail }) => html`<section>
  <h2>${t(words.standing)}</h2>
  ${
    of.standing.length === 0
      ? html`<${Empty}>${t(words.nothingStands)}<//>`
      : html`<ul class="plain">${of.standing.map(
          (one) =>
            html`<li key=${`${one.kind} ${one.cause} ${one.at}`}>${standingWords(one)} <small>${shortOf(one.since)}</small></li>`,
        )}</ul>`
  }
</section>`;

function Strange({ of: { discards, unmapped } }: { readonly of: DeviceDetail }) {
  const rows = discards.map(({ reason, count, detail = '' }) => ({
    key: reason,
    cells: [label('reason', reason), String(count), detail === '' ? '–' : html`<code>${detail}</code>`],
  }));
  return html`<section>
    <h2>${t(strange.discards)}</h2>
    ${
      rows.length === 0
        ? html`<${Empty}>${t(strange.noDiscards)}<//>`
        : html`<${Table} caption=${t(strange.discards)} rows=${rows}
            heads=${[t(strange.reason), t(strange.count), t(strange.detail)]} />`
    }
  </section>
  ${
    unmapped.length > 0 &&
    html`<section>
      <h2>${t(strange.unmapped)}</h2>
      <p class="quiet">${t(strange.unmappedHint)}</p>
      <${Table} caption=${t(strange.unmapped)} heads=${[t(strange.what), t(strange.count)]}
        rows=${unmapped.map(({ what, count }) => ({ key: what, cells: [html`<code>${what}</code>`, String(count)] }))} />
    </section>`
  }`;
}

export function DevicePage({ device = '' }: Readonly<Record<string, string>>) {
  const path = `/api/devices/${encodeURIComponent(device)}`;
  const found = useResource<DeviceDetail>(path, { on: CHANGES, every: ASK_MS });
  const of = found.data.value;
  const isCamera = me.value?.cameras.some(({ id }) => id === device) === true;
  return html`<p><a href="/devices">← ${t(words.back)}</a></p>
    <h1>${nameOf(device)}</h1>
    ${waitingFor(found)}
    ${
      of !== undefined &&
      html`<p class="buttons">
        ${isCamera && may('pictures') && html`<a class="button" href="/cameras/${encodeURIComponent(device)}">${t(words.camera)}</a>`}
        <a class="button" href="/events?device=${encodeURIComponent(device)}">${t(words.events)}</a>
      </p>
      <div class="card"><${Facts} of=${of} /></div>
      <${Standing} of=${of} />
      <${OrdersOf} of=${of} again=${found.again} />
      <${AvailabilityOf} device=${device} />
      <${Strange} of=${of} />
      ${may('devices') && html`<${LogOf} of=${of} again=${found.again} /><${WireOf} device=${device} />`}`
    }`;
}
