/** What happened at doors today. */
import type { Door } from '../../contract/doors.ts';
import type { EventsPage, FoundEvent } from '../../contract/events.ts';
import { numberOf, timeOf } from '../kit/format.ts';
import { html, useSignal } from '../kit/html.ts';
import { may, nameOf } from '../kit/me.ts';
import { Badge, Empty, Table, type Tone, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { common } from '../words/common.ts';
import { doors as words } from '../words/doors.ts';

/** One page at once, and then a whole morning. */
const SHOWN = 50;
const SHOWN_MAX = 200;
const TYPES = 'access.*,visitor.*';

/** What an event of a door or a visit has in it. */
interface Said {
  readonly access?: {
    readonly door?: string;
    readonly reason?: string;
    readonly holder?: string;
    readonly direction?: string;
    readonly children?: readonly string[];
  };
  readonly visit?: { readonly name?: string; readonly host?: string };
  readonly zone?: { readonly name?: string };
  readonly details?: { readonly part?: string };
}

const tones: Readonly<Record<string, Tone>> = {
  'access.granted': 'good',
  'access.pickup': 'good',
  'access.denied': 'warn',
  'access.unknown': 'warn',
  'access.held': 'warn',
  'visitor.overdue': 'warn',
  'access.forced': 'bad',
  'access.lockdown-started': 'bad',
};

interface LogProps {
  readonly doors: readonly Door[];
  /** When today began, RFC 3339. */
  readonly today: string;
}

function rowOf(event: FoundEvent, doors: LogProps['doors'], persons: EventsPage['persons']) {
  const { access, visit, zone, details } = event.data as Said;
  const personOf = (id: string) => persons[id]?.name ?? id;
  const door = access?.door ?? details?.part;
  const isOfAll = event.type.startsWith('access.lockdown-');
  const named = doors.find(({ id }) => id === door)?.name ?? door ?? zone?.name ?? nameOf(event.device);
  const where = isOfAll ? t(words.allDoors) : named;
  const who = visit?.name ?? (access?.holder === undefined ? undefined : personOf(access.holder));
  const children = access?.children ?? [];
  const more = [
    access?.reason && label('reason', access.reason),
    access?.direction && label('direction', access.direction),
    children.length > 0 && t(words.children, { names: children.map(personOf).join(', ') }),
  ];
  const tone: Tone =
    event.type === 'access.pickup' && access?.reason ? 'warn' : (tones[event.type] ?? 'quiet');
  return {
    key: event.sequence,
    cells: [
      html`<a href="/events/${event.sequence}">${timeOf(event.time)}</a>`,
      html`<${Badge} tone=${tone}>${label('type', event.type)}<//>`,
      where,
      ...(may('persons') ? [who] : []),
      more.filter(Boolean).join(' · '),
    ],
  };
}

export function DoorsLog({ doors, today }: LogProps) {
  const limit = useSignal(SHOWN);
  const path = `/api/events?types=${TYPES}&from=${encodeURIComponent(today)}&limit=${limit.value}`;
  const resource = useResource<EventsPage>(path, { on: ['access.', 'visitor.'] });
  const found = resource.data.value;
  if (found === undefined) return html`<h2>${t(words.today)}</h2>${waitingFor(resource)}`;
  const heads = [words.time, words.what, words.where, ...(may('persons') ? [words.whom] : []), words.why];
  const { events, next, behind, persons } = found;
  return html`<h2>${t(words.today)}</h2>
    ${
      events.length === 0
        ? html`<${Empty}>${t(words.quietDay)}<//>`
        : html`<${Table} caption=${t(words.today)} heads=${heads.map((one) => t(one))}
            rows=${events.map((event) => rowOf(event, doors, persons))} />`
    }
    ${behind > 0 && html`<p class="quiet">${t(words.behind, { n: numberOf(behind) })}</p>`}
    ${
      next !== null &&
      html`<p class="buttons">${
        limit.value < SHOWN_MAX
          ? html`<button type="button" onClick=${() => {
              limit.value = SHOWN_MAX;
            }}>${t(common.more)}</button>`
          : html`<a href="/events">${t(words.allEvents)}</a>`
      }</p>`
    }`;
}
