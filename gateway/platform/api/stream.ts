/**
 * GET /api/stream: what changes, to every page that looks, as server-sent events (HTML Living Standard, 9.2).
 *
 *   event: hello     once at the beginning: what runs here. The id to go on from.
 *   event: alarm     an alarm as it is now
 *   event: campus    a campus as it is now
 *   event: missed    more changed than is told again: what was read before is to be read anew
 *   event: overview  how the whole is; every two seconds, so that a page knows that it is heard
 *
 * A part of it is asked for by campus, district and place, as of `/api/alarms`.
 * A page that comes back says where it was, by Last-Event-ID or `?after=`.
 */
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Clock, Timer } from '../../../drivers/contract/clock.ts';
import { frame, openLine } from '../../console/open-line.ts';
import { createShares } from '../../console/shares.ts';
import { version } from '../../version.ts';
import type { AlarmView } from '../views.ts';
import { type StreamQuery, streamQuery } from './asking.ts';
import type { Look } from './city.ts';
import type { Feed, Told } from './feed.ts';

const BEAT_MS = 2000;
const BEHIND_MAX_BYTES = 2_000_000;
/** Pages at once; a browser has one for each of its tabs. */
const PAGES_MAX = 200;

interface Page {
  readonly wants: (told?: Told) => boolean;
  readonly write: (text: string) => void;
  /** What is told while it is told of what it missed; undefined: it is up to date. */
  pending: string[] | undefined;
}

export interface StreamOptions {
  readonly feed: Feed;
  readonly look: Look;
  /** Of what is served: a page of another version loads itself anew. */
  readonly webVersion: string;
  readonly time: Clock;
}

export interface Pages {
  /** How many look. */
  readonly size: number;
  readonly plugin: FastifyPluginAsyncZod;
}

/** A code of a district (GB/T 2260) has six digits; what is behind them is of streets and villages. */
const DIGITS = 6;

/** What is of no alarm and of no campus is for all. */
function wantsOf({ campus, district, place }: StreamQuery): (told?: Told) => boolean {
  const isOf = (one: { readonly id: string; readonly district?: string | undefined }) =>
    (campus === undefined || one.id === campus) &&
    (district === undefined || one.district?.slice(0, DIGITS) === district.slice(0, DIGITS));
  const wanted = place?.toLowerCase();
  const isThere = ({ zone, area, device }: AlarmView) =>
    wanted === undefined ||
    [zone?.id, zone?.name, area?.id, area?.name, device.id, device.name].some((one) =>
      one?.toLowerCase().includes(wanted),
    );
  return (told) => {
    if (told === undefined) return true;
    return told.what === 'campus' ? isOf(told.view) : isOf(told.view.campus) && isThere(told.view);
  };
}

export function createPages({ feed, look, webVersion, time }: StreamOptions): Pages {
  const pages = new Map<FastifyReply, Page>();
  const shares = createShares(PAGES_MAX);
  let beating: Timer | undefined;
  const unfollow = feed.onFrame((text, told) => {
    for (const page of pages.values()) {
      if (!page.wants(told)) continue;
      if (page.pending === undefined) page.write(text);
      else page.pending.push(text);
    }
  });
  const overview = async () => frame('overview', await look().catch(() => null));
  const beat = async () => {
    if (pages.size === 0) return;
    const text = await overview();
    for (const { write } of pages.values()) write(text);
  };
  const plugin: FastifyPluginAsyncZod = async (server) => {
    server.addHook('onListen', async () => {
      beating = time.every(BEAT_MS, () => void beat());
    });
    server.addHook('preClose', async () => {
      beating?.stop();
      unfollow();
      for (const { raw } of pages.keys()) raw.destroy();
    });
    server.get(
      '/api/stream',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'What changes, of all or of a part, as server-sent events; goes on after Last-Event-ID',
          tags: ['city'],
          querystring: streamQuery,
        },
      },
      async (request, reply) => {
        const ended = () => void pages.delete(reply);
        const line = openLine(request, reply, { shares, behindMax: BEHIND_MAX_BYTES, ended });
        if (line === undefined) return await reply.code(503).send({ error: 'too-many' });
        const { write } = line;
        const header = request.headers['last-event-id'];
        // A page that begins anew, as after an answer that was none, says in its address where it was.
        const from = typeof header === 'string' && header !== '' ? header : (request.query.after ?? '');
        const page: Page = { write, wants: wantsOf(request.query), pending: [] };
        pages.set(reply, page);
        write(frame('hello', { version, webVersion }, from === '' ? feed.newest : undefined));
        if (from !== '')
          for (const { text, told } of await feed.since(from)) if (page.wants(told)) write(text);
        for (const text of page.pending ?? []) write(text);
        page.pending = undefined;
        write(await overview());
        return reply;
      },
    );
  };
  return {
    get size() {
      return pages.size;
    },
    plugin,
  };
}
