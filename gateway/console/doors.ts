/** Doors as access has them, with what the config says of them, and who is inside. */
import { Temporal } from 'temporal-polyfill';
import type { AccessConfig } from '../../config/sections/access.ts';
import type { Visit } from '../../drivers/contract/observation.ts';
import type { Persons } from '../persons/index.ts';
import type { State } from '../road/recorder.ts';
import type { Door, Inside } from './contract/doors.ts';
import type { Troubles } from './troubles.ts';

/** What the pages ask of access. */
export interface AccessNow {
  doors(): readonly { readonly id: string; readonly state: Door['state'] }[];
  keptOpen(): ReadonlySet<string>;
  lockdownSince(): string | undefined;
  /** `since`: epoch ms. */
  inside(): readonly { readonly holder: string; readonly since: number }[];
}
export type DoorConfig = Readonly<
  Pick<
    AccessConfig['doors'][number],
    'id' | 'name' | 'direction' | 'pickup' | 'contact' | 'unlock' | 'reader'
  >
>;

export function doorsOf(config: readonly DoorConfig[], access: AccessNow, troubles: Troubles): Door[] {
  const states = new Map(access.doors().map(({ id, state }) => [id, state]));
  const kept = access.keptOpen();
  return config.map(({ id, name, direction, pickup, contact, unlock, reader }) => {
    const devices = new Set([...reader, ...unlock.map(({ target }) => target)]);
    if (contact !== undefined) devices.add(contact.device);
    return {
      id,
      ...(name !== undefined && { name }),
      state: states.get(id) ?? 'closed',
      keptOpen: kept.has(id),
      ...(direction !== undefined && { direction }),
      pickup,
      ...(contact !== undefined && { contact: contact.device }),
      locks: unlock.map(({ target, output }) => ({ target, output })),
      readers: [...reader],
      troubles: [...devices].flatMap((device) =>
        troubles.ofDevice(device).map((one) => ({ device, ...one })),
      ),
    };
  });
}

/** When the day of a moment (epoch ms) began, RFC 3339. */
export const dayBegan = (now: number, timezone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(now)
    .toZonedDateTimeISO(timezone)
    .startOfDay()
    .toInstant()
    .toString({ fractionalSecondDigits: 3 });

/** The visitors who are here: announced ones are not yet. */
export const visitorsIn = (states: Iterable<State>): Visit[] =>
  [...states].flatMap(({ raised, event }) => {
    const visit = event.data['visit'] as Visit | undefined;
    return raised && visit !== undefined && visit.stage !== 'expected' ? [visit] : [];
  });

/** Told of at once: a school of 3,000 pupils is looked through by a search. */
const PEOPLE_MAX = 500;

/** Those whose id, name or class has the words; who came last is first. */
export async function whoIsInside(
  access: Pick<AccessNow, 'inside'>,
  persons: Persons,
  visitors: readonly Visit[],
  search: string,
): Promise<Inside> {
  const wanted = search.trim().toLowerCase();
  const fits = (...texts: readonly (string | undefined)[]) =>
    wanted === '' || texts.some((text) => text?.toLowerCase().includes(wanted) === true);
  const all = [...access.inside()].sort((a, b) => b.since - a.since);
  const known = await persons.get(all.map(({ holder }) => holder));
  const found = all.flatMap(({ holder, since }, i) => {
    const { name, class: own } = known[i] ?? {};
    return fits(holder, name, own)
      ? [
          {
            holder,
            ...(name !== undefined && { name }),
            ...(own !== undefined && { class: own }),
            since: new Date(since).toISOString(),
          },
        ]
      : [];
  });
  return {
    more: Math.max(0, found.length - PEOPLE_MAX),
    people: found.slice(0, PEOPLE_MAX),
    visitors: visitors.filter(({ name, host, purpose }) => fits(name, host, purpose)).slice(0, PEOPLE_MAX),
  };
}
