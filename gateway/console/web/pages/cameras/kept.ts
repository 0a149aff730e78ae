/** What is kept of a camera: clips around alarms. */
import type { Camera, Clips as Told } from '../../../contract/cameras.ts';
import { command, get } from '../../kit/api.ts';
import { bytesOf, momentOf, spanOf, timeOf } from '../../kit/format.ts';
import { html, useSignal } from '../../kit/html.ts';
import { nameOf } from '../../kit/me.ts';
import { ActionButton, waitingFor } from '../../kit/parts.ts';
import { useResource } from '../../kit/resource.ts';
import { t } from '../../kit/words.ts';
import { cameras as words } from '../../words/cameras.ts';

type Clip = Told['clips'][number];

/** A picture now, and a clip of what was and will be. */
export function Taking({ camera: { id, actions, clips } }: { readonly camera: Camera }) {
  const taken = useSignal<{ readonly picture: string; readonly at: number } | undefined>(undefined);
  const comes = useSignal<string | undefined>(undefined);
  const snapshot = async () => {
    const { result } = await command(id, 'snapshot');
    const picture = result?.['picture'];
    if (typeof picture === 'string') taken.value = { picture, at: Date.now() };
  };
  const keep = async () => {
    const { result } = await command(id, 'clip');
    comes.value = typeof result?.['ready'] === 'string' ? result['ready'] : undefined;
  };
  const caption = taken.value && t(words.taken, { time: timeOf(taken.value.at) });
  return html`<div class="buttons">
      ${actions.includes('snapshot') && html`<${ActionButton} tone="main" act=${snapshot}>${t(words.snapshot)}<//>`}
      ${clips && html`<${ActionButton} act=${keep}>${t(words.clip)}<//>`}
      <span role="status">${comes.value !== undefined && t(words.clipComes, { time: timeOf(comes.value) })}</span>
    </div>
    ${
      taken.value !== undefined &&
      html`<figure><a href="/api/media/${taken.value.picture}" target="_blank" rel="noreferrer">
        <img class="taken" src="/api/media/${taken.value.picture}" alt="${nameOf(id)}: ${caption}" /></a><figcaption>${caption}</figcaption></figure>`
    }`;
}

function ClipRow({
  clip: { id, from, to, bytes, event },
  camera,
}: {
  readonly clip: Clip;
  readonly camera: string;
}) {
  const open = useSignal(false);
  const name = momentOf(from);
  return html`<li>
    <div class="buttons">
      <button type="button" aria-expanded=${open.value} onClick=${() => {
        open.value = !open.value;
      }}>${t(open.value ? words.hide : words.play)}<span class="hidden"> ${name}</span></button>
      <span>${name}</span> <span class="quiet">${spanOf(Date.parse(to) - Date.parse(from))} · ${bytesOf(bytes)}</span>
      ${event !== undefined && html`<a href="/events/${event}">${t(words.alarm)}</a>`}
      <a href="/api/media/${id}" download="${camera}-${from.replaceAll(':', '')}.mp4">${t(words.download)}</a>
    </div>
    ${open.value && html`<video controls autoplay muted playsinline src="/api/media/${id}" aria-label="${nameOf(camera)}: ${name}"></video>`}
  </li>`;
}

export function Clips({ camera: { id, clips: isKept } }: { readonly camera: Camera }) {
  const path = `/api/cameras/${encodeURIComponent(id)}/clips`;
  const resource = useResource<Told>(path, { on: ['media.kept'] });
  const older = useSignal<readonly Clip[]>([]);
  const left = useSignal<number | undefined>(undefined);
  const { data } = resource;
  // What is new may be among the older ones already.
  const newest = data.value?.clips ?? [];
  const all = [...newest, ...older.value.filter((one) => !newest.some((other) => other.id === one.id))];
  const more = left.value ?? data.value?.more ?? 0;
  const load = async () => {
    const next = await get<Told>(`${path}?before=${encodeURIComponent(all.at(-1)?.from ?? '')}`);
    older.value = [...older.value, ...next.clips];
    left.value = next.more;
  };
  return html`<section aria-labelledby="clips">
    <h2 id="clips">${t(words.clips)}</h2>
    ${waitingFor(resource)}
    ${!isKept && html`<p class="quiet">${t(words.noClipsKept)}</p>`}
    ${data.value !== undefined && all.length === 0 && isKept && html`<p class="quiet">${t(words.noClips)}</p>`}
    <ul class="plain">${all.map((clip) => html`<${ClipRow} key=${clip.id} clip=${clip} camera=${id} />`)}</ul>
    ${more > 0 && html`<${ActionButton} act=${load}>${t(words.older)} (${more})<//>`}
  </section>`;
}
