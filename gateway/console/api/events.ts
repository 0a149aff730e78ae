/** GET /api/events: what happened, found. /api/events/{which}: the life of one. /api/events/export: as a file. */
import { Readable } from 'node:stream';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Event, readEvent } from '../../../config/catalogue/events.ts';
import type { Clock, Timer } from '../../../drivers/contract/clock.ts';
import { lanes } from '../../../drivers/contract/lane.ts';
import type { Interest, Journal } from '../../journal/index.ts';
import type { Persons } from '../../persons/index.ts';
import {
  type criteriaSchema,
  type EventLife,
  eventLife,
  eventsPage,
  eventsQuery,
  exportQuery,
  type FoundEvent,
  type PlatformStep,
} from '../contract/events.ts';
import type { Me } from '../contract/me.ts';
import { refusal } from '../contract/refusal.ts';
import type { User } from '../guard.ts';
import { type Life, type Query, type Search, SearchError, type Writing } from '../search/index.ts';
import { withoutPersons } from '../without-persons.ts';

export interface EventsOptions {
  readonly search: Pick<Search, 'find' | 'life' | 'sequenceOf' | 'write'>;
  readonly persons: Persons;
  /** The platforms as they are now, and what they want. */
  readonly interests: () => readonly Interest[];
  readonly journal: Pick<Journal, 'audit'>;
  readonly campus: Me['campus'];
  readonly time: Clock;
}

/** Files that are written at once: each takes the thread of the search for a while. */
const EXPORTS_MAX = 2;
/** A browser that takes nothing for so long is gone, or its disk is full. */
const STALLED_MS = 60_000;
/** Persons of one name; who types one letter means nobody. */
const NAMESAKES_MAX = 50;

/** What of a SearchError goes to the page, with its status. */
const codes = {
  E_SEARCH_BUSY: [503, 'too-many'],
  E_SEARCH_LATE: [503, 'search-late'],
  E_SEARCH_ENDED: [503, 'search-ended'],
  E_SEARCH_JOURNAL: [503, 'search-unreadable'],
} as const satisfies Readonly<Record<SearchError['code'], readonly [number, string]>>;

export function serveEvents(options: EventsOptions): FastifyPluginAsyncZod {
  const { search, persons, interests } = options;
  const queryOf = createQueries(persons);
  const shown = createShowing(persons);
  return async (server) => {
    server.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof SearchError)) throw error;
      const [status, code] = codes[error.code];
      return reply.code(status).send({ error: code });
    });
    server.get(
      '/api/events',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'Find events, page by page, the newest first',
          tags: ['events'],
          querystring: eventsQuery,
          response: { 200: eventsPage, 403: refusal, 503: refusal },
        },
      },
      async ({ query: { before, limit, ...criteria }, user }, reply) => {
        if (criteria.person !== undefined && !user.can('persons'))
          return await reply.code(403).send(NOT_ALLOWED);
        const found = await search.find({ ...(await queryOf(criteria, user)), before, limit }, user.name);
        const events = found.events.map((one) => rowOf(one, user));
        const next = found.next === undefined ? null : String(found.next);
        return { events, next, behind: found.behind, persons: await shown(events, user) };
      },
    );
    server.get(
      '/api/events/:which',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'The life of an event, by its number or its id',
          tags: ['events'],
          params: z.object({ which: z.string().regex(/^(\d{1,15}|[0-9a-f-]{36})$/) }),
          response: { 200: eventLife, 404: refusal, 503: refusal },
        },
      },
      async ({ params: { which }, user }, reply) => {
        const sequence = which.length === 36 ? await search.sequenceOf(which, user.name) : Number(which);
        const life = sequence === undefined ? undefined : await search.life(sequence, user.name);
        if (life === undefined) return await reply.code(404).send({ error: 'not-found' });
        return await lifeOf(life, { search, interests, shown, user });
      },
    );
    serveExport(server, options, queryOf);
  };
}

const NOT_ALLOWED = { error: 'not-allowed' };

type Criteria = z.output<typeof criteriaSchema>;
type QueryOf = (criteria: Criteria, user: User) => Promise<Omit<Query, 'limit'>>;

/** Names of the school's list stand in no event: who is looked for by one is looked for by the id. */
function createQueries(persons: Persons): QueryOf {
  return async ({ person, ...criteria }, user) => ({
    ...criteria,
    mayNamePersons: user.can('persons'),
    ...(person !== undefined && {
      person: { text: person, ids: await persons.find(person, NAMESAKES_MAX) },
    }),
  });
}

const isoOf = (at: number) => new Date(at).toISOString();

type Row = Awaited<ReturnType<Search['find']>>['events'][number];
function rowOf({ sequence, type, device, seenAt, storedAt, body }: Row, user: User): FoundEvent {
  const whole = readEvent(body);
  const event = whole === undefined || user.can('persons') ? whole : withoutPersons(whole);
  return {
    sequence: String(sequence),
    id: event?.id ?? '',
    type,
    time: event?.time ?? isoOf(seenAt),
    seenAt: isoOf(seenAt),
    storedAt: storedAt === null ? null : isoOf(storedAt),
    device,
    ...(event?.subject !== undefined && { subject: event.subject }),
    ...(event === undefined && { unreadable: true as const }),
    data: event?.data ?? {},
  };
}

type Showing = (events: readonly FoundEvent[], user: User) => Promise<EventLife['persons']>;
/** The names of those who are in some events. */
function createShowing(persons: Pick<Persons, 'get'>): Showing {
  return async (events, user) => {
    if (!user.can('persons')) return {};
    const ids = [...new Set(events.flatMap(({ data }) => idsIn(data)))];
    const found = await persons.get(ids);
    return Object.fromEntries(
      ids.flatMap((id, i) => {
        const { name, class: own } = found[i] ?? {};
        return name === undefined ? [] : [[id, { name, ...(own !== undefined && { class: own }) }]];
      }),
    );
  };
}
function idsIn(data: FoundEvent['data']): readonly string[] {
  const { access, visit } = data as {
    readonly access?: { readonly holder?: unknown; readonly children?: unknown } | null;
    readonly visit?: { readonly host?: unknown } | null;
  };
  const children = Array.isArray(access?.children) ? (access.children as readonly unknown[]) : [];
  return [access?.holder, ...children, visit?.host].filter((id) => typeof id === 'string');
}

async function lifeOf(
  life: Life,
  {
    search,
    interests,
    shown,
    user,
  }: Pick<EventsOptions, 'search' | 'interests'> & { shown: Showing; user: User },
): Promise<EventLife> {
  const event = rowOf(life, user);
  const later = life.later.map((one) => rowOf(one, user));
  const { clock } = event.data as { readonly clock?: { readonly deviceTime?: string } };
  const aboutId = aboutOf(event);
  const about = aboutId === undefined ? undefined : await search.sequenceOf(aboutId, user.name);
  return {
    event,
    lane: lanes[life.lane] ?? String(life.lane),
    ...(clock?.deviceTime !== undefined && { deviceTime: clock.deviceTime }),
    platforms: interests().map((interest) => stepOf(interest, life)),
    later,
    ...(about !== undefined && { about: String(about) }),
    persons: await shown([event, ...later], user),
  };
}

/** The id of the event that an event is about: of the alarm that was acknowledged, of what a picture is of. */
function aboutOf({ type, data }: FoundEvent): string | undefined {
  const fact = data[type.slice(type.indexOf('.') + 1)] as { readonly event?: unknown } | undefined;
  const id = fact?.event ?? (data as Partial<Record<'event', Event['id']>>).event;
  return typeof id === 'string' ? id : undefined;
}

function stepOf({ id: platform, types }: Interest, life: Life): PlatformStep {
  const { type, sequence, reached, held, cursors } = life;
  const at = (stage: 'broker' | 'platform') =>
    reached.find((one) => one.uplink === platform && one.stage === stage)?.at;
  const [takenAt, storedAt] = [at('broker'), at('platform')];
  const hold = held.find(({ uplink }) => uplink === platform);
  const passed = (cursors.find(({ uplink }) => uplink === platform)?.sequence ?? 0) >= sequence;
  const state = () => {
    if (!types.includes(type)) return 'not-wanted';
    if (hold !== undefined) return 'held';
    if (storedAt !== undefined) return 'stored';
    if (takenAt !== undefined) return 'taken';
    return passed ? 'sent' : 'waiting';
  };
  const found = state();
  if (found === 'not-wanted') return { platform, state: found };
  return {
    platform,
    state: found,
    ...(takenAt !== undefined && hold === undefined && { takenAt: isoOf(takenAt) }),
    ...(storedAt !== undefined && hold === undefined && { storedAt: isoOf(storedAt) }),
    ...(hold !== undefined && { heldSince: isoOf(hold.since), reason: hold.reason }),
  };
}

const mediaTypes = { csv: 'text/csv; charset=utf-8', json: 'application/json; charset=utf-8' } as const;

type Server = Parameters<FastifyPluginAsyncZod>[0];
function serveExport(server: Server, options: EventsOptions, queryOf: QueryOf): void {
  const { search, journal, campus, time } = options;
  const files = new Set<Readable>();
  server.addHook('preClose', async () => {
    for (const file of files) file.destroy();
  });
  /** Whoever is not allowed any more, or takes nothing, gets no more of it. */
  const fileOf = (writing: Omit<Writing, 'written'>, over: AbortSignal) => {
    const file = createFile(writing, search, time);
    const end = () => void file.destroy(new Error('it is over'));
    files.add(file);
    over.addEventListener('abort', end);
    file.once('close', () => {
      files.delete(file);
      over.removeEventListener('abort', end);
    });
    return file;
  };
  server.get(
    '/api/events/export',
    {
      config: { needs: 'export' },
      schema: { summary: 'Events as a file, CSV or JSON', tags: ['events'], querystring: exportQuery },
    },
    async ({ query: { format, language, ...criteria }, user }, reply) => {
      if (criteria.person !== undefined && !user.can('persons'))
        return await reply.code(403).send(NOT_ALLOWED);
      if (files.size >= EXPORTS_MAX) return await reply.code(429).send({ error: 'too-many' });
      const persons = user.can('persons');
      const name = `events-${isoOf(time.wall()).slice(0, 10)}.${format}`;
      const entry = { kind: 'export', by: user.name, file: name, persons, query: noteOf(criteria) };
      await journal.audit(time.wall(), JSON.stringify(entry));
      const query = await queryOf(criteria, user);
      const writing = { query, format, language, timezone: campus.timezone, persons };
      return await reply
        .header('content-disposition', `attachment; filename="${name}"`)
        .type(mediaTypes[format])
        .send(fileOf(writing, user.over));
    },
  );
}

/** What was asked for, as the audit keeps it: whom somebody looked for is not for the audit. */
function noteOf({ from, to, person, text, ...named }: Criteria): object {
  return {
    ...named,
    ...(from !== undefined && { from: isoOf(from) }),
    ...(to !== undefined && { to: isoOf(to) }),
    ...(person !== undefined && { person: true }),
    ...(text !== undefined && { text: true }),
  };
}

/** A file that is written as fast as it is taken. */
function createFile(
  writing: Omit<Writing, 'written'>,
  search: Pick<Search, 'write'>,
  time: Pick<Clock, 'after'>,
): Readable {
  let { query } = writing;
  let written = 0;
  let patience: Timer | undefined;
  const writeOn = async () => {
    for (;;) {
      const { text, events, next } = await search.write({ ...writing, query, written });
      if (file.destroyed) return;
      written += events;
      query = { ...query, before: next };
      if (text !== '') file.push(text);
      if (next === undefined) return void file.push(null);
      if (text === '') continue;
      patience = time.after(STALLED_MS, () => void file.destroy(new Error('nobody takes it')));
      return;
    }
  };
  const file = new Readable({
    read() {
      patience?.stop();
      writeOn().catch((error: Error) => file.destroy(error));
    },
    destroy(error, done) {
      patience?.stop();
      done(error);
    },
  });
  return file;
}
