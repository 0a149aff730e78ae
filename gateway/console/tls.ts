/**
 * TLS of the console: with the school's own certificate, taken up anew where its files change, as certbot changes them;
 * or with one that the gateway signs itself and keeps beside the journal, made anew before it ends, where its clock was
 * wrong, and where the console gets other names.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { domainToASCII } from 'node:url';
import type { ConsoleConfig } from '../../config/sections/console.ts';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { CERTIFICATE_FILE_MAX, readBytesOf, readTextOf, SECRET_FILE_MAX } from '../../drivers/files.ts';
import { replaceFile } from '../lifecycle/replaced-file.ts';
import { type Certificate, selfSigned } from './certificate.ts';

const DAY_MS = 86_400_000;
/** Apple's systems take none that is valid for longer than 825 days (support.apple.com/103769). */
const LIFE_MS = 824 * DAY_MS;
/** Clocks of those who look at it may be behind. */
const EARLY_MS = DAY_MS;
const RENEW_BEFORE_MS = 60 * DAY_MS;
const LOOK_EACH_MS = 600_000;

export interface ConsoleTls {
  /** PEM. */
  readonly current: Certificate;
  readonly isSelfSigned: boolean;
  /** Epoch ms: its end. */
  readonly until: number;
  /** SHA-256, as browsers show it. */
  readonly fingerprint: string;
  /** Called with each certificate that follows. */
  onChanged(listener: (certificate: Certificate) => void): void;
  close(): void;
}

type Config = Pick<ConsoleConfig, 'host' | 'names' | 'tls'>;

/** The names and addresses that a console answers to, as a certificate has them. `own`: addresses of this machine. */
function namesOf({ host, names }: Config, own: readonly string[]): readonly string[] {
  const isEverywhere = host === '0.0.0.0' || host === '::';
  const all = [...names, ...(isEverywhere ? own : [host]), 'localhost', '127.0.0.1', '::1'];
  const plain = all.map((name) => {
    const bare = name.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
    return isIP(bare) === 0 ? domainToASCII(bare) : bare;
  });
  return [...new Set(plain)].filter((name) => name !== '');
}

/** @throws Error where the two are no pair, with what OpenSSL says. */
function paired(cert: string, key: string): Certificate {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error('the key is not the one of the certificate');
  return { cert, key };
}

const readPair = (certFile: string, keyFile: string): Certificate =>
  paired(
    readBytesOf(certFile, CERTIFICATE_FILE_MAX).toString(),
    readBytesOf(keyFile, SECRET_FILE_MAX).toString(),
  );

/** The one of the disk, where it is still good for these names. */
function keptOne(file: string, names: readonly string[], now: number): Certificate | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const text = readTextOf(file, CERTIFICATE_FILE_MAX);
    const x509 = new X509Certificate(text);
    const key = createPrivateKey(text).export({ type: 'pkcs8', format: 'pem' }).toString();
    const found = paired(x509.toString(), key);
    const covers = names.every((name) =>
      isIP(name) === 0 ? x509.checkHost(name) !== undefined : x509.checkIP(name) !== undefined,
    );
    const isOfNow = Date.parse(x509.validFrom) <= now && now < Date.parse(x509.validTo) - RENEW_BEFORE_MS;
    return covers && isOfNow ? found : undefined;
  } catch {
    // Damaged: another one takes its place.
    return undefined;
  }
}

/**
 * undefined: the console speaks HTTP. `own`: addresses of this machine. Where the school's certificate cannot be used, that
 * is told, and one of its own stands in for it: a password is never asked for in clear instead, and no alarm waits for it.
 * Never rejects.
 */
export async function openTls(
  config: Config,
  dataDir: string,
  own: readonly string[],
  { time, log }: { readonly time: Clock; readonly log: Log },
): Promise<ConsoleTls | undefined> {
  const { tls } = config;
  if (tls === undefined) return undefined;
  const names = namesOf(config, own);
  const file = join(dataDir, 'console.certificate');

  const make = async (): Promise<Certificate> => {
    const now = time.wall();
    const found = keptOne(file, names, now);
    if (found !== undefined) return found;
    const made = selfSigned(names, now - EARLY_MS, now + LIFE_MS);
    await replaceFile(file, `${made.cert}${made.key}`).catch(({ message: error }: Error) =>
      log.warn(
        { file, error },
        'the certificate of the console cannot be kept; the next start makes another',
      ),
    );
    return made;
  };
  /** `before`: what stands in for one that cannot be used. */
  const load = async (before?: Certificate): Promise<Certificate> => {
    if (tls === 'self-signed') return await make();
    try {
      const own = readPair(tls.certFile, tls.keyFile);
      isSelfSigned = false;
      return own;
    } catch (error) {
      const file = tls.certFile;
      log.error({ file, error: (error as Error).message }, 'the certificate of the console cannot be used');
      return before ?? (await make());
    }
  };
  let isSelfSigned = true;
  let current = await load();
  const listeners: ((certificate: Certificate) => void)[] = [];
  const x509 = () => new X509Certificate(current.cert);
  const look = async () => {
    const next = await load(current);
    if (next.cert === current.cert && next.key === current.key) return;
    current = next;
    for (const listener of listeners) listener(next);
    log.info({ until: x509().validTo }, 'the console has a new certificate');
  };
  const looking: Timer = time.every(LOOK_EACH_MS, () => void look());
  return {
    get current() {
      return current;
    },
    get isSelfSigned() {
      return isSelfSigned;
    },
    get until() {
      return Date.parse(x509().validTo);
    },
    get fingerprint() {
      return createHash('sha256')
        .update(x509().raw)
        .digest('hex')
        .toUpperCase()
        .replace(/..(?=.)/g, '$&:');
    },
    onChanged: (listener) => void listeners.push(listener),
    close: () => looking.stop(),
  };
}
