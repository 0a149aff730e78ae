/** Turning a camera by hand: for as long as a button is held, by pointer or by keyboard. */
import { command } from '../../kit/api.ts';
import { html, useEffect, useRef, useSignal } from '../../kit/html.ts';
import { wordsOf } from '../../kit/parts.ts';
import { t, type Word } from '../../kit/words.ts';
import { cameras as words } from '../../words/cameras.ts';

/** Of the fastest. */
const SPEED = 0.5;
/** A camera whose page is gone stops by itself after this, s; while a button is held it is told again before, ms. */
const FOR_S = 5;
const RENEW_MS = 4000;

interface Direction {
  readonly word: Word;
  readonly sign: string;
  readonly velocity: { readonly pan?: number; readonly tilt?: number; readonly zoom?: number };
}
const directions: readonly Direction[] = [
  { word: words.left, sign: '◀', velocity: { pan: -SPEED } },
  { word: words.up, sign: '▲', velocity: { tilt: SPEED } },
  { word: words.down, sign: '▼', velocity: { tilt: -SPEED } },
  { word: words.right, sign: '▶', velocity: { pan: SPEED } },
  { word: words.zoomIn, sign: '＋', velocity: { zoom: SPEED } },
  { word: words.zoomOut, sign: '－', velocity: { zoom: -SPEED } },
];

export function Turn({ camera }: { readonly camera: string }) {
  const wrong = useSignal<string | undefined>(undefined);
  const renewing = useRef<ReturnType<typeof setInterval> | undefined>(undefined);
  const tell = (action: 'move' | 'halt', wanted: object = {}) =>
    command(camera, action, wanted).then(
      () => {
        wrong.value = undefined;
      },
      (error: unknown) => {
        wrong.value = wordsOf(error);
      },
    );
  const begin = ({ velocity }: Direction) => {
    if (renewing.current !== undefined) return;
    const move = () => void tell('move', { ...velocity, for: FOR_S });
    renewing.current = setInterval(move, RENEW_MS);
    move();
  };
  const end = () => {
    if (renewing.current === undefined) return;
    clearInterval(renewing.current);
    renewing.current = undefined;
    void tell('halt');
  };
  // A page that is left, or a button that is let go outside of the window.
  useEffect(() => {
    addEventListener('blur', end);
    return () => {
      removeEventListener('blur', end);
      end();
    };
  }, [camera]);
  const isPress = ({ key }: KeyboardEvent) => key === ' ' || key === 'Enter';
  return html`<section aria-labelledby="turn">
    <h2 id="turn">${t(words.turn)}</h2><p class="quiet">${t(words.turning)}</p>
    <div class="buttons turn">${directions.map(
      (one) =>
        html`<button key=${one.sign} type="button" aria-label=${t(one.word)} title=${t(one.word)}
          onPointerDown=${(event: PointerEvent) => {
            if (event.button !== 0) return;
            (event.currentTarget as Element).setPointerCapture(event.pointerId);
            begin(one);
          }}
          onPointerUp=${end} onPointerCancel=${end} onContextMenu=${(event: Event) => event.preventDefault()}
          onKeyDown=${(event: KeyboardEvent) => {
            if (!isPress(event)) return;
            event.preventDefault();
            begin(one);
          }}
          onKeyUp=${(event: KeyboardEvent) => isPress(event) && end()} onBlur=${end}>${one.sign}</button>`,
    )}</div>
    ${wrong.value !== undefined && html`<p class="wrong" role="alert">${wrong.value}</p>`}
  </section>`;
}
