import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Aedes } from 'aedes';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCamera } from '../../simulators/camera.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import { freePort, stream, temporaryDirectory } from '../helpers.ts';

const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
const env = { ...process.env, CAMPUS_LANG: 'en' };

function run(args: string[], more: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, ...args], {
    encoding: 'utf8',
    env: { ...env, ...more },
  });
  return { status, stdout, stderr };
}

/** A command that goes on: its lines as they come. */
function begin(args: string[]): {
  child: ChildProcess;
  out: ReturnType<typeof stream<string>>;
  err: ReturnType<typeof stream<string>>;
} {
  const child = spawn(process.execPath, [entry, ...args], { env });
  const out = stream<string>();
  const err = stream<string>();
  createInterface({ input: child.stdout }).on('line', out.push);
  createInterface({ input: child.stderr }).on('line', err.push);
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, out, err };
}

describe('the command line', () => {
  it('helps, in both languages', () => {
    expect(run(['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('Exit status') });
    expect(run(['--help'], { CAMPUS_LANG: 'zh' }).stdout).toContain('退出状态');
    for (const command of [
      'run',
      'check',
      'simulate',
      'watch',
      'demo',
      'journal',
      'doctor',
      'osdp',
      'credentials',
      'discover',
      'health',
    ]) {
      expect(run([command, '--help'])).toMatchObject({
        status: 0,
        stdout: expect.stringContaining(`campus-gateway ${command}`),
      });
    }
  });

  it('says what it does not understand, with status 2', () => {
    expect(run(['rnu'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('there are: run, check'),
    });
    expect(run(['run', '--port', '1'])).toMatchObject({ status: 2 });
    expect(run(['simulate', 'toaster'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('panel, fence, reader, osdp, sign, face, camera or campus'),
    });
  });

  it('checks a file: status 0 and a sentence, or status 1 and every error', () => {
    const file = join(temporaryDirectory(), 'c.yaml');
    writeFileSync(file, 'campus: { id: "4503000001", name: x }\n');
    expect(run(['check', file])).toMatchObject({ status: 0, stdout: expect.stringContaining('good') });
    writeFileSync(file, 'campus: { id: 1 }\nfoo: 1\n');
    const bad = run(['check', file]);
    expect(bad.status).toBe(1);
    expect(bad.stderr.trim().split('\n')).toEqual([
      expect.stringContaining('c.yaml:1:1: campus.name: missing'),
      expect.stringContaining('c.yaml:1:11: campus.id: 1: a string is needed'),
      expect.stringContaining('c.yaml:2:1: foo: unknown key'),
      expect.stringContaining('3 errors'),
    ]);
  });

  it('refuses a Node that is too old with a sentence, before anything else is loaded', () => {
    const shim = join(temporaryDirectory(), 'old.mjs');
    writeFileSync(
      shim,
      `Object.defineProperty(process.versions, 'node', { value: '20.20.2' });\nawait import(${JSON.stringify(entry)});\n`,
    );
    const { status, stderr } = spawnSync(process.execPath, [shim, 'demo'], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^campus-gateway needs Node 24 or later/);
  });
});

describe('a simulated panel, alone', () => {
  it('takes actions from standard input and reports to a running gateway, which stops cleanly on SIGTERM', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'c.yaml');
    const [port, status] = [await freePort(), await freePort()];
    writeFileSync(
      file,
      `campus: { id: "4503000001", name: x }
status: { port: ${status} }
devices:
  - { id: panel, driver: dc09, listen: { port: ${port} }, accounts: [{ account: "1234" }] }
`,
    );
    const gateway = begin(['run', file]);
    await gateway.err.find((line) => line.includes('the gateway runs'));
    const panel = begin(['simulate', 'panel', '--to', `127.0.0.1:${port}`, '--do', 'press 9']);
    await panel.out.find((line) => /^ACK \d+ #1234\|Nri1\/PA9$/.test(line));
    panel.child.stdin?.write('trip 3\ndance\n');
    await panel.out.find((line) => line.includes('cannot "dance"; it can: press'));
    await panel.out.find((line) => /^ACK \d+ #1234\|Nri1\/BA3$/.test(line));
    expect(run(['health', file])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('"panel":true'),
    });
    const metrics = await (await fetch(`http://127.0.0.1:${status}/metrics`)).text();
    expect(metrics).toContain('campus_events_total{type="alarm.raised"} 2');
    gateway.child.kill('SIGTERM');
    expect(await once(gateway.child, 'exit')).toEqual([0, null]);
    expect(run(['health', file])).toMatchObject({ status: 1 });
  });
});

describe('the demo', () => {
  it('ends with its last line when it stops by itself: nothing holds the process up', async () => {
    const file = join(temporaryDirectory(), 'demo.yaml');
    const [broker, panel] = [await freePort(), await freePort()];
    writeFileSync(
      file,
      `campus: { id: "4503000001", name: x }
uplinks: [{ id: p, url: "mqtt://127.0.0.1:${broker}" }]
devices:
  - { id: panel, driver: dc09, listen: { port: ${panel} }, accounts: [{ account: "1234" }] }
`,
    );
    const { child, out } = begin(['demo', file, '--for', '1s', '--rate', '100']);
    await out.find((line) => line.includes('delivered, 0 lost'));
    const said = performance.now();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(performance.now() - said).toBeLessThan(2000);
  });

  it('stops on Ctrl-C within 2 s, status 0, with the count as its last line', async () => {
    const ports = await Promise.all(Array.from({ length: 5 }, freePort));
    const [broker, panel, tcp, rtu, reader] = ports;
    const text = readFileSync(join(import.meta.dirname, '../../config/demo.yaml'), 'utf8')
      .replace('18830', String(broker))
      .replace('15100', String(panel))
      .replace('11502', String(tcp))
      .replace('14001', String(rtu))
      .replace('14002', String(reader))
      .replace('../data/demo', './data');
    const file = join(temporaryDirectory(), 'demo.yaml');
    writeFileSync(file, text);
    const { child, out } = begin(['demo', file]);
    await out.find((line) => line.includes('alarm.raised'));
    const asked = performance.now();
    child.kill('SIGINT');
    // A terminal's Ctrl-C reaches us twice under npm.
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(performance.now() - asked).toBeLessThan(2000);
    const last = out.rest().at(-1) ?? '';
    expect(last).toMatch(/^(\d+) events seen, \1 on disk, \d+ delivered, 0 lost/);
  });
});

describe('watch', () => {
  it('prints events as they come: for people, or as JSON lines', async () => {
    const aedes = await Aedes.createBroker();
    const server = createServer(aedes.handle);
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => {
      aedes.close();
      server.close();
    });
    const watching = [
      begin(['watch', `mqtt://127.0.0.1:${port}`]),
      begin(['watch', `mqtt://127.0.0.1:${port}`, '--json']),
    ] as const;
    const subscribed = stream<void>();
    aedes.on('subscribe', () => subscribed.push());
    await subscribed.next();
    await subscribed.next();
    const event = {
      id: '1',
      type: 'cn.campus.alarm.raised',
      source: '/campus/45/device/panel',
      subject: 'gatehouse-button',
      time: '2026-11-24T08:00:00.000Z',
      data: { kind: 'panic' },
    };
    const payload = Buffer.from(JSON.stringify(event));
    aedes.publish(
      { cmd: 'publish', topic: 'campus/v1/45/event/alarm/panel', payload, qos: 1, retain: false, dup: false },
      () => {},
    );
    expect(await watching[0].out.next()).toMatch(/alarm\.raised +panel\/gatehouse-button +panic$/);
    expect(JSON.parse(await watching[1].out.next())).toEqual(event);
    watching[0].child.kill('SIGINT');
    expect(await once(watching[0].child, 'exit')).toEqual([0, null]);
  });
});

describe('credentials', () => {
  it('puts a good list in the place of the old one, and says what is wrong with another', () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const list = join(directory, 'cards.csv');
    writeFileSync(list, 'number,holder\n1,a\n');
    const access = { credentialsFile: 'cards.csv' };
    writeFileSync(file, JSON.stringify({ campus: { id: '45001', name: 'x' }, access }));
    const next = join(directory, 'next.csv');
    writeFileSync(next, 'number,holder,groups\n1,a,\n2,,\n3,b,nobody\n');
    const refused = run(['credentials', 'import', file, next]);
    expect(refused.status).toBe(1);
    expect(refused.stderr.split('\n')).toEqual([
      `${next}:3: holder is missing`,
      `${next}:4: there is no group nobody; there are: none`,
      '',
    ]);
    expect(readFileSync(list, 'utf8')).toBe('number,holder\n1,a\n');
    writeFileSync(next, 'number,holder\n1,a\n2,b\n');
    expect(run(['credentials', 'check', file, next])).toMatchObject({
      status: 0,
      stdout: '2 cards, nothing wrong\n',
    });
    expect(run(['credentials', 'import', file, next])).toMatchObject({ status: 0 });
    expect(readFileSync(list, 'utf8')).toBe('number,holder\n1,a\n2,b\n');
    expect(run(['credentials', 'import', file])).toMatchObject({ status: 2 });
  });
});

describe('osdp', () => {
  it('gives readers their keys, once, and says which did not take them', async () => {
    const port = await freePort();
    const readers = await startOsdpReaders({
      end: { listen: { host: '127.0.0.1', port } },
      readers: [
        { id: 'in', address: 0 },
        { id: 'out', address: 1, key: Buffer.alloc(16, 9) },
      ],
    });
    onTestFinished(() => readers[0]?.close());
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const reader = (id: string, address: number) => ({
      id,
      driver: 'osdp',
      connection: { serialServer: `127.0.0.1:${port}` },
      address,
      keyFile: `secrets/${id}.scbk`,
    });
    writeFileSync(
      file,
      JSON.stringify({ campus: { id: '45001', name: 'x' }, devices: [reader('in', 0), reader('out', 1)] }),
    );
    const provision = async (...names: string[]) => {
      const { child, out } = begin(['osdp', 'provision', file, ...names]);
      const [status] = (await once(child, 'close')) as [number];
      return { status, lines: out.rest() };
    };
    const first = await provision('in');
    expect(first).toMatchObject({
      status: 0,
      lines: [/in\.scbk: made/, /out\.scbk: made/, '✓ in: got its key'].map(matching),
    });
    const key = readFileSync(join(directory, 'secrets/in.scbk'), 'utf8');
    expect(key).toMatch(/^[0-9a-f]{32}\n$/);
    expect(statSync(join(directory, 'secrets/in.scbk')).mode & 0o777).toBe(0o600);
    const second = await provision();
    expect(second.lines).toEqual([
      '✓ in: has its key already',
      expect.stringMatching(/✗ out: does not answer, or has another key/),
    ]);
    expect(second.status).toBe(1);
    expect(readFileSync(join(directory, 'secrets/in.scbk'), 'utf8')).toBe(key);
    const { child, out } = begin(['osdp', 'set-line', file, 'in', '--address', '5', '--baud', '38400']);
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(out.rest()).toEqual([expect.stringContaining('address: 5, baudRate: 38400')]);
    expect(run(['osdp', 'provision', file, 'nobody'])).toMatchObject({ status: 2 });
  });
});
const matching = (pattern: RegExp | string) =>
  typeof pattern === 'string' ? pattern : expect.stringMatching(pattern);

/** Whether what is sent to a group comes back. */
async function hasMulticast(): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  onTestFinished(() => void socket.close());
  try {
    socket.bind(0);
    await once(socket, 'listening');
    socket.addMembership('239.255.255.251');
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(1000) });
    socket.send('here', socket.address().port, '239.255.255.251');
    await heard;
    return true;
  } catch {
    return false;
  }
}

describe('discover', () => {
  it('finds cameras, and gives what to write into the config', async (context) => {
    if (!(await hasMulticast())) context.skip('this machine has no multicast');
    const [port, rtspPort] = [await freePort(), await freePort()];
    const camera = await startCamera({ port, rtspPort, discovery: true });
    onTestFinished(() => camera.close());
    const { child, out } = begin(['discover', '--for', '1500ms']);
    await once(child, 'close');
    const lines = out.rest();
    expect(lines).toContain(
      `- { id: camera-127-0-0-1-${port}, name: "Simulated SC-1", driver: onvif, host: 127.0.0.1, port: ${port}, username: admin, passwordFile: secrets/cameras }`,
    );
  });
});
