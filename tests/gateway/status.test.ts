import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createStatusServer } from '../../gateway/observe/status.ts';
import { manualClock } from '../clocks.ts';
import { freePort, silentLog } from '../helpers.ts';

async function status(host = '127.0.0.1', names: readonly string[] = []) {
  const port = await freePort();
  const metrics = createMetrics();
  const now = { healthy: true, breaks: false };
  const notices = { list: () => [{ id: 'n/1', text: '台风' }] };
  const health = async () => {
    if (now.breaks) throw new Error('a mistake');
    return { healthy: now.healthy, details: { campus: '45' } };
  };
  const context = { metrics, notices, health, time: manualClock(), log: silentLog };
  const server = createStatusServer({ host, port, names: [...names] }, context);
  await server.start?.();
  let closed = false;
  const close = async () => {
    if (!closed) await server[Symbol.asyncDispose]();
    closed = true;
  };
  onTestFinished(close);
  const url = `http://127.0.0.1:${port}`;
  return { url, port, metrics, now, close, get: (path: string) => fetch(url + path) };
}

describe('the status server', () => {
  it('tells by its code, too, whether the gateway is healthy', async () => {
    const { get, now } = await status();
    const good = await get('/health');
    expect([good.status, good.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^application\/json/),
    ]);
    expect(await good.text()).toBe('{"healthy":true,"campus":"45"}\n');
    now.healthy = false;
    const bad = await get('/health');
    expect([bad.status, await bad.json()]).toEqual([503, { healthy: false, campus: '45' }]);
    now.breaks = true;
    expect((await get('/health')).status).toBe(500);
    expect((await get('/nothing')).status).toBe(404);
    expect((await get('/')).status).toBe(404);
  });

  it('shows what is counted, and what the process takes', async () => {
    const { get, metrics } = await status();
    metrics.events.inc({ type: 'alarm.raised' });
    const answer = await get('/metrics');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, metrics.registry.contentType]);
    const text = await answer.text();
    expect(text).toContain('campus_events_total{type="alarm.raised"} 1');
    const value = (name: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(name))
          ?.split(' ')[1],
      );
    expect(value('process_resident_memory_bytes ')).toBeGreaterThan(10_000_000);
    expect(value('process_cpu_seconds_total ')).toBeGreaterThanOrEqual(0);
    expect(value('process_open_fds ')).toBeGreaterThan(0);
    for (const which of ['p50', 'p99', 'max'])
      expect(value(`campus_event_loop_delay_${which}_seconds `)).toBeGreaterThanOrEqual(0);
    expect(text).not.toContain('nodejs_eventloop_lag');
  });

  it('shows the warnings, and lets nobody without a name say that they are read', async () => {
    const { get, url } = await status();
    expect(await (await get('/notices')).text()).toBe('[{"id":"n/1","text":"台风"}]\n');
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/notices/n%2F1/read`, { method: 'POST', headers, body: '{"by":"王"}' });
    expect(answer.status).toBe(404);
  });

  it('closes at once, whoever is connected', async () => {
    const { port, close } = await status();
    // A request that never ends.
    const hanging = request({ port, host: '127.0.0.1', path: '/notices/n/read', method: 'POST' });
    const ended = new Promise<void>((resolve) => hanging.on('error', () => resolve()));
    const connected = new Promise<void>((resolve) =>
      hanging.on('socket', (socket) => socket.on('connect', () => resolve())),
    );
    hanging.setHeader('content-type', 'application/json');
    hanging.write('{');
    await connected;
    await close();
    await ended;
  });
});

describe('whom the status server answers', () => {
  /** The codes for a GET of each path, and a POST, asked of a host by a page of an origin. */
  const codes = async (port: number, host: string, origin?: string) => {
    const found: number[] = [];
    for (const path of ['/health', '/metrics', '/notices', '/notices/x/read'])
      found.push(
        await new Promise((resolve) => {
          const method = path.endsWith('read') ? 'POST' : 'GET';
          const headers = { host, ...(origin && { origin }), 'content-type': 'application/json' };
          request({ port, path, method, headers }, (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          }).end(method === 'POST' ? '{"by":"evil"}' : undefined);
        }),
      );
    return found;
  };

  it('is who asks for its own names, from its own pages', async () => {
    const { port } = await status('127.0.0.1', ['gateway.school', 'fd00::5']);
    const well = [200, 200, 200, 404];
    for (const host of [
      `127.0.0.1:${port}`,
      'localhost',
      'LocalHost:80',
      `[::1]:${port}`,
      '[0:0:0:0:0:0:0:1]',
    ])
      expect(await codes(port, host), host).toEqual(well);
    for (const host of ['gateway.school:9464', '[fd00::5]:9464', '[FD00:0::5]'])
      expect(await codes(port, host), host).toEqual(well);
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.2',
      'evil@127.0.0.1',
      '[::2]:80',
      'x/127.0.0.1',
    ])
      expect(await codes(port, host), host).toEqual([421, 421, 421, 421]);
    for (const origin of ['http://evil.example', 'null', 'http://localhost:1'])
      expect(await codes(port, `127.0.0.1:${port}`, origin), origin).toEqual([403, 403, 403, 403]);
    expect(await codes(port, `127.0.0.1:${port}`, `http://127.0.0.1:${port}`)).toEqual(well);
  });

  it('is who asks for any address, and for no name, where it listens everywhere', async () => {
    const { port } = await status('0.0.0.0');
    expect(await codes(port, '10.1.2.3:9464')).toEqual([200, 200, 200, 404]);
    expect(await codes(port, '[2001:db8::7]:9464')).toEqual([200, 200, 200, 404]);
    expect(await codes(port, 'evil.example')).toEqual([421, 421, 421, 421]);
  });
});
