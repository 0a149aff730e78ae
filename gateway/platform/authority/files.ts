/**
 * The keys of the authority, in a folder that only its user reads: what signs certificates, and what signs commands. A
 * copy of the folder on another machine is another instance of the same authority.
 *
 *   authority.key   P-256, PKCS #8, with the passphrase where one is given        authority.pem   its certificate
 *   command-ID.key  Ed25519, alike                                                 revoked.pem     the list for brokers
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../../../config/language.ts';
import { CERTIFICATE_FILE_MAX, readTextOf, SECRET_FILE_MAX } from '../../../drivers/files.ts';
import { belongHere } from '../../lifecycle/belonging.ts';
import { makeFolder, PRIVATE_FILE } from '../../lifecycle/private-files.ts';
import { type Issuer, pem, randomSerial, signCertificate } from '../../x509.ts';

/** A root lasts longer than what it signs, and is replaced by hand. */
const AUTHORITY_YEARS = 20;
const DAY_MS = 86_400_000;

export interface AuthorityFiles {
  readonly issuer: Required<Issuer>;
  /** PEM, and the same in DER. */
  readonly ca: string;
  readonly der: Buffer;
  readonly directory: string;
  /** The private key of a key of commands; undefined: it was made on another machine, and is not here. */
  commandKey(id: string): KeyObject | undefined;
  keepCommandKey(id: string, key: KeyObject): void;
}

/** The authority's folder or its passphrase is not as it must be. */
export class AuthorityError extends Error {
  readonly code = 'E_AUTHORITY';
}

/**
 * `create`: where there is none, one is made; of two that do so at once one wins. @returns undefined: there is none.
 * @throws AuthorityError where the passphrase is not the one of the key; what the disk says.
 */
export function openAuthorityFiles(
  directory: string,
  {
    passphrase,
    create,
    now,
  }: { readonly passphrase?: string | undefined; readonly create: boolean; readonly now: number },
): AuthorityFiles | undefined {
  const path = (name: string) => join(directory, name);
  const read = (name: string, most: number) => {
    try {
      return readTextOf(path(name), most);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
  const readKey = (name: string) => {
    const text = read(name, SECRET_FILE_MAX);
    return text === undefined ? undefined : unlocked(path(name), text, passphrase);
  };
  if (create) makeFolder(directory);
  if (read('authority.key', SECRET_FILE_MAX) === undefined) {
    if (!create) return undefined;
    putOnce(
      path('authority.key'),
      locked(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, passphrase),
    );
  }
  const privateKey = readKey('authority.key') as KeyObject;
  const publicKey = createPublicKey(privateKey);
  if (read('authority.pem', CERTIFICATE_FILE_MAX) === undefined)
    putOnce(path('authority.pem'), ownCertificate({ publicKey, privateKey }, now));
  const certificate = new X509Certificate(read('authority.pem', CERTIFICATE_FILE_MAX) ?? '');
  if (!certificate.checkPrivateKey(privateKey))
    throw new AuthorityError(
      say(
        `${directory}: authority.pem and authority.key are no pair`,
        `${directory}：authority.pem 与 authority.key 不匹配`,
      ),
    );
  const name = /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? '';
  return {
    issuer: { name, publicKey, privateKey },
    ca: certificate.toString(),
    der: certificate.raw,
    directory,
    commandKey: (id) => readKey(`command-${id}.key`),
    keepCommandKey: (id, key) => putOnce(path(`command-${id}.key`), locked(key, passphrase)),
  };
}

function ownCertificate(
  keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  now: number,
): string {
  const serial = randomSerial();
  // Each has another name: of two authorities of one name, OpenSSL would try the wrong one.
  const name = `Campus Gateway authority ${serial.toString('hex').slice(0, 8)}`;
  const wanted = { serial, subject: name, publicKey: keys.publicKey, use: 'authority' } as const;
  const times = { notBefore: now - DAY_MS, notAfter: now + AUTHORITY_YEARS * 365 * DAY_MS };
  return pem('CERTIFICATE', signCertificate({ ...wanted, ...times }, { name, ...keys }));
}

const locked = (key: KeyObject, passphrase: string | undefined): string =>
  key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();

function unlocked(file: string, text: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: text, ...(passphrase !== undefined && { passphrase }) });
  } catch (error) {
    const isLocked = text.includes('ENCRYPTED');
    throw new AuthorityError(
      isLocked
        ? say(
            `${file} has a passphrase: AUTHORITY_PASSPHRASE of the environment is missing or another one`,
            `${file} 有口令保护：环境变量 AUTHORITY_PASSPHRASE 缺失或不正确`,
          )
        : say(
            `${file} is no private key: ${(error as Error).message}`,
            `${file} 不是私钥：${(error as Error).message}`,
          ),
      { cause: error },
    );
  }
}

/** Whole or not at all, and never in the place of another one. */
function putOnce(file: string, content: string): void {
  const partial = `${file}.${process.pid}.new`;
  rmSync(partial, { force: true });
  writeFileSync(partial, content, { mode: PRIVATE_FILE, flag: 'wx', flush: true });
  // Root makes it at a terminal; the platform, which is not root, reads it.
  belongHere(partial);
  try {
    linkSync(partial, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(partial, { force: true });
  }
}
