/** The platforms: how each is, what waits for it, and how far behind it was. */
import type { Lag, LagRange, Platform, Platforms } from '../../contract/platforms.ts';
import { momentOf, numberOf, shortOf, spanOf, timeOf } from '../kit/format.ts';
import { html, type Signal, useMemo, useSignal, type VNode } from '../kit/html.ts';
import { nameOf } from '../kit/me.ts';
import { Badge, Empty, Table, type Tone, waitingFor } from '../kit/parts.ts';
import { type Line, Plot } from '../kit/plot.ts';
import { useResource } from '../kit/resource.ts';
import { label, language, t } from '../kit/words.ts';
import { platforms as words } from '../words/platforms.ts';
import { Fact } from './system-tabs.ts';

const EVERY_MS = 5000;
/** The header's limit, too: later, an alarm is late. */
const LATE_MS = 60_000;
/** A certificate is to be renewed. */
const SOON_DAYS = 30;

/** Seconds, minutes, hours and days, ms; events. */
const AGE_STEPS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200]
  .map((seconds) => seconds * 1000)
  .concat([1, 2, 5, 10, 30].map((days) => days * 86_400_000));
const COUNT_STEPS = Array.from(
  { length: 21 },
  (_, i) => (([1, 2, 5] as const)[i % 3] ?? 1) * 10 ** Math.floor(i / 3),
);

const ranges = ['hour', 'day', 'month'] as const satisfies readonly LagRange[];

export function PlatformsPage() {
  const found = useResource<Platforms>('/api/platforms', { every: EVERY_MS });
  const range = useSignal<LagRange>('hour');
  const all = found.data.value?.platforms;
  return html`<h1>${t(words.title)}</h1>
    ${waitingFor(found)}
    ${all?.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    ${all?.map((one) => html`<${PlatformCard} key=${one.id} of=${one} range=${range} />`)}`;
}

const toneOf = ({ connected, receipts, oldest, backlog }: Platform): Tone => {
  if (backlog > 0 && oldest !== undefined && Date.now() - Date.parse(oldest) > LATE_MS) return 'bad';
  if (receipts.late) return 'bad';
  return connected ? 'good' : 'warn';
};

function PlatformCard({ of, range }: { readonly of: Platform; readonly range: Signal<LagRange> }) {
  const { id, connected, since, reason, holds, unshown, certificates, subscriptions, streams } = of;
  const tone = toneOf(of);
  return html`<section class="card ${tone === 'good' ? '' : tone}" aria-labelledby=${`platform-${id}`}>
    <div class="line">
      <h2 id=${`platform-${id}`}>${id}</h2>
      <${Badge} tone=${connected ? 'good' : 'bad'}>${t(connected ? words.connected : words.away)}<//>
      <span class="quiet">${t(words.sinceSpan, { span: spanOf(Date.now() - Date.parse(since)), time: shortOf(since) })}</span>
    </div>
    <dl class="facts">
      <${Fact} name=${t(words.waiting)}><strong class="backlog">${waitingOf(of)}</strong><//>
      ${of.oldest !== undefined && html`<${Fact} name=${t(words.oldest)}>${agoOf(of.oldest)}<//>`}
      ${of.unsaved > 0 && html`<${Fact} name=${t(words.unsaved)}>${t(words.events, { n: numberOf(of.unsaved) })}<//>`}
      ${
        reason !== undefined &&
        html`<${Fact} name=${t(connected ? words.lastRefused : words.reason)}><span class="wrong">${label('reason', reason)}</span><//>`
      }
      <${Fact} name=${t(words.receipts)}>${receiptsOf(of)}<//>
      <${Fact} name=${t(words.protocol)}>${label('protocol', of.protocol)} ${aboutOf(of)}<//>
      <${Fact} name=${t(words.address)}><code>${of.where}</code><//>
      ${
        of.registered !== undefined &&
        html`<${Fact} name=${t(words.registered)}>${momentOf(of.registered.since)}${of.registered.until !== undefined && html` <span class="quiet">${t(words.until, { time: shortOf(of.registered.until) })}</span>`}<//>`
      }
      ${of.clockOffsetMs !== undefined && html`<${Fact} name=${t(words.clockOffset)}>${offsetOf(of.clockOffsetMs)}<//>`}
    </dl>
    ${of.otherInstance !== undefined && html`<p class="wrong">${t(words.otherInstance, { time: shortOf(of.otherInstance) })}</p>`}
    <${LagOf} id=${id} range=${range} />
    <h3>${t(words.lanes)}</h3>
    <${Table} ...${laneTable(of)} />
    ${holds.length > 0 && html`<h3>${t(words.holds)}</h3><p class="quiet">${t(words.holdsHint)}</p><${Table} ...${holdTable(of)} />`}
    ${unshown.length > 0 && html`<h3>${t(words.unshown)}</h3><${Table} ...${unshownTable(of)} />`}
    ${certificates.length > 0 && html`<h3>${t(words.certificates)}</h3><${Table} ...${certificateTable(of)} />`}
    ${
      Object.keys(of.discarded).length > 0 &&
      html`<h3>${t(words.discarded)}</h3><ul>${Object.entries(of.discarded).map(
        ([why, n]) => html`<li key=${why}>${label('reason', why)}: ${numberOf(n)}</li>`,
      )}</ul>`
    }
    ${
      subscriptions.length > 0 &&
      html`<h3>${t(words.subscriptions)}</h3><ul>${subscriptions.map(
        ({ to, until }) =>
          html`<li key=${to}>${to} <span class="quiet">${t(words.until, { time: shortOf(until) })}</span></li>`,
      )}</ul>`
    }
    ${streams.length > 0 && html`<h3>${t(words.streams)}</h3><${Table} ...${streamTable(of)} />`}
  </section>`;
}

const waitingOf = ({ backlog }: Platform) =>
  backlog === 0 ? t(words.nothingWaits) : t(words.events, { n: numberOf(backlog) });
const agoOf = (time: string) =>
  t(words.ago, { span: spanOf(Date.now() - Date.parse(time)), time: shortOf(time) });
const aboutOf = ({ about, protocol }: Platform) =>
  Object.entries(about)
    .map(([name, value]) => (name === protocol ? value : `${name} ${value}`))
    .join(', ');

/** That they arrive is said only of a platform that is there and of which one came. */
function receiptsOf({ connected, receipts: { wanted, possible, late, last } }: Platform): VNode {
  if (!possible) return html`<span class="quiet">${t(words.receiptsNone)}</span>`;
  if (!wanted) return html`<span class="quiet">${t(words.receiptsOff)}</span>`;
  const lastOne =
    last !== undefined && html` <span class="quiet">${t(words.lastReceipt, { time: shortOf(last) })}</span>`;
  if (late) return html`<${Badge} tone="bad">${t(words.receiptsLate)}<//>${lastOne}`;
  if (!connected || last === undefined) return html`<span class="quiet">–</span>${lastOne}`;
  return html`<${Badge} tone="good">${t(words.receiptsArrive)}<//>${lastOne}`;
}

/** GB/T 29315: the clocks of a campus are to be right within 5 s. */
const CLOCK_OFF_MS = 5000;
function offsetOf(ms: number): VNode {
  const span = Math.abs(ms) < 1000 ? `${Math.abs(Math.round(ms))} ms` : spanOf(Math.abs(ms));
  const text = t(ms >= 0 ? words.ahead : words.behind, { span });
  return html`<${Badge} tone=${Math.abs(ms) > CLOCK_OFF_MS ? 'warn' : 'good'}>${text}<//>`;
}

const laneTable = ({ lanes, receipts: { wanted } }: Platform) => ({
  caption: t(words.lanes),
  heads: [
    ...[words.lane, words.waiting, words.oldest, words.flying].map((one) => t(one)),
    ...(wanted ? [t(words.unconfirmed)] : []),
    t(words.taken),
    ...(wanted ? [t(words.stored)] : []),
    t(words.cursor),
  ],
  rows: lanes.map(
    ({ lane, waiting, oldest, flying, unconfirmed, pausing, takenAt, storedAt, cursor, last }) => ({
      key: lane,
      cells: [
        html`<span>${label('lane', lane)} ${pausing && html`<${Badge} tone="warn">${t(words.pausing)}<//>`}</span>`,
        numberOf(waiting),
        oldest === undefined ? '–' : agoOf(oldest),
        numberOf(flying),
        ...(wanted ? [numberOf(unconfirmed)] : []),
        takenAt === undefined ? '–' : shortOf(takenAt),
        ...(wanted ? [storedAt === undefined ? '–' : shortOf(storedAt)] : []),
        t(words.ofLast, { n: numberOf(cursor), last: numberOf(last) }),
      ],
    }),
  ),
});

const holdTable = ({ holds }: Platform) => ({
  caption: t(words.holds),
  heads: [words.what, words.lane, words.waiting, words.numbers, words.why, words.since].map((one) => t(one)),
  rows: holds.map(({ address, lane, events, first, last, single, reason, since }) => ({
    key: `${address} ${lane} ${first}`,
    cells: [
      html`<code>${address}</code>`,
      label('lane', lane),
      single ? t(words.single) : numberOf(events),
      first === last ? String(first) : t(words.fromTo, { first, last }),
      label('reason', reason),
      shortOf(since),
    ],
  })),
});

const unshownTable = ({ unshown }: Platform) => ({
  caption: t(words.unshown),
  heads: [words.what, words.why, words.since].map((one) => t(one)),
  rows: unshown.map(({ topic, reason, since }) => ({
    key: topic,
    cells: [html`<code>${topic}</code>`, label('reason', reason), shortOf(since)],
  })),
});

const certificateTable = ({ certificates }: Platform) => ({
  caption: t(words.certificates),
  heads: [t(words.whose), t(words.ends), ''],
  rows: certificates.map(({ whose, ends, days }) => ({
    key: whose,
    cells: [
      whose === 'gateway' || whose === 'broker' ? t(words[whose]) : whose,
      momentOf(ends),
      html`<${Badge} tone=${days < 0 ? 'bad' : days <= SOON_DAYS ? 'warn' : 'good'}>${days < 0 ? t(words.ended) : t(words.days, { n: days })}<//>`,
    ],
  })),
});

const kinds = { live: words.live, playback: words.playback, download: words.download };
const streamTable = ({ streams }: Platform) => ({
  caption: t(words.streams),
  heads: [words.camera, words.kind, words.to, words.since].map((one) => t(one)),
  rows: streams.map(({ camera, kind, since, to }) => ({
    key: `${camera} ${to} ${since}`,
    cells: [nameOf(camera), t(kinds[kind as keyof typeof kinds] ?? words.live), to, shortOf(since)],
  })),
});

/** The age of the oldest event that waits, and how many wait, over time. */
function LagOf({ id, range }: { readonly id: string; readonly range: Signal<LagRange> }) {
  const chosen = range.value;
  const { data } = useResource<Lag>(`/api/platforms/${encodeURIComponent(id)}/lag?range=${chosen}`, {
    every: chosen === 'hour' ? 10_000 : 60_000,
  });
  const point = useSignal<number | undefined>(undefined);
  const lag = data.value;
  const values = useMemo(() => (lag === undefined ? [] : [lag.ageMs, lag.backlog]), [lag]);
  const lines = useMemo(
    (): readonly Line[] => [
      { name: t(words.age), colour: '--main', side: 'left', words: spanOf, least: 10_000, steps: AGE_STEPS },
      {
        name: t(words.count),
        colour: '--warn',
        side: 'right',
        words: numberOf,
        least: 2,
        steps: COUNT_STEPS,
      },
    ],
    [language.value],
  );
  const timed = chosen === 'hour' ? timeOf : (ms: number) => momentOf(ms).replace(/:\d\d$/, '');
  return html`<h3>${t(words.lag)}</h3>
    <div class="buttons" role="group" aria-label=${t(words.range)}>
      ${ranges.map(
        (one) =>
          html`<button type="button" aria-pressed=${one === chosen} class=${one === chosen ? 'main' : ''} onClick=${() => {
            range.value = one;
          }}>${t(words[one])}</button>`,
      )}
      <span class="key">${t(words.age)}</span><span class="key waiting">${t(words.count)}</span>
    </div>
    ${
      lag !== undefined &&
      html`<p class="quiet">${saidOf(lag)} ${lag.at[0] !== undefined && t(words.lagYoung, { time: shortOf(lag.at[0]) })}</p>
        <${Plot} said=${saidOf(lag)} lines=${lines} at=${lag.at} values=${values} gapMs=${lag.stepMs * 2.5} timeOf=${timed}
          onPoint=${(i: number | undefined) => {
            point.value = i;
          }} />
        <p class="readout quiet">${pointOf(lag, point.value)}</p>`
    }`;
}

function saidOf({ ageMs, backlog }: Lag): string {
  const most = Math.max(0, ...backlog);
  return most === 0
    ? t(words.lagNone)
    : t(words.lagSaid, { span: spanOf(Math.max(0, ...ageMs)), n: numberOf(most) });
}

function pointOf({ at, ageMs, backlog }: Lag, i: number | undefined): string {
  const time = i === undefined ? undefined : at[i];
  if (i === undefined || time === undefined) return ' ';
  return t(words.at, { time: shortOf(time), span: spanOf(ageMs[i] ?? 0), n: numberOf(backlog[i] ?? 0) });
}
