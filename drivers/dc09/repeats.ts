/** Which message of a panel is one that it sent before, because it did not hear that it was taken. */
import { digestOf } from '../alarm-codes/panel.ts';
import type { Dc09Message } from './codec.ts';

/** How long the same sequence and content is the same event: with a time in it; without; and always numbered 0. */
const TIMED_MS = 24 * 3_600_000;
const UNTIMED_MS = 5 * 60_000;
const UNNUMBERED_MS = 15_000;
/** So many numbers of a panel are remembered with what was said under them. */
const NUMBERS_MAX = 256;

/** What a panel said last under a number, and how many other things it had said under it before. */
interface Said {
  readonly digest: string;
  readonly others: number;
}
export type SaidByNumber = Map<number, Said>;

/**
 * What makes a second sending the same event: number and content, and the time of a plain message. An encrypted one is
 * stamped anew at each try, so that its time says nothing. Without a time, another message under the same number in
 * between proves that this is no second sending: a panel that begins its numbers again, or numbers all messages 0, has
 * raised the same alarm once more.
 * @returns for each event of the message, by its index, the `repeat` of the observation.
 */
export function repeatsOf(
  message: Dc09Message,
  encrypted: boolean,
  panel: { readonly device: string; readonly account: string; readonly said: SaidByNumber },
): (index: number) => { readonly key: string; readonly within: number } {
  const { id, sequence, data, timestamp } = message;
  const { device, account, said } = panel;
  const timed = timestamp !== undefined && !encrypted;
  const within = timed ? TIMED_MS : sequence === 0 ? UNNUMBERED_MS : UNTIMED_MS;
  let others = 0;
  if (!timed) {
    const digest = digestOf(id, data);
    const before = said.get(sequence);
    others = before === undefined ? 0 : before.others + (before.digest === digest ? 0 : 1);
    said.delete(sequence);
    said.set(sequence, { digest, others });
    const [oldest] = said.keys();
    if (said.size > NUMBERS_MAX && oldest !== undefined) said.delete(oldest);
  }
  return (index) => {
    const digest = digestOf(
      id,
      sequence,
      data,
      timed ? timestamp : '',
      index,
      ...(others > 0 ? [others] : []),
    );
    return { key: `dc09/${device}/${account}/${digest}`, within };
  };
}
