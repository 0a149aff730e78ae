/**
 * What the codes of panels mean: SIA DC-03 letters and Ademco Contact ID (SIA DC-05) numbers.
 * Codes that are not listed are kept and reported as faults: nothing a panel says vanishes.
 */
import type { AlarmKind, DeviceKind } from '../contract/observation.ts';

/**
 * `kind`: what it is; `zone`: it is an alarm of the zone, whose kind in the config, if any, is meant.
 * `supervision`: the panel only says that it is there.
 */
export type Meaning =
  | { readonly kind: DeviceKind; readonly cause?: string; readonly state: 'raised' | 'restored' }
  | { readonly kind: 'zone'; readonly otherwise: AlarmKind; readonly state: 'raised' | 'restored' }
  | { readonly kind: 'supervision' };

export interface PanelEvent {
  readonly meaning: Meaning;
  readonly codes: { readonly sia?: string; readonly contactId?: string };
  /** The zone, or for arming and bypass codes the user or zone, that the code names. */
  readonly number?: number;
  readonly partition?: string;
  readonly user?: string;
  readonly text?: string;
  readonly known: boolean;
}

const raised = (kind: DeviceKind, cause?: string): Meaning => ({
  kind,
  state: 'raised',
  ...(cause !== undefined && { cause }),
});
const restored = (kind: DeviceKind, cause?: string): Meaning => ({
  kind,
  state: 'restored',
  ...(cause !== undefined && { cause }),
});
const zone = (otherwise: AlarmKind, state: 'raised' | 'restored'): Meaning => ({
  kind: 'zone',
  otherwise,
  state,
});

/** SIA DC-03 event codes. */
const sia: Readonly<Record<string, Meaning>> = {
  PA: raised('panic'),
  PR: restored('panic'),
  PH: restored('panic'),
  HA: raised('duress', 'hold-up'),
  HR: restored('duress', 'hold-up'),
  HH: restored('duress', 'hold-up'),
  BA: zone('intrusion', 'raised'),
  BR: zone('intrusion', 'restored'),
  BH: zone('intrusion', 'restored'),
  BC: zone('intrusion', 'restored'),
  UA: zone('intrusion', 'raised'),
  UR: zone('intrusion', 'restored'),
  UH: zone('intrusion', 'restored'),
  BV: zone('intrusion', 'raised'),
  FA: raised('fire'),
  FR: restored('fire'),
  FH: restored('fire'),
  TA: raised('tamper'),
  TR: restored('tamper'),
  TH: restored('tamper'),
  BB: raised('bypass'),
  BU: restored('bypass'),
  CL: raised('arming'),
  CG: raised('arming'),
  CA: raised('arming'),
  OP: restored('arming'),
  OG: restored('arming'),
  OA: restored('arming'),
  AT: raised('power'),
  AR: restored('power'),
  YT: raised('battery'),
  YR: restored('battery'),
  YC: raised('fault', 'communication'),
  YK: restored('fault', 'communication'),
  BT: raised('fault', 'zone'),
  BJ: restored('fault', 'zone'),
  RP: { kind: 'supervision' },
  RX: { kind: 'supervision' },
};

/** Contact ID event codes (SIA DC-05, annex A). Qualifier 1 raises, 3 restores; 401-type codes are below. */
const contactId: Readonly<
  Record<string, { kind: DeviceKind | 'zone' | 'supervision'; cause?: string; otherwise?: AlarmKind }>
> = {
  '110': { kind: 'fire' },
  '120': { kind: 'panic' },
  '121': { kind: 'duress' },
  '122': { kind: 'panic', cause: 'silent' },
  '123': { kind: 'panic', cause: 'audible' },
  '130': { kind: 'zone', otherwise: 'intrusion' },
  '131': { kind: 'zone', otherwise: 'perimeter' },
  '132': { kind: 'zone', otherwise: 'intrusion' },
  '134': { kind: 'zone', otherwise: 'intrusion' },
  '137': { kind: 'tamper' },
  '144': { kind: 'tamper', cause: 'sensor' },
  '301': { kind: 'power' },
  '302': { kind: 'battery' },
  '305': { kind: 'fault', cause: 'reset' },
  '321': { kind: 'fault', cause: 'bell' },
  '350': { kind: 'fault', cause: 'communication' },
  '381': { kind: 'fault', cause: 'sensor-supervision' },
  '384': { kind: 'battery', cause: 'sensor' },
  '406': { kind: 'zone', otherwise: 'intrusion' },
  '570': { kind: 'bypass' },
  '602': { kind: 'supervision' },
};

/** One block of DC-03: `Nri1/BA9`, `Nti19:44/id1/ri4/RP`, `NPA9`. */
function siaBlock(block: string): PanelEvent[] {
  const events: PanelEvent[] = [];
  let partition: string | undefined;
  let user: string | undefined;
  for (const part of block.slice(1).split('/')) {
    const modifier = /^(ri|id)(\d+)$/.exec(part);
    if (modifier !== null) {
      if (modifier[1] === 'ri') partition = modifier[2];
      else user = modifier[2];
      continue;
    }
    const event = /^([A-Z]{2})(\d{0,4})(.*)$/s.exec(part);
    if (event === null) continue;
    const code = event[1] ?? '';
    const meaning = sia[code];
    events.push({
      meaning: meaning ?? raised('fault', `code-${code}`),
      codes: { sia: code },
      ...(event[2] !== '' && { number: Number(event[2]) }),
      ...(partition !== undefined && { partition }),
      ...(user !== undefined && { user }),
      ...(event[3] !== '' && { text: event[3] ?? '' }),
      known: meaning !== undefined,
    });
  }
  return events;
}

/**
 * The data of a SIA-DCS message -> its events: `#1234|Nri1/BA1`, `|Nri1/CL501`, `Nri1/WA000`.
 * Blocks start with N (new) or O (old); an A block is the text of the event before it.
 */
export function parseSiaDcs(data: string): PanelEvent[] {
  const events: PanelEvent[] = [];
  for (const block of data.split('|')) {
    if (block.startsWith('N') || block.startsWith('O')) events.push(...siaBlock(block));
    else if (block.startsWith('A')) {
      const last = events.pop();
      if (last !== undefined) events.push({ ...last, text: block.slice(1) });
    }
  }
  return events;
}

/** The data of an ADM-CID message: `#1234|1131 01 015` = qualifier, code, partition, zone or user. */
export function parseContactId(data: string): PanelEvent[] {
  const match = /\|?([136])(\d{3}) (\d{2}) (\d{3})/.exec(data.slice(data.indexOf('|') + 1));
  if (match === null) return [];
  const [, qualifier, code = '', partition = '', number = ''] = match;
  // 1 new event or opening, 3 new restore or closing, 6 said before and still so (DC-05, 3.3).
  const state = qualifier === '3' ? 'restored' : 'raised';
  const codes = { contactId: `${qualifier === '3' ? 'R' : 'E'}${code}` };
  const entry = contactId[code];
  const common = { codes, partition, known: true };
  if (/^4[05]\d$/.test(code) && code !== '406') {
    // Open/close reports: E = opening = disarmed, R = closing = armed.
    const meaning: Meaning = { kind: 'arming', state: qualifier === '3' ? 'raised' : 'restored' };
    return [{ ...common, meaning, user: number }];
  }
  if (entry === undefined) {
    const meaning: Meaning = { kind: 'fault', cause: `code-${code}`, state };
    return [{ ...common, meaning, number: Number(number), known: false }];
  }
  if (entry.kind === 'supervision') return [{ ...common, meaning: { kind: 'supervision' } }];
  if (entry.kind === 'zone') {
    // 406 cancels the alarm of the zone.
    const meaning = zone(entry.otherwise ?? 'intrusion', code === '406' ? 'restored' : state);
    return [{ ...common, meaning, number: Number(number) }];
  }
  const meaning: Meaning = {
    kind: entry.kind,
    state,
    ...(entry.cause !== undefined && { cause: entry.cause }),
  };
  return [{ ...common, meaning, number: Number(number) }];
}
