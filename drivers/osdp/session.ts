/**
 * A session with one reader: what both ends must agree on, the number of the next frame and the secure channel. A frame
 * that was not answered is sent again under the same number.
 */
import { randomBytes } from 'node:crypto';
import type { Host } from '../contract/driver.ts';
import { commands, type OsdpFrame, replies } from './codec.ts';
import type { Order } from './data.ts';
import type { Exchange } from './exchange.ts';
import type { Reader } from './options.ts';
import {
  cryptograms,
  DEFAULT_KEY,
  initialMac,
  type SecureChannel,
  secureChannel,
  sessionKeys,
} from './secure.ts';

const TRIES = 3;
/** NAK, error code: 4 sequence, 5 secure channel not supported, 6 security conditions not met. */
const NAK_RESTART = [4, 5, 6];

export interface ReaderSession {
  /** What is asked once in a session was. One that starts over begins with that again. */
  greeted: boolean;
  /** Asks one thing, the same again where no answer comes. undefined: the reader is not there, or starts over. */
  ask(order: Order): Promise<OsdpFrame | undefined>;
  /** The secure channel, in two questions. False: not now. */
  secure(key: Buffer): Promise<boolean>;
}

/** `signal`: nothing is asked again after it. */
export function createSession(
  { id, options: { address } }: Reader,
  exchange: Exchange,
  host: Host,
  signal: AbortSignal,
): ReaderSession {
  let sequence = 0;
  let channel: SecureChannel | undefined;
  const frameOf = ({ code, data }: Order): OsdpFrame => ({
    address,
    reply: false,
    sequence,
    crc: true,
    code,
    data,
  });
  const advance = () => {
    sequence = (sequence % 3) + 1;
  };
  const restart = (): undefined => {
    sequence = 0;
    channel = undefined;
    session.greeted = false;
  };
  /** One question in clear, of those that bring the secure channel up. */
  const step = async (order: Order, security: Uint8Array) => {
    const frame = { ...frameOf(order), security };
    for (let tries = 0; tries < TRIES; tries++) {
      const got = await exchange(frame);
      if (got === undefined) continue;
      advance();
      return got;
    }
    return undefined;
  };

  const session: ReaderSession = {
    greeted: false,
    async ask(order) {
      const plain = frameOf(order);
      const frame = channel === undefined ? plain : channel.seal(plain);
      for (let tries = 0; tries < TRIES && !signal.aborted; tries++) {
        const got = await exchange(frame);
        if (got === undefined) continue;
        if (got.code === replies.BUSY) return got;
        const opened = channel === undefined ? got : channel.open(got);
        if (opened === undefined) {
          // A NAK in clear says that the reader has no session any more, and needs no MAC for that.
          if (got.code === replies.NAK) return restart();
          host.discarded(id, 'an answer that is not of the secure session', got.data.length);
          continue;
        }
        advance();
        if (opened.code === replies.NAK && NAK_RESTART.includes(opened.data[0] ?? 0)) return restart();
        return opened;
      }
      return restart();
    },
    async secure(key) {
      const kind = key === DEFAULT_KEY ? 0 : 1;
      const hostRandom = randomBytes(8);
      const challenge = await step({ code: commands.CHLNG, data: hostRandom }, Uint8Array.of(0x11, kind));
      const fail = (reason: string) => {
        host.discarded(id, reason, challenge?.data.length ?? 0);
        restart();
        return false;
      };
      if (challenge === undefined) return fail('no answer to a challenge');
      if (challenge.code !== replies.CCRYPT || challenge.data.length !== 32)
        return fail('the reader does not take the secure channel');
      const readerRandom = challenge.data.subarray(8, 16);
      const keys = sessionKeys(key, hostRandom);
      const { client, server } = cryptograms(keys, hostRandom, readerRandom);
      if (!client.equals(challenge.data.subarray(16))) return fail('the reader has another key');
      const confirmed = await step({ code: commands.SCRYPT, data: server }, Uint8Array.of(0x13, kind));
      const mac = initialMac(keys, server);
      if (confirmed?.code !== replies.RMAC_I || !mac.equals(confirmed.data))
        return fail('the reader has another key');
      channel = secureChannel(keys, mac);
      return true;
    },
  };
  return session;
}
