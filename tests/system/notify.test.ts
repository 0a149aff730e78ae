/** People are told by a gateway that is a process of its own: over a power cut once, and by mail through a real server. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startPanel } from '../../simulators/panel.ts';
import { desk, event, ruleOf } from '../gateway/notify.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';
import { gateway, need, until } from './tools.ts';

async function webhook() {
  const told: { id: string; text: string; at: number }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    request.on('end', () => {
      told.push({ ...(JSON.parse(text) as { id: string; text: string }), at: performance.now() });
      response.end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/told` };
}

it('tells who must know that nobody took an alarm, killed with -9 in between: once, and not sooner', {
  timeout: 60_000,
}, async () => {
  const { told, url } = await webhook();
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'url'), `${url}\n`, { mode: 0o600 });
  writeFileSync(join(directory, 'key'), 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n', { mode: 0o600 });
  const port = await freePort();
  const config = {
    campus: { id: '4503000001', name: '第一中学' },
    dataDir: join(directory, 'data'),
    devices: [{ id: 'panel', driver: 'dc09', listen: { port }, accounts: [{ account: '1234' }] }],
    contacts: [{ id: 'head', by: 'webhook', urlFile: 'url', secretFile: 'key' }],
    rules: [
      {
        id: 'tell',
        notify: [
          { to: ['head'] },
          { to: ['head'], unacknowledgedFor: '4s' },
          { to: ['head'], platformsAwayFor: '1s' },
        ],
      },
    ],
  };
  const daemon = await gateway(config, directory);
  const acknowledged = Promise.withResolvers<void>();
  const panel = startPanel({
    ...{ host: '127.0.0.1', port, account: '1234', retry: 300 },
    acknowledged: () => acknowledged.resolve(),
  });
  onTestFinished(() => panel.close());
  const began = performance.now();
  void panel.do('press 9');
  await acknowledged.promise;
  // At once, and as the last resort: there is no platform at all.
  await until('two are told', () => told.length === 2);
  expect(told.map(({ text }) => text.includes('请电话报告')).sort()).toEqual([false, true]);
  // Between the answer of who was told and the disk a power cut has it told again: not that moment.
  const outbox = () => readFileSync(join(directory, 'data/notify.log'), 'utf8');
  await until('both are settled', () => (outbox().match(/"done"/g) ?? []).length === 2);
  await daemon.kill();
  await delay(500);
  await gateway(config, directory);
  await until('the third is told', () => told.length === 3);
  expect(told[2]?.text).toContain('4 秒内无人确认');
  expect((told[2]?.at ?? 0) - began).toBeGreaterThan(3900);
  // A moment in which what would come twice could come.
  await delay(1500);
  expect(new Set(told.map(({ id }) => id)).size).toBe(3);
  expect(told).toHaveLength(3);
});

describe('mail', { timeout: 60_000 }, () => {
  async function mailServer() {
    const port = await freePort();
    const script = `
import smtpd, asyncore, sys
class Server(smtpd.SMTPServer):
    def process_message(self, peer, mailfrom, rcpttos, data, **more):
        print('MAIL', mailfrom, rcpttos, repr(data), file=sys.stderr, flush=True)
Server(('127.0.0.1', ${port}), None)
print('it listens', file=sys.stderr, flush=True)
asyncore.loop()
`;
    const { log } = await startProcess('python3', ['-W', 'ignore', '-c', script], /it listens/, (own) => {
      onTestFinished(() => stopProcess(own));
    });
    return { port, log };
  }
  const contactAt = (port: number, tls: string) => ({
    ...{ id: 'm', by: 'mail', server: `127.0.0.1:${port}`, tls },
    ...{ from: 'gateway@school.example', to: ['head@school.example', 'duty@school.example'] },
  });

  it('goes to all of a contact through the server of Python, in Chinese', async (context) => {
    need(context, 'python3');
    const { port, log } = await mailServer();
    const { notify, audit } = await desk([contactAt(port, 'none')]);
    notify.tell(ruleOf({ to: ['m'] }), event(), 1);
    await until('it is told', () => audit.length === 1);
    expect(audit[0]).toMatchObject({ outcome: 'told', contact: 'm' });
    await until('it came', () => log.some((line) => line.startsWith('MAIL')));
    const mail = log.find((line) => line.startsWith('MAIL')) ?? '';
    expect(mail).toContain("gateway@school.example ['head@school.example', 'duty@school.example']");
    expect(mail).toMatch(/Subject: =\?UTF-8\?/);
    expect(mail).toMatch(/Message-ID: <[0-9a-f]{24}@school\.example>/);
  });

  it('goes to no server in clear where the config wants it encrypted', async (context) => {
    need(context, 'python3');
    const { port, log } = await mailServer();
    const { notify } = await desk([contactAt(port, 'starttls')]);
    notify.tell(ruleOf({ to: ['m'] }), event(), 1);
    await until('it fails', () => notify.states()['m']?.reason !== undefined);
    expect(notify.states()['m']?.reason).toMatch(/STARTTLS/i);
    expect(log.filter((line) => line.startsWith('MAIL'))).toEqual([]);
  });
});
