/** The view library that is written in Python: started, told how to behave, and asked what it heard. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';

export interface HeardByLibrary {
  readonly path: string;
  readonly status?: number;
  /** Of the digest of Register and UnRegister. */
  readonly proof?: 'good' | 'stale' | 'bad' | 'none';
  readonly id?: string;
  readonly code?: number;
  readonly wrong?: string | null;
  readonly bytes?: number;
  /** Without its pictures. */
  readonly object?: Readonly<Record<string, unknown>>;
}

export async function startLibrary(more: readonly string[] = []) {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async () => {
    const args = [join(import.meta.dirname, 'viid_peer.py'), String(port), ...more];
    ({ child } = await startProcess('/usr/bin/python3', args, /listening/, (own) => {
      child = own;
    }));
  };
  const stop = async () => {
    if (child !== undefined) await stopProcess(child, 'SIGKILL');
  };
  onTestFinished(stop);
  await start();
  const at = `http://127.0.0.1:${port}`;
  return {
    port,
    url: more.length > 0 ? `https://localhost:${port}` : at,
    start,
    stop,
    async behave(how: object) {
      await fetch(`${at}/control`, { method: 'POST', body: JSON.stringify(how) });
    },
    /** Of this process of it. */
    async heard() {
      const said = await fetch(`${at}/heard`);
      return (await said.json()) as { readonly heard: readonly HeardByLibrary[]; readonly bytes: number };
    },
    async objects() {
      return (await this.heard()).heard.filter(({ id }) => id !== undefined);
    },
  };
}
