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

/** NAK, error code 6: a command that needs the secure channel; 4: the sequence. */
export const NAK_SECURITY = 6;
const NAK_SEQUENCE = 4;
/** D.7: what a reader with a key of its own answers in clear, beside the handshake. */
const IN_CLEAR: readonly number[] = [commands.ID, commands.CAP, commands.COMSET];

export interface Reply {
  readonly code: number;
  readonly data: Uint8Array;
}

export interface ReaderSession {
  /** A question -> the frame that answers it. */
  answer(frame: OsdpFrame): Buffer;
  /** Forgets the other end. */
  restart(): void;
  /** A key of its own, from the next handshake on. */
  changeKey(key: Uint8Array): void;
  readonly isSecure: boolean;
}

/** `key`: its own; undefined: the one that everybody knows. */
export function createSession(
  key: Uint8Array | undefined,
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
  /** The handshake: the two questions that are in clear under a key. */
  const shake = ({ code, data, address, sequence }: OsdpFrame): OsdpFrame | undefined => {
    const common = { address, reply: true, sequence, crc: true };
    if (code === commands.CHLNG && nextKey !== undefined) {
      own = nextKey;
      nextKey = undefined;
    }
    if (code === commands.CHLNG && data.length === 8) {
      channel = undefined;
      hostRandom = Uint8Array.from(data);
      const keys = sessionKeys(own ?? DEFAULT_KEY, hostRandom);
      const { client } = cryptograms(keys, hostRandom, readerRandom);
      const challenge = Buffer.concat([Buffer.from('0102030405060708', 'hex'), readerRandom, client]);
      return { ...common, security: Uint8Array.of(0x12, 1), code: replies.CCRYPT, data: challenge };
    }
    if (code !== commands.SCRYPT || hostRandom === undefined) return undefined;
    const keys = sessionKeys(own ?? DEFAULT_KEY, hostRandom);
    const { server } = cryptograms(keys, hostRandom, readerRandom);
    if (!server.equals(data)) return undefined;
    const mac = initialMac(keys, server);
    channel = secureChannel(keys, mac);
    return { ...common, security: Uint8Array.of(0x14, 1), code: replies.RMAC_I, data: mac };
  };
  const answerTo = (frame: OsdpFrame): OsdpFrame => {
    const { address, sequence, security } = frame;
    const plain = ({ code, data }: Reply) => ({ address, reply: true, sequence, crc: true, code, data });
    const nak = (reason: number) => plain({ code: replies.NAK, data: Buffer.of(reason) });
    if (sequence !== 0 && (last === undefined || sequence !== (last.sequence % 3) + 1)) {
      restart();
      return nak(NAK_SEQUENCE);
    }
    const shaken = security !== undefined && (security[0] ?? 0) < 0x15 ? shake(frame) : undefined;
    if (shaken !== undefined) return shaken;
    if (channel === undefined) {
      if (security !== undefined || (own !== undefined && !IN_CLEAR.includes(frame.code)))
        return nak(NAK_SECURITY);
      return plain(on.question(frame));
    }
    const opened = channel.open(frame);
    if (opened === undefined) {
      channel = undefined;
      return nak(NAK_SECURITY);
    }
    return channel.seal(plain(on.question(opened)));
  };
  return {
    answer(frame) {
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
