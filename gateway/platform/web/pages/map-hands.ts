/** A map is moved by what points at it: a mouse, its wheel, one finger or two. */
import { type Look, moved, zoomed } from '../clusters.ts';

/** What a finger trembles is no move. */
const STILL_PX = 4;
const WHEEL = 0.0015;
const LINE_PX = 16;

interface Hand {
  readonly x: number;
  readonly y: number;
}
const middleOf = (hands: readonly Hand[]): Hand => ({
  x: hands.reduce((sum, { x }) => sum + x, 0) / hands.length,
  y: hands.reduce((sum, { y }) => sum + y, 0) / hands.length,
});
const apart = ([one, other]: readonly Hand[]): number =>
  one === undefined || other === undefined ? 1 : Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));

/** Calls with what is to become of the look, until the function it gives is called. */
export function followHands(room: HTMLElement, change: (next: (look: Look) => Look) => void): () => void {
  const hands = new Map<number, Hand>();
  let begun: Hand | undefined;
  let isMoving = false;
  /** From the middle of the room. */
  const placeOf = ({ clientX, clientY }: MouseEvent): Hand => {
    const { left, top, width, height } = room.getBoundingClientRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0 || (event.target as Element).closest('.chosen') !== null) return;
    hands.set(event.pointerId, placeOf(event));
    begun = placeOf(event);
    isMoving = false;
  };
  const move = (event: PointerEvent) => {
    const before = [...hands.values()];
    if (!hands.has(event.pointerId)) return;
    const now = placeOf(event);
    if (
      !isMoving &&
      hands.size === 1 &&
      begun !== undefined &&
      Math.hypot(now.x - begun.x, now.y - begun.y) < STILL_PX
    )
      return;
    if (!isMoving) {
      isMoving = true;
      room.setPointerCapture(event.pointerId);
    }
    hands.set(event.pointerId, now);
    const after = [...hands.values()];
    const [from, to] = [middleOf(before), middleOf(after)];
    const factor = after.length < 2 ? 1 : apart(after) / apart(before);
    change((look) => zoomed(moved(look, to.x - from.x, to.y - from.y), factor, to));
  };
  const up = ({ pointerId }: PointerEvent) => void hands.delete(pointerId);
  // What was moved was not clicked.
  const click = (event: MouseEvent) => {
    if (!isMoving) return;
    isMoving = false;
    event.stopPropagation();
    event.preventDefault();
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const by = event.deltaY * (event.deltaMode === 0 ? 1 : LINE_PX);
    change((look) => zoomed(look, Math.exp(-by * WHEEL), placeOf(event)));
  };
  const stop = new AbortController();
  const { signal } = stop;
  room.addEventListener('pointerdown', down, { signal });
  room.addEventListener('pointermove', move, { signal });
  for (const kind of ['pointerup', 'pointercancel', 'lostpointercapture'] as const)
    room.addEventListener(kind, up, { signal });
  room.addEventListener('click', click, { signal, capture: true });
  room.addEventListener('wheel', wheel, { signal, passive: false });
  return () => stop.abort();
}
