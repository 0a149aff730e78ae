import { describe, expect, it, onTestFinished } from 'vitest';
import { wiegand } from '../../drivers/wiegand/driver.ts';
import { fakeHost, tcpServer } from '../helpers.ts';

const CARD = '\x0262E3086CED08\x03';

async function reader(options: object = {}) {
  const { port, sockets } = await tcpServer();
  const fake = fakeHost();
  const parsed = wiegand.options.parse({
    connection: { serialServer: `127.0.0.1:${port}` },
    format: 'rdm6300',
    ...options,
  });
  const session = await wiegand.open([{ id: 'gate', driver: 'wiegand', options: parsed }], fake.host);
  onTestFinished(() => session.close());
  return { ...fake, session, socket: await sockets.next() };
}

describe('a reader behind a serial server', () => {
  it('reports each card, its bounces as one, and other cards between them', async () => {
    const { socket, reports, links } = await reader();
    expect(await links.next()).toMatchObject({ device: 'gate', state: 'online' });
    socket.write(`${CARD}${CARD}${CARD}\x020000000001${'01'}\x03${CARD}`);
    const first = await reports.next();
    expect(first).toMatchObject({
      kind: 'credential',
      credential: { format: 'em4100', facility: 0x62, number: '3808980205' },
    });
    expect((await reports.next()).credential?.number).toBe('1');
    socket.write(`\x020000000002${'02'}\x03`);
    expect((await reports.next()).credential?.number).toBe('2');
  });

  it('counts the same card again once the bounce time is over', async () => {
    const { socket, reports } = await reader({ bounce: '1ms' });
    for (let i = 0; i < 2; i++) {
      socket.write(CARD);
      await reports.next();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

  it('counts garbage and a torn card, and takes the next one', async () => {
    const { socket, reports, discards } = await reader();
    socket.write('garbage');
    expect(await discards.next()).toMatchObject({ reason: 'noise', bytes: 7 });
    socket.write('\x0262E3');
    expect(await discards.next()).toMatchObject({ reason: 'torn', bytes: 5 });
    socket.write(CARD);
    expect((await reports.next()).kind).toBe('credential');
  });

  it('ends its session when the line is gone', async () => {
    const { socket, session } = await reader();
    socket.destroy();
    await expect(session.ended).rejects.toMatchObject({ code: 'E_LINE_LOST' });
  });
});
