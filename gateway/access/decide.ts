/** Whether a card opens a door now. Pure: the lists, the time, and where the holder was seen last come from outside. */
import { Temporal } from 'temporal-polyfill';
import type { AccessConfig } from '../../config/sections/access.ts';
import type { CalendarConfig } from '../../config/sections/calendar.ts';
import { fitsDay } from '../calendar.ts';
import { type Credentials, cardKey } from './credentials.ts';

export type DoorConfig = AccessConfig['doors'][number];

/** Why a card does not open a door. */
export type Denial =
  | 'blocked'
  | 'not-yet-valid'
  | 'expired'
  | 'not-this-door'
  | 'not-now'
  | 'lockdown'
  | 'passback'
  | 'not-bound'
  | 'second-person';

export interface Decision {
  readonly decision: 'granted' | 'denied' | 'unknown';
  readonly reason?: Denial;
  readonly holder?: string;
  /** At a door for picking up: the children whom the holder may take away. */
  readonly children?: readonly string[];
}

/** Where holders were seen last: the side that they went to, and when, epoch ms. */
export type Passages = ReadonlyMap<string, { readonly direction: 'in' | 'out'; readonly at: number }>;

export interface DecisionContext {
  readonly credentials: Credentials;
  readonly config: Pick<AccessConfig, 'groups' | 'timeTables'>;
  readonly calendar: CalendarConfig;
  readonly timezone: string;
  readonly passages: Passages;
  readonly lockdown: boolean;
}

/** A card without its facility counts where the list has none, and the other way round. */
export function holdingOf(credentials: Credentials, facility: number | undefined, number: string) {
  return credentials.get(cardKey(facility, number)) ?? credentials.get(cardKey(undefined, number));
}

export function decide(
  card: { readonly facility?: number | undefined; readonly number: string },
  door: DoorConfig,
  now: number,
  { credentials, config, calendar, timezone, passages, lockdown }: DecisionContext,
): Decision {
  const holding = holdingOf(credentials, card.facility, card.number);
  if (holding === undefined) return { decision: 'unknown' };
  const { holder, groups, validFrom, validUntil, blocked, children = [] } = holding;
  const about = { holder, ...(door.pickup && { children }) };
  const denied = (reason: Denial): Decision => ({ decision: 'denied', reason, ...about });
  if (blocked) return denied('blocked');
  const local = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timezone);
  const today = local.toPlainDate().toString();
  if (validFrom !== undefined && today < validFrom) return denied('not-yet-valid');
  if (validUntil !== undefined && today > validUntil) return denied('expired');
  const own = config.groups.filter(({ id, doors }) => groups.includes(id) && doors.includes(door.id));
  if (own.length === 0) return denied('not-this-door');
  if (lockdown && !own.some((group) => group.lockdown)) return denied('lockdown');
  const time = local.toPlainTime().toString({ smallestUnit: 'minute' });
  const isOpen = (id: string) =>
    config.timeTables.some(
      (table) =>
        table.id === id &&
        table.from <= time &&
        time < table.to &&
        fitsDay(table.on, local.toPlainDate(), calendar),
    );
  if (!own.some(({ times }) => times === undefined || times.some(isOpen))) return denied('not-now');
  const last = passages.get(holder);
  if (
    door.passback !== undefined &&
    door.direction !== undefined &&
    last?.direction === door.direction &&
    now - last.at >= 0 &&
    now - last.at < door.passback
  )
    return denied('passback');
  if (door.pickup && children.length === 0) return denied('not-bound');
  return { decision: 'granted', ...about };
}
