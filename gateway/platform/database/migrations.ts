/**
 * The tables, and how they came to be: one migration after another, each once, under a lock, in a transaction. What is
 * here is never changed again; what changes is appended.
 *
 *   campus ──┬─ chain ──┬─ event      by month of the UUIDv7; each once by (id, campus, month)
 *            │          ├─ ahead      the places in the chain beyond where it is complete; empty without a gap
 *            │          └─ lost       gaps that were given up
 *            ├─ alarm, alarm_end      what was raised and what became of it, in whatever order it was stored
 *            └─ trouble               the newest word on each thing that can be in trouble
 *   unusable                          what PostgreSQL would not take, as bytes
 *   audit                             who did what at the platform
 *   enrolment_…                       who was given a certificate (enrolment.ts)
 *
 * How far a chain is complete stands in `chain`, and what is beyond it in `ahead`: following it needs no event, and no
 * month that is dropped moves it back.
 */
import { say } from '../../../config/language.ts';
import { type Database, type Query, StoreError } from './connection.ts';
import { enrolmentTables } from './enrolment.ts';

/** 'campus' in ASCII, a number of ours among the advisory locks of a database. */
export const MIGRATION_LOCK = 0x63616d70;

/** One migration takes no longer: of a thousand million events one takes an hour. */
const MIGRATION_MS = 24 * 3_600_000;

/** What was done at the desk alone (desk.ts) stands beside what the campus said. */
const TAKEN = 'acknowledged_by IS NOT NULL OR desk_acknowledged IS NOT NULL';
const CLOSED = 'closed_by IS NOT NULL OR desk_closed IS NOT NULL';

/** Nobody has taken or closed it, tests aside. */
export const ALARM_UNTAKEN = `NOT test AND NOT (${TAKEN} OR ${CLOSED})`;
/** Which alarms are looked after first: what nobody took, then the rest, then tests. An index is made of it. */
export const ALARM_RANK = `CASE WHEN test THEN 2 WHEN NOT (${TAKEN} OR ${CLOSED}) THEN 0 ELSE 1 END`;

/** It is so now, as far as anybody knows: what was closed at the desk is over. */
export const ALARM_STANDS = 'ended_by IS NULL AND NOT momentary AND desk_closed IS NULL';
/** It is so now, or nobody has closed it. The same index is of these. */
export const ALARM_IS_OPEN = `thing IS NOT NULL AND (NOT (${CLOSED}) OR (${ALARM_STANDS}))`;

/** As the index was made at first. */
const FIRST_RANK =
  'CASE WHEN test THEN 2 WHEN acknowledged_by IS NULL AND closed_by IS NULL THEN 0 ELSE 1 END';
const FIRST_OPEN = 'thing IS NOT NULL AND (closed_by IS NULL OR (ended_by IS NULL AND NOT momentary))';

/** A code for statistics (9 or 12 digits) begins with that of its district (6). A column is made of it. */
export const districtCode = (of: string): string =>
  `CASE WHEN ${of} ~ '^[0-9]{6}([0-9]{3}){1,2}$' THEN left(${of}, 6) ELSE ${of} END`;

const migrations: readonly string[] = [
  `CREATE TABLE campus (
     id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     prefix text NOT NULL UNIQUE,
     number text NOT NULL,
     presence text, presence_at timestamptz, presence_state text, state_since timestamptz,
     master text, master_at timestamptz, name text, district text,
     withdrawn_at timestamptz
   );
   CREATE INDEX campus_number ON campus (number);
   CREATE TABLE chain (
     id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     campus int NOT NULL REFERENCES campus,
     journal text NOT NULL, lane text NOT NULL,
     up_to bigint NOT NULL DEFAULT 0,
     gap_up_to bigint, gap_since timestamptz, gap_asked int NOT NULL DEFAULT 0, gap_asked_at timestamptz,
     stored bigint NOT NULL DEFAULT 0, duplicates bigint NOT NULL DEFAULT 0,
     last_event_at timestamptz, synchronised boolean,
     UNIQUE (campus, journal, lane)
   ) WITH (fillfactor = 50);
   CREATE INDEX chain_gap ON chain (id) WHERE gap_up_to IS NOT NULL;
   CREATE TABLE ahead (
     chain int NOT NULL, previous bigint NOT NULL, sequence bigint NOT NULL, PRIMARY KEY (chain, previous)
   );
   CREATE TABLE lost (
     chain int NOT NULL, after bigint NOT NULL, up_to bigint NOT NULL,
     since timestamptz NOT NULL, asked int NOT NULL, at timestamptz NOT NULL
   );
   CREATE INDEX lost_chain ON lost (chain, at);
   CREATE TABLE event (
     id uuid NOT NULL, month int NOT NULL,
     campus int NOT NULL, chain int NOT NULL, sequence bigint NOT NULL, previous bigint NOT NULL,
     type text NOT NULL, time timestamptz, received_at timestamptz NOT NULL, body text NOT NULL,
     PRIMARY KEY (id, month)
   ) PARTITION BY LIST (month);
   CREATE TABLE event_other PARTITION OF event DEFAULT;
   CREATE INDEX event_received ON event (received_at, id);
   CREATE INDEX event_campus ON event (campus, received_at);
   CREATE TABLE unusable (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     campus int NOT NULL, chain int NOT NULL, sequence bigint NOT NULL, previous bigint NOT NULL,
     event bytea NOT NULL, body bytea NOT NULL, received_at timestamptz NOT NULL, reason text NOT NULL
   );
   CREATE TABLE alarm (
     campus int NOT NULL, id uuid NOT NULL,
     thing uuid, chain int, sequence bigint, test boolean NOT NULL DEFAULT false,
     momentary boolean NOT NULL DEFAULT false, place text, shown text,
     time timestamptz, received_at timestamptz, stored_at timestamptz,
     ended_by uuid, ended_at timestamptz, ended_how text,
     acknowledged_by uuid, acknowledged text, closed_by uuid, closed text, confirmed_by uuid, confirmed text,
     PRIMARY KEY (campus, id)
   );
   CREATE INDEX alarm_id ON alarm (id);
   CREATE INDEX alarm_thing ON alarm (campus, thing, ended_by);
   CREATE INDEX alarm_received ON alarm (received_at, id) WHERE thing IS NOT NULL;
   CREATE INDEX alarm_open ON alarm ((${FIRST_RANK}), received_at DESC, id DESC)
     WHERE ${FIRST_OPEN};
   CREATE INDEX alarm_stored ON alarm (stored_at) WHERE thing IS NOT NULL;
   CREATE TABLE alarm_end (
     campus int NOT NULL, id uuid NOT NULL, thing uuid NOT NULL, chain int NOT NULL, sequence bigint NOT NULL,
     time timestamptz NOT NULL, how text NOT NULL, received_at timestamptz NOT NULL,
     PRIMARY KEY (campus, id)
   );
   CREATE INDEX alarm_end_thing ON alarm_end (campus, thing, chain, sequence);
   CREATE TABLE trouble (
     campus int NOT NULL, thing uuid NOT NULL, id uuid NOT NULL, chain int NOT NULL, sequence bigint NOT NULL,
     kind text NOT NULL, stands boolean NOT NULL, since timestamptz NOT NULL,
     PRIMARY KEY (campus, thing)
   );
   CREATE TABLE audit (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, body text NOT NULL
   );`,
  enrolmentTables,
  // What an alarm without a number was ended by, and what an end without a number ended, is found by ids.
  `CREATE INDEX alarm_end_id ON alarm_end (campus, thing, id);
   CREATE INDEX alarm_end_unnumbered ON alarm_end (campus, thing, id) WHERE sequence = 0;`,
  // An event is itself by its campus and its id: what another campus stored under the same id was in the way of it.
  `ALTER TABLE event DROP CONSTRAINT event_pkey, ADD PRIMARY KEY (id, campus, month);`,
  // Of all campuses of a district, whichever code they say.
  `ALTER TABLE campus ADD COLUMN district_code text
     GENERATED ALWAYS AS (${districtCode('district')}) STORED;
   CREATE INDEX campus_district ON campus (district_code);`,
  // When a campus was there, by its own events (life.ts), and when somebody was there to hear it.
  `ALTER TABLE chain ADD COLUMN lived_at timestamptz;
   UPDATE chain SET lived_at = last_event_at;
   CREATE TABLE listening (root text PRIMARY KEY, since timestamptz NOT NULL, until timestamptz NOT NULL);`,
  // What the desk did where no campus could.
  `ALTER TABLE alarm ADD COLUMN desk_acknowledged text, ADD COLUMN desk_closed text;
   DROP INDEX alarm_open;
   CREATE INDEX alarm_open ON alarm ((${ALARM_RANK}), received_at DESC, id DESC) WHERE ${ALARM_IS_OPEN};`,
  // The audit is asked for by who did it and by campus: what is escaped in an old entry is not found so.
  `ALTER TABLE audit ADD COLUMN who text, ADD COLUMN campus text;
   UPDATE audit SET who = substring(body from '"user":"([^"\\\\]*)"'), campus = substring(body from '"campus":"([^"\\\\]*)"');
   CREATE INDEX audit_who ON audit (who, id);
   CREATE INDEX audit_campus ON audit (campus, id);`,
];

/** Brings the tables to this program's version. @throws StoreError where they are of a newer one. */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (query) => {
    await query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await query(
      'CREATE TABLE IF NOT EXISTS schema_version (version int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())',
    );
    const version = await versionOf(query);
    if (version > migrations.length) {
      throw new StoreError(
        'E_DATABASE_REFUSED',
        say(
          `the tables are of a newer program (version ${version}; this one knows ${migrations.length}): update this program, or give it another database`,
          `数据库由更新版本的程序建立（版本 ${version}，本程序只认识 ${migrations.length}）：请升级本程序，或换用另一个数据库`,
        ),
      );
    }
    // A key of all events is made anew for as long as it takes.
    if (version < migrations.length) await query('SET LOCAL statement_timeout = 0');
    for (let next = version; next < migrations.length; next++) {
      await query(migrations[next] as string, [], MIGRATION_MS);
      await query('INSERT INTO schema_version (version) VALUES ($1)', [next + 1]);
    }
  });
}

async function versionOf(query: Query): Promise<number> {
  const [row] = await query<{ version: number | null }>('SELECT max(version) AS version FROM schema_version');
  return row?.version ?? 0;
}
