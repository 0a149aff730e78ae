/** GET /api/platforms: how each platform is. GET /api/platforms/{id}/lag: how far behind it was. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { isoOf } from '../../road/event.ts';
import type { LaneDetails, UplinkDetails } from '../../uplink/details.ts';
import type { UplinkState } from '../../uplink/uplink.ts';
import { lagRanges, lagSchema, type Platform, platformsSchema } from '../contract/platforms.ts';
import { createLagHistory, type Look } from '../lag.ts';

export interface PlatformsOptions {
  readonly uplinks: {
    states(): Readonly<Record<string, UplinkState>>;
    details(): readonly UplinkDetails[];
    /** Looks how many events each wants and has not. */
    lookAtBacklog(): Promise<unknown>;
  };
  readonly metrics: Pick<Metrics, 'certificateEnds'>;
  readonly time: Clock;
}

/** How all platforms are, for the history. */
const lookAtPlatforms =
  ({ uplinks }: Pick<PlatformsOptions, 'uplinks'>) =>
  async (): Promise<readonly Look[]> => {
    await uplinks.lookAtBacklog();
    return Object.entries(uplinks.states()).map(([id, { state, backlog, oldestUndelivered }]) => ({
      id,
      connected: state === 'connected',
      backlog,
      oldest: oldestUndelivered === undefined ? undefined : Date.parse(oldestUndelivered),
    }));
  };

export function servePlatforms(options: PlatformsOptions): FastifyPluginAsyncZod {
  const { uplinks, metrics, time } = options;
  const history = createLagHistory(lookAtPlatforms(options), time);
  const certificates = async () => {
    const { values } = await metrics.certificateEnds.get();
    return values.map(({ labels, value }) => ({
      ...(labels as { readonly uplink: string; readonly whose: string }),
      endsAt: value * 1000,
    }));
  };
  return async (server) => {
    server.addHook('onListen', async () => history.start());
    server.addHook('onClose', () => history[Symbol.asyncDispose]());
    server.get(
      '/api/platforms',
      {
        config: { needs: 'look' },
        schema: { summary: 'How each platform is', tags: ['platforms'], response: { 200: platformsSchema } },
      },
      async () => {
        await uplinks.lookAtBacklog();
        const [states, ends] = [uplinks.states(), await certificates()];
        return {
          platforms: uplinks.details().flatMap((details) => {
            const state = states[details.id];
            const own = ends.filter(({ uplink }) => uplink === details.id);
            return state === undefined ? [] : [inWords(details, state, own, time.wall())];
          }),
        };
      },
    );
    server.get(
      '/api/platforms/:id/lag',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'How far behind a platform was',
          tags: ['platforms'],
          params: z.object({ id: z.string().min(1).max(64) }),
          querystring: z.object({ range: z.enum(lagRanges).default('hour') }),
          response: { 200: lagSchema, 404: z.object({ error: z.string() }) },
        },
      },
      async ({ params: { id }, query: { range } }, reply) =>
        history.of(id, range) ?? (await reply.code(404).send({ error: 'not-found' })),
    );
  };
}

const DAY_MS = 86_400_000;

/** Members that are there only where they are known. */
const iso = <Key extends string>(key: Key, at: number | undefined) =>
  (at === undefined ? {} : { [key]: isoOf(at) }) as { readonly [Name in Key]?: string };

const laneInWords = ({ oldest, takenAt, storedAt, ...lane }: LaneDetails): Platform['lanes'][number] => ({
  ...lane,
  ...iso('oldest', oldest),
  ...iso('takenAt', takenAt),
  ...iso('storedAt', storedAt),
});

function inWords(
  { lanes, holds, unshown, receipts, since, ...details }: UplinkDetails,
  { state, reason, backlog, oldestUndelivered, otherInstance, discarded, channel = {} }: UplinkState,
  certificates: readonly { readonly whose: string; readonly endsAt: number }[],
  now: number,
): Platform {
  const { registered, clockOffsetMs, subscriptions = [], streams = [] } = channel;
  const stored = lanes.flatMap(({ storedAt }) => storedAt ?? []);
  return {
    ...details,
    connected: state === 'connected',
    since: isoOf(since),
    ...(reason !== undefined && { reason }),
    backlog,
    ...(oldestUndelivered !== undefined && { oldest: oldestUndelivered }),
    lanes: lanes.map(laneInWords),
    receipts: { ...receipts, ...iso('last', stored.length === 0 ? undefined : Math.max(...stored)) },
    holds: holds.map((hold) => ({ ...hold, since: isoOf(hold.since) })),
    unshown: unshown.map((one) => ({ ...one, since: isoOf(one.since) })),
    discarded: { ...discarded },
    ...(otherInstance !== undefined && { otherInstance }),
    ...(registered !== undefined && { registered: { ...registered } }),
    ...(clockOffsetMs !== undefined && { clockOffsetMs }),
    subscriptions: [...subscriptions],
    streams: [...streams],
    certificates: certificates.map(({ whose, endsAt }) => ({
      ...{ whose, ends: isoOf(endsAt), days: Math.floor((endsAt - now) / DAY_MS) },
    })),
  };
}
