/** The messages of a simulated panel: one at a time, each again until it is acknowledged, stamped by its own clock. */
import { type Dc09Frame, type Dc09Message, encodeDc09 } from '../../drivers/dc09/codec.ts';

interface Waiting {
  readonly message: Omit<Dc09Message, 'timestamp'>;
  readonly timestamp: number;
  readonly done: () => void;
  sent: boolean;
}

const MAX_SEQUENCE = 9999;
/** The time in a NAK is of whole seconds. */
const CLOCK_MS = 2000;

export interface PanelMessages {
  /** Resolves when it is acknowledged. */
  send(id: string, data: string): Promise<void>;
  /** Sends what waits longest, again or for the first time. */
  sendFirst(): void;
  /** What the receiver answers. */
  onAnswer(frame: Dc09Frame): void;
  /** Puts its clock wrong, by ms. */
  drift(ms: number): void;
  readonly isIdle: boolean;
  /** Events that were not acknowledged. */
  undelivered(): number;
  close(): void;
}

/** A character a byte, as the codec has it: UTF-8. */
const asBytes = (text: string) => Buffer.from(text).toString('latin1');

export function createMessages(
  {
    account,
    key,
    retry,
    firstSequence,
  }: {
    readonly account: string;
    readonly key: Uint8Array | undefined;
    /** How long to wait for an answer before sending again, ms. */
    readonly retry: number;
    readonly firstSequence: number;
  },
  on: {
    /** @returns whether it went out. */
    readonly write: (bytes: Buffer) => boolean;
    readonly acknowledged: (event: { sequence: number; data: string }) => void;
    /** What went out got no answer at all. */
    readonly unanswered: () => void;
  },
): PanelMessages {
  const queue: Waiting[] = [];
  let sequence = firstSequence - 1;
  let drift = 0;
  let again: NodeJS.Timeout | undefined;
  /** Something is out that was not answered. */
  let isOpen = false;
  let closed = false;
  const now = () => Date.now() + drift;
  const sendFirst = () => {
    clearTimeout(again);
    // A link test that got no good answer holds no event up.
    const tested = queue[0];
    if (tested?.message.id === 'NULL' && tested.sent && queue.length > 1) {
      queue.shift();
      tested.done();
    }
    const first = queue[0];
    if (first === undefined || closed) return;
    first.sent = true;
    // A plain message keeps the time of its event; an encrypted one must be stamped anew, or it is refused.
    const timestamp = key === undefined ? first.timestamp : now();
    isOpen = on.write(
      encodeDc09({ ...first.message, data: asBytes(first.message.data ?? ''), timestamp }, key),
    );
    again = setTimeout(() => {
      if (isOpen) on.unanswered();
      sendFirst();
    }, retry);
  };
  return {
    sendFirst,
    send: (id, data) =>
      new Promise((resolve) => {
        sequence = (sequence % MAX_SEQUENCE) + 1;
        const message = { id, sequence, receiver: '1', prefix: '0', account, data };
        queue.push({ message, timestamp: now(), done: resolve, sent: false });
        if (queue.length === 1) sendFirst();
      }),
    onAnswer(frame) {
      isOpen = false;
      const first = queue[0];
      // A NAK says the time: the panel sets its clock. What bears a time that counts is sent again at once, the rest later.
      if (frame.id === 'NAK' && frame.timestamp !== undefined) {
        const was = drift;
        drift = frame.timestamp - Date.now();
        const isNews = Math.abs(drift - was) > CLOCK_MS;
        return key !== undefined && isNews ? sendFirst() : undefined;
      }
      if (first === undefined || frame.id !== 'ACK' || frame.sequence !== first.message.sequence) return;
      queue.shift();
      clearTimeout(again);
      if (first.message.id !== 'NULL')
        on.acknowledged({ sequence: frame.sequence, data: first.message.data ?? '' });
      first.done();
      sendFirst();
    },
    drift(ms) {
      drift = ms;
    },
    get isIdle() {
      return queue.length === 0;
    },
    undelivered: () => queue.filter(({ message }) => message.id !== 'NULL').length,
    close() {
      closed = true;
      clearTimeout(again);
    },
  };
}
