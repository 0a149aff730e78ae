/** The one thread that owns the journal's file: requests in, answers out, in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Cursor, type NewEntry, openStore } from './store.ts';

export type Request =
  | { readonly do: 'commit'; readonly entries: readonly NewEntry[]; readonly cursors: readonly Cursor[] }
  | { readonly do: 'read'; readonly lane: number; readonly after: number; readonly limit: number }
  | { readonly do: 'states' }
  | {
      readonly do: 'expire';
      readonly lane: number;
      readonly upTo: number;
      readonly before: number;
      readonly limit: number;
    }
  | { readonly do: 'close' };
export type Answer =
  | { readonly value: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

const failure = (error: unknown): Answer => ({
  error: { code: (error as { code?: string }).code ?? 'E_JOURNAL', message: (error as Error).message },
});

const port = parentPort;
if (port === null) throw new Error('the journal worker runs in a worker thread');
const { directory, lanes } = workerData as { directory: string; lanes: number };
try {
  const store = openStore(directory, lanes);
  const serve = (request: Request): unknown => {
    switch (request.do) {
      case 'commit':
        return store.commit(request.entries, request.cursors);
      case 'read':
        return store.read(request.lane, request.after, request.limit);
      case 'states':
        return store.states();
      case 'expire':
        return store.expire(request.lane, request.upTo, request.before, request.limit);
      case 'close':
        store.close();
        port.unref();
        return undefined;
    }
  };
  port.on('message', (request: Request) => {
    let answer: Answer;
    try {
      answer = { value: serve(request) };
    } catch (error) {
      answer = failure(error);
    }
    port.postMessage(answer);
  });
  port.postMessage({ value: { lasts: store.lasts(), cursors: store.cursors() } } satisfies Answer);
} catch (error) {
  port.postMessage(failure(error));
}
