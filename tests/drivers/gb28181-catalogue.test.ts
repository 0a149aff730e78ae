/** What a platform asks of the campus, over real SIP, by a platform that is written by hand. */
import { describe, expect, it } from 'vitest';
import type { CameraMedia } from '../../drivers/contract/media.ts';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { camera, DEVICE, input, itemsIn, numbersOf, registered, valuesOf } from './gb28181-registered.ts';

const SCHOOL = '45030000002150000001';
const BLOCK = '45030000002160000001';
const organisation = [
  { id: SCHOOL, name: '第一中学' },
  { id: BLOCK, name: '教学楼', parent: SCHOOL, holds: ['block', 'panel/north'] },
];
const block = { id: 'block', name: '教学楼' };

const campus = () => [
  camera('yard', { name: '操场', maker: 'ACME', model: 'D1', firmware: '7', ptz: true, area: block }),
  camera('hall', { name: '大厅', online: false }),
  input('panel', { name: '报警主机' }),
  input('panel/north', { name: '北围墙', guard: 'alarm' }),
  input('panel/2', { name: '二号', guard: 'disarmed', place: '二号楼走廊' }),
];
const fieldsIn = (item: string) =>
  Object.fromEntries([...item.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, value]));

describe('a catalogue', () => {
  it('has the gateway, the tree, what the platform may see, and each alarm input, in the words of the standard', async () => {
    const { ask, pages } = await registered(campus(), { video: ['yard'], organisation });
    expect(await ask('Catalog')).toBe('SIP/2.0 200 OK');
    const all = await pages();
    const items = all.flatMap(({ xml }) => itemsIn(xml)).map(fieldsIn);
    expect(items.map(({ DeviceID, Name, ParentID }) => [DeviceID, Name, ParentID])).toEqual([
      [DEVICE, '桂林市第一中学', undefined],
      [SCHOOL, '第一中学', DEVICE],
      [BLOCK, '教学楼', SCHOOL],
      ['45030000001320000001', '操场', BLOCK],
      ['45030000001340000001', '报警主机', DEVICE],
      ['45030000001340000002', '北围墙', BLOCK],
      ['45030000001340000003', '二号', DEVICE],
    ]);
    expect(items[3]).toMatchObject({
      ...{
        Manufacturer: 'ACME',
        Model: 'D1',
        Owner: '桂林市第一中学',
        CivilCode: '450300',
        Address: '教学楼',
      },
      ...{ Parental: '0', SafetyWay: '0', RegisterWay: '1', Secrecy: '0', Status: 'ON', PTZType: '1' },
      BusinessGroupID: SCHOOL,
    });
    expect(items[6]).toMatchObject({ Address: '二号楼走廊' });
    for (const { xml, heard } of all) {
      expect(xml).toMatch(/^<\?xml version="1.0" encoding="GB2312"\?>\r\n<Response>/);
      expect(valuesOf(xml, 'SN')).toEqual(['17']);
      expect(valuesOf(xml, 'SumNum')).toEqual(['7']);
      expect(/<DeviceList Num="(\d+)">/.exec(xml)?.[1]).toBe(String(itemsIn(xml).length));
      expect(heard.header('Content-Type')).toBe('Application/MANSCDP+xml');
    }
  });

  it('shows no camera where the config does not say so, and is that of a node or of one thing where it is asked', async () => {
    const { ask, pages } = await registered(campus(), { organisation });
    const ids = async (device: string) => {
      await ask('Catalog', { device, sn: Number(device.slice(-3)) });
      return (await pages()).flatMap(({ xml }) => itemsIn(xml)).map((item) => fieldsIn(item)['DeviceID']);
    };
    expect((await ids(DEVICE)).filter((id) => id?.slice(10, 13) === '132')).toEqual([]);
    expect(await ids(SCHOOL)).toEqual([SCHOOL, BLOCK, '45030000001340000002']);
    expect(await ids('45030000001340000003')).toEqual(['45030000001340000003']);
    expect(await ask('Catalog', { device: '45030000001320000009' })).toBe('SIP/2.0 404 Not Found');
  });

  it('of 300 channels goes page by page, none over 1300 bytes, each after the answer to the one before', async () => {
    const many = Array.from({ length: 300 }, (_, i) =>
      camera(`c${i}`, { name: `${'教学楼走廊'.repeat(12)}${i}` }),
    );
    const { platform, ask, pages } = await registered(many, { video: true });
    await ask('Catalog');
    // The same question again, as a platform that is impatient asks it, is no second list.
    expect(await ask('Catalog')).toBe('SIP/2.0 200 OK');
    const all = await pages();
    const items = all.flatMap(({ xml }) => itemsIn(xml));
    expect(items).toHaveLength(301);
    expect(new Set(items.map((item) => fieldsIn(item)['DeviceID'])).size).toBe(301);
    for (const { heard, xml } of all) {
      expect(heard.by).toBe('UDP');
      expect(Buffer.from(heard.text, 'latin1').length).toBeLessThanOrEqual(1300);
      expect(valuesOf(xml, 'SumNum')).toEqual(['301']);
    }
    const more = platform.heard.rest().filter(({ body }) => body.includes('Catalog'));
    const ids = new Set(all.map(({ heard }) => heard.header('Call-ID')));
    expect(more.filter(({ header }) => !ids.has(header('Call-ID')))).toEqual([]);
  });

  it('goes in pages of several over TCP, and ends where the platform takes no more', async () => {
    const many = Array.from({ length: 25 }, (_, i) => input(`p/${i}`));
    const { platform, ask, pages, discarded } = await registered(many, { transport: 'tcp' });
    await ask('Catalog');
    expect((await pages()).map(({ xml }) => itemsIn(xml).length)).toEqual([10, 10, 6]);
    platform.behaviour.message = 503;
    await ask('Catalog', { sn: 18 });
    expect(await discarded.next()).toBe('an answer of ours that the platform did not take');
    platform.behaviour.message = 200;
    platform.heard.rest();
    await ask('Catalog', { sn: 19 });
    expect((await pages()).every(({ xml }) => valuesOf(xml, 'SN')[0] === '19')).toBe(true);
  });

  it('writes rare characters as they are, or as a question mark where the platform breaks on them', async () => {
    const things = [input('a', { name: '张璟堃办公室\u{20bb7}①' })];
    for (const [characters, name] of [
      ['gb18030', '张璟堃办公室\u{20bb7}①'],
      ['gb2312', '张??办公室?①'],
    ] as const) {
      const { ask, pages } = await registered(things, { characters });
      await ask('Catalog');
      expect(valuesOf((await pages()).map(({ xml }) => xml).join(''), 'Name')).toContain(name);
    }
  });
});

describe('the school in a catalogue', () => {
  it('has what the config lets out, and coordinates only by the datum that the standard has', async () => {
    const coordinates = { latitude: 25.2736, longitude: 110.299, datum: 'WGS 84' } as const;
    const school = {
      id: '45',
      name: '一中',
      district: '450305001',
      address: '七星区环城南二路1号',
      coordinates,
    };
    let campusData: ReturnType<PlatformHost['campusData']> = school;
    const { ask, pages } = await registered([input('panel')], {}, { campusData: () => campusData });
    const catalogue = async (sn: number) => {
      await ask('Catalog', { sn });
      return (await pages()).flatMap(({ xml }) => itemsIn(xml));
    };
    const [root = '', panel = ''] = await catalogue(17);
    expect(fieldsIn(root)).toMatchObject({
      ...{ CivilCode: '450305', Address: '七星区环城南二路1号', Owner: '一中' },
      ...{ Longitude: '110.299', Latitude: '25.2736' },
    });
    // In the order of the standard (2016, A.2.1.9).
    expect(root.replace(/[\s\S]*<Status>/, '')).toMatch(/^ON<\/Status>\s*<Longitude>.*\s*<Latitude>.*\s*$/);
    expect(fieldsIn(panel)).toMatchObject({ CivilCode: '450305', Address: '一中' });
    expect(panel).not.toContain('Longitude');
    campusData = { id: '45', name: '一中', coordinates: { ...coordinates, datum: 'GCJ-02' } };
    const [later = ''] = await catalogue(18);
    expect(fieldsIn(later)).toMatchObject({ CivilCode: '450300', Address: '一中' });
    expect(later).not.toMatch(/Longitude|Latitude|七星/);
  });
});

describe('ids of a catalogue', () => {
  it('are those that it had, after a restart, and whatever the names are then', async () => {
    const numbers = numbersOf();
    const of = async (things: ReturnType<typeof campus>) => {
      const { ask, pages, channel } = await registered(things, { video: true }, { numbers });
      await ask('Catalog');
      const items = (await pages()).flatMap(({ xml }) => itemsIn(xml)).map(fieldsIn);
      await channel.close(0, false);
      return new Map(items.map(({ DeviceID, Name }) => [Name, DeviceID]));
    };
    const first = await of(campus());
    const [yard, ...rest] = campus().reverse();
    const later = await of([
      input('panel/0', { name: '新' }),
      { ...(yard as ReturnType<typeof input>), name: '改名' },
      ...rest,
    ]);
    expect(later.get('操场')).toBe(first.get('操场'));
    expect(later.get('北围墙')).toBe(first.get('北围墙'));
    expect(later.get('改名')).toBe(first.get('二号'));
    expect([...first.values()]).not.toContain(later.get('新'));
  });

  it('are those that the platform gave, and none of them becomes that of another', async () => {
    const ids = {
      yard: ['45030000001310000042', '45030000001340000009'],
      // What would be made for the first input.
      'panel/2': '45030000001340000001',
    };
    const { ask, pages, channel } = await registered([...campus(), input('yard', { name: '操场报警' })], {
      ...{ video: true, ids },
    });
    await ask('Catalog');
    const items = (await pages()).flatMap(({ xml }) => itemsIn(xml)).map(fieldsIn);
    const idOf = Object.fromEntries(items.map(({ Name, DeviceID }) => [Name, DeviceID]));
    expect(idOf).toMatchObject({
      ...{ 操场: '45030000001310000042', 操场报警: '45030000001340000009', 二号: '45030000001340000001' },
    });
    expect(new Set(Object.values(idOf)).size).toBe(items.length);
    expect(channel.state?.().ids).toMatchObject({ '45030000001310000042': 'yard' });
  });

  it('are not there for now where the disk gives none, and are when it does', async () => {
    let isGood = false;
    const numbers = numbersOf();
    const { ask, pages } = await registered(
      [input('a')],
      {},
      {
        async numbers(...what: Parameters<typeof numbers>) {
          if (!isGood) throw new Error('the disk');
          return await numbers(...what);
        },
      },
    );
    expect(await ask('Catalog')).toBe('SIP/2.0 503 Service Unavailable');
    isGood = true;
    await ask('Catalog');
    await ask('Catalog');
    expect((await pages()).flatMap(({ xml }) => itemsIn(xml))).toHaveLength(2);
  });
});

describe('a question', () => {
  it('what the gateway is, and what a camera is', async () => {
    const { ask, response } = await registered(campus(), { video: ['yard'] });
    await ask('DeviceInfo');
    const own = fieldsIn((await response()).xml);
    expect(own).toMatchObject({
      ...{ CmdType: 'DeviceInfo', SN: '17', DeviceID: DEVICE, Result: 'OK' },
      ...{ DeviceName: '桂林市第一中学', Firmware: '1.2.3', Channel: '1' },
    });
    await ask('DeviceInfo', { device: '45030000001320000001' });
    expect(fieldsIn((await response()).xml)).toMatchObject({
      ...{ Manufacturer: 'ACME', Model: 'D1', Firmware: '7', Result: 'OK' },
    });
  });

  it('how the gateway is: online, its time here, and which inputs alarm, are armed, are not', async () => {
    const { ask, response } = await registered(campus());
    await ask('DeviceStatus');
    const { xml } = await response();
    expect(fieldsIn(xml)).toMatchObject({
      Result: 'OK',
      Online: 'ONLINE',
      Status: 'OK',
      Encode: 'OFF',
      Record: 'OFF',
    });
    expect(valuesOf(xml, 'DeviceTime')[0]).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    expect(/<Alarmstatus Num="(\d)">/.exec(xml)?.[1]).toBe('3');
    expect(itemsIn(xml).map(fieldsIn)).toEqual([
      { DeviceID: '45030000001340000002', DutyStatus: 'ALARM' },
      { DeviceID: '45030000001340000001', DutyStatus: 'ONDUTY' },
      { DeviceID: '45030000001340000003', DutyStatus: 'OFFDUTY' },
    ]);
  });

  it('how many inputs are fits into a datagram: those that alarm first', async () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      input(`p/${i}`, { guard: i === 59 ? 'alarm' : 'disarmed' }),
    );
    const { ask, response } = await registered(many);
    await ask('DeviceStatus');
    const { heard, xml } = await response();
    expect(heard.by).toBe('UDP');
    const items = itemsIn(xml).map(fieldsIn);
    expect(items.length).toBeGreaterThan(3);
    expect(/<Alarmstatus Num="(\d+)">/.exec(xml)?.[1]).toBe(String(items.length));
    expect(items[0]).toEqual({ DeviceID: '45030000001340000060', DutyStatus: 'ALARM' });
  });

  it('how a camera is that does not answer', async () => {
    const { ask, response } = await registered(campus(), { video: true });
    await ask('DeviceStatus', { device: '45030000001320000002' });
    expect(fieldsIn((await response()).xml)).toMatchObject({
      Online: 'OFFLINE',
      Status: 'ERROR',
      Encode: 'OFF',
    });
  });

  it('which presets of a camera have numbers; of one that does not tell them, ERROR', async () => {
    const media = {
      async presets(id: string) {
        if (id === 'hall') throw new Error('it does not answer');
        return [{ number: 3, name: '大门' }];
      },
    } as unknown as CameraMedia;
    const { ask, response } = await registered(campus(), { video: true }, { media });
    await ask('PresetQuery', { device: '45030000001320000001' });
    const { xml } = await response();
    expect(xml).toContain('<PresetList Num="1">');
    expect(itemsIn(xml).map(fieldsIn)).toEqual([{ PresetID: '3', PresetName: '大门' }]);
    await ask('PresetQuery', { device: '45030000001320000002' });
    expect(fieldsIn((await response()).xml)).toMatchObject({ CmdType: 'PresetQuery', Result: 'ERROR' });
  });

  it('what its basic parameters are, alone or among others', async () => {
    const { ask, response } = await registered(campus(), { registerFor: '2h', keepalive: '30s' });
    await ask('ConfigDownload', { more: '<ConfigType>VideoParamOpt/BasicParam</ConfigType>\r\n' });
    expect(fieldsIn((await response()).xml)).toMatchObject({
      ...{ Result: 'OK', Expiration: '7200', HeartBeatInterval: '30', HeartBeatCount: '3' },
    });
    await ask('ConfigDownload', { more: '<ConfigType>SVACEncodeConfig</ConfigType>\r\n' });
    expect(fieldsIn((await response()).xml)).toMatchObject({ Result: 'ERROR' });
  });

  it.each(['DeviceInfo', 'DeviceStatus', 'Alarm', 'PresetQuery', 'ConfigDownload'])(
    'of nothing that is here: %s is answered ERROR',
    async (command) => {
      const { platform, port, heads, query, ask, response } = await registered(campus());
      expect(await ask(command, { device: DEVICE.replace('7', '8') })).toBe('SIP/2.0 404 Not Found');
      // To the gateway, about another.
      const body = query(command, { device: '45030000001320000099' });
      const answer = await platform.ask(port, `MESSAGE sip:${DEVICE}@x`, heads('MESSAGE', 'a'), body);
      expect(answer.start).toBe('SIP/2.0 200 OK');
      expect(valuesOf((await response()).xml, 'Result')).toEqual(['ERROR']);
    },
  );
});

describe('ids and a tree of the config', () => {
  const of = (own: object) =>
    gb28181
      .problems?.(
        {
          ...gb28181.options.parse({
            ...{ server: '10.1.1.1:5060', serverId: '34020000002000000001', deviceId: DEVICE },
            ...own,
          }),
          password: 'x',
        },
        { names: false, pictures: false },
      )
      .map(({ path }) => path.join('.'));

  it.each([
    ['an id of another type', { ids: { yard: '45030000002000000001' } }, ['ids.yard']],
    ['two of one type', { ids: { yard: ['45030000001320000001', '45030000001310000001'] } }, ['ids.yard']],
    ['one id of two', { ids: { a: '45030000001320000001', b: '45030000001320000001' } }, ['ids.b']],
    [
      'the gateway’s own',
      { organisation: [{ id: DEVICE, name: 'x' }] },
      ['organisation.0.id', 'organisation.0.id'],
    ],
    [
      'no such parent',
      { organisation: [{ id: BLOCK, name: 'x', parent: SCHOOL }] },
      ['organisation.0.parent'],
    ],
    [
      'a ring',
      {
        organisation: [
          { id: SCHOOL, name: 'x', parent: BLOCK },
          { id: BLOCK, name: 'y', parent: SCHOOL },
        ],
      },
      ['organisation.0.parent', 'organisation.1.parent'],
    ],
    [
      'one in two nodes',
      {
        organisation: [
          { id: SCHOOL, name: 'x', holds: ['yard'] },
          { id: BLOCK, name: 'y', holds: ['yard'] },
        ],
      },
      ['organisation.1.holds.0'],
    ],
    ['nothing wrong', { organisation, ids: { yard: '45030000001320000001' } }, []],
  ] as const)('%s', (_, own, paths) => {
    expect(of(own)).toEqual(paths);
  });
});
