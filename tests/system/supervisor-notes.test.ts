/** What a supervisor hears, over systemd's own protocol (sd_notify(3)); the supervisor is Python's. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Log } from '../../drivers/contract/driver.ts';
import { supervisorNotes } from '../../gateway/observe/supervisor.ts';
import { manualClock } from '../clocks.ts';
import { freePort, silentLog, stream, temporaryDirectory } from '../helpers.ts';

/** A datagram a line; BARRIER=1 asks only whether all before it was read, which the fate of its descriptor answers. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    said = s.recv(4096).decode().strip().replace('\\n', ' ')
    if said != 'BARRIER=1': print(said, flush=True)`;

async function listen() {
  const socket = join(temporaryDirectory(), 'notify');
  const child = spawn('/usr/bin/python3', ['-u', '-c', LISTENER, socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const heard = stream<string>();
  createInterface({ input: child.stdout }).on('line', heard.push);
  expect(await heard.next()).toBe('listening');
  return { socket, heard };
}

const has = (program: string) => spawnSync('which', [program]).status === 0;

describe.runIf(has('systemd-notify') && has('/usr/bin/python3'))('a supervisor that asks', () => {
  it('hears that it is ready, that it lives at half of its patience, and that it stops', async () => {
    const { socket, heard } = await listen();
    const time = manualClock();
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: '30000000',
      WATCHDOG_PID: String(process.pid),
    };
    const supervisor = supervisorNotes(time, silentLog, env);
    // Programs that the gateway starts are not the service.
    expect(Object.keys(env).filter((name) => /^(NOTIFY|WATCHDOG)/.test(name))).toEqual([]);
    await supervisor.ready();
    expect(await heard.next()).toBe('READY=1');
    for (let i = 0; i < 2; i++) {
      await time.advance(15_000);
      expect(await heard.next()).toBe('WATCHDOG=1');
    }
    await supervisor.stopping();
    expect(await heard.next()).toBe('STOPPING=1');
    await time.advance(60_000);
    expect([time.pending, heard.rest()]).toEqual([0, []]);
  });

  it('hears it of the gateway as it is run', { timeout: 30_000 }, async () => {
    const { socket, heard } = await listen();
    const directory = temporaryDirectory();
    const file = join(directory, 'c.yaml');
    writeFileSync(file, `campus: { id: "4503000001", name: x }\nstatus: { port: ${await freePort()} }\n`);
    const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
    const child = spawn(process.execPath, [entry, 'run', file], {
      stdio: 'ignore',
      env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '500000' },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const states = new Set<string>();
    while (states.size < 2) states.add(await heard.next());
    expect([...states].sort()).toEqual(['READY=1', 'WATCHDOG=1']);
    child.kill('SIGTERM');
    expect(await heard.find((state) => state !== 'WATCHDOG=1')).toBe('STOPPING=1');
  });
});

describe('a supervisor', () => {
  it('that cannot be told is said once', async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (_fields, sentence) => void warnings.push(sentence) };
    const supervisor = supervisorNotes(manualClock(), log, { NOTIFY_SOCKET: '/nowhere' }, 'no-such-program');
    await supervisor.ready();
    await supervisor.stopping();
    expect(warnings).toEqual([expect.stringContaining('no-such-program cannot send it')]);
  });

  it.each([
    ['asks for nothing', {}],
    ['watches another process', { NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' }],
  ])('that %s hears nothing', async (_name, env) => {
    const time = manualClock();
    await supervisorNotes(time, silentLog, env, 'no-such-program').ready();
    expect(time.pending).toBe(0);
  });
});
