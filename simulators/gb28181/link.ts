/** The gateway that registered at a simulated platform, and what goes to it. */
import type { Clock } from '../../drivers/contract/clock.ts';
import { type Fields, type Root, writeManscdp } from '../../drivers/platforms/gb28181/manscdp.ts';
import {
  type Header,
  type Request,
  type Response,
  readUri,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import type { Say } from '../simulator.ts';
import { type Conversation, randomToken } from './conversation.ts';
import type { SipPort, Way } from './wire.ts';

export interface Registered {
  readonly id: string;
  readonly way: Way;
  /** `host:port` of its Contact. */
  readonly place: { readonly host: string; readonly port: number };
  readonly callId: string;
  readonly isOf2022: boolean;
  /** ms of `time.elapsed`. */
  readonly until: number;
}

/** So much of a dialog as its requests need (RFC 3261, 12). */
export interface Dialog {
  readonly callId: string;
  readonly from: string;
  /** With the tag of the other side, once it has one. */
  to: string;
  uri: string;
  cseq: number;
}

export interface Link {
  readonly id: string;
  readonly domain: string;
  readonly time: Clock;
  readonly say: Say;
  tell(sentence: string): void;
  /** Whoever is registered; waits for one. @throws Error where the platform ends before. */
  gateway(): Promise<Registered>;
  /** How a gateway that was reached this way reaches us. */
  ownAddress(to: Way): Promise<string>;
  readonly port: number;
  wayTo(gateway: Registered): Promise<Way>;
  /** `target`: 20 digits of what is asked. */
  newDialog(gateway: Registered, target: string): Dialog;
  requestIn(dialog: Dialog, method: string, more?: readonly Header[], body?: Buffer): Request;
  /** A MESSAGE. @throws SilentError */
  message(
    root: Root,
    command: string,
    target: string,
    more: Fields,
    /** Of what it answers; default: a new one. */
    sn?: string,
  ): Promise<{ sn: string; response: Response }>;
  readonly conversation: Pick<Conversation, 'ask' | 'invite'>;
}

export interface LinkOptions {
  readonly id: string;
  readonly domain: string;
  readonly time: Clock;
  readonly say: Say;
  readonly tell: (sentence: string) => void;
  readonly port: Pick<SipPort, 'port' | 'dial'>;
  readonly conversation: Conversation;
  readonly ownAddress: (to: Way) => Promise<string>;
  readonly gateway: () => Promise<Registered>;
}

export function createLink(options: LinkOptions): Link {
  const { id, domain, port, conversation } = options;
  let sn = 0;
  let cseq = 0;
  const link: Link = {
    ...options,
    port: port.port,
    async wayTo({ way, place }) {
      return way.isOpen() ? way : await port.dial(place.host, place.port);
    },
    newDialog: ({ place }, target) => ({
      callId: randomToken(),
      from: `<sip:${id}@${domain}>;tag=${randomToken()}`,
      to: `<sip:${target}@${domain}>`,
      uri: `sip:${target}@${place.host}:${place.port}`,
      cseq: ++cseq,
    }),
    requestIn: (dialog, method, more = [], body = Buffer.alloc(0)) => ({
      ...{ method, uri: dialog.uri, body },
      headers: [
        ['from', dialog.from],
        ['to', dialog.to],
        ['call-id', dialog.callId],
        ['cseq', `${dialog.cseq} ${method}`],
        ['max-forwards', '70'],
        ...more,
      ],
    }),
    async message(root, command, target, more, given) {
      const gateway = await options.gateway();
      const number = given ?? String(++sn);
      const body = writeManscdp(root, [['CmdType', command], ['SN', number], ['DeviceID', target], ...more]);
      const type: Header = ['content-type', 'Application/MANSCDP+xml'];
      const request = link.requestIn(link.newDialog(gateway, target), 'MESSAGE', [type], body);
      return { sn: number, response: await conversation.ask(request, await link.wayTo(gateway)) };
    },
  };
  return link;
}

/** Where its Contact says that it is; else where it was heard from. */
export function placeOf(contact: string, { address, port }: Way): Registered['place'] {
  const uri = readUri(contact);
  return { host: uri?.host ?? address, port: uri?.port ?? port };
}
