/** What must hold in a world once all works again. */

import type { TestDisk } from '../backing.ts';
import type { Field } from './field.ts';
import type { Life } from './life.ts';
import type { Got, Platform } from './platform.ts';

export interface Surroundings {
  readonly disk: Pick<TestDisk, 'events'>;
  readonly field: Field;
  readonly platforms: readonly Platform[];
  readonly gateway: {
    /** When it crashed or was stopped, `elapsed()`. */
    readonly stops: readonly number[];
    lives(): number;
    pending(): number;
  };
}

interface Kept {
  readonly sequence: number;
  readonly id: string;
  readonly type: string;
  readonly lane: string;
  readonly body: string;
}

const lanes = ['urgent', 'normal', 'bulk'];
/** Timers of a gateway at rest. */
const TIMERS_MAX = 40;
/** From an alarm until its siren: the wait for its line, the answer, a slow disk, a rule that is busy. */
const SIREN_MS = 60_000;

/** What must hold whenever nothing is under way. */
export function violations(of: Surroundings): readonly string[] {
  const kept = of.disk.events().map((one) => ({ ...one, lane: lanes[one.lane] as string }));
  return [
    ...onceOnDisk(of.field, kept),
    ...of.platforms.flatMap((platform) => delivered(platform, kept, of.gateway.lives() > 1)),
    ...doors(of.field, of.platforms),
    ...sirens(of, kept),
    ...growth(of),
  ];
}

/** What was acknowledged is there, and nothing twice. */
function onceOnDisk(field: Field, kept: readonly Kept[]): string[] {
  const times = new Map<string, number>();
  for (const { body } of kept) {
    const { text } = (JSON.parse(body) as { data: { text?: string } }).data;
    if (text?.startsWith('#') === true) times.set(text, (times.get(text) ?? 0) + 1);
  }
  return field.said.flatMap(({ n, observation, isKept }) => {
    const count = times.get(`#${n}`) ?? 0;
    if (count > 1) return [`#${n} (${observation.kind}) is on disk ${count} times`];
    return count === 0 && isKept === true
      ? [`#${n} (${observation.kind}) was acknowledged and is not on disk`]
      : [];
  });
}

/** What is on disk came, each with the one before it, with its true time. */
function delivered({ id, got }: Platform, kept: readonly Kept[], stopped: boolean): string[] {
  const wrong: string[] = [];
  const last = new Map<string, number>();
  const known = new Set(kept.map((one) => one.id));
  for (const { id: own, lane, sequence, type, body } of kept) {
    const one: Got | undefined = got.get(own);
    const previous = last.get(lane) ?? 0;
    last.set(lane, sequence);
    if (one === undefined || one.sequence === 0)
      wrong.push(`${id} has not got ${lane} ${sequence} (${type})`);
    else if (one.sequence !== sequence) wrong.push(`${id} has ${own} as ${one.sequence}, not ${sequence}`);
    else if (one.previous !== previous)
      wrong.push(`${id}: ${lane} ${sequence} says ${one.previous} before it, not ${previous}`);
    else if (timeOf(one.body) !== timeOf(body)) wrong.push(`${id}: ${lane} ${sequence} has another time`);
  }
  // What went out from memory before the gateway stopped is told again by its device, as another event.
  for (const [own, { sequence }] of got)
    if (!known.has(own) && !(sequence === 0 && stopped))
      wrong.push(`${id} has ${own} (${sequence}), which is not on disk`);
  return wrong;
}
const timeOf = (body: string) => (JSON.parse(body) as { time: string }).time;

/** A door moves at most once for a command; where it is said to be done, it moved. */
function doors(field: Field, platforms: readonly Platform[]): string[] {
  const moved = new Map<string, number>();
  for (const { action, id } of field.done) if (action === 'unlock') moved.set(id, (moved.get(id) ?? 0) + 1);
  return platforms.flatMap(({ asked }) =>
    asked.flatMap(({ id, reply }) => {
      const times = moved.get(id) ?? 0;
      if (times > 1) return [`the door moved ${times} times for ${id}`];
      return reply?.done === true && times === 0
        ? [`${id} was answered as done, and the door did not move`]
        : [];
    }),
  );
}

/** An alarm sets its rule off once: a crash or a broken wire may cost it the siren, nothing sounds it twice. */
function sirens({ field, gateway }: Surroundings, kept: readonly Kept[]): string[] {
  const wrong: string[] = [];
  const sounded = new Map<string, number>();
  for (const { action, id } of field.done)
    if (action === 'activate') sounded.set(id, (sounded.get(id) ?? 0) + 1);
  for (const [id, times] of sounded) if (times > 1) wrong.push(`the siren sounded ${times} times for ${id}`);
  for (const { id, type, body } of kept) {
    if (type !== 'alarm.raised') continue;
    const { kind, device, zone } = (
      JSON.parse(body) as { data: { kind: string; device: { id: string }; zone: { number: number } } }
    ).data;
    if (kind !== 'panic') continue;
    const rule = `${device.id}-${zone.number}`;
    const said = field.said.find(({ n }) => body.includes(`"#${n}"`));
    const from = said?.saidAt ?? 0;
    const to = (said?.ackedAt ?? from) + SIREN_MS;
    const excused =
      gateway.stops.some((at) => at >= from && at <= to) ||
      field.wasDown('siren', from, to) ||
      // Set off again while it runs, a rule runs once more, for the last.
      field.done.some(({ id: own, at }) => own.startsWith(`${rule}/`) && at >= from && at <= to);
    if (!sounded.has(`${rule}/${id}`) && !excused)
      wrong.push(`the siren did not sound for ${id} (#${said?.n})`);
  }
  return wrong;
}

/** What is under way still. */
export function underWay(life: Life | undefined): readonly string[] {
  if (life === undefined) return ['the gateway is not there'];
  const { journal, recorder } = life;
  const waiting = recorder.unsaved.size;
  return [
    ...(waiting > 0 ? [`${waiting} alarms are still in memory`] : []),
    ...(journal.condition.good ? [] : ['the disk takes nothing']),
    ...['police', 'bureau'].flatMap((uplink) => [
      ...(journal.held(uplink).length > 0 ? [`${uplink} holds something`] : []),
      ...(['urgent', 'normal'] as const).flatMap((lane) => {
        const behind = journal.last(lane) - journal.position(uplink, lane).sequence;
        return behind > 0 ? [`${uplink} is ${behind} behind in ${lane}`] : [];
      }),
    ]),
  ];
}

/** At rest, a gateway has as few timers as at its start. */
function growth({ gateway }: Surroundings): string[] {
  const timers = gateway.pending();
  return timers > TIMERS_MAX ? [`${timers} timers wait`] : [];
}
