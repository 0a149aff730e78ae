/** How much of what a source has handed over may wait for its commit: what is more stays with the broker. */
import type { SourceHost } from '../contract.ts';

export interface RoomLimits {
  readonly messages: number;
  readonly bytes: number;
}

export type Room = ReturnType<typeof createRoom>;

/** Hands over what comes, and counts what is not committed yet. */
export function createRoom({ onEvent }: Pick<SourceHost, 'onEvent'>, limits: RoomLimits) {
  let messages = 0;
  let bytes = 0;
  let waiting: (() => void)[] = [];
  const isFull = () => messages >= limits.messages || bytes >= limits.bytes;
  const leave = (size: number) => {
    messages--;
    bytes -= size;
    if (isFull()) return;
    const all = waiting;
    waiting = [];
    for (const goOn of all) goOn();
  };
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    isFull,
    /** As `onEvent`. */
    hand(topic: string, payload: Uint8Array, isCopy = false): Promise<void> {
      const size = payload.length;
      messages++;
      bytes += size;
      const handed = onEvent(topic, payload, isCopy);
      const left = () => leave(size);
      handed.then(left, left);
      return handed;
    },
    /** Resolves when more may be handed over. */
    free: () => until(() => !isFull()),
    /** Resolves when all that was handed over is committed, or was refused. */
    settled: () => until(() => messages === 0),
  };
}

/** Alarms have a queue of their own, because others wait by the thousand after an outage; they are in the common one, too. */
export const isAlarm = (topic: string): boolean => topic.includes('/event/alarm/');
