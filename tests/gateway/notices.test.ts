import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../gateway/check.ts';
import { startGateway } from '../../gateway/main.ts';
import { freePort, silentLog, stream, tcpServer, temporaryDirectory } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';

/** A whole gateway with a sign, a siren that nobody answers for, and a system of the school's own. */
async function school(directory = temporaryDirectory(), ports: { sign?: number } = {}) {
  const broker = await scriptedBroker({});
  const sign = ports.sign === undefined ? await tcpServer() : undefined;
  const got = stream<object>();
  const own = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      got.push(JSON.parse(body));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void own.close());
  const [status, console] = [await freePort(), await freePort()];
  const file = join(directory, 'campus.yaml');
  const config = {
    campus: { id: '45001', name: '一中' },
    status: { port: status },
    console: { port: console },
    uplinks: [
      {
        id: 'police',
        url: `mqtt://127.0.0.1:${broker.port}`,
        commands: [{ actions: ['warn', 'end-notice'], targets: ['gateway'] }],
        noticeTopics: ['city/notice/+'],
      },
    ],
    devices: [
      {
        id: 'sign',
        driver: 'serial-line',
        connection: { serialServer: `127.0.0.1:${ports.sign ?? sign?.port}` },
        profile: 'led-line',
      },
    ],
    notices: {
      show: ['sign'],
      http: [{ url: `http://127.0.0.1:${(own.address() as { port: number }).port}/notice` }],
    },
  };
  writeFileSync(file, JSON.stringify(config));
  const loaded = readConfig(file);
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  const gateway = await startGateway({ config: loaded.config, log: silentLog });
  onTestFinished(() => gateway.close(0));
  await broker.subscribed('city/notice/+');
  /** Somebody who logs in to the console, and says that a warning was read. */
  const reader = async () => {
    const page = new URL(gateway.console ?? '');
    const send = (path: string, body: object, headers: Record<string, string> = {}) =>
      fetch(new URL(path, page.origin), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    const login = await send('/login', { token: page.hash.slice(1) });
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    const read = async (notice: string) => {
      const order = { action: 'read', arguments: { notice, by: 'the head' } };
      return (await send('/api/commands/gateway', order, { cookie })).json();
    };
    const ask = async () =>
      (await fetch(new URL('/api/notices', page.origin), { headers: { cookie } })).json();
    return { read, ask };
  };
  const list = async () => (await fetch(`http://127.0.0.1:${status}/notices`)).json();
  return { broker, sign, got, gateway, directory, list, reader };
}
const warning = (more: object = {}, wanted: object = {}) => {
  const now = Date.now();
  const validUntil = new Date(now + 7 * 86_400_000).toISOString();
  return {
    id: 'w-1',
    action: 'warn',
    issuer: 'police',
    issuedAt: new Date(now).toISOString(),
    expiresAt: validUntil,
    arguments: { severity: 'warning', text: '台风', validUntil, ...wanted },
    ...more,
  };
};
const types = (events: readonly { body: Record<string, unknown> }[]) =>
  events.map(({ body }) => body['type']);

describe('a warning of a platform', () => {
  it('is kept, shown on the sign and to the school’s own system, and both is told; who read it, too', async () => {
    const { broker, sign, got, list, reader } = await school();
    const socket = await sign?.sockets.next();
    const bytes = stream<string>();
    socket?.on('data', (chunk: Buffer) => bytes.push(chunk.toString('hex')));
    broker.send('city/notice/w-1', warning());
    // '台风' in GB 18030.
    expect(await bytes.next()).toBe('02cca8b7e703');
    expect(await got.next()).toMatchObject({ id: 'w-1', severity: 'warning', text: '台风' });
    const reply = await broker.others.find(({ topic }) => topic.endsWith('/reply/w-1'));
    expect(reply.body).toMatchObject({
      done: true,
      result: { shown: ['sign', expect.stringContaining('http')] },
    });
    expect(await list()).toMatchObject([{ id: 'w-1', text: '台风' }]);
    const shown = [
      await broker.events.find(({ body }) => body['type'] === 'cn.campus.notice.shown'),
      await broker.events.find(({ body }) => body['type'] === 'cn.campus.notice.shown'),
    ];
    expect(shown.map(({ body }) => body['data'])).toMatchObject([
      { details: { notice: 'w-1', done: true } },
      { details: { notice: 'w-1', done: true } },
    ]);
    // It is retained: it comes with each connection, and rings once.
    broker.send('city/notice/w-1', warning());
    await broker.others.find(({ topic }) => topic.endsWith('/reply/w-1'));
    expect(bytes.rest()).toEqual([]);

    const { read, ask } = await reader();
    expect(await read('w-1')).toMatchObject({ done: true });
    expect(await ask()).toMatchObject([{ id: 'w-1', readers: [{ by: 'local' }] }]);
    // The port of the school's own systems names nobody.
    expect(JSON.stringify(await list())).not.toContain('local');
    const event = await broker.events.find(({ body }) => body['type'] === 'cn.campus.notice.read');
    // Who logged in, and not who the page says.
    expect(event.body['data']).toMatchObject({ details: { notice: 'w-1', by: 'local' } });
    expect(await read('w-2')).toEqual({
      id: expect.any(String),
      done: false,
      reason: 'there is no notice w-2',
    });
  });

  it('is on the sign again after a restart, while it is valid', async () => {
    const first = await school();
    await first.sign?.sockets.next();
    first.broker.send('campus/v1/45001/notice/w-1', warning());
    await first.broker.others.find(({ topic }) => topic.endsWith('/reply/w-1'));
    await first.gateway.close(100);
    const second = await school(first.directory);
    const socket = await second.sign?.sockets.next();
    const [shown] = await new Promise<[Buffer]>((resolve) =>
      socket?.on('data', (chunk: Buffer) => resolve([chunk])),
    );
    expect(shown.toString('hex')).toBe('02cca8b7e703');
    expect(await second.list()).toMatchObject([{ id: 'w-1' }]);
    expect(second.got.rest()).toEqual([]);
  });

  it.each([
    ['that is over', warning({}, { validUntil: '2026-01-01T00:00:00Z' }), /valid until/],
    ['without a text', warning({}, { text: '' }), /text/],
    ['of a severity that there is not', warning({}, { severity: 'loud' }), /severity/],
    ['that asks for more than a warning', warning({ action: 'unlock' }), /not allowed/],
    ['that would be valid for a year', warning({ expiresAt: '2027-12-01T00:00:00Z' }), /31 days/],
  ])('%s is refused', async (_name, message, reason) => {
    const { broker, list } = await school();
    broker.send('city/notice/w-1', message);
    const { body } = await broker.others.find(({ topic }) => topic.endsWith('/reply/w-1'));
    expect(body).toMatchObject({ done: false, reason: expect.stringMatching(reason) });
    expect(await list()).toEqual([]);
    expect(types(broker.events.rest())).not.toContain('cn.campus.notice.received');
  });

  it('that the platform ends is off the sign', async () => {
    const { broker, sign, list } = await school();
    const socket = await sign?.sockets.next();
    const bytes = stream<string>();
    socket?.on('data', (chunk: Buffer) => bytes.push(chunk.toString('hex')));
    broker.send('city/notice/w-1', warning());
    await broker.others.find(({ topic }) => topic.endsWith('/reply/w-1'));
    expect(await bytes.next()).toBe('02cca8b7e703');
    const end = (id: string, notice: string) =>
      broker.send('campus/v1/45001/command/gateway', {
        ...warning({ id, action: 'end-notice', arguments: { notice } }),
        expiresAt: new Date(Date.now() + 60_000).toISOString(),
      });
    end('e-1', 'w-2');
    end('e-2', 'w-1');
    const refused = await broker.others.find(({ topic }) => topic.endsWith('/reply/e-1'));
    expect(refused.body).toMatchObject({ done: false });
    expect(await bytes.next()).toBe('0203');
    expect(await list()).toEqual([]);
  });

  it('that the platform took back is no warning', async () => {
    const { broker, list } = await school();
    broker.send('city/notice/w-1', '');
    broker.send('city/notice/w-2', warning({ id: 'w-2' }));
    await broker.others.find(({ topic }) => topic.endsWith('/reply/w-2'));
    expect(await list()).toHaveLength(1);
  });
});
