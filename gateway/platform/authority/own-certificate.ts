/**
 * The certificate of the city's own page, by its own authority: what gateways know when they enrol. Made anew before it
 * ends, and where the page gets other names; the page takes up new files by itself (console/tls.ts).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { domainToASCII } from 'node:url';
import { CERTIFICATE_FILE_MAX, readTextOf } from '../../../drivers/files.ts';
import { replaceFile } from '../../lifecycle/replaced-file.ts';
import { type Authority, LIFE_MAX_MS } from './index.ts';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** One file has both: one never stands beside another's other half. @throws what the disk or the database says. */
export async function keepOwnCertificate(
  authority: Authority,
  {
    directory,
    names,
    now,
  }: { readonly directory: string; readonly names: readonly string[]; readonly now: number },
): Promise<CertificateFiles> {
  const file = join(directory, 'page.pem');
  const plain = [...new Set(names.map((name) => (isIP(name) === 0 ? domainToASCII(name) : name)))];
  const known = plain.filter((name) => name !== '');
  if (!isGood(file, authority, known, now)) {
    const { cert, key } = await authority.issueServer(known);
    await replaceFile(file, `${cert}${key}`);
  }
  return { certFile: file, keyFile: file };
}

function isGood(file: string, authority: Authority, names: readonly string[], now: number): boolean {
  try {
    const text = readTextOf(file, CERTIFICATE_FILE_MAX);
    const found = new X509Certificate(text);
    return (
      found.checkPrivateKey(createPrivateKey(text)) &&
      found.checkIssued(new X509Certificate(authority.ca)) &&
      found.validToDate.getTime() - now > LIFE_MAX_MS / 3 &&
      names.every((name) => (isIP(name) === 0 ? found.checkHost(name) : found.checkIP(name)) !== undefined)
    );
  } catch {
    return false;
  }
}
