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
