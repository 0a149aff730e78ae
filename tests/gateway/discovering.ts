/** Discovery at work on what a test has put up. */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readConfig } from '../../gateway/check.ts';
import { discoverAll } from '../../gateway/cli/discover/all.ts';
import { type DiscoverOptions, type Found, yamlLineOf } from '../../gateway/cli/discover/found.ts';
import { temporaryDirectory } from '../helpers.ts';
import { clock } from './terminal.ts';

/** What was found and said; `until`: it ends when so many were found, or by itself. */
export async function look(options: Partial<DiscoverOptions>, until = Number.POSITIVE_INFINITY) {
  const stop = new AbortController();
  const notes: string[] = [];
  const steps: { done: number; total: number }[] = [];
  let count = 0;
  const found = await discoverAll(
    { ways: [], forMs: 1000, clock, signal: stop.signal, ...options },
    {
      found() {
        if (++count === until) stop.abort();
      },
      progress: ({ done, total }) => void steps.push({ done, total }),
      note: ({ en }) => void notes.push(en),
    },
  );
  return { found, notes, steps };
}

/** A serial server on which `talk` says something to whoever connects. @returns all that it was sent. */
export async function serialServer(talk: (socket: Socket) => void = () => {}) {
  const sent: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', (chunk: Buffer) => void sent.push(chunk));
    talk(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return { at: { host: '127.0.0.1', port }, sent: () => Buffer.concat(sent) };
}

/** A config with the finds in it, as somebody copies them, and `check`'s errors of it. */
export function checked(found: readonly Found[]): readonly string[] {
  const folder = temporaryDirectory();
  mkdirSync(join(folder, 'secrets'), { mode: 0o700 });
  for (const one of ['cameras', 'panel-ABCD'])
    writeFileSync(join(folder, 'secrets', one), `${'3'.repeat(32)}\n`, { mode: 0o600 });
  const file = join(folder, 'campus.yaml');
  writeFileSync(
    file,
    `campus: { id: "4503000001", name: 一中 }\ndevices:\n${found.map((one) => `  ${yamlLineOf(one)}\n`).join('')}`,
  );
  const loaded = readConfig(file);
  return 'errors' in loaded ? loaded.errors.map(({ message }) => message) : [];
}
