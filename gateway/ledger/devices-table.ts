/** What devices are: as they say, and as people wrote it down. */
import { isDeepStrictEqual } from 'node:util';
import type Database from 'better-sqlite3';
import { historyOf } from './entries-table.ts';
import type { DeviceNotes, DeviceRecord, DeviceWords, Noting } from './entry.ts';

/** Of the config, and that were in it once: more than any campus has. */
const DEVICES_MAX = 20_000;

interface Row {
  readonly id: string;
  readonly said: string;
  readonly saidAt: number | null;
  readonly notes: string;
}
const recordOf = ({ id, said, saidAt, notes }: Row): DeviceRecord => ({
  ...{ id, saidAt },
  said: JSON.parse(said) as DeviceWords,
  notes: JSON.parse(notes) as DeviceNotes,
});
/** Without what is not known. */
const bare = <T extends object>(words: T): T =>
  Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined && value !== '')) as T;

export function deviceQueries(db: Database.Database, note: Noting) {
  const all = db.prepare<[number], Row>(
    'SELECT id, said, said_at AS saidAt, notes FROM device ORDER BY id LIMIT ?',
  );
  const find = db.prepare<[string], Row>(
    'SELECT id, said, said_at AS saidAt, notes FROM device WHERE id = ?',
  );
  const put = db.prepare<Row>(
    `INSERT INTO device (id, said, said_at, notes) VALUES (@id, @said, @saidAt, @notes)
     ON CONFLICT DO UPDATE SET said = excluded.said, said_at = excluded.said_at, notes = excluded.notes`,
  );
  const known = (id: string): DeviceRecord => {
    const row = find.get(id);
    return row === undefined ? { id, said: {}, saidAt: null, notes: {} } : recordOf(row);
  };
  const save = ({ id, said, saidAt, notes }: DeviceRecord) =>
    void put.run({ id, said: JSON.stringify(said), saidAt, notes: JSON.stringify(notes) });
  return {
    devices: (): readonly DeviceRecord[] => all.all(DEVICES_MAX).map(recordOf),
    device: ({ id }: { readonly id: string }) => ({ ...known(id), history: historyOf(db, `device/${id}`) }),
    /** What devices say now; another serial number or firmware than before goes into their history. */
    say: db.transaction(
      (asked: {
        readonly devices: readonly { readonly id: string; readonly said: DeviceWords }[];
        readonly now: number;
      }) => {
        for (const { id, said } of asked.devices) {
          const before = known(id);
          // What it does not say this time it is still.
          const after = { ...before.said, ...bare(said) };
          if (isDeepStrictEqual(before.said, after)) continue;
          save({ ...before, said: after, saidAt: asked.now });
          note(asked.now, id, `device/${id}`, {
            act: before.saidAt === null ? 'said' : 'says-otherwise',
            ...after,
            ...(before.saidAt !== null && { before: before.said }),
          });
        }
      },
    ).immediate,
    /** What people know of it: what is given takes the place of what was; '' takes it out. */
    write: db.transaction(
      (asked: {
        readonly id: string;
        readonly notes: DeviceNotes;
        readonly by: string;
        readonly now: number;
      }) => {
        const { id, notes, by, now } = asked;
        const before = known(id);
        const after = bare({ ...before.notes, ...notes });
        if (!isDeepStrictEqual(before.notes, after)) {
          save({ ...before, notes: after });
          note(now, by, `device/${id}`, { act: 'written', ...notes });
        }
        return known(id);
      },
    ).immediate,
  };
}
