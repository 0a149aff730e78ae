/** A TCP relay whose line can be made bad: slow, lossy (a lost segment stalls what follows), or dead and yet open. */
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '../../free-port.ts';

export interface Bad {
  /** One way, ms. */
  readonly delay?: number;
  /** Of the chunks, the share that waits for a retransmission. */
  readonly loss?: number;
  /** Bytes a second, each way. */
  readonly rate?: number;
}

/** What a sender waits for a lost segment when nothing follows it (RFC 6298: at least 1 s; Linux: 200 ms). */
const RETRANSMISSION_MS = 300;

export async function relay(to: number) {
  const port = await freePort();
  let bad: Bad = {};
  let hole = false;
  const sockets = new Set<Socket>();
  const pipe = (from: Socket, onto: Socket) => {
    // In order, whatever the timers do: what comes later waits for what came first.
    const queue: { readonly at: number; readonly chunk: Buffer }[] = [];
    let free = 0;
    let timer: NodeJS.Timeout | undefined;
    const drain = () => {
      timer = undefined;
      while (queue[0] !== undefined && queue[0].at <= performance.now()) {
        const { chunk } = queue.shift() as (typeof queue)[number];
        if (!onto.destroyed) onto.write(chunk);
      }
      if (queue[0] !== undefined) timer = setTimeout(drain, Math.max(1, queue[0].at - performance.now()));
    };
    from.on('data', (chunk) => {
      if (hole) return;
      const { delay = 0, loss = 0, rate } = bad;
      const late = delay + (Math.random() < loss ? RETRANSMISSION_MS : 0);
      free =
        Math.max(free, performance.now() + late) + (rate === undefined ? 0 : (chunk.length / rate) * 1000);
      queue.push({ at: free, chunk });
      if (timer === undefined) drain();
    });
    from.on('close', () => {
      if (!hole) onto.destroy();
    });
    from.on('error', () => {});
  };
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: to, noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    pipe(near, far);
    pipe(far, near);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    set(what: Bad) {
      bad = what;
    },
    /** Nothing passes any more, and nobody is told. */
    swallow(on: boolean) {
      hole = on;
      if (!on) cut();
    },
    cut,
    close() {
      cut();
      server.close();
    },
  };
}
