/**
 * Some converters give back what is sent, once or more. The answer to the write of one coil or register is an echo too
 * (V1.1b3, 6.5 and 6.6): taken for it, ours would confirm what no device did. What stands before the answer to a read
 * shows how often the line gives a question back; a write is confirmed by one copy more than that.
 */

export interface Echo {
  /** A question goes out. */
  begin(sent: Uint8Array, isRead: boolean): void;
  /** Bytes that are no frame. */
  noise(bytes: Uint8Array): void;
  /** A frame came that is what was sent, byte for byte. @returns whether it is the unit's answer, if it may be. */
  isAnswer(): boolean;
  /** The question is over. */
  end(isAnswered: boolean): void;
  /** Whether a write would be confirmed by what came, were it known that this line gives nothing back. */
  readonly isDoubtful: boolean;
}

/** So many bytes in a row that stand so in what was sent are of it: a glitch is shorter, and a break is all the same. */
const PART = 4;
/** A line that gives back now and then is one that does. */
const READS_KEPT = 8;
/** What is told apart of bytes that are no frame. */
const MOST_STRAY = 512;

const hasPart = (bytes: Buffer, sent: Uint8Array): boolean =>
  Array.from({ length: Math.max(0, sent.length - PART + 1) }, (_, i) => sent.subarray(i, i + PART)).some(
    (part) => new Set(part).size > 1 && bytes.includes(Buffer.from(part)),
  );

export function createEcho(): Echo {
  /** How many copies came with each of the last reads. */
  const seen: number[] = [];
  let sent: Uint8Array = new Uint8Array();
  let wasRead = false;
  /** Of this question, whole or torn. */
  let copies = 0;
  let wholeCopies = 0;
  let stray = Buffer.alloc(0);
  /** Copies of the last write that did not come in its time: they may come with the next one like it. */
  let lacking = { of: '', copies: 0 };
  const usual = () => (seen.length === 0 ? undefined : Math.max(...seen));
  const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const due = () => (lacking.of === textOf(sent) ? lacking.copies : 0);
  const takeStray = () => {
    if (hasPart(stray, sent)) copies++;
    stray = Buffer.alloc(0);
  };
  return {
    begin(bytes, isRead) {
      sent = bytes;
      wasRead = isRead;
      copies = 0;
      wholeCopies = 0;
      stray = Buffer.alloc(0);
    },
    noise(bytes) {
      stray = Buffer.concat([stray, bytes]).subarray(-MOST_STRAY);
    },
    isAnswer() {
      takeStray();
      const known = usual();
      if (wasRead && known === 0) return true;
      copies++;
      wholeCopies++;
      return !wasRead && known !== undefined && copies > known + due();
    },
    end(isAnswered) {
      if (wasRead) {
        // Parts alone may be of a torn answer.
        if (isAnswered) takeStray();
        else copies = wholeCopies;
        if (isAnswered || copies > 0) seen.unshift(copies);
        seen.length = Math.min(seen.length, READS_KEPT);
      } else {
        const lost = isAnswered ? 0 : Math.max(0, (usual() ?? 0) - copies);
        lacking = { of: textOf(sent), copies: lost };
      }
    },
    get isDoubtful() {
      return !wasRead && usual() === undefined && copies > 0;
    },
  };
}
