/**
 * The tables of the journal's file, their version, and the steps from each older version to the next.
 *
 *   event   sequence  lane  id  seen_at  stored_at  type  device  repeat_key  body
 *   state   key  sequence                   the event that is the latest word on something
 *   cursor  uplink  lane  sequence  sent    up to where an uplink has dealt with a lane
 *   mark    uplink  lane  stage  sequence  at   when a lane got that far: at the broker, at the platform
 *   held    uplink  topic  lane  first  last  reason  since   events that a broker refuses, kept for later
 *   command source  id  begun_at  expires_at  outcome   each command once; no outcome: begun, and not ended
 *   audit   number  at  body  hash          who did what: a chain of hashes, audit.ts
 *   credential key  body                    cards that a platform sent
 *   number  series  name  number            what a platform knows something by, numbers.ts
 *   meta    key  value                      `journal`: the id of this numbering; `clean`: closed in order;
 *                                           `place`, `leases`, `copied`, `restored`: whose numbers these are, identity.ts;
 *                                           `overwrites`: what was deleted was always overwritten;
 *                                           `audit`: the hash before the first entry of the audit that is kept;
 *                                           `audited-config`: the config that was noted in it last;
 *                                           `credentials`: the version of the cards that a platform sent;
 *                                           `numbers-…`: the highest number of a series;
 *                                           `written-by`: the version of the program that wrote here last
 *
 * `sequence` is AUTOINCREMENT: a number is never used twice, not even after retention emptied the table.
 * `repeat_key` tells what makes a second sending the same event. It has no index: keys are hashes, and an index of
 * hashes writes a page somewhere else for each event. The recent ones are kept in memory and read back on opening.
 */
import { randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';
import { version as program } from '../version.ts';
import { JournalError } from './error.ts';
import { metaTable } from './meta.ts';

/** The version of the tables, each different from those before; a newer file is refused. */
export const SCHEMA_VERSION = 5;
/** The row of `meta` that says which version of the program wrote into the file last. */
const WRITTEN_BY = 'written-by';

const first = `
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    lane INTEGER NOT NULL,
    id TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    device TEXT NOT NULL,
    repeat_key TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_lane ON event (lane, sequence);
  CREATE TABLE state (key TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE cursor (
    uplink TEXT NOT NULL,
    lane INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    PRIMARY KEY (uplink, lane)
  ) STRICT, WITHOUT ROWID;
`;
const second = `
  ALTER TABLE event ADD COLUMN stored_at INTEGER;
  CREATE TABLE mark (
    uplink TEXT NOT NULL,
    lane INTEGER NOT NULL,
    stage TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (uplink, lane, stage, sequence)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE held (
    uplink TEXT NOT NULL,
    topic TEXT NOT NULL,
    lane INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (uplink, topic)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

const third = `
  CREATE TABLE command (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    outcome TEXT,
    UNIQUE (source, id)
  ) STRICT;
  CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
`;

/** A step from one version to the next. */
export interface Migration {
  readonly up: (db: Database.Database) => void;
  /**
   * Takes it back, with the tables exactly as they were and every event kept: when a package that raised the journal does
   * not become healthy, the one before it goes on with it. Each step after the fifth has one; no package with fewer was
   * ever given out.
   */
  readonly down?: (db: Database.Database) => void;
}

/** `migrations[n]` makes version n + 1 of version n; 0 is an empty file. */
export const migrations: readonly Migration[] = [
  { up: (db) => db.exec(first) },
  {
    up(db) {
      db.exec(second);
      // The numbering has a name, so that a platform can tell a new journal's 17 from an old one's.
      db.prepare('INSERT INTO meta VALUES (?, ?)').run('journal', randomUUID());
    },
  },
  { up: (db) => db.exec(third) },
  {
    up: (db) =>
      db.exec('CREATE TABLE credential (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID'),
  },
  {
    up: (db) =>
      db.exec(`CREATE TABLE number (
    series TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (series, name),
    UNIQUE (series, number)
  ) STRICT, WITHOUT ROWID`),
  },
];

/**
 * Brings an open file to this version, all of it or nothing.
 * @throws JournalError E_JOURNAL_NEWER where a later version wrote it, E_JOURNAL_DAMAGED.
 */
export function migrate(db: Database.Database, file: string): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA_VERSION) {
    // A newer version has other tables: where they are ours, it is the number that was written over; as where no
    // number is that high.
    checkTables(db, file, false);
    if (version > 1000) throw new JournalError('E_JOURNAL_DAMAGED', `${file}: its version was written over`);
    throw newerError(db, file, version);
  }
  if (version === SCHEMA_VERSION) return;
  db.transaction(() => {
    for (const { up } of migrations.slice(version)) up(db);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}

/** That a file is of a version to come, and which package reads it. */
export function newerError(db: Database.Database, file: string, version: number): JournalError {
  let writer: string | undefined;
  try {
    writer = metaTable(db).get(WRITTEN_BY);
  } catch {
    // Its tables are others.
  }
  const by = writer === undefined ? 'a newer version' : `campus-gateway ${writer}`;
  const wanted = writer === undefined ? 'that version' : `campus-gateway ${writer} or later`;
  return new JournalError(
    'E_JOURNAL_NEWER',
    `${file} was written by ${by} (tables of version ${version}; this is campus-gateway ${program}, which reads up to ${SCHEMA_VERSION}): install ${wanted}, or have that version bring it back: campus-gateway journal lower FILE --to ${SCHEMA_VERSION}`,
  );
}

/** Notes in a file of this version which version of the program has it. */
export function noteWriter(db: Database.Database): void {
  const meta = metaTable(db);
  if (meta.get(WRITTEN_BY) !== program) meta.put(WRITTEN_BY, program);
}

/**
 * Brings an open file back to an older version of its tables, all of it or nothing; no event is touched.
 * @throws JournalError E_JOURNAL_NEWER where a later version wrote it, E_JOURNAL_DAMAGED where the tables are not those of
 *   the older version then; Error with a sentence where a step has no way back.
 */
export function lower(
  db: Database.Database,
  file: string,
  to: number,
  steps: readonly Migration[] = migrations,
): { readonly from: number } {
  const from = db.pragma('user_version', { simple: true }) as number;
  if (from > steps.length) throw newerError(db, file, from);
  db.transaction(() => {
    for (let version = from; version > to; version--) {
      const down = steps[version - 1]?.down;
      if (down === undefined)
        throw new Error(`${file}: tables of version ${version} have no way back to ${to}`);
      down(db);
    }
    if (from <= to) return;
    db.pragma(`user_version = ${to}`);
    if (tablesOf(db) !== tablesOfVersion(to, steps))
      throw new JournalError('E_JOURNAL_DAMAGED', `${file}: its tables are not those of version ${to} then`);
  }).immediate();
  return { from };
}

/** The tables as they are made anew. */
function tablesOfVersion(version: number, steps: readonly Migration[]): string {
  const fresh = new Database(':memory:');
  for (const { up } of steps.slice(0, version)) up(fresh);
  const tables = tablesOf(fresh);
  fresh.close();
  return tables;
}

const tablesOf = (db: Database.Database) =>
  db
    .prepare<[], { sql: string }>('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name')
    .all()
    .map(({ sql }) => String(sql).replace(/\s+/g, ''))
    .join(';');
let expected: string | undefined;

/** @throws JournalError E_JOURNAL_DAMAGED where the tables are those that `migrate` makes, or are not, as `wanted`. */
export function checkTables(db: Database.Database, file: string, wanted: boolean): void {
  expected ??= tablesOfVersion(SCHEMA_VERSION, migrations);
  if ((tablesOf(db) === expected) === wanted) return;
  throw new JournalError(
    'E_JOURNAL_DAMAGED',
    `${file}: its version or the names of its tables were written over`,
  );
}
