/**
 * SDP (RFC 4566) as GB/T 28181 has it (2016, annex F): reads what a platform offers to take, writes what it gets. Pure;
 * whatever comes, nothing here throws, and each line is looked at once.
 */
import { isIPv4 } from 'node:net';

/** `s=`: live, what was kept as it was, what was kept as fast as it goes. */
export type Purpose = 'Play' | 'Playback' | 'Download';

export interface Offer {
  readonly purpose: Purpose;
  /** Of what was kept: epoch seconds. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Where it goes: IPv4. */
  readonly address: string;
  readonly port: number;
  readonly transport: 'UDP' | 'TCP';
  /** Over TCP (RFC 4145, 4): `passive`, it waits for us; `active`, also where it says nothing: we wait for it. */
  readonly setup: 'active' | 'passive';
  /** `y=` as it stands, decimal; undefined: we choose. */
  readonly ssrc: string | undefined;
  /** The payload type that is a program stream there. */
  readonly payloadType: number;
  /** `a=downloadspeed`, times as fast as it was. */
  readonly speed: number | undefined;
}

/** More is no offer. */
const BYTES_MAX = 8192;
const purposes: Readonly<Record<string, Purpose>> = {
  play: 'Play',
  playback: 'Playback',
  download: 'Download',
};
/** Seconds from 1900 to 1970: times of RFC 4566 are NTP's, those of the standard Unix's; these do not meet before 2064. */
const NTP_EPOCH = 2_208_988_800;
const NTP_FROM = 3_000_000_000;
const PS = 96;

const epochOf = (digits: string | undefined): number | undefined => {
  const seconds = Number(digits);
  if (digits === undefined || seconds === 0) return undefined;
  return seconds >= NTP_FROM ? seconds - NTP_EPOCH : seconds;
};

interface Lines {
  /** Of the session, then of its first media of video. */
  readonly first: (type: string) => string | undefined;
  readonly attribute: (name: string) => readonly string[];
  readonly media: string | undefined;
}

/** The lines of the session and of its first video; others are no concern of ours. */
function linesOf(text: string): Lines {
  const general: (readonly [type: string, value: string])[] = [];
  const video: (readonly [type: string, value: string])[] = [];
  let media: string | undefined;
  let into: typeof general | undefined = general;
  for (const line of text.split('\n')) {
    const type = line[0] ?? '';
    if (line[1] !== '=') continue;
    const value = line.slice(2).trim();
    if (type === 'm') {
      const isOurs = media === undefined && /^video\s/i.test(value);
      into = isOurs ? video : undefined;
      if (isOurs) media = value;
      // `y=` and `f=` stand behind the last media, whichever that is.
    } else if (type === 'y' || type === 'f') video.push([type, value]);
    else into?.push([type, value]);
  }
  const all = [...video, ...general];
  return {
    media,
    first: (type) => all.find(([one]) => one === type)?.[1],
    attribute: (name) =>
      all.flatMap(([type, value]) =>
        type === 'a' && value.slice(0, name.length + 1).toLowerCase() === `${name}:`
          ? [value.slice(name.length + 1).trim()]
          : [],
      ),
  };
}

/** `96 PS/90000`. undefined: nothing of it is a program stream. */
function payloadOf(formats: readonly string[], maps: readonly string[]): number | undefined {
  const named = new Map<string, string>();
  for (const map of maps) {
    const [number = '', name = ''] = map.split(/\s+/, 2);
    named.set(number, name.toUpperCase());
  }
  const isPs = (format: string) => /^(PS|MP2P)\/90000$/.test(named.get(format) ?? '');
  const found = formats.find(isPs) ?? formats.find((one) => Number(one) === PS && !named.has(one));
  const number = Number(found);
  return found !== undefined && number >= PS && number < 128 ? number : undefined;
}

/** `IN IP4 10.0.0.9`: one that a stream may go to. */
function addressOf(connection: string | undefined): string | undefined {
  const address = /^IN\s+IP4\s+(\S+)$/i.exec(connection ?? '')?.[1]?.split('/')[0] ?? '';
  // Nobody, or a crowd.
  return isIPv4(address) && !/^(0|22[4-9]|2[3-5]\d)\./.test(address) ? address : undefined;
}

/** @returns the offer, or why it cannot be met: one of a few sentences. */
export function readOffer(body: Buffer): Offer | string {
  if (body.length > BYTES_MAX) return 'an SDP that is too long';
  const { first, attribute, media } = linesOf(body.toString('latin1'));
  const purpose = purposes[(first('s') ?? '').toLowerCase()];
  if (purpose === undefined) return 'an SDP whose session is neither Play, Playback nor Download';
  const [kind = '', digits = '', profile = '', ...formats] = (media ?? '').split(/\s+/);
  const port = /^\d{1,5}(\/\d+)?$/.test(digits) ? Number.parseInt(digits, 10) : 0;
  if (kind === '' || port < 1 || port > 65_535) return 'an SDP without a port for video';
  if (!/^((TCP\/)?RTP\/AVP|RTP\/AVP\/TCP)$/i.test(profile))
    return 'an SDP whose transport is neither RTP/AVP nor TCP/RTP/AVP';
  const address = addressOf(first('c'));
  if (address === undefined) return 'an SDP without an IPv4 address that can take a stream';
  const payloadType = payloadOf(formats, attribute('rtpmap'));
  if (payloadType === undefined) return 'an SDP that takes no program stream';
  const setup = attribute('setup')[0]?.toLowerCase();
  const [, from, to] = /^(\d{1,10})\s+(\d{1,10})$/.exec(first('t') ?? '') ?? [];
  const ssrc = first('y');
  const speed = Number(attribute('downloadspeed')[0]);
  return {
    ...{ purpose, address, port, payloadType },
    ...{ from: epochOf(from), to: epochOf(to) },
    transport: /TCP/i.test(profile) ? 'TCP' : 'UDP',
    setup: setup === 'passive' || setup === 'actpass' ? 'passive' : 'active',
    ssrc: /^\d{1,10}$/.test(ssrc ?? '') && Number(ssrc) < 2 ** 32 ? ssrc : undefined,
    speed: speed >= 1 && speed <= 32 ? speed : undefined,
  };
}

/**
 * An SSRC of our own (2016, annex F): 0 for live and 1 for what was kept, digits 4 to 8 of the SIP domain, and a number
 * among our streams.
 */
export const ssrcOf = (purpose: Purpose, domain: string, serial: number): string =>
  `${purpose === 'Play' ? 0 : 1}${domain.slice(3, 8).replace(/\D/g, '0').padStart(5, '0')}${String(serial % 10_000).padStart(4, '0')}`;

/** What is sent, and from where. */
export interface AnswerOptions {
  /** 20 digits of the camera. */
  readonly camera: string;
  /** Ours, as the platform reaches it. */
  readonly address: string;
  readonly port: number;
  readonly ssrc: string;
}

/** The answer to an offer (RFC 3264, 6): the same transport, and the other part of it. */
export function writeAnswer(offer: Offer, { camera, address, port, ssrc }: AnswerOptions): Buffer {
  const isTcp = offer.transport === 'TCP';
  const times = offer.purpose === 'Play' ? [0, 0] : [offer.from ?? 0, offer.to ?? 0];
  const lines = [
    'v=0',
    `o=${camera} 0 0 IN IP4 ${address}`,
    `s=${offer.purpose}`,
    ...(offer.purpose === 'Play' ? [] : [`u=${camera}:0`]),
    `c=IN IP4 ${address}`,
    `t=${times.join(' ')}`,
    `m=video ${port} ${isTcp ? 'TCP/' : ''}RTP/AVP ${offer.payloadType}`,
    'a=sendonly',
    `a=rtpmap:${offer.payloadType} PS/90000`,
    ...(isTcp ? [`a=setup:${offer.setup === 'passive' ? 'active' : 'passive'}`, 'a=connection:new'] : []),
    ...(offer.purpose === 'Download' && offer.speed !== undefined ? [`a=downloadspeed:${offer.speed}`] : []),
    `y=${ssrc}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n`);
}
