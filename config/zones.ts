/** Which zone 防区 is meant: of which device, of which account where panels report to it, and its number. Pure. */
import type { Config } from './schema.ts';
import type { ZoneName } from './sections/values.ts';

export interface ZonePlace {
  readonly device: string;
  readonly zone?: number | undefined;
  /** As the config or an observation's details say it; undefined: its device has none. */
  readonly account?: unknown;
}

/** Letters of any case are one account, as drivers have it. */
const accountKey = (account: unknown) => String(account ?? '').toUpperCase();
export const isSameAccount = (one: unknown, other: unknown) => accountKey(one) === accountKey(other);
export const zoneKey = ({ device, zone, account }: ZonePlace) => `${device}\n${accountKey(account)}\n${zone}`;
export const isSameZone = (one: ZonePlace, other: ZonePlace) =>
  one.device === other.device && one.zone === other.zone && isSameAccount(one.account, other.account);

/** The zone that a device spoke of. */
export const placeOf = (said: {
  readonly device: string;
  readonly zone?: { readonly number: number };
  readonly details?: Readonly<Record<string, unknown>>;
}): ZonePlace => ({ device: said.device, zone: said.zone?.number, account: said.details?.['account'] });

interface Listed {
  readonly account: string;
  readonly zones?: readonly { readonly zone: number }[];
}
/** The panels that report to a device; none: it is no receiver. */
export const accountsOf = (options: unknown) =>
  (options as { accounts?: readonly Listed[] } | undefined)?.accounts ?? [];

/** Says of each zone that the config names, of which account it is, where that is beyond doubt. */
export function withAccounts<C extends Pick<Config, 'devices' | 'areas' | 'rules' | 'access'>>(config: C): C {
  const whole = <Z extends ZoneName>(zone: Z): Z => {
    const accounts = accountsOf(config.devices.find(({ id }) => id === zone.device)?.options);
    const own = accounts.filter(
      ({ account }) => zone.account === undefined || isSameAccount(account, zone.account),
    );
    return own.length === 1 ? { ...zone, account: own[0]?.account } : zone;
  };
  return {
    ...config,
    areas: config.areas.map((area) => ({ ...area, zones: area.zones.map(whole) })),
    rules: config.rules.map((rule) => ({
      ...rule,
      when: { ...rule.when, zones: rule.when.zones?.map(whole) },
    })),
    access: {
      ...config.access,
      doors: config.access.doors.map((door) => ({
        ...door,
        contact: door.contact && whole(door.contact),
        exitRequest: door.exitRequest && whole(door.exitRequest),
      })),
    },
  };
}

/** A zone that the config lists. */
export interface ListedZone {
  /** Of a panel behind a receiver. */
  readonly account?: string;
  readonly zone: number;
  readonly id?: string | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly place?: string | undefined;
}

/** All zones that a device lists: its own, those of its panels, the inputs of a reader (by default the contact of a door). */
export function listZones({ options }: Pick<Config['devices'][number], 'options'>): readonly ListedZone[] {
  const { zones = [], inputs = [] } = options as Partial<Record<'zones' | 'inputs', readonly ListedZone[]>>;
  return [
    ...zones,
    ...inputs.map((input) => ({ ...input, kind: input.kind ?? 'contact' })),
    ...accountsOf(options).flatMap(({ account, zones: own = [] }) =>
      own.map((zone) => ({ ...zone, account })),
    ),
  ];
}
