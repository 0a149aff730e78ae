import type { Terminal } from '../command.ts';

export const printer =
  ({ stdout }: Terminal) =>
  (line: string) =>
    void stdout.write(`${line}\n`);

export const iso = (ms: number | null) => (ms === null ? '' : new Date(ms).toISOString());
