/** /api/plan: the plan of the campus with how all on it is now; its picture and its places, drawn by who may. */
import { createReadStream } from 'node:fs';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Config } from '../../../config/schema.ts';
import type { Log } from '../../../drivers/contract/driver.ts';
import type { Board } from '../board.ts';
import { type How, type Plan, planSchema, savePlacesSchema, thingsSchema } from '../contract/plan.ts';
import { createPlaces, keyOf, type PlacesOptions } from '../places.ts';
import { createPlanStore, PLAN_PICTURE_MAX, PlanError, type SavedPlan } from '../plan.ts';

export interface PlanOptions extends Omit<PlacesOptions, 'openAlarms'> {
  readonly board: Pick<Board, 'open'>;
  readonly of: Pick<Config, 'devices' | 'areas' | 'access'>;
  readonly dataDir: string;
  readonly log: Log;
}

/** Of names and numbers of 1000 places, bytes. */
const PLACES_BODY_MAX = 524_288;

const GONE: How = { level: 'unknown', state: 'gone', standing: [] };
const tags = ['plan'];
const problem = z.object({ error: z.string() });
const statusOf = (code: PlanError['code']) => (code === 'changed-meanwhile' ? 409 : 422);

export function servePlan(options: PlanOptions): FastifyPluginAsyncZod {
  const { of, dataDir, log } = options;
  const plan = createPlanStore(dataDir, log);
  const places = createPlaces(of, { ...options, openAlarms: options.board.open });
  const shown = async ({ version, picture, places: placed }: SavedPlan): Promise<Plan> => {
    const how = await places.look();
    return {
      version,
      picture: picture && { id: picture.id, width: picture.width, height: picture.height },
      places: placed.map((place) => {
        const thing = places.byKey.get(keyOf(place));
        const { kind, id } = place;
        // The config has it no longer: it stays until somebody takes it off.
        if (thing === undefined) return { ...place, name: id, device: id, ...GONE };
        return { ...place, ...thing, kind, id, ...how(thing) };
      }),
    };
  };
  /** What the disk or the plan refuses is said; nothing of it was saved. */
  const saving = async (reply: FastifyReply, save: () => Promise<SavedPlan>) => {
    try {
      return await shown(await save());
    } catch (error) {
      if (error instanceof PlanError)
        return await reply.code(statusOf(error.code)).send({ error: error.code });
      log.warn({ error: (error as Error).message }, 'the plan of the campus could not be saved');
      return await reply.code(503).send({ error: 'disk-refuses' });
    }
  };
  const saved = { 200: planSchema, 409: problem, 422: problem, 503: problem };

  return async (server) => {
    // Here alone: a stranger's form can send no picture as such, and a stranger's page is refused by its origin.
    server.addContentTypeParser(
      ['image/png', 'image/jpeg', 'image/webp'],
      { parseAs: 'buffer', bodyLimit: PLAN_PICTURE_MAX },
      (_request, body, done) => done(null, body),
    );

    server.get(
      '/api/plan',
      {
        config: { needs: 'look' },
        schema: { summary: 'The plan, with how all on it is', tags, response: { 200: planSchema } },
      },
      async () => await shown(await plan.load()),
    );

    server.get(
      '/api/plan/things',
      {
        config: { needs: 'plan' },
        schema: { summary: 'What can be placed', tags, response: { 200: thingsSchema } },
      },
      // As many as a config of at most 4 MB can name (CONFIG_FILE_MAX).
      async () => ({ things: [...places.things] }),
    );

    server.get(
      '/api/plan/pictures/:id',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'The picture of the plan',
          tags,
          params: z.object({ id: z.string().max(100) }),
        },
      },
      async (request, reply) => {
        const found = await plan.pictureFile(request.params.id);
        if (found === undefined) return await reply.code(404).send({ error: 'not-found' });
        const tag = `"${request.params.id}"`;
        // The browser asks each time whether its copy still counts, and with that whether its user still may.
        reply.headers({ 'cache-control': 'private, no-cache', etag: tag, 'content-disposition': 'inline' });
        // It is looked at and nothing else, whatever is in it.
        reply.header('content-security-policy', "default-src 'none'; sandbox; frame-ancestors 'none'");
        if (request.headers['if-none-match'] === tag) return await reply.code(304).send();
        return await reply.type(found.contentType).send(createReadStream(found.path));
      },
    );

    server.put(
      '/api/plan/picture',
      {
        config: { needs: 'plan' },
        bodyLimit: PLAN_PICTURE_MAX,
        schema: { summary: 'Give the plan a picture: PNG, JPEG or WebP', tags, response: saved },
      },
      async (request, reply) => {
        const { body } = request as { body: unknown };
        if (!Buffer.isBuffer(body)) return await reply.code(422).send({ error: 'not-a-picture' });
        return await saving(reply, () => plan.savePicture(body));
      },
    );

    server.delete(
      '/api/plan/picture',
      {
        config: { needs: 'plan' },
        schema: { summary: 'Take the picture away, and all places with it', tags, response: saved },
      },
      async (_request, reply) => await saving(reply, () => plan.removePicture()),
    );

    server.put(
      '/api/plan/places',
      {
        config: { needs: 'plan' },
        bodyLimit: PLACES_BODY_MAX,
        schema: { summary: 'Save what stands where', tags, body: savePlacesSchema, response: saved },
      },
      async ({ body: { version, places: wanted } }, reply) =>
        await saving(reply, () => plan.savePlaces(version, wanted)),
    );
  };
}
