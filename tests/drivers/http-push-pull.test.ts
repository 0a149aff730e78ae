import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Message } from '../../drivers/http-push/intake.ts';
import { readStream } from '../../drivers/http-push/pull.ts';
import { createLogin } from '../../drivers/login.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { freePort, stream } from '../helpers.ts';

/** A terminal that answers as it likes. @returns its URL. */
async function terminal(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`;
}

const credentials = { username: 'admin', password: 'pw' };
function read(url: string, time: Clock = systemClock, login = createLogin(time, () => credentials)) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const messages = stream<Message>();
  const noise: string[] = [];
  const ended = readStream(url, login, stop.signal, time, {
    opened() {},
    message: async (message) => messages.push(message),
    noise: (reason) => noise.push(reason),
  });
  ended.catch(() => {});
  return { messages, noise, ended };
}

const begin = { 'content-type': 'multipart/mixed; boundary=b' };
const part = (text: string) =>
  `--b\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}\r\n`;

describe('a terminal whose stream is read', () => {
  it('that does not speak as its address says is told in plain words', async () => {
    const url = await terminal((_, response) => response.end());
    await expect(read(url.replace('http:', 'https:')).ended).rejects.toThrow(
      /: it does not speak HTTPS on this port: write http:\/\/, or name the port that does \(ERR_SSL_WRONG_VERSION_NUMBER\)$/,
    );
    await expect(read(`http://127.0.0.1:${await freePort()}/stream`).ended).rejects.toThrow(
      /: nothing listens there: look at its address and port, .*\(ECONNREFUSED\)$/,
    );
  });

  it('leads to no other host, and hears no password there', async () => {
    const asked: string[] = [];
    const elsewhere = await terminal((request, response) => {
      asked.push(request.headers.authorization ?? 'nothing');
      response.end();
    });
    const url = await terminal((_, response) => response.writeHead(307, { location: elsewhere }).end());
    await expect(read(url).ended).rejects.toThrow(/unexpected redirect/);
    expect(asked).toEqual([]);
  });

  it('that trickles and says nothing whole is no stream', async () => {
    const url = await terminal((_, response) => {
      response.writeHead(200, begin).write('--b\r\nContent-Length: 100000\r\n\r\n');
      const drip = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(drip));
    });
    await expect(read(url, fastClock(300)).ended).rejects.toThrow(/no message for 90 s/);
  });

  it('that sends noise without an end is no stream, and fills nothing', async () => {
    let sent = 0;
    const block = Buffer.alloc(1 << 20, 'x');
    const url = await terminal((_, response) => {
      response.writeHead(200, begin).write('--b\r\n\r\n');
      const more = () => {
        do sent += block.length;
        while (!response.destroyed && response.write(block));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    const before = process.memoryUsage().rss;
    // Time enough for a part to come on a busy machine, too.
    const time = fastClock(40);
    const { ended, noise } = read(url, time);
    await expect(ended).rejects.toThrow(/no message for 90 s/);
    expect(noise).toContain('a part that is too long');
    // 16 MB at once, then 4 MB a second: 90 s of it, and what the system holds on the way.
    expect(sent).toBeLessThan(450_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });

  it('is understood again after a part that is too long', async () => {
    const url = await terminal((_, response) => {
      response.writeHead(200, begin).write('--b\r\n\r\n');
      response.write(Buffer.alloc(5_000_000, 'x'));
      response.write(`\r\n${part('here')}`);
    });
    const { messages } = read(url);
    expect((await messages.next()).bytes.toString()).toBe('here');
  });

  it('that tells more than a terminal can is read no faster', async () => {
    const url = await terminal((_, response) => {
      response.writeHead(200, begin).write(part('x').repeat(1000));
    });
    const time = manualClock();
    const { messages } = read(url, time);
    for (let i = 0; i < 201; i++) await messages.next();
    await time.advance(1000);
    expect(messages.rest()).toHaveLength(20);
    await time.advance(10_000);
    expect(messages.rest()).toHaveLength(200);
  });
});

// Terminals lock out who is wrong too often: Dahua's manual says 5 times in 5 minutes, Hikvision's 7.
describe('the password of a stream', () => {
  /** A terminal that asks by Digest (RFC 7616, 3.3) and answers by what was said; it notes when it was told a password. */
  async function asking(time: Clock, answer: (count: number) => { challenge: string } | 'stream') {
    const tried: number[] = [];
    const url = await terminal(({ headers: { authorization } }, response) => {
      if (authorization !== undefined) tried.push(time.elapsed());
      const said = authorization === undefined ? { challenge: 'nonce="first"' } : answer(tried.length);
      if (said === 'stream') return void response.writeHead(200, begin).write(part('here'));
      response.writeHead(401, {
        'www-authenticate': `Digest realm="DS-K1T671", qop="auth", ${said.challenge}`,
        connection: 'close',
      });
      response.end();
    });
    return { url, tried };
  }

  it('is tried twice where it is wrong, after a minute, and then once in two minutes, session after session', async () => {
    const time = manualClock();
    const login = createLogin(time, () => credentials);
    const { url, tried } = await asking(time, (count) => ({ challenge: `nonce="${count}"` }));
    for (const waitMs of [0, 0, 60_000, 120_000]) {
      const { ended } = read(url, time, login);
      await time.advance(waitMs);
      await expect(ended).rejects.toThrow(/401 \(the password\?\)/);
    }
    expect(tried).toEqual([0, 0, 60_000, 180_000]);
  });

  it('that was corrected in its file is tried at once', async () => {
    const time = manualClock();
    let password = 'wrong';
    const login = createLogin(time, () => ({ username: 'admin', password }));
    const { url, tried } = await asking(time, () =>
      password === 'wrong' ? { challenge: 'nonce="x"' } : 'stream',
    );
    for (let session = 0; session < 2; session++)
      await expect(read(url, time, login).ended).rejects.toThrow(/401/);
    const { messages } = read(url, time, login);
    await time.advance(10_000);
    password = 'right';
    await time.advance(1000);
    await messages.next();
    expect(tried).toEqual([0, 0, 11_000]);
  });

  it('is not thought wrong for a nonce that is over, nor for being asked at all', async () => {
    const time = manualClock();
    const login = createLogin(time, () => credentials);
    const { url, tried } = await asking(time, (count) =>
      count % 2 === 1 ? { challenge: `nonce="${count}", stale=true` } : 'stream',
    );
    for (let session = 0; session < 3; session++) await read(url, time, login).messages.next();
    expect(tried).toHaveLength(6);
    expect(login.waitMs()).toBe(0);
  });
});
