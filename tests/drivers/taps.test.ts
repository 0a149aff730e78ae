/** What drivers give to the tap of their wire: all that was read and written, and no password. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dc09 } from '../../drivers/dc09/driver.ts';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { openLine } from '../../drivers/line.ts';
import { createWireTap, piecesOf } from '../../gateway/wire-tap.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost, freePort, tcpServer, temporaryDirectory } from '../helpers.ts';
import { dialRaw } from './dc09-port.ts';
import { terminalProfile } from './terminal-profile.ts';

const tapOf = () => {
  const tap = createWireTap(manualClock());
  const lines = () =>
    piecesOf(tap.snapshot()).map(
      ({ said, bytes }) => `${said ? '>' : '<'}${Buffer.from(bytes).toString('latin1')}`,
    );
  return { tap, lines };
};

describe('the taps of wires', () => {
  it('have what a panel sent and what it was answered, with whose connection it was', async () => {
    const port = await freePort();
    const { host } = fakeHost();
    const { tap, lines } = tapOf();
    const options = dc09.options.parse({ listen: { port }, accounts: [{ account: '1234' }] });
    const session = await dc09.open([{ id: 'panel', driver: 'dc09', options }], { ...host, tap });
    onTestFinished(() => session.close());
    const { send, answers } = await dialRaw(port);
    send('96ED0016"SIA-DCS"0001L0#1234[]');
    const answer = await answers.next();
    expect(lines()).toEqual(['<\n96ED0016"SIA-DCS"0001L0#1234[]\r', `>\n${answer}\r`]);
    expect(piecesOf(tap.snapshot())[0]?.peer).toMatch(/^127\.0\.0\.1 \d+$/);
  });

  it('have what a terminal pushed and was answered, without its token and its password', async () => {
    const port = await freePort();
    const { host } = fakeHost();
    const { tap, lines } = tapOf();
    const tokenFile = join(temporaryDirectory(), 'token');
    writeFileSync(tokenFile, 's3cret-token\n');
    const options = httpPush.options.parse({ profile: 'hikvision-face', listen: { port }, tokenFile });
    const device = { id: 'face', driver: 'http-push', options, profile: terminalProfile('hikvision-face') };
    const session = await httpPush.open([device], { ...host, tap });
    onTestFinished(() => session.close());
    const push = (token: string) =>
      fetch(`http://127.0.0.1:${port}/push/face?token=${token}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Basic aGFsbG8=' },
        body: JSON.stringify({ eventType: 'heartBeat', password: 'hunter2', card: '77' }),
      });
    expect((await push('wrong')).status).toBe(401);
    expect(lines()).toEqual([]);
    const { status } = await push('s3cret-token');
    const [heard, said] = lines();
    expect(heard).toMatch(
      /^<POST \/push\/face\?token=…?[^\n]*\napplication\/json\n\n\{"eventType":"heartBeat"/s,
    );
    expect(heard).toContain('"card":"77"');
    expect(said).toMatch(new RegExp(`^>${status}\\n`));
    for (const secret of ['s3cret', 'hunter2', 'aGFsbG8']) expect(lines().join()).not.toContain(secret);
  });

  it('have what goes over a serial server', async () => {
    const { port, sockets } = await tcpServer();
    const { host } = fakeHost();
    const { tap, lines } = tapOf();
    const heard = Promise.withResolvers<void>();
    const line = await openLine({ serialServer: { host: '127.0.0.1', port } }, { ...host, tap }, () =>
      heard.resolve(),
    );
    onTestFinished(() => line.close());
    await line.write(Buffer.from('ask'));
    (await sockets.next()).write('answer');
    await heard.promise;
    expect(lines()).toEqual(['>ask', '<answer']);
  });
});
