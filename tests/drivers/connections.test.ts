import { readFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  boundConnections,
  boundedHttp,
  createShare,
  descriptorLimit,
  listenAt,
  type Turned,
} from '../../drivers/connections.ts';
import { stream, tcpServer } from '../helpers.ts';

/** A share of so many, and who was let go, by name. */
function shareOf(most: number) {
  const share = createShare(most);
  const shed: string[] = [];
  const sockets = new Map<string, Socket>();
  return {
    shed,
    share,
    add(...names: string[]) {
      for (const name of names) {
        const socket = new Socket();
        sockets.set(name, socket);
        share.add(socket, () => shed.push(name));
      }
    },
    know: (name: string) => share.know(sockets.get(name) as Socket),
    end: (name: string) =>
      new Promise((resolve) => (sockets.get(name) as Socket).once('close', resolve).destroy()),
  };
}

describe('a share of connections', () => {
  it('that is full lets go of the oldest stranger', () => {
    const { add, shed, share } = shareOf(3);
    add('a', 'b', 'c', 'd', 'e');
    expect([shed, share.size]).toEqual([['a', 'b'], 3]);
  });

  it('keeps who has shown who it is, however many strangers come', () => {
    const { add, know, shed } = shareOf(3);
    add('panel');
    know('panel');
    for (let i = 0; i < 1000; i++) add(`stranger-${i}`);
    expect(shed).toHaveLength(998);
    expect(shed).not.toContain('panel');
  });

  it('of known ones alone lets go of who was heard of longest ago', () => {
    const { add, know, shed } = shareOf(2);
    add('a', 'b');
    know('a');
    know('b');
    know('a');
    add('c');
    expect(shed).toEqual(['b']);
  });

  it('has room again for each that ended, which is let go no more', async () => {
    const { add, end, know, shed, share } = shareOf(2);
    add('a', 'b');
    await end('a');
    know('a');
    add('c');
    expect([shed, share.size]).toEqual([[], 2]);
  });
});

describe('the limit of descriptors', () => {
  it('is what the kernel says of this process', () => {
    const soft = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
    expect(descriptorLimit()).toBe(soft);
    // proc_pid_limits(5): soft, hard, unit.
    expect(
      descriptorLimit(
        'Max processes   1   2   x\nMax open files            120                  240                files     \n',
      ),
    ).toBe(120);
    expect(
      descriptorLimit('Max open files            unlimited            unlimited            files     \n'),
    ).toBe(Number.POSITIVE_INFINITY);
    expect(descriptorLimit('')).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a server', () => {
  it('whose accept fails counts it and stays', async () => {
    const { server } = await tcpServer();
    const turned: Turned[] = [];
    boundConnections(server, createShare(1), (why) => turned.push(why));
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' }));
    expect([turned, server.listening]).toEqual([['no descriptor'], true]);
  });

  const answering = async (
    stalledMs: number,
    handler: RequestListener = (_, response) => void response.end('hello'),
  ) => {
    const server: Server = boundedHttp(() => {}, { stalledMs })(handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return (bytes: string) => {
      const socket = connect(port, '127.0.0.1');
      const said = stream<string>();
      socket.on('data', (chunk) => said.push(chunk.toString('latin1')));
      const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.write(bytes);
      onTestFinished(() => void socket.destroy());
      return { socket, said, ended };
    };
  };

  it.each([
    ['says nothing', ''],
    ['stops in its headers', 'GET / HTTP/1.1\r\nHost: x\r\nX-'],
    ['stops in its body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{'],
    ['stops in its second request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo'],
  ])('over HTTP ends a connection that %s', async (_name, bytes) => {
    const dial = await answering(
      100,
      (request, response) => void request.resume().on('end', () => response.end('hello')),
    );
    await dial(bytes).ended;
  });

  it('over HTTP does not end an answer that takes long', async () => {
    const answers = stream<ServerResponse>();
    const dial = await answering(50, (_, response) => answers.push(response));
    const slow = dial('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const stalled = dial('GET / HTTP/1.1\r\nHo');
    const answer = await answers.next();
    await stalled.ended;
    answer.end('at last');
    expect(await slow.said.next()).toContain('at last');
  });
});

describe('a port that cannot be listened on', () => {
  const refused = (host: string) => {
    const server = createServer();
    return listenAt(server, host, 0).then(
      () => server.close(),
      (error: Error) => error.message,
    );
  };
  it('says which address this machine has not, and those that it has', async () => {
    // TEST-NET-1 (RFC 5737): nobody's.
    expect(await refused('192.0.2.77')).toMatch(
      /^cannot listen on 192\.0\.2\.77:0: this machine has no address 192\.0\.2\.77; it has .*127\.0\.0\.1/,
    );
  });

  it('says that a name is none', async () => {
    expect(await refused('http://127.0.0.1')).toMatch(
      /^cannot listen on .*: "http:\/\/127\.0\.0\.1" is no address of this machine/,
    );
  });
});
