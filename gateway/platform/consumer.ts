/**
 * The consumer of a city: what comes from a broker goes into the database in batches; only what is committed is
 * acknowledged and confirmed by receipts; what is missing is asked for (docs/platform.md, "What you must do to lose nothing").
 *
 * Several may run at once: all that they must agree on is decided in the database. One that crashes between a commit and its
 * receipt leaves a campus that sends again: it is a duplicate, and a duplicate is confirmed.
 */
import { Registry } from 'prom-client';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { type BurstLog, burstLog } from '../observe/log.ts';
import { type Batches, createBatches } from './consumer/batches.ts';
import { type Commands, createCommands } from './consumer/commands.ts';
import { type Counts, createCounting } from './consumer/counts.ts';
import { createListening } from './consumer/listening.ts';
import { createReceipts, type Receipts } from './consumer/receipts.ts';
import { createShows } from './consumer/shows.ts';
import type { Gap, Received, Source, SourceHost, Store } from './contract.ts';
import { readEvent, readNote, readPresence } from './received.ts';

export interface ConsumerOptions {
  readonly store: Store;
  /** What the topics of its campuses begin with; default: it asks all campuses of the database for what is missing. */
  readonly root?: string;
  /** Whether campuses are sent any. */
  readonly receipts: boolean;
  /** Of such a campus nothing is stored any more, and nothing confirmed; it is counted. */
  readonly isWithdrawn?: ((prefix: string) => boolean) | undefined;
  /** Of commands (consumer/commands.ts). */
  readonly sign?: Parameters<typeof createCommands>[0]['sign'];
  readonly time: Clock;
  readonly log: Log;
  /** Where it counts. */
  readonly registry?: Registry;
  /** After the commit, what was new. */
  readonly onStored?: (fresh: readonly Received[]) => void;
}

export interface Consumer extends Pick<SourceHost, 'onEvent' | 'onNote' | 'onState'> {
  /** What it answers through, once it is there; looks for gaps from now on. */
  begin(source: Source): void;
  readonly command: Commands['command'];
  counts(): Readonly<Counts>;
  /** How it is: for health. */
  state(): ConsumerState;
  /**
   * Commits what was handed over, sends the receipts that are due, and ends the source. What cannot be committed within ten
   * seconds is refused, and comes again.
   */
  close(): Promise<void>;
}

export interface ConsumerState {
  /** To the broker. */
  readonly connected: boolean;
  readonly reason?: string;
  /** The database takes what comes. */
  readonly storing: boolean;
  readonly waiting: number;
}

const GAPS_EVERY_MS = 1000;
const FINISH_MS = 10_000;

export function createConsumer(options: ConsumerOptions): Consumer {
  const { store, time, log, registry = new Registry() } = options;
  let source: Source | undefined;
  let link: { connected: boolean; reason?: string } = { connected: false };
  const burst = burstLog(log, time);
  const publish: Source['publish'] = async (topic, payload, how) => {
    if (source === undefined) throw new Error('there is no source yet');
    await source.publish(topic, payload, how);
  };
  const counting = createCounting(registry, {
    waiting: () => batches.waiting(),
    storing: () => batches.isStoring(),
  });
  const commands = createCommands({ publish, sign: options.sign, time });
  const receipts: Receipts = options.receipts
    ? createReceipts({ positions: store.positions, publish, time, onSent: counting.onReceipt })
    : { add() {}, repeat() {}, async finish() {} };
  const shows = createShows(store, time);
  const copies = new WeakSet<Received>();
  const batches = createBatches({
    time,
    log,
    async take(batch) {
      const from = time.elapsed();
      const { fresh, receipts: due, beside } = await store.take(batch);
      const copied = batch.filter((one) => copies.has(one)).length;
      const again = Math.max(0, batch.length - fresh.length - copied);
      counting.onCommit(fresh.length, again, time.elapsed() - from);
      receipts.add(due, beside);
      options.onStored?.(fresh);
    },
  });
  const gaps = createGapFilling({
    store,
    root: options.root,
    commands,
    receipts,
    burst,
    time,
    log,
    counting,
  });

  const listening = createListening(store, options.root, time);

  const { isWithdrawn = () => false } = options;
  return {
    ...hearing({ batches, copies, commands, receipts, shows, burst, time, counting, isWithdrawn }),
    onState(state) {
      link = state;
    },
    begin(made) {
      source = made;
      gaps.begin(() => link.connected && batches.isStoring());
      listening.begin(() => link.connected);
    },
    command: commands.command,
    counts: () => counting.counts,
    state: () => ({ ...link, storing: batches.isStoring(), waiting: batches.waiting() }),
    async close() {
      gaps.stop();
      listening.stop();
      const stopped = source?.stop();
      await batches.finish(FINISH_MS);
      // What came in between, and is settled by now or refused.
      await Promise.all([stopped, batches.finish(FINISH_MS)]);
      await receipts.finish();
      await shows.finish();
      commands.close();
      await source?.close();
      burst.close();
    },
  };
}

interface Hearing {
  readonly batches: Batches;
  /** What comes by two ways. */
  readonly copies: WeakSet<Received>;
  readonly commands: Commands;
  readonly receipts: Receipts;
  readonly shows: ReturnType<typeof createShows>;
  readonly burst: BurstLog;
  readonly time: Clock;
  readonly counting: ReturnType<typeof createCounting>;
  readonly isWithdrawn: (prefix: string) => boolean;
}

/** What a message is, and where it goes. */
function hearing({
  batches,
  copies,
  commands,
  receipts,
  shows,
  burst,
  time,
  counting,
  isWithdrawn,
}: Hearing) {
  const misunderstand = (topic: string, reason: Parameters<typeof counting.onMisunderstood>[0]) => {
    counting.onMisunderstood(reason);
    burst.warn(
      reason,
      { topic: topic.slice(0, 200), reason },
      'a message is none of the contract; it is left',
    );
  };
  return {
    async onEvent(topic: string, payload: Uint8Array, isCopy = false): Promise<void> {
      const event = readEvent(topic, payload, time.wall());
      if (typeof event === 'string') misunderstand(topic, event);
      else if (isWithdrawn(event.prefix)) {
        counting.onWithdrawn();
        const { prefix } = event;
        burst.warn(
          `withdrawn ${prefix}`,
          { prefix },
          'events come of a campus that is withdrawn; none is stored',
        );
      } else {
        if (isCopy) copies.add(event);
        await batches.add(event);
      }
    },
    onNote(topic: string, payload: Uint8Array, isRetained: boolean): void {
      const note = readNote(topic, payload);
      if (note === undefined) {
        misunderstand(topic, 'no note');
        return;
      }
      if (note.is === 'reply') {
        commands.onReply(note.reply);
        return;
      }
      const { prefix, body, is: what } = note;
      shows.add({ prefix, what, body, receivedAt: time.wall(), isRetained });
      if (what !== 'presence' || isWithdrawn(prefix)) return;
      const { online, journal } = readPresence(body);
      if (online) receipts.repeat(prefix, journal);
    },
  };
}

interface GapFilling {
  readonly store: Store;
  readonly root: string | undefined;
  readonly commands: Commands;
  readonly receipts: Receipts;
  readonly burst: BurstLog;
  readonly time: Clock;
  readonly log: Log;
  readonly counting: ReturnType<typeof createCounting>;
}

/** Asks campuses for what is missing, and goes on after what they have no more. */
function createGapFilling({ store, root, commands, receipts, burst, time, log, counting }: GapFilling) {
  let isLooking = false;
  let isOver = false;
  const fill = async (gap: Gap): Promise<void> => {
    const { prefix, journal, lane, after, upTo } = gap;
    counting.onAsked();
    burst.warn('gap', { prefix, lane, after, upTo }, 'events are missing; they are asked for');
    const args = { journal, lane, after: String(after), upTo: String(upTo) };
    const reply = await commands.command(prefix, 'gateway', 'replay', args);
    if (!reply.done)
      return burst.warn('refused', { prefix, reason: reply.reason }, 'a campus refuses a replay');
    if (reply.result?.['events'] !== 0) return;
    const due = await store.pass(gap);
    if (due.length === 0) return;
    counting.onPassed();
    log.warn({ prefix, lane, after, upTo }, 'the campus has nothing of it any more; it goes on after it');
    receipts.add(due);
  };
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      const { ask, receipts: due } = await store.gaps(time.wall(), root);
      receipts.add(due);
      for (const gap of ask)
        fill(gap).catch(({ message: reason }: Error) => {
          const { prefix } = gap;
          if (!isOver)
            burst.warn('unfilled', { prefix, reason }, 'a gap was not filled; it is asked for again');
        });
    } catch (error) {
      burst.warn('gaps', { reason: (error as Error).message }, 'gaps could not be looked for');
    } finally {
      isLooking = false;
    }
  };
  let timer: { stop(): void } | undefined;
  return {
    /** `isUseful`: a campus can be asked, and what comes is stored. */
    begin(isUseful: () => boolean) {
      timer = time.every(GAPS_EVERY_MS, () => {
        if (isUseful()) void look();
      });
    },
    stop() {
      isOver = true;
      timer?.stop();
    },
  };
}
