/** One event: what it was, and each step from the wire to the platforms. */
import type { EventLife, FoundEvent, PlatformStep } from '../../contract/events.ts';
import { momentOf, spanOf } from '../kit/format.ts';
import { html } from '../kit/html.ts';
import { may, nameOf } from '../kit/me.ts';
import { Badge, type Tone, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { events as words } from '../words/events.ts';
import {
  cardOf,
  childrenOf,
  factOf,
  membersOf,
  type Persons,
  personOf,
  textOf,
  whatOf,
  whereOf,
} from './events/data.ts';

/** How far it has come with a platform is told by no event. */
const LOOK_MS = 5000;

export function EventPage({ which }: Readonly<Record<string, string>>) {
  const resource = useResource<EventLife>(`/api/events/${which}`, {
    on: ['alarm.', 'media.'],
    every: LOOK_MS,
  });
  const { data, error } = resource;
  const back = html`<p><a href="/events">${t(words.back)}</a></p>`;
  if (error.value?.status === 404) return html`${back}<p class="problem">${t(words.notThere)}</p>`;
  const waiting = waitingFor(resource);
  const life = data.value;
  if (life === undefined) return html`${back}${waiting}`;
  const { event, persons } = life;
  return html`${back}
    <h1>${[label('type', event.type), label('kind', textOf(event.data['kind']))].filter(Boolean).join(': ')}</h1>
    <p class="line"><time datetime=${event.time}>${momentOf(event.time)}</time> <span>${whereOf(event)}</span></p>
    <${Facts} event=${event} persons=${persons} life=${life} />
    <h2>${t(words.life)}</h2><${Steps} life=${life} />
    <${Later} life=${life} />
    <${Codes} event=${event} />
    <${Raw} event=${event} />`;
}

const Fact = ({ name, value }: { readonly name: string; readonly value: unknown }) =>
  value !== undefined && value !== '' && value !== false && html`<dt>${name}</dt><dd>${value}</dd>`;

function Facts({
  event,
  persons,
  life,
}: {
  readonly event: FoundEvent;
  readonly persons: Persons;
  readonly life: EventLife;
}) {
  const { data, device } = event;
  const access = membersOf(data['access']);
  const visit = membersOf(data['visit']);
  const zone = membersOf(data['zone']);
  const fact = factOf(event);
  const holder = textOf(access['holder']);
  const host = textOf(visit['host']);
  const picture = textOf(data['picture']);
  const children = childrenOf(data);
  const reason = textOf(access['reason']);
  return html`<dl class="facts">
    <${Fact} name=${t(words.device)} value=${html`<a href="/devices/${encodeURIComponent(device)}">${nameOf(device)}</a>`} />
    <${Fact} name=${t(words.zone)} value=${[textOf(zone['number']), textOf(zone['id']), textOf(zone['name'])].filter(Boolean).join(' · ')} />
    <${Fact} name=${t(words.cause)} value=${label('cause', textOf(data['cause']))} />
    <${Fact} name=${t(words.reason)} value=${reason === undefined ? label('closeReason', textOf(fact['reason'])) : label('reason', reason)} />
    <${Fact} name=${t(words.card)} value=${cardOf(data)} />
    <${Fact} name=${t(words.holder)} value=${holder && personOf(holder, persons)} />
    <${Fact} name=${t(words.children)} value=${children.map((child) => personOf(child, persons)).join(', ')} />
    <${Fact} name=${t(words.visitor)} value=${textOf(visit['name'])} />
    <${Fact} name=${t(words.host)} value=${host && personOf(host, persons)} />
    <${Fact} name=${t(words.says)} value=${textOf(data['text'])} />
    <${Fact} name=${t(words.by)} value=${textOf(fact['by'])} />
    <${Fact} name=${t(words.note)} value=${textOf(fact['note'])} />
    <${Fact} name=${t(words.number)} value=${event.sequence} />
    <${Fact} name=${t(words.lane)} value=${label('lane', life.lane)} />
    <${Fact} name=${t(words.id)} value=${event.id} />
    ${life.about !== undefined && html`<${Fact} name=${t(words.about)} value=${html`<a href="/events/${life.about}">${life.about}</a>`} />`}
  </dl>
  ${picture !== undefined && may('pictures') && html`<p><img alt=${t(words.picture)} src="/api/media/${encodeURIComponent(picture)}" /></p>`}`;
}

interface Step {
  readonly words: string;
  /** RFC 3339; undefined: it has not come so far, or nobody knows when. */
  readonly at?: string | undefined;
  readonly hint?: string | undefined;
  readonly tone?: Tone;
}

function stepsOf({ event, deviceTime, platforms }: EventLife): readonly Step[] {
  const clock = membersOf(event.data['clock']);
  const hints = [
    t(clock['source'] === 'device' ? words.byDevice : words.byGateway),
    clock['synchronised'] === false && t(words.unsynchronised),
  ];
  return [
    { words: t(words.happened), at: event.time, hint: hints.filter(Boolean).join(', ') },
    ...(deviceTime === undefined || deviceTime === event.time
      ? []
      : [{ words: t(words.deviceTime), at: deviceTime }]),
    { words: t(words.seen), at: event.seenAt },
    { words: t(words.stored), at: event.storedAt ?? undefined },
    ...platforms.flatMap(stepsOfPlatform),
  ];
}

function stepsOfPlatform(one: PlatformStep): readonly Step[] {
  const platform = { platform: nameOf(one.platform) };
  if (one.state === 'not-wanted') return [{ words: t(words.notWanted, platform), tone: 'quiet' }];
  if (one.state === 'waiting') return [{ words: t(words.waiting, platform), tone: 'warn' }];
  if (one.state === 'held')
    return [
      { words: t(words.held, platform), at: one.heldSince, hint: label('reason', one.reason), tone: 'bad' },
    ];
  if (one.state === 'sent')
    return [{ words: t(words.sent, platform), hint: t(words.sentHint), tone: 'good' }];
  return [
    ...(one.takenAt === undefined
      ? []
      : [{ words: t(words.taken, platform), at: one.takenAt, tone: 'good' as const }]),
    ...(one.storedAt === undefined
      ? []
      : [{ words: t(words.platformStored, platform), at: one.storedAt, tone: 'good' as const }]),
  ];
}

/** Short spans are what matters: from the wire to the disk there are milliseconds. */
const spanWords = (ms: number) => (ms < 10_000 ? t(words.ms, { n: ms }) : spanOf(ms));

function Steps({ life }: { readonly life: EventLife }) {
  const seen = Date.parse(life.event.seenAt);
  return html`<ol class="steps">${stepsOf(life).map(({ words: name, at, hint, tone }) => {
    const after = at === undefined ? 0 : Date.parse(at) - seen;
    return html`<li key=${name}>
      ${tone === undefined ? html`<span>${name}</span>` : html`<${Badge} tone=${tone}>${name}<//>`}
      ${at !== undefined && html` <time datetime=${at}>${momentOf(at)}<small>.${at.slice(20, 23)}</small></time>`}
      ${after > 0 && html` <small>${t(words.after, { span: spanWords(after) })}</small>`}
      ${hint && html` <small>${hint}</small>`}
    </li>`;
  })}</ol>`;
}

function Later({ life: { later, persons } }: { readonly life: EventLife }) {
  if (later.length === 0) return null;
  return html`<h2>${t(words.later)}</h2>
    <ul>${later.map(
      (one) => html`<li key=${one.sequence}><a href="/events/${one.sequence}">${label('type', one.type)}</a>
        <time datetime=${one.time}> ${momentOf(one.time)}</time> ${whatOf(one, persons)}</li>`,
    )}</ul>`;
}

function Codes({ event: { data } }: { readonly event: FoundEvent }) {
  const { sia, contactId, gb28181 } = membersOf(data['code']);
  const gb = membersOf(gb28181);
  const numbers = [gb['priority'], gb['method'], gb['type']].map(textOf).filter(Boolean).join(', ');
  if (sia === undefined && contactId === undefined && numbers === '') return null;
  return html`<h2>${t(words.codes)}</h2><dl class="facts">
    <${Fact} name=${t(words.sia)} value=${textOf(sia)} />
    <${Fact} name=${t(words.contactId)} value=${textOf(contactId)} />
    <${Fact} name=${t(words.gb)} value=${numbers} />
  </dl>`;
}

function Raw({ event }: { readonly event: FoundEvent }) {
  const raw = textOf(event.data['raw']);
  return html`${raw !== undefined && html`<h2>${t(words.raw)}</h2><pre tabindex="0">${raw}</pre>`}
    <details><summary>${t(words.whole)}</summary><pre tabindex="0">${JSON.stringify(event, null, 2)}</pre></details>`;
}
