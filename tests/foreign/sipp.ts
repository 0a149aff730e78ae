/** sipp (Debian, sip-tester) with a script of ours, and what it says that it received. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { stopProcess } from '../processes.ts';
import { until } from '../system/tools.ts';

/** As the kernel lists ports. */
const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');

/** As a platform that waits. `script`: what it does. */
export async function sipp(by: 'UDP' | 'TCP', script: string) {
  const directory = temporaryDirectory();
  const file = join(directory, 'platform.xml');
  writeFileSync(file, script);
  const port = await freePort();
  const log = join(directory, 'messages');
  const wire = ['-i', '127.0.0.1', '-p', String(port), '-t', by === 'UDP' ? 'u1' : 't1'];
  const child = spawn(
    'sipp',
    ['-sf', file, ...wire, '-deadcall_wait', '0', '-nostdin', '-trace_msg', '-message_file', log],
    {
      stdio: 'ignore',
      cwd: directory,
    },
  );
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  const messages = () => {
    try {
      return readFileSync(log, 'latin1');
    } catch {
      return '';
    }
  };
  const listens = () =>
    readFileSync(`/proc/net/${by.toLowerCase()}`, 'utf8').includes(`0100007F:${hex(port)} 00000000`);
  await until('sipp listens', listens);
  return { port, messages };
}

/** As who asks: one call, over UDP. `done` resolves with its exit status, 0 where all went as its script says. */
export async function sippCall(to: number, script: string) {
  const directory = temporaryDirectory();
  const file = join(directory, 'call.xml');
  writeFileSync(file, script);
  const port = await freePort();
  const log = join(directory, 'messages');
  const errors = join(directory, 'errors');
  const wire = [
    '-i',
    '127.0.0.1',
    '-p',
    String(port),
    '-t',
    'u1',
    '-m',
    '1',
    '-timeout',
    '40',
    '-timeout_error',
  ];
  const trace = ['-nostdin', '-trace_msg', '-message_file', log, '-trace_err', '-error_file', errors];
  const child = spawn('sipp', [`127.0.0.1:${to}`, '-sf', file, ...wire, ...trace], {
    stdio: 'ignore',
    cwd: directory,
  });
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  const read = (name: string) => {
    try {
      return readFileSync(name, 'latin1');
    } catch {
      return '';
    }
  };
  const done = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { done, messages: () => read(log), errors: () => read(errors) };
}

/** Of sipp's log: what it received, without what came twice; `bytes` as it counted them. */
export function receivedIn(log: string) {
  const parts = log.split(/^-{5,}.*$/m);
  const found = new Map<
    string,
    { readonly method: string; readonly by: string; readonly bytes: number; readonly text: string }
  >();
  for (const part of parts) {
    const [, by = '', bytes = '', text = ''] =
      /(UDP|TCP) message received \[(\d+)\] bytes *:\s+([\s\S]*)/.exec(part) ?? [];
    const of = (name: string) => new RegExp(`^${name}: *(.*?)\r?$`, 'im').exec(text)?.[1] ?? '';
    if (text !== '')
      found.set(`${of('Call-ID')} ${of('CSeq')} ${text.slice(0, 12)}`, {
        ...{ method: text.split(' ')[0] ?? '', by, bytes: Number(bytes), text },
      });
  }
  return [...found.values()];
}
