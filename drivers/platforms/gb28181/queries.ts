/**
 * What a platform asks of the campus (2016, 9.5 and annex A.2.4, A.2.6): its catalogue, what a device is and how it is. Each
 * question is answered 200 at once, and by a Response in a MESSAGE of its own after that. A catalogue goes page by page, the
 * next one after the answer: some platforms lose what comes too fast.
 */
import type { Thing } from '../../contract/inventory.ts';
import { localTime } from './alarms.ts';
import type { Part, Session } from './answering.ts';
import { MAKER, pagesOf, shownOf, under } from './catalogue.ts';
import type { Directory } from './directory.ts';
import { type Fields, fieldOf, type Manscdp, sizeOf, writeManscdp } from './manscdp.ts';
import type { Answer } from './sip/transactions.ts';

/** Catalogues that wait for the one that is on its way; a platform needs one. */
const WAITING_MAX = 4;
/** Responses of one page on their way beside each other. */
const RESPONSES_MAX = 16;
/** Keepalives without an answer after which we are not registered, as a platform may want to know. */
const HEARTBEATS = 3;
/** What a Response has before what is said in it, with room for a count; bytes. */
const STATUS_HEAD = 260;

const BUSY: Answer = { status: 503, reason: 'Service Unavailable' };
const NOT_FOUND: Answer = { status: 404, reason: 'Not Found' };

/** Sends what was asked for, each list after the one before. */
function createReplies({ message, room, host }: Session) {
  const lists: { readonly key: string; readonly pages: (room: number) => readonly Buffer[] }[] = [];
  let running: string | undefined;
  let single = 0;
  let isOver = false;
  const say = async (body: Buffer): Promise<boolean> => {
    const answer = await message(body).catch((error: Error) => error);
    if (isOver) return false;
    if (!(answer instanceof Error) && answer.status < 300) return true;
    const why = answer instanceof Error ? answer.message : `${answer.status} ${answer.reason}`;
    host.discarded('an answer of ours that the platform did not take', why);
    return false;
  };
  const run = async () => {
    for (let next = lists.shift(); next !== undefined && !isOver; next = lists.shift()) {
      running = next.key;
      // Without one page the rest is of no use: the platform counts.
      for (const page of next.pages(await room())) if (!(await say(page))) break;
    }
    running = undefined;
  };
  return {
    /** @returns whether there is a place for it. The same question again, while it waits, is one. */
    list(key: string, pages: (room: number) => readonly Buffer[]): boolean {
      if (running === key || lists.some((one) => one.key === key)) return true;
      if (lists.length >= WAITING_MAX) return false;
      lists.push({ key, pages });
      if (running === undefined) {
        running = key;
        run().catch(() => {
          running = undefined;
        });
      }
      return true;
    },
    one(body: (room: number) => Buffer | Promise<Buffer>): boolean {
      if (single >= RESPONSES_MAX) return false;
      single++;
      room()
        .then(async (most) => say(await body(most)))
        .catch(() => {})
        .finally(() => single--);
      return true;
    },
    close() {
      isOver = true;
      lists.length = 0;
    },
  };
}

/** What a Response says behind its head; `room`: bytes that it may have. */
type Responding = (said: Manscdp, room: number) => Fields | Promise<Fields>;

const ERROR: Fields = [['Result', 'ERROR']];
const OK: Fields = [['Result', 'OK']];
const dutyOf = { alarm: 'ALARM', armed: 'ONDUTY', disarmed: 'OFFDUTY' } as const;

type Of = (id: string) => Thing | undefined;

const deviceInfo =
  ({ own, host }: Session, thingOf: Of): Responding =>
  ({ device }) => {
    const fields = (
      name: string,
      maker: string,
      model: string,
      firmware: string,
      channels: number,
    ): Fields => [
      ['DeviceName', name],
      ...OK,
      ['Manufacturer', maker],
      ['Model', model],
      ['Firmware', firmware],
      ['Channel', channels],
    ];
    if (device === own.deviceId) {
      const cameras = shownOf(host.inventory(), own).filter(({ kind }) => kind === 'camera');
      return fields(host.campusData().name, MAKER, MAKER, host.version, cameras.length);
    }
    const thing = thingOf(device);
    if (thing === undefined) return ERROR;
    const { name, maker = '-', model = '-', firmware = '-', kind } = thing;
    return fields(name, maker, model, firmware, kind === 'camera' ? 1 : 0);
  };

const deviceStatus =
  ({ own, host, ids }: Session, thingOf: Of): Responding =>
  ({ device }, room) => {
    const isOwn = device === own.deviceId;
    const thing = thingOf(device);
    if (!isOwn && thing === undefined) return ERROR;
    const isOnline = isOwn || thing?.online === true;
    const sees = isOwn ? own.video !== false : thing?.kind === 'camera';
    const about: Fields = [
      ...OK,
      ['Online', isOnline ? 'ONLINE' : 'OFFLINE'],
      ['Status', isOnline ? 'OK' : 'ERROR'],
      ['Encode', isOnline && sees ? 'ON' : 'OFF'],
      // It keeps clips around alarms; what records all the time is another device.
      ['Record', 'OFF'],
      ['DeviceTime', localTime(new Date(host.clock.wall()).toISOString(), host.timeZone)],
    ];
    const inputs = (isOwn ? host.inventory() : [thing]).flatMap((one) => {
      const id = one?.kind === 'alarm-input' ? ids.known('alarmInput', one.id) : undefined;
      return id === undefined ? [] : [{ id, guard: one?.guard ?? 'armed' }];
    });
    // The standard has one answer and no pages: those of which an alarm stands come first, then as many as have room.
    const [alarms, quiet] = [true, false].map((is) =>
      inputs.filter(({ guard }) => (guard === 'alarm') === is),
    );
    const items = [...(alarms ?? []), ...(quiet ?? [])].map(({ id, guard }): Fields[number] => {
      const duty = dutyOf[guard];
      return [
        'Item',
        [
          ['DeviceID', id],
          ['DutyStatus', duty],
        ],
      ];
    });
    // OFFDUTY is the longest word of them.
    const each = sizeOf(
      [
        [
          'Item',
          [
            ['DeviceID', own.deviceId],
            ['DutyStatus', dutyOf.disarmed],
          ],
        ],
      ],
      own.characters,
    );
    const left = room - sizeOf(about, own.characters) - STATUS_HEAD;
    const some = items.slice(0, Math.max(0, Math.floor(left / each)));
    return [...about, [`Alarmstatus Num="${some.length}"`, some]];
  };

/** What it is asked for: names joined by slashes (A.2.4.8). */
const configDownload =
  ({ own, host }: Session, thingOf: Of): Responding =>
  ({ device, fields }) => {
    const wanted = (fieldOf(fields, 'ConfigType') ?? '').split('/').map((word) => word.trim());
    const name = device === own.deviceId ? host.campusData().name : thingOf(device)?.name;
    if (name === undefined || !wanted.includes('BasicParam')) return ERROR;
    return [
      ...OK,
      [
        'BasicParam',
        [
          ['Name', name],
          ['Expiration', Math.round(own.registerFor / 1000)],
          ['HeartBeatInterval', Math.round(own.keepalive / 1000)],
          ['HeartBeatCount', HEARTBEATS],
          ['PositionCapability', 0],
        ],
      ],
    ];
  };

/** Those that a number calls: PTZCmd has no other word for one (A.3.4). */
const presetQuery =
  ({ host }: Session, thingOf: Of): Responding =>
  async ({ device }) => {
    const thing = thingOf(device);
    const presets =
      thing?.kind === 'camera' ? await host.media.presets(thing.id).catch(() => undefined) : undefined;
    if (presets === undefined) return ERROR;
    const items = presets.map(({ number, name }): Fields[number] => [
      'Item',
      [
        ['PresetID', number],
        ['PresetName', name],
      ],
    ]);
    return [[`PresetList Num="${items.length}"`, items]];
  };

export function createQueries(session: Session, directory: Directory): Part {
  const { own } = session;
  const replies = createReplies(session);
  const thingOf = directory.find;
  const responding = (fields: Responding) => (said: Manscdp) => {
    const body = async (room: number) => {
      const head: Fields = [
        ['CmdType', said.command],
        ['SN', said.sn],
        ['DeviceID', said.device],
      ];
      return writeManscdp('Response', [...head, ...(await fields(said, room))], own.characters);
    };
    return replies.one(body) ? undefined : BUSY;
  };
  const catalog = ({ sn, device }: Manscdp) => {
    const items = directory.items();
    if (items === undefined) {
      void directory.load();
      return BUSY;
    }
    const found = under(items, device)?.map(({ fields }) => fields);
    if (found === undefined) return NOT_FOUND;
    const { characters } = own;
    const pages = (room: number) => pagesOf(found, { root: 'Response', sn, device, characters, room });
    return replies.list(`${sn} ${device}`, pages) ? undefined : BUSY;
  };
  return {
    words: {
      'Query Catalog': catalog,
      'Query DeviceInfo': responding(deviceInfo(session, thingOf)),
      'Query DeviceStatus': responding(deviceStatus(session, thingOf)),
      'Query ConfigDownload': responding(configDownload(session, thingOf)),
      // Each alarm was told, or will be, by its own Notify: nothing is told twice.
      'Query Alarm': responding(({ device }) =>
        device === own.deviceId || thingOf(device) !== undefined ? OK : ERROR,
      ),
      'Query PresetQuery': responding(presetQuery(session, thingOf)),
    },
    close: replies.close,
  };
}
