/**
 * The authority of a city: gives each campus its certificate for a code that is good once, another one before that ends,
 * and withdraws it. Who is who stands in the database (registry.ts); the keys are in a folder (files.ts).
 *
 * A certificate's common name is the number of its campus, and nothing else of a request is believed but its key. An
 * answer that was lost on its way is given again for an hour, to who has the same key.
 */
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import { say } from '../../../config/language.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { codeId, codeKey, isSame, makeCode, proofOf, readCode } from '../../enrolment/code.ts';
import {
  type Enrolling,
  EnrolmentRefused,
  fingerprintOf,
  type Granted,
  type Hello,
  ISSUER,
  isRightlySigned,
  type Renewing,
} from '../../enrolment/wire.ts';
import { replaceFile } from '../../lifecycle/replaced-file.ts';
import { pem, randomSerial, readRequest, signCertificate, signRevocations } from '../../x509.ts';
import { AuthorityError, type AuthorityFiles } from './files.ts';
import type { Changes, KeptCertificate, KeptKey, Registry, UplinkSetting } from './registry.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Browsers take none that lasts longer (CA/Browser Forum, 6.3.2), and a year and a month is a date to remember. */
export const LIFE_MAX_MS = 397 * DAY_MS;
/** Clocks of gateways may be behind. */
const EARLY_MS = HOUR_MS;
const CLOCKS_APART_MS = 600_000;
/** Brokers let nobody in with a list that is over; it is written anew each day. */
const LIST_LIFE_MS = 30 * DAY_MS;

export interface AuthorityOptions {
  readonly files: AuthorityFiles;
  readonly registry: Registry;
  readonly time: Pick<Clock, 'wall'>;
  /** Of the certificates of campuses, ms. */
  readonly lifeMs?: number | undefined;
}

/** @throws AuthorityError where another authority is the one of this database. */
export async function openAuthority({ files, registry, time, lifeMs = LIFE_MAX_MS }: AuthorityOptions) {
  const { ca, der, directory } = files;
  const own = fingerprintOf(der);
  const inForce = await registry.claim(own);
  if (inForce !== own)
    throw new AuthorityError(
      say(
        `the authority of this database is another one (SHA-256 ${inForce.slice(0, 16)}…) than that of ${directory}: copy its folder here`,
        `该数据库的证书机构（SHA-256 ${inForce.slice(0, 16)}…）与 ${directory} 中的不同：请将其目录复制到此处`,
      ),
    );
  const issue = createIssuing(files, time);
  const grant = createGranting(ca, registry, time);

  return {
    /** PEM. */
    ca,
    /** Where its keys are. */
    directory,
    fingerprint: own,
    /** What a code makes known before it is sent. @throws EnrolmentRefused. */
    async hello({ id, nonce }: Hello): Promise<{ readonly ca: string; readonly proof: string }> {
      const code = await registry.code(id);
      if (code === undefined) throw new EnrolmentRefused('unknown-code');
      return { ca, proof: proofOf(code.key, Buffer.from(nonce, 'base64url'), der).toString('base64url') };
    },
    /** @throws EnrolmentRefused. */
    async enrol(request: Enrolling): Promise<Granted> {
      const publicKey = keyOf(request.csr);
      const made = await registry.change((changes) =>
        enrolWith(changes, request, publicKey, { issue, lifeMs, now: time.wall() }),
      );
      return await grant(made.prefix, made.certificate);
    },
    /** @throws EnrolmentRefused. */
    async renew(request: Renewing): Promise<Granted> {
      const kept = await lookAtRenewing(request, { registry, audience: own, now: time.wall() });
      const publicKey = request.csr === undefined ? undefined : keyOf(request.csr);
      const made = await registry.change((changes) =>
        renewWith(changes, kept, publicKey, { issue, lifeMs, now: time.wall() }),
      );
      return await grant(made.prefix, made.certificate);
    },
    /**
     * Makes a code for each campus, in the place of those that it has not used. @returns them in this order; nobody can be
     * told them again.
     */
    async codes(
      campuses: readonly string[],
      { prefixOf, validMs }: { readonly prefixOf: (campus: string) => string; readonly validMs: number },
    ) {
      const madeAt = time.wall();
      const endsAt = madeAt + validMs;
      return await registry.change(async (changes) => {
        const made: { campus: string; code: string; endsAt: number }[] = [];
        for (const campus of campuses) {
          const code = makeCode();
          await changes.addCode(
            { campus, prefix: prefixOf(campus) },
            { id: codeId(code), key: codeKey(code), madeAt, endsAt },
          );
          made.push({ campus, code, endsAt });
        }
        return made;
      });
    },
    /** A certificate of a broker, or of the platform itself, with its key: both in PEM. */
    async issueServer(names: readonly string[], serverLifeMs = LIFE_MAX_MS) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const [subject = ''] = names;
      const made = issue({ subject, publicKey, use: 'server', names, lifeMs: serverLifeMs });
      await registry.change((changes) => changes.addCertificate(made));
      return {
        cert: made.pem,
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        endsAt: made.endsAt,
      };
    },
    /** The list of revoked certificates, PEM (RFC 5280). */
    list: async () => await listOf(files, registry, time.wall()),
    /** Puts it beside the keys, for brokers. @returns the file. */
    async writeList(): Promise<string> {
      const file = join(directory, 'revoked.pem');
      await replaceFile(file, await listOf(files, registry, time.wall()));
      return file;
    },
    ...createCommandKeys(files, registry, time),
  };
}
export type Authority = Awaited<ReturnType<typeof openAuthority>>;

/**
 * Takes back what a campus was given; it needs no key. One whose certificate was made elsewhere is known by what came of
 * it. @returns how many certificates are worth nothing from now on, and whether this authority ever issued it one;
 * undefined: there is no such campus.
 */
export async function withdrawCampus(
  registry: Registry,
  campus: string,
  reason: string | undefined,
  now: number,
): Promise<{ readonly revoked: number; readonly isOurs: boolean } | undefined> {
  return await registry.change(async (changes) => {
    await changes.adopt(campus, now);
    if ((await changes.campus(campus)) === undefined) return undefined;
    await changes.dropCodes(campus);
    await changes.setState(campus, 'withdrawn', now, reason);
    const revoked = await changes.revoke(campus, now, 'withdrawn');
    return { revoked, isOurs: await changes.hasCertificate(campus) };
  });
}

/** @throws EnrolmentRefused. */
function keyOf(csr: string): KeyObject {
  try {
    return readRequest(csr);
  } catch {
    throw new EnrolmentRefused('malformed');
  }
}
const keyHash = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

interface Wanted {
  readonly subject: string;
  readonly campus?: string;
  readonly publicKey: KeyObject;
  readonly use: 'server' | 'client';
  readonly names?: readonly string[];
  readonly lifeMs: number;
}

const createIssuing =
  ({ issuer }: AuthorityFiles, time: Pick<Clock, 'wall'>) =>
  ({ subject, campus, publicKey, use, names, lifeMs }: Wanted): KeptCertificate => {
    const now = time.wall();
    const serial = randomSerial();
    // Whole seconds, as a certificate has them.
    const endsAt = Math.floor((now + lifeMs) / 1000) * 1000;
    const der = signCertificate(
      {
        ...{
          serial,
          subject,
          publicKey,
          use,
          notBefore: now - Math.min(EARLY_MS, lifeMs / 10),
          notAfter: endsAt,
        },
        ...(names !== undefined && { names }),
      },
      issuer,
    );
    return {
      ...{ serial: serial.toString('hex'), campus, subject, key: keyHash(publicKey) },
      ...{ pem: pem('CERTIFICATE', der), issuedAt: now, endsAt },
    };
  };
type Issue = ReturnType<typeof createIssuing>;

/** What a campus is told: its certificate, and what holds for all. */
const createGranting =
  (ca: string, registry: Registry, time: Pick<Clock, 'wall'>) =>
  async (prefix: string, certificate?: KeptCertificate): Promise<Granted> => {
    const { urls = [], ca: brokersCa } = (await registry.setting<UplinkSetting>('uplink')) ?? {};
    const keys = await registry.keys(time.wall());
    return {
      ...(certificate !== undefined && { certificate: certificate.pem }),
      ca,
      uplink: { urls: [...urls], prefix, ...(brokersCa !== undefined && { ca: brokersCa }) },
      keys: keys.map(({ issuer, publicKey, notBefore, notAfter }) => ({
        ...{ issuer, publicKey, notBefore: new Date(notBefore).toISOString() },
        ...(notAfter !== undefined && { notAfter: new Date(notAfter).toISOString() }),
      })),
    };
  };

/** Uses a code, within a transaction. @throws EnrolmentRefused: nothing is changed. */
async function enrolWith(
  changes: Changes,
  { code: typed, campus }: Enrolling,
  publicKey: KeyObject,
  { issue, lifeMs, now }: { readonly issue: Issue; readonly lifeMs: number; readonly now: number },
): Promise<{ readonly prefix: string; readonly certificate: KeptCertificate }> {
  const read = readCode(typed);
  if ('wrong' in read) throw new EnrolmentRefused('unknown-code');
  const id = codeId(read.code);
  const code = await changes.code(id);
  if (code === undefined || !isSame(code.key, codeKey(read.code))) throw new EnrolmentRefused('unknown-code');
  if (code.campus !== campus) throw new EnrolmentRefused('other-campus');
  const { prefix } = code;
  if (code.usedAt !== undefined) {
    const before = await changes.certificateOfKey(campus, keyHash(publicKey));
    if (before?.serial === code.serial && before !== undefined && now - code.usedAt < HOUR_MS)
      return { prefix, certificate: before };
    throw new EnrolmentRefused('spent-code');
  }
  if (code.endsAt <= now) throw new EnrolmentRefused('ended-code');
  // The machine that it takes the place of, if any, is out; one that renews now waits, and sees it.
  await changes.campus(campus);
  await changes.revoke(campus, now, 'superseded');
  const certificate = issue({ subject: campus, campus, publicKey, use: 'client', lifeMs });
  await changes.addCertificate(certificate);
  await changes.useCode(id, now, certificate.serial);
  await changes.setState(campus, 'enrolled', now);
  return { prefix, certificate };
}

/** Another certificate, within a transaction; without a key none. @throws EnrolmentRefused. */
async function renewWith(
  changes: Changes,
  { campus, serial }: { readonly campus: string; readonly serial: string },
  publicKey: KeyObject | undefined,
  { issue, lifeMs, now }: { readonly issue: Issue; readonly lifeMs: number; readonly now: number },
): Promise<{ readonly prefix: string; readonly certificate?: KeptCertificate }> {
  const found = await changes.campus(campus);
  if (found === undefined) throw new EnrolmentRefused('unknown-certificate');
  if (found.state === 'withdrawn') throw new EnrolmentRefused('withdrawn');
  const { prefix } = found;
  // A machine that took its place came in between.
  if (await changes.isRevoked(serial)) throw new EnrolmentRefused('unknown-certificate');
  if (publicKey === undefined) return { prefix };
  const before = await changes.certificateOfKey(campus, keyHash(publicKey));
  if (before !== undefined && now - before.issuedAt < HOUR_MS) return { prefix, certificate: before };
  const certificate = issue({ subject: campus, campus, publicKey, use: 'client', lifeMs });
  await changes.addCertificate(certificate);
  return { prefix, certificate };
}

/** Who asks for a renewal is who has the key of a certificate that is good. @throws EnrolmentRefused. */
async function lookAtRenewing(
  request: Renewing,
  {
    registry,
    audience,
    now,
  }: { readonly registry: Registry; readonly audience: string; readonly now: number },
): Promise<KeptCertificate & { readonly campus: string }> {
  const kept = await registry.certificate(request.serial);
  const { campus } = kept ?? {};
  if (
    kept === undefined ||
    campus === undefined ||
    campus !== request.campus ||
    request.audience !== audience
  )
    throw new EnrolmentRefused('unknown-certificate');
  if (!isRightlySigned(request, new X509Certificate(kept.pem).publicKey))
    throw new EnrolmentRefused('wrong-signature');
  if (kept.reason === 'withdrawn') throw new EnrolmentRefused('withdrawn');
  if (kept.revokedAt !== undefined) throw new EnrolmentRefused('unknown-certificate');
  if (kept.endsAt <= now) throw new EnrolmentRefused('ended-certificate');
  if (Math.abs(Date.parse(request.time) - now) > CLOCKS_APART_MS) throw new EnrolmentRefused('wrong-time');
  return { ...kept, campus };
}

async function listOf({ issuer }: AuthorityFiles, registry: Registry, now: number): Promise<string> {
  const revoked = (await registry.revoked(now)).map(({ serial, revokedAt = now, reason = 'withdrawn' }) => ({
    ...{ serial: Buffer.from(serial, 'hex'), at: revokedAt, reason },
  }));
  const times = { number: now, from: now - EARLY_MS, next: now + LIST_LIFE_MS };
  return pem('X509 CRL', signRevocations({ revoked, ...times }, issuer));
}

/** The keys that the platform's own commands are signed with. */
function createCommandKeys(files: AuthorityFiles, registry: Registry, time: Pick<Clock, 'wall'>) {
  const signing = async (): Promise<{ readonly kept: KeptKey; readonly key: KeyObject } | undefined> => {
    const now = time.wall();
    for (const kept of (await registry.keys(now)).toReversed()) {
      const key = kept.signsFrom <= now ? files.commandKey(kept.id) : undefined;
      if (key !== undefined) return { kept, key };
    }
    return undefined;
  };
  return {
    /** Whether it can be signed with here. @throws what the disk says. */
    hasKey: (id: string) => files.commandKey(id) !== undefined,
    keys: async () => await registry.keys(time.wall()),
    /**
     * Makes another key. Campuses get it within a day of asking; the platform signs with it from the middle of
     * `overlapMs` on, and what the old ones signed is believed until its end. The first one signs at once.
     */
    async rotate(overlapMs: number): Promise<KeptKey> {
      const now = time.wall();
      const isFirst = (await registry.keys(now)).length === 0;
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      const made: KeptKey = {
        ...{ id: randomBytes(8).toString('hex'), issuer: ISSUER },
        publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        ...{ notBefore: now - EARLY_MS, signsFrom: isFirst ? now : now + overlapMs / 2 },
      };
      // Before anybody is told of it: a key whose half was lost would sign nothing.
      files.keepCommandKey(made.id, privateKey);
      await registry.change((changes) => changes.addKey(made, now + overlapMs));
      return made;
    },
    /**
     * Signs a command, which names its target and its audience (docs/platform.md). @returns it as it is sent; unsigned where
     * the platform has no key.
     */
    async signCommand<T extends { readonly target: string; readonly audience: string }>(
      command: T,
    ): Promise<T & { readonly issuer?: string; readonly signature?: string }> {
      const found = await signing();
      if (found === undefined) return command;
      const whole = { ...command, issuer: found.kept.issuer };
      const signature = sign(null, Buffer.from(canonicalize(whole) ?? ''), found.key).toString('base64url');
      return { ...whole, signature };
    },
  };
}
