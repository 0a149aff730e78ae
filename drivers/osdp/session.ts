/**
 * A session with one reader: what both ends must agree on, the number of the next frame, its check and the secure
 * channel. A frame that was not answered is sent again under the same number, at the reader's next turn, so that it
 * holds nobody up: where the reader is busy for seconds, or did not understand (NAK 1), as long as it would take to be
 * offline.
 *
 * With a key nothing in clear counts, whatever is lost in which order: `ask` sends and believes nothing but frames of a
 * secure session, and a session that is lost begins with the handshake again.
 */
import type { Host } from '../contract/driver.ts';
import { createAsking, isNak, NAK_SEQUENCE } from './asking.ts';
import { createCheck } from './check.ts';
import { commands, type OsdpFrame, replies } from './codec.ts';
import type { Order } from './data.ts';
import { shakeHands } from './handshake.ts';
import type { Reader } from './options.ts';
import type { SecureChannel } from './secure.ts';
import type { Seat } from './turns.ts';

/** NAK, error codes (7.3): the secure channel is not supported; it is needed for this. */
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
   * Asks one thing, at the reader's turn and not before `due` (`elapsed`), the same again where no answer comes; what it
   * is is chosen at that moment. undefined: the reader is not there, or the session must be begun anew.
   */
  ask(choose: () => Order, due: number): Promise<OsdpFrame | undefined>;
  /** With a key: brings the secure channel up, from whatever was before. False: not now. */
  secure(due: number): Promise<boolean>;
  /** What the reader says of the checks that it knows (PDCAP, function 8): 0 is the checksum alone. */
  knowsChecks(level: number): void;
  /** It is offline. */
  forget(): void;
}

/** `key`: of the secure channel, which is then a must. `signal`: nothing is asked again after it. */
export function createSession(
  { id, options: { address } }: Reader,
  key: Buffer | undefined,
  seat: Seat,
  host: Host,
  signal: AbortSignal,
): ReaderSession {
  const { clock } = host;
  let sequence = 0;
  let channel: SecureChannel | undefined;
  let refusal: Refusal | undefined;
  const check = createCheck();
  const repeat = createAsking(seat, check, clock, signal);
  const restart = (): undefined => {
    sequence = 0;
    channel = undefined;
    session.greeted = false;
  };
  const frameOf = ({ code, data }: Order): OsdpFrame => ({
    address,
    reply: false,
    sequence,
    crc: check.crc,
    code,
    data,
  });
  const advance = () => {
    sequence = (sequence % 3) + 1;
  };
  /** One question of those that may be in clear (D.7): who it is, and the handshake. Its answer proves nothing by itself. */
  const step = async (order: Order, due: number, security?: Uint8Array) => {
    const ask = () => ({ ...frameOf(order), ...(security && { security }) });
    const got = await repeat(ask, due, (answer) => answer);
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
    const shaken = await shakeHands((order, security) => step(order, clock.elapsed(), security), scbk);
    if (shaken === undefined) return false;
    if ('refusal' in shaken) return refuse(shaken.refusal, shaken.got);
    channel = shaken.channel;
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
    async ask(choose, due) {
      // Where there is a key, nothing is sent in clear.
      if (channel === undefined && key !== undefined) return restart();
      const sealed = () => {
        const frame = frameOf(choose());
        if (channel !== undefined) return channel.seal(frame);
        if (frame.code === commands.KEYSET) throw new Error('a key is never sent in clear');
        return frame;
      };
      const got = await repeat(sealed, due, read);
      if (got === undefined || got === 'over') return restart();
      advance();
      if (!NAK_RESTART.some((reason) => isNak(got, reason))) {
        refusal = undefined;
        return got;
      }
      if (channel === undefined && !isNak(got, NAK_SEQUENCE)) refuse('needs-key', got);
      return restart();
    },
    async secure(due) {
      restart();
      if (key === undefined) return false;
      // Some readers want to be asked something before they are challenged; of all that may be in clear this moves
      // nothing and takes no card out of the reader. Whatever it answers, NAK 5 and 6 too, says only that it is there.
      if ((await step({ code: commands.ID, data: Uint8Array.of(0) }, due)) === undefined) return false;
      const up = await shake(key);
      if (!up) restart();
      return up;
    },
    knowsChecks: check.told,
    forget: check.forget,
  };
  return session;
}
