/** Areas and doors as the console tells of them, over real HTTP. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { configSchema } from '../../config/schema.ts';
import { zoneNamesOf } from '../../gateway/console/areas.ts';
import type { Area, AreaZone } from '../../gateway/console/contract/areas.ts';
import { dayBegan } from '../../gateway/console/doors.ts';
import { lookForTroubles } from '../../gateway/console/troubles.ts';
import { bypassedIn, stillOpenIn } from '../../gateway/console/web/pages/area-zones.ts';
import type { State } from '../../gateway/road/recorder.ts';
import { startConsole } from './a-console.ts';

let sequence = 0;
const state = (device: string, data: object, raised = true): [string, State] => {
  sequence++;
  const event = {
    id: `s-${sequence}`,
    time: `2026-11-24T04:00:0${sequence % 10}.000Z`,
    data: { device: { id: device }, ...data },
  } as unknown as Event;
  return [`key-${sequence}`, { device, raised, event, sequence }];
};

describe('troubles', () => {
  it('are of a zone, of a panel behind a receiver, or of the whole device', () => {
    const states = new Map([
      state('io', { kind: 'link', text: 'silent for 30 s' }),
      state('io', { kind: 'fault', cause: 'broken-wire', zone: { number: 2 } }),
      state('io', { kind: 'intrusion', zone: { number: 1 } }),
      state('io', { kind: 'intrusion', zone: { number: 4 } }, false),
      state('io', { kind: 'motion' }),
      state('panel', { kind: 'link', details: { part: '1234', reason: 'no answer' } }),
      state('panel', { kind: 'power', details: { account: '5678' } }),
      state('cam', { kind: 'video', cause: 'tampered' }),
      state('cam', { kind: 'video', cause: 'motion' }),
    ]);
    const troubles = lookForTroubles(states.values());
    const kinds = (all: readonly { kind: string }[]) => all.map(({ kind }) => kind);
    expect(troubles.ofDevice('io')).toEqual([
      { kind: 'link', reason: 'silent for 30 s', since: expect.stringContaining('2026-11-24T04:00:0') },
    ]);
    expect(troubles.atZone('io\n\n2')).toMatchObject([{ kind: 'fault', cause: 'broken-wire' }]);
    expect([troubles.hasAlarm('io\n\n1'), troubles.hasAlarm('io\n\n4')]).toEqual([true, false]);
    expect(kinds(troubles.ofDevice('panel'))).toEqual(['link', 'power']);
    expect(kinds(troubles.ofDevice('panel', '1234'))).toEqual(['link']);
    expect(kinds(troubles.ofDevice('panel', '5678'))).toEqual(['power']);
    expect(kinds(troubles.ofDevice('cam'))).toEqual(['video']);
  });

  it('of a device that has thousands are told in short', () => {
    const many = Array.from({ length: 3000 }, (_, i) =>
      state('io', { kind: 'fault', cause: `c-${i}`, text: 'x'.repeat(1000) }),
    );
    const told = lookForTroubles(new Map(many).values()).ofDevice('io');
    expect(told).toHaveLength(20);
    expect(told[0]?.reason).toHaveLength(300);
  });
});

describe('areas in the console', () => {
  const devices = [
    { id: 'io', options: { zones: [{ zone: 1, id: 'door', name: '北门', kind: 'intrusion' }] } },
  ];
  const zone = { device: 'io', zone: 1, type: 'instant', armable: true, open: true, blocks: true };

  it('have the names of their zones, and what stands at their devices', async () => {
    const states = new Map([
      state('io', { kind: 'link', text: 'does not answer' }),
      state('io', { kind: 'intrusion', zone: { number: 1 } }),
    ]);
    const arming = {
      areas: () => [
        {
          id: 'block',
          state: 'exit-delay' as const,
          leftMs: 4000,
          exitDelayMs: 60_000,
          entryDelayMs: 0,
          since: '2026-11-24T04:00:00.000Z',
          by: '王',
          zones: [zone, { ...zone, zone: 2, open: false, blocks: false }],
          cameras: ['cam'],
          next: { at: Date.parse('2026-11-24T22:30:00Z'), do: 'disarm' as const },
        },
      ],
      plannedDay: (ahead: number) => ({
        date: `2026-11-${24 + ahead}`,
        school: true,
        transitions: [{ area: 'block', at: Date.parse('2026-11-24T22:30:00Z'), do: 'disarm' as const }],
      }),
    };
    const { as } = await startConsole({}, { arming, states, zoneNames: zoneNamesOf(devices) });
    const operator = await as('operator');
    expect(await (await operator('/api/areas')).json()).toEqual({
      areas: [
        expect.objectContaining({
          id: 'block',
          state: 'exit-delay',
          leftMs: 4000,
          by: '王',
          next: { at: '2026-11-24T22:30:00.000Z', do: 'disarm' },
          troubles: [{ device: 'io', kind: 'link', reason: 'does not answer', since: expect.any(String) }],
          zones: [
            { ...zone, id: 'door', name: '北门', kind: 'intrusion', alarm: true, troubles: [] },
            { ...zone, zone: 2, open: false, blocks: false, alarm: false, troubles: [] },
          ],
        }),
      ],
    });
    const plan = (await (await operator('/api/calendar?days=3')).json()) as { days: object[] };
    expect(plan).toMatchObject({
      timezone: 'Asia/Shanghai',
      days: [{ transitions: [{ at: '2026-11-24T22:30:00.000Z' }] }, {}, { date: '2026-11-26' }],
    });
    expect((await operator('/api/calendar?days=9999')).status).toBe(400);
  });
});

describe('zones that a page names beside the state of their area', () => {
  const zone = (number: number, more: Partial<AreaZone>): AreaZone => ({
    device: 'io',
    zone: number,
    type: 'delayed',
    armable: true,
    open: true,
    blocks: false,
    alarm: false,
    troubles: [],
    ...more,
  });
  const zones = [
    zone(1, {}),
    zone(2, { bypassed: { by: '王', forced: false } }),
    zone(3, { open: false }),
    zone(4, { armable: false, type: 'always' }),
  ];
  const look = (state: Area['state']) => {
    const area = { id: 'a', state, exitDelayMs: 0, entryDelayMs: 0, zones, troubles: [], cameras: [] };
    return [bypassedIn(area), stillOpenIn(area)].map((all) => all.map((one) => one.zone));
  };

  it('are those that are bypassed while it is armed, and those still open during the exit delay', () => {
    expect(look('disarmed')).toEqual([[], []]);
    expect(look('exit-delay')).toEqual([[2], [1]]);
    expect(look('armed')).toEqual([[2], []]);
    expect(look('entry-delay')).toEqual([[2], []]);
  });
});

describe('doors in the console', () => {
  const { access: config } = configSchema.parse({
    campus: { id: '4503000001', name: '一中' },
    access: {
      doors: [
        {
          id: 'in',
          name: '大门',
          reader: ['r0', 'face'],
          direction: 'in',
          unlock: [{ target: 'io', output: 'gate' }],
          contact: { device: 'io', zone: 1 },
        },
        { id: 'pickup', reader: 'r3', pickup: true },
      ],
    },
  });
  const door = async () => {
    const inside = [
      { holder: 'c-1', since: Date.parse('2026-11-24T00:00:00Z') },
      { holder: 't-1', since: Date.parse('2026-11-24T00:10:00Z') },
      ...Array.from({ length: 600 }, (_, i) => ({ holder: `p-${i}`, since: i })),
    ];
    return await startConsole(
      {},
      {
        doorConfigs: config.doors,
        access: {
          doors: () => [
            { id: 'in', state: 'held' },
            { id: 'pickup', state: 'closed' },
          ],
          keptOpen: () => new Set(['in']),
          lockdownSince: () => '2026-11-24T04:00:00.000Z',
          onUnkept: () => {},
          inside: () => inside,
        },
        states: new Map([
          state('r0', { kind: 'tamper' }),
          state('gateway', { kind: 'visit', visit: { id: 'v-1', stage: 'arrived', name: '赵', host: '王' } }),
          state('gateway', { kind: 'visit', visit: { id: 'v-2', stage: 'expected', name: '钱' } }),
        ]),
      },
    );
  };

  it('say how they are, what is wrong at them, and how many are inside', async () => {
    const operator = await (await door()).as('operator');
    expect(await (await operator('/api/doors')).json()).toEqual({
      doors: [
        {
          id: 'in',
          name: '大门',
          state: 'held',
          keptOpen: true,
          direction: 'in',
          pickup: false,
          contact: 'io',
          locks: [{ target: 'io', output: 'gate' }],
          readers: ['r0', 'face'],
          troubles: [{ device: 'r0', kind: 'tamper', since: expect.any(String) }],
        },
        {
          id: 'pickup',
          state: 'closed',
          keptOpen: false,
          pickup: true,
          locks: [],
          readers: ['r3'],
          troubles: [],
        },
      ],
      lockdownSince: '2026-11-24T04:00:00.000Z',
      inside: 602,
      visitors: 1,
      // 16:00 in Beijing.
      today: '2026-01-04T16:00:00.000Z',
    });
  });

  it('know when today began, on a day that has no midnight too', () => {
    const at = (text: string, zone: string) => dayBegan(Date.parse(text), zone);
    expect(at('2026-11-27T17:00:00Z', 'Asia/Shanghai')).toBe('2026-11-27T16:00:00.000Z');
    // In Beirut the clocks go from 00:00 to 01:00 on 2026-03-29.
    expect(at('2026-03-29T10:00:00Z', 'Asia/Beirut')).toBe('2026-03-28T22:00:00.000Z');
  });

  it('tell who is inside to who may know, who came last first, found by name, class or id', async () => {
    const operator = await (await door()).as('operator');
    const find = async (search = '') =>
      (await (await operator(`/api/doors/inside?search=${encodeURIComponent(search)}`)).json()) as {
        more: number;
        people: object[];
        visitors: object[];
      };
    const all = await find();
    expect([all.people.length, all.more]).toEqual([500, 102]);
    expect(all.people[0]).toEqual({ holder: 't-1', since: '2026-11-24T00:10:00.000Z' });
    expect(all.visitors).toEqual([{ id: 'v-1', stage: 'arrived', name: '赵', host: '王' }]);
    expect((await find('2班')).people).toEqual([
      { holder: 'c-1', name: '李明', class: '一年级2班', since: '2026-11-24T00:00:00.000Z' },
    ]);
    expect((await find('T-1')).people).toHaveLength(1);
    expect(await find('nobody')).toEqual({ more: 0, people: [], visitors: [] });
    const screen = await (await door()).as('screen');
    for (const path of ['/api/doors', '/api/doors/inside', '/api/areas', '/api/calendar'])
      expect((await screen(path)).status).toBe(403);
  });
});
