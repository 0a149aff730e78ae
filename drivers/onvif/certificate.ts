/**
 * The certificate of a camera that speaks HTTPS. They sign their own, and come with it: what is shown first is kept, and
 * another one is refused, as SSH does with hosts.
 */
import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { CERTIFICATE_FILE_MAX, readTextOf } from '../files.ts';
import type { TlsJudge } from '../http.ts';
import { sentenceOf, type WireWords } from '../wire-words.ts';
import { type Own, portOf } from './options.ts';

/** Fingerprints (SHA-256) by `host:port`, for as long as this process runs: a session that begins anew knows them. */
const pins = new Map<string, string>();

/** Another one than before, or than the config says. */
export class CertificateError extends Error {
  readonly code = 'E_CERTIFICATE';
  readonly fingerprint: string;
  constructor(fingerprint: string) {
    super(`its certificate is another one: SHA-256 ${fingerprint}`);
    this.fingerprint = fingerprint;
  }
}

const plain = (fingerprint: string) => fingerprint.replaceAll(':', '').toUpperCase();

/** `shown`: a certificate that was seen for the first time. undefined: it speaks HTTP. @throws Error where a file is not there. */
export function tlsOf(
  { options }: Own,
  shown: (about: { readonly fingerprint: string; readonly until: string }) => void,
): TlsJudge | undefined {
  const { host, tls } = options;
  if (tls === undefined) return undefined;
  const { insecure, caFile, fingerprint: wanted } = tls;
  if (caFile !== undefined) return { ca: readTextOf(caFile, CERTIFICATE_FILE_MAX) };
  if (insecure) return { judge: () => {} };
  const key = `${host}:${portOf(options)}`;
  return {
    judge({ raw }: PeerCertificate) {
      const { fingerprint256: fingerprint, validTo: until } = new X509Certificate(raw);
      const known = wanted ?? pins.get(key);
      if (known === undefined) {
        pins.set(key, fingerprint);
        shown({ fingerprint, until });
      } else if (plain(known) !== plain(fingerprint)) throw new CertificateError(fingerprint);
    },
  };
}

/** Why nothing came of a question, by the code of the system, of Node or of OpenSSL, with what mends it. */
const words: WireWords = {
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by itself, and not by who is in `caFile`: leave `caFile` out, and the first one that it shows is kept',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate is signed by somebody who is not in `caFile`: put their certificate there',
  UNABLE_TO_GET_ISSUER_CERT: 'who signed its certificate is not in `caFile`: put their certificate there',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'who signed its certificate is not in `caFile`: put their certificate there',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'who signed its certificate is not in `caFile`: put their certificate there',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by who is in `caFile`: put their certificate there',
  CERT_HAS_EXPIRED:
    'its certificate has expired: give it a new one, or leave `caFile` out and name the fingerprint (`tls: { fingerprint: ... }`)',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: look at the clock of this machine, and at its own',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate names another host: write the name in it as `host`, or leave `caFile` out and name the fingerprint (`tls: { fingerprint: ... }`)',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'it does not speak HTTPS on this port: leave `tls` out, or name the port that does',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'it does not speak HTTPS on this port: leave `tls` out, or name the port that does',
  ERR_SSL_UNSUPPORTED_PROTOCOL:
    'it speaks only TLS that is too old: leave `caFile` out, or renew its firmware',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION:
    'it speaks only TLS that is too old: leave `caFile` out, or renew its firmware',
  ERR_SSL_DH_KEY_TOO_SMALL: 'it speaks only TLS that is too weak: leave `caFile` out, or renew its firmware',
  HPE_INVALID_CONSTANT:
    'it does not speak HTTP on this port: write `tls: {}` where it is HTTPS, or name the port that does',
  ECONNRESET:
    'it ended the connection without an answer; where it speaks HTTPS on this port, write `tls: {}`',
  ECONNREFUSED: 'nothing listens there: look at `port`, and whether ONVIF is switched on in it',
  ENOTFOUND: 'there is no host of that name: look at `host`',
  EAI_AGAIN: 'the name of its host could not be asked for: look at the DNS, or write its address',
  EHOSTUNREACH: 'there is no way to it: look at `host`, its power and its cable',
  ENETUNREACH: 'there is no way to its network: look at `host`, and at the addresses of this machine',
};

/** An error of the connection, in plain words with its code; every other one as it is. */
export function inWords(error: unknown): unknown {
  const sent = error as { readonly code?: string; readonly message?: string };
  const sentence = sentenceOf(sent, words);
  return sentence === undefined ? error : Object.assign(new Error(sentence), { code: sent.code ?? '' });
}
