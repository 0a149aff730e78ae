/** One camera: live, turned by hand or to a preset, and what is kept of it. */
import { html } from '../kit/html.ts';
import { LivePicture } from '../kit/live.ts';
import { Empty, waitingFor } from '../kit/parts.ts';
import { query } from '../kit/router.ts';
import { t } from '../kit/words.ts';
import { cameras as words } from '../words/cameras.ts';
import { Clips, Taking } from './cameras/kept.ts';
import { Pictures } from './cameras/pictures.ts';
import { Presets } from './cameras/presets.ts';
import { Turn } from './cameras/turn.ts';
import { CameraState, useCameras } from './cameras.ts';

export function CameraPage({ camera: id = '' }: Readonly<Record<string, string>>) {
  const resource = useCameras();
  const waiting = waitingFor(resource);
  if (waiting !== undefined) return waiting;
  const camera = resource.data.value?.cameras.find((one) => one.id === id);
  if (camera === undefined) return html`<${Empty}>${t(words.notThere, { name: id })}<//>`;
  const { name, turns, actions } = camera;
  const isTurned = turns !== false;
  return html`<p><a href="/cameras">${t(words.back)}</a> · <a href="/devices/${encodeURIComponent(id)}">${t(words.device)}</a></p>
    <h1>${name}</h1>
    <${CameraState} camera=${camera} />
    <div class="camera">
    <div>
      <${LivePicture} camera=${id} form=${query('form') === 'jsmpeg' ? 'jsmpeg' : undefined} />
      <${Taking} camera=${camera} />
    </div>
    <div>
      ${isTurned && actions.includes('move') && html`<div class="card"><${Turn} camera=${id} /></div>`}
      ${isTurned && actions.includes('preset') && html`<div class="card"><${Presets} camera=${camera} /></div>`}
    </div>
    </div>
    <${Pictures} camera=${id} />
    <${Clips} camera=${camera} />`;
}
