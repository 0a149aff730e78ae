/** What happened: searched, page by page, and taken along as a file. */
import type { EventsPage as Answer, FoundEvent } from '../../contract/events.ts';
import { get } from '../kit/api.ts';
import { momentOf } from '../kit/format.ts';
import { html, useSignal } from '../kit/html.ts';
import { may } from '../kit/me.ts';
import { ActionButton, Empty, Table, waitingFor } from '../kit/parts.ts';
import { label, language, t } from '../kit/words.ts';
import { events as words } from '../words/events.ts';
import { type Persons, whatOf, whereOf } from './events/data.ts';
import { Filters, isUpToNow, questionNow } from './events/filters.ts';
import { toneOf, useNewest } from './events/newest.ts';

const rowOf = (event: FoundEvent, persons: Persons) => ({
  key: event.sequence,
  class: toneOf(event.type),
  cells: [
    html`<a href="/events/${event.sequence}"><time datetime=${event.time}>${momentOf(event.time)}</time></a>`,
    label('type', event.type),
    whereOf(event),
    event.unreadable ? t(words.unreadable) : whatOf(event, persons),
  ],
});

export function EventsPage() {
  const question = questionNow();
  return html`<h1>${t(words.title)}</h1>
    <${Filters}><${Files} question=${question} /><//>
    <${Results} key=${question} question=${question} />`;
}

const Files = ({ question }: { readonly question: string }) => {
  const file = (format: 'csv' | 'json') =>
    html`<a class="button" download href="/api/events/export?${question}&format=${format}&language=${language.value}" title=${t(words.exportHint)}>${t(words[format])}</a>`;
  return may('export') && html`${file('csv')} ${file('json')}`;
};

function Results({ question }: { readonly question: string }) {
  const older = useSignal<readonly Answer[]>([]);
  const resource = useNewest(question, () => older.peek().length === 0 && isUpToNow());
  const newest = resource.data.value;
  const waiting = waitingFor(resource);
  if (newest === undefined) return waiting ?? null;
  const pages = [newest, ...older.value];
  const last = pages.at(-1);
  const more = async () => {
    if (last?.next === null || last === undefined) return;
    const page = await get<Answer>(`/api/events?${question}&before=${last.next}`);
    older.value = [...older.value, page];
  };
  const rows = pages.flatMap(({ events, persons }) => events.map((event) => rowOf(event, persons)));
  return html`<section aria-label=${t(words.found)}>
    ${newest.behind > 0 && html`<p class="card warn" role="status">${t(words.behind, { n: newest.behind })}</p>`}
    ${
      rows.length === 0
        ? html`<${Empty}>${t(words.none)}<//>`
        : html`<${Table} caption=${t(words.found)} heads=${[t(words.time), t(words.event), t(words.where), t(words.what)]} rows=${rows} />`
    }
    ${last?.next && html`<p class="buttons"><${ActionButton} act=${more}>${t(words.older)}<//></p>`}
  </section>`;
}
