/** Who is registered at a simulated view library, and whether it is heard. */
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Say } from '../simulator.ts';

/** One laptop, a few gateways. */
const DEVICES_MAX = 32;
/** Three keepalives of 60 s. */
const QUIET_MS = 180_000;
const LOOK_EVERY_MS = 10_000;

interface DeskOptions {
  readonly time: Clock;
  readonly say: Say;
  readonly tell: (sentence: string) => void;
}

export function createDesk({ say, tell, time }: DeskOptions) {
  const heard = new Map<string, { at: number; isQuiet: boolean }>();
  let keepalives = 0;
  const look = time.every(LOOK_EVERY_MS, () => {
    for (const [id, one] of heard) {
      if (one.isQuiet || time.elapsed() - one.at <= QUIET_MS) continue;
      one.isQuiet = true;
      const s = QUIET_MS / 1000;
      tell(say(`${id}: nothing heard for ${s} s`, `${id}：${s} 秒没有任何消息`));
    }
  });
  return {
    register(id: string) {
      const isNew = !heard.has(id);
      if (isNew && heard.size >= DEVICES_MAX) heard.clear();
      heard.set(id, { at: time.elapsed(), isQuiet: false });
      tell(
        isNew ? say(`${id} is registered`, `${id} 已注册`) : say(`${id} registered again`, `${id} 再次注册`),
      );
    },
    /** false: it is not registered. */
    hear(id: string): boolean {
      const one = heard.get(id);
      if (one === undefined) return false;
      if (one.isQuiet) tell(say(`${id} is heard again`, `${id} 恢复应答`));
      heard.set(id, { at: time.elapsed(), isQuiet: false });
      return true;
    },
    keepalive: () => void keepalives++,
    leave(id: string) {
      if (heard.delete(id)) tell(say(`${id} has left`, `${id} 已注销`));
    },
    forget: () => heard.clear(),
    get keepalives() {
      return keepalives;
    },
    close: () => look.stop(),
  };
}
