/** What a report says of files: found in a thread apart (lifecycle/isolated.ts), where nothing waits for a disk. */
import { createHash } from 'node:crypto';
import { CONFIG_FILE_MAX, readBytesOf } from '../../drivers/files.ts';
import { type CertificatesFound, type NamedCertificates, readCertificates } from '../certificates.ts';
import { hashRange, type RangeHash } from '../journal/range-hash.ts';
import { openReader } from '../journal/reader.ts';

export interface FactsQuestion {
  readonly dataDir: string;
  /** The config's file. */
  readonly file: string;
  readonly certificates: NamedCertificates;
  /** Sequences. */
  readonly from: number;
  readonly to: number;
  /** Epoch ms. */
  readonly now: number;
}

/** What could not be read says why. */
export interface Facts {
  readonly journal: (RangeHash & { readonly id: string }) | { readonly reason: string };
  /** SHA-256 of the config that the gateway runs with, hex, and of the file as it is now. */
  readonly config: { readonly taken?: string; readonly file?: string };
  readonly certificates: CertificatesFound;
}

/** Never throws. */
export function gatherFacts({ dataDir, file, certificates, from, to, now }: FactsQuestion): Facts {
  let taken: string | undefined;
  const journal = ((): Facts['journal'] => {
    try {
      const reader = openReader(dataDir);
      try {
        taken = reader.noted('config');
        return { id: reader.journalId, ...hashRange(reader, from, to) };
      } finally {
        reader.close();
      }
    } catch (error) {
      return { reason: (error as Error).message };
    }
  })();
  const own = hashOf(file);
  return {
    journal,
    config: { ...(taken !== undefined && { taken }), ...(own !== undefined && { file: own }) },
    certificates: certificatesOf(file, certificates, now),
  };
}

function certificatesOf(file: string, others: NamedCertificates, now: number): CertificatesFound {
  try {
    return readCertificates({ file, others, now });
  } catch (error) {
    return { certificates: [], unreadable: [{ where: '', file, reason: (error as Error).message }] };
  }
}

function hashOf(file: string): string | undefined {
  try {
    return createHash('sha256').update(readBytesOf(file, CONFIG_FILE_MAX)).digest('hex');
  } catch {
    return undefined;
  }
}
