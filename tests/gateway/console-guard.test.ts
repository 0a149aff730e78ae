/** Who gets into the console: routes are closed by default, sessions end, what is refused is over. */
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClosedServer } from '../../gateway/console/guard.ts';
import { createSessions, type Role } from '../../gateway/console/sessions.ts';
import { manualClock } from '../clocks.ts';
import { temporaryDirectory } from '../helpers.ts';

/** A server to which a test adds routes; a cookie is the name of a role. */
async function closedServer() {
  const server = await createClosedServer({ host: '127.0.0.1', names: [] }, (cookie) =>
    cookie === 'operator' || cookie === 'screen' ? cookie : undefined,
  );
  onTestFinished(() => server.close());
  return {
    server,
    /** The codes that nobody, a stranger, a screen and an operator get. */
    async codes(url: string) {
      const codes: number[] = [];
      for (const cookie of [undefined, 'stranger', 'screen', 'operator'])
        codes.push((await server.inject({ url, headers: { ...(cookie && { cookie }) } })).statusCode);
      return codes;
    },
  };
}

describe('a route of the console', () => {
  it('that says nothing is for the operator alone', async () => {
    const { server, codes } = await closedServer();
    await server.register(async (plugin) => {
      plugin.get('/of-a-plugin', async () => 'secret');
    });
    server.get('/plain', async () => 'secret');
    for (const path of ['/plain', '/of-a-plugin']) expect(await codes(path)).toEqual([401, 401, 403, 200]);
    expect((await server.inject('/plain')).body).not.toContain('secret');
    expect((await server.inject({ method: 'HEAD', url: '/plain' })).statusCode).toBe(401);
  });

  it('is open to whom it says', async () => {
    const { server, codes } = await closedServer();
    server.get('/screen', { config: { opensTo: 'screen' } }, async () => 'a gate');
    server.get('/anyone', { config: { opensTo: 'anyone' } }, async () => 'hello');
    expect(await codes('/screen')).toEqual([401, 401, 200, 200]);
    expect(await codes('/anyone')).toEqual([200, 200, 200, 200]);
    expect(await codes('/nothing')).toEqual([404, 404, 404, 404]);
  });

  it('reads no body of who is not let in', async () => {
    const { server } = await closedServer();
    let read = 0;
    server.addHook('preParsing', async () => {
      read++;
    });
    server.post('/change', async () => 'done');
    const post = (cookie: string) =>
      server.inject({ method: 'POST', url: '/change', headers: { cookie }, payload: { a: 1 } });
    expect([(await post('stranger')).statusCode, read]).toEqual([401, 0]);
    expect([(await post('operator')).statusCode, read]).toEqual([200, 1]);
  });

  it('that is a socket is closed too, and the line of who is refused is ended', async () => {
    const { server } = await closedServer();
    await server.register(async (plugin) => {
      plugin.get('/live', { websocket: true }, (socket) => socket.send('a picture'));
    });
    const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    const upgrade = (cookie: string, host = `127.0.0.1:${port}`) =>
      new Promise<string>((resolve) => {
        const line = connect(Number(port), '127.0.0.1');
        let text = '';
        line.on('data', (chunk) => {
          text += chunk.toString('latin1');
          if (text.includes('a picture')) line.destroy();
        });
        line.on('close', () => resolve(text));
        line.write(
          `GET /live HTTP/1.1\r\nhost: ${host}\r\ncookie: ${cookie}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
        );
      });
    expect(await upgrade('stranger')).toMatch(/^HTTP\/1.1 401 /);
    expect(await upgrade('screen')).toMatch(/^HTTP\/1.1 403 /);
    expect(await upgrade('operator', 'evil.example')).toMatch(/^HTTP\/1.1 421 /);
    expect(await upgrade('operator')).toContain('a picture');
  });
});

describe('a session', () => {
  const sessionsAt = (time: ReturnType<typeof manualClock>) => {
    const { tokens, login, roleOf } = createSessions(temporaryDirectory(), time);
    const cookieOf = (role: Role) => {
      const session = login(tokens[role]);
      return typeof session === 'object' ? session.cookie : undefined;
    };
    return { login, roleOf, cookieOf };
  };

  it('of an operator ends after a shift, of a screen never', async () => {
    const time = manualClock();
    const { roleOf, cookieOf } = sessionsAt(time);
    const operator = cookieOf('operator');
    const screen = `other=1; ${cookieOf('screen')}`;
    const rolesAfter = async (ms: number) => {
      await time.advance(ms);
      return [roleOf(operator), roleOf(screen)];
    };
    expect(await rolesAfter(12 * 3_600_000 - 1)).toEqual(['operator', 'screen']);
    expect(await rolesAfter(1)).toEqual([undefined, 'screen']);
    expect(await rolesAfter(365 * 86_400_000)).toEqual([undefined, 'screen']);
  });

  it('is to be had again a minute after the guesses', async () => {
    const time = manualClock();
    const { login, cookieOf } = sessionsAt(time);
    for (let i = 0; i < 10; i++) expect(login(`guess-${i}`)).toBeUndefined();
    await time.advance(60_000);
    expect([login('guess'), cookieOf('operator')]).toEqual(['slow', undefined]);
    await time.advance(1);
    expect(cookieOf('operator')).toMatch(/^campus-session=/);
  });
});
