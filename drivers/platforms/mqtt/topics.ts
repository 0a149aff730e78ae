/** Topics and filters (MQTT 5, 4.7). */

/** What all topics of an uplink start with. */
export const prefixOf = ({ topicPrefix }: { readonly topicPrefix?: string | undefined }, campus: string) =>
  topicPrefix ?? `campus/v1/${campus}`;

/**
 * What a broker may close the connection for (1.5.4): NUL, half a surrogate pair, and what SHOULD NOT stand in a text,
 * control characters and no characters. Mosquitto does so at each of them.
 */
const NO_TEXT = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

/** An id becomes a level of a topic: what a topic, a filter or a broker would read otherwise is replaced. */
export const topicPart = (id: string) => id.replace(new RegExp(`[/+#]|${NO_TEXT.source}`, 'gu'), '_');

/**
 * A topic that can be published to (4.7.3, 3.3.2.3.5), else the broker would close the connection; and none of the
 * broker's own (4.7.2).
 */
export const isTopic = (topic: string) =>
  topic !== '' &&
  !topic.startsWith('$') &&
  !/[+#\ufffd]/.test(topic) &&
  !NO_TEXT.test(topic) &&
  Buffer.byteLength(topic) <= 65_535;

/** Wildcards stand for whole levels, `#` for all that follow and for none (4.7.1). */
export const isFilter = (filter: string) =>
  isTopic(filter.replaceAll(/(^|(?<=\/))[+#](?=\/|$)/g, 'x')) && !/#./.test(filter);

/** Whether some topic fits both filters; a topic is a filter too. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split('/'), other.split('/')];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] === '#' || b[i] === '#') return true;
    // `a/#` fits `a` as well.
    if (a[i] === undefined || b[i] === undefined) return false;
    if (a[i] !== b[i] && a[i] !== '+' && b[i] !== '+') return false;
  }
  return true;
}

/** Whether a topic, not one of the broker's own, fits a filter. */
export const matchesFilter = (filter: string, topic: string) => overlap(filter, topic);
