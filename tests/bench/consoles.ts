/**
 * Open consoles, in a process of their own, as a browser has them: each follows the stream and asks again for the list
 * of alarms when one changes, with the answers read to their end.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { start } from './parts.ts';

interface Task {
  readonly base: string;
  readonly cookie: string;
  readonly count: number;
}

/** Logs in with the token that a console's first start leaves; what a browser would send from then on. */
export async function cookieOf(base: string, dataDir: string): Promise<string> {
  const token = readFileSync(join(dataDir, 'console.operator.token'), 'utf8').trim();
  const answer = await fetch(`${base}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  const cookie = answer.headers.get('set-cookie')?.split(';')[0];
  if (cookie === undefined) throw new Error(`the console lets nobody in: ${answer.status}`);
  return cookie;
}

/** Resolves when all of them follow. */
export const openConsoles = (task: Task): Promise<ChildProcess> =>
  start({
    command: process.execPath,
    args: [import.meta.filename, JSON.stringify(task)],
    ready: /all follow/,
  });

/** As a page does: many events in a row are one reason to ask (web/kit/resource.ts). */
const TOGETHER_MS = 150;

async function openOne({ base, cookie }: Task): Promise<void> {
  const headers = { cookie };
  let isDue = false;
  const ask = async (): Promise<void> => {
    isDue = false;
    const answer = await fetch(`${base}/api/alarms`, { headers });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`/api/alarms answers ${answer.status}`);
  };
  await ask();
  const stream = await fetch(`${base}/api/stream`, { headers });
  if (!stream.ok || stream.body === null) throw new Error(`/api/stream answers ${stream.status}`);
  const body = stream.body;
  void (async () => {
    for await (const chunk of body.pipeThrough(new TextDecoderStream()))
      if (chunk.includes('"cn.campus.alarm.') && !isDue) {
        isDue = true;
        setTimeout(() => void ask(), TOGETHER_MS);
      }
  })();
}

if (import.meta.main) {
  const task = JSON.parse(process.argv[2] ?? '') as Task;
  for (let i = 0; i < task.count; i++) await openOne(task);
  process.stderr.write('all follow\n');
}
