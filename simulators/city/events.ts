/** The events of a simulated campus: all that their bytes follow from, so that they are made again and not kept. */
import { createHash } from 'node:crypto';

export type CityLane = 'urgent' | 'normal';
export const cityLanes: readonly CityLane[] = ['urgent', 'normal'];

/** What an operator did with an alarm, as the event has it. */
export interface Fact {
  /** The id of the alarm. */
  readonly event: string;
  readonly by: string;
  readonly uplink: string;
  readonly reason?: string;
  readonly note?: string;
}
/** What is said of an alarm after it was raised. */
export type Said =
  | { readonly type: 'alarm.restored' }
  | { readonly type: 'alarm.acknowledged' | 'alarm.closed'; readonly fact: Fact };

/** An event that was made: all that its bytes follow from. */
export interface Made {
  readonly lane: CityLane;
  readonly sequence: number;
  /** The one before it in its lane. */
  readonly previous: number;
  /** Epoch ms. */
  readonly at: number;
  /** undefined: it is what its lane is there for, an alarm or what a camera saw. */
  readonly said?: Said | undefined;
}

/** A journal's id: the same for the same seed. */
export function journalOf(random: () => number): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** RFC 9562, version 7: its time, and of the rest what always is the same for this event. */
export function idOf(journal: string, { sequence, at }: Pick<Made, 'sequence' | 'at'>): string {
  const time = at.toString(16).padStart(12, '0');
  const rest = createHash('sha256').update(`${journal}/${sequence}`).digest('hex');
  const variant = ((Number.parseInt(rest[3] ?? '0', 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-${variant}${rest.slice(4, 7)}-${rest.slice(7, 19)}`;
}

const wordsOf = {
  urgent: {
    type: 'alarm.raised',
    device: { id: 'perimeter-panel', name: '周界报警主机' },
    data: {
      kind: 'panic',
      state: 'raised',
      zone: { number: 9, id: 'gatehouse-button', name: '门卫室一键报警' },
    },
  },
  normal: {
    type: 'video.motion',
    device: { id: 'yard', name: '操场' },
    data: { kind: 'video', cause: 'motion', state: 'raised', zone: { number: 1 } },
  },
} as const;

/** A campus has one button, and so all is said of the same thing. */
function saidOf(said: Said) {
  const { device, data } = wordsOf.urgent;
  if (said.type === 'alarm.restored')
    return { type: said.type, device, data: { ...data, state: 'restored' } };
  return { type: said.type, device, data: { ...data, [said.type.slice('alarm.'.length)]: said.fact } };
}

/** Whether it is an alarm, and not what is said of one. */
export const isAlarm = ({ lane, said }: Pick<Made, 'lane' | 'said'>): boolean =>
  lane === 'urgent' && said === undefined;

/** The topic below `campus/v1/{campusId}`, and the payload. */
export function messageOf(campus: string, journal: string, event: Made): { topic: string; payload: string } {
  const { lane, sequence, previous, at, said } = event;
  const { type, device, data } = said === undefined ? wordsOf[lane] : saidOf(said);
  const time = new Date(at).toISOString();
  const payload = JSON.stringify({
    specversion: '1.0',
    id: idOf(journal, event),
    source: `/campus/${campus}/device/${device.id}`,
    type: `cn.campus.${type}`,
    time,
    datacontenttype: 'application/json',
    data: { ...data, device, clock: { source: 'gateway', seenAt: time, synchronised: true } },
    sequence: String(sequence),
    previous: String(previous),
    lane,
    journal,
  });
  return { topic: `event/${type.split('.')[0]}/${device.id}`, payload };
}

/** undefined: no object. */
export function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
