import { once } from 'node:events';
import { createServer } from 'node:net';

/** The port that a server got which asked for this one, and left again; 0: any. Rejects where another has it. */
async function tryPort(wanted: number): Promise<number> {
  const server = createServer();
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> => tryPort(0);

/** One that was free together with the next. */
export async function freePair(): Promise<number> {
  for (;;) {
    const port = await freePort();
    const next = await tryPort(port + 1).catch(() => undefined);
    if (next !== undefined) return port;
  }
}
