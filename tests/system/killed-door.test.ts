/** A gateway that is killed between a command and its answer. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';

describe('a gateway killed while a door is unlocked', () => {
  const door = join(import.meta.dirname, 'killed-door.ts');
  /** Runs until it ends or kills itself at a point; what it answered, and how often the door has moved by then. */
  const run = (directory: string, point: string) => {
    const { stdout, signal } = spawnSync(process.execPath, [door, directory, point], { encoding: 'utf8' });
    const moves = existsSync(join(directory, 'moves'))
      ? readFileSync(join(directory, 'moves'), 'utf8').split('\n').length - 1
      : 0;
    return { answer: stdout === '' ? undefined : (JSON.parse(stdout) as object), signal, moves };
  };
  const done = { id: 'unlock-1', done: true };
  const unknown = { id: 'unlock-1', done: false, unknown: true };

  it.each([
    ['read', 0, done, 1],
    ['on disk', 0, unknown, 0],
    ['before the door', 0, unknown, 0],
    ['behind the door', 1, unknown, 1],
    ['told', 1, unknown, 1],
    ['outcome on disk', 1, done, 1],
    ['before the answer', 1, done, 1],
  ])('%s: it moves at most once, and who asks again hears what is true', (point, moves, answer, after) => {
    const directory = temporaryDirectory();
    expect(run(directory, point)).toEqual({ answer: undefined, signal: 'SIGKILL', moves });
    // The platform has no answer, and sends it again; twice.
    for (let i = 0; i < 2; i++)
      expect(run(directory, '')).toMatchObject({ answer, signal: null, moves: after });
  });
});
