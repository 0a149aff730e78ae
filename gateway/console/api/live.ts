/** WS /api/live/{camera}?form=mse|jsmpeg: a live picture. */
import type { FastifyPluginAsync } from 'fastify';
import type { Live } from '../../media/live.ts';

export interface LiveOptions {
  readonly cameras: readonly { readonly id: string }[];
  /** Lets a viewer see a camera, until the socket ends. */
  readonly view: Live['view'];
}

export function serveLive({ cameras, view }: LiveOptions): FastifyPluginAsync {
  return async (server) => {
    server.get('/api/live/:camera', { websocket: true, config: { needs: 'pictures' } }, (socket, request) => {
      const { camera } = request.params as { camera: string };
      const { form } = request.query as { form?: string };
      if (!cameras.some(({ id }) => id === camera)) return socket.close(1008, `there is no camera ${camera}`);
      const { over } = request.user;
      const end = () => socket.close(1008, 'logged out');
      over.addEventListener('abort', end);
      socket.once('close', () => over.removeEventListener('abort', end));
      return view(camera, socket, form === 'jsmpeg' ? 'jsmpeg' : 'mse');
    });
  };
}
