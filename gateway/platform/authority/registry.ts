/**
 * Who was given a certificate, in PostgreSQL, so that all instances of a platform see it: campuses and how they are, codes
 * (only what they hash to), each certificate that was ever issued, the keys that commands are signed with, and what
 * campuses are told of their uplink.
 *
 *   invited --its code is used--> enrolled --withdraw--> withdrawn --another code is used--> enrolled
 */
import { EnrolmentRefused } from '../../enrolment/wire.ts';
import type { RevocationReason } from '../../x509.ts';
import type { Database, Query } from '../database/connection.ts';
import { notify } from '../database/notify.ts';

export type CampusState = 'invited' | 'enrolled' | 'withdrawn';
/** Times are epoch ms here, and below. */
export interface EnrolledCampus {
  readonly campus: string;
  readonly prefix: string;
  readonly state: CampusState;
  readonly since: number;
  readonly reason?: string | undefined;
  /** When the last of its certificates that were not revoked ends. */
  readonly certificateEnds?: number | undefined;
  /** When the code that is still unused ends. */
  readonly codeEnds?: number | undefined;
}
export interface KeptCode {
  readonly key: Buffer;
  readonly campus: string;
  readonly prefix: string;
  readonly endsAt: number;
  readonly usedAt?: number | undefined;
  /** Of the certificate that it was given for. */
  readonly serial?: string | undefined;
}
export interface KeptCertificate {
  /** Hex. */
  readonly serial: string;
  /** undefined: of a server. */
  readonly campus?: string | undefined;
  readonly subject: string;
  /** SHA-256 of the public key (SPKI), hex. */
  readonly key: string;
  readonly pem: string;
  readonly issuedAt: number;
  readonly endsAt: number;
  readonly revokedAt?: number | undefined;
  readonly reason?: RevocationReason | undefined;
}
export interface KeptKey {
  readonly id: string;
  readonly issuer: string;
  readonly publicKey: string;
  readonly notBefore: number;
  /** The platform signs with it from then on: by then campuses have it. */
  readonly signsFrom: number;
  readonly notAfter?: number | undefined;
}
/** What campuses are told of their uplink. */
export interface UplinkSetting {
  readonly urls: readonly string[];
  /** PEM, where the brokers' certificates are of another authority. */
  readonly ca?: string | undefined;
}

const at = (ms: number) => new Date(ms);
const maybe = (value: unknown) => (value === null ? undefined : Number(value));
type Row = Record<string, unknown>;

const certificateOf = (row: Row): KeptCertificate => ({
  serial: String(row['serial']),
  campus: (row['campus'] as string | null) ?? undefined,
  subject: String(row['subject']),
  key: String(row['key']),
  pem: String(row['pem']),
  issuedAt: Number(row['issued_at']),
  endsAt: Number(row['ends_at']),
  revokedAt: maybe(row['revoked_at']),
  reason: (row['reason'] as RevocationReason | null) ?? undefined,
});
const campusOf = (row: Row): EnrolledCampus => ({
  campus: String(row['campus']),
  prefix: String(row['prefix']),
  state: row['state'] as CampusState,
  since: Number(row['since']),
  reason: (row['reason'] as string | null) ?? undefined,
  certificateEnds: maybe(row['certificate_ends'] ?? null),
  codeEnds: maybe(row['code_ends'] ?? null),
});

/** Over tables that are there (database/migrations.ts). */
export const createRegistry = (database: Database) => ({
  ...readsOf(database.query),
  ...settingsOf(database.query),
  /** All of it or nothing; it may run twice. */
  async change<T>(work: (changes: Changes) => Promise<T>): Promise<T> {
    try {
      return await database.transaction(async (query) => await work(changesOf(query)));
    } catch (error) {
      // Who refuses in the middle is no trouble of the database.
      const { cause } = error as Error;
      throw cause instanceof EnrolmentRefused ? cause : error;
    }
  },
});
export type Registry = ReturnType<typeof createRegistry>;

const readsOf = (query: Query) => ({
  /** In the order of their numbers. */
  async campuses(): Promise<readonly EnrolledCampus[]> {
    const rows = await query<Row>(`
      SELECT c.*,
        (SELECT max(ends_at) FROM enrolment_certificate WHERE campus = c.campus AND revoked_at IS NULL) AS certificate_ends,
        (SELECT max(ends_at) FROM enrolment_code WHERE campus = c.campus AND used_at IS NULL) AS code_ends
      FROM enrolment_campus c ORDER BY campus`);
    return rows.map(campusOf);
  },
  /** By their prefixes, without what each has. */
  async states(): Promise<ReadonlyMap<string, Pick<EnrolledCampus, 'campus' | 'state'>>> {
    const rows = await query<Row>('SELECT prefix, campus, state FROM enrolment_campus');
    return new Map(
      rows.map(({ prefix, campus, state }) => [
        String(prefix),
        { campus: String(campus), state: state as CampusState },
      ]),
    );
  },
  async code(id: string): Promise<KeptCode | undefined> {
    return await codeOf(query, id, '');
  },
  async certificate(serial: string): Promise<KeptCertificate | undefined> {
    const rows = await query<Row>('SELECT * FROM enrolment_certificate WHERE serial = $1', [serial]);
    return rows[0] && certificateOf(rows[0]);
  },
  /** Revoked ones that have not ended yet: others need no list. */
  async revoked(now: number): Promise<readonly KeptCertificate[]> {
    const rows = await query<Row>(
      'SELECT * FROM enrolment_certificate WHERE revoked_at IS NOT NULL AND ends_at > $1 ORDER BY revoked_at, serial',
      [at(now)],
    );
    return rows.map(certificateOf);
  },
  /** Those that are good now or later, the newest last. */
  async keys(now: number): Promise<readonly KeptKey[]> {
    const rows = await query<Row>(
      'SELECT * FROM enrolment_key WHERE not_after IS NULL OR not_after > $1 ORDER BY not_before',
      [at(now)],
    );
    return rows.map((row) => ({
      id: String(row['id']),
      issuer: String(row['issuer']),
      publicKey: String(row['public_key']),
      notBefore: Number(row['not_before']),
      signsFrom: Number(row['signs_from']),
      notAfter: maybe(row['not_after']),
    }));
  },
});

const settingsOf = (query: Query) => ({
  async setting<T>(name: 'authority' | 'uplink'): Promise<T | undefined> {
    const rows = await query<Row>('SELECT value FROM enrolment_setting WHERE name = $1', [name]);
    return rows[0]?.['value'] as T | undefined;
  },
  async set(name: 'uplink', value: UplinkSetting): Promise<void> {
    await query(
      'INSERT INTO enrolment_setting VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      [name, JSON.stringify(value)],
    );
  },
  /** Which authority is in force: the first one that says so. @returns it. */
  async claim(fingerprint: string): Promise<string> {
    const rows = await query<Row>(
      `INSERT INTO enrolment_setting VALUES ('authority', $1)
       ON CONFLICT (name) DO UPDATE SET value = enrolment_setting.value RETURNING value`,
      [JSON.stringify(fingerprint)],
    );
    return String(rows[0]?.['value']);
  },
});

async function codeOf(query: Query, id: string, lock: string): Promise<KeptCode | undefined> {
  const rows = await query<Row>(
    `SELECT k.*, c.prefix FROM enrolment_code k JOIN enrolment_campus c USING (campus) WHERE k.id = $1 ${lock}`,
    [id],
  );
  const [row] = rows;
  return (
    row && {
      key: row['key'] as Buffer,
      campus: String(row['campus']),
      prefix: String(row['prefix']),
      endsAt: Number(row['ends_at']),
      usedAt: maybe(row['used_at']),
      serial: (row['serial'] as string | null) ?? undefined,
    }
  );
}

export type Changes = ReturnType<typeof changesOf>;
const changesOf = (query: Query) => ({
  /** A campus that is invited, where it is not there yet; a code takes the place of those that nobody used. */
  async addCode(
    { campus, prefix }: { readonly campus: string; readonly prefix: string },
    code: { readonly id: string; readonly key: Buffer; readonly madeAt: number; readonly endsAt: number },
  ) {
    await query(
      `INSERT INTO enrolment_campus VALUES ($1, $2, 'invited', $3)
       ON CONFLICT (campus) DO UPDATE SET prefix = excluded.prefix`,
      [campus, prefix, at(code.madeAt)],
    );
    // The city expects it: it is in its list before it says its first word.
    await query('INSERT INTO campus (prefix, number) VALUES ($1, $2) ON CONFLICT (prefix) DO NOTHING', [
      prefix,
      campus,
    ]);
    await query('DELETE FROM enrolment_code WHERE campus = $1 AND used_at IS NULL', [campus]);
    await query('INSERT INTO enrolment_code VALUES ($1, $2, $3, $4, $5)', [
      code.id,
      code.key,
      campus,
      at(code.madeAt),
      at(code.endsAt),
    ]);
  },
  /** A campus that was heard, and never given a code: the first prefix with its number. */
  async adopt(campus: string, now: number) {
    await query(
      `INSERT INTO enrolment_campus SELECT number, prefix, 'enrolled', $2 FROM campus WHERE number = $1 ORDER BY id LIMIT 1
       ON CONFLICT DO NOTHING`,
      [campus, at(now)],
    );
  },
  /** It was issued one by this authority, however long ago. */
  async hasCertificate(campus: string): Promise<boolean> {
    return (
      (await query<Row>('SELECT FROM enrolment_certificate WHERE campus = $1 LIMIT 1', [campus])).length > 0
    );
  },
  /** Nobody else has it until this transaction ends. */
  code: (id: string) => codeOf(query, id, 'FOR UPDATE'),
  /** The same, of a campus. undefined: there is none. */
  async campus(campus: string): Promise<EnrolledCampus | undefined> {
    const rows = await query<Row>('SELECT * FROM enrolment_campus WHERE campus = $1 FOR UPDATE', [campus]);
    return rows[0] && campusOf(rows[0]);
  },
  async certificateOfKey(campus: string, key: string): Promise<KeptCertificate | undefined> {
    const rows = await query<Row>(
      `SELECT * FROM enrolment_certificate WHERE campus = $1 AND key = $2 AND revoked_at IS NULL
       ORDER BY issued_at DESC LIMIT 1`,
      [campus, key],
    );
    return rows[0] && certificateOf(rows[0]);
  },
  async isRevoked(serial: string): Promise<boolean> {
    const rows = await query<Row>(
      'SELECT FROM enrolment_certificate WHERE serial = $1 AND revoked_at IS NOT NULL',
      [serial],
    );
    return rows.length > 0;
  },
  async useCode(id: string, now: number, serial: string) {
    await query('UPDATE enrolment_code SET used_at = $2, serial = $3 WHERE id = $1', [id, at(now), serial]);
  },
  async addCertificate(one: KeptCertificate) {
    await query('INSERT INTO enrolment_certificate VALUES ($1, $2, $3, $4, $5, $6, $7)', [
      one.serial,
      one.campus ?? null,
      one.subject,
      one.key,
      one.pem,
      at(one.issuedAt),
      at(one.endsAt),
    ]);
  },
  /** All that a campus has and that is good still. @returns how many. */
  async revoke(campus: string, now: number, reason: RevocationReason): Promise<number> {
    const rows = await query<Row>(
      `UPDATE enrolment_certificate SET revoked_at = $2, reason = $3
       WHERE campus = $1 AND revoked_at IS NULL AND ends_at > $2 RETURNING serial`,
      [campus, at(now), reason],
    );
    return rows.length;
  },
  /** In the list of the city, too. */
  async setState(campus: string, state: CampusState, now: number, reason?: string) {
    const rows = await query<Row>(
      'UPDATE enrolment_campus SET state = $2, since = $3, reason = $4 WHERE campus = $1 RETURNING prefix',
      [campus, state, at(now), reason ?? null],
    );
    const shown = await query<{ id: number }>(
      'UPDATE campus SET withdrawn_at = $2 WHERE prefix = $1 RETURNING id',
      [rows[0]?.['prefix'], state === 'withdrawn' ? at(now) : null],
    );
    await notify(query, { alarms: [], campuses: new Set(shown.map(({ id }) => id)) });
  },
  async dropCodes(campus: string) {
    await query('DELETE FROM enrolment_code WHERE campus = $1 AND used_at IS NULL', [campus]);
  },
  /** Those before it end then. */
  async addKey(one: KeptKey, othersEnd: number) {
    await query('UPDATE enrolment_key SET not_after = $1 WHERE not_after IS NULL OR not_after > $1', [
      at(othersEnd),
    ]);
    await query('INSERT INTO enrolment_key VALUES ($1, $2, $3, $4, $5)', [
      one.id,
      one.issuer,
      one.publicKey,
      at(one.notBefore),
      at(one.signsFrom),
    ]);
  },
});
