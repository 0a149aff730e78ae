import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ServerTCP } from 'modbus-serial';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { loadCredentials, readCredentials } from '../../gateway/access/credentials.ts';
import { type Decision, decide } from '../../gateway/access/decide.ts';
import { readConfig } from '../../gateway/check.ts';
import { startGateway } from '../../gateway/main.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import { freePort, silentLog, stream, temporaryDirectory } from '../helpers.ts';
import { type Published, scriptedBroker } from '../scripted-broker.ts';

const LIST = `number,facility,holder,groups,validFrom,validUntil,blocked
100,1,t-1,teachers,,,
101,1,t-2,teachers,2026-09-01,2027-07-15,
102,1,t-3,teachers,,2026-11-23,
103,1,t-4,teachers,2026-11-25,,
104,1,t-5,teachers,,,yes
105,,c-1,cleaners,,,
106,1,n-1,,,,
`;
const { access, calendar, timezone } = configSchema.parse({
  campus: { id: '4503000001', name: '一中' },
  access: {
    timeTables: [{ id: 'evening', on: 'school', from: '17:00', to: '21:30' }],
    groups: [
      { id: 'teachers', doors: ['in', 'out'] },
      { id: 'cleaners', doors: ['in'], times: ['evening'] },
    ],
    doors: [
      { id: 'in', reader: 'r0', direction: 'in', passback: '10m' },
      { id: 'out', reader: 'r1', direction: 'out' },
    ],
  },
});
const groups = access.groups.map(({ id }) => id);
const read = (text: string) => {
  const found = readCredentials(text, groups);
  if ('errors' in found) throw new Error(JSON.stringify(found.errors));
  return found.credentials;
};
const at = (beijing: string) => Date.parse(`${beijing}:00+08:00`);
// A Tuesday.
const NOON = at('2026-11-24T12:00');

describe('a card at a door', () => {
  const credentials = read(LIST);
  const passages = new Map<string, { direction: 'in' | 'out'; at: number }>();
  const lockdown = false;
  const ask = (number: string, facility: number | undefined, door = 'in', now = NOON): Decision =>
    decide({ number, facility }, access.doors.find(({ id }) => id === door)!, now, {
      credentials,
      config: access,
      calendar,
      timezone,
      passages,
      lockdown,
    });

  it.each<[string, Decision, ...Parameters<typeof ask>]>([
    ['of the list opens it', { decision: 'granted', holder: 't-1' }, '100', 1],
    ['that no list has is unknown', { decision: 'unknown' }, '999', 1],
    ['of another facility is another card', { decision: 'unknown' }, '100', 2],
    ['within its time opens it', { decision: 'granted', holder: 't-2' }, '101', 1],
    ['after its time does not', { decision: 'denied', reason: 'expired', holder: 't-3' }, '102', 1],
    ['on its last day does', { decision: 'granted', holder: 't-3' }, '102', 1, 'in', at('2026-11-23T23:59')],
    ['before its time does not', { decision: 'denied', reason: 'not-yet-valid', holder: 't-4' }, '103', 1],
    ['that is blocked does not', { decision: 'denied', reason: 'blocked', holder: 't-5' }, '104', 1],
    ['of no group does not', { decision: 'denied', reason: 'not-this-door', holder: 'n-1' }, '106', 1],
    [
      'of a group of other doors does not',
      { decision: 'denied', reason: 'not-this-door', holder: 'c-1' },
      '105',
      7,
      'out',
    ],
    ['outside its hours does not', { decision: 'denied', reason: 'not-now', holder: 'c-1' }, '105', 7],
    [
      'from its first minute does',
      { decision: 'granted', holder: 'c-1' },
      '105',
      7,
      'in',
      at('2026-11-24T17:00'),
    ],
    [
      'at the end of them does not',
      { decision: 'denied', reason: 'not-now', holder: 'c-1' },
      '105',
      7,
      'in',
      at('2026-11-24T21:30'),
    ],
    [
      'on a day without school does not',
      { decision: 'denied', reason: 'not-now', holder: 'c-1' },
      '105',
      7,
      'in',
      at('2026-11-28T18:00'),
    ],
    [
      'in the list without a facility counts whatever the reader says',
      { decision: 'granted', holder: 'c-1' },
      '105',
      undefined,
      'in',
      at('2026-11-24T18:00'),
    ],
  ])('%s', (_name, decision, ...asked) => {
    expect(ask(...asked)).toEqual(decision);
  });

  it('does not let the same person in twice in a row, but out, and in after a while', () => {
    passages.set('t-1', { direction: 'in', at: NOON - 60_000 });
    expect(ask('100', 1)).toMatchObject({ decision: 'denied', reason: 'passback' });
    expect(ask('100', 1, 'out')).toMatchObject({ decision: 'granted' });
    expect(ask('100', 1, 'in', NOON + 600_000)).toMatchObject({ decision: 'granted' });
    // A clock that stepped back locks nobody out.
    expect(ask('100', 1, 'in', NOON - 3_600_000)).toMatchObject({ decision: 'granted' });
    passages.clear();
  });
});

describe('a lockdown', () => {
  it('lets only those in whom the config names', () => {
    const config = {
      ...access,
      groups: access.groups.map((group) => ({ ...group, lockdown: group.id === 'cleaners' })),
    };
    const context = {
      credentials: read(LIST),
      config,
      calendar,
      timezone,
      passages: new Map(),
      lockdown: true,
    };
    const [door] = access.doors as [(typeof access.doors)[number]];
    const ask = (number: string, now: number) => decide({ number, facility: 1 }, door, now, context);
    expect(ask('100', NOON)).toEqual({ decision: 'denied', reason: 'lockdown', holder: 't-1' });
    expect(ask('105', at('2026-11-24T18:00'))).toMatchObject({ decision: 'granted' });
  });
});

describe('a door for picking up', () => {
  const [base] = access.doors as [(typeof access.doors)[number]];
  const door = { ...base, pickup: true };
  const list = `number,facility,holder,groups,validUntil,blocked,children
1,1,g-1,teachers,,,c-1;c-2
2,1,g-2,teachers,,,
3,1,g-3,teachers,2026-11-01,,c-3
4,1,g-4,teachers,,yes,c-4
`;
  const context = {
    credentials: read(list),
    config: access,
    calendar,
    timezone,
    passages: new Map(),
    lockdown: false,
  };
  it.each([
    ['1', { decision: 'granted', holder: 'g-1', children: ['c-1', 'c-2'] }],
    ['2', { decision: 'denied', reason: 'not-bound', holder: 'g-2', children: [] }],
    ['3', { decision: 'denied', reason: 'expired', holder: 'g-3', children: ['c-3'] }],
    ['4', { decision: 'denied', reason: 'blocked', holder: 'g-4', children: ['c-4'] }],
    ['5', { decision: 'unknown' }],
  ])('says of card %s whether its holder may take a child away', (number, decision) => {
    expect(decide({ number, facility: 1 }, door, NOON, context)).toEqual(decision);
    expect(decide({ number, facility: 1 }, base, NOON, context)).not.toHaveProperty('children');
  });
});

describe('a list of credentials', () => {
  it('is read whatever the order of its columns, with a BOM and the line ends of Windows', () => {
    const text = '\uFEFFholder,number\r\n"t, 1",0042\r\n';
    expect([...read(text)]).toEqual([['/42', expect.objectContaining({ holder: 't, 1', groups: [] })]]);
  });

  it.each([
    ['an unknown column', 'number,holder,name\n1,a,b', 1, /unknown column name/],
    ['no holder column', 'number\n1', 1, /holder is missing/],
    ['no holder', 'number,holder\n1,a\n2,', 3, /holder is missing/],
    ['a number that is none', 'number,holder\n1 2,a', 2, /number "1 2"/],
    ['a facility that is none', 'number,holder,facility\n1,a,x', 2, /facility "x"/],
    [
      'a group that is not there',
      'number,holder,groups\n1,a,teachers;pupils',
      2,
      /no group pupils; there are: teachers, cleaners/,
    ],
    ['a day that is none', 'number,holder,validUntil\n1,a,31.12.2026', 2, /validUntil "31.12.2026"/],
    ['a month that is none', 'number,holder,validUntil\n1,a,2026-13-01', 2, /validUntil/],
    ['blocked by something', 'number,holder,blocked\n1,a,maybe', 2, /blocked "maybe"/],
    ['the same card twice', 'number,holder\n1,a\n2,b\n1,c', 4, /the same card as in line 2/],
    ['a row that is too long', 'number,holder\n1,a,b', 2, /Invalid Record Length/],
    ['a quote that does not end', 'number,holder\n1,"a', 2, /Quote/],
  ])('with %s is refused, with the line', (_name, text, line, message) => {
    const found = readCredentials(text, groups);
    expect('errors' in found ? found.errors : []).toContainEqual({
      line,
      message: expect.stringMatching(message),
    });
  });

  it('is read the same a little at a time, its errors too', async () => {
    const file = join(temporaryDirectory(), 'cards.csv');
    const rows = Array.from({ length: 3000 }, (_, i) => `${i},p-${i}`);
    const texts = [
      LIST,
      `number,holder\n${rows.join('\n')}`,
      'number,holder\n1,a\n2,',
      'number,holder\n1,"a',
    ];
    for (const text of texts) {
      writeFileSync(file, text);
      expect(await loadCredentials(file, groups)).toEqual(readCredentials(text, groups));
    }
    await expect(loadCredentials(`${file}.gone`, groups)).rejects.toThrow('ENOENT');
  });

  it('tells all that is wrong at once, and never throws', () => {
    const found = readCredentials('number,holder\n?,\n!,a\n3,b', groups);
    expect('errors' in found ? found.errors.length : 0).toBe(3);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `number,holder\n${text}`),
        ),
        (text) => {
          readCredentials(text, groups);
        },
      ),
    );
  });
});

describe('a gate', () => {
  it('opens for cards of the list, tells which and why not, and keeps who it was on the campus', async () => {
    const broker = await scriptedBroker({});
    const directory = temporaryDirectory();
    const [line, port] = await Promise.all([freePort(), freePort()]);
    const readers = await startOsdpReaders({
      end: { listen: { host: '127.0.0.1', port: line } },
      readers: [{ id: 'r0', address: 0 }],
    });
    onTestFinished(() => readers[0]?.close());
    const coils = stream<boolean>();
    const door = new ServerTCP(
      { getDiscreteInput: () => false, setCoil: (_address: number, on: boolean) => coils.push(on) },
      { host: '127.0.0.1', port, unitID: 1 },
    );
    await new Promise<void>((resolve) => door.on('initialized', () => resolve()));
    onTestFinished(() => new Promise<void>((resolve) => door.close(() => resolve())));
    const file = join(directory, 'campus.yaml');
    const list = join(directory, 'cards.csv');
    writeFileSync(list, LIST);
    const config = {
      campus: { id: '45001', name: '一中' },
      uplinks: [
        { id: 'police', url: `mqtt://127.0.0.1:${broker.port}`, events: ['access.*', 'device.online'] },
      ],
      devices: [
        { id: 'r0', driver: 'osdp', connection: { serialServer: `127.0.0.1:${line}` } },
        {
          id: 'io',
          driver: 'modbus',
          connection: { tcp: `127.0.0.1:${port}` },
          profile: 'io-8zone',
          outputs: [{ id: 'gate', kind: 'door', coil: 0, moment: '50ms' }],
        },
      ],
      access: {
        credentialsFile: './cards.csv',
        groups: [
          { id: 'teachers', doors: ['in'] },
          { id: 'cleaners', doors: ['in'] },
        ],
        doors: [{ id: 'in', reader: 'r0', direction: 'in', unlock: [{ target: 'io', output: 'gate' }] }],
      },
    };
    writeFileSync(file, JSON.stringify(config));
    const loaded = readConfig(file);
    if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
    const gateway = await startGateway({ config: loaded.config, log: silentLog });
    onTestFinished(() => gateway.close(0));
    const online = (id: string) => (one: Published) =>
      (one.body['data'] as { device: { id: string } }).device.id === id;
    await broker.events.find(online('r0'));
    expect(await coils.next()).toBe(false);
    const show = async (number: string) => {
      await readers[0]?.do(`card ${number} 1`);
      return (await broker.events.find(({ topic }) => topic.includes('/access/'))).body;
    };
    const granted = await show('100');
    expect(granted).toMatchObject({
      type: 'cn.campus.access.granted',
      data: {
        access: { door: 'in', decision: 'granted', direction: 'in' },
        credential: { hash: expect.any(String) },
      },
    });
    expect([await coils.next(), await coils.next()]).toEqual([true, false]);
    expect(JSON.stringify(granted)).not.toMatch(/t-1|"100"/);
    expect(await show('104')).toMatchObject({
      type: 'cn.campus.access.denied',
      data: { access: { door: 'in', reason: 'blocked' } },
    });
    expect(await show('999')).toMatchObject({
      type: 'cn.campus.access.unknown',
      data: { access: { door: 'in' } },
    });
    expect(coils.rest()).toEqual([]);
  });
});

describe('access in a config', () => {
  const check = (own: object, list = LIST) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'cards.csv'), list);
    const file = join(directory, 'campus.yaml');
    const io = {
      id: 'io',
      driver: 'modbus',
      connection: { tcp: '127.0.0.1:1502' },
      profile: 'io-8zone',
      outputs: [
        { id: 'gate', kind: 'door', coil: 0 },
        { id: 'horn', kind: 'siren', coil: 1 },
      ],
    };
    const base = {
      credentialsFile: './cards.csv',
      groups: [
        { id: 'teachers', doors: ['in'] },
        { id: 'cleaners', doors: ['in'] },
      ],
    };
    writeFileSync(
      file,
      JSON.stringify(
        { campus: { id: '45001', name: 'x' }, devices: [io], access: { ...base, ...own } },
        undefined,
        1,
      ),
    );
    const loaded = readConfig(file);
    return 'errors' in loaded ? loaded.errors.map(({ message }) => message) : [];
  };
  const door = (more: object) => ({ doors: [{ id: 'in', reader: 'io', ...more }] });
  it.each([
    ['a reader that is not there', door({ reader: 'r9' }), /no device r9/],
    [
      'an output that is no door',
      door({ unlock: [{ target: 'io', output: 'horn' }] }),
      /no door horn of io; there are: gate/,
    ],
    ['a target that is not there', door({ unlock: [{ target: 'x', output: 'gate' }] }), /no device x/],
    [
      'PINs, and no list to have them',
      { ...door({ mode: 'card-and-pin' }), credentialsFile: undefined },
      /needs access.credentialsFile/,
    ],
    ['passback without a direction', door({ passback: '5m' }), /needs direction/],
    ['a door that is not there', { doors: [] }, /no door in/],
    [
      'a time table that is not there',
      {
        ...door({}),
        groups: [
          { id: 'teachers', doors: ['in'], times: ['t'] },
          { id: 'cleaners', doors: ['in'] },
        ],
      },
      /no time table t/,
    ],
    [
      'a time table that ends before it begins',
      { ...door({}), timeTables: [{ id: 't', from: '10:00', to: '09:00' }] },
      /not after 10:00/,
    ],
  ])('with %s is told', (_name, own, message) => {
    expect(check(own)).toContainEqual(expect.stringMatching(message));
  });

  it('tells the wrong rows of its list, with file and line', () => {
    expect(check(door({}), 'number,holder\n1,a\n2,')).toEqual([
      expect.stringMatching(/cards\.csv:3: holder is missing/),
    ]);
  });
});
