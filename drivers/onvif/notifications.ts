/** Notifications of a camera (WS-BaseNotification 1.3; ONVIF Core 9): topics, items, times. Pure. */
import { type Node, node, readBody, SoapError, textOf, WORDS_MAX } from './xml.ts';

type Items = Readonly<Record<string, string>>;

/** What a camera notifies. */
export interface Notification {
  /** Without prefixes: `RuleEngine/CellMotionDetector/Motion`. */
  readonly topic: string;
  /** Of a state; undefined: of something that happened. */
  readonly operation: 'Initialized' | 'Changed' | 'Deleted' | undefined;
  /** Epoch ms, as it stands: by the camera's clock, if that. */
  readonly at: number | undefined;
  readonly source: Items;
  /** What tells one object of a source from another (ONVIF Core 9.5.1: each is a state of its own). */
  readonly key?: Items;
  readonly data: Items;
}

/**
 * A topic as it is compared: `tns1:Device/tns1:Trigger/tnssamsung:DigitalInput` and `tns1:Device/Trigger/DigitalInput` are
 * one. Some put a prefix before every segment, some their own before a standard one.
 */
export const plainTopic = (topic: string): string =>
  topic
    .trim()
    .split('/')
    .map((segment) => segment.trim().replace(/^[\w.-]+:/, ''))
    .filter((segment) => segment !== '')
    .join('/');

const TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?\s?(?:Z|([+-])(\d{2}):?(\d{2}))?$/i;

/** xs:dateTime -> epoch ms. Without a zone it is UTC, as its name says. undefined: there is no such time. */
export function readXmlTime(text: string): number | undefined {
  const found = TIME.exec(text.trim());
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // 24:00:00 and a leap second are allowed; `0000-00-00` is what some say before they know the time.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  const fraction = Number(`0.${found[7] ?? '0'}`) * 1000;
  const zone = (Number(found[9] ?? 0) * 60 + Number(found[10] ?? 0)) * (found[8] === '-' ? -60_000 : 60_000);
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + Math.floor(fraction) - zone;
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

const itemsOf = (value: unknown): Record<string, string> => {
  const items = node(value)['SimpleItem'];
  return Object.fromEntries(
    (Array.isArray(items) ? items : []).map((item) => [
      String(node(item)['@Name'] ?? '')
        .trim()
        .slice(0, WORDS_MAX),
      String(node(item)['@Value'] ?? '')
        .trim()
        .slice(0, WORDS_MAX),
    ]),
  );
};

const operations = ['Initialized', 'Changed', 'Deleted'] as const;

function notificationOf(topic: string, message: Node): Notification {
  const operation = String(message['@PropertyOperation'] ?? '').toLowerCase();
  const key = itemsOf(message['Key']);
  return {
    topic,
    operation: operations.find((known) => known.toLowerCase() === operation),
    at: readXmlTime(String(message['@UtcTime'] ?? '')),
    source: itemsOf(message['Source']),
    ...(Object.keys(key).length > 0 && { key }),
    data: itemsOf(message['Data']),
  };
}

/** PullMessagesResponse. Messages that make no sense are left out, and counted. @throws SoapError. */
export function readNotifications(xml: string): {
  readonly notifications: readonly Notification[];
  readonly discarded: number;
  /** What its clock said when it answered, epoch ms; undefined: nothing that is a time. */
  readonly now: number | undefined;
} {
  const body = readBody(xml);
  if (!('PullMessagesResponse' in body)) throw new SoapError('the answer is to another question');
  const messages = node(body['PullMessagesResponse'])['NotificationMessage'];
  let discarded = 0;
  const notifications = listOf(messages).flatMap((one): Notification[] => {
    const topic = plainTopic(textOf(node(one)['Topic']).slice(0, WORDS_MAX));
    // One tt:Message by the book; some put all of a moment into one wsnt:Message, or into several of them.
    const told = listOf(node(one)['Message'])
      .flatMap((message) => listOf(node(message)['Message']))
      .map(node)
      .filter((message) => Object.keys(message).length > 0);
    if (topic !== '' && told.length > 0) return told.map((message) => notificationOf(topic, message));
    discarded++;
    return [];
  });
  const now = readXmlTime(textOf(node(body['PullMessagesResponse'])['CurrentTime']));
  return { notifications, discarded, now };
}
