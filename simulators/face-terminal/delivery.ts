/** How a terminal's messages reach the gateway: pushed, each until it is taken, or through a stream that is read. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { answerWhole, type digestGuard, digestOf } from '../http.ts';
import type { Refused } from '../simulator.ts';
import type { Packet } from './messages.ts';

export interface Delivery {
  /** `counts`: it is news, no heartbeat. */
  send(packet: Packet, counts?: boolean): void;
  /** News that was pushed and not taken; what is read has no such thing. */
  undelivered?(): number;
  /** News that was pushed and refused. */
  refused?(): Refused | undefined;
  /** Of what is read: whether news came while nobody read it, and nobody asked for it later. */
  unheard?(): 'gone' | undefined;
  /** What is no message. */
  sendNoise(bytes: Buffer): void;
  /** Drops the streams that are being read. */
  cut(): void;
  close(): Promise<void>;
}

const RETRY_MS = 500;

/** One after another, each until it is taken; a 4xx is a word, not an outage. */
export function createPush({
  to,
  serial,
  login,
}: {
  /** ZKTeco: the server only. */
  readonly to: string;
  /** ZKTeco. */
  readonly serial: string | undefined;
  readonly login: { readonly username: string; readonly password: string } | undefined;
}): Delivery {
  const over = new AbortController();
  const { signal } = over;
  let waiting = Promise.resolve();
  const urlOf = (path: string | undefined) => {
    const url = new URL(path ?? to, to);
    if (serial !== undefined) url.searchParams.set('SN', serial);
    return url;
  };
  const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  const ask = async ({ contentType, bytes, path }: Packet, method: 'GET' | 'POST', authorization = basic) =>
    await fetch(urlOf(path), {
      method,
      headers: { 'content-type': contentType, ...(authorization !== undefined && { authorization }) },
      ...(method === 'POST' && { body: new Uint8Array(bytes) }),
      signal,
    }).catch(() => undefined);
  /** With its password, as it is asked for: by Digest where Basic will not do. */
  const tell = async (packet: Packet) => {
    const method = packet.path?.startsWith('/iclock/getrequest') === true ? 'GET' : 'POST';
    const answer = await ask(packet, method);
    if (answer?.status !== 401 || login === undefined) return answer;
    const { pathname, search } = urlOf(packet.path);
    const challenge = answer.headers.get('www-authenticate') ?? '';
    // It was told already, and was wrong: a second guess has a longer wait.
    if (/\bBasic /i.test(challenge)) return answer;
    const proof = digestOf(challenge, { method, uri: pathname + search }, login);
    if (proof === undefined) return answer;
    await answer.body?.cancel().catch(() => {});
    return await ask(packet, method, proof);
  };
  /** @returns the status of who refused it; undefined: it was taken, or the end came first. */
  const push = async (packet: Packet): Promise<number | undefined> => {
    const { isHeard } = packet;
    while (!signal.aborted) {
      const answer = await tell(packet);
      if (answer !== undefined && isHeard !== undefined) {
        const body = await answer.text().catch(() => '');
        if (answer.ok && isHeard(body)) return undefined;
        if (!answer.ok) lastStatus = answer.status;
      } else {
        // What it says beside its status is not of interest, however long it is.
        await answer?.body?.cancel().catch(() => {});
        if (answer !== undefined && answer.status < 500) return answer.ok ? undefined : answer.status;
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
    return undefined;
  };
  let undelivered = 0;
  let refused = 0;
  /** Of the last refusal, of one that is tried again, too. */
  let lastStatus = 0;
  const send = (packet: Packet, counts = false) => {
    undelivered += Number(counts);
    waiting = waiting
      .then(() => push(packet))
      .then((status) => {
        if (signal.aborted || !counts) return;
        undelivered--;
        if (status === undefined) return;
        refused++;
        lastStatus = status;
      });
  };
  /** What is tried again after a 4xx counts, too: it was heard. */
  const refusals = () => {
    const count = refused + (lastStatus >= 400 && lastStatus < 500 ? undelivered : 0);
    return count === 0 ? undefined : { count, status: lastStatus };
  };
  return {
    send,
    undelivered: () => undelivered,
    refused: refusals,
    sendNoise: (bytes) => send({ contentType: 'application/json', bytes }),
    cut() {},
    async close() {
      over.abort();
      await waiting;
    },
  };
}

/** What a terminal remembers for who asks later. */
const RECORDS_MAX = 30;

/** What is in its memory, as ISAPI's AcsEvent and Dahua's recordFinder.cgi answer. undefined: another question. */
function memoryAs(path: string, records: readonly Readonly<Record<string, unknown>>[]): string | undefined {
  if (path.startsWith('/ISAPI/AccessControl/AcsEvent'))
    return JSON.stringify({
      AcsEvent: {
        searchID: '1',
        totalMatches: records.length,
        responseStatusStrg: records.length === 0 ? 'NO MATCH' : 'OK',
        numOfMatches: records.length,
        InfoList: records,
      },
    });
  if (!path.startsWith('/cgi-bin/recordFinder.cgi')) return undefined;
  const lines = records.flatMap((record, i) =>
    Object.entries(record).map(([name, value]) => `records[${i}].${name}=${value}`),
  );
  return [`totalCount=${records.length}`, `found=${records.length}`, ...lines, ''].join('\r\n');
}

/**
 * Serves a stream to who knows the password; what happens while nobody reads is lost to it, as with the real ones, and
 * can be asked for.
 */
export async function serveStream(
  listen: { readonly host: string; readonly port: number },
  guard: ReturnType<typeof digestGuard>,
): Promise<Delivery> {
  const readers = new Set<ServerResponse>();
  const records: Readonly<Record<string, unknown>>[] = [];
  let wasAlone = false;
  const server = createServer((request, response) => {
    if (!guard(request, response)) return;
    const memory = memoryAs(request.url ?? '', records);
    if (memory !== undefined) wasAlone = false;
    if (memory !== undefined) return answerWhole(response, 200, { Connection: 'close' }, memory);
    response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=myboundary' });
    response.flushHeaders();
    readers.add(response);
    response.on('close', () => readers.delete(response));
  });
  server.listen(listen);
  await once(server, 'listening');
  const cut = () => {
    for (const response of readers) response.destroy();
  };
  return {
    unheard: () => (wasAlone ? 'gone' : undefined),
    send(packet, counts = false) {
      wasAlone ||= counts && readers.size === 0;
      if (packet.record !== undefined) records.push(packet.record);
      if (records.length > RECORDS_MAX) records.shift();
      for (const response of readers) writePart(packet, response);
    },
    sendNoise(bytes) {
      for (const response of readers) response.write(bytes);
    },
    cut,
    async close() {
      cut();
      server.close();
    },
  };
}

function writePart({ contentType, bytes }: Packet, response: ServerResponse) {
  // Their own parts, or, of a multipart, its first part alone: pictures follow in parts of their own.
  if (!contentType.startsWith('multipart/')) {
    response.write(`--myboundary\r\nContent-Type: ${contentType}\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    response.write(bytes);
    response.write('\r\n');
    return;
  }
  const text = bytes
    .toString('latin1')
    .replaceAll('--MIME_boundary--', '')
    .replaceAll('--MIME_boundary', '--myboundary');
  response.write(
    Buffer.from(text.replace(/form-data; name="[^"]*"(; filename="[^"]*")?/g, 'inline'), 'latin1'),
  );
}
