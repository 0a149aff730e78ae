/** What a camera says that it can tell, and what becomes of each (ONVIF Core 9.5: TopicSet, MessageDescription). Pure. */
import { closest, distance } from 'fastest-levenshtein';
import { type EventRule, judge } from './mapping.ts';
import { plainTopic } from './notifications.ts';
import { type Content, type Element, readTree, SoapError, WORDS_MAX } from './xml.ts';

export interface Topic {
  /** Without prefixes, as it is compared. */
  readonly topic: string;
  readonly isProperty: boolean;
  /** Names of the items of its data. */
  readonly data: readonly string[];
}

/** More than any camera has. */
const TOPICS_MAX = 1000;

const isElement = (one: Content): one is Element => typeof one !== 'string';
const plain = (name: string) => name.slice(name.indexOf(':') + 1);
const childOf = (of: Element, name: string) =>
  of.children.filter(isElement).find((one) => plain(one.name) === name);

function find(within: readonly Content[], name: string): Element | undefined {
  for (const one of within.filter(isElement)) {
    const found = plain(one.name) === name ? one : find(one.children, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

const attributeOf = ({ attributes }: Element, name: string) =>
  Object.entries(attributes).find(([key]) => plain(key) === name)?.[1];

/** GetEventPropertiesResponse. @throws SoapError. */
export function readTopics(xml: string): readonly Topic[] {
  const set = find(readTree(xml), 'TopicSet');
  if (set === undefined) throw new SoapError('the answer is to another question');
  const topics: Topic[] = [];
  const walk = (one: Element, above: string) => {
    const topic = plainTopic(`${above}/${one.name}`).slice(0, WORDS_MAX);
    const description = childOf(one, 'MessageDescription');
    if ((description !== undefined || attributeOf(one, 'topic') === 'true') && topics.length < TOPICS_MAX)
      topics.push({
        topic,
        isProperty:
          description !== undefined && /^(true|1)$/.test(attributeOf(description, 'IsProperty') ?? ''),
        data: description === undefined ? [] : namesOf(childOf(description, 'Data')),
      });
    for (const child of one.children.filter(isElement))
      if (plain(child.name) !== 'MessageDescription') walk(child, topic);
  };
  for (const one of set.children.filter(isElement)) walk(one, '');
  return topics;
}

const namesOf = (data: Element | undefined): readonly string[] =>
  (data?.children ?? [])
    .filter(isElement)
    .filter(({ name }) => plain(name) === 'SimpleItemDescription')
    .map((one) => (attributeOf(one, 'Name') ?? '').slice(0, WORDS_MAX));

/** `video.motion`, `intrusion of zone 1`. */
const meaningIn = (kind: string, cause: string | undefined, zone: number | undefined) =>
  [
    kind === 'video' ? `video.${cause ?? 'motion'}` : cause === undefined ? kind : `${kind} (${cause})`,
    ...(zone === undefined ? [] : [`of zone ${zone}`]),
  ].join(' ');

/** What a topic becomes, and why it becomes nothing. */
export function becomes({ topic, isProperty, data }: Topic, rules: readonly EventRule[]): string {
  const of = rules.filter(
    (rule) => topic === plainTopic(rule.topic) || topic.startsWith(`${plainTopic(rule.topic)}/`),
  );
  const ofSources = of
    .filter(({ source }) => source !== undefined)
    .map(({ source, kind, cause, zone }) => `of ${source}: ${meaningIn(kind, cause, zone)}, by a rule`);
  const judgedAs = (word: string) =>
    judge(
      {
        topic,
        operation: isProperty ? 'Changed' : undefined,
        ...{ at: undefined, source: {} },
        data: Object.fromEntries(data.map((name) => [name, word])),
      },
      '',
      rules.filter(({ source }) => source === undefined),
    );
  // Which words it says is not told; of a recording job none is `true`.
  const judged = ['true', 'idle'].map(judgedAs).find(({ is }) => is !== 'unmapped') ?? judgedAs('true');
  if (judged.is === 'nothing') return [...ofSources, `nothing: ${judged.why}`].join('; ');
  if (judged.is === 'unmapped')
    return [...ofSources, 'nothing: no rule says what it means; it is counted in /health'].join('; ');
  const { observation } = judged.meant;
  const { kind, cause, zone } = observation;
  const words = [
    meaningIn(kind, cause, zone?.number),
    ...(judged.rule === undefined ? [] : ['by a rule']),
    ...(isProperty ? [] : ['without an end of its own']),
  ];
  return [...ofSources, words.join(', ')].join('; ');
}

/** Rules of topics that the camera does not tell. */
export function untold(rules: readonly EventRule[], topics: readonly Topic[]): readonly string[] {
  const names = [...new Set(topics.flatMap(({ topic }) => beginningsOf(topic)))];
  return rules
    .map(({ topic }) => plainTopic(topic))
    .filter((wanted) => names.length > 0 && !names.includes(wanted))
    .map((wanted) => {
      const best = closest(wanted, names);
      const near = distance(wanted, best) <= Math.max(2, wanted.length / 4) ? `; did you mean ${best}?` : '';
      return `it tells no topic ${wanted}${near}`;
    });
}

const beginningsOf = (topic: string) => topic.split('/').map((_, i, all) => all.slice(0, i + 1).join('/'));
