/**
 * What a platform orders (2016 and 2022, 9.3 and A.2.3): each goes the way of a command, so the config's rules say what it may
 * do, by default nothing; it is noted in the audit, and a SIP message that comes again acts no second time. What the gateway
 * cannot do is refused on the same way, under a name that no rule can allow.
 */
import { createHash } from 'node:crypto';
import { createBucket, type Rate } from '../../contract/bucket.ts';
import type { PlatformHost } from '../../contract/transport.ts';
import { type AlarmEvent, inputOf, rowOf } from './alarms.ts';
import type { Part, Session } from './answering.ts';
import { createDirectory } from './directory.ts';
import type { IdType } from './ids.ts';
import { type Element, fieldOf, type Manscdp, writeManscdp } from './manscdp.ts';
import { maySee } from './options.ts';
import { readPtzCommand } from './ptz-command.ts';
import { headerOf } from './sip/message.ts';
import type { Answer, Asked } from './sip/transactions.ts';
import { createSnapshots, mayGo, readSnapShotConfig, type Snapshots } from './snapshots.ts';

/** Alarms that one reset acknowledges, the newest: each is a command of its own, of those that `commandRate` allows. */
const RESET_MAX = 16;

/** Orders under way: who sends more waits, as nobody's hand is that quick. */
const ORDERS_MAX = 32;
/** Of what costs a camera or the disk something, and is no command of its own: key pictures, resets. */
const LOOKS: Rate = { perSecond: 1, burst: 10 };
const BUSY: Answer = { status: 503, reason: 'Service Unavailable' };

/** One order: what it says, and how it is carried out. */
interface Order {
  readonly session: Session;
  readonly said: Manscdp;
  /** Through the path of commands; `nth`: of several for one order. @returns whether it was done. */
  ask(action: string, target: string, wanted?: object, nth?: number): Promise<boolean>;
  /** The same, with what came of it. */
  outcome(action: string, target: string, wanted?: object, nth?: number): ReturnType<PlatformHost['ask']>;
  readonly snapshots: Snapshots;
  /** The same message has the same. */
  readonly id: string;
  /** What it is about, as the gateway calls it; undefined: there is nothing of this id, or it is not this platform's. */
  thing(type: IdType): Promise<string | undefined>;
}

/** By its element: what carries it out, and whether the standard wants a Response (2016, 9.3.1). */
interface Way {
  readonly isAnswered: boolean;
  run(order: Order, value: string): Promise<boolean>;
}

/** The same message names the same order, by whatever branch it comes. */
function idOf({ request }: Asked, nth: number): string {
  const hash = createHash('sha256');
  for (const name of ['call-id', 'cseq', 'from']) hash.update(`${headerOf(request, name) ?? ''}\n`);
  return `gb-${hash.update(request.body).digest('base64url').slice(0, 32)}${nth === 0 ? '' : `-${nth}`}`;
}

const UNKNOWN_THING = 'an order for nothing that there is';

/** What no rule can allow: told, counted and in the audit as refused. */
const never = (action: string, isAnswered: boolean): Way => ({
  isAnswered,
  run: async ({ ask, said, thing }) => await ask(action, (await thing('camera')) ?? said.device),
});

const turn: Way = {
  isAnswered: false,
  async run({ session, ask, thing }, value) {
    const order = readPtzCommand(value);
    if (typeof order === 'string') {
      session.host.discarded(order, value.slice(0, 40));
      return false;
    }
    const camera = await thing('camera');
    if (camera === undefined) {
      session.host.discarded(UNKNOWN_THING);
      return false;
    }
    if ('preset' in order) return await ask(order.is, camera, { preset: String(order.preset) });
    const { is, ...speeds } = order;
    return await ask(is, camera, speeds);
  },
};

/** A camera alone restarts: without the gateway no alarm would go. The standard wants no Response; who waits for one gets it. */
const restart: Way = {
  isAnswered: true,
  async run({ ask, said, thing }) {
    const camera = await thing('camera');
    return camera === undefined ? await ask('restart', said.device) : await ask('reboot', camera);
  },
};

const refresh: Way = {
  isAnswered: false,
  async run({ session: { host }, thing }) {
    const camera = await thing('camera');
    if (camera !== undefined) return await host.media.refresh(camera);
    host.discarded(UNKNOWN_THING);
    return false;
  },
};

const snap: Way = {
  isAnswered: true,
  async run({ session: { own, host }, said, id, ask, outcome, thing, snapshots }) {
    const config = said.fields['SnapShotConfig'];
    const camera = await thing('camera');
    const inside = typeof config === 'object' && !Array.isArray(config) ? (config as Element) : {};
    // Where the pictures go is named by the platform, and known to the config, or they do not go.
    if (camera === undefined || !mayGo(fieldOf(inside, 'UploadURL') ?? '', own.snapshotUrls))
      return await ask('upload-snapshots', camera ?? said.device);
    const wanted = readSnapShotConfig(inside);
    if (typeof wanted === 'string') {
      host.discarded(wanted);
      return false;
    }
    const take = (nth: number) => outcome('snapshot', camera, {}, nth);
    return await snapshots.begin({ id, camera, device: said.device, wanted, take });
  },
};

const guard: Way = {
  isAnswered: true,
  async run({ session: { own, host }, ask }, value) {
    if (value !== 'SetGuard' && value !== 'ResetGuard') {
      host.discarded('a GuardCmd that makes no sense', value.slice(0, 40));
      return false;
    }
    // Some take no alarms of who did not say yes to this; alarms go in any case, so the other would be no true answer.
    if (own.guardArea === undefined) return value === 'SetGuard';
    return await ask(value === 'SetGuard' ? 'arm' : 'disarm', own.guardArea, { by: own.serverId });
  },
};

const reset: Way = {
  isAnswered: true,
  async run({ session, said, ask, thing }, value) {
    const { own, host } = session;
    if (value !== 'ResetAlarm') {
      host.discarded('an AlarmCmd that makes no sense', value.slice(0, 40));
      return false;
    }
    const input = said.device === own.deviceId ? undefined : await thing('alarmInput');
    if (input === undefined && said.device !== own.deviceId) {
      host.discarded(UNKNOWN_THING);
      return false;
    }
    const isMeant = meantBy(said.fields);
    const standing = (await host.untaken()).flatMap(({ sequence, body }) => {
      const event = JSON.parse(body) as AlarmEvent;
      const isIts = (input === undefined || inputOf(event) === input) && isMeant(event);
      return isIts ? [{ event: event.id, sequence: String(sequence), by: own.serverId }] : [];
    });
    const done = await Promise.all(
      standing.slice(0, RESET_MAX).map((alarm, i) => ask('acknowledge', 'gateway', alarm, i + 1)),
    );
    return done.every(Boolean);
  },
};

/** Which alarms a reset is of: AlarmMethod 0 or none are all, `25` is 2 or 5; AlarmType under it (2016, A.2.3.1.6). */
function meantBy(fields: Element): (event: AlarmEvent) => boolean {
  const { Info: info = {} } = fields;
  const inside = typeof info === 'object' && !Array.isArray(info) ? (info as Element) : {};
  const of = (name: string) => fieldOf(inside, name) ?? fieldOf(fields, name) ?? '';
  const [methods, type] = [of('AlarmMethod'), of('AlarmType')];
  return (event) => {
    const row = rowOf(event);
    if (row === undefined) return false;
    const isMethod = methods === '' || methods.includes('0') || methods.includes(String(row.method));
    return isMethod && (type === '' || type === String(row.type));
  };
}

const ways: Readonly<Record<string, Way>> = {
  PTZCmd: turn,
  IFrameCmd: refresh,
  // As it stands in the standard's own example, and is sent.
  IFameCmd: refresh,
  GuardCmd: guard,
  AlarmCmd: reset,
  TeleBoot: restart,
  RecordCmd: never('record', true),
  DragZoomIn: never('drag-zoom', false),
  DragZoomOut: never('drag-zoom', false),
  HomePosition: never('home-position', true),
  PTZPreciseCtrl: never('turn-precisely', false),
  SnapShotConfig: snap,
  BasicParam: never('configure', true),
};

export function control(session: Session): Part {
  const { own, host, ids, message } = session;
  const looks = createBucket(host.clock);
  const { load } = createDirectory(session);
  const snapshots = createSnapshots(session);
  let running = 0;
  const named = async (type: IdType, id: string): Promise<string | undefined> => {
    // One that is in no list any more has alarms that stand, and its digits.
    if (ids.named(id) === undefined) await load();
    const found = ids.named(id);
    if (found?.type !== type) return undefined;
    return type !== 'camera' || maySee(own, found.name) ? found.name : undefined;
  };
  const carryOut = async (said: Manscdp, asked: Asked): Promise<void> => {
    const element = Object.keys(ways).find((name) => name in said.fields);
    const way = element === undefined ? never('order', true) : ways[element];
    const value = element === undefined ? undefined : said.fields[element];
    const outcome: Order['outcome'] = (action, target, wanted = {}, nth = 0) =>
      host.ask({ id: idOf(asked, nth), action, target, arguments: { ...wanted } });
    const order: Order = {
      ...{ session, said, outcome, snapshots, id: idOf(asked, 0), thing: (type) => named(type, said.device) },
      ask: async (...what) => (await outcome(...what)).done,
    };
    const isDone = await way?.run(order, typeof value === 'string' ? value : '').catch((error: Error) => {
      host.log.warn({ reason: error.message }, 'an order of a platform could not be looked up');
      return false;
    });
    if (way?.isAnswered !== true) return;
    const result = isDone === true ? 'OK' : 'ERROR';
    await message(
      writeManscdp('Response', [
        ['CmdType', said.command],
        ['SN', said.sn],
        ['DeviceID', said.device],
        ['Result', result],
      ]),
    );
  };
  const take = (said: Manscdp, asked: Asked) => {
    const isLook = ['IFrameCmd', 'IFameCmd', 'AlarmCmd'].some((name) => name in said.fields);
    if (running >= ORDERS_MAX || (isLook && !looks.take(LOOKS))) {
      host.discarded('more orders than are carried out');
      return BUSY;
    }
    running++;
    carryOut(said, asked)
      .catch((error: Error) =>
        host.log.warn({ reason: error.message }, 'what became of an order could not be told to the platform'),
      )
      .finally(() => running--);
    return undefined;
  };
  return { words: { 'Control DeviceControl': take, 'Control DeviceConfig': take }, close: snapshots.close };
}
