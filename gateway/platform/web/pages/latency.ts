/** How late alarms were, minute by minute: of the city, or of one campus. */
import { numberOf, shortOf, timeOf } from '../../../console/web/kit/format.ts';
import { html, typed, useEffect, useField, useMemo, useSignal } from '../../../console/web/kit/html.ts';
import { Empty, FieldOf, waitingFor } from '../../../console/web/kit/parts.ts';
import { type Line, Plot } from '../../../console/web/kit/plot.ts';
import { useResource } from '../../../console/web/kit/resource.ts';
import { language, t } from '../../../console/web/kit/words.ts';
import type { LatencyView } from '../../views.ts';
import { condition as words } from '../words/city.ts';
import { exactOf } from './alarm.ts';

const MINUTE_MS = 60_000;
const EACH_MS = 15_000;
const HOUR_MS = 3_600_000;
const hours = { 1: words.ranges1, 6: words.ranges6, 24: words.ranges24, 168: words.ranges168 } as const;
/** ms */
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 3_600_000,
];
const LEAST_MS = 1000;
/** `500 ms`, `2 s`: beside an axis there is room for no words. */
const axisOf = (ms: number) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

export function LatencyPlot({ campus }: { readonly campus?: string }) {
  const range = useField('1');
  // To the minute, so that a question is asked anew when there is something new.
  const minute = useSignal(Math.ceil(Date.now() / MINUTE_MS));
  useEffect(() => {
    const ticking = setInterval(() => {
      minute.value = Math.ceil(Date.now() / MINUTE_MS);
    }, EACH_MS);
    return () => clearInterval(ticking);
  }, []);
  const to = minute.value * MINUTE_MS;
  const asked = {
    from: new Date(to - Number(range.value) * HOUR_MS).toISOString(),
    to: new Date(to).toISOString(),
    ...(campus !== undefined && { campus }),
  };
  const found = useResource<readonly LatencyView[]>(`/api/latency?${new URLSearchParams(asked)}`, {
    every: EACH_MS,
  });
  const minutes = found.data.value;
  return html`<section class="card" aria-label=${t(words.latency)}>
    <div class="line spread"><h2>${t(words.latency)}</h2>
      <${FieldOf} label=${t(words.range)}><select name="range" value=${range} onChange=${typed(range)}>
        ${Object.entries(hours).map(([one, word]) => html`<option key=${one} value=${one}>${t(word)}</option>`)}
      </select><//></div>
    ${waitingFor(found)}
    ${minutes?.length === 0 && html`<${Empty}>${t(words.latencyNone)}<//>`}
    ${minutes !== undefined && minutes.length > 0 && html`<${Drawn} minutes=${minutes} />`}
  </section>`;
}

function Drawn({ minutes }: { readonly minutes: readonly LatencyView[] }) {
  const point = useSignal<number | undefined>(undefined);
  const at = useMemo(() => minutes.map((one) => Date.parse(one.at)), [minutes]);
  const values = useMemo(() => [minutes.map(({ p50 }) => p50), minutes.map(({ p99 }) => p99)], [minutes]);
  const lines = useMemo((): readonly Line[] => {
    const shared = { words: axisOf, side: 'left', least: LEAST_MS, steps: STEPS } as const;
    return [
      { ...shared, name: t(words.median), colour: '--main' },
      { ...shared, name: t(words.slowest), colour: '--warn', second: true },
    ];
  }, [language.value]);
  const count = minutes.reduce((sum, one) => sum + one.count, 0);
  const most = Math.max(...minutes.map((one) => one.most));
  const said = t(words.latencySaid, { n: numberOf(count), minutes: minutes.length, span: exactOf(most) });
  const pointed = point.value === undefined ? undefined : minutes[point.value];
  return html`<div class="line"><span class="key">${t(words.p50)}</span><span class="key waiting">${t(words.p99)}</span></div>
    <p class="quiet">${said}</p>
    <${Plot} said=${said} lines=${lines} at=${at} values=${values} gapMs=${MINUTE_MS * 2.5} timeOf=${timeOf}
      onPoint=${(i: number | undefined) => {
        point.value = i;
      }} />
    <p class="readout quiet">${pointed === undefined ? ' ' : t(words.latencyAt, { time: shortOf(pointed.at), p50: exactOf(pointed.p50), p99: exactOf(pointed.p99), n: pointed.count })}</p>`;
}
