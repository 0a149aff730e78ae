/** The newest events, as they come. */
import type { EventsPage } from '../../../contract/events.ts';
import { shortOf } from '../../kit/format.ts';
import { html, useEffect } from '../../kit/html.ts';
import { Empty, Table, waitingFor } from '../../kit/parts.ts';
import { type Resource, useResource } from '../../kit/resource.ts';
import { onEvent } from '../../kit/stream.ts';
import { label, t } from '../../kit/words.ts';
import { words as alarmWords } from '../../words/alarms.ts';
import { common } from '../../words/common.ts';
import { events as words } from '../../words/events.ts';
import { whereOf } from './data.ts';

/** In a flood the newest are asked for this often, no matter how many come; twenty pages are open. */
const FOLLOW_MS = 3000;
/** And one that comes alone is seen so soon. */
const LOOK_MS = 500;

export const toneOf = (type: string) => (type === 'alarm.raised' || type === 'access.forced' ? 'alarm' : '');

/** The newest of what is looked for, as long as nobody has gone on to older ones. */
export function useNewest(question: string, isRead: () => boolean): Resource<EventsPage> {
  const resource = useResource<EventsPage>(`/api/events?${question}`);
  useEffect(() => {
    let isNews = false;
    let askedAt = performance.now();
    const stop = onEvent(() => {
      isNews = true;
    });
    const ticking = setInterval(() => {
      // As long as the index is being made, each look finds more.
      const isOnItsWay = (resource.data.peek()?.behind ?? 0) > 0;
      if (!(isNews || isOnItsWay) || !isRead() || document.hidden) return;
      if (performance.now() - askedAt < FOLLOW_MS) return;
      isNews = false;
      askedAt = performance.now();
      void resource.again();
    }, LOOK_MS);
    return () => {
      stop();
      clearInterval(ticking);
    };
  }, [question]);
  return resource;
}

const always = () => true;
/** Below the alarms: that things arrive at all, for who sets up a school and for who wonders. */
export function Happening() {
  const newest = useNewest('limit=20', always);
  const found = newest.data.value;
  const rows = found?.events.map((event) => ({
    key: event.sequence,
    class: toneOf(event.type),
    cells: [
      html`<a href="/events/${event.sequence}"><time datetime=${event.time}>${shortOf(event.time)}</time></a>`,
      label('type', event.type),
      whereOf(event),
    ],
  }));
  const title = t(alarmWords.happens);
  return html`<section class="happening" aria-label=${title}><h2>${title}</h2>
    ${waitingFor(newest)}
    ${rows?.length === 0 && html`<${Empty}>${t(common.none)}<//>`}
    ${rows !== undefined && rows.length > 0 && html`<${Table} id="events" caption=${title} heads=${[t(words.time), t(words.event), t(words.where)]} rows=${rows} />`}
  </section>`;
}
