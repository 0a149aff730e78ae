/**
 * What happens, to every page that looks: server-sent events (HTML Living Standard, 9.2) that go on where they broke off.
 *
 *   event: hello     once at the beginning: what runs here. The id to go on from.
 *   event: event     an event, with its number as the id; of one that the disk has not, without
 *   event: missed    more happened since than is sent again: what was read before is to be read anew
 *   event: overview  how the whole is; every two seconds, so that a page knows that it is heard
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Event } from '../../config/catalogue/events.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import type { Journal } from '../journal/index.ts';
import type { Recorder } from '../road/recorder.ts';
import { version } from '../version.ts';
import type { User } from './guard.ts';
import { frame, openLine } from './open-line.ts';
import type { Look } from './overview.ts';
import { createShares } from './shares.ts';
import { withoutPersons } from './without-persons.ts';

export interface StreamOptions {
  readonly recorder: Pick<Recorder, 'onStored' | 'onUnsaved'>;
  readonly journal: Pick<Journal, 'read' | 'last' | 'id'>;
  readonly time: Clock;
  readonly look: Look;
  /** Of what is served: a page of another version loads itself anew. */
  readonly webVersion: string;
}

export interface Stream {
  /** Keeps the answer open, and tells it of all that happens from now on, or from the number that it names. */
  follow(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  start(): void;
  /** Ends all. */
  close(): void;
}

const BEAT_MS = 2000;
/** Sent again at most: a page that missed more reads anew what it shows. */
const AGAIN_MAX = 500;
const BEHIND_MAX_BYTES = 1_000_000;
/** Pages at once; a browser has one for each of its tabs. */
const PAGES_MAX = 200;

interface Page {
  readonly user: User;
  readonly write: (text: string) => void;
  /** What happens while it is told of what it missed; undefined: it is up to date. */
  pending: { event: Event; sequence: number | undefined }[] | undefined;
  /** The last that it was told of. */
  last: number;
}

export function createStream({ recorder, journal, time, look, webVersion }: StreamOptions): Stream {
  const pages = new Map<FastifyReply, Page>();
  const shares = createShares(PAGES_MAX);
  let beating: Timer | undefined;

  const tell = (page: Page, event: Event, sequence: number | undefined) => {
    if (sequence !== undefined && sequence <= page.last) return;
    const shown = page.user.can('persons') ? event : withoutPersons(event);
    const id = sequence === undefined ? undefined : `${journal.id}:${sequence}`;
    if (sequence !== undefined) page.last = sequence;
    page.write(frame('event', { ...shown, sequence: String(sequence ?? 0) }, id));
  };
  const tellAll = (event: Event, sequence: number | undefined) => {
    for (const page of pages.values())
      if (page.pending === undefined) tell(page, event, sequence);
      else page.pending.push({ event, sequence });
  };
  recorder.onStored(tellAll);
  recorder.onUnsaved((event) => tellAll(event, undefined));

  const missedBy = createMissed(journal);
  const catchUp = async (page: Page, from: string) => {
    const { last, entries } = (await missedBy(from).catch(() => undefined)) ?? {};
    if (last === undefined || entries === undefined) return page.write(frame('missed', {}));
    page.last = last;
    for (const { body, sequence } of entries) tell(page, JSON.parse(body) as Event, sequence);
  };
  const beat = async () => {
    if (pages.size === 0) return;
    const text = frame('overview', await look().catch(() => null));
    for (const { write } of pages.values()) write(text);
  };

  return {
    async follow(request, reply) {
      const { user } = request;
      const ended = () => void pages.delete(reply);
      const line = openLine(request, reply, { shares, behindMax: BEHIND_MAX_BYTES, ended });
      if (line === undefined) return void (await reply.code(503).send({ error: 'too-many' }));
      const { write } = line;
      const header = request.headers['last-event-id'];
      // A page that begins anew, as after an answer that was none, says in its address where it was.
      const { after } = request.query as { after?: string };
      const from = typeof header === 'string' && header !== '' ? header : after;
      const page: Page = { user, write, pending: [], last: newestOf(journal) };
      pages.set(reply, page);
      write(
        frame(
          'hello',
          { version, webVersion },
          from === undefined ? `${journal.id}:${page.last}` : undefined,
        ),
      );
      if (from !== undefined && from !== '') await catchUp(page, from);
      const { pending = [] } = page;
      page.pending = undefined;
      for (const { event, sequence } of pending) tell(page, event, sequence);
      write(frame('overview', await look().catch(() => null)));
    },
    start() {
      beating = time.every(BEAT_MS, () => void beat());
    },
    close() {
      beating?.stop();
      for (const { raw } of pages.keys()) raw.destroy();
    },
  };
}

const newestOf = ({ last }: Pick<Journal, 'last'>) => Math.max(...lanes.map((lane) => last(lane)));

/**
 * What is numbered after an id that a page was told last, in its order; undefined: too much, or an id of another
 * numbering. Rejects where the disk does not answer.
 */
const createMissed = (journal: StreamOptions['journal']) => async (from: string) => {
  const [id, number] = from.split(':');
  const last = Number(number);
  if (id !== journal.id || !Number.isSafeInteger(last) || last > newestOf(journal)) return undefined;
  const all = await Promise.all(lanes.map((lane) => journal.read(lane, last, AGAIN_MAX + 1)));
  const entries = all.flat().sort((one, other) => one.sequence - other.sequence);
  return entries.length > AGAIN_MAX ? undefined : { last, entries };
};
