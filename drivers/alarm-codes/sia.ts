/**
 * The data of SIA DC-03, as it stands in SIA-DCS messages: blocks that `|` parts, each of packets.
 *
 *   #1234|Nri1/BA5        account, then a block: N new or O old, modifiers, events
 *   Nri1BA503^Hall^       without slashes, with the name of the zone
 *   Nri1/BA5*'Hall'NM     the same, another vendor's way
 *   Nid1/ri2/BA5/AHall    a text as the last packet of a block
 *   |AHall                a text as a block of its own
 *
 * What stands in a text is no event, whatever it looks like.
 */
import { alsoOfSia, isKnownSia, meaningOfSia, type PanelEvent } from './report.ts';

/** Two small letters and their value: ri area, id user, ti time, da date, pi peripheral... (DC-03, 4.3) */
const modifier = /([a-z]{2})([0-9:.-]*)/y;
/** Two capital letters and a number that end there, or that something follows: not the beginning of a word. */
const event = /([A-Z]{2})(\d*)(?=$|[/^*])|([A-Z]{2})(\d+)/y;
/** Longer ones number nothing. */
const MAX_DIGITS = 9;
const caret = /\^([^^]*)\^?/y;
const quoted = /\*'([^']*)'?(?:[A-Z]{2})?|\*([^*/]*)\*/y;

interface Block {
  partition: string | undefined;
  user: string | undefined;
  partitionName: string | undefined;
  readonly events: PanelEvent[];
}

function addEvent(block: Block, code: string, digits: string) {
  const meaning = meaningOfSia(code);
  const isUser = meaning.numbered === 'user';
  const user = isUser && digits !== '' ? digits : block.user;
  const isNumber = digits !== '' && digits.length <= MAX_DIGITS && !isUser;
  block.events.push({
    meaning,
    codes: { sia: code },
    ...(isNumber ? { number: Number(digits) } : !isUser && digits !== '' && { text: digits }),
    ...(block.partition !== undefined && { partition: block.partition }),
    ...(block.partitionName !== undefined && { partitionName: block.partitionName }),
    ...(user !== undefined && { user }),
  });
  const also = alsoOfSia.get(code);
  if (also !== undefined) addEvent(block, also, digits);
}

function addText(events: PanelEvent[], text: string) {
  const last = events.pop();
  if (last !== undefined) events.push(text === '' ? last : { ...last, text });
}

/** One packet, or a part of it, at `at`. @returns where the next one begins. */
function step(text: string, at: number, block: Block): number {
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const { events } = block;
  const name = match(caret) ?? match(quoted);
  if (name !== null) {
    const words = (name[1] ?? name[2] ?? '').trim();
    if (events.length > 0) addText(events, words);
    else block.partitionName = words;
    return at + name[0].length;
  }
  const modified = match(modifier);
  if (modified !== null) {
    const [whole, key, value = ''] = modified;
    if (key === 'ri') block.partition = value;
    if (key === 'id') block.user = value;
    return at + whole.length;
  }
  const found = match(event);
  const code = found?.[1] ?? found?.[3] ?? '';
  // "/ATECH BLOCK", "/A2nd floor": a text begins with A and goes on to the end, where no code stands alone.
  if (text[at] === 'A' && events.length > 0 && (found === null || found[3] !== undefined)) {
    addText(events, text.slice(at + 1).trim());
    return text.length;
  }
  // The mark of a name, where there is none.
  if (code === 'NM' && events.length > 0) return at + 2;
  if (found !== null) {
    addEvent(block, code, found[2] ?? found[4] ?? '');
    return at + found[0].length;
  }
  const word = text.slice(at, (text.indexOf('/', at) + 1 || text.length + 1) - 1);
  const [early = ''] = /^[A-Z]{2}/.exec(word) ?? [];
  // A code with words right behind it, which some panels write.
  if (isKnownSia(early)) {
    addEvent(block, early, '');
    addText(events, word.slice(2).trim());
  } else if (events.length > 0 && events.at(-1)?.text === undefined) addText(events, word.trim());
  return at + Math.max(1, word.length);
}

function eventsOf(text: string): PanelEvent[] {
  const block: Block = { partition: undefined, user: undefined, partitionName: undefined, events: [] };
  for (let at = 1; at < text.length; ) at = text[at] === '/' ? at + 1 : step(text, at, block);
  return block.events;
}

/** The data of a SIA-DCS message -> its events: `#1234|Nri1/BA1`, `|Nri1/CL501`, `Nri1/WA000`. */
export function parseSiaDcs(data: string): PanelEvent[] {
  const events: PanelEvent[] = [];
  for (const block of blocksOf(data)) {
    if (isEventBlock.test(block)) events.push(...eventsOf(block));
    else if (block.startsWith('A') && events.length > 0) addText(events, block.slice(1).trim());
    else if (isBareBlock(block)) events.push(...eventsOf(`N${block}`));
  }
  return events;
}

const isEventBlock = /^[NO](?:$|[a-z/^]|[A-Z]{2})/;

/** Some panels leave out the N: taken where a code that a row has stands alone behind the modifiers. */
function isBareBlock(block: string): boolean {
  const [, code = ''] = /^(?:[a-z]{2}[0-9:.-]*\/?){0,8}([A-Z]{2})\d*(?:$|[/^*])/.exec(block) ?? [];
  return isKnownSia(code);
}

/** The blocks between `|`; one within `^ ^` belongs to a name. */
function blocksOf(data: string): string[] {
  const blocks: string[] = [];
  let from = 0;
  for (let at = 0; at < data.length; at++) {
    if (data[at] === '|') {
      blocks.push(data.slice(from, at));
      from = at + 1;
    } else if (data[at] === '^') {
      const end = data.indexOf('^', at + 1);
      // One that nothing closes holds nothing together.
      if (end === -1) return [...blocks, ...data.slice(from).split('|')];
      at = end;
    }
  }
  return [...blocks, data.slice(from)];
}
