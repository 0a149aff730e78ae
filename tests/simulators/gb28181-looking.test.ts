/** What the simulated platform of GB/T 28181 looks at: streams that were packed and sent by hand. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { Gb28181PlatformOptions } from '../../simulators/gb28181-platform.ts';
import { fastClock } from '../clocks.ts';
import { eventually, stream } from '../helpers.ts';
import { CAMERA, type Heard, PLATFORM, packets, packPicture, picture } from './gb28181-gateway.ts';
import { registered } from './gb28181-started.ts';

/** Ours to send to, as the offer says. */
const offerOf = ({ body }: Heard) => ({
  port: Number(/^m=video (\d+)/m.exec(body)?.[1]),
  setup: /^a=setup:(\w+)/m.exec(body)?.[1],
  ssrc: /^y=(\d+)/m.exec(body)?.[1] ?? '',
});
const sdp = (port: number, setup?: string) =>
  [
    ...['v=0', `o=${CAMERA} 0 0 IN IP4 127.0.0.1`, 's=Play', 'c=IN IP4 127.0.0.1', 't=0 0'],
    `m=video ${port} ${setup === undefined ? '' : 'TCP/'}RTP/AVP 96`,
    ...['a=sendonly', 'a=rtpmap:96 PS/90000', ...(setup === undefined ? [] : [`a=setup:${setup}`])],
    '',
  ].join('\r\n');

/** 30 pictures, a key picture each 10. */
const pictures = Array.from({ length: 30 }, (_, at) =>
  packPicture({ bytes: picture(at % 10 === 0, 3000), isKey: at % 10 === 0, pts: 3600 * (at + 1) }),
);
function rtpOf(ssrc: string): Buffer[] {
  let sequence = 65_500;
  return pictures.flatMap((one, at) => {
    const out = packets(one, sequence, 3600 * at, Number(ssrc));
    sequence += out.length;
    return out;
  });
}
const framed = (one: Buffer) => Buffer.concat([Buffer.of(one.length >> 8, one.length & 0xff), one]);

const looking = async (own: Partial<Gb28181PlatformOptions> = {}, port = 9, setup?: string) => {
  const one = await registered({ time: systemClock, ...own });
  one.gateway.behaviour.answers = ({ method }) =>
    method === 'INVITE'
      ? {
          ...{ status: '200 OK', body: sdp(port, setup) },
          more: [`Contact: <sip:${CAMERA}@127.0.0.1:5>`, 'Content-Type: Application/SDP'],
        }
      : { status: '200 OK' };
  return one;
};
const summary =
  /^\S+: [\d.]+ s, H\.264 \+ G\.711A, 30 frames, 3 of them key, 90 packets, 0 lost, 0\.1 MB -> /;

describe('a simulated platform that looks at a camera', () => {
  it('by UDP: the file is what was sent, to the byte, and BYE ends it', async () => {
    const { platform, gateway, told, folder } = await looking();
    const playing = platform.do(`play ${CAMERA} a.mpg`);
    const invite = await gateway.asked.next();
    const { port, ssrc } = offerOf(invite);
    expect(invite.start).toBe(`INVITE sip:${CAMERA}@127.0.0.1:${gateway.port} SIP/2.0`);
    expect(invite.header('Subject')).toBe(`${CAMERA}:${ssrc},${PLATFORM}:0`);
    expect(ssrc).toBe('0200000001');
    expect(invite.body).toMatch(
      /^s=Play\r\n.*^t=0 0\r\nm=video \d+ RTP\/AVP 96\r\na=recvonly\r\na=rtpmap:96 PS\/90000\r\n/ms,
    );
    const ack = await gateway.asked.next();
    expect([ack.method, ack.start]).toEqual(['ACK', `ACK sip:${CAMERA}@127.0.0.1:5 SIP/2.0`]);
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    for (const one of rtpOf(ssrc)) socket.send(one, port, '127.0.0.1');
    await playing;
    expect(await told.next()).toMatch(
      /^34020000001320000001: the first key picture was whole \d+ ms after the ACK, H\.264$/,
    );
    await platform.do('stop');
    const bye = await gateway.asked.next();
    expect([bye.method, bye.header('To')]).toEqual(['BYE', ack.header('To')]);
    const told2 = await told.next();
    expect(told2).toMatch(summary);
    expect(told2).not.toContain('SSRC');
    expect(readFileSync(join(folder, 'a.mpg'))).toEqual(Buffer.concat(pictures));
  });

  it('by TCP that the gateway opens (passive), until the gateway ends it', async () => {
    const { platform, gateway, told, folder } = await looking({}, 9, 'active');
    const playing = platform.do(`play ${CAMERA} b.mpg --tcp passive`);
    const invite = await gateway.asked.next();
    const { port, setup, ssrc } = offerOf(invite);
    expect(setup).toBe('passive');
    await gateway.asked.next();
    const socket = connect(port, '127.0.0.1');
    socket.write(Buffer.concat(rtpOf(ssrc).map(framed)));
    await playing;
    await told.next();
    await eventually(() => expect(readFileSync(join(folder, 'b.mpg'))).toEqual(Buffer.concat(pictures)));
    gateway.ask('BYE', [], '', invite.header('Call-ID'));
    expect((await gateway.answered.next()).start).toBe('SIP/2.0 200 OK');
    expect(await told.next()).toBe(`${CAMERA}: the gateway ended it (BYE)`);
    expect(await told.next()).toMatch(summary);
    socket.destroy();
  });

  it('by TCP that it opens itself (active), until the time that was said', async () => {
    const senders = stream<Socket>();
    const server = createServer(senders.push);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { platform, gateway, told } = await looking(
      {},
      (server.address() as { port: number }).port,
      'passive',
    );
    const playing = platform.do(`play ${CAMERA} c.mpg --tcp active --seconds 1`);
    const { port, setup, ssrc } = offerOf(await gateway.asked.next());
    expect([port, setup]).toEqual([9, 'active']);
    (await senders.next()).write(Buffer.concat(rtpOf(ssrc).map(framed)));
    await playing;
    await platform.do('wait');
    expect(told.rest().at(-1)).toMatch(summary);
    await gateway.asked.find(({ method }) => method === 'BYE');
  });
});

describe('what a simulated platform says of a stream', () => {
  it('tells what was lost, and of what SSRC it is not', async () => {
    const { platform, gateway, told } = await looking();
    const playing = platform.do(`play ${CAMERA}`);
    const { port } = offerOf(await gateway.asked.next());
    await gateway.asked.next();
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    const lost = [40, 41];
    for (const [at, one] of rtpOf('77').entries())
      if (!lost.includes(at)) socket.send(one, port, '127.0.0.1');
    await playing;
    await platform.do('stop');
    expect(told.rest().at(-1)).toContain('88 packets, 2 lost, SSRC 77, agreed 200000001');
  });

  it('tells that it is refused, or that no picture comes; nothing is left of it', async () => {
    const { platform, gateway, told, folder } = await looking({ time: fastClock(20) });
    gateway.behaviour.answers = () => ({ status: '486 Busy Here' });
    await expect(platform.do(`play ${CAMERA} d.mpg`)).rejects.toThrow(`${CAMERA}: refused: 486 Busy Here`);
    expect((await gateway.asked.find(({ method }) => method === 'ACK')).header('Via')).not.toBe('');
    gateway.behaviour.answers = ({ method }) => ({
      status: '200 OK',
      body: method === 'INVITE' ? 'v=0' : '',
    });
    await expect(platform.do(`play ${CAMERA} d.mpg`)).rejects.toThrow('no m=video line');
    await gateway.asked.find(({ method }) => method === 'BYE');
    gateway.behaviour.answers = ({ method }) => ({
      status: '200 OK',
      body: method === 'INVITE' ? sdp(9) : '',
    });
    await platform.do(`play ${CAMERA} d.mpg`);
    expect(told.rest().at(-1)).toContain('no whole key picture yet: ');
    await platform.do('stop');
    expect(told.rest().at(-1)).toMatch(/no video, 0 frames.* -> nothing$/);
    expect(readdirSync(folder)).toEqual([]);
    await expect(platform.do('stop')).rejects.toThrow('nothing is being looked at');
    await expect(platform.do(`play ${CAMERA} --tpc active`)).rejects.toThrow(
      '--tpc: there are --tcp, --seconds, --speed',
    );
    await expect(platform.do(`play ${CAMERA} --tcp`)).rejects.toThrow('--tcp passive or active');
    await expect(platform.do(`playback ${CAMERA} now -10m`)).rejects.toThrow(
      'FROM and TO: the earlier first',
    );
  });

  it('plays back and downloads: times, MANSRTSP, and the end that the gateway tells', async () => {
    const { platform, gateway, told } = await looking();
    const playing = platform.do(`playback ${CAMERA} 2026-11-28T08:00:00 2026-11-28T08:01:00 p.mpg`);
    const invite = await gateway.asked.next();
    const from = Date.UTC(2026, 10, 28, 0) / 1000;
    expect(invite.body).toContain(`s=Playback\r\nu=${CAMERA}:0\r\n`);
    expect(invite.body).toContain(`\r\nt=${from} ${from + 60}\r\n`);
    const { port, ssrc } = offerOf(invite);
    expect(ssrc).toMatch(/^1/);
    await gateway.asked.next();
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    for (const one of rtpOf(ssrc)) socket.send(one, port, '127.0.0.1');
    await playing;
    await platform.do('scale 2');
    const info = await gateway.asked.next();
    expect([info.method, info.header('Content-Type')]).toEqual(['INFO', 'Application/MANSRTSP']);
    expect(info.text).toMatch(/\r\n\r\nPLAY MANSRTSP\/1\.0\r\nCSeq: \d+\r\nScale: 2\.0+\r\n/);
    // In the dialog it speaks as the camera.
    gateway.ask(
      'MESSAGE',
      [],
      `<?xml version="1.0"?><Notify><CmdType>MediaStatus</CmdType><SN>5</SN><DeviceID>${CAMERA}</DeviceID><NotifyType>121</NotifyType></Notify>`,
      invite.header('Call-ID'),
      CAMERA,
    );
    expect((await gateway.answered.next()).start).toBe('SIP/2.0 200 OK');
    await platform.do('wait');
    await gateway.asked.find(({ method }) => method === 'BYE');
    expect(told.rest().at(-1)).toMatch(summary);
  });
});
