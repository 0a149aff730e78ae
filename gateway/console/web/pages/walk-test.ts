/** Walk tests: begun, followed on a phone while somebody walks, ended; their reports. */
import type { WalkPoint, WalkReports, WalkTestView } from '../../contract/walk-test.ts';
import { post } from '../kit/api.ts';
import { minuteOf, momentOf } from '../kit/format.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { nameOf } from '../kit/me.ts';
import { ActionButton, Badge, Empty, FieldOf, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, language, t } from '../kit/words.ts';
import { common, navigation } from '../words/common.ts';
import { walkTest as words } from '../words/walk-test.ts';

const ASK_MS = 1500;
/** Choices of how long, minutes. */
const LENGTHS = [15, 30, 60, 120, 240, 480] as const;
const USUAL = '60';

type Again = () => Promise<void>;
type Running = NonNullable<WalkTestView['running']>;

/** As `isTested` of walk-test/walk.ts: what was heard and not told is no pass. */
const isTested = ({ tick }: WalkPoint) => tick?.event !== undefined;
/** As `isHeldBack` there. */
const isHeldBack = ({ kind, areas }: WalkPoint) => kind === 'zone' && areas.length > 0;
const markOf = (point: WalkPoint) => (isTested(point) ? 'tried' : point.tick === undefined ? '' : 'heard');

/** Before it begins. */
function Begin({ view, again }: { readonly view: WalkTestView; readonly again: Again }) {
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const minutes = useField(USUAL);
  const choose = (id: string) => () => {
    const next = new Set(chosen.value);
    if (!next.delete(id)) next.add(id);
    chosen.value = next;
  };
  const begin = async () => {
    const areas = chosen.value.size === 0 ? null : [...chosen.value];
    await post('/api/walk-test', { areas, minutes: Number(minutes.value) });
    await again();
  };
  const { points, areas } = view;
  if (points.length === 0) return html`<${Empty}>${t(words.nothing)}<//>`;
  return html`<section class="card" aria-label=${t(words.scope)}>
    <fieldset class="choices"><legend>${t(words.scope)}</legend>
      <label><input type="radio" name="scope" checked=${chosen.value.size === 0} onChange=${() => {
        chosen.value = new Set();
      }} /> ${t(words.whole, { n: points.length })}</label>
      ${areas
        .filter((area) => area.points > 0)
        .map(
          ({ id, name, points: n }) =>
            html`<label key=${id}><input type="checkbox" checked=${chosen.value.has(id)} onChange=${choose(id)} /> ${t(words.area, { name, n })}</label>`,
        )}
    </fieldset>
    <${FieldOf} label=${t(words.lasts)}>
      <select value=${minutes} onChange=${typed(minutes)}>${LENGTHS.map(
        (n) => html`<option key=${n} value=${String(n)}>${t(words.minutes, { n })}</option>`,
      )}</select>
    <//>
    <${ActionButton} tone="main" sure=${words.sure} act=${begin}>${t(words.begin)}<//>
  </section>`;
}

const placeOf = ({ device, account, zone }: WalkPoint) =>
  [nameOf(device), account, zone].filter((one) => one !== undefined).join(' ');

function times(point: WalkPoint) {
  const { tick } = point;
  if (tick === undefined) return null;
  const { disk, platforms, lamp, event, refused, count } = tick;
  if (refused === true) return html`<${Badge} tone="bad">${t(words.refused)}<//>`;
  if (event === undefined)
    return html`<${Badge} tone="warn">${t(isHeldBack(point) ? words.silent : words.nothingNew)}<//>`;
  return html`<small>${[
    ...(disk === undefined ? [] : [t(words.disk, { ms: disk })]),
    ...Object.entries(platforms).map(([id, ms]) => t(words.platform, { id, ms })),
    ...(lamp === undefined ? [] : [t(words.lamp, { ms: lamp })]),
    ...(count > 1 ? [t(words.times, { n: count })] : []),
  ].join(' · ')}</small>`;
}

function Remark({ point, again }: { readonly point: WalkPoint; readonly again: Again }) {
  const isOpen = useSignal(false);
  const text = useField(point.remark?.text ?? '');
  if (!isOpen.value)
    return html`<span class="line">
      ${point.remark !== undefined && html`<small>${point.remark.text}</small>`}
      <button type="button" class="plain" onClick=${() => {
        isOpen.value = true;
      }}>${t(words.addWhy)}<span class="hidden"> ${point.name}</span></button>
    </span>`;
  const save = async () => {
    await post('/api/walk-test/remark', { point: point.id, text: text.value });
    isOpen.value = false;
    await again();
  };
  return html`<span class="line">
    <input value=${text} onInput=${typed(text)} maxlength="200" aria-label=${t(words.why, { name: point.name })} />
    <${ActionButton} act=${save}>${t(common.save)}<//>
  </span>`;
}

interface PointsProps {
  readonly points: readonly WalkPoint[];
  readonly again?: Again;
}
const Points = ({ points, again }: PointsProps) =>
  html`<ul class="plain-list points">${points.map(
    (point) => html`<li key=${point.id} class="card ${markOf(point)}">
      <span class="line"><strong>${point.tick !== undefined && html`<span aria-hidden="true">${isTested(point) ? '✓' : '○'} </span>`}${point.name}</strong>
      <small>${t(words[point.kind])}, ${placeOf(point)}</small></span>
      ${times(point)}
      ${again !== undefined && html`<${Remark} point=${point} again=${again} />`}
    </li>`,
  )}</ul>`;

function Others({ others }: Pick<Running, 'others'>) {
  if (others.length === 0) return null;
  return html`<section class="problem" aria-label=${t(words.others)}><h2>${t(words.others)}</h2>
    <ul class="plain-list">${[...others].reverse().map(
      ({ why, device, account, zone, name, kind, at, count }) =>
        html`<li key=${`${why} ${device} ${account} ${zone} ${kind}`} class="line">
          <${Badge} tone=${why === 'outside' ? 'alarm' : 'warn'}>${t(words[why])}<//>
          <strong>${name ?? [nameOf(device), account, zone].filter((one) => one !== undefined).join(' ')}</strong>
          <span>${label('kind', kind)}</span> <small>${minuteOf(at)}${count > 1 && `, ${t(words.times, { n: count })}`}</small>
        </li>`,
    )}</ul></section>`;
}

interface FollowProps {
  readonly view: WalkTestView;
  readonly running: Running;
  readonly again: Again;
}
function Follow({ view: { points, areas }, running, again }: FollowProps) {
  const { by, until, others, isEnding, areas: own } = running;
  const untested = points.filter((point) => !isTested(point));
  // What was heard and not told comes first: whoever walks is still beside it.
  const left = [
    ...untested.filter(({ tick }) => tick !== undefined),
    ...untested.filter(({ tick }) => tick === undefined),
  ];
  const tried = points.filter(isTested).sort((a, b) => (b.tick?.at ?? '').localeCompare(a.tick?.at ?? ''));
  const disarmed = areas.filter(
    (area) => !area.armed && area.points > 0 && (own === null || own.includes(area.id)),
  );
  const end = async () => {
    await post('/api/walk-test/end');
    await again();
  };
  const sure =
    left.length === 0
      ? words.sureEndAll
      : (words.sureEnd.map((text) => text.replace('{n}', String(left.length))) as unknown as readonly [
          string,
          string,
        ]);
  return html`<section class="card" aria-label=${t(words.runs)}>
      <h2>${t(words.runs)}</h2>
      <p>${own === null ? t(words.campus) : own.map((id) => areas.find((area) => area.id === id)?.name ?? id).join(', ')}</p>
      <p class="quiet">${t(words.by, { by, time: minuteOf(until) })}</p>
      <p role="status"><strong>${t(words.tried, { n: tried.length, of: points.length })}</strong></p>
      <progress class="meter" max=${points.length} value=${tried.length} aria-label=${t(words.tried, { n: tried.length, of: points.length })}></progress>
      ${
        isEnding
          ? html`<p role="status">${t(words.ending)}…</p>`
          : html`<${ActionButton} tone="main" sure=${sure} act=${end}>${t(words.end)}<//>`
      }
    </section>
    ${
      disarmed.length > 0 &&
      html`<p class="warn-text">${t(words.disarmed, { areas: disarmed.map(({ name }) => name).join(', ') })}</p>`
    }
    <${Others} others=${others} />
    <h2>${t(words.left)} (${left.length})</h2>
    ${left.length === 0 ? html`<p>${t(words.allDone)}</p>` : html`<${Points} points=${left} again=${again} />`}
    <h2>${t(words.done)} (${tried.length})</h2>
    ${tried.length === 0 ? html`<p class="empty">${t(words.noneDone)}</p>` : html`<${Points} points=${tried} />`}`;
}

function Reports() {
  const found = useResource<WalkReports>('/api/walk-tests');
  const told = found.data.value;
  if (told === undefined) return waitingFor(found) ?? null;
  if (told.reports.length === 0) return html`<${Empty}>${t(words.noReports)}<//>`;
  const fileOf = (id: string, end: 'pdf' | 'html') =>
    `/api/walk-tests/${encodeURIComponent(id)}/${end}?language=${language.value}`;
  const rows = told.reports.map(({ id, startedAt, areas, points, tried, by }) => ({
    key: id,
    cells: [
      momentOf(startedAt),
      areas === null ? t(words.campus) : areas.map(({ name }) => name).join(', '),
      html`<${Badge} tone=${tried === points ? 'good' : 'warn'}>${t(words.tried, { n: tried, of: points })}<//>`,
      by,
      html`<span class="line">
        ${told.canPrint && html`<a href=${fileOf(id, 'pdf')} download>${t(words.pdf)}<span class="hidden"> ${momentOf(startedAt)}</span></a>`}
        <a href=${fileOf(id, 'html')} download>${t(words.page)}<span class="hidden"> ${momentOf(startedAt)}</span></a>
      </span>`,
    ],
  }));
  const heads = [words.when, words.what, words.result, words.who, words.files].map((head) => t(head));
  return html`<${Table} id="walk-reports" caption=${t(words.reports)} heads=${heads} rows=${rows} />
    ${!told.canPrint && html`<p class="quiet">${t(words.noPdf)}</p>`}`;
}

export function WalkTestPage() {
  const resource = useResource<WalkTestView>('/api/walk-test', {
    on: ['alarm.', 'access.', 'video.', 'device.test', 'media.kept'],
    every: ASK_MS,
  });
  const view = resource.data.value;
  if (view === undefined) return html`<h1>${t(navigation.walkTest)}</h1>${waitingFor(resource)}`;
  const { running } = view;
  return html`<h1>${t(navigation.walkTest)}</h1>
    ${running === undefined && html`<p>${t(words.about)}</p>`}
    ${
      running === undefined
        ? html`<${Begin} view=${view} again=${resource.again} />`
        : html`<${Follow} view=${view} running=${running} again=${resource.again} />`
    }
    <h2>${t(words.reports)}</h2>
    <${Reports} key=${running?.id} />`;
}
