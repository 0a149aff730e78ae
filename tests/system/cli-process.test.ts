/** The command line as a process: its statuses, its streams, how it stops. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Aedes } from 'aedes';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../gateway/terminal.ts';
import { eventually, freePair, freePort, stream, temporaryDirectory } from '../helpers.ts';

const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
const env = { ...process.env, CAMPUS_LANG: 'en' };

function runProcess(args: string[], more: NodeJS.ProcessEnv = {}) {
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
    expect(runProcess(['--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Exit status'),
    });
    expect(runProcess(['--help'], { CAMPUS_LANG: 'zh' }).stdout).toContain('退出状态');
    expect(runProcess([])).toMatchObject({ status: 2, stdout: expect.stringContaining('Exit status') });
    expect(runProcess(['rnu'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no command rnu'),
    });
  });

  it('says a mistake in one sentence, and where all options stand, in both languages', () => {
    expect(runProcess(['discvoer'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('discover?'),
    });
    expect(runProcess(['discover', 'onivf'])).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'discover: there is no discover onivf; did you mean onvif?\ncampus-gateway discover --help   its options and examples\n',
    });
    expect(runProcess(['discover', 'onivf'], { CAMPUS_LANG: 'zh' }).stderr).toBe(
      'discover: 没有 discover onivf（是不是 onvif？）\ncampus-gateway discover --help   选项与示例\n',
    );
  });

  it('loads for its help nothing but what is said', () => {
    const shim = join(temporaryDirectory(), 'shim.mjs');
    writeFileSync(
      shim,
      `import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
process.argv = [...process.argv.slice(0, 2), '--help'];
await import(${JSON.stringify(entry)});
console.error(JSON.stringify(loaded));
`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [shim], { encoding: 'utf8', env });
    expect(stdout).toContain('Exit status');
    const loaded = (JSON.parse(stderr) as string[]).filter((url) => url.startsWith('file:'));
    expect(loaded.filter((url) => url.includes('node_modules') || url.endsWith('/gateway/main.ts'))).toEqual(
      [],
    );
    expect(loaded.some((url) => url.endsWith('/gateway/cli/run.ts'))).toBe(true);
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

describe('a gateway that cannot listen ends with 3', () => {
  const config = (text: string) => {
    const file = join(temporaryDirectory(), 'c.yaml');
    writeFileSync(file, `campus: { id: "4503000001", name: x }\n${text}\n`);
    return file;
  };
  it.each([
    ['console', (port: number) => `console: { port: ${port} }`],
    ['status', (port: number) => `status:\n  { port: ${port} }`],
    [
      'devices[0].listen',
      (port: number) =>
        `devices: [{ id: p, driver: dc09, listen: { port: ${port} }, accounts: [{ account: "1234" }] }]`,
    ],
  ])('where the port of %s is taken, and says where it stands and who has it', async (key, text) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const file = config(text(port));
    const { status, stderr } = runProcess(['run', file]);
    expect(stderr).toMatch(
      new RegExp(`^\\S+c.yaml:\\d+:\\d+: ${key.replace(/[[\]]/g, '\\$&')}.port: 127.0.0.1:${port} \\(TCP\\)`),
    );
    expect(stderr).toContain(`(pid ${process.pid})`);
    expect(status).toBe(3);
  });

  it('where the address is not of this machine, whatever runs by then', async () => {
    // RFC 5737, 3: nobody has it.
    const file = config(
      `status: { host: 192.0.2.1, port: ${await freePort()} }\nuplinks: [{ id: u, url: "mqtt://127.0.0.1:1" }]`,
    );
    expect(runProcess(['run', file])).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('this machine has no address 192.0.2.1'),
    });
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
    const second = runProcess(['run', file]);
    expect(second.status).toBe(3);
    const [first, ...ports] = second.stderr.trim().split('\n');
    expect(first).toContain(`a gateway runs already with ${file} (pid ${gateway.child.pid}): `);
    for (const line of ports)
      expect(line).toContain(`is taken by campus-gateway run ${file} (pid ${gateway.child.pid}); `);
    // The panel’s by TCP and by UDP.
    expect(ports).toHaveLength(3);
    const panel = begin(['simulate', 'panel', '--to', `127.0.0.1:${port}`, '--do', 'press 9']);
    await panel.out.find((line) => /^ACK \d+ #1234\|Nri1\/PA9$/.test(line));
    panel.child.stdin?.write('trip 3\ndance\n');
    await panel.out.find((line) => line.includes('cannot "dance"; it can: press'));
    await panel.out.find((line) => /^ACK \d+ #1234\|Nri1\/BA3$/.test(line));
    expect(await run('health', file)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^✓ panel answers since \d{4}-.*\n {4}! panic 1234\/9 since .*\n {4}! intrusion 1234\/3 since /m,
      ),
    });
    expect(JSON.parse((await run('health', file, '--json')).stdout)).toMatchObject({
      healthy: true,
      devices: { panel: true },
      standing: { faults: 0, alarms: expect.any(Number) },
    });
    const metrics = await (await fetch(`http://127.0.0.1:${status}/metrics`)).text();
    expect(metrics).toContain('campus_events_total{type="alarm.raised"} 2');
    gateway.child.kill('SIGTERM');
    expect(await once(gateway.child, 'exit')).toEqual([0, null]);
    expect(await run('health', file)).toMatchObject({ status: 1 });
  });
});

describe('reload', () => {
  it('has a running gateway take up its file, or says why not; back to a version by its name', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const text = (more = '', name = 'x', id = '4503000001') =>
      `campus: { id: "${id}", name: ${name} } # ours\n${more}`;
    const write = (...of: Parameters<typeof text>) => writeFileSync(file, text(...of));
    write();
    expect(await run('reload', file)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('no gateway runs with'),
    });
    const gateway = begin(['run', file]);
    await gateway.err.find((line) => line.includes('the gateway runs'));
    expect(await run('reload', file)).toMatchObject({ status: 0, stdout: 'nothing had changed\n' });
    write(`uplinks: [{ id: police, url: "mqtt://127.0.0.1:${await freePort()}" }]\n`, 'y');
    const changes = 'campus: changed (name)\nuplinks police: added\n';
    expect(await run('reload', file, '--dry-run')).toMatchObject({ status: 0, stdout: changes });
    expect(await run('reload', file)).toMatchObject({ status: 0, stdout: `${changes}taken up as v2\n` });
    write('', 'y', '4503000002');
    expect(await run('reload', file)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^not taken up: campus\.id is another one/),
    });
    const unchanged = `nothing changed: the gateway runs on with v2; campus-gateway reload ${file} --back v2 puts that back into the file\n`;
    expect((await run('reload', file)).stderr).toContain(unchanged);
    write('evnts: 1\n');
    const refused = await run('reload', file);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('evnts: unknown key') });
    expect(refused.stderr).toContain(unchanged);
    // Who looks for what is wrong asks the gateway that runs.
    const noted = expect.stringMatching(/ is wrong \(line 2, .*config in force, v2\n$/);
    expect(await run('health', file)).toMatchObject({ status: 0, stderr: noted });
    expect(await run('journal', 'audit', file)).toMatchObject({ status: 0, stderr: noted });
    expect((await run('reload', file, '--versions')).stdout).toMatch(
      /^v2 .+ [0-9a-f]{12} {2}\S.* {2}\(runs\)\nv1 .+ start\n$/,
    );
    expect(await run('reload', file, '--back', 'v9')).toMatchObject({ status: 1 });
    expect(await run('reload', file, '--back', 'v1')).toMatchObject({
      status: 0,
      stdout: 'campus: changed (name)\nuplinks police: removed\ntaken up as v4\n',
    });
    expect(readFileSync(file, 'utf8')).toBe(text());
    // What was in the file and never ran is a version, too.
    expect(readFileSync(join(directory, 'data/config-versions/v3.yaml'), 'utf8')).toBe(text('evnts: 1\n'));
    expect(statSync(join(directory, 'data/config-versions/v3.yaml')).mode & 0o777).toBe(0o600);
    write('evnts: 1\n');
    // The same by a bare SIGHUP, which ends no gateway.
    gateway.child.kill('SIGHUP');
    await gateway.err.find(
      (line) => line.includes('the changed config was refused') && line.includes('evnts'),
    );
    gateway.child.kill('SIGTERM');
    expect(await once(gateway.child, 'exit')).toEqual([0, null]);
  });

  it('goes back from a file that is no YAML: with the gateway that runs, and without one, for its next start', async () => {
    const directory = temporaryDirectory();
    const [file, kept] = [join(directory, 'campus.yaml'), join(directory, 'kept')];
    const good = 'campus: { id: "4503000001", name: x }\ndataDir: kept\n';
    const read = () => readFileSync(file, 'utf8');
    writeFileSync(file, good, { mode: 0o640 });
    const gateway = begin(['run', file]);
    await gateway.err.find((line) => line.includes('the gateway runs'));
    // It is kept once the gateway runs.
    await eventually(() => expect(existsSync(join(kept, 'config-versions/v1.json'))).toBe(true));
    // Not even a line of it says where: the gateway that runs has the lock.
    writeFileSync(file, 'foo: [\n');
    expect(await run('reload', file, '--versions')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^v1 .+ {2}\(runs\)\n$/),
    });
    expect(await run('reload', file, '--back', 'v1')).toMatchObject({ status: 0, stderr: '' });
    expect(read()).toBe(good);
    gateway.child.kill('SIGTERM');
    expect(await once(gateway.child, 'exit')).toEqual([0, null]);

    const torn = `foo: [\n ${good}`;
    writeFileSync(file, torn);
    expect(runProcess(['run', file])).toMatchObject({ status: 1 });
    // What stood in the file is a version too, and was never right.
    expect(await run('reload', file, '--back', 'v2')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/kept\/config-versions\/v2\.yaml:.*\nv2 is wrong, and .* is as it was: /),
    });
    expect(read()).toBe(torn);
    expect(await run('reload', file, '--back', 'v1')).toEqual({
      status: 0,
      stdout:
        'v1 is in place, what was there is v4; no gateway runs: start it (systemctl restart campus-gateway)\n',
      stderr: '',
    });
    expect([read(), statSync(file).mode & 0o777]).toEqual([good, 0o640]);
    expect(readFileSync(join(kept, 'config-versions/v4.yaml'), 'utf8')).toBe(torn);
    const again = begin(['run', file]);
    await again.err.find((line) => line.includes('the gateway runs'));
    expect(await run('reload', file)).toMatchObject({ status: 0, stdout: 'nothing had changed\n' });
    again.child.kill('SIGTERM');
    expect(await once(again.child, 'exit')).toEqual([0, null]);
    expect((await run('journal', 'audit', file)).stdout).toMatch(
      /"kind":"config-back".*"version":"v1".*"kept":"v4"/,
    );
    expect(await run('journal', 'verify', file)).toMatchObject({ status: 0 });
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
    const { child, out } = begin(['demo', file, '--for', '500ms', '--rate', '100']);
    await out.find((line) => line.includes('delivered, 0 lost'));
    const said = performance.now();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(performance.now() - said).toBeLessThan(2000);
  });

  it('stops on Ctrl-C within 2 s, status 0, with the count as its last line', async () => {
    // simulators.test.ts plays on the demo's own. A camera has two, side by side.
    const ports = new Map([['18000', await freePair()]]);
    for (const port of ['18830', '18480', '15100', '11502', '14001', '14002', '18090'])
      ports.set(port, await freePort());
    const text = readFileSync(join(import.meta.dirname, '../../config/demo.yaml'), 'utf8')
      .replace(/\b1\d{4}\b/g, (port) => String(ports.get(port)))
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
