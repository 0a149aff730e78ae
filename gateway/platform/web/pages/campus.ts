/** A campus: whom to call, its alarms, what of its events is here and what is missing. */
import { dayOf, momentOf, numberOf, shortOf } from '../../../console/web/kit/format.ts';
import { html, useMemo } from '../../../console/web/kit/html.ts';
import { may } from '../../../console/web/kit/me.ts';
import { Badge, Empty, Table, waitingFor } from '../../../console/web/kit/parts.ts';
import { useResource } from '../../../console/web/kit/resource.ts';
import { label, t } from '../../../console/web/kit/words.ts';
import type { AlarmView, CampusDetailView, CampusView, EventView } from '../../views.ts';
import { alarms, campuses } from '../city.ts';
import { alarmOrder, isStanding } from '../order.ts';
import { nameOf, placeOf } from '../place.ts';
import { campuses as campusesWords, contactRole, duty, wordFor, campus as words } from '../words/city.ts';
import { AlarmBadges, AlarmCard, exactOf } from './alarm.ts';
import { StateOf } from './campuses.ts';
import { LatencyPlot } from './latency.ts';

const EACH_MS = 10_000;
const LISTED = 50;
const PREFIX = 'cn.campus.';

export function CampusPage({ campus: id = '' }: Readonly<Record<string, string>>) {
  const path = `/api/campuses/${encodeURIComponent(id)}`;
  const found = useResource<CampusDetailView>(path, { on: [`campus ${id}`], every: EACH_MS });
  const back = html`<p><a href="/campuses">${t(words.back)}</a></p>`;
  if (found.error.value?.status === 404) return html`${back}<p class="problem">${t(words.notThere)}</p>`;
  const told = found.data.value;
  if (told === undefined) return html`${back}${waitingFor(found)}`;
  // How it is comes by the stream, sooner than the rest.
  const now: CampusView = campuses.data.value?.get(id) ?? told;
  return html`${back}<h1>${nameOf(told)}</h1>
    <p class="line"><${StateOf} of=${now} />${now.since !== undefined && html`<small>${t(duty.since, { time: shortOf(now.since) })}</small>`}</p>
    <${Standing} id=${id} />
    <div class="cards whole"><${Contacts} of=${told} /><${Facts} of=${told} /></div>
    <${LatencyPlot} campus=${id} />
    <${Chains} of=${told} />
    <${Alarms} id=${id} /><${Events} id=${id} />`;
}

type Of = { readonly of: CampusDetailView };

function Standing({ id }: { readonly id: string }) {
  const all = alarms.data.value;
  const own = useMemo(
    () =>
      [...(all?.values() ?? [])].filter((one) => one.campus.id === id && isStanding(one)).sort(alarmOrder),
    [all, id],
  );
  return html`<div class="alarms">${own.slice(0, LISTED).map((one) => html`<${AlarmCard} key=${one.id} alarm=${one} withCampus=${false} />`)}</div>`;
}

function Contacts({ of: { contacts } }: Of) {
  const told = () => {
    if (!may('persons')) return html`<p class="quiet">${t(words.hidden)}</p>`;
    if (contacts.length === 0) return html`<${Empty}>${t(words.noContacts)}<//>`;
    return html`<ul class="plain-list contacts">${contacts.map(
      ({
        role,
        name,
        phone,
      }) => html`<li key=${`${role} ${phone}`}><span class="quiet">${t(wordFor(contactRole, role))}</span>
        <strong>${name}</strong> ${phone !== undefined && html`<a href="tel:${phone.replace(/[^+\d]/g, '')}">${phone}</a>`}</li>`,
    )}</ul>`;
  };
  return html`<section class="card" aria-label=${t(words.contacts)}><h2>${t(words.contacts)}</h2>${told()}</section>`;
}

const Fact = ({ name, children }: { readonly name: string; readonly children?: unknown }) =>
  children !== undefined && html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

function Facts({ of }: Of) {
  const { coordinates, lastEventAt } = of;
  const place =
    coordinates &&
    `${coordinates.latitude.toFixed(5)}, ${coordinates.longitude.toFixed(5)} (${coordinates.datum})`;
  return html`<section class="card" aria-label=${t(campusesWords.campus)}><h2>${t(campusesWords.campus)}</h2><dl class="facts">
    <${Fact} name=${t(words.number)}>${of.id}<//>
    <${Fact} name=${t(campusesWords.district)}>${of.district ?? t(campusesWords.noDistrict)}<//>
    <${Fact} name=${t(words.address)}>${of.address}<//>
    <${Fact} name=${t(words.coordinates)}>${place}<//>
    <${Fact} name=${t(campusesWords.lastEvent)}>${lastEventAt === undefined ? t(campusesWords.never) : momentOf(lastEventAt)}<//>
    <${Fact} name=${t(words.version)}>${of.version}<//>
    <${Fact} name=${t(words.topics)}><code>${of.prefix}</code><//>
  </dl></section>`;
}

function Chains({ of: { lanes, gapsOf } }: Of) {
  const rows = lanes.map(({ journal, lane, upTo }) => ({
    key: `${journal} ${lane}`,
    cells: [html`<code>${journal}</code>`, label('lane', lane), numberOf(Number(upTo))],
  }));
  const gaps = gapsOf.map(({ journal, lane, after, upTo, since, asked, state }) => ({
    key: `${journal} ${lane} ${after}`,
    cells: [
      label('lane', lane),
      t(words.range, { after: numberOf(Number(after) + 1), upTo: numberOf(Number(upTo)) }),
      shortOf(since),
      html`<${Badge} tone=${state === 'lost' ? 'bad' : 'warn'}>${t(state === 'lost' ? words.gapLost : words.gapOpen)}<//> <small>${t(words.asked, { n: asked })}</small>`,
    ],
  }));
  return html`<section aria-label=${t(words.gaps)}><h2>${t(words.gaps)}</h2>
      ${
        gaps.length === 0
          ? html`<${Empty}>${t(words.noGaps)}<//>`
          : html`<${Table} caption=${t(words.gaps)} heads=${[t(words.lane), t(words.missing), t(words.missingSince), t(campusesWords.state)]} rows=${gaps} />`
      }</section>
    ${
      rows.length > 0 &&
      html`<details><summary>${t(words.lanes)}</summary><${Table} caption=${t(words.lanes)} heads=${[t(words.journal), t(words.lane), t(words.upTo)]} rows=${rows} /></details>`
    }`;
}

const dayAndTime = (time: string) => (dayOf(time) === dayOf(Date.now()) ? shortOf(time) : momentOf(time));

function Alarms({ id }: { readonly id: string }) {
  const path = `/api/alarms?${new URLSearchParams({ state: 'all', campus: id, limit: String(LISTED) })}`;
  const found = useResource<readonly AlarmView[]>(path, { on: [`alarm ${id}`] });
  const rows = (found.data.value ?? [])
    .toSorted((a, b) => Date.parse(b.receivedAt) - Date.parse(a.receivedAt))
    .map((one) => ({
      key: one.id,
      cells: [
        html`<time datetime=${one.time}>${dayAndTime(one.time)}</time>`,
        label('kind', one.kind),
        placeOf(one),
        html`<${AlarmBadges} alarm=${one} />`,
        exactOf(Math.max(0, Date.parse(one.storedAt) - Date.parse(one.time))),
      ],
    }));
  const heads = [words.time, words.kind, duty.place, campusesWords.state, duty.lateness];
  return html`<section aria-label=${t(words.alarms)}><h2>${t(words.alarms)}</h2>
    ${waitingFor(found) ?? (rows.length === 0 ? html`<${Empty}>${t(words.noAlarms)}<//>` : html`<${Table} caption=${t(words.alarms)} heads=${heads.map((one) => t(one))} rows=${rows} />`)}
  </section>`;
}

function Events({ id }: { readonly id: string }) {
  const path = `/api/events?${new URLSearchParams({ campus: id, limit: String(LISTED) })}`;
  const found = useResource<readonly EventView[]>(path, {
    on: [`campus ${id}`, `alarm ${id}`],
    every: EACH_MS,
  });
  const rows = (found.data.value ?? []).map(({ id: key, time, type, lane, event }) => ({
    key,
    cells: [
      html`<time datetime=${time}>${dayAndTime(time)}</time>`,
      label('type', type.replace(PREFIX, '')),
      html`<small>${label('lane', lane)}</small>`,
      html`<details><summary>${t(words.whole)}</summary><pre tabindex="0">${JSON.stringify(event, null, 2)}</pre></details>`,
    ],
  }));
  const heads = [words.time, words.event, words.lane, words.whole].map((one) => t(one));
  return html`<section aria-label=${t(words.events)}><h2>${t(words.events)}</h2>
    ${waitingFor(found) ?? (rows.length === 0 ? html`<${Empty}>${t(words.noEvents)}<//>` : html`<${Table} caption=${t(words.events)} heads=${heads} rows=${rows} />`)}
  </section>`;
}
