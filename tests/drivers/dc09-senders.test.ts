import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dc09Decoder, encodeDc09 } from '../../drivers/dc09/codec.ts';
import { dc09 } from '../../drivers/dc09/driver.ts';
import { fakeHost, freePort } from '../helpers.ts';
import { frames } from './decoding.ts';

const event = (data: string, sequence: number) =>
  encodeDc09({ id: 'SIA-DCS', sequence, prefix: '0', account: '1234', data, timestamp: Date.now() });

describe('an account that is bound to addresses', () => {
  it.each([
    ['127.0.0.1', '127.0.0.9', ['127.0.0.9']],
    ['127.0.0.1', '127.0.0.9', ['10.0.0.1', '127.0.0.8/30']],
    // Both families at one port: an address of IPv4 comes as one of IPv6.
    ['::', '127.0.0.9', ['127.0.0.8/30']],
    ['::', '::1', ['::1']],
  ])('at %s takes frames from %s, and from nowhere else', async (listen, own, from) => {
    const port = await freePort();
    const options = dc09.options.parse({
      listen: { host: listen, port },
      accounts: [{ account: '1234', from }],
    });
    const fake = fakeHost();
    const session = await dc09.open([{ id: 'panel', driver: 'dc09', options }], fake.host);
    onTestFinished(() => session.close());
    const target = own.includes(':') ? '::1' : '127.0.0.1';
    const strange = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1' });
    onTestFinished(() => void strange.destroy());
    strange.write(event('#1234|Nri1/PA9', 1));
    expect(await fake.discards.next()).toMatchObject({
      device: 'panel',
      reason: 'a frame from an address that is not its',
    });
    const udp = createSocket('udp4');
    onTestFinished(() => void udp.close());
    if (listen === '127.0.0.1') {
      udp.send(event('#1234|Nri1/PA9', 1), port, '127.0.0.1');
      expect(await fake.discards.next()).toMatchObject({ device: 'panel' });
    }
    const panel = connect({ host: target, port, localAddress: own });
    onTestFinished(() => void panel.destroy());
    panel.write(event('#1234|Nri1/PA9', 2));
    const [answer] = (await once(panel, 'data')) as [Buffer];
    expect(frames(dc09Decoder().push(answer))).toMatchObject([{ id: 'ACK', sequence: 2 }]);
    expect(fake.links.rest()).toMatchObject([{ state: 'online' }]);
    expect(strange.bytesRead).toBe(0);
  });
});

describe('an account that says too much', () => {
  const opened = async (store?: Parameters<typeof fakeHost>[0]) => {
    const port = await freePort();
    const options = dc09.options.parse({ listen: { port }, accounts: [{ account: '1234' }] });
    const fake = fakeHost(store);
    const session = await dc09.open([{ id: 'panel', driver: 'dc09', options }], fake.host);
    onTestFinished(() => session.close());
    const panel = connect({ host: '127.0.0.1', port });
    onTestFinished(() => void panel.destroy());
    return { fake, panel };
  };
  const answerOf = async (panel: Awaited<ReturnType<typeof opened>>['panel']) =>
    frames(dc09Decoder().push(((await once(panel, 'data')) as [Buffer])[0]));

  it('in one frame is told that it was not taken, and the next frame is', async () => {
    const { fake, panel } = await opened();
    panel.write(event(`#1234|N${'BA/'.repeat(1300)}PA9`, 1));
    expect(await answerOf(panel)).toMatchObject([{ id: 'DUH', sequence: 1 }]);
    expect(await fake.discards.next()).toMatchObject({ reason: 'more events than a frame says' });
    panel.write(event('#1234|Nri1/PA9', 2));
    expect(await answerOf(panel)).toMatchObject([{ id: 'ACK', sequence: 2 }]);
    expect(fake.reports.rest()).toHaveLength(1);
  });

  it('in a frame of some events shares what was sent between them, cut', async () => {
    const { fake, panel } = await opened();
    panel.write(event(`#1234|N${'BA1/'.repeat(60)}PA9|A${'x'.repeat(1000)}`, 1));
    expect(await answerOf(panel)).toMatchObject([{ id: 'ACK' }]);
    const reports = fake.reports.rest();
    expect(reports).toHaveLength(61);
    for (const { raw } of reports) expect(raw).toHaveLength(256);
  });

  it('at once gets no answer for what the disk has no room for, and keeps it', async () => {
    const stored: (() => void)[] = [];
    const { fake, panel } = await opened(
      () => new Promise((resolve) => stored.push(() => resolve({ sequence: 1, id: 'x', repeated: false }))),
    );
    for (let sequence = 1; sequence <= 35; sequence++)
      panel.write(event(`#1234|N${'BA1/'.repeat(63)}PA9`, sequence));
    expect(await fake.discards.next()).toMatchObject({ reason: 'more at once than the disk takes' });
    expect(stored).toHaveLength(2048);
    for (const store of stored) store();
    // All of one write.
    expect((await answerOf(panel)).length).toBeGreaterThan(0);
    panel.write(event('#1234|Nri1/PA9', 99));
    await expect.poll(() => stored.length).toBe(2049);
  });
});
