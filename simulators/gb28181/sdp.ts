/** The offer of a platform that wants to look, and the answer of who sends (GB/T 28181-2016, annex F; RFC 4566). Pure. */
import type { Carrier } from './receiver.ts';

export interface Wanted {
  /** 20 digits. */
  readonly camera: string;
  readonly platform: string;
  readonly is: 'Play' | 'Playback' | 'Download';
  readonly carrier: Carrier;
  /** Ours. */
  readonly address: string;
  readonly port: number;
  /** Ten digits. */
  readonly ssrc: string;
  /** Epoch s; 0 and 0 is live. */
  readonly from: number;
  readonly to: number;
  /** Of a download: so many times as fast as it was. */
  readonly speed?: number | undefined;
}

export function writeOffer(wanted: Wanted): Buffer {
  const { camera, platform, is, carrier, address, port, ssrc, from, to, speed } = wanted;
  const family = address.includes(':') ? 'IP6' : 'IP4';
  const lines = [
    'v=0',
    `o=${platform} 0 0 IN ${family} ${address}`,
    `s=${is}`,
    ...(is === 'Play' ? [] : [`u=${camera}:0`]),
    `c=IN ${family} ${address}`,
    `t=${from} ${to}`,
    `m=video ${port} ${carrier === 'udp' ? 'RTP/AVP' : 'TCP/RTP/AVP'} 96`,
    'a=recvonly',
    'a=rtpmap:96 PS/90000',
    ...(carrier === 'udp' ? [] : [`a=setup:${carrier.slice('tcp-'.length)}`, 'a=connection:new']),
    ...(speed === undefined ? [] : [`a=downloadspeed:${speed}`]),
    `y=${ssrc}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n`);
}

export interface Sender {
  readonly address: string;
  readonly port: number;
  readonly isTcp: boolean;
  readonly ssrc: string | undefined;
  /** Bytes of a download, where it says so (2016, annex F). */
  readonly fileSize: number | undefined;
}

/** undefined: nobody says there where the stream comes from. */
export function readAnswer(body: Buffer): Sender | undefined {
  const text = body.toString('latin1');
  const of = (pattern: RegExp) => pattern.exec(text)?.[1];
  const media = /^m=video (\d{1,5}) (\S{1,40})/m.exec(text);
  const port = Number(media?.[1]);
  if (media === null || port < 1 || port > 65_535) return undefined;
  const size = of(/^a=filesize:\s*(\d{1,15})/m);
  return {
    ...{ port, address: of(/^c=IN IP[46] ([\w.:]{2,60})/m) ?? '', ssrc: of(/^y=(\d{1,10})/m) },
    isTcp: media[2]?.toUpperCase().startsWith('TCP') === true,
    fileSize: size === undefined ? undefined : Number(size),
  };
}
