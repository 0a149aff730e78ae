/** Whether a card opens a door now. Pure: the lists, the time, and where the holder was seen last come from outside. */
import { Temporal } from 'temporal-polyfill';
import type { AccessConfig } from '../../config/sections/access.ts';
import type { CalendarConfig } from '../../config/sections/calendar.ts';
import { type CardReading, keysOfReading } from '../../drivers/contract/card.ts';
import { fitsDay } from '../calendar.ts';
import type { Credentials, Holding } from './credentials.ts';

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
  | 'second-person'
  /** The card is good, and its PIN must follow; it has none. */
  | 'pin-needed'
  | 'no-pin'
  | 'wrong-code'
  /** A PIN without a card before it; a code at a door that takes none; too many wrong ones before it. */
  | 'card-first'
  | 'no-codes'
  | 'locked-out';

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
  /** A list, or what finds a card in several. */
  readonly credentials: Credentials | { readonly find: (card: CardReading) => Holding | undefined };
  readonly config: Pick<AccessConfig, 'groups' | 'timeTables'>;
  readonly calendar: CalendarConfig;
  readonly timezone: string;
  readonly passages: Passages;
  readonly lockdown: boolean;
}

/** Of a list by `cardKey`: however the card is written there, and whatever of it the reader tells. */
export function ofCard<T>(map: Pick<ReadonlyMap<string, T>, 'get'>, card: CardReading): T | undefined {
  for (const key of keysOfReading(card)) {
    const found = map.get(key);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function decide(card: CardReading, door: DoorConfig, now: number, context: DecisionContext): Decision {
  const { credentials } = context;
  const holding = 'find' in credentials ? credentials.find(card) : ofCard(credentials, card);
  return holding === undefined ? { decision: 'unknown' } : decideHolding(holding, door, now, context);
}

/** Whether somebody may pass who showed, or typed, what the list knows. */
export function decideHolding(
  holding: Holding,
  door: DoorConfig,
  now: number,
  { config, calendar, timezone, passages, lockdown }: Omit<DecisionContext, 'credentials'>,
): Decision {
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
