import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Dc09Frame, dc09Decoder, encodeDc09 } from '../../drivers/dc09/codec.ts';
import { frames } from '../drivers/decoding.ts';
import { freePort, stream, temporaryDirectory } from '../helpers.ts';
import { gateway, need } from './tools.ts';

async function dial(
  port: number,
): Promise<{ socket: Socket; answers: ReturnType<typeof stream<Dc09Frame>> }> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const answers = stream<Dc09Frame>();
  const decoder = dc09Decoder();
  socket.on('data', (chunk) => frames(decoder.push(chunk)).forEach(answers.push));
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  onTestFinished(() => void socket.destroy());
  return { socket, answers };
}

const press = (sequence: number) =>
  encodeDc09({
    id: 'SIA-DCS',
    sequence,
    prefix: '0',
    account: '1234',
    data: '#1234|Nri1/PA9',
    timestamp: Date.now(),
  });

describe('a running gateway', () => {
  const config = { port: 0, status: 0 };
  beforeAll(async () => {
    config.port = await freePort();
    config.status = await freePort();
  });
  const start = () => {
    const directory = temporaryDirectory();
    return gateway(
      {
        campus: { id: '4503000001', name: '一中' },
        dataDir: join(directory, 'data'),
        status: { port: config.status },
        devices: [
          { id: 'panel', driver: 'dc09', listen: { port: config.port }, accounts: [{ account: '1234' }] },
        ],
      },
      directory,
    );
  };

  it('takes a line of 1 GB without an end, counts it, holds none of it, and serves the next panel', async () => {
    const daemon = await start();
    const rss = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8'))?.[1]) / 1024;
    const before = rss();
    const flood = await dial(config.port);
    flood.socket.write('\n');
    const chunk = Buffer.alloc(1 << 20, 0x41);
    for (let i = 0; i < 1024; i++)
      await new Promise<void>((resolve) => flood.socket.write(chunk, () => resolve()));
    const panel = await dial(config.port);
    panel.socket.write(press(1));
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK', sequence: 1 });
    const grown = rss() - before;
    process.stdout.write(`1 GB without an end: memory grew by ${grown.toFixed(0)} MB\n`);
    expect(grown).toBeLessThan(150);
    const discarded = async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${config.status}/metrics`)).text();
      return Number(/campus_discarded_bytes_total\{device="panel"\} (\d+)/.exec(metrics)?.[1]);
    };
    // All but what the socket still holds.
    await expect.poll(discarded).toBeGreaterThan(0.95 * 1024 * (1 << 20));
    // Once a burst, not once a frame.
    expect(daemon.log.filter((line) => line.includes('too long')).length).toBeLessThan(3);
    expect(await daemon.stop()).toBe(0);
  });

  it('lets go of connections that never finish a frame, and keeps serving meanwhile', async () => {
    const daemon = await start();
    const begun = performance.now();
    const slow = await dial(config.port);
    const silent = await dial(config.port);
    const closed = Promise.all(
      [slow, silent].map(({ socket }) => new Promise((resolve) => socket.once('close', resolve))),
    );
    const frame = press(2);
    void (async () => {
      for (const byte of frame) {
        if (slow.socket.destroyed) return;
        slow.socket.write(Uint8Array.of(byte));
        await delay(1000);
      }
    })();
    const panel = await dial(config.port);
    panel.socket.write(press(1));
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK' });
    await closed;
    expect((performance.now() - begun) / 1000).toBeLessThan(20);
    panel.socket.write(press(3));
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK', sequence: 3 });
    expect(await daemon.stop()).toBe(0);
  });

  it('serves a panel although 600 strangers hold connections', async () => {
    const daemon = await start();
    for (let i = 0; i < 600; i++) await dial(config.port);
    const panel = await dial(config.port);
    panel.socket.write(press(1));
    expect(await panel.answers.next()).toMatchObject({ id: 'ACK' });
    expect(await daemon.stop()).toBe(0);
  });
});

describe('a gateway with few descriptors', () => {
  it('acknowledges at once, while strangers hold half requests at every port', async (context) => {
    need(context, 'prlimit');
    const directory = temporaryDirectory();
    const [panels, status, pages] = await Promise.all([freePort(), freePort(), freePort()]);
    const daemon = await gateway(
      {
        campus: { id: '4503000001', name: '一中' },
        dataDir: join(directory, 'data'),
        status: { port: status },
        console: { port: pages },
        devices: [{ id: 'panel', driver: 'dc09', listen: { port: panels }, accounts: [{ account: '1234' }] }],
      },
      directory,
      {},
      ['prlimit', '--nofile=120:120'],
    );
    const early = await dial(panels);
    early.socket.write(press(1));
    expect(await early.answers.next()).toMatchObject({ id: 'ACK', sequence: 1 });
    const half = [
      'GET / HTTP/1.1\r\nHo',
      'POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    ];
    const ended: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i++)
      for (const port of [pages, status, panels]) {
        const { socket } = await dial(port);
        ended.push(new Promise((resolve) => socket.once('close', resolve)));
        socket.write(half[i % 2] ?? '');
      }
    for (const [i, panel] of [await dial(panels), early].entries()) {
      const begun = performance.now();
      panel.socket.write(press(i + 2));
      expect(await panel.answers.next()).toMatchObject({ id: 'ACK', sequence: i + 2 });
      expect(performance.now() - begun).toBeLessThan(1000);
    }
    expect((await fetch(`http://127.0.0.1:${pages}/`)).status).toBe(401);
    const metrics = await (await fetch(`http://127.0.0.1:${status}/metrics`)).text();
    expect(metrics).toMatch(/campus_connections_turned_total\{listener="console",why="shed"\} \d+/);
    expect(metrics).toMatch(/process_max_fds 120\b/);
    // Those that were not let go for newer ones end by themselves.
    await Promise.all(ended);
    const told = daemon.log.filter((line) => line.includes('let go for a newer one')).length;
    expect(told).toBeLessThan(10);
    expect(await daemon.stop()).toBe(0);
  });
});
