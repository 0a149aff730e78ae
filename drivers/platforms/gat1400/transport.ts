/**
 * Faces, persons, vehicles and pictures of alarms to a view library of GA/T 1400 (视图库): registered over HTTP, an object a
 * request, each with its picture. It is stored where its own StatusCode says 0; HTTP 200 says that it came. What is no object
 * there (an end, a card without a picture, a clip) counts as taken. One of each lane is on its way at a time, so that they come
 * in their order; a second sending has the same ids.
 */
import type { Lane } from '../../contract/lane.ts';
import {
  type Answer,
  type Channel,
  defineTransport,
  type Outgoing,
  type PlatformHost,
  type Refusal,
} from '../../contract/transport.ts';
import type { HttpAnswer } from '../../http.ts';
import { statusFor } from './codec.ts';
import { createDeviceIds, type DeviceIds } from './ids.ts';
import { addressOf, carriedOf, kindOf, objectOf, type SeenEvent } from './objects.ts';
import { clashesOf, type Options, options, problemsOf, warningsOf } from './options.ts';
import { probe } from './probe.ts';
import { isOk } from './registering.ts';
import { LostError, openSession, type ViewSession } from './session.ts';

/** An event has some hundred bytes; its picture is beside it. */
const EVENT_MAX = 1_000_000;
/** Of a picture, bytes: what platforms in use take. */
const PICTURE_MAX = 5 * 1024 * 1024;
/** The lanes beside each other, and one more that was asked for again. */
const WINDOW = 4;

/** In the engine's words. 500 may be of this object alone, and is looked into: whoever else is refused so. */
const httpRefusals: Readonly<Record<number, Refusal>> = {
  ...{ 403: 'forbidden', 404: 'forbidden', 405: 'forbidden', 413: 'too-large' },
  ...{ 429: 'busy', 502: 'busy', 503: 'busy', 504: 'busy' },
};
/** ResponseStatus (1400.3, B.3). Of a form or a content that is wrong (5, 6) it is this object alone, however often. */
const refusals: Readonly<Record<number, Refusal>> = {
  ...{ 1: 'refused', 2: 'busy', 3: 'busy', 4: 'refused', 5: 'too-large', 6: 'too-large', 7: 'busy' },
};

/** What the platform answered to an object, in the engine's words. */
export function answerOf(answer: HttpAnswer, id: string): Answer {
  const { status, body } = answer;
  const said = statusFor(body, id);
  const words = said === undefined || said.code === 0 ? '' : `StatusCode ${said.code} ${said.words}`.trim();
  const own = said === undefined ? undefined : refusals[said.code];
  if (!isOk(answer)) {
    // Some say of an object beside an HTTP status that it is the object's own fault.
    const is = own === 'too-large' ? own : (httpRefusals[status] ?? 'refused');
    return { is, reason: `HTTP ${status} ${words}`.trim(), code: status };
  }
  if (said === undefined) return { is: 'refused', reason: 'its answer says nothing of the object' };
  if (said.code === 0) return { is: 'taken' };
  return { is: own ?? 'refused', reason: words, ...(own !== undefined && { code: said.code }) };
}

/** The event, where it can be read. */
function eventOf(body: string): SeenEvent | undefined {
  try {
    const event = JSON.parse(body) as SeenEvent;
    return typeof event.data?.device?.id === 'string' ? event : undefined;
  } catch {
    return undefined;
  }
}

interface Sending {
  readonly own: Options;
  readonly host: PlatformHost;
  readonly ids: DeviceIds;
  readonly session: ViewSession;
}

/** A picture is on disk before the event that names it: one that is not there was erased, or is too old. */
async function sendObject(
  { body, address }: Outgoing,
  { own, host, ids, session }: Sending,
): Promise<Answer> {
  const event = eventOf(body);
  if (event === undefined) return { is: 'refused', reason: 'an event that cannot be read' };
  const kind = kindOf(event, own.faces);
  if (kind === undefined) return { is: 'taken' };
  const found = await host.media.picture(event.data.picture ?? '');
  if (found === undefined) {
    host.leftOut('a picture that is not kept any more', event.id);
    return { is: 'taken' };
  }
  const { bytes, contentType } = found;
  if (bytes.length > PICTURE_MAX)
    return { is: 'too-large', reason: `its picture has ${bytes.length} bytes, more than ${PICTURE_MAX}` };
  const device = await ids.of(event.data.device.id).catch((error: Error) => error);
  // With another device it would have other ids: it waits for the disk.
  if (device instanceof Error) return { is: 'busy', reason: device.message };
  const object = objectOf(kind, event, { bytes, contentType, device, timeZone: host.timeZone });
  const answer = answerOf(await session.post(object.path, object.body), object.id);
  // Of another path than its address, where only the picture says what it is of: the address has done nothing.
  return answer.is === 'forbidden' && object.path !== address ? { ...answer, is: 'too-large' } : answer;
}

async function open(own: Options, host: PlatformHost): Promise<Channel> {
  if (host.aside === true)
    throw new Error('a view library knows one gateway by one id: nothing can be sent beside it');
  const ids = createDeviceIds(own.deviceId, host);
  const session = await openSession(own, host);
  /** Of each lane, until the last one is answered: what was held and is tried again comes in its order too. */
  const last = new Map<Lane, Promise<void>>();
  return {
    about: { viid: own.url.startsWith('https:') ? 'https' : 'http' },
    limits: { window: WINDOW, lane: 1, bytes: () => EVENT_MAX },
    state: () => ({ ...session.state(), ids: ids.known() }),
    address: ({ type }) => addressOf(type),
    send(event, done) {
      const before = last.get(event.lane) ?? Promise.resolve();
      const sent = before
        .then(() => sendObject(event, { own, host, ids, session }))
        .then(done, (error: Error) =>
          done({ is: error instanceof LostError ? 'lost' : 'refused', reason: error.message }),
        );
      last.set(event.lane, sent);
    },
    ended: session.ended,
    close: session.close,
  };
}

export const gat1400 = defineTransport({
  name: 'gat1400',
  title: { en: 'GA/T 1400 (faces, persons, pictures of alarms)', zh: 'GA/T 1400（人脸、人员、报警图片）' },
  options,
  withoutReceipts: true,
  problems: problemsOf,
  clashes: clashesOf,
  warnings: warningsOf,
  carries: ({ faces }, { pictures }) => (pictures ? carriedOf(faces) : []),
  where: ({ url }) => url,
  open,
  probe,
});
