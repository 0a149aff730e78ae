/** The certificates that a config names, and when they end. Reading them takes long where they are many: in a thread apart. */
import { X509Certificate } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { readYaml } from '../config/yaml.ts';
import { CERTIFICATE_FILE_MAX, CONFIG_FILE_MAX, readBytesOf, readTextOf } from '../drivers/files.ts';
import { isoOf } from './road/event.ts';

/** One that was read. Times are RFC 3339. */
export interface CertificateFound {
  /** Where in the config it is named: `uplinks.police.tls.certFile`. */
  readonly where: string;
  readonly file: string;
  readonly subject: string;
  readonly issuer: string;
  readonly starts: string;
  readonly ends: string;
  /** Whole days until then; below 0: it has ended. */
  readonly days: number;
}

export interface CertificatesFound {
  readonly certificates: readonly CertificateFound[];
  /** Files that are named, and out of which none can be read. */
  readonly unreadable: readonly { readonly where: string; readonly file: string; readonly reason: string }[];
}

/** A file with certificates, and where it is named. */
export interface Named {
  readonly where: string;
  readonly file: string;
}

export type NamedCertificates = readonly Named[];

/** Those that the gateway made for itself: a school's own stand in the config. */
export const ownCertificates = ({
  console,
  dataDir,
}: Pick<Config, 'console' | 'dataDir'>): NamedCertificates =>
  console?.tls === 'self-signed'
    ? [{ where: 'console.tls', file: join(dataDir, 'console.certificate') }]
    : [];

const DAY_MS = 86_400_000;
/** Of a bundle of many authorities those are told that end first. */
const OF_FILE_MAX = 5;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Those that the config names as it stands in its file, and `others`. Never throws: what cannot be read is told. The first
 * to end comes first.
 */
export function readCertificates({
  file: config,
  others,
  now,
}: {
  readonly file: string;
  readonly others: readonly Named[];
  readonly now: number;
}): CertificatesFound {
  const unreadable: { where: string; file: string; reason: string }[] = [];
  const certificates = [...namedIn(config), ...others].flatMap(({ where, file }) => {
    try {
      const blocks = readTextOf(file, CERTIFICATE_FILE_MAX).match(PEM) ?? [];
      if (blocks.length === 0) throw new Error('no certificate (PEM) is in it');
      return blocks
        .map((block) => ({ where, file, ...wordsOf(new X509Certificate(block), now) }))
        .sort((a, b) => a.days - b.days)
        .slice(0, OF_FILE_MAX);
    } catch (error) {
      unreadable.push({ where, file, reason: (error as Error).message });
      return [];
    }
  });
  return { certificates: certificates.sort((a, b) => a.days - b.days), unreadable };
}

/** Each file once, however many devices name it. */
function namedIn(config: string): readonly Named[] {
  const yaml = readYaml(config, readBytesOf(config, CONFIG_FILE_MAX));
  if ('errors' in yaml) return [];
  const found = new Map<string, Named>();
  const walk = (value: unknown, path: readonly string[]) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      const id: unknown = Array.isArray(value) ? (item as { id?: unknown } | null)?.id : undefined;
      const inside = [...path, typeof id === 'string' ? id : key];
      const file = /^(cert|ca)File$/.test(key) && typeof item === 'string' && resolve(dirname(config), item);
      if (file === false) walk(item, inside);
      else if (!found.has(file)) found.set(file, { where: inside.join('.'), file });
    }
  };
  walk(yaml.data, []);
  return [...found.values()];
}

const nameIn = (text: string | undefined) =>
  /^CN=(.+)$/m.exec(text ?? '')?.[1] ?? (text ?? '').replaceAll('\n', ', ');

function wordsOf({ subject, issuer, validFromDate, validToDate }: X509Certificate, now: number) {
  return {
    subject: nameIn(subject),
    issuer: nameIn(issuer),
    starts: isoOf(validFromDate.getTime()),
    ends: isoOf(validToDate.getTime()),
    days: Math.floor((validToDate.getTime() - now) / DAY_MS),
  };
}
