/** What a gateway keeps of its enrolment, in its data folder, for itself alone. */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CERTIFICATE_FILE_MAX, readTextOf, SECRET_FILE_MAX } from '../../drivers/files.ts';
import { replaceFile } from '../lifecycle/replaced-file.ts';
import { type EnrolmentFile, enrolmentFile } from './wire.ts';

export interface EnrolmentPaths {
  /** `enrolmentFile` of the config: JSON. */
  readonly file: string;
  /** Key and certificate in one file, so that one never stands beside another's other half. */
  readonly certFile: string;
  /** Who signed the certificates of the brokers. */
  readonly caFile: string;
}

/** Where `enrol` puts them. The daemon renews there, and /etc is closed to it. */
export const pathsOf = (dataDir: string, uplink: string): EnrolmentPaths => ({
  file: join(dataDir, `enrolment.${uplink}.json`),
  certFile: join(dataDir, `enrolment.${uplink}.pem`),
  caFile: join(dataDir, `enrolment.${uplink}.ca.pem`),
});

/** @throws Error with the name of the file, where it is not there or not what `enrol` wrote. */
export function readEnrolment(file: string): EnrolmentFile {
  const text = readTextOf(file, SECRET_FILE_MAX);
  try {
    return enrolmentFile.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${file} is not what \`campus-gateway enrol\` wrote`, { cause: error });
  }
}

export const keepEnrolment = async (file: string, state: EnrolmentFile): Promise<void> =>
  await replaceFile(file, `${JSON.stringify(state, null, 1)}\n`);

export interface OwnCertificate {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
  /** Hex, as the authority keeps it. */
  readonly serial: string;
  /** Epoch ms, both. */
  readonly from: number;
  readonly ends: number;
}

/** @throws what the system or OpenSSL says, with the name of the file. */
export function readOwn(certFile: string, keyFile = certFile): OwnCertificate {
  try {
    const certificate = new X509Certificate(readTextOf(certFile, CERTIFICATE_FILE_MAX));
    return {
      certificate,
      privateKey: createPrivateKey(readTextOf(keyFile, CERTIFICATE_FILE_MAX)),
      serial: certificate.serialNumber.toLowerCase(),
      from: certificate.validFromDate.getTime(),
      ends: certificate.validToDate.getTime(),
    };
  } catch (error) {
    throw new Error(`${certFile}: ${(error as Error).message}`, { cause: error });
  }
}

/** A key as commands are checked with it. */
export interface EnrolledKey {
  readonly issuer: string;
  readonly key: KeyObject;
  readonly notBefore: number;
  readonly notAfter?: number | undefined;
}

/** The keys of commands of an enrolment, read again when its file changes. Never throws: without it there are none. */
export function createEnrolledKeys(
  file: string,
  onBroken: (reason: string) => void,
): () => readonly EnrolledKey[] {
  let version = '';
  let keys: readonly EnrolledKey[] = [];
  return () => {
    const found = statSync(file, { throwIfNoEntry: false });
    const now = found === undefined ? 'gone' : `${found.mtimeMs}/${found.size}/${found.ino}`;
    if (now === version) return keys;
    version = now;
    try {
      keys = readEnrolment(file).keys.map(({ issuer, publicKey, notBefore, notAfter }) => ({
        ...{ issuer, key: createPublicKey(publicKey), notBefore: Date.parse(notBefore) },
        ...(notAfter !== undefined && { notAfter: Date.parse(notAfter) }),
      }));
    } catch (error) {
      // What was good stays good: its times hold all the same.
      onBroken((error as Error).message);
    }
    return keys;
  };
}
