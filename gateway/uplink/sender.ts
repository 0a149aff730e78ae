/** Sends events over one channel: their bytes, how many are on their way, and whether the platform still answers. */
import { classOf, type EventType } from '../../config/catalogue/events.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Answer, Channel } from '../../drivers/contract/transport.ts';
import { fitting, type Place, type Privacy, payloadOf, withContent } from './payload.ts';

export interface SenderOptions {
  readonly window: number;
  /** Start with one event at a time: the last channels ended without an answer. */
  readonly careful: boolean;
  /** The journal that numbers; it may not be open yet when the channel is. */
  readonly journal: { readonly id: string };
  readonly privacy: Privacy;
  /** The content of a piece of a picture, base64; undefined: it is not there any more. */
  readonly contentOf: (body: string) => Promise<string | undefined>;
  /** How long the platform may keep events of a class, ms. */
  readonly expiry: Readonly<Record<string, number | undefined>>;
  /** An event is not in the journal as it was written; the platform goes without. */
  readonly onUnreadable: (place: { readonly lane: Lane; readonly sequence: number }) => void;
  /** The channel is over. */
  readonly onLost: (reason: Error) => void;
  readonly time: Clock;
}

export interface Sendable {
  readonly type: string;
  readonly device: string;
  readonly body: string;
}

export interface Sender {
  /** How many may be on their way. */
  window(): number;
  inFlight(): number;
  /** How many were answered. */
  answers(): number;
  /** Calls back with the platform's answer; never, once it is stopped or the channel over. */
  send(event: Sendable, place: Omit<Place, 'journal'>, done: (answer: Answer) => void): void;
  /** How long something has been on its way and nothing was answered, ms. */
  silentMs(): number;
  stop(): void;
}

/** After so many answers a careful sender trusts the channel. */
const CAREFUL_ANSWERS = 20;

export function createSender(channel: Channel, options: SenderOptions): Sender {
  const { journal, privacy, expiry, contentOf, onUnreadable, onLost, time } = options;
  const fullWindow = Math.max(1, Math.min(options.window, channel.limits.window));
  let window = options.careful ? 1 : fullWindow;
  let inFlight = 0;
  let answers = 0;
  let answeredAt = time.elapsed();
  let stopped = false;
  /** Pieces of pictures are read from the disk one after another, so that they stay in order. */
  let pieces: Promise<void> = Promise.resolve();

  /** Without asking the platform; not before `send` returns. */
  const answerSoon = (answer: Answer, done: (answer: Answer) => void) =>
    setImmediate(() => {
      if (!stopped) done(answer);
    });
  const sendNow = (event: Sendable, place: Omit<Place, 'journal'>, done: (answer: Answer) => void) => {
    const { type, device } = event;
    const { lane, sequence } = place;
    const whole = payloadOf(event, { ...place, journal: journal.id }, privacy);
    if (whole === undefined) {
      onUnreadable({ lane, sequence });
      return answerSoon({ is: 'taken' }, done);
    }
    const address = channel.address(event);
    const limit = channel.limits.bytes(address);
    const body = fitting(whole, limit);
    if (body === undefined)
      return answerSoon(
        { is: 'too-large', reason: `larger than the ${limit} bytes that the platform takes` },
        done,
      );
    const lifetimeMs = expiry[classOf(type as EventType)];
    channel.send({ address, type, device, lane, body, lifetimeMs }, (answer) => {
      if (stopped) return;
      if (answer.is === 'lost') return onLost(new Error(answer.reason));
      answers++;
      answeredAt = time.elapsed();
      if (answers === CAREFUL_ANSWERS) window = fullWindow;
      done(answer);
    });
  };
  const sendPiece: typeof sendNow = (event, place, done) => {
    pieces = pieces.then(async () => {
      const content = await contentOf(event.body).catch(() => undefined);
      if (!stopped) sendNow({ ...event, body: withContent(event.body, content) }, place, done);
    });
  };

  return {
    window: () => window,
    inFlight: () => inFlight,
    answers: () => answers,
    send(event, place, done) {
      if (inFlight++ === 0) answeredAt = time.elapsed();
      const send = event.type === 'media.piece' ? sendPiece : sendNow;
      send(event, place, (answer) => {
        inFlight--;
        done(answer);
      });
    },
    silentMs: () => (inFlight === 0 ? 0 : time.elapsed() - answeredAt),
    stop() {
      stopped = true;
    },
  };
}
