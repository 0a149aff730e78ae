import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createStatusServer } from '../../gateway/observe/status.ts';
import { freePort } from '../helpers.ts';

async function status() {
  const port = await freePort();
  const metrics = createMetrics();
  const read: [string, string][] = [];
  const now = { healthy: true, breaks: false };
  const notices = {
    list: () => [{ id: 'n/1', text: '台风' }],
    async noteRead(id: string, by: string) {
      if (now.breaks) throw new Error('the disk refuses');
      read.push([id, by]);
      return id === 'n/1';
    },
  };
  const server = createStatusServer({ host: '127.0.0.1', port }, metrics, notices, async () => {
    if (now.breaks) throw new Error('a mistake');
    return { healthy: now.healthy, details: { campus: '45' } };
  });
  await server.start?.();
  let closed = false;
  const close = async () => {
    if (!closed) await server[Symbol.asyncDispose]();
    closed = true;
  };
  onTestFinished(close);
  const url = `http://127.0.0.1:${port}`;
  const post = (body: string, type = 'application/json', id = 'n%2F1') =>
    fetch(`${url}/notices/${id}/read`, { method: 'POST', headers: { 'content-type': type }, body });
  return { url, port, metrics, read, now, close, get: (path: string) => fetch(url + path), post };
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
    for (const quantile of ['0.5', '0.99', '1'])
      expect(value(`campus_event_loop_delay_seconds{quantile="${quantile}"}`)).toBeGreaterThanOrEqual(0);
    expect(text).not.toContain('nodejs_eventloop_lag');
  });

  it('notes who read a notice: JSON only, of a bounded size, and only on disk', async () => {
    const { get, post, read, now } = await status();
    expect(await (await get('/notices')).text()).toBe('[{"id":"n/1","text":"台风"}]\n');
    const by = JSON.stringify({ by: '王' });
    expect((await post(by)).status).toBe(204);
    expect((await post(by, 'application/json', 'n-2')).status).toBe(404);
    expect(read).toEqual([
      ['n/1', '王'],
      ['n-2', '王'],
    ]);
    for (const [body, type] of [
      [by, 'text/plain'],
      [by, 'application/x-www-form-urlencoded'],
      ['by=王', 'application/json'],
      ['', 'application/json'],
      ['null', 'application/json'],
      ['{"by":""}', 'application/json'],
      ['{"by":7}', 'application/json'],
      [JSON.stringify({ by: 'x'.repeat(101) }), 'application/json'],
      [JSON.stringify({ by: '王', more: 'x'.repeat(1024) }), 'application/json'],
    ] as const)
      expect((await post(body, type)).status, `${type} ${body.slice(0, 30)}`).toBe(400);
    now.breaks = true;
    expect((await post(by)).status).toBe(503);
    expect(read).toHaveLength(2);
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
