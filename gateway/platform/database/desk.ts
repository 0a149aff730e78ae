/** What an operator did with an alarm at the desk alone, where its campus could not (api/acts.ts). The first one counts. */
import type { DeskAct } from '../views.ts';
import type { Database } from './connection.ts';
import { placeOf, textOf } from './fields.ts';
import { notify } from './notify.ts';

/** @returns whether it was; false: it was taken or closed before, here or at the campus, or there is no such alarm. */
export async function noteAtDesk(
  database: Pick<Database, 'transaction'>,
  { what, alarm, campus, by, at, reason, note }: DeskAct,
): Promise<boolean> {
  const said = JSON.stringify({ by, at: new Date(at).toISOString(), here: true, reason, note });
  const isOpen = 'closed_by IS NULL AND desk_closed IS NULL';
  const isFree =
    what === 'closed' ? isOpen : `${isOpen} AND acknowledged_by IS NULL AND desk_acknowledged IS NULL`;
  return await database.transaction(async (query) => {
    const rows = await query<{ id: string; campus: number }>(
      `UPDATE alarm SET desk_${what} = $2
       WHERE (campus, id) = (SELECT campus, alarm.id FROM alarm JOIN campus ON campus.id = alarm.campus
           WHERE alarm.id = $1 AND number = $3 AND thing IS NOT NULL ORDER BY received_at LIMIT 1)
         AND ${isFree} RETURNING id, campus`,
      [placeOf(alarm).id, textOf(said), campus],
    );
    await notify(query, {
      alarms: rows,
      campuses: new Set(rows.map(({ campus }) => campus)),
    });
    return rows.length > 0;
  });
}
