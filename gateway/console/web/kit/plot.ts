/** Numbers over time, drawn by uPlot, which is loaded with the first page that plots. */
import uPlot from 'uplot';
import { html, useEffect, useRef } from './html.ts';
import { me } from './me.ts';

export interface Line {
  readonly name: string;
  /** A colour of the theme: `--main`. */
  readonly colour: `--${string}`;
  /** As it stands beside its axis. */
  readonly words: (value: number) => string;
  readonly side: 'left' | 'right';
  /** Beside another one of its side, whose axis it has. */
  readonly second?: true;
  /** Its axis goes up to this at least, and is marked in these steps. */
  readonly least: number;
  readonly steps: readonly number[];
}

interface PlotProps {
  /** What can be seen in it, in words. */
  readonly said: string;
  readonly lines: readonly Line[];
  /** Epoch ms. */
  readonly at: readonly number[];
  /** A column each line. */
  readonly values: readonly (readonly number[])[];
  /** Two that are further apart have a gap between them. */
  readonly gapMs: number;
  readonly timeOf: (ms: number) => string;
  /** Called with the place that is pointed at; undefined: none is. */
  readonly onPoint: (index: number | undefined) => void;
}

const HEIGHT = 180;
const LABEL_HALF = 30;
/** A moment alone is shown with what was before it. */
const SHOWN_MIN_S = 120;

/** uPlot's own style, once. */
function addStyle(): void {
  const href = new URL('uplot.css', import.meta.resolve('uplot')).href;
  if (document.querySelector(`link[href="${href}"]`) !== null) return;
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  document.head.append(link);
}

/** As uPlot wants it, with a point of nothing in each gap. `places`: of which value each point is. */
function columnsOf(at: readonly number[], values: PlotProps['values'], gapMs: number) {
  const places: (number | undefined)[] = [];
  const times: number[] = [];
  for (const [i, ms] of at.entries()) {
    const before = at[i - 1];
    if (before !== undefined && ms - before > gapMs) {
      places.push(undefined);
      times.push((before + 1) / 1000);
    }
    places.push(i);
    times.push(ms / 1000);
  }
  const columns = values.map((column) =>
    places.map((place) => (place === undefined ? null : (column[place] ?? null))),
  );
  return { places, data: [times, ...columns] as uPlot.AlignedData };
}

function optionsOf(
  { lines, timeOf, onPoint }: PlotProps,
  width: number,
  placeOf: (i: number) => number | undefined,
) {
  const colourOf = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(name);
  const zone = me.value?.campus.timezone;
  const shared = { stroke: colourOf('--quiet'), grid: { stroke: colourOf('--line'), width: 1 } };
  return {
    width,
    height: HEIGHT,
    // Half of a time may stand beyond the last one.
    padding: [null, lines.some(({ side }) => side === 'right') ? null : LABEL_HALF, null, null],
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    ...(zone !== undefined && { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), zone) }),
    scales: {
      x: { range: (_own: uPlot, from: number, to: number) => [Math.min(from, to - SHOWN_MIN_S), to] },
      ...Object.fromEntries(
        lines.map(({ side, least }): [string, uPlot.Scale] => [
          side,
          { range: (_own, _low, high) => [0, Math.max(least, high)] },
        ]),
      ),
    },
    axes: [
      { ...shared, space: 90, values: (_own, splits) => splits.map((one) => timeOf(one * 1000)) },
      ...lines
        .filter(({ second }) => second !== true)
        .map(({ side, words, steps }) => ({
          ...shared,
          scale: side,
          side: side === 'left' ? 3 : 1,
          size: 64,
          incrs: [...steps],
          ...(side === 'right' && { grid: { show: false } }),
          values: (_own: uPlot, splits: number[]) => splits.map((one) => words(one)),
        })),
    ],
    series: [
      {},
      ...lines.map(({ name, colour, side, second }) => ({
        label: name,
        scale: side,
        stroke: colourOf(colour),
        width: 2,
        ...((side === 'right' || second === true) && { dash: [6, 4] }),
        points: { show: false },
      })),
    ],
    hooks: {
      setCursor: [
        ({ cursor: { idx } }) => onPoint(idx === null || idx === undefined ? undefined : placeOf(idx)),
      ],
    },
  } satisfies uPlot.Options;
}

export function Plot(props: PlotProps) {
  const own = useRef<HTMLDivElement>(null);
  const { at, values, gapMs, lines, said } = props;
  useEffect(() => {
    const box = own.current;
    if (box === null) return undefined;
    addStyle();
    const { places, data } = columnsOf(at, values, gapMs);
    const plot = new uPlot(
      optionsOf(props, box.clientWidth, (i) => places[i]),
      data,
      box,
    );
    const sizes = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT }));
    sizes.observe(box);
    // The colours are those of the theme at the moment of drawing.
    const redraw = () => plot.redraw();
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', redraw);
    return () => {
      sizes.disconnect();
      themes.disconnect();
      scheme.removeEventListener('change', redraw);
      plot.destroy();
    };
  }, [at, values, lines]);
  return html`<div class="plot" role="img" aria-label=${said} ref=${own}></div>`;
}
