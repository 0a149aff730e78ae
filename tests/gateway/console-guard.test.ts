/** Who gets into the console: routes are closed by default, sessions end, what is refused is over. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createClosedServer, userOf } from '../../gateway/console/guard.ts';
import { createGuesses, sourceOf } from '../../gateway/console/guesses.ts';
import { openIdentity } from '../../gateway/console/identity.ts';
import { roles } from '../../gateway/console/rights.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { type ManualClock, manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

/** A server to which a test adds routes; a cookie is the name of a role. */
async function closedServer() {
  const { signal: over } = new AbortController();
  const acts: string[] = [];
  const server = await createClosedServer(
    { host: '127.0.0.1', names: [] },
    ({ headers }) => {
      const role = roles.find((one) => one === headers.cookie);
      return role && userOf('Wang', role, over);
    },
    { metrics: createMetrics(), time: manualClock(), log: silentLog },
    {
      noteAct: ({ name }, { method, routeOptions }) =>
        void acts.push(`${name} ${method} ${routeOptions.url}`),
    },
  );
  onTestFinished(() => server.close());
  return {
    server,
    acts,
    /** The codes that nobody, a stranger, a screen, a guard and an administrator get. */
    async codes(url: string) {
      const codes: number[] = [];
      for (const cookie of [undefined, 'stranger', 'screen', 'guard', 'administrator'])
        codes.push((await server.inject({ url, headers: { ...(cookie && { cookie }) } })).statusCode);
      return codes;
    },
  };
}

describe('a route of the console', () => {
  it('that says nothing is for administrators alone', async () => {
    const { server, codes } = await closedServer();
    await server.register(async (plugin) => {
      plugin.get('/of-a-plugin', async () => 'secret');
    });
    server.get('/plain', async () => 'secret');
    for (const path of ['/plain', '/of-a-plugin'])
      expect(await codes(path)).toEqual([401, 401, 403, 403, 200]);
    expect((await server.inject('/plain')).body).not.toContain('secret');
    expect((await server.inject({ method: 'HEAD', url: '/plain' })).statusCode).toBe(401);
  });

  it('is open to whom it says', async () => {
    const { server, codes } = await closedServer();
    server.get('/screen', { config: { needs: 'screen' } }, async () => 'a gate');
    server.get('/alarms', { config: { needs: 'alarms' } }, async ({ user }) => user.name);
    server.get('/anyone', { config: { needs: 'anyone' } }, async () => 'hello');
    expect(await codes('/screen')).toEqual([401, 401, 200, 200, 200]);
    expect(await codes('/alarms')).toEqual([401, 401, 403, 200, 200]);
    expect((await server.inject({ url: '/alarms', headers: { cookie: 'guard' } })).body).toBe('Wang');
    expect(await codes('/anyone')).toEqual([200, 200, 200, 200, 200]);
    expect(await codes('/nothing')).toEqual([404, 404, 404, 404, 404]);
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
    expect([(await post('administrator')).statusCode, read]).toEqual([200, 1]);
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
    expect(await upgrade('administrator', 'evil.example')).toMatch(/^HTTP\/1.1 421 /);
    expect(await upgrade('administrator')).toContain('a picture');
  });
});

describe('a session', () => {
  const journal = { audit: async () => '' };
  const sessionsAt = async (time: ManualClock, dataDir = temporaryDirectory()) => {
    const { sessions, close } = await openIdentity(dataDir, { journal, time, log: silentLog });
    onTestFinished(close);
    const opening = { from: '10.0.0.1', agent: 'test' };
    const loginAs = (role: 'local' | 'screen') =>
      sessions.open(role === 'local' ? { by: 'local' } : { by: 'token', id: 'screen' }, opening);
    const roleOf = (secret: string) => sessions.find(secret)?.role;
    return { ...sessions, dataDir, loginAs, roleOf, close };
  };

  it('of an operator ends after a shift, of a screen never', async () => {
    const time = manualClock();
    const { find, roleOf, loginAs } = await sessionsAt(time);
    const operator = await loginAs('local');
    const shown = find(operator)?.over;
    const screen = await loginAs('screen');
    const rolesAfter = async (ms: number) => {
      await time.advance(ms);
      return [roleOf(operator), roleOf(screen)];
    };
    expect(await rolesAfter(12 * 3_600_000 - 1)).toEqual(['administrator', 'screen']);
    expect(await rolesAfter(1)).toEqual([undefined, 'screen']);
    await time.advance(60_000);
    expect(shown?.aborted).toBe(true);
    expect(find(screen)?.until).toBeUndefined();
  });

  it('of an operator is not pushed out by screens that log in without end', async () => {
    const { find, roleOf, loginAs } = await sessionsAt(manualClock());
    const operator = await loginAs('local');
    const first = await loginAs('screen');
    const shown = find(first)?.over;
    for (let i = 0; i < 100; i++) await loginAs('screen');
    expect([roleOf(operator), roleOf(first), shown?.aborted]).toEqual(['administrator', undefined, true]);
    expect(roleOf(await loginAs('screen'))).toBe('screen');
  });

  it('is no longer after a restart than it was, whatever the clock says', async () => {
    const time = manualClock();
    const before = await sessionsAt(time);
    const operator = await before.loginAs('local');
    await time.advance(11 * 3_600_000);
    await before.close();
    const after = await sessionsAt(time, before.dataDir);
    expect(after.roleOf(operator)).toBe('administrator');
    // As a machine without a battery: ten years back.
    time.step(-10 * 365 * 86_400_000);
    const later = await sessionsAt(time, before.dataDir);
    await time.advance(3_600_000);
    expect(after.roleOf(operator)).toBeUndefined();
    await time.advance(11 * 3_600_000);
    expect(later.roleOf(operator)).toBeUndefined();
  });

  it('is to be had anew where the file is none of ours, and where the disk refuses', async () => {
    const dataDir = temporaryDirectory();
    for (const content of [
      '',
      '{',
      '[{"hash":"x","role":"operator","until":null}]',
      '[1]',
      'x'.repeat(300_000),
    ]) {
      writeFileSync(join(dataDir, 'console.sessions'), content);
      const { roleOf, loginAs } = await sessionsAt(manualClock(), dataDir);
      expect(roleOf(await loginAs('local'))).toBe('administrator');
    }
    rmSync(join(dataDir, 'console.sessions'));
    mkdirSync(join(dataDir, 'console.sessions', 'in-the-way'), { recursive: true });
    const { roleOf, loginAs } = await sessionsAt(manualClock(), dataDir);
    expect(roleOf(await loginAs('local'))).toBe('administrator');
  });
});

describe('who guesses', () => {
  it('is slowed down by its own address, an IPv6 one by its /64', () => {
    // RFC 4291, 2.2; the expected values are of python's ipaddress.ip_network((address, 64), strict=False).
    expect(sourceOf('10.0.0.9')).toBe('10.0.0.9');
    expect(sourceOf('::ffff:10.0.0.9')).toBe('10.0.0.9');
    expect(sourceOf('::1')).toBe('::/64');
    expect(sourceOf('fe80::1%eth0')).toBe('fe80::/64');
    expect(sourceOf('2001:db8:0:5:1:2:3:4')).toBe('2001:db8:0:5::/64');
    expect(sourceOf('2001:db8::5:1:2:3:4')).toBe('2001:db8:0:5::/64');
    expect(sourceOf('2001:db8::7')).toBe('2001:db8::/64');
    expect(sourceOf('2001:DB8:0001::')).toBe('2001:db8:1::/64');
  });

  it('holds up nobody elsewhere, and is answered a second later', async () => {
    const time = manualClock();
    const guesses = createGuesses(time);
    const turns: string[] = [];
    const turn = (address: string) =>
      void guesses.wrong(address).then((may) => turns.push(`${address} ${may}`));
    for (let i = 0; i < 10; i++) turn(`2001:db8::${i}`);
    await time.advance(0);
    expect(turns).toHaveLength(10);
    for (let i = 0; i < 6; i++) turn('2001:db8::a');
    turn('10.0.0.1');
    await time.advance(0);
    expect(turns.slice(10)).toEqual(['2001:db8::a false', '10.0.0.1 true']);
    await time.advance(1000);
    expect(turns.slice(12)).toEqual(['2001:db8::a true']);
    await time.advance(4000);
    expect(turns.slice(13)).toEqual(Array(4).fill('2001:db8::a true'));
  });

  it('fills no memory, whatever addresses it has', async () => {
    const time = manualClock();
    const guesses = createGuesses(time);
    for (let i = 0; i < 20_000; i++)
      await guesses.wrong(`2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`);
    expect(guesses.size).toBeLessThanOrEqual(1000);
    await time.advance(60_000);
    await guesses.wrong('10.0.0.1');
    expect(guesses.size).toBe(1);
  });
});
