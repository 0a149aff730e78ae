/**
 * The certificate of a camera that speaks HTTPS. They sign their own, and come with it: what is shown first is kept, and
 * another one is refused, as SSH does with hosts.
 */
import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { CERTIFICATE_FILE_MAX, readTextOf } from '../files.ts';
import type { TlsJudge } from '../http.ts';
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
