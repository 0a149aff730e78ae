/** What a platform subscribes to, by the words of RFC 6665 and of the standard's 9.11; the platform is written by hand. */
import { describe, expect, it } from 'vitest';
import type { Thing } from '../../drivers/contract/inventory.ts';
import { fastClock } from '../clocks.ts';
import { eventually } from '../helpers.ts';
import {
  camera,
  DEVICE,
  input,
  itemsIn,
  PLATFORM,
  registered,
  textOf,
  valuesOf,
} from './gb28181-registered.ts';

const YARD = '45030000001320000001';
const things = () => [camera('yard', { name: '操场' }), input('panel/1'), input('panel/2')];
const fieldsIn = (item: string) =>
  Object.fromEntries([...item.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, value]));

/** A campus whose things a test changes, and what a platform does with its dialogs. */
async function subscribing(all: Thing[] = things(), own: object = {}, factor = 20) {
  const world = await registered(all, { video: true, ...own }, { clock: fastClock(factor) });
  const { platform, port, heads, query, next } = world;
  let cseq = 0;
  const say = async (
    command: string | undefined,
    {
      tag = 'dialog',
      expires,
      to,
      event = 'Catalog',
      device = DEVICE,
      from,
    }: {
      tag?: string;
      expires?: number | string;
      to?: string;
      event?: string;
      device?: string;
      from?: string;
    } = {},
  ) => {
    const lines = [
      ...heads('SUBSCRIBE', tag).map((line) => {
        if (to !== undefined && line.startsWith('To:')) return `To: ${to}`;
        return from !== undefined && line.startsWith('From:') ? `From: ${from}` : line;
      }),
      ...[`Event: ${event}`, `CSeq: ${++cseq} SUBSCRIBE`],
      ...(expires === undefined ? [] : [`Expires: ${expires}`]),
    ];
    return await platform.ask(
      port,
      `SUBSCRIBE sip:${DEVICE}@4503000000`,
      lines,
      command === undefined ? '' : query(command, { device }),
    );
  };
  const notify = async () => {
    const heard = await next(({ method }) => method === 'NOTIFY');
    return { ...heard, heard, xml: textOf(heard), state: heard.header('Subscription-State') };
  };
  /** All of a list, over its pages. */
  const list = async (first?: { readonly xml: string }) => {
    const items: ReturnType<typeof fieldsIn>[] = [];
    for (let page = first; ; page = undefined) {
      const { xml } = page ?? (await notify());
      items.push(...itemsIn(xml).map(fieldsIn));
      if (items.length >= Number(valuesOf(xml, 'SumNum')[0])) return items;
    }
  };
  const change = (at: number, more: Partial<Thing>) => {
    all[at] = { ...(all[at] as Thing), ...more };
    world.change();
  };
  const subscriptions = () => world.channel.state?.().subscriptions;
  return { ...world, all, say, notify, list, change, subscriptions };
}

describe('a subscription to the catalogue', () => {
  it('is answered with how long it lasts, and followed by all that there is', async () => {
    const { say, notify, list, subscriptions, platform } = await subscribing();
    const answer = await say('Catalog', { expires: 600 });
    expect(answer.start).toBe('SIP/2.0 200 OK');
    expect(answer.header('Expires')).toBe('600');
    expect(answer.header('To')).toMatch(/;tag=\w+/);
    expect(answer.header('Contact')).toContain(DEVICE);
    expect(valuesOf(answer.body, 'Result')).toEqual(['OK']);
    const first = await notify();
    expect(first.start).toBe(`NOTIFY sip:${PLATFORM}@127.0.0.1:${platform.port} SIP/2.0`);
    expect(first.header('From')).toBe(answer.header('To'));
    expect(first.header('To')).toBe(answer.header('From'));
    expect(first.header('Call-ID')).toBe('call-dialog');
    expect(first.header('Event')).toBe('Catalog');
    expect(first.state).toMatch(/^active;expires=(600|59\d)$/);
    expect(first.xml).toMatch(/<Notify>\r\n<CmdType>Catalog<\/CmdType>/);
    const items = await list(first);
    expect(items.map(({ DeviceID, Event, Name }) => [DeviceID, Event, Name])).toEqual([
      [DEVICE, 'ADD', '桂林市第一中学'],
      [YARD, 'ADD', '操场'],
      ['45030000001340000001', 'ADD', 'panel/1'],
      ['45030000001340000002', 'ADD', 'panel/2'],
    ]);
    expect(items[1]).toMatchObject({ Status: 'ON', ParentID: DEVICE });
    expect(subscriptions()).toMatchObject([{ to: 'Catalog' }]);
  });

  it('is told what changes, what changes together at once, and nothing where nothing does', async () => {
    const { say, notify, list, change, all, discarded } = await subscribing();
    await say('Catalog');
    await list();
    change(0, { online: false });
    change(1, { online: false });
    const off = await notify();
    expect(itemsIn(off.xml).map(fieldsIn)).toEqual([
      { DeviceID: YARD, Event: 'OFF' },
      { DeviceID: '45030000001340000001', Event: 'OFF' },
    ]);
    change(0, { online: true });
    expect(itemsIn((await notify()).xml).map(fieldsIn)).toEqual([{ DeviceID: YARD, Event: 'ON' }]);
    change(0, { maker: 'ACME' });
    expect(itemsIn((await notify()).xml).map(fieldsIn)).toMatchObject([
      { DeviceID: YARD, Event: 'UPDATE', Manufacturer: 'ACME', Status: 'ON' },
    ]);
    all.splice(2, 1);
    change(0, {});
    expect(itemsIn((await notify()).xml).map(fieldsIn)).toEqual([
      { DeviceID: '45030000001340000002', Event: 'DEL' },
    ]);
    change(0, {});
    change(0, { online: false });
    // What did not change was not told: this is the next word.
    const last = await notify();
    expect(itemsIn(last.xml)).toHaveLength(1);
    expect(Number.parseInt(last.header('CSeq'), 10)).toBeGreaterThan(Number.parseInt(off.header('CSeq'), 10));
    expect(discarded.rest()).toEqual([]);
  });

  it('of many is paged, no datagram over 1300 bytes, in numbers that rise', async () => {
    const many = Array.from({ length: 60 }, (_, i) => camera(`c${i}`, { name: '教学楼走廊'.repeat(10) }));
    const { say, notify } = await subscribing(many);
    await say('Catalog');
    let count = 0;
    let last = 0;
    while (count < 61) {
      const { text, xml, header } = await notify();
      expect(Buffer.byteLength(text, 'latin1')).toBeLessThanOrEqual(1300);
      expect(valuesOf(xml, 'SumNum')).toEqual(['61']);
      const number = Number.parseInt(header('CSeq'), 10);
      expect(number).toBe(last + 1);
      last = number;
      count += itemsIn(xml).length;
    }
  });
});

describe('a subscription, over time,', () => {
  it('is refreshed in its dialog, keeps what was told, and ends with Expires 0', async () => {
    const { say, notify, list, subscriptions } = await subscribing();
    const answer = await say('Catalog', { expires: 60 });
    await list();
    const to = answer.header('To');
    const again = await say('Catalog', { to, expires: 3600 });
    expect(again.header('Expires')).toBe('3600');
    expect(again.header('To')).toBe(to);
    const nothing = await notify();
    expect([valuesOf(nothing.xml, 'SumNum'), itemsIn(nothing.xml)]).toEqual([['0'], []]);
    expect(nothing.state).toMatch(/^active;expires=3[56]\d\d$/);
    expect(subscriptions()).toHaveLength(1);
    const over = await say(undefined, { to, expires: 0 });
    expect([over.start, over.header('Expires')]).toEqual(['SIP/2.0 200 OK', '0']);
    expect((await notify()).state).toBe('terminated;reason=timeout');
    expect(subscriptions()).toEqual([]);
    expect((await say(undefined, { to, expires: 60 })).start).toMatch(/^SIP\/2.0 481 /);
  });

  it('ends by the clock where nobody refreshes it', async () => {
    const { say, notify, list, subscriptions } = await subscribing(things(), {}, 100);
    await say('Catalog', { expires: 60 });
    await list();
    const { state, body } = await notify();
    expect([state, body]).toEqual(['terminated;reason=timeout', '']);
    expect(subscriptions()).toEqual([]);
  });

  it('ends where the platform does not know it any more', async () => {
    const { platform, say, list, change, subscriptions, discarded } = await subscribing();
    await say('Catalog');
    await list();
    platform.behaviour.notify = 481;
    change(0, { online: false });
    expect(await discarded.next()).toBe('a NOTIFY that the platform did not take');
    expect(subscriptions()).toEqual([]);
  });

  it('that comes anew takes the place of the one before; of many sixteen are kept', async () => {
    const { say, subscriptions } = await subscribing([]);
    await say('Catalog', { tag: 'one' });
    await say('Catalog', { tag: 'two' });
    expect(subscriptions()).toHaveLength(1);
    const statuses: string[] = [];
    for (let i = 0; i < 16; i++) {
      const from = `<sip:${PLATFORM}@10.0.0.${i}>;tag=t${i}`;
      statuses.push((await say('Catalog', { tag: `t${i}`, from })).start);
    }
    expect(statuses.slice(0, 15)).toEqual(Array(15).fill('SIP/2.0 200 OK'));
    expect(statuses[15]).toBe('SIP/2.0 503 Service Unavailable');
    expect(subscriptions()).toHaveLength(16);
  });

  it('of one camera is told of that alone', async () => {
    const { say, list, change, notify } = await subscribing();
    await say('Catalog', { device: YARD });
    expect((await list()).map(({ DeviceID }) => DeviceID)).toEqual([YARD]);
    change(1, { online: false });
    change(0, { online: false });
    expect(itemsIn((await notify()).xml).map(fieldsIn)).toEqual([{ DeviceID: YARD, Event: 'OFF' }]);
  });
});

describe('a subscription', () => {
  it.each(['Alarm', 'presence'])(
    'to alarms under Event: %s is heard; alarms come by their own way',
    async (event) => {
      const { say, notify, channel, subscriptions, next } = await subscribing();
      const answer = await say('Alarm', { event, expires: 100 });
      expect([answer.start, valuesOf(answer.body, 'CmdType')]).toEqual(['SIP/2.0 200 OK', ['Alarm']]);
      const { header, body, state } = await notify();
      expect([header('Event'), body, state]).toEqual([event, '', expect.stringMatching(/^active;/)]);
      expect(subscriptions()).toMatchObject([{ to: 'Alarm' }]);
      const alarm = {
        id: '019ac3a0-0000-7000-8000-000000000001',
        type: 'cn.campus.alarm.raised',
        time: '2026-11-28T15:30:00Z',
        data: { kind: 'panic', state: 'raised', device: { id: 'panel' }, zone: { number: 1 } },
      };
      const sent = new Promise((resolve) =>
        channel.send(
          {
            address: 'panel',
            type: 'alarm.raised',
            device: 'panel',
            lane: 'urgent',
            body: JSON.stringify(alarm),
          },
          resolve,
        ),
      );
      const { method } = await next(({ body: said }) => said.includes('<CmdType>Alarm'));
      expect(method).toBe('MESSAGE');
      expect(await sent).toEqual({ is: 'taken' });
    },
  );

  it('to the catalogue goes under presence too', async () => {
    const { say, notify } = await subscribing();
    await say('Catalog', { event: 'presence' });
    expect((await notify()).header('Event')).toBe('presence');
  });

  it.each([
    ['MobilePosition', {}, /^SIP\/2.0 489 /],
    ['Catalog', { device: '45030000001320000099' }, /^SIP\/2.0 404 /],
    ['Catalog', { expires: 'soon' }, /^SIP\/2.0 400 /],
    [undefined, {}, /^SIP\/2.0 400 /],
  ] as const)('to %s with %j is refused', async (command, about, start) => {
    const { say, subscriptions } = await subscribing();
    const answer = await say(command, about);
    expect(answer.start).toMatch(start);
    expect(subscriptions()).toEqual([]);
  });

  it('says nothing any more once the registration is over', async () => {
    const { say, list, channel, change, platform } = await subscribing();
    await say('Catalog', { expires: 60 });
    await list();
    await channel.close(0, false);
    platform.heard.rest();
    change(0, { online: false });
    await eventually(() => expect(channel.state?.().subscriptions).toEqual([]));
    expect(platform.heard.rest()).toEqual([]);
  });
});
