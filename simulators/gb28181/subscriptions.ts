/** What a simulated platform subscribes to, and the notices that follow (GB/T 28181-2016, 9.11; RFC 6665). */
import { type Fields, fieldOf, readManscdp, writeManscdp } from '../../drivers/platforms/gb28181/manscdp.ts';
import {
  type Header,
  headerOf,
  type Request,
  readAddress,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import type { createAlarmLines } from './alarms.ts';
import type { Answer } from './conversation.ts';
import type { Dialog, Link, Registered } from './link.ts';
import { itemsOf } from './questions.ts';
import { bracketed } from './wire.ts';

export type Topic = 'catalog' | 'alarm';

export interface Subscriptions {
  /** Subscribes, or refreshes what there is; 0 s ends it. */
  subscribe(topic: Topic, seconds: number): Promise<void>;
  /** NOTIFY. */
  notified(request: Request): Answer;
  /** The gateway that had them is gone. */
  forget(): void;
}

interface Subscription {
  readonly topic: Topic;
  readonly dialog: Dialog;
  readonly gateway: Registered;
}

const topics: Readonly<
  Record<Topic, { readonly command: string; readonly event: string; readonly more: Fields }>
> = {
  catalog: { command: 'Catalog', event: 'Catalog', more: [] },
  alarm: {
    ...{ command: 'Alarm', event: 'presence' },
    more: [
      ...[['StartAlarmPriority', 0] as const, ['EndAlarmPriority', 0] as const, ['AlarmMethod', 0] as const],
    ],
  },
};

export function createSubscriptions(link: Link, alarms: ReturnType<typeof createAlarmLines>): Subscriptions {
  const { tell, say } = link;
  const open = new Map<Topic, Subscription>();
  let sn = 0;
  return {
    forget: () => open.clear(),
    async subscribe(topic, seconds) {
      const gateway = await link.gateway();
      const before = open.get(topic);
      const isSame = before?.gateway.callId === gateway.callId;
      if (seconds === 0 && !isSame)
        throw new Error(say(`${topic}: there is no subscription`, `${topic}：没有订阅`));
      const dialog = isSame && before !== undefined ? before.dialog : link.newDialog(gateway, gateway.id);
      const { command, event, more } = topics[topic];
      const body = writeManscdp('Query', [
        ...[['CmdType', command] as const, ['SN', ++sn] as const, ['DeviceID', gateway.id] as const],
        ...more,
      ]);
      const way = await link.wayTo(gateway);
      const headers: readonly Header[] = [
        ['contact', `<sip:${link.id}@${bracketed(await link.ownAddress(way))}:${link.port}>`],
        ['expires', String(seconds)],
        ['event', event],
        ['content-type', 'Application/MANSCDP+xml'],
      ];
      // Its first NOTIFY may overtake the answer.
      open.set(topic, { topic, dialog, gateway });
      const response = await link.ask(dialog, way, { method: 'SUBSCRIBE', headers, body });
      const { status, reason } = response;
      if (status >= 300) {
        open.delete(topic);
        throw new Error(
          say(`${topic}: refused: ${status} ${reason}`, `${topic}：被拒绝：${status} ${reason}`),
        );
      }
      dialog.to = headerOf(response, 'to') ?? dialog.to;
      dialog.uri = readAddress(headerOf(response, 'contact') ?? '')?.uri ?? dialog.uri;
      const lasts = headerOf(response, 'expires') ?? String(seconds);
      if (seconds === 0) open.delete(topic);
      tell(
        seconds === 0
          ? say(`${topic}: the subscription has ended`, `${topic}：订阅已取消`)
          : say(`${topic}: subscribed for ${lasts} s`, `${topic}：已订阅 ${lasts} 秒`),
      );
    },
    notified(request) {
      const callId = headerOf(request, 'call-id');
      const own = [...open.values()].find(({ dialog }) => dialog.callId === callId);
      if (own === undefined) return { status: 481, reason: 'Subscription Does Not Exist' };
      const state = headerOf(request, 'subscription-state') ?? '';
      if (/^terminated/i.test(state)) {
        open.delete(own.topic);
        tell(
          say(
            `${own.topic}: the gateway ended the subscription (${state})`,
            `${own.topic}：网关结束了订阅（${state}）`,
          ),
        );
      }
      if (request.body.length === 0) return { status: 200, reason: 'OK' };
      const said = readManscdp(request.body);
      if (typeof said === 'string') {
        tell(`NOTIFY: ${said}`);
        return { status: 400, reason: 'Bad Request' };
      }
      if (said.command === 'Alarm') tell(`NOTIFY  ${alarms.lineOf(own.gateway.id, said)}`);
      for (const item of itemsOf(said.fields, 'DeviceList')) {
        const of = (name: string) => fieldOf(item, name) ?? '';
        tell(`NOTIFY  Catalog  ${of('Event')}  ${of('DeviceID')}  ${of('Name')}  ${of('Status')}`.trimEnd());
      }
      return { status: 200, reason: 'OK' };
    },
  };
}
