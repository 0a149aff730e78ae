/**
 * A gateway's way of a command in a process that can be killed at any step: `killed-door.ts FOLDER POINT`. It opens the
 * journal, tells what was cut off, takes the command, answers on standard output. The door notes its moves in a file.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../drivers/contract/clock.ts';
import { createCommands } from '../../gateway/commands/index.ts';
import { openJournal } from '../../gateway/journal/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';

const [directory = '', point = ''] = process.argv.slice(2);
const silent = () => {};
const dieAt = (here: string) => {
  if (here === point) process.kill(process.pid, 'SIGKILL');
};

const journal = await openJournal(directory);
const commands = createCommands({
  campus: '45',
  journal: {
    knownAs: journal.knownAs,
    command: (source, id) => journal.command(source, id),
    interrupted: () => journal.interrupted(),
    audit: (at, body) => journal.audit(at, body),
    async begin(command) {
      dieAt('read');
      const begun = await journal.begin(command);
      dieAt('on disk');
      return begun;
    },
    async end(command) {
      dieAt('told');
      const hash = await journal.end(command);
      dieAt('outcome on disk');
      return hash;
    },
  },
  recorder: { recordOwn: async () => {} },
  clock: { now: Date.now },
  log: { debug: silent, info: silent, warn: silent, error: silent },
  metrics: createMetrics(),
  time: systemClock,
  kindOf: () => 'device',
});
commands.serve({
  async unlock() {
    dieAt('before the door');
    const file = openSync(join(directory, 'moves'), 'a');
    writeSync(file, 'moved\n');
    fsyncSync(file);
    closeSync(file);
    dieAt('behind the door');
    return { done: true };
  },
});
await commands.tellInterrupted();
const now = Date.now();
const command = {
  id: 'unlock-1',
  action: 'unlock',
  arguments: { output: 'gate' },
  issuedAt: new Date(now).toISOString(),
  expiresAt: new Date(now + 60_000).toISOString(),
};
const reply = await commands.receiveCommand(Buffer.from(JSON.stringify(command)), 'gate', {
  kind: 'uplink',
  id: 'police',
  rules: [{ actions: ['unlock'], targets: ['gate'], signed: false }],
  keys: [],
  rate: { perMinute: 60, burst: 1 },
});
dieAt('before the answer');
process.stdout.write(JSON.stringify(reply));
await journal.close();
