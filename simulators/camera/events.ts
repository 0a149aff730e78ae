/** The event service of a simulated camera: states, pull-point subscriptions, and what real ones do wrong about them. */
import type { Socket } from 'node:net';
import type { Clock } from '../../drivers/contract/clock.ts';
import { durationMs, items, terminationMs, textIn, xmlTime } from './soap.ts';

interface Message {
  readonly topic: string;
  readonly operation?: 'Initialized' | 'Changed' | 'Deleted';
  readonly source: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  readonly at: number;
}

interface Subscription {
  readonly queue: Message[];
  /** `elapsed`. */
  endsAt: number;
  wake: () => void;
}

/** Subscriptions at once: a few, as cameras have. */
export const PULL_POINTS = 10;
const SOURCE = { VideoSourceConfigurationToken: 'vsconf', VideoAnalyticsConfigurationToken: 'vaconf' };
/** Topics with a state, their source and the item that bears it. */
export const properties = {
  motion: ['RuleEngine/CellMotionDetector/Motion', { ...SOURCE, Rule: 'MotionRule' }, 'IsMotion'],
  inside: ['RuleEngine/FieldDetector/ObjectsInside', { ...SOURCE, Rule: 'FieldRule' }, 'IsInside'],
  tamper: ['RuleEngine/TamperDetector/Tamper', { ...SOURCE, Rule: 'TamperRule' }, 'IsTamper'],
  dark: ['VideoSource/ImageTooDark/ImagingService', { Source: 'vs0' }, 'State'],
  signal: ['VideoSource/SignalLoss', { Source: 'vs0' }, 'State'],
  input: ['Device/Trigger/DigitalInput', { InputToken: 'di0' }, 'LogicalState'],
  storage: ['Device/HardwareFailure/StorageFailure', { Token: 'sd0' }, 'Failed'],
} as const;
export type Property = keyof typeof properties;

const notification = ({ topic, operation, source, data, at }: Message) =>
  `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:${topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="${xmlTime(at)}"${operation === undefined ? '' : ` PropertyOperation="${operation}"`}>${items('Source', source)}${items('Data', data)}</tt:Message></wsnt:Message></wsnt:NotificationMessage>`;

export interface CameraEvents {
  /** What it does wrong. */
  readonly wrong: {
    /** It gives up its socket so long after it was asked, ms; 0: it does not. */
    closeAfter: number;
    neverClears: boolean;
    /** Where it says that its subscriptions are. */
    address: 'right' | 'wrong' | 'relative';
  };
  set(name: Property, on: boolean): void;
  /** Somebody crosses the line. */
  crossLine(): void;
  /** undefined: it has no room for one. */
  subscribe(body: string): string | undefined;
  /** Answers a question to a subscription; undefined: that is no question; null: there is no such subscription. */
  answer(key: string, operation: string, body: string, socket: Socket): Promise<string | null | undefined>;
  forgetAll(): void;
  /** What is being asked gets no answer. */
  hang(): void;
  readonly count: number;
}

/** `base`: its own URL. `now`: what its clock says, epoch ms. */
export function createEvents(base: string, now: () => number, time: Clock): CameraEvents {
  const wrong: CameraEvents['wrong'] = { closeAfter: 0, neverClears: false, address: 'right' };
  const states = new Set<Property>();
  const subscriptions = new Map<string, Subscription>();
  let next = 0;

  const propertyMessage = (name: Property, operation: 'Initialized' | 'Changed'): Message => {
    const [topic, source, item] = properties[name];
    return {
      topic,
      source: { ...source },
      data: { [item]: String(states.has(name)) },
      at: now(),
      operation,
    };
  };
  const publish = (message: Message) => {
    for (const subscription of subscriptions.values()) {
      subscription.queue.push(message);
      subscription.wake();
    }
  };
  const synchronise = ({ queue, wake }: Subscription) => {
    for (const name of Object.keys(properties) as Property[])
      queue.push(propertyMessage(name, 'Initialized'));
    wake();
  };
  const endOf = (subscription: Subscription) => xmlTime(now() + subscription.endsAt - time.elapsed());
  const pull = async (subscription: Subscription, body: string, socket: Socket) => {
    if (subscription.queue.length === 0) await somethingToTell(subscription, body, socket, wrong, time);
    // Nobody is there any more: it stays in the queue.
    if (socket.destroyed) return '';
    const limit = Number(textIn(body, 'MessageLimit') ?? 10) || 10;
    const messages = subscription.queue.splice(0, limit);
    return `<tev:PullMessagesResponse><tev:CurrentTime>${xmlTime(now())}</tev:CurrentTime><tev:TerminationTime>${endOf(subscription)}</tev:TerminationTime>${messages.map(notification).join('')}</tev:PullMessagesResponse>`;
  };

  return {
    wrong,
    set(name, on) {
      if (!on && wrong.neverClears) return;
      if (on) states.add(name);
      else states.delete(name);
      publish(propertyMessage(name, 'Changed'));
    },
    crossLine: () =>
      publish({
        topic: 'RuleEngine/LineDetector/Crossed',
        source: { ...SOURCE, Rule: 'LineRule' },
        data: { ObjectId: '7' },
        at: now(),
      }),
    subscribe(body) {
      for (const [key, { endsAt }] of subscriptions) if (time.elapsed() > endsAt) subscriptions.delete(key);
      if (subscriptions.size >= PULL_POINTS) return undefined;
      const key = String(++next);
      const lasts = terminationMs(textIn(body, 'InitialTerminationTime'), now());
      const subscription: Subscription = { queue: [], endsAt: time.elapsed() + lasts, wake: () => {} };
      subscriptions.set(key, subscription);
      synchronise(subscription);
      const path = `/onvif/events/${key}`;
      const address = {
        right: `${base}${path}`,
        wrong: `http://192.168.99.99:8899${path}`,
        relative: path,
      }[wrong.address];
      return `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><a:Address>${address}</a:Address></tev:SubscriptionReference><wsnt:CurrentTime>${xmlTime(now())}</wsnt:CurrentTime><wsnt:TerminationTime>${endOf(subscription)}</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>`;
    },
    async answer(key, operation, body, socket) {
      const one = subscriptions.get(key);
      if (one === undefined || time.elapsed() > one.endsAt) {
        subscriptions.delete(key);
        return null;
      }
      switch (operation) {
        case 'PullMessages':
          return await pull(one, body, socket);
        case 'Renew':
          one.endsAt = time.elapsed() + terminationMs(textIn(body, 'TerminationTime'), now());
          return `<wsnt:RenewResponse><wsnt:TerminationTime>${endOf(one)}</wsnt:TerminationTime><wsnt:CurrentTime>${xmlTime(now())}</wsnt:CurrentTime></wsnt:RenewResponse>`;
        case 'SetSynchronizationPoint':
          synchronise(one);
          return '<tev:SetSynchronizationPointResponse/>';
        case 'Unsubscribe':
          subscriptions.delete(key);
          return '<wsnt:UnsubscribeResponse/>';
        default:
          return undefined;
      }
    },
    forgetAll: () => subscriptions.clear(),
    hang() {
      for (const one of subscriptions.values()) one.wake = () => {};
    },
    get count() {
      return subscriptions.size;
    },
  };
}

/** Waits until there is something to tell, the asker's patience is over, or the asker is gone. */
async function somethingToTell(
  subscription: Subscription,
  body: string,
  socket: Socket,
  { closeAfter }: CameraEvents['wrong'],
  time: Clock,
): Promise<void> {
  // It went while its question was read: no `close` comes of that any more.
  if (socket.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  subscription.wake = resolve;
  const patience = time.after(durationMs(textIn(body, 'Timeout'), 60), resolve);
  // Who has gone is not waited for.
  socket.once('close', () => resolve());
  // The trap of agsh/onvif#314: it gives up its socket while it is being asked.
  const give = closeAfter > 0 ? time.after(closeAfter, () => void socket.destroy()) : undefined;
  await promise;
  patience.stop();
  give?.stop();
}
