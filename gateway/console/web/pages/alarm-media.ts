/** Pictures and clips of one thing that alarmed: of many the newest is seen, the others are small and lead to the whole. */
import type { Alarm, Picture } from '../../contract/alarms.ts';
import { command } from '../kit/api.ts';
import { html, useSignal } from '../kit/html.ts';
import { LivePicture } from '../kit/live.ts';
import { may, nameOf } from '../kit/me.ts';
import { ActionButton } from '../kit/parts.ts';
import { t } from '../kit/words.ts';
import { words } from '../words/alarms.ts';

const isClip = ({ contentType }: Picture) => contentType.startsWith('video/');
const sourceOf = ({ reference }: Picture) => `/api/media/${reference}`;

/** The newest first. */
const picturesOf = ({ raisings }: Alarm): readonly Picture[] =>
  raisings.flatMap(({ pictures }) => [...pictures].reverse());

const Large = ({ picture }: { readonly picture: Picture }) => {
  const source = sourceOf(picture);
  const camera = nameOf(picture.device);
  return isClip(picture)
    ? html`<figure><video controls muted preload="metadata" src=${source} aria-label=${t(words.clip, { camera })}></video><figcaption>${t(words.clip, { camera })}</figcaption></figure>`
    : html`<figure><a href=${source} target="_blank" rel="noopener"><img src=${source} alt=${t(words.picture, { camera })} loading="lazy" /></a><figcaption>${camera}</figcaption></figure>`;
};

const Small = ({ picture }: { readonly picture: Picture }) => {
  const source = sourceOf(picture);
  const camera = nameOf(picture.device);
  return html`<li><a href=${source} target="_blank" rel="noopener">${
    isClip(picture)
      ? html`<span aria-hidden="true">▶</span><span class="hidden">${t(words.clip, { camera })}</span>`
      : html`<img src=${source} alt=${t(words.picture, { camera })} loading="lazy" />`
  }</a></li>`;
};

/** A zone that alarms all night has dozens: so many are seen before somebody asks for the rest. */
const SMALL_MAX = 5;
function Thumbnails({ pictures }: { readonly pictures: readonly Picture[] }) {
  const all = useSignal(false);
  if (pictures.length === 0) return undefined;
  const shown = all.value ? pictures : pictures.slice(0, SMALL_MAX);
  const left = pictures.length - shown.length;
  return html`<div class="thumbnails"><ul>${shown.map((picture) => html`<${Small} key=${picture.reference} picture=${picture} />`)}</ul>
    ${
      left > 0 &&
      html`<button type="button" class="plain" onClick=${() => {
        all.value = true;
      }}>${t(words.morePictures, { n: left })}</button>`
    }
  </div>`;
}

/** What a card that is not open shows. */
export const SeenSmall = ({ alarm }: { readonly alarm: Alarm }) =>
  may('pictures') && html`<${Thumbnails} pictures=${picturesOf(alarm)} />`;

/** So long after it began an alarm is looked at live without being asked. */
const LIVE_MS = 600_000;
/** Pictures and clips, and the cameras that see the place. */
export function Seen({ alarm }: { readonly alarm: Alarm }) {
  if (!may('pictures')) return undefined;
  const pictures = picturesOf(alarm);
  // A clip is asked for; a picture is seen at a glance.
  const large = pictures.find((one) => !isClip(one)) ?? pictures[0];
  const { cameras } = alarm;
  const [newest] = alarm.raisings;
  const [first] = cameras;
  const isNew = newest !== undefined && Date.now() - Date.parse(newest.seenAt) < LIVE_MS;
  // A camera that everybody looks at for days because nobody closed an alarm is of no use.
  const live = useSignal(alarm.active || isNew ? first?.id : undefined);
  const look = (camera: string) => () => command(camera, 'snapshot', { event: newest?.id });
  const watch = (camera: string) => () => {
    live.value = live.value === camera ? undefined : camera;
  };
  if (pictures.length === 0 && cameras.length === 0) return undefined;
  return html`<section class="seen">
    ${live.value !== undefined && html`<${LivePicture} key=${live.value} camera=${live.value} />`}
    ${large !== undefined && html`<${Large} key=${large.reference} picture=${large} />`}
    <${Thumbnails} pictures=${pictures.filter((one) => one !== large)} />
    <p class="buttons">${cameras.map(
      ({ id, name = id }) => html`<span key=${id} class="buttons">
        <button type="button" aria-pressed=${live.value === id} onClick=${watch(id)}>${t(words.live, { camera: name })}</button>
        <${ActionButton} act=${look(id)}>${t(words.snapshot, { camera: name })}<//>
      </span>`,
    )}</p>
  </section>`;
}
