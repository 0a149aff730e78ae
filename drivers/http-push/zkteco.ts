/** ZKTeco's push: the terminal asks for its settings, then sends tables, and asks for orders now and then. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Host } from '../contract/driver.ts';
import { bodyOf, type Pushing, statusOf } from './push.ts';

export function serveZkteco(server: FastifyInstance, terminals: readonly Pushing[], _host: Host): void {
  const whose = ({ query }: FastifyRequest) => {
    const { SN: serial } = query as { SN?: unknown };
    return terminals.find(
      ({ terminal: { options } }) => options.serial !== undefined && options.serial === serial,
    );
  };
  server.get('/iclock/cdata', { config: { whose } }, async ({ pushing }) => {
    const { serial } = (pushing as Pushing).terminal.options;
    return `GET OPTION FROM: ${serial}\nStamp=9999\nOpStamp=9999\nErrorDelay=30\nDelay=10\nTransFlag=1111000000\nRealtime=1\nEncrypt=0\n`;
  });
  server.get('/iclock/:what', { config: { whose } }, async () => 'OK');
  server.post('/iclock/:what', { config: { whose } }, async (request, reply) => {
    const { what } = request.params as { what: string };
    const { table } = request.query as { table?: unknown };
    if (what !== 'cdata') return 'OK';
    const { intake } = request.pushing as Pushing;
    const named = typeof table === 'string' ? table : '';
    const taken = await intake({ contentType: 'text/plain', bytes: bodyOf(request), table: named });
    // Without OK it sends all of them again; those that are on disk are known.
    return taken.is === 'taken' ? `OK: ${taken.events}` : await reply.code(statusOf[taken.is]).send();
  });
}
