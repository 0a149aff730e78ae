/** The gateway that registered at a simulated platform, and what goes to it. */
import type { Clock } from '../../drivers/contract/clock.ts';
import { type Fields, type Root, writeManscdp } from '../../drivers/platforms/gb28181/manscdp.ts';
import {
  type Header,
  headerOf,
  type Request,
  type Response,
  readUri,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import type { Say } from '../simulator.ts';
import { type Conversation, type Invited, randomToken } from './conversation.ts';
import { proofFor } from './digest.ts';
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
  /** The next request of a dialog, with a proof of our password where that is wanted. @throws SilentError */
  ask(dialog: Dialog, to: Way, request: Saying): Promise<Response>;
  /** An INVITE, likewise. */
  invite(dialog: Dialog, to: Way, request: Omit<Saying, 'method'>): Promise<Invited>;
}

/** What is said in a dialog. */
export interface Saying {
  readonly method: string;
  readonly headers?: readonly Header[];
  readonly body?: Buffer;
}

export interface LinkOptions {
  readonly id: string;
  readonly domain: string;
  readonly password: string;
  readonly time: Clock;
  readonly say: Say;
  readonly tell: (sentence: string) => void;
  readonly port: Pick<SipPort, 'port' | 'dial'>;
  readonly conversation: Conversation;
  readonly ownAddress: (to: Way) => Promise<string>;
  readonly gateway: () => Promise<Registered>;
}

export function createLink(options: LinkOptions): Link {
  const { id, domain, port, conversation, password } = options;
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
      const headers: readonly Header[] = [['content-type', 'Application/MANSCDP+xml']];
      const way = await link.wayTo(gateway);
      const response = await link.ask(link.newDialog(gateway, target), way, {
        ...{ method: 'MESSAGE', headers, body },
      });
      return { sn: number, response };
    },
    ask: (dialog, to, { method, headers = [], body }) =>
      twice(dialog, method, (proof) =>
        conversation.ask(link.requestIn(dialog, method, [...headers, ...proof], body), to),
      ),
    async invite(dialog, to, { headers = [], body }) {
      let invited: Invited | undefined;
      await twice(dialog, 'INVITE', async (proof) => {
        invited = await conversation.invite(
          link.requestIn(dialog, 'INVITE', [...headers, ...proof], body),
          to,
        );
        return invited.response;
      });
      return invited as unknown as Invited;
    },
  };
  /** Once, and again with a proof where that is asked for. */
  const twice = async (
    dialog: Dialog,
    method: string,
    say: (proof: readonly Header[]) => Promise<Response>,
  ): Promise<Response> => {
    dialog.cseq++;
    const response = await say([]);
    if (response.status !== 401) return response;
    const challenge = headerOf(response, 'www-authenticate') ?? '';
    const proof = proofFor(challenge, { username: id, password }, { method, uri: dialog.uri });
    if (proof === undefined) return response;
    dialog.cseq++;
    return await say([['authorization', proof]]);
  };
  return link;
}

/** Where its Contact says that it is; else where it was heard from. */
export function placeOf(contact: string, { address, port }: Way): Registered['place'] {
  const uri = readUri(contact);
  return { host: uri?.host ?? address, port: uri?.port ?? port };
}
