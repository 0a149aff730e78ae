/**
 * RecordInfo (GB/T 28181-2016, 9.7 and annex A.2.4, A.2.6): what is kept of a camera, page by page. Each clip that is kept
 * around an alarm is one record; a record is played by its times.
 */
import type { Clip } from '../../contract/media.ts';
import { readLocalTime } from '../../local-time.ts';
import { localTime } from './alarms.ts';
import type { Part, Session } from './answering.ts';
import { createDirectory } from './directory.ts';
import { type Fields, fieldOf, type Manscdp, writeManscdp } from './manscdp.ts';
import type { Options } from './options.ts';
import { refusals } from './wanted.ts';

/** Items of a page: a datagram has room for so many, of some 200 bytes each. */
const PAGE = 2;
/** Questions on their way; a platform needs one. */
const ASKED_MAX = 4;
/** What more is asked for by other questions: platforms show no longer lists. */
const RECORDS_MAX = 2000;
/** What is kept here is of alarms (annex A.2.1.10, Type); `all` and nothing ask for that, too. */
const isOurs = (type: string | undefined) => type === undefined || /^(all|alarm|)$/i.test(type);

/** A moment as the standard writes it: whole seconds, so that none of a clip is cut off. */
const timeOf = (ms: number, timeZone: string) => localTime(new Date(ms).toISOString(), timeZone);
const SECOND = 1000;

const itemOf = (clip: Clip, camera: string, name: string, timeZone: string): Fields => [
  ['DeviceID', camera],
  ['Name', name],
  ['StartTime', timeOf(clip.from, timeZone)],
  ['EndTime', timeOf(Math.ceil(clip.to / SECOND) * SECOND, timeZone)],
  ['Secrecy', 0],
  ['Type', 'alarm'],
  ['FileSize', clip.bytes],
];

/** Bodies: each says how many there are over all of them, and how many are in it. */
function pagesOf(
  said: Manscdp,
  name: string,
  items: readonly Fields[],
  characters: Options['characters'],
): readonly Buffer[] {
  const count = Math.max(1, Math.ceil(items.length / PAGE));
  return Array.from({ length: count }, (_, i) => {
    const some = items.slice(i * PAGE, (i + 1) * PAGE);
    const fields: Fields = [
      ['CmdType', 'RecordInfo'],
      ['SN', said.sn],
      ['DeviceID', said.device],
      ['Name', name],
      ['SumNum', items.length],
      [`RecordList Num="${some.length}"`, some.map((one) => ['Item', one] as const)],
    ];
    return writeManscdp('Response', fields, characters);
  });
}

/** What answers RecordInfo. */
export function records(session: Session): Part {
  const { own, host, message } = session;
  const { find } = createDirectory(session);
  let asked = 0;
  let isOver = false;
  /** A moment that is asked for; undefined: nobody can read it. */
  const timeIn = ({ fields }: Manscdp, name: string, otherwise: number): number | undefined => {
    const text = fieldOf(fields, name)?.trim() ?? '';
    return text === '' ? otherwise : readLocalTime(text, host.timeZone);
  };
  const answer = async (
    said: Manscdp,
    camera: { readonly id: string; readonly name: string },
    from: number,
    to: number,
  ) => {
    const { timeZone } = host;
    const clips = isOurs(fieldOf(said.fields, 'Type')) ? await host.media.clips(camera.id, from, to) : [];
    const items = clips.slice(0, RECORDS_MAX).map((clip) => itemOf(clip, said.device, camera.name, timeZone));
    for (const page of pagesOf(said, camera.name, items, own.characters)) {
      if (isOver) return;
      // The next one after the answer: some platforms lose what comes too fast, and without one the rest is of no use.
      const { status, reason } = await message(page);
      if (status > 299) throw new Error(`${status} ${reason}`);
    }
  };
  return {
    words: {
      'Query RecordInfo': (said) => {
        const camera = find(said.device);
        if (camera?.kind !== 'camera') return refusals.unknown;
        const [from, to] = [timeIn(said, 'StartTime', 0), timeIn(said, 'EndTime', host.clock.wall())];
        if (from === undefined || to === undefined) {
          host.discarded('a question for records with a time that nobody can read');
          return refusals.badRequest;
        }
        if (asked >= ASKED_MAX) return refusals.noWay;
        asked++;
        answer(said, camera, from, to)
          .catch((error: Error) => {
            if (!isOver) host.discarded('a list of records that could not be told', error.message);
          })
          .finally(() => asked--);
        return undefined;
      },
    },
    close() {
      isOver = true;
    },
  };
}
