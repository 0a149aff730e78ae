/** Lists in pages, and characters, whatever they are made of. */
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import type { Session } from '../../drivers/platforms/gb28181/answering.ts';
import { itemsOf, pagesOf, under } from '../../drivers/platforms/gb28181/catalogue.ts';
import { inCharacters } from '../../drivers/platforms/gb28181/characters.ts';
import { createIds } from '../../drivers/platforms/gb28181/ids.ts';
import { createListing } from '../../drivers/platforms/gb28181/listing.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { runs } from '../fuzz.ts';
import { silentLog } from '../helpers.ts';
import { camera, DEVICE, input, itemsIn, numbersOf, PLATFORM, valuesOf } from './gb28181-registered.ts';

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength });
const own = (more: object = {}) => ({
  ...gb28181.options.parse({
    server: '127.0.0.1:5060',
    serverId: PLATFORM,
    deviceId: DEVICE,
    video: true,
    ...more,
  }),
  password: 'x',
});

describe('a list in pages', () => {
  it('has each item once, counts them all, and is too large nowhere but where one item is', () => {
    const fields = fc.record({ name: text(200), extra: fc.option(text(300)) });
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 40 }), fc.integer({ min: 200, max: 3000 }), (items, room) => {
        const list = items.map(
          ({ name, extra }, at) =>
            [
              ['DeviceID', at],
              ['Name', name],
              ['Extra', extra ?? undefined],
            ] as const,
        );
        const listing = { sn: 1, device: DEVICE, characters: 'gb18030', room } as const;
        const pages = pagesOf(list, { ...listing, root: 'Response' });
        const xml = pages.map((page) => iconv.decode(page, 'gb18030'));
        expect(xml.flatMap((one) => valuesOf(one, 'DeviceID').slice(1))).toEqual(
          items.map((_, at) => `${at}`),
        );
        for (const [at, one] of xml.entries()) {
          expect(valuesOf(one, 'SumNum')).toEqual([String(items.length)]);
          const count = itemsIn(one).length;
          expect(one).toContain(`<DeviceList Num="${count}">`);
          expect(count).toBeLessThanOrEqual(10);
          if (count > 1) expect(pages[at]?.length).toBeLessThanOrEqual(room);
        }
      }),
      { numRuns: runs(200) },
    );
  });

  it('of the longest names that there may be fits into datagrams', async () => {
    const host = { numbers: numbersOf() };
    const ids = createIds(own(), host);
    const name = '楼'.repeat(100);
    const thing = camera('c', { name, maker: name, model: name, ptz: true, area: { id: 'a', name } });
    await ids.all('camera', ['c']);
    const node = { id: '45030000002160000001', name, parent: undefined, holds: ['c'] };
    const catalogue = { own: own({ organisation: [node] }), ids, campus: { id: '45', name } };
    const items = itemsOf({ ...catalogue, things: [thing] }) ?? [];
    const pages = pagesOf(
      items.map(({ fields }) => fields),
      { root: 'Response', sn: 2 ** 31 - 1, device: DEVICE, characters: 'gb18030', room: 1 },
    );
    // What is left of 1300 beside a MESSAGE's head, with a domain of 10 digits.
    expect(Math.max(...pages.map(({ length }) => length))).toBeLessThan(850);
  });

  it('under a node that is in itself ends', () => {
    const items = ['a', 'b', 'c'].map((id, at, all) => ({
      ...{ id, parent: all[(at + 1) % 2], online: true, fields: [] },
    }));
    expect(under(items, 'a')?.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });
});

describe('characters', () => {
  it.each([
    // By the table of GB 2312-80: Python's codec says the same of each.
    ['张三李四王小二', '张三李四王小二'],
    ['①⒈（一）〓Ａａ℃—…', '①⒈（一）〓Ａａ℃—…'],
    ['璟堃喆镕', '????'],
    ['ⅰⅹ€\u{20bb7}😀', '?????'],
    ['國', '?'],
    ['Hall 3', 'Hall 3'],
  ])('of %s GB2312 has %s', (given, there) => {
    expect(inCharacters(given, 'gb2312')).toBe(there);
    expect(inCharacters(given, 'gb18030')).toBe(given);
  });
});

it('ids are each of one thing, and the same in whatever order they are asked for, whichever the platform gave', async () => {
  const names = fc.uniqueArray(fc.constantFrom(...Array.from({ length: 12 }, (_, i) => `p/${i}`)), {
    minLength: 1,
  });
  const given = fc.dictionary(fc.constantFrom('p/0', 'p/3', 'p/7', 'x'), fc.integer({ min: 1, max: 9 }));
  await fc.assert(
    fc.asyncProperty(names, given, async (wanted, fixed) => {
      const entries = Object.entries(fixed).map(([name, serial]) => [
        name,
        `45030000001340${`${serial}`.padStart(6, '0')}`,
      ]);
      fc.pre(new Set(entries.map(([, id]) => id)).size === entries.length);
      const source = { deviceId: DEVICE, ids: Object.fromEntries(entries) as Record<string, string> };
      const numbers = numbersOf();
      const first = createIds(source, { numbers });
      const all = await first.all('alarmInput', wanted);
      expect(new Set([...all, ...entries.map(([, id]) => id)]).size).toBe(
        new Set([...wanted, ...entries.map(([name]) => name)]).size,
      );
      for (const [name, id] of entries)
        if (wanted.includes(name as string)) expect(first.known('alarmInput', name as string)).toBe(id);
      const backwards = wanted.toReversed();
      expect(await createIds(source, { numbers }).all('alarmInput', backwards)).toEqual(all.toReversed());
      expect(first.named(all[0] as string)).toMatchObject({ type: 'alarmInput', name: wanted[0] });
    }),
    { numRuns: runs(200) },
  );
});

it('a platform may say anything: nothing throws, each question is answered once, and no more is kept than is open', async () => {
  const listing = (clock = systemClock) => {
    const things = [camera('yard'), input('panel/1')];
    const host = {
      ...{
        clock,
        timeZone: 'Asia/Shanghai',
        version: '1',
        campusData: () => ({ id: '45', name: '一中' }),
        uplink: 'gb',
        log: silentLog,
      },
      ...{ discarded() {}, inventory: () => things, onInventory: () => () => {}, numbers: numbersOf() },
    } as unknown as PlatformHost;
    const session: Session = {
      ...{ own: own(), host, ids: createIds(own(), host), contact: `sip:${DEVICE}@127.0.0.1:5060` },
      place: { transport: 'UDP', address: '127.0.0.1', port: 5060 },
      message: () => new Promise(() => {}),
      room: async () => 700,
      ask: () => new Promise(() => {}),
      nextSn: () => 1,
    };
    return createListing(session);
  };
  const word = text(30).map((one) => one.replace(/[\r\n]/g, ''));
  const often = (...known: string[]) => fc.oneof(fc.constantFrom(...known), word);
  const asked = fc.record({
    command: often('Catalog', 'Alarm', 'DeviceInfo', 'DeviceStatus', 'ConfigDownload', 'MobilePosition'),
    device: often(DEVICE, '45030000001320000001', '45030000001340000001'),
    event: often('Catalog', 'presence', 'Alarm;id=1'),
    expires: often('0', '60', '99999999999', '-1'),
    contact: often('<sip:a@127.0.0.1>', '*', ''),
    to: often('<sip:b@x>', '<sip:b@x>;tag=t1'),
    isSubscribe: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { maxLength: 30 }), async (all) => {
      const part = listing();
      await Promise.resolve();
      for (const [at, one] of all.entries()) {
        const xml = `<Query><CmdType>${one.command}</CmdType><SN>${at}</SN><DeviceID>${one.device}</DeviceID></Query>`;
        let answers = 0;
        const request = {
          ...{ method: 'SUBSCRIBE', uri: 'sip:b@x', body: Buffer.from(xml) },
          headers: [
            ...([
              ['event', one.event],
              ['expires', one.expires],
              ['contact', one.contact],
            ] as const),
            ...([
              ['from', `<sip:a@x>;tag=${at}`],
              ['to', one.to],
              ['call-id', `${at}`],
              ['cseq', '1 SUBSCRIBE'],
            ] as const),
          ],
        };
        const from = { transport: 'UDP', address: '127.0.0.1', port: 5060, send() {} } as const;
        const question = {
          ...{ request, from, tag: `t${at % 3}`, onCancel() {}, onAcknowledged() {} },
          answer: () => void answers++,
        };
        if (one.isSubscribe) part.methods?.['SUBSCRIBE']?.(question);
        const said = {
          root: 'Query',
          command: one.command,
          sn: `${at}`,
          device: one.device,
          fields: {},
        } as const;
        if (!one.isSubscribe) part.words?.[`Query ${one.command}`]?.(said, question);
        expect(answers).toBe(one.isSubscribe ? 1 : 0);
      }
      expect(part.state?.().subscriptions?.length).toBeLessThanOrEqual(16);
      await part.close?.();
      expect(part.state?.().subscriptions).toEqual([]);
    }),
    { numRuns: runs(100) },
  );
});
