/** /api/cameras: the cameras, the presets of one, and the clips that are kept of it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Config } from '../../../config/schema.ts';
import { camerasIn } from '../../../config/things.ts';
import { type Clock, within } from '../../../drivers/contract/clock.ts';
import type { Things } from '../../../drivers/contract/inventory.ts';
import type { CameraMedia } from '../../../drivers/contract/media.ts';
import type { Commands } from '../../commands/index.ts';
import { type Camera, camerasSchema, clipsSchema, type Presets, presetsSchema } from '../contract/cameras.ts';

export interface CamerasOptions {
  readonly of: Pick<Config, 'devices' | 'media'>;
  readonly things: Pick<Things, 'list'>;
  readonly devices: { online(device: string): boolean | undefined };
  readonly commands: Pick<Commands, 'askPart'>;
  readonly media: { readonly ofCameras: Pick<CameraMedia, 'clips'> };
  readonly time: Clock;
}

/** Shown at once; the page asks for older ones. */
const CLIPS_MAX = 100;
/** A camera that has not told its presets by then: the page does not wait for its connection to give up. */
const PRESETS_MS = 8000;
/** Of a camera that names ever new ones. ONVIF's own limit is what a camera says of itself; none that we met has more. */
const PRESETS_MAX = 300;

const tags = ['cameras'];
const problem = z.object({ error: z.string(), reason: z.string().optional() });
const params = z.object({ camera: z.string().min(1).max(64) });
const named = z.array(z.object({ token: z.string(), name: z.string().optional() }));

export function serveCameras({
  of,
  things,
  devices,
  commands,
  media,
  time,
}: CamerasOptions): FastifyPluginAsyncZod {
  const known = camerasIn(of).map(({ id, name = id, commands: all = [] }) => ({
    ...{ id, name, clips: of.media.clips.includes(id) },
    actions: [...new Set(all.map(({ action }) => action))],
  }));
  const isCamera = (id: string) => known.some((one) => one.id === id);
  const asking = new Map<string, Promise<Presets>>();

  /** However many look at a camera, it is asked once. @throws Error with a sentence. */
  const presetsOf = async (camera: string): Promise<Presets> => {
    const late = () => new Error(`no answer within ${PRESETS_MS / 1000} s`);
    const asked = within(commands.askPart('presets', camera, {}), PRESETS_MS, time, late);
    const { done, reason, result } = await asked;
    if (!done) throw new Error(reason);
    const all = named.parse(result?.['all'] ?? []).slice(0, PRESETS_MAX);
    return {
      presets: all.map(({ token, name }) => ({
        token,
        name: name === undefined || name === '' ? token : name,
      })),
    };
  };
  return async (server) => {
    server.get(
      '/api/cameras',
      {
        config: { needs: 'pictures' },
        schema: { summary: 'The cameras', tags, response: { 200: camerasSchema } },
      },
      async () => {
        const seen = new Map(
          things.list().flatMap((one) => (one.kind === 'camera' ? [[one.id, one] as const] : [])),
        );
        return {
          cameras: known.map((one): Camera => {
            const { ptz, area, maker, model } = seen.get(one.id) ?? {};
            return {
              ...one,
              ...{ online: devices.online(one.id) ?? null, turns: ptz ?? null },
              ...(area && { area: { id: area.id, name: area.name } }),
              ...(maker !== undefined && { maker }),
              ...(model !== undefined && { model }),
            };
          }),
        };
      },
    );

    server.get(
      '/api/cameras/:camera/presets',
      {
        config: { needs: 'pictures' },
        schema: {
          ...{ summary: 'The presets of a camera, as it tells them now', tags, params },
          response: { 200: presetsSchema, 404: problem, 502: problem },
        },
      },
      async ({ params: { camera } }, reply) => {
        if (!isCamera(camera)) return await reply.code(404).send({ error: 'not-found' });
        const asked = asking.get(camera) ?? presetsOf(camera).finally(() => asking.delete(camera));
        asking.set(camera, asked);
        try {
          return await asked;
        } catch (error) {
          return await reply.code(502).send({ error: 'camera-silent', reason: (error as Error).message });
        }
      },
    );

    server.get(
      '/api/cameras/:camera/clips',
      {
        config: { needs: 'pictures' },
        schema: {
          ...{ summary: 'The clips that are kept of a camera, the newest first', tags, params },
          /** Those that began before this time, RFC 3339. */
          querystring: z.object({ before: z.iso.datetime({ offset: true }).optional() }),
          response: { 200: clipsSchema, 404: problem },
        },
      },
      async ({ params: { camera }, query: { before } }, reply) => {
        if (!isCamera(camera)) return await reply.code(404).send({ error: 'not-found' });
        const to = before === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(before) - 1;
        const all = (await media.ofCameras.clips(camera, 0, to)).filter(({ from }) => from <= to).reverse();
        const iso = (ms: number) => new Date(ms).toISOString();
        return {
          clips: all.slice(0, CLIPS_MAX).map(({ id, from: began, to: ended, bytes, event }) => ({
            ...{ id, from: iso(began), to: iso(ended), bytes },
            ...(event !== undefined && { event }),
          })),
          more: Math.max(0, all.length - CLIPS_MAX),
        };
      },
    );
  };
}
