/** What goes over an OSDP line, in the standard's words. */
import type { Explain } from '../contract/tap.ts';
import { explainStreams, listed, type Words } from '../explaining.ts';
import { commands, type OsdpFrame, osdpDecoder, replies } from './codec.ts';
import { idOf } from './data.ts';

const nameIn = (names: Readonly<Record<string, number>>, code: number) =>
  Object.entries(names).find(([, one]) => one === code)?.[0] ?? `0x${code.toString(16).padStart(2, '0')}`;

/** Security blocks under which the data is encrypted (IEC 60839-11-5, annex D: SCS_17, SCS_18). */
const ENCRYPTED: readonly number[] = [0x17, 0x18];
/** Keys of a Wiegand keypad come as cards of so few bits. */
const KEY_BITS_MOST = 8;

/** NAK, error codes (IEC 60839-11-5, 7.3). */
const refusals: Readonly<Record<number, string>> = {
  1: 'wrong check',
  2: 'wrong length',
  3: 'unknown command',
  4: 'wrong sequence',
  5: 'wrong security block',
  6: 'encryption is required',
  7: 'unknown biometry type',
  8: 'unknown biometry format',
  9: 'cannot be done',
};
const holdsCard = (data: Uint8Array) => ((data[2] ?? 0) | ((data[3] ?? 0) << 8)) > KEY_BITS_MOST;
const states = (data: Uint8Array) => [...data].join(' ');

/** Whatever is a PIN or a key is nobody's to see; encrypted it may be either. */
function holdsOf({ reply, code, data }: OsdpFrame, isEncrypted: boolean): Words['holds'] {
  if (!reply) return code === commands.KEYSET ? 'secret' : code === commands.TEXT ? 'person' : 'nothing';
  if (code === replies.KEYPAD) return 'secret';
  if (code === replies.RAW) return isEncrypted || !holdsCard(data) ? 'secret' : 'person';
  return code === replies.FMT ? (isEncrypted ? 'secret' : 'person') : 'nothing';
}

/** What of its data is said in words: no card and no key. */
function dataOf({ reply, code, data }: OsdpFrame): string | undefined {
  if (!reply) return code === commands.OUT ? `output ${data[0]}, control ${data[1]}` : undefined;
  switch (code) {
    case replies.NAK:
      return refusals[data[0] ?? 0] ?? `error ${data[0]}`;
    case replies.LSTATR:
      return `tamper ${data[0] ?? '?'}, power ${data[1] ?? '?'}`;
    case replies.ISTATR:
    case replies.OSTATR:
    case replies.RSTATR:
      return states(data);
    case replies.PDID: {
      const id = idOf(data);
      return id && `vendor ${id.vendor}, model ${id.model}, firmware ${id.firmware}`;
    }
    default:
      return undefined;
  }
}

function wordsOf(frame: OsdpFrame): Words {
  const { address, reply, sequence, code, security, data } = frame;
  const isEncrypted = ENCRYPTED.includes(security?.[0] ?? 0);
  return {
    what: nameIn(reply ? replies : commands, code),
    detail: listed(
      `address ${address}`,
      `sequence ${sequence}`,
      security !== undefined && `SCS_${(security[0] ?? 0).toString(16)}`,
      isEncrypted && data.length > 0 ? 'encrypted' : dataOf(frame),
    ),
    holds: holdsOf(frame, isEncrypted) ?? 'nothing',
    isRoutine: reply ? code === replies.ACK : code === commands.POLL,
  };
}

export const explain: Explain = (pieces) => explainStreams(pieces, () => osdpDecoder(), wordsOf);
