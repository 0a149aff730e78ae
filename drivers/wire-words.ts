/** Why nothing came of a question over HTTP, by the code of the system, of Node or of OpenSSL, in plain words. */

/** A sentence by its code. */
export type WireWords = Readonly<Record<string, string>>;

/** The sentence of an error, with its code; undefined: there is none in `words`. */
export function sentenceOf(
  { code = '', message = '' }: { readonly code?: string; readonly message?: string },
  words: WireWords,
): string | undefined {
  // Some come without a code of their own: `write EPROTO ...:error:...:wrong version number`.
  const found = /wrong version number|packet length too long/i.test(message)
    ? 'ERR_SSL_WRONG_VERSION_NUMBER'
    : code;
  return Object.hasOwn(words, found) ? `${words[found]} (${found})` : undefined;
}

const words: WireWords = {
  ERR_SSL_WRONG_VERSION_NUMBER:
    'it does not speak HTTPS on this port: write http://, or name the port that does',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'it does not speak HTTPS on this port: write http://, or name the port that does',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP on this port: write https://, or name the port that does',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by itself, which nobody here vouches for: write http://',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate names another host: write the name that stands in it',
  CERT_HAS_EXPIRED: 'its certificate has expired: give it a new one',
  ECONNRESET: 'it ended the connection without an answer: look at the port, and at http:// or https://',
  ECONNREFUSED: 'nothing listens there: look at its address and port, and whether it is switched on',
  ENOTFOUND: 'there is no host of that name: look at its address',
  EAI_AGAIN: 'the name of its host could not be asked for: look at the DNS, or write its address',
  EHOSTUNREACH: 'there is no way to it: look at its address, its power and its cable',
  ENETUNREACH: 'there is no way to its network: look at its address, and at those of this machine',
};

/** What an error of `fetch` comes of: the sentence with its code, or what it says itself. */
export function whyNothing(error: unknown): string {
  const { cause, message } = error as { readonly cause?: unknown; readonly message: string };
  const { code = '', message: reason = message } = (cause ?? error) as {
    readonly code?: string;
    readonly message?: string;
  };
  return sentenceOf({ code, message: reason }, words) ?? reason;
}
