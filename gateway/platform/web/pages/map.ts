/** Where the campuses are, drawn of their coordinates alone: no picture of the ground, and no internet. */
import {
  html,
  type Signal,
  useEffect,
  useMemo,
  useRef,
  useSignal,
  type VNode,
} from '../../../console/web/kit/html.ts';
import { Badge } from '../../../console/web/kit/parts.ts';
import { t } from '../../../console/web/kit/words.ts';
import type { CampusView } from '../../views.ts';
import {
  type Box,
  boxOf,
  type Cluster,
  clustersOf,
  hullOf,
  type Look,
  lookAt,
  type Marked,
  moved,
  NEAREST_SCALE,
  type Size,
  zoomed,
} from '../clusters.ts';
import { metresPerUnit, type Point, pointOf, wgs84Of } from '../geo.ts';
import { countsOf, districtOf, type Level, levelOf, levelOfDistrict, levels, worstOf } from '../order.ts';
import { nameOf } from '../place.ts';
import { campusState, level as levelWords, map as words } from '../words/city.ts';
import { followHands } from './map-hands.ts';

interface Mark extends Marked {
  readonly campus: CampusView;
}

/** Marks that are nearer than this are one; and how large they are, in pixels. */
const SQUARE_PX = 44;
const ONE_PX = 7;
const MANY_PX = 11;
const ZOOM = 1.6;
const MOVE_PX = 80;
/** Below this, the shape of a district says nothing that its marks do not. */
const HULL_MIN = 3;
/** Above the marks at its edge. */
const NAME_PX = 26;

const marksOf = (all: readonly CampusView[]): readonly Mark[] =>
  all.flatMap((campus) =>
    campus.coordinates === undefined
      ? []
      : [{ id: campus.id, campus, ...pointOf(wgs84Of(campus.coordinates)) }],
  );

/** The form says what the colour says. */
function shapeOf(level: Level, r: number): VNode {
  if (level === 'good' || level === 'quiet') return html`<circle r=${r} />`;
  const turn = level === 'warn' ? undefined : 'rotate(45)';
  return html`<rect x=${-r} y=${-r} width=${2 * r} height=${2 * r} rx="1.5" transform=${turn} />`;
}

/** `3 alarm, untaken, 20 online` */
const saidOf = (counts: Readonly<Record<Level, number>>): string =>
  levels
    .filter((one) => counts[one] > 0)
    .map((one) => t(words.countOf, { n: counts[one], what: t(levelWords[one]) }))
    .join(', ');

/** Shares of a ring, the worst first, from the top on. */
function Ring({ counts, r }: { readonly counts: Readonly<Record<Level, number>>; readonly r: number }) {
  const round = 2 * Math.PI * r;
  const all = levels.reduce((sum, one) => sum + counts[one], 0);
  let from = 0;
  return html`<circle class="ground" r=${r} />${levels.map((one) => {
    if (counts[one] === 0) return null;
    const long = (counts[one] / all) * round;
    const dashes = `${long.toFixed(2)} ${(round - long).toFixed(2)}`;
    const turn = `rotate(${((from / round) * 360 - 90).toFixed(1)})`;
    from += long;
    return html`<circle key=${one} class="share ${one}" r=${r} stroke-dasharray=${dashes} transform=${turn} />`;
  })}`;
}

interface MarkProps {
  readonly cluster: Cluster<Mark>;
  readonly at: string;
  readonly onChoose: () => void;
}
function MarkOf({ cluster: { members }, at, onChoose }: MarkProps) {
  const all = members.map(({ campus }) => campus);
  const [first] = all;
  const counts = countsOf(all);
  const level = worstOf(all);
  if (members.length === 1 && first !== undefined)
    return html`<g class="mark one ${level}" transform=${at} data-id=${first.id} onClick=${onChoose}>
      <title>${nameOf(first)}: ${t(levelWords[level])}</title>${shapeOf(level, ONE_PX)}
    </g>`;
  const r = MANY_PX + Math.min(9, Math.log2(members.length) * 1.2);
  // Who has not taken an alarm must not have to look for it in a ring.
  const isAlarm = counts.alarm > 0;
  return html`<g class="mark many ${isAlarm ? 'alarm' : ''}" transform=${at} onClick=${onChoose}>
    <title>${t(words.cluster, { n: members.length })}: ${saidOf(counts)}</title>
    ${isAlarm ? shapeOf('alarm', r) : html`<${Ring} counts=${counts} r=${r} />`}<text dy="0.35em">${members.length}</text>
  </g>`;
}

/** Round numbers of metres, of about so many pixels. */
function ScaleBar({ look }: { readonly look: Look }) {
  const metres = (metresPerUnit(look.y) / look.scale) * 100;
  const power = 10 ** Math.floor(Math.log10(metres));
  const round = [5, 2, 1].map((one) => one * power).find((one) => one <= metres) ?? power;
  const width = Math.round((round / metres) * 100);
  const said = round >= 1000 ? t(words.kilometres, { n: round / 1000 }) : t(words.metres, { n: round });
  return html`<g class="scale" transform="translate(12 -12)"><path d="M0 -6V0H${width}V-6" /><text x=${width / 2} y="-10">${said}</text></g>`;
}

interface District {
  readonly code: string;
  readonly level: Level;
  readonly counts: Readonly<Record<Level, number>>;
  readonly hull: readonly Point[];
  /** The northernmost of it. */
  readonly top: Point;
}
function districtsIn(marks: readonly Mark[]): readonly District[] {
  const groups = Map.groupBy(marks, ({ campus }) => districtOf(campus.district ?? ''));
  return [...groups].flatMap(([code, all]) => {
    const [top] = all.toSorted((a, b) => a.y - b.y);
    if (code === '' || all.length < HULL_MIN || top === undefined) return [];
    const campuses = all.map(({ campus }) => campus);
    return [{ code, level: levelOfDistrict(campuses), counts: countsOf(campuses), hull: hullOf(all), top }];
  });
}

/** Campuses at one place cannot be told apart however near one looks. */
const CHOSEN_MAX = 8;
function Chosen({ all, onClose }: { readonly all: readonly CampusView[]; readonly onClose: () => void }) {
  const left = all.length - CHOSEN_MAX;
  return html`<div class="chosen card" role="status">
    <ul class="plain-list">${all.slice(0, CHOSEN_MAX).map((one) => {
      const level = levelOf(one);
      return html`<li key=${one.id}><a href="/campuses/${encodeURIComponent(one.id)}">${nameOf(one)}</a>
        <${Badge} tone=${level}>${t(level === 'alarm' ? levelWords.alarm : campusState[one.state])}<//></li>`;
    })}${left > 0 && html`<li>${t(words.more, { n: left })}</li>`}</ul>
    <button type="button" class="plain" aria-label=${t(words.close)} onClick=${onClose}>✕</button>
  </div>`;
}

const keys: Readonly<Record<string, (look: Look) => Look>> = {
  ArrowLeft: (look) => moved(look, MOVE_PX, 0),
  ArrowRight: (look) => moved(look, -MOVE_PX, 0),
  ArrowUp: (look) => moved(look, 0, MOVE_PX),
  ArrowDown: (look) => moved(look, 0, -MOVE_PX),
  '+': (look) => zoomed(look, ZOOM),
  '=': (look) => zoomed(look, ZOOM),
  '-': (look) => zoomed(look, 1 / ZOOM),
};

function Drawing({
  marks,
  look,
  size,
  choose,
}: {
  readonly marks: readonly Mark[];
  readonly look: Look;
  readonly size: Size;
  readonly choose: (cluster: Cluster<Mark>) => void;
}) {
  const { scale } = look;
  // The squares grow in steps: while it is zoomed, what is together stays so.
  const side = SQUARE_PX / 2 ** Math.floor(Math.log2(scale));
  const clusters = useMemo(() => clustersOf(marks, side), [marks, side]);
  const districts = useMemo(() => districtsIn(marks), [marks]);
  const x = (one: number) => (one - look.x) * scale + size.width / 2;
  const y = (one: number) => (one - look.y) * scale + size.height / 2;
  const isSeen = (one: Cluster<Mark>) => {
    const [left, top] = [x(one.x), y(one.y)];
    return left > -40 && top > -40 && left < size.width + 40 && top < size.height + 40;
  };
  // What is drawn last lies on top: nothing hides an alarm.
  const isAlarm = ({ members }: Cluster<Mark>) => Number(members.some(({ campus }) => campus.untaken > 0));
  const seen = clusters.filter(isSeen).sort((one, other) => isAlarm(one) - isAlarm(other));
  const outline = ({ hull }: District) =>
    `M${hull.map((one) => `${x(one.x).toFixed(1)} ${y(one.y).toFixed(1)}`).join('L')}Z`;
  return html`<g class="districts">${districts.map((one) => html`<path key=${one.code} class=${one.level} d=${outline(one)}><title>${one.code}: ${saidOf(one.counts)}</title></path>`)}</g>
    <g class="marks">${seen.map(
      (one) =>
        html`<${MarkOf} key=${one.key} cluster=${one} at=${`translate(${x(one.x).toFixed(1)} ${y(one.y).toFixed(1)})`} onChoose=${() => choose(one)} />`,
    )}</g>
    <g class="names" aria-hidden="true">${namesOf(districts, x, y).map(
      ({ code, left, top }) => html`<text key=${code} x=${left} y=${top}>${code}</text>`,
    )}</g>`;
}

/** Above their districts, and above each other where they would lie on each other. */
function namesOf(districts: readonly District[], x: (one: number) => number, y: (one: number) => number) {
  const placed: { readonly code: string; readonly left: number; readonly top: number }[] = [];
  for (const { code, top: northernmost } of districts.toSorted((a, b) => b.top.y - a.top.y)) {
    const left = x(northernmost.x);
    let top = y(northernmost.y) - NAME_PX;
    const isTaken = () =>
      placed.some((one) => Math.abs(one.left - left) < 56 && Math.abs(one.top - top) < 14);
    while (isTaken()) top -= 14;
    placed.push({ code, left, top });
  }
  return placed;
}

/** What it shows at first, and after `0`; and again when its size is another one, until somebody moved it. */
function useLook(marks: readonly Mark[], size: Signal<Size | undefined>) {
  const own = useSignal<Look | undefined>(undefined);
  const box = useMemo(() => boxOf(marks), [marks]);
  const { value } = size;
  const all = value === undefined || box === undefined ? undefined : lookAt(box, value);
  return {
    look: own.value ?? all,
    change(next: (look: Look) => Look) {
      const now = own.peek() ?? all;
      if (now !== undefined) own.value = next(now);
    },
    showAll() {
      own.value = undefined;
    },
    show(wanted: Box) {
      if (value !== undefined) own.value = lookAt(wanted, value, 80);
    },
  };
}

export function CityMap({ all }: { readonly all: readonly CampusView[] }) {
  const marks = useMemo(() => marksOf(all), [all]);
  const room = useRef<HTMLDivElement>(null);
  const size = useSignal<Size | undefined>(undefined);
  const chosen = useSignal<readonly string[]>([]);
  const { look, change, showAll, show } = useLook(marks, size);
  const changing = useRef(change);
  changing.current = change;
  useEffect(() => {
    const own = room.current;
    if (own === null) return undefined;
    const measure = () => {
      size.value = { width: own.clientWidth, height: own.clientHeight };
    };
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(own);
    const stop = followHands(own, (next) => changing.current(next));
    return () => {
      sizes.disconnect();
      stop();
    };
  }, []);
  const onKey = (event: KeyboardEvent) => {
    const act = keys[event.key];
    if (act === undefined && event.key !== '0') return;
    event.preventDefault();
    if (act === undefined) showAll();
    else change(act);
  };
  const choose = ({ members }: Cluster<Mark>) => {
    const box = boxOf(members);
    const isNear = look !== undefined && look.scale >= NEAREST_SCALE;
    if (members.length === 1 || isNear || box === undefined) chosen.value = members.map(({ id }) => id);
    else show(box);
  };
  const those = all.filter(({ id }) => chosen.value.includes(id));
  const districts = new Set(marks.map((one) => districtOf(one.campus.district ?? ''))).size;
  const said = marks.length === 0 ? t(words.none) : t(words.said, { n: marks.length, districts });
  const value = size.value;
  return html`<section class="map" aria-label=${t(words.title)}>
    <div class="map-room" ref=${room} tabindex="0" role="group" aria-label=${`${said} ${t(words.keys)}`} onKeyDown=${onKey}>
      ${
        value !== undefined &&
        html`<svg width=${value.width} height=${value.height} role="img" aria-label=${said}>
          ${
            look !== undefined &&
            html`<${Drawing} marks=${marks} look=${look} size=${value} choose=${choose} />
            <g transform="translate(0 ${value.height})"><${ScaleBar} look=${look} /></g>`
          }
          ${look === undefined && html`<text class="none" x=${value.width / 2} y=${value.height / 2}>${t(words.none)}</text>`}
        </svg>`
      }
      ${
        those.length > 0 &&
        html`<${Chosen} all=${those} onClose=${() => {
          chosen.value = [];
        }} />`
      }
    </div>
    <div class="map-buttons">
      <button type="button" aria-label=${t(words.nearer)} title=${t(words.nearer)} onClick=${() => change((now) => zoomed(now, ZOOM))}>+</button>
      <button type="button" aria-label=${t(words.farther)} title=${t(words.farther)} onClick=${() => change((now) => zoomed(now, 1 / ZOOM))}>−</button>
      <button type="button" onClick=${showAll}>${t(words.all)}</button>
    </div>
    <${Legend} />
    <${Without} all=${all} />
  </section>`;
}

const Legend = () =>
  html`<ul class="legend" aria-label=${t(words.legend)}>${levels.map(
    (one) =>
      html`<li key=${one}><svg width="18" height="18" aria-hidden="true"><g class="mark ${one}" transform="translate(9 9)">${shapeOf(one, 5)}</g></svg>${t(levelWords[one])}</li>`,
  )}<li>${t(words.datum)}</li></ul>`;

const WITHOUT_MAX = 200;
function Without({ all }: { readonly all: readonly CampusView[] }) {
  const without = all.filter(({ coordinates }) => coordinates === undefined);
  if (without.length === 0) return null;
  return html`<details class="without"><summary>${t(words.without, { n: without.length })}</summary>
    <ul>${without
      .slice(0, WITHOUT_MAX)
      .map(
        (one) =>
          html`<li key=${one.id}><a href="/campuses/${encodeURIComponent(one.id)}">${nameOf(one)}</a></li>`,
      )}</ul></details>`;
}
