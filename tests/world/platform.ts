/**
 * The platforms of a world: they take events, lose connections, refuse, keep silent, ask for a door to be opened, and
 * say what they have stored. They note all that came.
 */
import { z } from 'zod';
import type { Lane } from '../../drivers/contract/lane.ts';
import {
  type Answer,
  type Channel,
  defineTransport,
  type Outgoing,
  type PlatformHost,
  type Transport,
} from '../../drivers/contract/transport.ts';
import type { ManualClock } from '../clocks.ts';
import { createDice, type Dice } from './dice.ts';
import type { Faults } from './faults.ts';

/** An event as a platform has it. */
export interface Got {
  readonly id: string;
  readonly lane: Lane;
  readonly sequence: number;
  readonly previous: number;
  readonly journal: string;
  readonly type: string;
  readonly body: string;
  readonly at: number;
}
export interface Asked {
  readonly id: string;
  readonly times: { readonly issuedAt: string; readonly expiresAt: string };
  reply?: { readonly done: boolean; readonly unknown?: boolean };
}

export interface Platform {
  readonly id: string;
  readonly receipts: boolean;
  /** By id, as it came first. */
  readonly got: ReadonlyMap<string, Got>;
  /** What broke a rule as it came. */
  readonly wrong: readonly string[];
  readonly asked: readonly Asked[];
  begin(untilMs: number): void;
  /** The gateway is gone. */
  lose(): void;
  /** Whether it waits for no reply. */
  isQuiet(): boolean;
}

const HOUR_MS = 3_600_000;
const LATENCY_MS = 40;
const REPLY_TIMEOUT_MS = 15_000;
const RECEIPT_EVERY_MS = 2000;

/** A connection, as the platform sees it. */
interface Link {
  readonly host: PlatformHost;
  readonly end: (reason: Error) => void;
  open: boolean;
  /** Of each lane what came last, where order counts; none once something was refused. */
  readonly last: Map<Lane, number>;
  readonly disordered: Set<Lane>;
  /** The addresses of what is not answered. */
  readonly flying: Map<object, string>;
}

export function createPlatforms(seed: number, faults: Faults, time: ManualClock, ids: readonly string[]) {
  const platforms = new Map(ids.map((id) => [id, createPlatform(id, seed, faults, time)]));
  const transport = defineTransport({
    name: 'world',
    title: { en: 'Platforms of a world', zh: '模拟世界的平台' },
    options: z.strictObject({}),
    where: () => 'here',
    open: (_options, host) => (platforms.get(host.uplink) as ReturnType<typeof createPlatform>).connect(host),
  });
  return { transport: transport as Transport, platforms: [...platforms.values()] as readonly Platform[] };
}

/** What came, and whether it came as it must. */
function createBook(id: string, isOrdered: (device: string) => boolean, time: ManualClock) {
  const got = new Map<string, Got>();
  const wrong: string[] = [];
  const checkOrder = ({ lane, sequence, type }: Got, on: Link) => {
    if (sequence === 0 || on.disordered.has(lane)) return;
    const last = on.last.get(lane) ?? 0;
    if (sequence <= last) wrong.push(`${id}: ${lane} ${sequence} (${type}) came after ${last}`);
    on.last.set(lane, sequence);
  };
  return {
    got,
    wrong,
    note({ body, device }: Outgoing, on: Link) {
      const event = JSON.parse(body) as Record<
        'id' | 'sequence' | 'previous' | 'journal' | 'type',
        string
      > & {
        readonly lane: Lane;
      };
      const [sequence, previous] = [Number(event.sequence), Number(event.previous)];
      const one: Got = { ...event, sequence, previous, body, at: time.wall() };
      if (isOrdered(device)) checkOrder(one, on);
      const known = got.get(one.id);
      // From memory first, then with its number.
      if (known === undefined || known.sequence === 0) got.set(one.id, one);
      else if (known.sequence !== sequence || known.previous !== previous)
        wrong.push(
          `${id}: ${one.id} came as ${known.previous}>${known.sequence} and as ${previous}>${sequence}`,
        );
    },
    journal: () => [...got.values()].at(-1)?.journal,
    /** The highest of a lane up to which the chain is whole. */
    wholeUpTo(journal: string, lane: Lane): number {
      const next = new Map<number, number>();
      for (const one of got.values())
        if (one.lane === lane && one.journal === journal && one.sequence > 0)
          next.set(one.previous, one.sequence);
      let at = 0;
      for (let to = next.get(at); to !== undefined; to = next.get(at)) at = to;
      return at;
    },
  };
}

/** How a platform takes events: mostly it does. */
function createManners(dice: Dice, faults: Faults, time: ManualClock) {
  const refused = new Set<string>();
  /** Events that are never taken while there is trouble. */
  const poisoned = new Set<string>();
  let busyUntil = 0;
  /** undefined: it says nothing. */
  return ({ body, device: address }: Outgoing): Answer | undefined => {
    const now = time.elapsed();
    const id = /"id":"([^"]+)"/.exec(body)?.[1] ?? '';
    if (faults.happens('platform', 0.01)) poisoned.add(id);
    if (poisoned.has(id) && now < faults.untilMs) return { is: 'refused', reason: 'not this one' };
    if (faults.happens('platform', 0.01)) busyUntil = now + dice.between(100, 10_000);
    if (now < busyUntil) return { is: 'busy', reason: 'busy' };
    if (faults.happens('platform', 0.01)) {
      refused.add(address);
      time.after(dice.between(1000, 60_000), () => refused.delete(address));
    }
    if (refused.has(address)) return { is: 'forbidden', reason: 'not allowed' };
    if (faults.happens('platform', 0.01)) return { is: 'refused', reason: 'no' };
    return faults.happens('platform', 0.003) ? undefined : { is: 'taken' };
  };
}

/** Asks for the door, again with the same id until there is a reply, as platforms do. */
async function askFor(
  one: Asked,
  of: {
    readonly dice: Dice;
    readonly faults: Faults;
    readonly time: ManualClock;
    readonly link: () => Link | undefined;
  },
) {
  const { dice, faults, time } = of;
  while (one.reply === undefined) {
    const on = of.link();
    if (on !== undefined && !faults.happens('connection', 0.1)) {
      const command = { id: one.id, action: 'unlock', arguments: { output: '1' }, ...one.times };
      const reply = on.host.command(Buffer.from(JSON.stringify(command)), 'door') as unknown as Promise<
        NonNullable<Asked['reply']>
      >;
      const heard = await Promise.race([reply, time.wait(REPLY_TIMEOUT_MS).then(() => undefined)]);
      if (heard !== undefined && on.open && !faults.happens('connection', 0.2)) one.reply = heard;
    }
    await time.wait(dice.between(200, 5000));
  }
}

function createPlatform(id: string, seed: number, faults: Faults, time: ManualClock) {
  const dice = createDice(seed, id);
  const asked: Asked[] = [];
  const receipts = dice.chance(0.5);
  /** Whose events may be held, and so come late. */
  const doubtful = new Set<string>();
  const book = createBook(id, (device) => !receipts && !doubtful.has(device), time);
  const answerTo = createManners(dice, faults, time);
  let link: Link | undefined;

  const cut = (on: Link, why: string) => {
    if (!on.open) return;
    on.open = false;
    for (const address of on.flying.values()) doubtful.add(address);
    if (link === on) link = undefined;
    on.end(new Error(why));
  };
  const receive = (event: Outgoing, on: Link, done: (answer: Answer) => void) => {
    if (!on.open) return;
    if (faults.happens('connection', 0.02)) return cut(on, 'cut before it came');
    const answer = answerTo(event);
    if (answer?.is === 'taken') book.note(event, on);
    else {
      on.disordered.add(event.lane);
      doubtful.add(event.device);
    }
    if (faults.happens('connection', 0.02)) return cut(on, 'cut before the answer');
    if (answer === undefined) return;
    time.after(dice.between(0, LATENCY_MS), () => {
      on.flying.delete(event);
      if (on.open) done(answer);
    });
  };
  const connect = async (host: PlatformHost): Promise<Channel> => {
    await time.wait(dice.between(1, 200), host.signal);
    if (faults.happens('connection', 0.3)) throw new Error('nobody there');
    const ended = Promise.withResolvers<Error>();
    const on: Link = {
      host,
      end: ended.resolve,
      open: true,
      last: new Map(),
      disordered: new Set(),
      flying: new Map(),
    };
    link = on;
    if (faults.happens('connection', 0.5)) time.after(dice.between(100, 30_000), () => cut(on, 'cut'));
    let lineFreeAt = 0;
    return {
      about: {},
      limits: { window: dice.pick([1, 3, 16, 64]), bytes: () => 100_000 },
      address: ({ device }) => device,
      send(event, done) {
        on.flying.set(event, event.device);
        // In order, as a stream of bytes is.
        lineFreeAt = Math.max(lineFreeAt, time.elapsed() + dice.between(0, LATENCY_MS));
        time.after(lineFreeAt - time.elapsed(), () => receive(event, on, done));
      },
      ended: ended.promise,
      close: async () => cut(on, 'closed'),
    };
  };
  const sendReceipt = () => {
    const journal = book.journal();
    if (link === undefined || journal === undefined || faults.happens('connection', 0.1)) return;
    const [urgent, normal] = [book.wholeUpTo(journal, 'urgent'), book.wholeUpTo(journal, 'normal')];
    link.host.receipt(
      Buffer.from(JSON.stringify({ journal, urgent: String(urgent), normal: String(normal) })),
    );
  };
  return {
    id,
    receipts,
    got: book.got,
    wrong: book.wrong,
    asked,
    connect,
    begin(untilMs: number) {
      if (receipts) time.every(RECEIPT_EVERY_MS, sendReceipt);
      const next = () => {
        if (time.elapsed() >= untilMs) return;
        const now = time.wall();
        // Some time behind and ahead: the clock steps.
        const [issuedAt, expiresAt] = [now - HOUR_MS, now + HOUR_MS * 12].map((at) =>
          new Date(at).toISOString(),
        ) as [string, string];
        const one: Asked = { id: `${id}-${asked.length}`, times: { issuedAt, expiresAt } };
        asked.push(one);
        void askFor(one, { dice, faults, time, link: () => link });
        time.after(dice.between(3000, 30_000), next);
      };
      time.after(dice.between(1000, 10_000), next);
    },
    lose: () => link !== undefined && cut(link, 'the gateway is gone'),
    isQuiet: () => asked.every(({ reply }) => reply !== undefined),
  };
}
