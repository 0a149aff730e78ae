/**
 * The secure channel of OSDP (IEC 60839-11-5, annex D): session keys, cryptograms, MAC chain, encryption. One object
 * for each end of a session; pure but for the randoms that its user gives.
 */
import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto';
import { encodeHead, type OsdpFrame } from './codec.ts';

const BLOCK = 16;
/** The key that every reader has until it gets one of its own: whoever knows the standard knows it. */
export const DEFAULT_KEY = Buffer.from('303132333435363738393a3b3c3d3e3f', 'hex');
export const isDefaultKey = (key: Uint8Array): boolean => DEFAULT_KEY.equals(key);

/** One block, AES-128. */
function aes(key: Uint8Array, block: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

/** 80, then zeros, to whole blocks. */
const pad = (bytes: Uint8Array): Buffer => {
  const padded = Buffer.alloc(Math.ceil((bytes.length + 1) / BLOCK) * BLOCK);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  return padded;
};
const complement = (bytes: Uint8Array) => Buffer.from(bytes.map((byte) => ~byte & 0xff));

export interface SessionKeys {
  readonly enc: Buffer;
  readonly mac1: Buffer;
  readonly mac2: Buffer;
}

/** The keys of a session from the key of the reader and the random of the control panel, 8 bytes. */
export function sessionKeys(scbk: Uint8Array, hostRandom: Uint8Array): SessionKeys {
  const derive = (a: number, b: number) => {
    const block = Buffer.alloc(BLOCK);
    block[0] = a;
    block[1] = b;
    block.set(hostRandom.subarray(0, 6), 2);
    return aes(scbk, block);
  };
  return { enc: derive(0x01, 0x82), mac1: derive(0x01, 0x01), mac2: derive(0x01, 0x02) };
}

/** What proves to one end that the other has the key. */
export function cryptograms({ enc }: SessionKeys, hostRandom: Uint8Array, readerRandom: Uint8Array) {
  return {
    /** From the reader, in CCRYPT. */
    client: aes(enc, Buffer.concat([hostRandom, readerRandom])),
    /** From the control panel, in SCRYPT. */
    server: aes(enc, Buffer.concat([readerRandom, hostRandom])),
  };
}

/** The first MAC of the chain, in RMAC_I. */
export const initialMac = ({ mac1, mac2 }: SessionKeys, serverCryptogram: Uint8Array): Buffer =>
  aes(mac2, aes(mac1, serverCryptogram));

function macOf({ mac1, mac2 }: SessionKeys, iv: Uint8Array, message: Uint8Array): Buffer {
  const whole = message.length % BLOCK === 0 ? Buffer.from(message) : pad(message);
  let chained: Buffer = Buffer.from(iv);
  for (let at = 0; at < whole.length; at += BLOCK) {
    const block = whole.subarray(at, at + BLOCK);
    const mixed = Buffer.from(block.map((byte, i) => byte ^ (chained[i] ?? 0)));
    chained = aes(at + BLOCK === whole.length ? mac2 : mac1, mixed);
  }
  return chained;
}

/** One end of a session that is up: what it sends gets a MAC, what it receives is checked. */
export interface SecureChannel {
  /** Encrypts the data, where there is some, and adds the MAC. */
  seal(frame: Omit<OsdpFrame, 'security' | 'mac'>): OsdpFrame;
  /** The frame with its data in clear; undefined: it is not of this session. */
  open(frame: OsdpFrame): OsdpFrame | undefined;
}

/**
 * D.4: 15 and 17 come from the control panel, 16 and 18 from a reader; 15 and 16 have no data, 17 and 18 encrypted data.
 * Readers in use answer under 15 and 17 (libosdp#7), mark answers without data with 18, and leave the data of a status in
 * clear under 15 (libosdp 3.2). The MAC covers all of it and who speaks, so that nobody else can have said it.
 */
const isTypeFrom = (reply: boolean, type: number): boolean =>
  reply ? type >= 0x15 && type <= 0x18 : type === 0x15 || type === 0x17;

export function secureChannel(keys: SessionKeys, rmacI: Uint8Array): SecureChannel {
  // Each MAC begins where the last one of the other end left off.
  let received: Uint8Array = rmacI;
  let sent: Uint8Array = rmacI;
  const cipherOf = (iv: Uint8Array) =>
    createCipheriv('aes-128-cbc', keys.enc, complement(iv)).setAutoPadding(false);
  const decipherOf = (iv: Uint8Array) =>
    createDecipheriv('aes-128-cbc', keys.enc, complement(iv)).setAutoPadding(false);
  return {
    seal(frame) {
      const type = (frame.data.length > 0 ? 0x17 : 0x15) + (frame.reply ? 1 : 0);
      const cipher = cipherOf(received);
      const data =
        frame.data.length > 0
          ? Buffer.concat([cipher.update(pad(frame.data)), cipher.final()])
          : Buffer.alloc(0);
      const sealed = { ...frame, data, security: Uint8Array.of(type) };
      sent = macOf(keys, received, encodeHead(sealed));
      return { ...sealed, mac: sent.subarray(0, 4) };
    },
    open(frame) {
      const [type = 0] = frame.security ?? [];
      const { mac } = frame;
      const empty = frame.data.length === 0;
      if (mac === undefined || !isTypeFrom(frame.reply, type)) return undefined;
      const expected = macOf(keys, sent, encodeHead(frame));
      if (!timingSafeEqual(expected.subarray(0, 4), mac)) return undefined;
      let data: Buffer = Buffer.from(frame.data);
      if (type >= 0x17 && !empty) {
        if (data.length % BLOCK !== 0) return undefined;
        const decipher = decipherOf(sent);
        const padded = Buffer.concat([decipher.update(frame.data), decipher.final()]);
        const end = padded.lastIndexOf(0x80);
        if (end === -1 || padded.subarray(end + 1).some((byte) => byte !== 0)) return undefined;
        data = padded.subarray(0, end);
      }
      received = expected;
      return { ...frame, data };
    },
  };
}
