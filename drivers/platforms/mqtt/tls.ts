/** Certificates and keys of an uplink: read from their files at each connection, and watched in between. */
import { X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { CERTIFICATE_FILE_MAX, readBytesOf } from '../../files.ts';
import type { TlsOptions } from './options.ts';

export interface TlsMaterial {
  readonly serverName?: string | undefined;
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  /** When our own certificate ends, epoch ms. */
  readonly certificateEnds?: number | undefined;
}

/** Days before its end from which a certificate is told of. */
export const EXPIRY_NOTICE_DAYS = 30;
export const daysUntil = (ends: number, now: number) => Math.floor((ends - now) / 86_400_000);

/** As Notepad saves it: OpenSSL finds no PEM behind a BOM. */
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const withoutBom = (bytes: Buffer) => (bytes.subarray(0, BOM.length).equals(BOM) ? bytes.subarray(3) : bytes);

/** @throws what `readFile` or OpenSSL says, with the name of the file. */
export function readTls({ caFile, certFile, keyFile, serverName }: TlsOptions): TlsMaterial {
  const read = (file: string | undefined) =>
    file === undefined ? undefined : withoutBom(readBytesOf(file, CERTIFICATE_FILE_MAX));
  const [ca, cert, key] = [read(caFile), read(certFile), read(keyFile)];
  try {
    createSecureContext({ ca, cert, key });
  } catch (error) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== undefined).join(', ');
    throw new Error(`${files}: ${(error as Error).message}`, { cause: error });
  }
  const certificateEnds = cert === undefined ? undefined : Date.parse(new X509Certificate(cert).validTo);
  return { serverName, ca, cert, key, certificateEnds };
}

/** Changes when any of the files does. */
export function tlsVersion({ caFile, certFile, keyFile }: TlsOptions): string {
  return [caFile, certFile, keyFile]
    .map((file) => {
      if (file === undefined) return '';
      const found = statSync(file, { throwIfNoEntry: false });
      return found === undefined ? 'gone' : `${found.mtimeMs}/${found.size}/${found.ino}`;
    })
    .join(' ');
}

/** What brokers say of our certificate, by the alert of TLS (RFC 8446, 6.2), in words for who must do something. */
const alerts: readonly (readonly [RegExp, string])[] = [
  [
    /alert certificate revoked/,
    'the platform has withdrawn our certificate: ask it, and enrol with a new code',
  ],
  [/alert certificate expired/, 'our certificate has ended: renew it, or enrol with a new code'],
  [
    /alert (certificate required|bad certificate|unknown ca|certificate unknown)/,
    'the broker does not accept our certificate',
  ],
];

/** The same error, which says what the broker wants where its own words are OpenSSL's. */
export function inPlainWords(error: Error): Error {
  const [, words] = alerts.find(([pattern]) => pattern.test(error.message)) ?? [];
  if (words === undefined) return error;
  const alert = /alert [a-z ]+/.exec(error.message)?.[0] ?? '';
  return new Error(`${words} (TLS: ${alert})`, { cause: error });
}
