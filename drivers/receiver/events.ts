/** What a line of a receiver reports, in the words that panels over DC-09 have too. */
import { contactIdEvent } from '../alarm-codes/contact-id.ts';
import { type PanelEvent, restoreOfSia, siaEvent } from '../alarm-codes/report.ts';
import { parseSiaDcs } from '../alarm-codes/sia.ts';
import type { ReceiverLine } from './codec.ts';

/** What happened, in letters that say what, and what no table has. */
const untold = (code: string, text: string): PanelEvent => ({
  meaning: {
    kind: 'fault',
    state: 'raised',
    cause: `code-${code}`,
    numbered: 'zone',
    momentary: true,
    unknown: true,
  },
  codes: {},
  text,
});

/** The events of a line, the heartbeat apart. */
export function eventsOf(line: Exclude<ReceiverLine, { readonly is: 'heartbeat' }>): PanelEvent[] {
  switch (line.is) {
    case 'contact-id':
      return [contactIdEvent(line.qualifier, line.code, line.partition, line.number)];
    case 'sia':
      return parseSiaDcs(line.data);
    case 'channels':
      return /^\d+$/.test(line.account) ? channels(line.states) : ownChannels(line.account, line.states);
    case 'pulse':
      return [pulse(line.event, line.number)];
    case 'other':
      return [untold(line.rest.replaceAll(/\s+/g, '-').slice(0, 20), line.rest)];
  }
}

/** The letters of Sur-Gard's library (MLR2-E, options 00 to 1F): alarm, restore, open, close, trouble, bypass, cancel. */
const letters: Readonly<Record<string, string>> = {
  A: 'BA',
  R: 'BR',
  O: 'OP',
  C: 'CL',
  T: 'BT',
  B: 'BB',
  D: 'BC',
  '\\': 'BC',
};

function pulse(event: string, number: string): PanelEvent {
  const code = letters[event];
  if (code === undefined) return untold(event, `${event} ${number}`);
  return siaEvent(code, Number.parseInt(number, /^\d+$/.test(number) ? 10 : 16));
}

/**
 * Ademco High Speed: a digit a channel, 1 new, 3 restored, 5 normal, 6 said before, 0 trouble; the last is of the whole
 * (Ademco 685, IV B; VISTA-128B, 25-5): 7 alarms, 1 duress and channels 9 to 15, 2 opened, 3 bypass, 4 closed, 5 trouble,
 * 6 the panel's own, 8 battery low, 9 test.
 */
function channels(states: string): PanelEvent[] {
  const [whole, digits] = [states.at(-1) ?? '', [...states.slice(0, -1)]];
  if (whole === '9') return [siaEvent('RP')];
  if (whole === '8') return [siaEvent('YT')];
  // "3444 4444 4": closed by user 3, who stands in the first channel.
  if (whole === '2' || whole === '4') return [siaEvent(whole === '2' ? 'OP' : 'CL', Number(digits[0]))];
  return digits.flatMap((digit, i) => {
    if (digit === '2' || digit === '4') return [siaEvent(digit === '2' ? 'OP' : 'CL', i + 1)];
    const [raises, number] = channelOf(whole, i);
    if (digit === '0') return [siaEvent('BT', number)];
    if (digit === '1') return [siaEvent(raises, number)];
    if (digit === '6') return [{ ...siaEvent(raises, number), still: true }];
    return digit === '3' ? [siaEvent(restoreOfSia(raises) ?? 'BR', number)] : [];
  });
}

/** What a panel says of itself, by channel: mains, battery, ..., telephone line (VISTA-128B, 25-5; Ademco 685, IV D). */
const ofPanel: readonly string[] = ['AT', 'YT', 'IA', 'IA', 'IA', 'LT', 'IA', 'IA'];

function channelOf(whole: string, i: number): readonly [string, number] {
  if (whole === '3') return ['BB', i + 1];
  if (whole === '5') return ['BT', i + 1];
  if (whole === '6') return [ofPanel[i] ?? 'IA', 0];
  if (whole === '1') return i === 0 ? ['HA', 0] : ['BA', i + 8];
  return ['BA', i + 1];
}

/** What a 685 says of itself (IV E): `LINE` telephone lines, `RCVA` what is connected to it, `RCVB` its operator. */
function ownChannels(word: string, states: string): PanelEvent[] {
  const code = word === 'LINE' ? 'LT' : word === 'RCVA' ? 'ET' : undefined;
  if (code === undefined) return states.endsWith('9') ? [] : [untold(word, states)];
  return [...states.slice(0, -1)].flatMap((digit, i) => {
    if (digit === '1') return [siaEvent(code, i + 1)];
    if (digit === '3') return [siaEvent(restoreOfSia(code) ?? code, i + 1)];
    return digit === '6' ? [{ ...siaEvent(code, i + 1), still: true as const }] : [];
  });
}
