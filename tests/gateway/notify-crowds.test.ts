/** Telling people where much goes at once, and where those who are asked to carry it are no help. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../helpers.ts';
import { desk, event, type Posted, robot, ruleOf, secretFile } from './notify.ts';

describe('what waits in a crowd', () => {
  it('is told in another message where one has no more room, and is noted as told no sooner', async () => {
    const { posts, url } = await robot();
    const { notify, time, audit } = await desk([
      { id: 'w', by: 'wecom', language: 'both', urlFile: secretFile(`${url}/`) },
    ]);
    const to = ruleOf({ to: ['w'], unacknowledgedFor: '10s' });
    for (let i = 1; i <= 8; i++)
      notify.tell(to, event({ zone: { number: i, name: `教学楼三层东侧走廊尽头的报警按钮 ${i}` } }), i);
    await time.advance(10_000);
    const contentOf = ({ body }: Posted) => (JSON.parse(body).text as { content: string }).content;
    const first = contentOf(await posts.next());
    expect(Buffer.byteLength(first)).toBeLessThanOrEqual(2048);
    const inFirst = first.split('\n\n').length;
    await eventually(() => expect(audit).toHaveLength(inFirst));
    expect(inFirst).toBeLessThan(8);
    await time.advance(3000);
    const all = `${first}\n\n${contentOf(await posts.next())}`;
    for (let i = 1; i <= 8; i++) expect(all).toContain(`报警按钮 ${i}（门卫室）\n第一中学`);
  });

  it('is a button that was pressed first, whatever a fence says, and that is let go last', async () => {
    const { posts, url } = await robot();
    const { notify, time, audit } = await desk([{ id: 'w', by: 'wecom', urlFile: secretFile(`${url}/`) }]);
    const late = ruleOf({ to: ['w'], unacknowledgedFor: '10s' });
    notify.tell(late, event({ kind: 'panic' }), 1);
    for (let i = 2; i < 1004; i++) notify.tell(late, event({ kind: 'intrusion' }), i);
    expect(audit).toHaveLength(3);
    notify.tell(late, event({ kind: 'duress' }), 1004);
    await time.advance(10_000);
    const { content } = JSON.parse((await posts.next()).body).text as { content: string };
    expect(content.split('\n\n').map((one) => one.split(' ')[0])).toEqual([
      '【报警】紧急求助',
      '【报警】胁迫',
      ...Array.from({ length: 6 }, () => '【报警】入侵'),
    ]);
  });
});

describe('an alarm that nobody carries', () => {
  it('is not told to an address with a password, which nobody reads in what is said of that', async () => {
    const { notify, logged } = await desk([
      {
        ...{ id: 'p', by: 'webhook', secretFile: secretFile('x') },
        urlFile: secretFile('https://robot:SuperSecret@127.0.0.1:9/'),
      },
    ]);
    notify.tell(ruleOf({ to: ['p'] }), event(), 1);
    await eventually(() => expect(notify.states()['p']?.reason).toMatch(/take out what stands before its @/));
    expect(logged.join()).not.toContain('SuperSecret');
  });

  it.each([null, '', false, []])('is not told where a robot answers with the code %j', async (errcode) => {
    const { url } = await robot(() => ({ body: { errcode } }));
    const { notify } = await desk([{ id: 'w', by: 'wecom', urlFile: secretFile(`${url}/`) }]);
    notify.tell(ruleOf({ to: ['w'] }), event(), 1);
    await eventually(() => expect(notify.states()['w']?.reason).toBeDefined());
  });

  it('keeps no desk with a mail server that never comes to an end, nor the gateway that stops', async () => {
    const opened: Socket[] = [];
    // Each answer is a line, and says that another one follows.
    const server = createServer((socket) => {
      opened.push(socket.on('error', () => {}));
      socket.write('220 here\r\n');
      socket.on('data', () => socket.write('250-wait\r\n'));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { notify, time, close } = await desk([
      {
        ...{ id: 'm', by: 'mail', server: `127.0.0.1:${port}`, tls: 'none' },
        ...{ from: 'a@school.example', to: ['b@school.example'] },
      },
    ]);
    notify.tell(ruleOf({ to: ['m'] }), event(), 1);
    await eventually(() => expect(opened[0]?.bytesWritten).toBeGreaterThan(12));
    await time.advance(30_000);
    await eventually(() => expect(notify.states()['m']?.reason).toMatch(/within 30 s/));
    await eventually(() => expect(opened[0]?.readableEnded).toBe(true));
    await time.advance(5000);
    await eventually(() => expect(opened[1]?.bytesWritten).toBeGreaterThan(12));
    await close();
    await eventually(() => expect(opened[1]?.readableEnded).toBe(true));
  });
});
