/**
 * What a platform asks, and who answers it: parts, each of which has some methods of SIP and some words of MANSCDP
 * (`Query Catalog`, `Control DeviceControl`) for its own. What no part has is answered, and counted.
 */
import type { ChannelState, PlatformHost } from '../../contract/transport.ts';
import type { Ids } from './ids.ts';
import { type Manscdp, readManscdp } from './manscdp.ts';
import type { Options } from './options.ts';
import type { Request, Response } from './sip/message.ts';
import type { Answer, Asked, Place } from './sip/transactions.ts';

/** A registration at a platform, as its parts see it. */
export interface Session {
  readonly own: Options;
  readonly host: PlatformHost;
  readonly ids: Ids;
  /** Where the platform is. */
  readonly place: Place;
  /** How the platform reaches us, `sip:…@host:port`: for a Contact. */
  readonly contact: string;
  /** Sends a MESSAGE with a body of MANSCDP, once we are registered. @throws Error where there is no answer. */
  message(body: Buffer): Promise<Response>;
  /** Bytes of a body that fits; once we are registered. @throws Error where we are not. */
  room(): Promise<number>;
  /** Asks anything else: `request` without a Via. @throws Error where there is no answer. */
  ask(request: Request, to?: Place): Promise<Response>;
  /** Of what we say of our own accord. */
  nextSn(): number;
}

/** One part of what is answered. Nothing here throws. */
export interface Part {
  /** By method: it answers by `asked.answer`. */
  readonly methods?: Readonly<Record<string, (asked: Asked) => void>>;
  /**
   * By root and command, `Query Catalog`.
   * @returns what the platform hears; undefined: 200. What follows from it comes after that.
   */
  readonly words?: Readonly<Record<string, (said: Manscdp, asked: Asked) => Answer | undefined>>;
  /** For /health, beside the registration. */
  state?(): Pick<ChannelState, 'subscriptions' | 'streams' | 'ids'>;
  /** The registration is over: what is open ends. Never rejects. */
  close?(): void | Promise<void>;
}

/** That an alarm was stored is good to know, and nothing waits for it. */
const heard = ['Response Alarm', 'Response Keepalive'];
const OK: Answer = { status: 200, reason: 'OK' };

/** @returns what answers a question of this platform. */
export function createAnswering(parts: readonly Part[], discarded: PlatformHost['discarded']) {
  const words = new Map(parts.flatMap(({ words = {} }) => Object.entries(words)));
  const methods = new Map(parts.flatMap(({ methods = {} }) => Object.entries(methods)));
  const allow = ['MESSAGE', 'OPTIONS', ...methods.keys()].join(', ');
  const answerMessage = (asked: Asked) => {
    const said = readManscdp(asked.request.body);
    if (typeof said === 'string') {
      discarded(said);
      return asked.answer({ status: 400, reason: 'Bad Request' });
    }
    const word = `${said.root} ${said.command}`;
    const answerIt = words.get(word);
    if (answerIt === undefined && !heard.includes(word))
      discarded('a question or an order that is not carried out here', said.command);
    asked.answer(answerIt?.(said, asked) ?? OK);
  };
  const answerOne = (asked: Asked) => {
    const { method } = asked.request;
    if (method === 'MESSAGE') return answerMessage(asked);
    if (method === 'OPTIONS') return asked.answer({ ...OK, headers: [['allow', allow]] });
    const answerIt = methods.get(method);
    if (answerIt !== undefined) return answerIt(asked);
    discarded('a SIP request that is not answered here', method);
    asked.answer({ status: 405, reason: 'Method Not Allowed', headers: [['allow', allow]] });
  };
  return (asked: Asked) => {
    try {
      answerOne(asked);
    } catch (error) {
      // A mistake of ours in an answer ends no alarm.
      discarded('a question that could not be answered', (error as Error).message);
      asked.answer({ status: 500, reason: 'Server Internal Error' });
    }
  };
}
