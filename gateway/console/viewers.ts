/** Browsers that follow what happens, by server-sent events. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Event } from '../../config/catalogue/events.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Recorder } from '../road/recorder.ts';
import { SECURITY_HEADERS } from './headers.ts';

/** What a viewer is told of an event; undefined: nothing. */
export type Telling = (event: Event, sequence: number) => unknown;
type Tell = (event: Event, sequence: number) => void;

export interface Viewers {
  /** Keeps the answer open, and tells it of each event from now on; gives what tells it of one of before. */
  follow(request: FastifyRequest, reply: FastifyReply, telling: Telling): Tell;
  start(): void;
  /** Ends all. */
  close(): void;
}

/** A viewer who is this far behind is let go; its page connects again. */
const BEHIND_MAX_BYTES = 1_000_000;
/** So often a line says that it is still there: proxies let go of what is silent. */
const BEAT_MS = 15_000;

export function createViewers(recorder: Pick<Recorder, 'onStored'>, time: Clock): Viewers {
  const viewers = new Map<FastifyReply, Tell>();
  let beating: Timer | undefined;
  recorder.onStored((event, sequence) => {
    for (const tell of viewers.values()) tell(event, sequence);
  });
  return {
    follow(request, reply, telling) {
      reply.raw.writeHead(200, { ...SECURITY_HEADERS, 'content-type': 'text/event-stream' });
      reply.raw.write(': hello\n\n');
      const write = async (event: Event, sequence: number) => {
        const told = await telling(event, sequence);
        if (told === undefined) return;
        reply.raw.write(`data: ${JSON.stringify(told)}\n\n`);
        if (reply.raw.writableLength > BEHIND_MAX_BYTES) reply.raw.destroy();
      };
      const tell: Tell = (event, sequence) => void write(event, sequence).catch(() => {});
      viewers.set(reply, tell);
      const { over } = request.user;
      const end = () => reply.raw.destroy();
      over.addEventListener('abort', end);
      request.raw.on('close', () => {
        viewers.delete(reply);
        over.removeEventListener('abort', end);
      });
      void reply.hijack();
      return tell;
    },
    start() {
      beating = time.every(BEAT_MS, () => {
        for (const reply of viewers.keys()) reply.raw.write(': here\n\n');
      });
    },
    close() {
      beating?.stop();
      for (const reply of viewers.keys()) reply.raw.destroy();
    },
  };
}
