/** The picture of the plan, as large as is wished, in a box that scrolls. */
import type { Plan } from '../../../contract/plan.ts';
import { type Children, html, useSignal } from '../../kit/html.ts';
import { t } from '../../kit/words.ts';
import { plan as words } from '../../words/plan.ts';

const ZOOM = { least: 1, most: 6, step: 1.5 };

interface PictureProps extends Children {
  readonly picture: NonNullable<Plan['picture']>;
  /** Where it was clicked, of its width and height. */
  readonly onPoint?: ((at: { readonly x: number; readonly y: number }) => void) | undefined;
}

/** Of the picture's width and height; never outside. */
export function pointOf(
  box: Element,
  { clientX, clientY }: { readonly clientX: number; readonly clientY: number },
) {
  const { left, top, width, height } = box.getBoundingClientRect();
  const within = (value: number) => Math.min(1, Math.max(0, value));
  return { x: within((clientX - left) / width), y: within((clientY - top) / height) };
}

export function PictureBox({ picture: { id, width, height }, onPoint, children }: PictureProps) {
  const zoom = useSignal(1);
  const broken = useSignal(false);
  const zoomBy = (factor: number) => () => {
    zoom.value = Math.min(ZOOM.most, Math.max(ZOOM.least, zoom.value * factor));
  };
  const clicked = (event: MouseEvent) => onPoint?.(pointOf(event.currentTarget as Element, event));
  // What is placed by the pointer is placed by the keyboard from the list beside it.
  return html`<div class="plan">
    <div class="plan-zoom buttons">
      <button type="button" onClick=${zoomBy(1 / ZOOM.step)} disabled=${zoom.value <= ZOOM.least} aria-label=${t(words.smaller)}>−</button>
      <button type="button" onClick=${zoomBy(ZOOM.step)} disabled=${zoom.value >= ZOOM.most} aria-label=${t(words.larger)}>+</button>
    </div>
    <div class="plan-scroll" tabindex="0" role="group" aria-label=${t(words.picture)}>
      <div class="plan-picture${onPoint ? ' pointing' : ''}" style=${{ width: `${zoom.value * 100}%` }} onClick=${clicked}>
        <img src="/api/plan/pictures/${id}" alt="" width=${width} height=${height} draggable=${false} onError=${() => {
          broken.value = true;
        }} />
        ${children}
      </div>
    </div>
    ${broken.value && html`<p class="problem" role="alert">${t(words.broken)}</p>`}
  </div>`;
}
