/** GET /api/gate/{door}: whose child may go, as server-sent events, for a screen that everybody can see. */
import type { FastifyPluginAsync } from 'fastify';
import { type Event, typePrefix } from '../../../config/catalogue/events.ts';
import type { Persons } from '../../persons/index.ts';
import type { Viewers } from '../viewers.ts';

export interface GateOptions {
  readonly doors: readonly string[];
  readonly persons: Persons;
}

export function serveGate(viewers: Viewers, { doors, persons }: GateOptions): FastifyPluginAsync {
  /** What the screen shows of an event; undefined: it is none of this door. */
  const shownOf = async (door: string, { type, data, id }: Event) => {
    const { access } = data as {
      access?: { door: string; decision: string; reason?: string; children?: readonly string[] };
    };
    if (access?.door !== door || !type.startsWith(`${typePrefix}access.`)) return undefined;
    const { decision, reason, children = [] } = access;
    const found = await persons.get(children);
    return {
      id,
      decision,
      reason,
      children: found.map((person, i) => person ?? { name: children[i] ?? '' }),
    };
  };
  return async (server) => {
    server.get('/api/gate/:door', { config: { needs: 'screen' } }, async (request, reply) => {
      const { door } = request.params as { door: string };
      if (!doors.includes(door)) return await reply.code(404).send({ error: `there is no door ${door}` });
      viewers.follow(request, reply, (event) => shownOf(door, event));
      return undefined;
    });
  };
}
