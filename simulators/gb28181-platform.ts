/**
 * A small platform of GB/T 28181, to teach, to test and to find faults: gateways register at it, it asks for their catalogue,
 * shows alarms, looks at cameras and orders them about, and can be an ill one. It speaks SIP by itself: with the gateway's
 * uplink it shares how a message is written, and nothing that decides.
 */
import type { Clock } from '../drivers/contract/clock.ts';
import { systemClock } from '../drivers/contract/clock.ts';
import { fieldOf, type Manscdp, readManscdp } from '../drivers/platforms/gb28181/manscdp.ts';
import type { Broken, Message, Request } from '../drivers/platforms/gb28181/sip/message.ts';
import { platformActions } from './gb28181/actions.ts';
import { createAlarmLines } from './gb28181/alarms.ts';
import { type Answer, createConversation } from './gb28181/conversation.ts';
import { createGateways } from './gb28181/gateways.ts';
import { createLink } from './gb28181/link.ts';
import { createQuestions } from './gb28181/questions.ts';
import { createSubscriptions } from './gb28181/subscriptions.ts';
import { createWatching } from './gb28181/watching.ts';
import { bracketed, openSipPort, ownAddressTo, type SipPort, type Way } from './gb28181/wire.ts';
import type { RegisterAlgorithm } from './kinds.ts';
import type { Say, Simulator } from './simulator.ts';

export interface Gb28181PlatformOptions {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** 20 digits. */
  readonly id: string;
  readonly domain: string;
  readonly password: string;
  readonly algorithm: RegisterAlgorithm;
  /** Whether it offers `qop="auth"`. */
  readonly qop: boolean;
  /** Where pictures in motion are written. */
  readonly folder: string;
  readonly time?: Clock;
  readonly say: Say;
  readonly tell: (sentence: string) => void;
}

export interface Gb28181Platform extends Simulator {
  readonly port: number;
}

const OK: Answer = { status: 200, reason: 'OK' };
/** What cannot be read comes in floods: one of a kind is told each so many. */
const BROKEN_EVERY = 100;
/** Of goodbyes, before it ends all the same. */
const GOODBYE_MS = 2000;

/** @throws PortTakenError, or what else the system says. */
export async function startGb28181Platform(options: Gb28181PlatformOptions): Promise<Gb28181Platform> {
  const { host, id, domain, say, tell, time = systemClock } = options;
  const faults = { refusePercent: 0, isSilent: false };
  const addressTo = async ({ address, port }: Way) =>
    ['0.0.0.0', '::'].includes(host) ? await ownAddressTo(address, port) : host;
  let own: SipPort | undefined;
  const conversation = createConversation({
    time,
    sentBy: () => `${bracketed(host)}:${own?.port ?? options.port}`,
    asked: (request, from) => asked(request, from),
  });
  const counts = new Map<string, number>();
  const take = (message: Message | Broken, from: Way) => {
    if (faults.isSilent) return;
    if (!('broken' in message)) return conversation.receive(message, from);
    const before = counts.get(message.broken) ?? 0;
    counts.set(message.broken, before + 1);
    if (before % BROKEN_EVERY === 0)
      tell(
        say(
          `not understood, of ${from.address}: ${message.broken} (${before + 1} times)`,
          `无法理解 ${from.address} 的消息：${message.broken}（${before + 1} 次）`,
        ),
      );
  };
  own = await openSipPort(host, options.port, time, take);
  const { port } = own;
  const gateways = createGateways({
    ...{ realm: domain, password: options.password, algorithm: options.algorithm, qop: options.qop },
    ...{ time, say, tell },
    arrived: ({ id: gateway }) =>
      void questions.catalog(gateway).catch((error: Error) => tell(error.message)),
    left: () => subscriptions.forget(),
  });
  const link = createLink({
    ...{ id, domain, time, say, tell, conversation, ownAddress: addressTo, gateway: gateways.gateway },
    password: options.password,
    port: own,
  });
  const alarms = createAlarmLines(say);
  const questions = createQuestions(link);
  const watching = createWatching(link, options.folder);
  const subscriptions = createSubscriptions(link, alarms);

  const notified = (gateway: string, said: Manscdp) => {
    if (said.command === 'Keepalive') return gateways.keepalive();
    if (said.command === 'MediaStatus' && fieldOf(said.fields, 'NotifyType') === '121')
      return watching.fileEnd(said.device);
    if (said.command !== 'Alarm') return tell(`Notify ${said.command} ${said.device}`);
    tell(alarms.lineOf(gateway, said));
    // 2016, 9.4.2: the platform answers in words too. The 200 goes first.
    setImmediate(() => {
      const answer = link.message('Response', 'Alarm', said.device, [['Result', 'OK']], said.sn);
      answer.catch(() => {});
    });
  };
  const heard = (gateway: string, request: Request): Answer => {
    const said = readManscdp(request.body);
    if (typeof said === 'string') {
      tell(say(`a message that is not understood: ${said}`, `无法理解的消息：${said}`));
      return { status: 400, reason: 'Bad Request' };
    }
    if (said.root === 'Notify') notified(gateway, said);
    else if (said.root !== 'Response' || !questions.take(said))
      tell(`${said.root} ${said.command} ${said.device} SN ${said.sn}`);
    return OK;
  };
  const asked = (request: Request, from: Way): Answer => {
    if (request.method === 'REGISTER') return gateways.register(request, from);
    const gateway = gateways.from(request, from);
    if (gateway === undefined) return { status: 403, reason: 'Forbidden' };
    if (time.random() * 100 < faults.refusePercent) return { status: 503, reason: 'Service Unavailable' };
    if (request.method === 'MESSAGE') return heard(gateway.id, request);
    if (request.method === 'NOTIFY') return subscriptions.notified(request);
    if (request.method === 'BYE') return watching.ended(request);
    return request.method === 'OPTIONS' ? OK : { status: 405, reason: 'Method Not Allowed' };
  };

  return {
    ...{ id: `gb28181-platform ${id}`, port },
    ...platformActions({ link, gateways, questions, watching, subscriptions, alarms, faults }),
    async close() {
      const goodbye = faults.isSilent ? undefined : watching.stop().catch(() => {});
      await Promise.race([goodbye, time.wait(GOODBYE_MS)]);
      gateways.close();
      conversation.close();
      await own.close();
    },
  };
}
