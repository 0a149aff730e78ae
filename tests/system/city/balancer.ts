/** A balancer of TCP connections as cities have them: in turn to a node that answers; it knows nothing of MQTT. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** @returns its URL. A connection goes on to the first of `urls` in turn that takes it, and ends with it. */
export async function balancer(urls: readonly string[]): Promise<string> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    return socket;
  };
  const open = (client: Socket, at: number, left: number): void => {
    const { hostname, port } = new URL(urls[at % urls.length] ?? '');
    const node = keep(connect(Number(port), hostname));
    node.once('error', () => (left > 1 ? open(client, at + 1, left - 1) : client.destroy()));
    node.once('connect', () => {
      node.removeAllListeners('error').on('error', () => {});
      client.pipe(node).pipe(client);
      node.once('close', () => client.destroy());
      client.once('close', () => node.destroy());
    });
  };
  const server = createServer((client) => open(keep(client), turn++, urls.length));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
