/**
 * Taps HTTP: a message is told whole, as its first line, its media type, an empty line and the beginning of its body.
 * Headers are left out, for who we are stands in them; so does what looks like a password, a token or a key elsewhere.
 */
import type { Explain, Holds, Piece, Tap } from './contract/tap.ts';
import { explainPieces, listed, type Words } from './explaining.ts';

/** Of a body; a picture may follow. */
const BODY_KEPT = 2048;
const HEAD_MAX = 300;
const TYPE_MAX = 100;

const SECRET = String.raw`(?:passw(?:or)?d|pwd|passphrase|token|secret|nonce|authorization)[\w:-]{0,30}`;
/** In JSON, in a form or a row of ZKTeco's, and in XML. Each part is bounded, so that a hostile body costs no more. */
const inPairs = new RegExp(
  String.raw`(${SECRET}"?[ \t]{0,4}[:=][ \t]{0,4})("[^"]{0,500}"?|[^\s&,;<>"]{1,500})`,
  'gi',
);
const inElements = new RegExp(String.raw`(${SECRET}(?:\s[^<>]{0,300})?>)[^<]{1,500}`, 'gi');

/** Who we are, in an address. */
const inAddresses = /:\/\/[^/@\s]{1,300}@/g;

/** Without what must not be seen by anybody. */
export const withoutSecrets = (text: string): string =>
  text.replace(inAddresses, '://***@').replace(inPairs, '$1***').replace(inElements, '$1***');

export interface Told {
  /** `POST /push/gate`, `200`. */
  readonly head: string;
  readonly contentType?: string | undefined;
  readonly body?: Uint8Array | string | undefined;
}

/** A message as it is tapped, and the bytes that it has in all. */
export function tapped({
  head,
  contentType = '',
  body = '',
}: Told): readonly [bytes: Uint8Array, length: number] {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const beginning = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, BODY_KEPT)).toString(
    'latin1',
  );
  const text = `${head.slice(0, HEAD_MAX)}\n${contentType.slice(0, TYPE_MAX)}\n\n${beginning}`;
  const kept = Buffer.from(withoutSecrets(text), 'latin1');
  return [kept, kept.length + Math.max(0, bytes.length - BODY_KEPT)];
}

/** What an address says after its path may be a password: names are kept, and no values. */
export const plainUrl = (url: string): string =>
  url.replace(/\/\/[^/@\s]*@/, '//').replace(/=[^&#\s]*/g, '=…');

export const tell = {
  heard: (tap: Tap | undefined, peer: string, told: () => Told) => {
    if (tap === undefined) return;
    const [bytes, length] = tapped(told());
    tap.heard(bytes, peer, length);
  },
  said: (tap: Tap | undefined, peer: string, told: () => Told) => {
    if (tap === undefined) return;
    const [bytes, length] = tapped(told());
    tap.said(bytes, peer, length);
  },
};

/** Says the first line, the media type and the size. `holdsOf`: of a body that is not empty. */
export const explainHttp =
  (holdsOf: (body: string, piece: Piece) => Holds): Explain =>
  (pieces) =>
    explainPieces(pieces, (piece): Words => {
      const text = Buffer.from(piece.bytes).toString('latin1');
      const [head = '', contentType = ''] = text.split('\n', 2);
      const body = text.slice(head.length + contentType.length + 3);
      return {
        what: head,
        detail: listed(contentType, body !== '' && `${body.length + piece.length - piece.bytes.length} B`),
        holds: body === '' ? 'nothing' : holdsOf(body, piece),
      };
    });
