/**
 * Pictures on order (2022, 9.14): a platform names how many, how far apart and where to, the gateway takes them by the
 * action `snapshot`, so by the config's rules and with an entry in the audit each, and posts them to where
 * `snapshotUrls` allows, and nowhere else. At last the platform hears which came.
 */
import { isWithin } from '../../contract/places.ts';
import { ask as askHttp } from '../../http.ts';
import { localTime } from './alarms.ts';
import type { Session } from './answering.ts';
import { type Element, fieldOf, writeManscdp } from './manscdp.ts';

/** Sessions at once, of one platform: of each camera one. */
const SESSIONS_MAX = 8;
/** SnapNum (2022, A.2.1). */
const PICTURES_MAX = 10;
/** Interval, s: a session shall end some day. The standard sets no limit. */
const INTERVAL_MAX_S = 3600;
const URL_MAX = 2000;
/** Orders that are known when they come again. */
const KNOWN_MAX = 100;
/** A refusal comes at once; what takes longer was allowed and is under way, and the platform waits for its Response. */
const SOON_MS = 2000;
const UPLOAD_MS = 30_000;
/** What a server says of a picture that it got is not read. */
const ANSWER_MAX = 100_000;
const PICTURE_MAX = 10_000_000;
/** Of the second part of a file's name, which the standard calls the picture's code. */
const PICTURE_CODE = '01';

/** One SnapShotConfig. */
export interface Wanted {
  readonly count: number;
  readonly intervalMs: number;
  readonly url: string;
  readonly session: string;
}

/** @returns what is wanted, or why that makes no sense: one of a few sentences. */
export function readSnapShotConfig(config: Element): Wanted | string {
  const whole = (name: string) => {
    const text = fieldOf(config, name) ?? '';
    return /^\d{1,6}$/.test(text) ? Number(text) : 0;
  };
  const [count, seconds] = [whole('SnapNum'), whole('Interval')];
  if (count < 1 || count > PICTURES_MAX) return 'a SnapShotConfig whose SnapNum is not 1 to 10';
  // Of one picture it says nothing.
  if ((count > 1 && seconds < 1) || seconds > INTERVAL_MAX_S)
    return 'a SnapShotConfig whose Interval is not 1 to 3600';
  const session = fieldOf(config, 'SessionID') ?? '';
  if (session.length < 32 || session.length > 128)
    return 'a SnapShotConfig whose SessionID has not 32 to 128 characters';
  return { count, intervalMs: seconds * 1000, url: fieldOf(config, 'UploadURL') ?? '', session };
}

/** Whether pictures may go there: what has a name and a password in it is no place. */
export function mayGo(url: string, allowed: readonly string[]): boolean {
  if (url.length > URL_MAX || !allowed.some((one) => isWithin(url, one))) return false;
  const { username, password } = new URL(url);
  return username === '' && password === '';
}

/** 20 digits of the camera, 2 of the picture, 17 of the time, 2 of its number (2022, 9.14). */
export function fileIdOf(device: string, at: number, timeZone: string, nth: number): string {
  const seconds = localTime(new Date(at).toISOString(), timeZone).replace(/\D/g, '');
  const ms = String(Math.floor(at) % 1000).padStart(3, '0');
  return `${device}${PICTURE_CODE}${seconds}${ms}${String(nth + 1).padStart(2, '0')}`;
}

type Outcome = Awaited<ReturnType<Session['host']['ask']>>;

export interface SnapshotOrder {
  /** The same message names the same order. */
  readonly id: string;
  /** As the gateway calls it, and the platform. */
  readonly camera: string;
  readonly device: string;
  readonly wanted: Wanted;
  /** One picture, by the path of commands. */
  take(nth: number): Promise<Outcome>;
}

export interface Snapshots {
  /** @returns whether it is under way. */
  begin(order: SnapshotOrder): Promise<boolean>;
  close(): void;
}

export function createSnapshots({ host, message, nextSn }: Session): Snapshots {
  const { clock, media, timeZone } = host;
  const stop = new AbortController();
  const running = new Set<string>();
  const known = new Set<string>();

  /** @returns its name, once the server took it. @throws Error with a sentence. */
  const upload = async ({ device, wanted }: SnapshotOrder, taken: Outcome, at: number, nth: number) => {
    const reference = taken.result?.['picture'];
    if (!taken.done || typeof reference !== 'string') throw new Error(taken.reason ?? 'no picture was taken');
    const picture = await media.picture(reference);
    if (picture === undefined) throw new Error('the picture is not there any more');
    if (picture.contentType !== 'image/jpeg' || picture.bytes.length > PICTURE_MAX)
      throw new Error('the picture is no JPEG of up to 10 MB');
    const id = fileIdOf(device, at, timeZone, nth);
    const { status } = await askHttp(new URL(wanted.url).href, {
      method: 'POST',
      headers: {
        'content-type': 'image/jpeg',
        'content-disposition': `attachment; filename="${id}.jpg"`,
      },
      body: picture.bytes,
      redirects: 'none',
      ...{ maxBytes: ANSWER_MAX, timeout: UPLOAD_MS, clock, signal: stop.signal },
    });
    if (status < 200 || status > 299) throw new Error(`its server answers ${status}`);
    return id;
  };
  const run = async (order: SnapshotOrder, first: Promise<Outcome>, began: { wall: number; at: number }) => {
    const { device, wanted, take } = order;
    const files: string[] = [];
    for (let nth = 0; nth < wanted.count; nth++) {
      const due = began.at + nth * wanted.intervalMs - clock.elapsed();
      if (due > 0) await clock.wait(due, stop.signal);
      if (stop.signal.aborted) return;
      const at = nth === 0 ? began.wall : clock.wall();
      try {
        files.push(await upload(order, await (nth === 0 ? first : take(nth)), at, nth));
      } catch (error) {
        if (stop.signal.aborted) return;
        host.discarded('a picture that a platform ordered and did not get', (error as Error).message);
      }
    }
    await message(
      writeManscdp('Notify', [
        ['CmdType', 'UploadSnapShotFinished'],
        ['SN', nextSn()],
        ['DeviceID', device],
        ['SessionID', wanted.session],
        ['SnapShotList', files.map((id) => ['SnapShotFileID', id] as const)],
      ]),
    );
  };
  return {
    async begin(order) {
      const { camera, id } = order;
      if (known.has(id)) return true;
      if (running.has(camera) || running.size >= SESSIONS_MAX) {
        host.discarded('pictures of more sessions than are carried out');
        return false;
      }
      running.add(camera);
      const began = { wall: clock.wall(), at: clock.elapsed() };
      const first = order.take(0).catch((error: Error): Outcome => ({ done: false, reason: error.message }));
      const isAllowed = await Promise.race([
        first.then(({ done }) => done),
        clock.wait(SOON_MS, stop.signal).then(() => true),
      ]);
      if (!isAllowed) {
        running.delete(camera);
        return false;
      }
      known.add(id);
      for (const [oldest] of known.entries()) if (known.size > KNOWN_MAX) known.delete(oldest);
      run(order, first, began)
        .catch((error: Error) =>
          host.log.warn({ reason: error.message }, 'the end of a session of pictures could not be told'),
        )
        .finally(() => running.delete(camera));
      return true;
    },
    close: () => stop.abort(new Error('the registration is over')),
  };
}
