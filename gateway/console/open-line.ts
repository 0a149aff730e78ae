/** Server-sent events (HTML Living Standard, 9.2): their form, and the answers that stay open for them. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SECURITY_HEADERS } from './headers.ts';
import type { Shares } from './shares.ts';

export const frame = (event: string, data: unknown, id?: string): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;

export interface OpenLine {
  /** Who is too far behind is let go; the page connects again. */
  write(text: string): void;
}

/**
 * Keeps an answer open until its session is over, somebody else gets its place, or the browser goes. `ended` is called
 * then, perhaps twice. @returns undefined: there are too many, and nothing was answered.
 */
export function openLine(
  { raw: asked, user }: FastifyRequest,
  reply: FastifyReply,
  {
    shares,
    behindMax,
    ended,
  }: { readonly shares: Shares; readonly behindMax: number; readonly ended: () => void },
): OpenLine | undefined {
  const { raw } = reply;
  const end = () => {
    ended();
    raw.destroy();
  };
  const giveBack = shares.take(user.name, end);
  if (giveBack === undefined) return undefined;
  void reply.hijack();
  raw.writeHead(200, {
    ...SECURITY_HEADERS,
    'content-type': 'text/event-stream',
    // A proxy of nginx keeps what it gets, else.
    'x-accel-buffering': 'no',
  });
  user.over.addEventListener('abort', end);
  asked.on('close', () => {
    ended();
    giveBack();
    user.over.removeEventListener('abort', end);
  });
  return {
    write(text) {
      raw.write(text);
      if (raw.writableLength > behindMax) raw.destroy();
    },
  };
}
