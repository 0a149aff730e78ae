/** The pictures that were kept of a camera, the newest first, and what each is of. */
import type { EventsPage, FoundEvent } from '../../../contract/events.ts';
import { get } from '../../kit/api.ts';
import { shortOf } from '../../kit/format.ts';
import { html, useSignal } from '../../kit/html.ts';
import { ActionButton, waitingFor } from '../../kit/parts.ts';
import { useResource } from '../../kit/resource.ts';
import { label, t } from '../../kit/words.ts';
import { cameras as words } from '../../words/cameras.ts';
import { common } from '../../words/common.ts';

const SHOWN = 24;

interface Kept {
  readonly picture: string;
  readonly contentType: string;
  readonly event?: string;
  readonly of?: string;
}
const keptIn = ({ data }: FoundEvent) => data as unknown as Kept;
const isPicture = (event: FoundEvent) => keptIn(event).contentType?.startsWith('image/') === true;

function Thumbnail({ event }: { readonly event: FoundEvent }) {
  const { picture, event: alarm, of } = keptIn(event);
  const time = shortOf(event.time);
  return html`<li><a href="/api/media/${picture}" target="_blank" rel="noreferrer"><img loading="lazy" src="/api/media/${picture}" alt=${t(words.pictureOf, { time })} /></a>
    <small>${time}</small> ${alarm !== undefined && html`<small><a href="/events/${alarm}">${of === undefined ? t(words.alarm) : label('type', of)}</a></small>`}</li>`;
}

export function Pictures({ camera }: { readonly camera: string }) {
  const path = `/api/events?types=media.kept&device=${encodeURIComponent(camera)}&limit=${SHOWN}`;
  const resource = useResource<EventsPage>(path, { on: ['media.kept'] });
  const older = useSignal<readonly FoundEvent[]>([]);
  /** Where the next page begins, once older ones were asked for. */
  const following = useSignal<string | null | undefined>(undefined);
  const { data } = resource;
  const newest = data.value?.events ?? [];
  const known = new Set(newest.map(({ sequence }) => sequence));
  const all = [...newest, ...older.value.filter(({ sequence }) => !known.has(sequence))].filter(isPicture);
  const next = following.value === undefined ? data.value?.next : following.value;
  const load = async () => {
    const page = await get<EventsPage>(`${path}&before=${next}`);
    older.value = [...older.value, ...page.events];
    following.value = page.next;
  };
  return html`<section aria-labelledby="pictures">
    <h2 id="pictures">${t(words.pictures)}</h2>
    ${waitingFor(resource)}
    ${data.value !== undefined && all.length === 0 && html`<p class="quiet">${t(words.noPictures)}</p>`}
    <ul class="pictures">${all.map((event) => html`<${Thumbnail} key=${event.sequence} event=${event} />`)}</ul>
    ${next !== null && next !== undefined && html`<${ActionButton} act=${load}>${t(common.more)}<//>`}
  </section>`;
}
