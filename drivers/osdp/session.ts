/**
 * A session with one reader: what both ends must agree on, the number of the next frame and the secure channel. A frame
 * that was not answered is sent again under the same number.
 *
 * With a key nothing in clear counts, whatever is lost in which order: `ask` sends and believes nothing but frames of a
 * secure session, and a session that is lost begins with the handshake again.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Host } from '../contract/driver.ts';
import { commands, type OsdpFrame, replies } from './codec.ts';
import type { Order } from './data.ts';
import type { Exchange } from './exchange.ts';
import type { Reader } from './options.ts';
import {
  cryptograms,
  DEFAULT_KEY,
  initialMac,
  isDefaultKey,
  type SecureChannel,
  secureChannel,
  sessionKeys,
} from './secure.ts';

const TRIES = 3;
/** A reader that is busy is asked the same again after this. */
const BUSY_MS = 50;
/** NAK, error codes (7.3): the check was wrong, so that the reader has not seen the question. */
const NAK_CHECK = 1;
const NAK_SEQUENCE = 4;
/** The secure channel is not supported; it is needed for this. */
const NAK_NO_CHANNEL = 5;
const NAK_CONDITIONS = 6;
const NAK_RESTART = [NAK_SEQUENCE, NAK_NO_CHANNEL, NAK_CONDITIONS];

/** Why a reader that answers cannot be spoken with: the cause of a fault. */
export type Refusal = 'wrong-key' | 'factory-key' | 'no-secure-channel' | 'needs-key';
export const refusalWords: Readonly<Record<Refusal, string>> = {
  'wrong-key': 'the reader has another key',
  'factory-key':
    'the reader still has the key from the factory: give it its own with campus-gateway osdp provision',
  'no-secure-channel': 'the reader does not take the secure channel with its key',
  'needs-key': 'the reader demands the secure channel: it needs a keyFile',
};

export interface ReaderSession {
  /** What is asked once in a session was. One that starts over begins with that again. */
  greeted: boolean;
  /** Why the last try to speak with it failed, though it answered. */
  readonly refusal: Refusal | undefined;
  /**
   * Asks one thing, the same again where no answer comes. undefined: the reader is not there, or the session must be
   * begun anew.
   */
  ask(order: Order): Promise<OsdpFrame | undefined>;
  /** With a key: brings the secure channel up, from whatever was before. False: not now. */
  secure(): Promise<boolean>;
}

/** `key`: of the secure channel, which is then a must. `signal`: nothing is asked again after it. */
export function createSession(
  { id, options: { address } }: Reader,
  key: Buffer | undefined,
  exchange: Exchange,
  host: Host,
  signal: AbortSignal,
): ReaderSession {
  let sequence = 0;
  let channel: SecureChannel | undefined;
  let refusal: Refusal | undefined;
  const restart = (): undefined => {
    sequence = 0;
    channel = undefined;
    session.greeted = false;
  };
  /** Sends a frame under its number until `read` makes something of an answer. undefined: it did of none. */
  const repeat = async <T>(frame: OsdpFrame, read: (got: OsdpFrame) => T | undefined) => {
    for (let tries = 0; tries < TRIES && !signal.aborted; tries++) {
      const got = await exchange(frame);
      if (got === undefined || (got.mac === undefined && isNak(got, NAK_CHECK))) continue;
      if (got.code === replies.BUSY) {
        await host.clock.wait(BUSY_MS, signal);
        continue;
      }
      const value = read(got);
      if (value !== undefined) return value;
    }
    return undefined;
  };
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
  /** One question of those that may be in clear (D.7): who it is, and the handshake. Its answer proves nothing by itself. */
  const step = async (order: Order, security?: Uint8Array) => {
    const got = await repeat({ ...frameOf(order), ...(security && { security }) }, (answer) => answer);
    if (got !== undefined) advance();
    return got;
  };
  const refuse = (why: Refusal, got: OsdpFrame): false => {
    refusal = why;
    host.discarded(id, refusalWords[why], got.data.length);
    restart();
    return false;
  };
  const shake = async (scbk: Buffer): Promise<boolean> => {
    const kind = isDefaultKey(scbk) ? 0 : 1;
    const hostRandom = randomBytes(8);
    const challenge = await step({ code: commands.CHLNG, data: hostRandom }, Uint8Array.of(0x11, kind));
    if (challenge === undefined || isNak(challenge, NAK_SEQUENCE)) return false;
    if (challenge.code !== replies.CCRYPT || challenge.data.length !== 32)
      return refuse('no-secure-channel', challenge);
    const readerRandom = challenge.data.subarray(8, 16);
    const keys = sessionKeys(scbk, hostRandom);
    const { client, server } = cryptograms(keys, hostRandom, readerRandom);
    const said = challenge.data.subarray(16);
    if (!timingSafeEqual(client, said)) {
      const factory = cryptograms(sessionKeys(DEFAULT_KEY, hostRandom), hostRandom, readerRandom);
      return refuse(timingSafeEqual(factory.client, said) ? 'factory-key' : 'wrong-key', challenge);
    }
    const confirmed = await step({ code: commands.SCRYPT, data: server }, Uint8Array.of(0x13, kind));
    if (confirmed === undefined) return false;
    const mac = initialMac(keys, server);
    const { code, data } = confirmed;
    if (code !== replies.RMAC_I || data.length !== mac.length || !timingSafeEqual(mac, data))
      return refuse('wrong-key', confirmed);
    channel = secureChannel(keys, mac);
    refusal = undefined;
    return true;
  };
  /** An answer of this session; 'over': the reader has none any more. */
  const read = (got: OsdpFrame): OsdpFrame | 'over' | undefined => {
    const opened = channel === undefined ? got : channel.open(got);
    if (opened !== undefined) return opened;
    // A NAK in clear needs no MAC to say that there is no session any more: all that it brings about is a handshake.
    if (got.code === replies.NAK && got.mac === undefined) return 'over';
    host.discarded(id, 'an answer that is not of the secure session', got.data.length);
    return undefined;
  };

  const session: ReaderSession = {
    greeted: false,
    get refusal() {
      return refusal;
    },
    async ask(order) {
      // A key is never sent in clear, and where there is one, nothing else is either.
      if (channel === undefined && (key !== undefined || order.code === commands.KEYSET)) return restart();
      const frame = frameOf(order);
      const got = await repeat(channel === undefined ? frame : channel.seal(frame), read);
      if (got === undefined || got === 'over') return restart();
      advance();
      if (!NAK_RESTART.some((reason) => isNak(got, reason))) {
        refusal = undefined;
        return got;
      }
      if (channel === undefined && !isNak(got, NAK_SEQUENCE)) refuse('needs-key', got);
      return restart();
    },
    async secure() {
      restart();
      if (key === undefined) return false;
      // Some readers want to be asked something before they are challenged; of all that may be in clear this moves
      // nothing and takes no card out of the reader. Whatever it answers, NAK 5 and 6 too, says only that it is there.
      if ((await step({ code: commands.ID, data: Uint8Array.of(0) })) === undefined) return false;
      const up = await shake(key);
      if (!up) restart();
      return up;
    },
  };
  return session;
}

const isNak = ({ code, data }: OsdpFrame, reason: number): boolean =>
  code === replies.NAK && data[0] === reason;
