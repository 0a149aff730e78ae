/** Placing things on the plan, by pointer or by keyboard alone. Nothing is saved before it is said. */
import type { Place, Plan, Thing } from '../../../contract/plan.ts';
import { ApiError, get, put } from '../../kit/api.ts';
import { html, type Signal, useEffect, useRef, useSignal } from '../../kit/html.ts';
import { ActionButton, FieldOf } from '../../kit/parts.ts';
import { useResource } from '../../kit/resource.ts';
import { t } from '../../kit/words.ts';
import { common } from '../../words/common.ts';
import { placeKinds, plan as words } from '../../words/plan.ts';
import { PictureBox, pointOf } from './picture.ts';
import { placeAt, Sign } from './pin.ts';

type Named = Place & { readonly name: string };
type Move = (change: { readonly x: number; readonly y: number } | undefined) => void;

const keyOf = ({ kind, id }: Pick<Place, 'kind' | 'id'>) => `${kind} ${id}`;
/** Of the width or the height, for one press of an arrow key; with Shift the second. */
const STEP = 0.004;
const LONG_STEP = 0.04;
/** A finger that trembles does not move a thing, px. */
const TREMBLE = 4;
/** So many are listed at once. */
const LISTED_MAX = 50;

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const within = (value: number) => Math.min(1, Math.max(0, value));

interface HandleProps {
  readonly one: Named;
  readonly chosen: boolean;
  readonly choose: () => void;
  /** undefined: off the plan. */
  readonly move: Move;
}
/** A thing that can be moved. */
function Handle({ one, chosen, choose, move }: HandleProps) {
  const own = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (chosen) own.current?.focus();
  }, [chosen]);
  const keyed = (event: KeyboardEvent) => {
    const arrow = arrows[event.key];
    const isOff = event.key === 'Delete' || event.key === 'Backspace';
    if (arrow === undefined && !isOff) return;
    event.preventDefault();
    if (arrow === undefined) return move(undefined);
    const step = event.shiftKey ? LONG_STEP : STEP;
    move({ x: within(one.x + arrow[0] * step), y: within(one.y + arrow[1] * step) });
  };
  const begin = (down: PointerEvent) => {
    choose();
    const button = down.currentTarget as HTMLElement;
    const box = button.parentElement;
    if (box === null || down.button !== 0) return;
    button.setPointerCapture(down.pointerId);
    let dragged = false;
    const drag = (event: PointerEvent) => {
      dragged ||= Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > TREMBLE;
      if (dragged) move(pointOf(box, event));
    };
    const end = () => {
      button.removeEventListener('pointermove', drag);
      button.removeEventListener('pointerup', end);
      button.removeEventListener('pointercancel', end);
    };
    button.addEventListener('pointermove', drag);
    button.addEventListener('pointerup', end);
    button.addEventListener('pointercancel', end);
  };
  return html`<button type="button" ref=${own} class="pin handle named${chosen ? ' chosen' : ''}" style=${placeAt(one)}
    aria-label="${t(placeKinds[one.kind])}: ${one.name}" aria-pressed=${chosen} data-place=${keyOf(one)}
    onPointerDown=${begin} onKeyDown=${keyed} onFocus=${choose} onClick=${(event: Event) => event.stopPropagation()}>
    <${Sign} kind=${one.kind} /><span class="name" aria-hidden="true">${one.name}</span></button>`;
}

interface ListProps {
  readonly left: readonly Thing[];
  readonly inHand: Signal<Thing | undefined>;
  readonly place: (at: { readonly x: number; readonly y: number }) => void;
}
/** What is not placed yet. */
function ToPlace({ left, inHand, place }: ListProps) {
  const wanted = useSignal('');
  const text = wanted.value.trim().toLowerCase();
  const found = left.filter(({ name, id, kind }) =>
    [name, id, t(placeKinds[kind])].some((word) => word.toLowerCase().includes(text)),
  );
  return html`<section class="plan-things" aria-labelledby="plan-to-place">
    <h2 id="plan-to-place">${t(words.toPlace)}</h2>
    <${FieldOf} label=${t(words.search, { n: left.length })}>
      <input type="search" value=${wanted.value} onInput=${(event: Event) => {
        wanted.value = (event.target as HTMLInputElement).value;
      }} />
    <//>
    ${found.length === 0 && html`<p class="quiet">${t(words.allPlaced)}</p>`}
    <ul class="plain">${found.slice(0, LISTED_MAX).map((one) => {
      const isInHand = inHand.value === one;
      return html`<li key=${keyOf(one)}><button type="button" aria-pressed=${isInHand} data-thing=${keyOf(one)} onClick=${() => {
        inHand.value = isInHand ? undefined : one;
      }}><${Sign} kind=${one.kind} /> ${one.name} <span class="quiet">${t(placeKinds[one.kind])}</span></button>
      ${isInHand && html`<button type="button" class="main" onClick=${() => place({ x: 0.5, y: 0.5 })}>${t(words.middle)}</button>`}</li>`;
    })}</ul>
    ${found.length > LISTED_MAX && html`<p class="quiet">${t(words.moreThings, { n: found.length - LISTED_MAX })}</p>`}
  </section>`;
}

interface EditorProps {
  readonly plan: Plan;
  /** With what was saved; undefined: nothing was. */
  readonly onDone: (saved: Plan | undefined) => void;
}
export function PlanEditor({ plan: { version, picture, places: saved }, onDone }: EditorProps) {
  const things = useResource<{ readonly things: readonly Thing[] }>('/api/plan/things');
  // What comes of the stream meanwhile changes nothing here.
  const stands = useRef(version);
  const placed = useSignal<readonly Named[]>(
    saved.map(({ kind, id, x, y, name }) => ({ kind, id, x, y, name })),
  );
  const chosen = useSignal<string | undefined>(undefined);
  const inHand = useSignal<Thing | undefined>(undefined);
  const taken = new Set(placed.value.map(keyOf));
  const left = (things.data.value?.things ?? []).filter((one) => !taken.has(keyOf(one)));

  const place = (at: { readonly x: number; readonly y: number }) => {
    const thing = inHand.value;
    if (thing === undefined) return;
    const { kind, id, name } = thing;
    placed.value = [...placed.value, { kind, id, name, ...at }];
    chosen.value = keyOf(thing);
    inHand.value = undefined;
  };
  const move =
    (one: Named): Move =>
    (to) => {
      const key = keyOf(one);
      if (to === undefined) placed.value = placed.value.filter((other) => keyOf(other) !== key);
      else placed.value = placed.value.map((other) => (keyOf(other) === key ? { ...other, ...to } : other));
    };
  const save = async () => {
    const places = placed.value.map(({ kind, id, x, y }) => ({ kind, id, x, y }));
    try {
      onDone(await put<Plan>('/api/plan/places', { version: stands.current, places }));
    } catch (error) {
      // Who saves once more knows of it, and means it.
      if (error instanceof ApiError && error.code === 'changed-meanwhile')
        stands.current = (await get<Plan>('/api/plan')).version;
      throw error;
    }
  };
  const current = placed.value.find((one) => keyOf(one) === chosen.value);
  return html`<p>${t(words.editing)}</p>
    <div class="buttons">
      <${ActionButton} tone="main" act=${save}>${t(common.save)}<//>
      <${ActionButton} sure=${words.discardSure} act=${async () => onDone(undefined)}>${t(words.discard)}<//>
      <span class="quiet" role="status">${inHand.value ? t(words.inHand, { name: inHand.value.name }) : t(words.placed, { n: placed.value.length })}</span>
      ${
        current !== undefined &&
        html`<button type="button" class="danger" onClick=${() => move(current)(undefined)}>${t(words.takeOff, { name: current.name })}</button>`
      }
    </div>
    <div class="plan-editor">
      ${
        picture !== null &&
        html`<${PictureBox} key=${picture.id} picture=${picture} onPoint=${inHand.value && place}>${placed.value.map(
          (one) =>
            html`<${Handle} key=${keyOf(one)} one=${one} chosen=${keyOf(one) === chosen.value} move=${move(one)} choose=${() => {
              chosen.value = keyOf(one);
            }} />`,
        )}<//>`
      }
      <${ToPlace} left=${left} inHand=${inHand} place=${place} />
    </div>`;
}
