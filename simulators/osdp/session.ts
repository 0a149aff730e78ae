/** The reader's end of a session: numbers, the secure channel, and the same answer to the same question. */
import { randomBytes } from 'node:crypto';
import { commands, encodeOsdp, type OsdpFrame, replies } from '../../drivers/osdp/codec.ts';
import {
  cryptograms,
  DEFAULT_KEY,
  initialMac,
  type SecureChannel,
  secureChannel,
  sessionKeys,
} from '../../drivers/osdp/secure.ts';

/** NAK, error codes (7.3): the check, the length, the sequence, and a command that needs the secure channel. */
const NAK_CHECK = 1;
const NAK_LENGTH = 2;
const NAK_SEQUENCE = 4;
export const NAK_SECURITY = 6;
/** What the block of CHLNG and SCRYPT says of the key: 0 the one that everybody knows, 1 the reader's own. */
const KEY_OF_ALL = 0;
const KEY_OF_ITS_OWN = 1;
/** D.7: what a reader with a key of its own answers in clear, beside the handshake. */
const IN_CLEAR: readonly number[] = [commands.ID, commands.CAP, commands.COMSET];

export interface Reply {
  readonly code: number;
  readonly data: Uint8Array;
}

export interface ReaderSession {
  /** A question -> the frame that answers it. */
  answer(frame: OsdpFrame): Buffer;
  /** An answer that is no part of the session, in clear: the question was not looked at, and may be asked again. */
  outside(frame: OsdpFrame, reply: Reply, number: 'zero' | 'own'): Buffer;
  /** Forgets the other end. */
  restart(): void;
  /** A key of its own, from the next handshake on. */
  changeKey(key: Uint8Array): void;
  readonly isSecure: boolean;
}

/** `key`: its own; undefined: the one that everybody knows. `checksum`: it knows no CRC. */
export function createSession(
  { key, checksum }: { readonly key: Uint8Array | undefined; readonly checksum: boolean },
  on: {
    /** What it says to a question, in clear. */
    readonly question: (frame: OsdpFrame) => Reply;
    /** The other end has its last answer. */
    readonly heard: () => void;
    /** Nobody knows whether the other end has its last answer. */
    readonly restarted: () => void;
  },
): ReaderSession {
  let own = key;
  let nextKey: Uint8Array | undefined;
  /** The last question's number and the answer to it. */
  let last: { readonly sequence: number; readonly answer: Buffer } | undefined;
  let channel: SecureChannel | undefined;
  let hostRandom: Uint8Array | undefined;
  let readerRandom = randomBytes(8);

  const restart = () => {
    on.restarted();
    last = undefined;
    channel = undefined;
    hostRandom = undefined;
    readerRandom = randomBytes(8);
  };
  /** An answer in clear, with the check that the question has. */
  const plain = ({ address, sequence, crc }: OsdpFrame, { code, data }: Reply): OsdpFrame => ({
    address,
    reply: true,
    sequence,
    crc,
    code,
    data,
  });
  const nak = (frame: OsdpFrame, reason: number) =>
    plain(frame, { code: replies.NAK, data: Buffer.of(reason) });
  /** The handshake: the two questions that are in clear under a key. */
  const shake = (frame: OsdpFrame): OsdpFrame => {
    const { code, data, security } = frame;
    channel = undefined;
    if (nextKey !== undefined) own = nextKey;
    nextKey = undefined;
    // With a key of its own it is not in installation mode any more: no session under the key that everybody knows.
    if (own !== undefined && security?.[1] === KEY_OF_ALL) return nak(frame, NAK_SECURITY);
    if (data.length !== (code === commands.CHLNG ? 8 : 16)) return nak(frame, NAK_LENGTH);
    if (code === commands.CHLNG) {
      hostRandom = Uint8Array.from(data);
      const keys = sessionKeys(own ?? DEFAULT_KEY, hostRandom);
      const { client } = cryptograms(keys, hostRandom, readerRandom);
      const challenge = Buffer.concat([Buffer.from('0102030405060708', 'hex'), readerRandom, client]);
      const kind = own === undefined ? KEY_OF_ALL : KEY_OF_ITS_OWN;
      return {
        ...plain(frame, { code: replies.CCRYPT, data: challenge }),
        security: Uint8Array.of(0x12, kind),
      };
    }
    const keys = hostRandom && sessionKeys(own ?? DEFAULT_KEY, hostRandom);
    const server = keys && hostRandom && cryptograms(keys, hostRandom, readerRandom).server;
    if (keys === undefined || server?.equals(data) !== true) return nak(frame, NAK_SECURITY);
    const mac = initialMac(keys, server);
    channel = secureChannel(keys, mac);
    return { ...plain(frame, { code: replies.RMAC_I, data: mac }), security: Uint8Array.of(0x14, 1) };
  };
  const answerTo = (frame: OsdpFrame): OsdpFrame => {
    const { sequence, security, code } = frame;
    if (sequence !== 0 && (last === undefined || sequence !== (last.sequence % 3) + 1)) {
      restart();
      return nak(frame, NAK_SEQUENCE);
    }
    const shakes = code === commands.CHLNG || code === commands.SCRYPT;
    if (shakes && (security?.[0] === 0x11 || security?.[0] === 0x13)) return shake(frame);
    if (channel === undefined) {
      if (security !== undefined || (own !== undefined && !IN_CLEAR.includes(code)))
        return nak(frame, NAK_SECURITY);
      return plain(frame, on.question(frame));
    }
    const opened = channel.open(frame);
    if (opened === undefined) {
      channel = undefined;
      return nak(frame, NAK_SECURITY);
    }
    return channel.seal(plain(frame, on.question(opened)));
  };
  const outside: ReaderSession['outside'] = (frame, reply, number) =>
    encodeOsdp({ ...plain(frame, reply), ...(number === 'zero' && { sequence: 0 }) });
  return {
    outside,
    answer(frame) {
      if (checksum && frame.crc)
        return outside({ ...frame, crc: false }, { code: replies.NAK, data: Buffer.of(NAK_CHECK) }, 'own');
      // 5.9: the same number again is the same question; 0 begins anew.
      if (frame.sequence !== 0 && last?.sequence === frame.sequence) return last.answer;
      if (frame.sequence === 0) restart();
      else on.heard();
      const answer = encodeOsdp(answerTo(frame));
      last = { sequence: frame.sequence, answer };
      return answer;
    },
    restart,
    changeKey(changed) {
      nextKey = changed;
    },
    get isSecure() {
      return channel !== undefined;
    },
  };
}
