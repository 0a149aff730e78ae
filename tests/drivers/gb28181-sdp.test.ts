/** Offers as platforms send them (GB/T 28181-2016, annex F and 9.2, 9.8), and the answers to them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Offer, readOffer, ssrcOf, writeAnswer } from '../../drivers/platforms/gb28181/stream/sdp.ts';

const PLATFORM = '34020000002000000001';
const CAMERA = '45030000001320000001';

const sdp = (...lines: string[]) => Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
const live = (media: string, ...more: string[]) =>
  sdp(
    ...['v=0', `o=${PLATFORM} 0 0 IN IP4 10.1.1.2`, 's=Play', 'c=IN IP4 10.1.1.2', 't=0 0', media],
    ...['a=recvonly', 'a=rtpmap:96 PS/90000', 'a=rtpmap:98 H264/90000', 'a=rtpmap:97 MPEG4/90000', ...more],
    ...['y=0100000001'],
  );

describe('an offer', () => {
  it('of live video by UDP', () => {
    expect(readOffer(live('m=video 6000 RTP/AVP 96 98 97'))).toEqual({
      ...{ purpose: 'Play', from: undefined, to: undefined, address: '10.1.1.2', port: 6000 },
      ...{ transport: 'UDP', setup: 'active', ssrc: '0100000001', payloadType: 96, speed: undefined },
    });
  });

  it.each([
    ['active', 'active'],
    ['passive', 'passive'],
    ['actpass', 'passive'],
  ])('by TCP, setup:%s', (said, setup) => {
    const offer = readOffer(live('m=video 6000 TCP/RTP/AVP 96', `a=setup:${said}`, 'a=connection:new'));
    expect(offer).toMatchObject({ transport: 'TCP', setup });
  });

  it('of what was kept: from when to when, in the seconds of Unix or of NTP', () => {
    const of = (times: string, ...more: string[]) =>
      readOffer(
        sdp(
          ...['v=0', `o=${PLATFORM} 0 0 IN IP4 10.1.1.2`, 's=Playback', `u=${CAMERA}:0`],
          ...['c=IN IP4 10.1.1.2', times, 'm=video 6000 RTP/AVP 96', 'a=rtpmap:96 PS/90000', ...more],
        ),
      );
    const times = { purpose: 'Playback', from: 1_795_000_000, to: 1_795_000_060, ssrc: undefined };
    expect(of('t=1795000000 1795000060')).toMatchObject(times);
    expect(of('t=4003988800 4003988860')).toMatchObject(times);
  });

  it('to download says how fast', () => {
    const text = live('m=video 6000 RTP/AVP 96', 'a=downloadspeed:4')
      .toString()
      .replace('s=Play', 's=Download');
    expect(readOffer(Buffer.from(text))).toMatchObject({ purpose: 'Download', speed: 4 });
  });

  it('is read as it is found: other letters, LF alone, no rtpmap, other numbers, an address of the media', () => {
    const text =
      's=play\nc=IN IP4 10.1.1.2\nm=audio 5 RTP/AVP 8\nc=IN IP4 10.9.9.9\nm=video 7 RTP/AVP 96\ny=7\n';
    expect(readOffer(Buffer.from(text))).toMatchObject({ address: '10.1.1.2', port: 7, ssrc: '7' });
    const other = live('m=video 6000 RTP/AVP 100 96').toString().replace('rtpmap:96 PS', 'rtpmap:100 PS');
    expect(readOffer(Buffer.from(other))).toMatchObject({ payloadType: 100 });
    expect(readOffer(live('m=video 6000 RTP/AVP 96', 'c=IN IP4 220.1.2.3'))).toMatchObject({
      address: '220.1.2.3',
    });
    for (const y of ['y=', 'y=9999999999', 'y=abc'])
      expect(readOffer(Buffer.from(`${text.replace('y=7\n', '')}${y}`))).toMatchObject({ ssrc: undefined });
  });

  it.each([
    ['', /session is neither/],
    ['s=Talk', /session is neither/],
    ['s=Play\nc=IN IP4 10.1.1.2\nm=audio 6000 RTP/AVP 8', /without a port/],
    ['s=Play\nc=IN IP4 10.1.1.2\nm=video 0 RTP/AVP 96', /without a port/],
    ['s=Play\nc=IN IP4 10.1.1.2\nm=video 70000 RTP/AVP 96', /without a port/],
    ['s=Play\nc=IN IP4 10.1.1.2\nm=video 6000 RTP/SAVP 96', /neither RTP/],
    ['s=Play\nm=video 6000 RTP/AVP 96', /IPv4 address/],
    ['s=Play\nc=IN IP4 239.1.1.1\nm=video 6000 RTP/AVP 96', /IPv4 address/],
    ['s=Play\nc=IN IP4 255.255.255.255\nm=video 6000 RTP/AVP 96', /IPv4 address/],
    ['s=Play\nc=IN IP4 0.0.0.0\nm=video 6000 RTP/AVP 96', /IPv4 address/],
    ['s=Play\nc=IN IP4 a.example\nm=video 6000 RTP/AVP 96', /IPv4 address/],
    ['s=Play\nc=IN IP6 ::1\nm=video 6000 RTP/AVP 96', /IPv4 address/],
    ['s=Play\nc=IN IP4 10.1.1.2\nm=video 6000 RTP/AVP 98\na=rtpmap:98 H264/90000', /no program stream/],
    ['s=Play\nc=IN IP4 10.1.1.2\nm=video 6000 RTP/AVP 96\na=rtpmap:96 H264/90000', /no program stream/],
  ])('that cannot be met is refused: %j', (text, why) => {
    expect(readOffer(Buffer.from(text))).toMatch(why);
  });

  it('whatever comes is an offer or a reason', () => {
    const word = fc.constantFrom(
      ...[
        's=Play',
        's=Playback',
        'c=IN IP4 10.0.0.1',
        'm=video 1 RTP/AVP 96',
        'm=video',
        'm=',
        't=1 2',
        't=',
      ],
      ...[
        'y=1',
        'a=setup:active',
        'a=rtpmap:96',
        'a=downloadspeed:NaN',
        'u=x:0',
        '\r',
        '=',
        'm=video 1/2 TCP/RTP/AVP',
      ],
    );
    const text = fc.array(fc.oneof(word, fc.string({ maxLength: 40 })), { maxLength: 20 });
    fc.assert(
      fc.property(text, (lines) => {
        const offer = readOffer(Buffer.from(lines.join('\n'), 'latin1'));
        if (typeof offer === 'string') return;
        expect(offer.port).toBeGreaterThan(0);
        const answer = writeAnswer(offer, { camera: CAMERA, address: '10.0.0.5', port: 9, ssrc: '1' });
        expect(answer.toString()).toMatch(/^v=0\r\no=/);
      }),
    );
  });
});

describe('an answer', () => {
  const of = (offer: Buffer) =>
    writeAnswer(readOffer(offer) as Offer, {
      ...{ camera: CAMERA, address: '10.2.2.2', port: 30_000, ssrc: '0100000001' },
    }).toString();

  it('has what is sent, from where, and the SSRC that was asked for', () => {
    expect(of(live('m=video 6000 RTP/AVP 96 98 97'))).toBe(
      [
        ...['v=0', `o=${CAMERA} 0 0 IN IP4 10.2.2.2`, 's=Play', 'c=IN IP4 10.2.2.2', 't=0 0'],
        ...['m=video 30000 RTP/AVP 96', 'a=sendonly', 'a=rtpmap:96 PS/90000', 'y=0100000001', ''],
      ].join('\r\n'),
    );
  });

  it.each([
    ['passive', 'active'],
    ['active', 'passive'],
  ])('over TCP takes the other part: to %s, %s', (offered, answered) => {
    const text = of(live('m=video 6000 TCP/RTP/AVP 96', `a=setup:${offered}`, 'a=connection:new'));
    expect(text).toContain('m=video 30000 TCP/RTP/AVP 96\r\n');
    expect(text).toContain(`a=setup:${answered}\r\na=connection:new\r\n`);
  });

  it('has an SSRC of our own where none was asked for: live or kept, the domain, a number', () => {
    expect(ssrcOf('Play', '3402000000', 1)).toBe('0200000001');
    expect(ssrcOf('Playback', '3402123400', 12_345)).toBe('1212342345');
  });
});
