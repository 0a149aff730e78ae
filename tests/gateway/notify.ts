/** Notifications on a manual clock, and a robot that takes them over real HTTP. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { contact } from '../../config/sections/contacts.ts';
import { rule } from '../../config/sections/rules.ts';
import type { DeviceObservation } from '../../drivers/contract/observation.ts';
import { wordsFor } from '../../gateway/console/web/words/words-for.ts';
import { createNotify, type NotifyOptions } from '../../gateway/notify/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { toEvent } from '../../gateway/road/event.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, stream, temporaryDirectory } from '../helpers.ts';

export interface Posted {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A robot: `answer` gives what it says to each post, by default that it took it. */
export async function robot(
  answer: () => { status?: number; body: object } = () => ({ body: { errcode: 0, code: 0 } }),
) {
  const posts = stream<Posted>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { status = 200, body } = answer();
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      posts.push({
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { posts, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

export const START = Date.UTC(2026, 10, 29, 0, 12, 30);

/** Notifications of a gateway of which only the time, the platforms and the journal's last events are made up. */
export async function desk(
  contacts: readonly object[],
  {
    directory = temporaryDirectory(),
    time = manualClock(START),
    again = ruleOf(),
    ...more
  }: Omit<Partial<NotifyOptions>, 'again' | 'time'> & {
    directory?: string;
    time?: ReturnType<typeof manualClock>;
    /** The rule that is asked again at the start. */
    again?: ReturnType<typeof ruleOf>;
  } = {},
) {
  const audit: Record<string, unknown>[] = [];
  const logged: string[] = [];
  const log = { ...silentLog, warn: (fields: object) => logged.push(JSON.stringify(fields)) };
  const notify = createNotify({
    ...{ dataDir: directory, contacts: contacts.map((one) => contact.parse(one)) },
    ...{ campus: '第一中学', timezone: 'Asia/Shanghai', wordsFor, time, log, metrics: createMetrics() },
    areaOf: () => '门卫室',
    placeOf: () => undefined,
    platformsAwayMs: () => undefined,
    isDelivered: () => false,
    again: (event, sequence) => notify.tell(again, event, sequence),
    persons: { get: async (ids) => ids.map((id) => (id === 's1' ? { name: '张小明' } : undefined)) },
    journal: {
      async audit(_at, body) {
        audit.push(JSON.parse(body));
        return '';
      },
      readBack: async () => [],
      last: () => 0,
    },
    clock: { now: time.wall },
    ...more,
  });
  await notify.start?.();
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= Promise.resolve(notify[Symbol.asyncDispose]());
    return closed;
  };
  onTestFinished(close);
  return { notify, time, audit, logged, directory, close };
}

/** A secret in a file, as the config names it. */
export function secretFile(text: string): string {
  const file = join(temporaryDirectory(), 'secret');
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}

export const event = (observation: Partial<DeviceObservation> = {}): Event =>
  toEvent(
    {
      device: 'guard',
      kind: 'panic',
      state: 'raised',
      zone: { number: 3, name: '一号按钮' },
      ...observation,
    },
    { campusId: '45', deviceName: '保卫室主机', now: START, synchronised: true },
  );
export const ruleOf = (...notify: object[]) => rule.parse({ id: 'tell', notify });
