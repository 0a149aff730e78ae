/** What goes over a Modbus line, in the standard's words. Nothing in it is of a person. */
import type { Explain, Explained, Piece } from '../contract/tap.ts';
import { explainStreams, listed, type Words } from '../explaining.ts';
import {
  type Adu,
  exceptionText,
  parseRequest,
  parseResponse,
  rtuRequestDecoder,
  rtuResponseDecoder,
  tcpDecoder,
} from './codec.ts';

/** Function codes (V1.1b3, 6). */
const functions: Readonly<Record<number, string>> = {
  1: 'Read Coils',
  2: 'Read Discrete Inputs',
  3: 'Read Holding Registers',
  4: 'Read Input Registers',
  5: 'Write Single Coil',
  6: 'Write Single Register',
  15: 'Write Multiple Coils',
  16: 'Write Multiple Registers',
};
const nameOf = (pdu: Uint8Array) => functions[(pdu[0] ?? 0) & 0x7f] ?? `function ${(pdu[0] ?? 0) & 0x7f}`;
const bits = (values: readonly boolean[]) => values.map((on) => (on ? 1 : 0)).join('');

const READS: readonly number[] = [1, 2, 3, 4];

function askedIn(pdu: Uint8Array): string {
  const request = parseRequest(pdu);
  if ('exception' in request) return exceptionText[request.exception] ?? '';
  if ('count' in request) return `${request.count} from ${request.address}`;
  const values =
    'value' in request
      ? String(request.value)
      : request.function === 15
        ? bits(request.values)
        : request.values.join(' ');
  return `${request.address} := ${values}`;
}

function answeredIn(pdu: Uint8Array): string {
  const response = parseResponse(pdu);
  if (response === undefined) return 'malformed';
  if ('exception' in response)
    return `exception ${response.exception}: ${exceptionText[response.exception] ?? 'unknown'}`;
  if ('bits' in response) return bits(response.bits);
  return 'registers' in response ? response.registers.join(' ') : `${response.address} := ${response.value}`;
}

const wordsOf = ({ unit, pdu, transaction }: Adu, { said }: Piece): Words => ({
  what: nameOf(pdu),
  detail: listed(
    `unit ${unit}`,
    transaction !== undefined && `transaction ${transaction}`,
    said ? askedIn(pdu) : answeredIn(pdu),
  ),
  isRoutine: READS.includes(pdu[0] ?? 0),
});

/** Whatever it is, it is no person's. */
const asTheirs = (found: readonly Explained[]): readonly Explained[] =>
  found.map((one) => ({ ...one, holds: 'nothing' }));

export const explainTcp: Explain = (pieces) => asTheirs(explainStreams(pieces, () => tcpDecoder(), wordsOf));

/** An answer's length stands in it, and its CRC says whether it is one: what was asked need not be known. */
export const explainRtu: Explain = (pieces) =>
  asTheirs(
    explainStreams(pieces, ({ said }) => (said ? rtuRequestDecoder() : rtuResponseDecoder()), wordsOf),
  );
