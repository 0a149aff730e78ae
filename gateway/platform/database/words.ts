/**
 * What events say of alarms and of troubles, read leniently: an alarm of a later version, or one that says half, is an
 * alarm nonetheless. Pure.
 */
import { z } from 'zod';
import type { Entry } from './batch.ts';
import { placeOf, textOf, uuidFrom } from './fields.ts';

const PREFIX = 'cn.campus.';
const TEXT_MAX = 1000;

const text = z.string().transform((given) => given.slice(0, TEXT_MAX));
const lenientText = text.optional().catch(undefined);
const word = z.union([z.string(), z.number()]).transform(String).optional().catch(undefined);
const named = { id: text.catch(''), name: lenientText };
const act = z
  .object({
    event: text,
    by: text.catch(''),
    uplink: lenientText,
    reason: lenientText,
    note: lenientText,
  })
  .optional()
  .catch(undefined);
const none = { id: '' };
const dataShape = z
  .object({
    kind: text.catch('unknown'),
    state: lenientText,
    device: z.object(named).catch(none),
    zone: z
      .object({ number: z.number().optional().catch(undefined), id: lenientText, name: lenientText })
      .optional()
      .catch(undefined),
    area: z.object(named).optional().catch(undefined),
    cause: lenientText,
    text: lenientText,
    test: z.string().min(1).max(TEXT_MAX).optional().catch(undefined),
    momentary: z.boolean().optional().catch(undefined),
    code: z.object({ sia: lenientText, contactId: lenientText }).optional().catch(undefined),
    details: z.object({ account: word, partition: word, part: word }).optional().catch(undefined),
    acknowledged: act,
    confirmed: act,
    closed: act,
  })
  .catch({ kind: 'unknown', device: none });
type Data = z.output<typeof dataShape>;

function dataOf(body: string): Data {
  try {
    return dataShape.parse((JSON.parse(body) as { data?: unknown } | null)?.data);
  } catch {
    return dataShape.parse(undefined);
  }
}

/** What it is of: the same where docs/platform.md, "What ends an alarm", says that it is the same thing. */
const thingOf = ({ device, details, zone, kind, cause }: Data): string =>
  uuidFrom(
    JSON.stringify([
      device.id,
      details?.account,
      details?.partition,
      zone?.number,
      zone === undefined ? details?.part : undefined,
      kind,
      cause,
    ]),
  );

/** Where a word stands in what its campus said. */
export interface Standpoint {
  readonly campus: number;
  readonly chain: number;
  readonly sequence: number;
  readonly id: string;
}

export interface Raised extends Standpoint {
  readonly thing: string;
  readonly isTest: boolean;
  /** It was over as it happened; no end need come. */
  readonly isMomentary: boolean;
  /** What is looked for: names and ids, in small letters. */
  readonly place: string;
  /** JSON of what AlarmView has from the event. */
  readonly shown: string;
  /** Epoch ms. */
  readonly time: number;
  readonly receivedAt: number;
}
export interface Ended extends Standpoint {
  readonly thing: string;
  readonly how: 'restored' | 'cancelled';
  readonly time: number;
  readonly receivedAt: number;
}
export const acts = ['acknowledged', 'closed', 'confirmed'] as const;
export interface Act extends Pick<Standpoint, 'campus' | 'id'> {
  readonly what: (typeof acts)[number];
  readonly alarm: string;
  /** JSON: who, when and why. */
  readonly said: string;
}
export interface Trouble extends Standpoint {
  readonly thing: string;
  readonly kind: 'device-offline' | 'device-fault' | 'dropped' | 'storage';
  readonly stands: boolean;
  readonly time: number;
}

export interface Words {
  readonly raised: readonly Raised[];
  readonly ended: readonly Ended[];
  readonly acts: readonly Act[];
  readonly troubles: readonly Trouble[];
}

const troubles: Readonly<Record<string, Trouble['kind']>> = {
  'device.offline': 'device-offline',
  'device.online': 'device-offline',
  'device.fault': 'device-fault',
  'device.battery-low': 'device-fault',
  'device.power-lost': 'device-fault',
  'device.restored': 'device-fault',
  'video.signal-lost': 'device-fault',
  'gateway.dropped': 'dropped',
  'gateway.storage-low': 'storage',
  'gateway.storage-failed': 'storage',
};

/** By their codes, where an event does not say so: wrong codes, another panel, a thing that moved, disarmed in part under duress. */
const momentary = { sia: ['JA', 'AA', 'SM', 'ND'], contactId: ['E461'] };
const isMomentary = (data: Data): boolean =>
  data.momentary ??
  (momentary.sia.includes(data.code?.sia ?? '') || momentary.contactId.includes(data.code?.contactId ?? ''));

const raisedOf = (at: Standpoint, data: Data, time: number, receivedAt: number): Raised => {
  const { kind, cause, device, zone, area, text: words, test } = data;
  const names = [device, zone, area].flatMap((one) => [one?.name, one?.id]);
  return {
    ...at,
    thing: thingOf(data),
    isTest: test !== undefined,
    isMomentary: isMomentary(data),
    place: textOf(names.filter((one) => one !== undefined).join('\n')).toLowerCase(),
    shown: JSON.stringify({ kind, cause, device, zone, area, text: words, test }),
    time,
    receivedAt,
  };
};

function actOf(at: Standpoint, what: Act['what'], data: Data, time: number): readonly Act[] {
  const of = data[what];
  if (of === undefined) return [];
  const { event, by, uplink: via, reason, note } = of;
  const said = JSON.stringify({ by, via, reason, note, at: new Date(time).toISOString() });
  return [{ campus: at.campus, id: at.id, what, alarm: placeOf(event).id, said }];
}

const isAct = (what: string): what is Act['what'] => (acts as readonly string[]).includes(what);

/** What these events say; those that say nothing of it are not read. */
export function wordsOf(entries: readonly Entry[]): Words {
  const words = {
    raised: [] as Raised[],
    ended: [] as Ended[],
    acts: [] as Act[],
    troubles: [] as Trouble[],
  };
  for (const { row, event, campus, chain } of entries) {
    if (!event.type.startsWith(PREFIX)) continue;
    const type = event.type.slice(PREFIX.length);
    const kind = troubles[type];
    if (kind === undefined && !type.startsWith('alarm.')) continue;
    const at = { campus, chain, sequence: row.event.sequence, id: row.id };
    const { receivedAt } = event;
    const time = row.time ?? receivedAt;
    const data = dataOf(event.body);
    const what = type.slice('alarm.'.length);
    if (kind !== undefined) {
      const thing = kind === 'dropped' || kind === 'storage' ? uuidFrom(kind) : thingOf(data);
      words.troubles.push({
        ...at,
        thing,
        kind,
        stands: data.state !== 'restored' && data.momentary !== true,
        time,
      });
    } else if (what === 'raised') words.raised.push(raisedOf(at, data, time, receivedAt));
    else if (what === 'restored' || what === 'cancelled')
      words.ended.push({ ...at, thing: thingOf(data), how: what, time, receivedAt });
    else if (isAct(what)) words.acts.push(...actOf(at, what, data, time));
  }
  return words;
}
