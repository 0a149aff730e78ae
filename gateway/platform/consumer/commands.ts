/** What campuses are asked, and what they answer. A command is sent again with its id until it is answered: it acts once. */
import { randomUUID } from 'node:crypto';
import { say } from '../../../config/language.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Source } from '../contract.ts';
import type { Reply } from '../received.ts';

export interface Commands {
  /**
   * Asks a gateway. @returns its answer, which may be a refusal. Rejects where the broker is away, or nothing is answered
   * for a minute.
   */
  command(prefix: string, target: string, action: string, args: object): Promise<Reply>;
  onReply(reply: Reply): void;
  /** Nobody waits any longer. */
  close(): void;
}

const REPLY_MS = 60_000;
const AGAIN_MS = 4000;
const OPEN_MAX = 5000;
/** Of one campus: one that never answers takes no other's place. */
const OPEN_OF_CAMPUS_MAX = 200;

/** As it is sent, but for a signature. */
export interface Unsigned {
  readonly id: string;
  readonly action: string;
  readonly target: string;
  readonly arguments: object;
}

export function createCommands({
  publish,
  sign = async (_prefix, command) => command,
  time,
}: {
  readonly publish: Source['publish'];
  /** Signs where the campus knows a key of the platform's; else it is sent as it is. */
  readonly sign?: ((prefix: string, command: Unsigned) => Promise<object>) | undefined;
  readonly time: Clock;
}): Commands {
  const open = new Map<string, (reply: Reply | Error) => void>();
  /** How many wait, by prefix. */
  const openOf = new Map<string, number>();
  return {
    command: (prefix, target, action, args) =>
      new Promise<Reply>((resolve, reject) => {
        const own = openOf.get(prefix) ?? 0;
        if (open.size >= OPEN_MAX || own >= OPEN_OF_CAMPUS_MAX)
          return reject(new Error(say('too many commands wait', '等待应答的命令过多')));
        const id = randomUUID();
        const topic = `${prefix}/command/${target}`;
        // Once: sent again it is the same, to the letter.
        const signed = sign(prefix, { id, action, target, arguments: args });
        const send = async () => await publish(topic, JSON.stringify(await signed));
        const again = time.every(AGAIN_MS, () => void send().catch(() => {}));
        const late = time.after(REPLY_MS, () =>
          settle(new Error(say(`${prefix}: no answer to ${action}`, `${prefix}：${action} 无应答`))),
        );
        const settle = (reply: Reply | Error) => {
          if (!open.delete(id)) return;
          const left = (openOf.get(prefix) ?? 1) - 1;
          if (left > 0) openOf.set(prefix, left);
          else openOf.delete(prefix);
          again.stop();
          late.stop();
          if (reply instanceof Error) reject(reply);
          else resolve(reply);
        };
        open.set(id, settle);
        openOf.set(prefix, own + 1);
        send().catch(settle);
      }),
    onReply: (reply) => open.get(reply.id)?.(reply),
    close() {
      for (const settle of [...open.values()]) settle(new Error(say('the platform ends', '平台正在结束')));
    },
  };
}
