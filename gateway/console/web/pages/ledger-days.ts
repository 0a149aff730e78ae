/** A day in numbers, for who looks after the school and for the file of it: printed as it is. */
import type { LedgerDay } from '../../contract/ledger.ts';
import { minuteOf, numberOf, spanOf, timeOf, weekdayOfDate } from '../kit/format.ts';
import { html } from '../kit/html.ts';
import { may, me, nameOf } from '../kit/me.ts';
import { Empty, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { go, query } from '../kit/router.ts';
import { label, language, t } from '../kit/words.ts';
import { entries, ledger, links, days as words } from '../words/ledger.ts';
import { hoursOf, LedgerTabs, shareOf } from './ledger/tabs.ts';
import { Fact } from './system-tabs.ts';

/** Of today, which goes on. */
const ASK_MS = 60_000;
const DAY_MS = 86_400_000;

/** Now, in the campus's zone. */
const today = () =>
  new Intl.DateTimeFormat('sv-SE', {
    timeZone: me.value?.campus.timezone ?? 'UTC',
    dateStyle: 'short',
  }).format(new Date());
const moved = (day: string, by: number) =>
  new Date(Date.parse(`${day}T00:00:00Z`) + by * DAY_MS).toISOString().slice(0, 10);
const show = (day: string) => go(`/ledger/reports?day=${day}`);

export function LedgerDaysPage() {
  const asked = query('day');
  const day = asked !== undefined && /^\d{4}-\d\d-\d\d$/.test(asked) ? asked : today();
  const isLast = day >= today();
  const found = useResource<LedgerDay>(day > today() ? undefined : `/api/ledger/days/${day}`, {
    every: ASK_MS,
  });
  const of = found.data.value?.day === day ? found.data.value : undefined;
  const chosen = (event: Event) => {
    const { value } = event.target as HTMLInputElement;
    if (value !== '') show(value);
  };
  return html`<h1>${t(ledger.days)} <span class="print-only">${me.value?.campus.name} ${day}</span></h1><${LedgerTabs} />
    <div class="buttons no-print">
      <button type="button" onClick=${() => show(moved(day, -1))} aria-label=${t(words.before)}>←</button>
      <label>${t(words.day)} <input type="date" value=${day} max=${today()} onChange=${chosen} /></label>
      <span>${weekdayOfDate(day)}</span>
      <button type="button" disabled=${isLast} onClick=${() => show(moved(day, 1))} aria-label=${t(words.after)}>→</button>
      <button type="button" onClick=${() => print()}>${t(words.print)}</button>
      ${may('export') && html`<a class="button" download href="/api/ledger/export?what=day&day=${day}&language=${language.value}">${t(ledger.save)}</a>`}
    </div>
    ${day > today() ? html`<${Empty}>${t(words.notYet)}<//>` : of === undefined && (waitingFor(found) ?? html`<p class="empty" role="status">…</p>`)}
    ${of !== undefined && html`<${Report} of=${of} />`}`;
}

function Report({ of }: { readonly of: LedgerDay }) {
  return html`${!of.isOver && html`<p class="quiet">${t(words.soFar, { time: minuteOf(of.to) })}</p>`}
    ${of.alarms.isCut && html`<p class="problem">${t(words.cut)}</p>`}
    <div class="card"><${Sums} of=${of} /></div>
    <${Alarms} of=${of.alarms} />
    <${Waiting} of=${of.alarms} />
    <${Devices} of=${of.devices} />
    <${Tallies} of=${of.ledger} />`;
}

function Sums({ of: { alarms, devices } }: { readonly of: LedgerDay }) {
  const { real, falseRate, takenMs } = alarms;
  const away = devices.reduce((sum, { offlineMs }) => sum + offlineMs, 0);
  const ofClosed = real + alarms.false;
  return html`<dl class="facts">
    <${Fact} name=${t(words.total)}>${numberOf(alarms.total)}<//>
    <${Fact} name=${t(words.tests)}>${numberOf(alarms.tests)}<//>
    <${Fact} name=${t(words.falseRate)}>${falseRate === null ? t(words.unrated) : t(words.falseOf, { share: shareOf(falseRate), n: alarms.false, of: ofClosed })}<//>
    <${Fact} name=${t(words.unacknowledged)}>${numberOf(alarms.unacknowledged)}<//>
    <${Fact} name=${t(words.open)}>${numberOf(alarms.open)}<//>
    ${takenMs !== null && html`<${Fact} name=${t(words.taken)}>${t(words.takenOf, { median: spanOf(takenMs.median), worst: spanOf(takenMs.worst) })}<//>`}
    <${Fact} name=${t(words.offline)}>${t(words.offlineOf, { n: Math.round(away / 360_000) / 10 })}<//>
  </dl>`;
}

/** Bars of the 24 hours; each says itself. */
function Hours({ of }: { readonly of: readonly number[] }) {
  const most = Math.max(1, ...of);
  return html`<ol class="hours" aria-label=${t(words.byHour)}>${of.map(
    (count, hour) =>
      html`<li key=${hour} title=${t(words.hour, { n: hour, count })}><span class="bar" style=${`height:${Math.round((count / most) * 100)}%`}></span>
        <span class="hidden">${t(words.hour, { n: hour, count })}</span><span aria-hidden="true">${hour % 6 === 0 ? hour : ''}</span></li>`,
  )}</ol>`;
}

function Alarms({ of }: { readonly of: LedgerDay['alarms'] }) {
  if (of.total === 0) return html`<${Empty}>${t(words.noAlarm)}<//>`;
  const counts = (group: 'kind' | 'closeReason', all: Readonly<Record<string, number | undefined>>) =>
    Object.entries(all)
      .sort(([, one = 0], [, other = 0]) => other - one)
      .map(([word, count = 0]) => ({ key: word, cells: [label(group, word), numberOf(count)] }));
  const zones = of.byZone.map(({ device, account, zone, name, count }, i) => ({
    key: String(i),
    cells: [
      [nameOf(device), account, name ?? zone].filter((one) => one !== undefined).join(' · '),
      numberOf(count),
    ],
  }));
  const reasons = counts('closeReason', of.byReason);
  const table = (word: readonly [string, string], head: readonly [string, string], rows: typeof zones) =>
    html`<section><h2>${t(word)}</h2><${Table} caption=${t(word)} heads=${[t(head), t(words.count)]} rows=${rows} /></section>`;
  return html`<section><h2>${t(words.byHour)}</h2><${Hours} of=${of.byHour} /></section>
    ${table(words.byKind, words.kind, counts('kind', of.byKind))}
    ${table(words.byZone, words.zone, zones)}
    ${reasons.length > 0 && table(words.byReason, words.kind, reasons)}`;
}

function Waiting({ of: { waiting } }: { readonly of: LedgerDay['alarms'] }) {
  if (waiting.length === 0) return html``;
  const rows = waiting.map(({ id, sequence, time, kind, device, zone }) => ({
    key: id,
    cells: [
      html`<a href="/events/${sequence}">${timeOf(time)}</a>`,
      label('kind', kind),
      [nameOf(device), zone].filter((one) => one !== undefined).join(' · '),
    ],
  }));
  return html`<section><h2>${t(words.waiting)}</h2>
    <${Table} caption=${t(words.waiting)} heads=${[t(words.time), t(words.kind), t(words.zone)]} rows=${rows} /></section>`;
}

function Devices({ of }: { readonly of: LedgerDay['devices'] }) {
  const away = of.filter(({ offlineMs }) => offlineMs > 0);
  if (away.length === 0) return html``;
  const rows = away.map(({ device, onlineMs, offlineMs, outages }) => ({
    key: device,
    cells: [nameOf(device), shareOf(onlineMs / (onlineMs + offlineMs)), hoursOf(offlineMs), String(outages)],
  }));
  const heads = [t(words.devices), ...[links.share, links.away, links.outages].map((one) => t(one))];
  return html`<section><h2>${t(words.offline)}</h2><${Table} caption=${t(words.offline)} heads=${heads} rows=${rows} /></section>`;
}

function Tallies({ of }: { readonly of: LedgerDay['ledger'] }) {
  const rows = (['fault', 'hazard'] as const).map((kind) => ({
    key: kind,
    cells: [
      t(entries[kind]),
      ...[of[kind].opened, of[kind].closed, of[kind].open, of[kind].overdue].map(numberOf),
    ],
  }));
  const heads = ['', t(words.opened), t(words.closed), t(words.stillOpen), t(words.overdue)];
  return html`<section><h2>${t(words.entries)}</h2><${Table} caption=${t(words.entries)} heads=${heads} rows=${rows} /></section>`;
}
