/** Which gateway is registered at a simulated platform, since when, and whether it is still heard. */
import type { Clock } from '../../drivers/contract/clock.ts';
import { headerOf, type Request, readAddress, readUri } from '../../drivers/platforms/gb28181/sip/message.ts';
import type { Say } from '../simulator.ts';
import type { Answer } from './conversation.ts';
import { placeOf, type Registered } from './link.ts';
import { createRegistrar, type RegistrarOptions } from './registrar.ts';
import type { Way } from './wire.ts';

/** Three keepalives of 60 s (2016, 9.6). */
const QUIET_MS = 180_000;
const LOOK_EVERY_MS = 10_000;

interface GatewaysOptions extends RegistrarOptions {
  readonly time: Clock;
  readonly say: Say;
  readonly tell: (sentence: string) => void;
  /** A gateway that was not here before, or is here anew. */
  readonly arrived: (gateway: Registered) => void;
  readonly left: () => void;
}

export type Gateways = ReturnType<typeof createGateways>;

export function createGateways(options: GatewaysOptions) {
  const { time, say, tell, arrived, left } = options;
  const judge = createRegistrar(options);
  let known: Registered | undefined;
  let heardAt = 0;
  let isQuiet = false;
  let keepalives = 0;
  let waiting = Promise.withResolvers<Registered>();
  waiting.promise.catch(() => {});
  /** Who is refused again and again is told of once. */
  let refused = '';
  const forget = () => {
    known = undefined;
    keepalives = 0;
    waiting = Promise.withResolvers<Registered>();
    waiting.promise.catch(() => {});
    left();
  };
  const hear = () => {
    heardAt = time.elapsed();
    if (isQuiet) tell(say('the gateway is heard again', '网关恢复应答'));
    isQuiet = false;
  };
  const look = time.every(LOOK_EVERY_MS, () => {
    if (known === undefined) return;
    if (time.elapsed() > known.until) {
      tell(say(`${known.id} did not register again in time`, `${known.id} 未及时续注册`));
      forget();
    } else if (!isQuiet && time.elapsed() - heardAt > QUIET_MS) {
      isQuiet = true;
      const s = QUIET_MS / 1000;
      tell(say(`${known.id}: nothing heard for ${s} s`, `${known.id}：${s} 秒没有任何消息`));
    }
  });
  const register = (request: Request, from: Way): Answer => {
    const verdict = judge(request);
    if (verdict.is === 'refused') {
      const sentence = {
        password: say(`${verdict.id} was refused: a wrong password`, `${verdict.id} 被拒绝：密码错误`),
        digits: say(`"${verdict.id}" was refused: no 20 digits`, `"${verdict.id}" 被拒绝：不是 20 位编码`),
        expires: say(`${verdict.id} was refused: no Expires`, `${verdict.id} 被拒绝：缺少 Expires`),
      }[verdict.why];
      if (sentence !== refused) tell(sentence);
      refused = sentence;
    }
    if (verdict.is === 'out' && known?.id === verdict.id) {
      tell(say(`${verdict.id} has left`, `${verdict.id} 已注销`));
      forget();
    }
    if (verdict.is === 'in') {
      const { id, callId, seconds, isOf2022 } = verdict;
      const isNew = known?.id !== id || known.callId !== callId;
      const place = placeOf(verdict.contact, from);
      known = { id, callId, isOf2022, place, way: from, until: time.elapsed() + seconds * 1000 };
      refused = '';
      hear();
      waiting.resolve(known);
      if (isNew) {
        const how = `${from.by} ${from.address}:${from.port}${isOf2022 ? ', X-GB-Ver 3.0' : ''}`;
        tell(say(`${id} is registered for ${seconds} s (${how})`, `${id} 已注册 ${seconds} 秒（${how}）`));
        arrived(known);
      }
    }
    return verdict.answer;
  };
  return {
    register,
    forget,
    /** Waits for one. */
    async gateway(): Promise<Registered> {
      if (known === undefined) tell(say('no gateway is registered: waiting for one', '尚无网关注册：等待中'));
      return known ?? (await waiting.promise);
    },
    /**
     * Whoever says this, where it is registered: in its own name, or, in a dialog, in that of what was asked for.
     */
    from(request: Request, { address }: Way): Registered | undefined {
      const user = readUri(readAddress(headerOf(request, 'from') ?? '')?.uri ?? '')?.user;
      if (known === undefined || (user !== known.id && address !== known.way.address)) return undefined;
      hear();
      return known;
    },
    keepalive: () => void keepalives++,
    get keepalives() {
      return keepalives;
    },
    close() {
      look.stop();
      waiting.reject(new Error(say('the simulated platform ends', '模拟平台已结束')));
    },
  };
}
