/** How the city is: how late alarms are, how much comes, who is silent, what is missing. */
import { numberOf, shortOf, timeOf } from '../../../console/web/kit/format.ts';
import { html, useMemo, useSignal } from '../../../console/web/kit/html.ts';
import { Empty } from '../../../console/web/kit/parts.ts';
import { type Line, Plot } from '../../../console/web/kit/plot.ts';
import { language, t } from '../../../console/web/kit/words.ts';
import type { CampusView, OverviewView } from '../../views.ts';
import { campuses, overview, overviews } from '../city.ts';
import { nameOf } from '../place.ts';
import { campusState, duty, condition as words } from '../words/city.ts';
import { exactOf } from './alarm.ts';
import { StateOf } from './campuses.ts';
import { LatencyPlot } from './latency.ts';

export function ConditionPage() {
  const told = overview.value;
  return html`<h1>${t(words.title)}</h1>
    ${told !== null && told !== undefined && html`<${Numbers} of=${told} />`}
    <${LatencyPlot} />
    <${EventsPlot} />
    <div class="cards"><${Silent} /><${Gaps} /></div>`;
}

const Fact = ({ name, children }: { readonly name: string; readonly children?: unknown }) =>
  html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

function Numbers({ of }: { readonly of: OverviewView }) {
  const { campuses: all, events, gaps, latency } = of;
  const known = latency.count > 0;
  const states = ['online', 'degraded', 'silent', 'withdrawn', 'unknown'] as const;
  return html`<section class="card" aria-label=${t(words.now)}><dl class="facts numbers">
    <${Fact} name=${`${t(words.hour)}: ${t(words.p50)}`}>${known ? exactOf(latency.p50) : '–'}<//>
    <${Fact} name=${`${t(words.hour)}: ${t(words.p99)}`}>${known ? exactOf(latency.p99) : '–'} <small>${t(words.alarmsCounted, { n: numberOf(latency.count) })}</small><//>
    <${Fact} name=${t(words.perSecond)}>${numberOf(Math.round(events.perSecond))}<//>
    <${Fact} name=${t(words.stored)}>${numberOf(events.stored)}<//>
    <${Fact} name=${t(words.duplicates)}>${numberOf(events.duplicates)}<//>
    <${Fact} name=${t(words.gapsOpen)}>${numberOf(gaps.open)}<//>
    <${Fact} name=${t(words.gapsLost)}>${numberOf(gaps.lost)}<//>
    ${states.map((one) => html`<${Fact} key=${one} name=${t(campusState[one])}><a href="/campuses?state=${one}">${numberOf(all[one])}</a><//>`)}
  </dl></section>`;
}

const GAP_MS = 10_000;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];

function EventsPlot() {
  const all = overviews.value;
  const point = useSignal<number | undefined>(undefined);
  const at = useMemo(() => all.map((one) => Date.parse(one.at)), [all]);
  const values = useMemo(() => [all.map(({ events }) => events.perSecond)], [all]);
  const lines = useMemo(
    (): readonly Line[] => [
      {
        ...{ name: t(words.perSecond), colour: '--main', side: 'left', least: 10, steps: STEPS },
        words: (value) => numberOf(value),
      },
    ],
    [language.value],
  );
  const rateOf = (one: OverviewView | undefined) => numberOf(Math.round(one?.events.perSecond ?? 0));
  const most = all.toSorted((a, b) => b.events.perSecond - a.events.perSecond)[0];
  const said = t(words.eventsSaid, { n: rateOf(all.at(-1)), most: rateOf(most) });
  const pointed = point.value === undefined ? undefined : all[point.value];
  if (all.length === 0) return null;
  return html`<section class="card" aria-label=${t(words.events)}><h2>${t(words.events)}</h2>
    <p class="quiet">${said}</p>
    <${Plot} said=${said} lines=${lines} at=${at} values=${values} gapMs=${GAP_MS} timeOf=${timeOf}
      onPoint=${(i: number | undefined) => {
        point.value = i;
      }} />
    <p class="readout quiet">${pointed === undefined ? ' ' : t(words.eventsAt, { time: timeOf(pointed.at), n: rateOf(pointed) })}</p>
  </section>`;
}

const LISTED = 20;
interface CampusesProps {
  readonly title: string;
  readonly none: string;
  readonly all: readonly CampusView[];
}
const Campuses = ({
  title,
  none,
  all,
}: CampusesProps) => html`<section class="card" aria-label=${title}><h2>${title} ${all.length > 0 && html`<b class="count">${all.length}</b>`}</h2>
  ${all.length === 0 && html`<${Empty}>${none}<//>`}
  <ul class="plain-list">${all.slice(0, LISTED).map(
    (
      one,
    ) => html`<li key=${one.id} class="line"><a href="/campuses/${encodeURIComponent(one.id)}">${nameOf(one)}</a> <${StateOf} of=${one} />
      ${one.since !== undefined && html`<small>${t(duty.since, { time: shortOf(one.since) })}</small>`}</li>`,
  )}</ul>
  ${all.length > LISTED && html`<p class="quiet">${t(words.more, { n: all.length - LISTED })}</p>`}
</section>`;

function Silent() {
  const known = campuses.data.value;
  const all = useMemo(() => [...(known?.values() ?? [])].filter(({ state }) => state === 'silent'), [known]);
  return html`<${Campuses} title=${t(words.silent)} none=${t(words.noSilent)} all=${all} />`;
}

function Gaps() {
  const known = campuses.data.value;
  const all = useMemo(
    () => [...(known?.values() ?? [])].filter(({ gaps }) => gaps > 0).sort((a, b) => b.gaps - a.gaps),
    [known],
  );
  return html`<${Campuses} title=${t(words.withGaps)} none=${t(words.noGaps)} all=${all} />`;
}
