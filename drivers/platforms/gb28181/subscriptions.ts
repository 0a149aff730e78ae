/**
 * What a platform subscribes to (2016, 9.11; RFC 6665): the catalogue. At first it is told all of it, then what changes. Who
 * subscribes to alarms hears that it is so; each alarm is told by its own MESSAGE, with a cursor, whether or not somebody
 * subscribed, and a NOTIFY of it would tell it twice. All of it ends with the registration.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Timer } from '../../contract/clock.ts';
import type { Part, Session } from './answering.ts';
import { type Item, pagesOf, under } from './catalogue.ts';
import type { Directory } from './directory.ts';
import { type Fields, type Manscdp, readManscdp, writeManscdp } from './manscdp.ts';
import { acceptDialog, type Dialog, dialogKeyOf } from './sip/dialog.ts';
import { roomBeside } from './sip/endpoint.ts';
import { type Header, headerOf, readAddress } from './sip/message.ts';
import type { Answer, Asked } from './sip/transactions.ts';

/** Of one platform; it needs two. */
const SUBSCRIPTIONS_MAX = 16;
/** Where a question does not say (RFC 6665 leaves it to the event), and the longest, s. */
const EXPIRES = 3600;
const EXPIRES_MAX = 604_800;
/** What changes within it is told together. */
const TOGETHER_MS = 1000;
/** As the standard and platforms in use name them (9.11; `presence` in the field). */
const ALLOW: Header = ['allow-events', 'Catalog, Alarm, presence'];

type Kind = 'Catalog' | 'Alarm';
const kinds: readonly string[] = ['Catalog', 'Alarm'] satisfies Kind[];

/** What of an item was told. */
interface Told {
  readonly fields: Fields;
  readonly online: boolean;
}

interface Subscription {
  readonly kind: Kind;
  /** Whose catalogue. */
  readonly device: string;
  readonly sn: string;
  readonly dialog: Dialog;
  /** Who subscribed, over all its dialogs: one that comes again has forgotten the one before. */
  readonly by: string;
  readonly event: string;
  /** By `elapsed` of the clock. */
  until: number;
  expiry: Timer | undefined;
  told: Map<string, Told>;
  /** It goes on by itself while there is something to tell. */
  isTelling: boolean;
  /** A NOTIFY is due even where nothing changed: after each SUBSCRIBE (RFC 6665, 4.2.1.2). */
  isDue: boolean;
  isOver: boolean;
}

/** The event that says it: of what was told, and what is. */
function changeOf(item: Item, before: Told | undefined): Fields | undefined {
  const event = (word: string): Fields[number] => ['Event', word];
  if (before === undefined) return [...item.fields, event('ADD')];
  if (isDeepStrictEqual(before.fields, item.fields)) return undefined;
  const rest = (fields: Fields) => fields.filter(([name]) => name !== 'Status');
  if (!isDeepStrictEqual(rest(before.fields), rest(item.fields))) return [...item.fields, event('UPDATE')];
  return [['DeviceID', item.id], event(item.online ? 'ON' : 'OFF')];
}

function changesOf(items: readonly Item[], told: ReadonlyMap<string, Told>): readonly Fields[] {
  const now = new Set(items.map(({ id }) => id));
  const gone = [...told.keys()].filter((id) => !now.has(id));
  return [
    ...items.map((item) => changeOf(item, told.get(item.id))).filter((fields) => fields !== undefined),
    ...gone.map(
      (id): Fields => [
        ['DeviceID', id],
        ['Event', 'DEL'],
      ],
    ),
  ];
}

/** What was asked for, s; undefined: it makes no sense. */
function expiresOf({ request }: Asked): number | undefined {
  const said = headerOf(request, 'expires');
  if (said === undefined) return EXPIRES;
  return /^\d+$/.test(said) ? Math.min(Number(said), EXPIRES_MAX) : undefined;
}

/** Says what there is to say, one NOTIFY after the other's answer, and that a subscription is over. */
function createTelling(
  { own, host, ask, nextSn }: Session,
  directory: Directory,
  forget: (one: Subscription) => void,
) {
  const { clock } = host;
  const end = (one: Subscription) => {
    one.isOver = true;
    one.expiry?.stop();
    forget(one);
  };
  const stateOf = ({ until, isOver }: Subscription) =>
    isOver
      ? 'terminated;reason=timeout'
      : `active;expires=${Math.max(0, Math.round((until - clock.elapsed()) / 1000))}`;
  const headersOf = (one: Subscription, body?: Buffer): readonly Header[] => [
    ['event', one.event],
    ['subscription-state', stateOf(one)],
    ...(body === undefined ? [] : ([['content-type', 'Application/MANSCDP+xml']] as const)),
  ];
  /** @returns whether it was heard. Who does not know the dialog, or does not answer, is told no more (RFC 6665, 4.2.2). */
  const notify = async (one: Subscription, body?: Buffer): Promise<boolean> => {
    const request = one.dialog.request('NOTIFY', {
      headers: headersOf(one, body),
      ...(body !== undefined && { body }),
    });
    const answer = await ask(request, one.dialog.place).catch((error: Error) => error);
    if (!(answer instanceof Error) && answer.status < 300) return true;
    if (!one.isOver)
      host.discarded(
        'a NOTIFY that the platform did not take',
        answer instanceof Error ? answer.message : `${answer.status} ${answer.reason}`,
      );
    end(one);
    return false;
  };
  const bodiesOf = (one: Subscription): readonly Buffer[] => {
    const all = directory.items();
    if (all === undefined) return [];
    const items = under(all, one.device) ?? [];
    const changes = changesOf(items, one.told);
    one.told = new Map(items.map(({ id, fields, online }) => [id, { fields, online }]));
    if (changes.length === 0 && !one.isDue) return [];
    const head = one.dialog.sizeOf('NOTIFY', headersOf(one, Buffer.alloc(0)));
    const room = roomBeside(head, one.dialog.place.transport);
    return pagesOf(changes, {
      ...{ root: 'Notify', sn: nextSn(), device: one.device, characters: own.characters, room },
    });
  };
  /** Tells what there is to tell, one NOTIFY after the other's answer. */
  const tell = async (one: Subscription): Promise<void> => {
    if (one.isTelling) return;
    one.isTelling = true;
    try {
      for (;;) {
        if (one.kind === 'Alarm' || one.isOver) {
          if (!one.isDue) break;
          one.isDue = false;
          if (!(await notify(one))) break;
          continue;
        }
        const bodies = bodiesOf(one);
        one.isDue = false;
        if (bodies.length === 0) break;
        for (const body of bodies) if (one.isOver || !(await notify(one, body))) break;
      }
    } finally {
      one.isTelling = false;
    }
  };
  const due = (one: Subscription) => {
    one.isDue = true;
    tell(one).catch(() => end(one));
  };
  const expire = (one: Subscription) => {
    end(one);
    due(one);
  };
  const refresh = (one: Subscription, seconds: number) => {
    one.expiry?.stop();
    one.until = clock.elapsed() + seconds * 1000;
    if (seconds === 0) end(one);
    else one.expiry = clock.after(seconds * 1000, () => expire(one));
  };
  return { end, tell, refresh, due };
}

const accepted = ({ kind, device, sn, dialog }: Subscription, seconds: number): Answer => ({
  status: 200,
  reason: 'OK',
  headers: [...dialog.headers, ['expires', String(seconds)], ['content-type', 'Application/MANSCDP+xml']],
  // 2016, annex J, the flow of 9.11: the answer says so in MANSCDP too.
  body: writeManscdp('Response', [
    ['CmdType', kind],
    ['SN', sn],
    ['DeviceID', device],
    ['Result', 'OK'],
  ]),
});

export function createSubscriptions(session: Session, directory: Directory): Part {
  const { own, host } = session;
  const { clock } = host;
  const open = new Map<string, Subscription>();
  const { end, tell, refresh, due } = createTelling(session, directory, ({ dialog }) =>
    open.delete(dialog.key),
  );

  const again = (asked: Asked, key: string, seconds: number) => {
    const one = open.get(key);
    if (one === undefined) return asked.answer({ status: 481, reason: 'Subscription Does Not Exist' });
    const refused = one.dialog.take(asked.request);
    if (refused !== undefined) return asked.answer(refused);
    refresh(one, seconds);
    asked.answer(accepted(one, seconds));
    due(one);
  };
  const begin = (asked: Asked, said: Manscdp, seconds: number) => {
    const { request } = asked;
    const event = headerOf(request, 'event') ?? said.command;
    const kind = kinds.find((one) => one === said.command) as Kind | undefined;
    if (said.root !== 'Query' || kind === undefined) {
      host.discarded('a subscription to what is not told here', said.command);
      return asked.answer({ status: 489, reason: 'Bad Event', headers: [ALLOW] });
    }
    const items = directory.items();
    if (items === undefined) {
      void directory.load();
      return asked.answer({ status: 503, reason: 'Service Unavailable', headers: [['retry-after', '10']] });
    }
    if (under(items, said.device) === undefined) return asked.answer({ status: 404, reason: 'Not Found' });
    const dialog = acceptDialog(asked, session.contact);
    if (dialog === undefined) return asked.answer({ status: 400, reason: 'Bad Request' });
    const by = [readAddress(headerOf(request, 'from') ?? '')?.uri, kind, said.device].join(' ');
    for (const other of [...open.values()]) if (other.by === by) end(other);
    if (open.size >= SUBSCRIPTIONS_MAX)
      return asked.answer({ status: 503, reason: 'Service Unavailable', headers: [['retry-after', '60']] });
    const one: Subscription = {
      ...{ kind, device: said.device, sn: said.sn, dialog, by, event },
      ...{ until: 0, expiry: undefined, told: new Map() },
      ...{ isTelling: false, isDue: false, isOver: false },
    };
    open.set(dialog.key, one);
    refresh(one, seconds);
    asked.answer(accepted(one, seconds));
    due(one);
  };
  const subscribe = (asked: Asked) => {
    const seconds = expiresOf(asked);
    if (seconds === undefined) return asked.answer({ status: 400, reason: 'Bad Request' });
    const key = dialogKeyOf(asked.request);
    if (key !== undefined) return again(asked, key, seconds);
    const said = readManscdp(asked.request.body);
    if (typeof said === 'string') {
      host.discarded(said);
      return asked.answer({ status: 400, reason: 'Bad Request' });
    }
    begin(asked, said, seconds);
  };

  let soon: Timer | undefined;
  const stop = host.onInventory(() => {
    soon ??= clock.after(TOGETHER_MS, () => {
      soon = undefined;
      for (const one of open.values()) if (one.kind === 'Catalog') tell(one).catch(() => end(one));
    });
  });
  return {
    methods: { SUBSCRIBE: subscribe },
    state: () => ({
      subscriptions: [...open.values()].map(({ kind, device, until }) => ({
        to: device === own.deviceId ? kind : `${kind} ${device}`,
        until: new Date(clock.wall() + until - clock.elapsed()).toISOString(),
      })),
    }),
    close() {
      stop();
      soon?.stop();
      for (const one of [...open.values()]) end(one);
    },
  };
}
