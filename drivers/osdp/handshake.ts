/** The handshake of the secure channel (D.1), the control panel's side. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { isNak, NAK_SEQUENCE } from './asking.ts';
import { commands, type OsdpFrame, replies } from './codec.ts';
import type { Order } from './data.ts';
import {
  cryptograms,
  DEFAULT_KEY,
  initialMac,
  isDefaultKey,
  type SecureChannel,
  secureChannel,
  sessionKeys,
} from './secure.ts';

/** CCRYPT: an id (8), a random (8), a cryptogram (16). */
const PROOF_BYTES = 32;
/**
 * What an answer of the handshake brings. It has no MAC; where its security block says otherwise (RMAC_I under 16 or 18),
 * four of its bytes were taken for one.
 */
const wholeOf = ({ data, mac }: OsdpFrame): Uint8Array =>
  mac === undefined ? data : Buffer.concat([data, mac]);

export type Shaken =
  | { readonly channel: SecureChannel }
  | {
      readonly refusal: 'no-secure-channel' | 'wrong-key' | 'factory-key';
      readonly got: OsdpFrame;
    };

/** undefined: there was no answer, or the reader has begun anew meanwhile. */
export async function shakeHands(
  ask: (order: Order, security: Uint8Array) => Promise<OsdpFrame | undefined>,
  scbk: Buffer,
): Promise<Shaken | undefined> {
  const kind = isDefaultKey(scbk) ? 0 : 1;
  // Asked again it is the same: a reader that is busy may have taken it up already (libosdp#47).
  const hostRandom = randomBytes(8);
  const challenge = await ask({ code: commands.CHLNG, data: hostRandom }, Uint8Array.of(0x11, kind));
  if (challenge === undefined || isNak(challenge, NAK_SEQUENCE)) return undefined;
  const proof = wholeOf(challenge);
  if (challenge.code !== replies.CCRYPT || proof.length < PROOF_BYTES)
    return { refusal: 'no-secure-channel', got: challenge };
  const readerRandom = proof.subarray(8, 16);
  const said = proof.subarray(16, PROOF_BYTES);
  const keys = sessionKeys(scbk, hostRandom);
  const { client, server } = cryptograms(keys, hostRandom, readerRandom);
  if (!timingSafeEqual(client, said)) {
    const factory = cryptograms(sessionKeys(DEFAULT_KEY, hostRandom), hostRandom, readerRandom);
    const refusal = timingSafeEqual(factory.client, said) ? 'factory-key' : 'wrong-key';
    return { refusal, got: challenge };
  }
  const confirmed = await ask({ code: commands.SCRYPT, data: server }, Uint8Array.of(0x13, kind));
  if (confirmed === undefined || isNak(confirmed, NAK_SEQUENCE)) return undefined;
  const mac = initialMac(keys, server);
  // What its security block says of success is not asked: 0, 1 and FF are in use for it (libosdp#245). The MAC tells.
  const first = wholeOf(confirmed).subarray(0, mac.length);
  if (confirmed.code !== replies.RMAC_I || first.length < mac.length || !timingSafeEqual(mac, first))
    return { refusal: 'wrong-key', got: confirmed };
  return { channel: secureChannel(keys, mac) };
}
