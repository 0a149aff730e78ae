/** What a simulated view library keeps: each object once, its pictures in a folder; and what it says to it. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Say } from '../simulator.ts';
import type { Sent } from './objects.ts';

const REMEMBERED_MAX = 10_000;
/** ConfirmStatusType (GA/T 1400.3-2017, B.3). */
const OTHER_ERROR = 1;
export const INVALID_OPERATION = 4;

export interface Status {
  readonly code: number;
  readonly words: string;
  /** Of the object. */
  readonly id: string;
}

interface ShelfOptions {
  /** Where pictures go; undefined: nowhere. */
  readonly folder?: string | undefined;
  readonly say: Say;
  readonly tell: (sentence: string) => void;
  readonly faults: { readonly refuseEvery: number };
}

export function createShelf({ folder, say, tell, faults }: ShelfOptions) {
  const counts = { objects: 0, pictures: 0, again: 0, refused: 0 };
  const known = new Set<string>();
  let seen = 0;
  const keep = async ({ kind, pictures }: Sent) => {
    for (const [at, { id, type, bytes }] of pictures.entries()) {
      counts.pictures++;
      if (folder === undefined) continue;
      // Digits alone: an id names no other folder.
      const file = join(
        folder,
        `${kind}-${id}-${type.replace(/\W/g, '')}-${at}.${bytes[0] === 0x89 ? 'png' : 'jpg'}`,
      );
      await writeFile(file, bytes);
    }
  };
  return {
    counts,
    async take(sent: Sent): Promise<Status> {
      const { kind, id, device, time, pictures, problems } = sent;
      seen++;
      const sizes = pictures.map(({ type, bytes }) => `${type || '?'} ${Math.ceil(bytes.length / 1024)} KB`);
      const line = `${kind}  ${time}  ${id}  ${say('device', '设备')} ${device}  ${sizes.join(', ')}`;
      if (problems.length > 0) {
        counts.refused++;
        tell(`${line}  ! ${problems.join('; ')}`);
        return { code: INVALID_OPERATION, words: problems.join('; '), id };
      }
      if (faults.refuseEvery > 0 && seen % faults.refuseEvery === 0) {
        counts.refused++;
        tell(say(`${line}  ! refused as told`, `${line}  ! 按设定拒绝`));
        return { code: OTHER_ERROR, words: 'refused as told', id };
      }
      await keep(sent);
      const key = createHash('sha256').update(`${kind} ${id}`).digest('base64');
      if (known.has(key)) {
        counts.again++;
        tell(`${line}  ${say('(again)', '（重复）')}`);
      } else {
        counts.objects++;
        tell(line);
      }
      known.add(key);
      if (known.size > REMEMBERED_MAX) known.delete(known.values().next().value ?? '');
      return { code: 0, words: 'OK', id };
    },
  };
}
