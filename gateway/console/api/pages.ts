/** GET / (the overview), /live/{camera}, /gate/{door} (the screen for picking up), and what they are made of. */
import type { FastifyPluginAsync } from 'fastify';
import { readAssets, sendPage } from '../files.ts';
import type { Sessions } from '../sessions.ts';

export function servePages(sessions: Pick<Sessions, 'renew'>): FastifyPluginAsync {
  const assets = readAssets();
  return async (server) => {
    server.get('/pages/:name', { config: { opensTo: 'anyone' } }, async (request, reply) =>
      assets.send(reply, (request.params as { name: string }).name),
    );
    server.get('/', { config: { isPage: true } }, async (_request, reply) => sendPage(reply, 'index.html'));
    server.get('/live/:camera', { config: { isPage: true } }, async (_request, reply) =>
      sendPage(reply, 'live.html'),
    );
    server.get('/gate/:door', { config: { isPage: true, opensTo: 'screen' } }, async (request, reply) => {
      const cookie = sessions.renew(request.headers.cookie);
      if (cookie !== undefined) reply.header('set-cookie', cookie);
      return await sendPage(reply, 'gate.html');
    });
  };
}
