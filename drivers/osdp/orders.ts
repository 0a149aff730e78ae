/** What a reader is told to do: orders that wait for its turn, and outputs that are to stay on. */
import type { Clock } from '../contract/clock.ts';
import type { Command, Outcome } from '../contract/driver.ts';
import { commands, type OsdpFrame, replies } from './codec.ts';
import { type Order, rest, shownAfter, switchOutput, type Wanted, wantedOf } from './data.ts';
import type { Reader } from './options.ts';

/** An order that is being asked. */
export interface Placed {
  readonly order: Order;
  /** What the reader answered; undefined: nothing. */
  settle(got: OsdpFrame | undefined): void;
}

export interface Orders {
  /** What a command means; a string says what is wrong with it. */
  read(command: Command): Wanted | string;
  /** Resolves when the reader has answered, or is gone, or its line is. */
  place(wanted: Wanted): Promise<Outcome>;
  /** The one that has waited longest; undefined: none waits. */
  take(): Placed | undefined;
  /** It cannot be done now, and ends all the same what its output was told before: a lock ends a hold. */
  refuse(wanted: Wanted): void;
  /**
   * Brings it to where it should be: outputs that should still be on are, all others are at rest; its light, and the text
   * that was to stay.
   */
  settled(): readonly Order[];
  /** It has lost what it was told: it is told again, with whatever waits. */
  renew(): void;
  /** The reader is gone, with all that waits for it. */
  drop(): void;
  /** Commands for what it says it has not. */
  lacks(commands: ReadonlySet<number>): void;
  readonly waiting: boolean;
}

export function createOrders({ id, options: { outputs, light } }: Reader, time: Clock): Orders {
  const queue: (Order & { readonly resolve: (outcome: Outcome) => void })[] = [];
  /** Until when (`elapsed`) an output is on, by its number. */
  const on = new Map<number, number>();
  let lacking: ReadonlySet<number> = new Set();
  /** The text that stays. */
  let shown: Order | undefined;
  const orders: Orders = {
    read: (command) => wantedOf(command, outputs),
    async place(wanted) {
      if ('output' in wanted) {
        const until = wanted.ms === undefined ? Number.POSITIVE_INFINITY : time.elapsed() + wanted.ms;
        on.set(wanted.output.output, until);
      }
      const wanting = 'orders' in wanted ? wanted.orders : [switchOutput(wanted.output, wanted.ms)];
      for (const order of wanting) shown = shownAfter(order, shown);
      const able = wanting.filter(({ code }) => !lacking.has(code));
      if (able.length === 0) return { done: false, reason: `${id} says that it cannot` };
      const outcomes = await Promise.all(
        able.map((order) => new Promise<Outcome>((resolve) => queue.push({ ...order, resolve }))),
      );
      return outcomes.find(({ done }) => !done) ?? { done: true };
    },
    refuse(wanted) {
      if ('output' in wanted) on.delete(wanted.output.output);
    },
    take() {
      const order = queue.shift();
      return order && { order, settle: (got) => order.resolve(outcomeOf(id, order, got)) };
    },
    settled() {
      const switched = outputs.map((output) => {
        const left = (on.get(output.output) ?? 0) - time.elapsed();
        return switchOutput(output, left === Number.POSITIVE_INFINITY ? undefined : left);
      });
      const seen = [...(light === undefined ? [] : [rest(light)]), ...(shown === undefined ? [] : [shown])];
      return [...switched, ...seen.filter(({ code }) => !lacking.has(code))];
    },
    renew() {
      for (const order of orders.settled()) queue.push({ ...order, resolve: () => {} });
    },
    drop() {
      for (const { resolve } of queue.splice(0)) resolve({ done: false, reason: `${id} does not answer` });
    },
    lacks(codes) {
      lacking = codes;
    },
    get waiting() {
      return queue.length > 0;
    },
  };
  return orders;
}

function outcomeOf(reader: string, order: Order, got: OsdpFrame | undefined): Outcome {
  if (got === undefined) return { done: false, reason: `${reader} does not answer`, unknown: true };
  if (got.code === replies.NAK) return { done: false, reason: `the reader refuses it (${got.data[0] ?? 0})` };
  // COM says what it will really use.
  if (order.code === commands.COMSET && !Buffer.from(order.data).equals(got.data))
    return { done: false, reason: `the reader will use ${Buffer.from(got.data).toString('hex')} instead` };
  return { done: true };
}
