/** All cameras, some of them live beside each other. */
import type { Camera } from '../../contract/cameras.ts';
import { html, type Signal, useSignal } from '../kit/html.ts';
import { LivePicture } from '../kit/live.ts';
import { Badge, Empty, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { cameras as words } from '../words/cameras.ts';

/** A browser decodes so many at once without trouble on the machine of a gatehouse, and the gateway pulls as many. */
const WATCHED_MAX = 4;
/** That a camera turns, or answers again, is told of no other way for each. */
const LOOK_MS = 10_000;

export const useCameras = () =>
  useResource<{ readonly cameras: readonly Camera[] }>('/api/cameras', {
    on: ['device.', 'video.signal-lost', 'video.tampered'],
    every: LOOK_MS,
  });

const tones = { online: 'good', offline: 'bad', unknown: 'quiet' } as const;
function stateOf(online: boolean | null): keyof typeof tones {
  if (online === null) return 'unknown';
  return online ? 'online' : 'offline';
}

export const CameraState = ({ camera: { online, area, maker, model } }: { readonly camera: Camera }) =>
  html`<span class="line"><${Badge} tone=${tones[stateOf(online)]}>${label('state', stateOf(online))}<//>
    ${area && html`<span class="quiet">${t(words.sees, { area: area.name })}</span>`}
    <span class="quiet">${[maker, model].filter(Boolean).join(' ')}</span></span>`;

interface CardProps {
  readonly camera: Camera;
  readonly watched: Signal<readonly string[]>;
}
function Card({ camera, watched }: CardProps) {
  const { id, name } = camera;
  const isWatched = watched.value.includes(id);
  const toggle = () => {
    watched.value = isWatched ? watched.value.filter((one) => one !== id) : [...watched.value, id];
  };
  return html`<article class="card" aria-label=${name}>
    <h2><a href="/cameras/${encodeURIComponent(id)}">${name}</a></h2>
    <${CameraState} camera=${camera} />
    ${isWatched && html`<${LivePicture} camera=${id} />`}
    <p class="buttons"><button type="button" aria-pressed=${isWatched} disabled=${!isWatched && watched.value.length >= WATCHED_MAX}
      onClick=${toggle}>${t(isWatched ? words.stop : words.watch)}<span class="hidden"> ${name}</span></button></p>
  </article>`;
}

export function CamerasPage() {
  const resource = useCameras();
  const watched = useSignal<readonly string[]>([]);
  const cameras = resource.data.value?.cameras;
  return html`<h1>${t(words.title)}</h1>
    ${waitingFor(resource)}
    ${cameras?.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    ${(cameras?.length ?? 0) > WATCHED_MAX && html`<p class="quiet">${t(words.watchMax, { n: WATCHED_MAX })}</p>`}
    <div class="cards">${cameras?.map((camera) => html`<${Card} key=${camera.id} camera=${camera} watched=${watched} />`)}</div>`;
}
