/**
 * GET /api/devices: how devices are. GET /api/devices/{device}: one, and what it can be told; …/availability: of the
 * last 30 days; …/wire: what went over its wire in the last minute. PUT …/log: how much the log says of it, for a while.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ConsoleConfig } from '../../../config/sections/console.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Availabilities } from '../../availability/index.ts';
import type { Supervisor, WireView } from '../../devices/index.ts';
import { createIsolated } from '../../lifecycle/isolated.ts';
import type { Levels } from '../../observe/level-acts.ts';
import { discardsOf, type Metrics } from '../../observe/metrics.ts';
import {
  availabilitySchema,
  deviceSchema,
  devicesSchema,
  levelWantedSchema,
  wireSchema,
} from '../contract/devices.ts';
import { refusal } from '../contract/refusal.ts';
import { commandsOf } from '../device-commands.ts';
import { createDeviceStates, type DeviceStatesOptions } from '../devices.ts';
import type { User } from '../guard.ts';
import { rulesOf } from '../rights.ts';
import type { WireQuestion, WireWords, wireWords } from '../wire-words.ts';

export interface DevicesOptions extends DeviceStatesOptions {
  readonly availability: Pick<Availabilities, 'of'>;
  readonly config: Pick<ConsoleConfig, 'commands'>;
  readonly devices: Pick<Supervisor, 'online' | 'wireOf' | 'about' | 'unmapped' | 'lastDiscarded'>;
  readonly logs: Pick<Levels, 'level' | 'set'>;
  readonly metrics: Pick<Metrics, 'discarded'>;
  readonly time: Clock;
}

/** To put the last minute of a wire into words: noise at full speed takes some hundred ms. */
const WORDS_MS = 5000;

/** Listed of one device: a camera has a few dozen topics, a driver a dozen reasons. */
const LISTED_MAX = 100;
const DETAIL_MAX = 200;

const sumOf = (counts: Readonly<Record<string, number>> = {}) =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
const most = (counts: Readonly<Record<string, number>> = {}) =>
  Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .slice(0, LISTED_MAX);

const params = z.object({ device: z.string().max(64) });
const tags = ['devices'];

export function serveDevices(options: DevicesOptions): FastifyPluginAsyncZod {
  const { of, devices, metrics, time, availability } = options;
  const lineOf = createDeviceStates(options);
  // Not the thread of the devices' own messages: nobody who looks on may hold one of those up.
  const isolated = createIsolated({ time, deadlineMs: WORDS_MS });
  const configOf = (id: string) => of.devices.find((one) => one.id === id);
  const discards = () => discardsOf(metrics as Metrics);

  const detailOf = async (id: string, user: User) => {
    const config = configOf(id);
    const wire = devices.wireOf(id);
    if (config === undefined || wire === undefined) return undefined;
    const isTechnician = user.can('devices');
    const counts = (await discards())[id];
    const details = devices.lastDiscarded()[id] ?? {};
    const { maker, model, firmware } = devices.about(id) ?? {};
    return {
      ...lineOf(config, sumOf(counts)),
      ...{ line: wire.line, isOpen: wire.isOpen, others: wire.devices.filter((one) => one !== id) },
      ...{ maker, model, firmware },
      discards: most(counts).map(([reason, count]) => ({
        ...{ reason, count },
        ...(isTechnician &&
          details[reason] !== undefined && { detail: details[reason].slice(0, DETAIL_MAX) }),
      })),
      unmapped: isTechnician ? most(devices.unmapped()[id]).map(([what, count]) => ({ what, count })) : [],
      commands: commandsOf(config, rulesOf(user.role, options.config.commands)),
      log: options.logs.level(id) ?? null,
    };
  };
  const wordsOf = async (
    { snapshot, explain }: WireView,
    more: Pick<WireQuestion, 'after' | 'routine' | 'persons'>,
  ) => {
    const module = new URL('../wire-words.ts', import.meta.url).href;
    const name = 'wireWords' satisfies (typeof wireWords)['name'];
    const input: WireQuestion = { snapshot: snapshot(), explain, ...more };
    return (await isolated.run({ module, name, input })) as WireWords;
  };

  return async (server) => {
    server.addHook('onClose', () => isolated.close());
    server.get(
      '/api/devices',
      {
        config: { needs: 'look' },
        schema: { summary: 'How devices are', tags, response: { 200: devicesSchema } },
      },
      async () => {
        const counts = await discards();
        return { devices: of.devices.map((one) => lineOf(one, sumOf(counts[one.id]))) };
      },
    );
    server.get(
      '/api/devices/:device',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'One device, and what it can be told',
          tags,
          params,
          response: { 200: deviceSchema, 404: refusal },
        },
      },
      async ({ params: { device }, user }, reply) =>
        (await detailOf(device, user)) ?? (await reply.code(404).send({ error: 'not-found' })),
    );
    server.get(
      '/api/devices/:device/availability',
      {
        config: { needs: 'look' },
        schema: {
          summary: 'How available a device was',
          tags,
          params,
          response: { 200: availabilitySchema, 404: refusal, 503: refusal },
        },
      },
      async ({ params: { device } }, reply) => {
        if (configOf(device) === undefined) return await reply.code(404).send({ error: 'not-found' });
        try {
          return await availability.of(device);
        } catch {
          return await reply.code(503).send({ error: 'journal-unreadable' });
        }
      },
    );
    serveLog(server, options.logs);
    server.get(
      '/api/devices/:device/wire',
      {
        config: { needs: 'devices' },
        schema: {
          summary: 'What went over the wire of a device in the last minute',
          tags,
          params,
          querystring: z.object({
            after: z.coerce.number().int().default(-1).describe('What comes after this `number`'),
            routine: z.stringbool().default(false).describe('Polls and heartbeats too'),
          }),
          response: { 200: wireSchema, 404: refusal, 503: refusal },
        },
      },
      async ({ params: { device }, query: { after, routine }, user }, reply) => {
        const wire = devices.wireOf(device);
        if (wire === undefined) return await reply.code(404).send({ error: 'not-found' });
        try {
          const words = await wordsOf(wire, { after, routine, persons: user.can('persons') });
          return { ...words, isOpen: wire.isOpen };
        } catch {
          return await reply.code(503).send({ error: 'wire-busy' });
        }
      },
    );
  };
}

function serveLog(server: Parameters<FastifyPluginAsyncZod>[0], { set }: DevicesOptions['logs']): void {
  server.put(
    '/api/devices/:device/log',
    {
      // The audit has it with what was set.
      config: { needs: 'devices', audited: false },
      schema: {
        summary: 'Let the log say more or less of a device, for a while',
        tags,
        params,
        body: levelWantedSchema,
        response: { 200: z.object({ until: z.string() }), 404: refusal },
      },
    },
    async ({ params: { device }, body: { level, minutes }, user }, reply) =>
      (await set({ device, level, for: minutes * 60_000 }, user.name)) ??
      (await reply.code(404).send({ error: 'not-found' })),
  );
}
