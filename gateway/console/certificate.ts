/**
 * A certificate that the gateway signs itself, where the school has none: for the names and addresses under which the
 * console is asked.
 */
import { generateKeyPairSync } from 'node:crypto';
import { pem, randomSerial, signCertificate } from '../x509.ts';

export interface Certificate {
  /** PEM, both. */
  readonly cert: string;
  readonly key: string;
}

/** Times in epoch ms. `names`: DNS names in ASCII, and addresses; the first is its common name. */
export function selfSigned(names: readonly string[], notBefore: number, notAfter: number): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [subject = 'campus-gateway'] = names;
  const wanted = { serial: randomSerial(), subject, publicKey, notBefore, notAfter, names };
  return {
    cert: pem('CERTIFICATE', signCertificate({ ...wanted, use: 'server' }, { name: subject, privateKey })),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
