import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { ask, type Question } from '../../drivers/http.ts';
import { fastClock } from '../clocks.ts';

/** A device on a bare socket, which says what the test wants as soon as it is asked, and the requests that it got. */
async function device(answer: (socket: Socket, request: string, connection: number) => void) {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      requests.push(text.slice(0, end));
      answer(socket, text.slice(0, end), requests.length);
      text = '';
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests, open: () => sockets.size };
}

const asked = (clock: Clock = systemClock, more: Partial<Question> = {}): Question => ({
  ...{ maxBytes: 10_000, timeout: 5000, clock },
  ...more,
});
const page = (body: string, ...headers: string[]) =>
  ['HTTP/1.1 200 OK', `Content-Length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n');
/** Writes for as long as it may. */
function pour(socket: Socket, chunk: Buffer | string): void {
  const go = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', go);
  go();
}

const hostile: readonly [string, (socket: Socket) => void, RegExp][] = [
  [
    'has no end and says so',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n');
      pour(socket, Buffer.alloc(5000, 'x'));
    },
    /larger than 10000 bytes/,
  ],
  [
    'has no end and no length',
    (socket) => {
      socket.write('HTTP/1.0 200 OK\r\n\r\n');
      pour(socket, Buffer.alloc(5000, 'x'));
    },
    /larger than 10000 bytes/,
  ],
  [
    'comes in chunks that have no end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      pour(socket, `3e8\r\n${'x'.repeat(1000)}\r\n`);
    },
    /larger than 10000 bytes/,
  ],
  [
    'comes in chunks that are mostly about themselves',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      pour(socket, `1;${'x'.repeat(900)}\r\ny\r\n`);
    },
    /larger than 10000 bytes|overflow/i,
  ],
  [
    'comes in chunks that are none',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n'),
    /chunk/i,
  ],
  [
    'is shorter than it says',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'),
    /aborted|ended before/,
  ],
  [
    'has two lengths',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello12'),
    /Parse Error|Content-Length/i,
  ],
  [
    'is a bomb',
    (socket) => {
      const bomb = gzipSync(Buffer.alloc(5_000_000));
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`);
      socket.end(bomb);
    },
    /packed/,
  ],
  [
    'has headers without an end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      pour(socket, `X-A: ${'x'.repeat(500)}\r\n`);
    },
    /Header|overflow/i,
  ],
  [
    'is never more than about to come',
    (socket) => pour(socket, 'HTTP/1.1 100 Continue\r\n\r\n'),
    /never comes to its answer/,
  ],
  [
    'is another protocol',
    (socket) => socket.end('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nRTSP'),
    /ended before/,
  ],
  ['is no HTTP', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), /Parse Error/],
  ['never begins', (socket) => socket.end(), /hang up|ECONNRESET|ended before/],
];

describe('an answer of a device', () => {
  it('is taken as it comes, over a connection of its own', async () => {
    const { url, requests, open } = await device((socket) => socket.end(page('hello')));
    const { status, body } = await ask(`${url}/a?b=c`, asked());
    expect([status, body.toString()]).toEqual([200, 'hello']);
    expect(requests[0]).toMatch(/^GET \/a\?b=c HTTP\/1\.1\r\n/);
    expect(requests[0]).toMatch(/connection: close/i);
    expect(requests[0]).toMatch(/accept-encoding: identity/i);
    await expect.poll(open).toBe(0);
  });

  it.each(hostile)(
    'that %s is refused at once, and its connection is closed',
    async (_name, answer, words) => {
      const { url, open } = await device(answer);
      const begun = systemClock.elapsed();
      await expect(ask(url, asked())).rejects.toThrow(words);
      expect(systemClock.elapsed() - begun).toBeLessThan(3000);
      await expect.poll(open).toBe(0);
    },
  );

  it('that does not come, or comes a byte at a time, ends with its time', async () => {
    const clock = fastClock(10);
    const { url } = await device((socket, request) => {
      if (!request.startsWith('GET /drip')) return;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n');
      const drip = clock.every(500, () => socket.write('x'));
      socket.on('close', () => drip.stop());
    });
    await expect(ask(`${url}/never`, asked(clock))).rejects.toThrow('no answer within 5 s');
    await expect(ask(`${url}/drip`, asked(clock, { timeout: 10_000 }))).rejects.toThrow(
      'no answer within 10 s',
    );
  });

  it('that stops in its middle is given up before its time is over', async () => {
    const clock = fastClock(10);
    const { url } = await device((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello'),
    );
    await expect(ask(url, asked(clock, { timeout: 100_000 }))).rejects.toThrow('stopped for 4 s');
  });

  it('is waited for no longer than somebody wants it', async () => {
    const over = new AbortController();
    const { url } = await device(() => over.abort(new Error('nobody wants it')));
    await expect(ask(url, asked(systemClock, { signal: over.signal }))).rejects.toThrow('nobody wants it');
  });
});

describe('a device that sends us elsewhere', () => {
  const to = (where: string, status = 302) =>
    `HTTP/1.1 ${status} X\r\nLocation: ${where}\r\nContent-Length: 0\r\n\r\n`;
  const credentials = { username: 'admin', password: 'pw' };

  it.each([301, 302, 307, 308])(
    'is followed on its own host, with the question as it was (%d)',
    async (status) => {
      const { url, requests } = await device((socket, request) =>
        socket.end(request.startsWith('POST /old') ? to('/new?x=1', status) : page('here')),
      );
      const question = asked(systemClock, { method: 'POST', body: '<q/>' });
      expect((await ask(`${url}/old`, question)).body.toString()).toBe('here');
      expect(requests[1]).toMatch(/^POST \/new\?x=1 /);
    },
  );

  it('is not followed to another host, port or scheme, and no password goes there', async () => {
    const other = await device((socket) => socket.end(page('caught')));
    const elsewhere = [
      `${other.url}/x`,
      other.url.replace('127.0.0.1', 'localhost'),
      other.url.replace('http:', ''),
      `http://admin:pw@${new URL(other.url).host}/`,
      'https://127.0.0.1/',
      'file:///etc/passwd',
      'ftp://127.0.0.1/',
    ];
    for (const where of elsewhere) {
      const { url } = await device((socket) => socket.end(to(where)));
      await expect(ask(url, asked(systemClock, { credentials }))).rejects.toThrow('which is not asked');
    }
    const { url } = await device((socket) => socket.end(to('http://[')));
    await expect(ask(url, asked())).rejects.toThrow('no address');
    expect(other.requests).toEqual([]);
  });

  it('in a circle is not followed for ever', async () => {
    const { url, requests } = await device((socket) => socket.end(to('/again')));
    await expect(ask(url, asked())).rejects.toThrow('on and on');
    expect(requests.length).toBe(4);
  });
});

describe('a device that speaks HTTP in its own way', () => {
  const isWhole = (body: Buffer) => body.toString().endsWith('</a>');
  it.each([
    [
      'a length beside chunks, which win (RFC 9112, 6.3)',
      ['Content-Length: 4', 'Transfer-Encoding: chunked', '', '7\r\n<a>b</a\r\n1\r\n>\r\n0\r\n\r\n'].join(
        '\r\n',
      ),
    ],
    ['lines that end with LF', 'Content-Type: text/xml\nContent-Length: 8\n\n<a>b</a>'],
    ['a length that is too long', 'Content-Length: 12\r\n\r\n<a>b</a>'],
  ])('with %s is understood', async (_name, rest) => {
    const { url } = await device((socket) =>
      socket.end(`HTTP/1.1 200 OK${rest.includes('\r\n\r\n') ? '\r\n' : '\n'}${rest}`),
    );
    const { status, body } = await ask(url, asked(systemClock, { isWhole }));
    expect([status, body.toString()]).toEqual([200, '<a>b</a>']);
  });

  it('with a length that is too long, on a connection that rests, is understood', async () => {
    const { url, open } = await device((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<a>b</a>'),
    );
    const { body } = await ask(url, asked(fastClock(20), { isWhole, timeout: 20_000 }));
    expect(body.toString()).toBe('<a>b</a>');
    await expect.poll(open).toBe(0);
  });

  it('and ends in the middle is not', async () => {
    const { url } = await device((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<a>b'));
    await expect(ask(url, asked(systemClock, { isWhole }))).rejects.toThrow();
  });
});

describe('a device that asks who we are', () => {
  // RFC 7616, 3.3: a nonce is opaque, and its server may tie it to anything; some tie it to the connection.
  it.each(['', ', stale=true'])(
    'and knows a nonce on its own connection only is told there%s',
    async (stale) => {
      const nonces = new Map<Socket, string>();
      const { url, requests, open } = await device((socket, request, count) => {
        const nonce = /nonce="(\w+)"/.exec(request)?.[1];
        if (nonce !== undefined && nonce === nonces.get(socket)) return socket.end(page('in'));
        nonces.set(socket, `n${count}`);
        const body = '<html>who is it</html>';
        return socket.write(
          `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", qop="auth", nonce="n${count}"${stale}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      });
      const answer = await ask(url, asked(systemClock, { credentials: { username: 'a', password: 'b' } }));
      expect(answer.status).toBe(200);
      expect(requests).toHaveLength(2);
      await expect.poll(open).toBe(0);
    },
  );

  it('and does not end what it says of that is told all the same', async () => {
    const { url, requests } = await device((socket, request) =>
      /^authorization:/im.test(request)
        ? socket.end(page('in'))
        : socket.write('HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm="r", nonce="1"\r\n\r\n<html>'),
    );
    const credentials = { username: 'a', password: 'b' };
    expect((await ask(url, asked(fastClock(20), { credentials }))).status).toBe(200);
    expect(requests).toHaveLength(2);
  });

  it('and whose nonce is over by then is told again, once, with the new one (RFC 7616, 3.3)', async () => {
    const { url, requests } = await device((socket, _request, count) =>
      socket.end(
        count < 3
          ? `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", qop="auth", nonce="n${count}"${count === 2 ? ', stale=TRUE' : ''}\r\nContent-Length: 0\r\n\r\n`
          : page('in'),
      ),
    );
    const answer = await ask(url, asked(systemClock, { credentials: { username: 'a', password: 'b' } }));
    expect(answer.status).toBe(200);
    expect(requests.map((one) => /nonce="(\w+)"/.exec(one)?.[1])).toEqual([undefined, 'n1', 'n2']);
  });

  const credentials = { username: 'admin', password: 'pw' };
  const refusing = (...challenges: string[]) =>
    device((socket, request) =>
      socket.end(
        /^authorization:/im.test(request)
          ? page('in')
          : [
              'HTTP/1.1 401 X',
              ...challenges.map((one) => `WWW-Authenticate: ${one}`),
              'Content-Length: 0',
              '',
              '',
            ].join('\r\n'),
      ),
    );

  it.each([
    [['Digest realm="d", nonce="1"'], /authorization: Digest .*realm="d"/i],
    // Each with its own realm (RFC 9110, 11.6.1), in one line or in two; digest before basic.
    [['Basic realm="b"', 'Digest realm="d", nonce="1"'], /authorization: Digest .*realm="d"/i],
    [['Digest realm="d", nonce="1", Basic realm="b"'], /authorization: Digest .*realm="d"/i],
    // The stronger of two (RFC 7616, 3.7).
    [
      ['Digest realm="d", nonce="1", algorithm=SHA-256', 'Digest realm="e", nonce="2", algorithm=MD5'],
      /realm="d".*algorithm=SHA-256/,
    ],
    [['Digest realm="d", nonce="1", algorithm=SHA-512-256', 'Digest realm="e", nonce="2"'], /realm="e"/],
    [['Basic realm="b"'], /authorization: Basic YWRtaW46cHc=/i],
  ])('by %j is told', async (challenges, wanted) => {
    const { url, requests } = await refusing(...challenges);
    expect((await ask(url, asked(systemClock, { credentials }))).status).toBe(200);
    expect(requests[0]).not.toMatch(/authorization/i);
    expect(requests[1]).toMatch(wanted);
  });

  it.each(['Negotiate', 'Bearer realm="x"', 'Digest realm="d", algorithm=SHA-512-256'])(
    'by %s, which we do not know, is not told the password',
    async (challenge) => {
      const { url, requests } = await refusing(challenge);
      expect((await ask(url, asked(systemClock, { credentials }))).status).toBe(401);
      expect(requests.length).toBe(1);
    },
  );

  it('in clear is not told the password where only a digest may bear it', async () => {
    const { url, requests } = await refusing('Basic realm="b"');
    expect((await ask(url, asked(systemClock, { credentials, digestOnly: true }))).status).toBe(401);
    expect(requests.length).toBe(1);
  });
});
