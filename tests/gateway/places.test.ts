/** What stands on the plan, and how it is: from a config as a technician writes it, and from words of devices. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Thing as Listed } from '../../drivers/contract/inventory.ts';
import { readConfig } from '../../gateway/check.ts';
import { createPlaces, keyOf, type OpenAlarm } from '../../gateway/console/places.ts';
import type { State } from '../../gateway/road/states.ts';
import { manualClock } from '../clocks.ts';
import { temporaryDirectory } from '../helpers.ts';

const CONFIG = `
campus: { id: "4503000001", name: 一中 }
devices:
  - id: panel
    name: 报警主机
    driver: dc09
    listen: { port: 5100 }
    accounts:
      - { account: "12ab", zones: [{ zone: 1, id: north, name: 北围墙 }, { zone: 2 }] }
  - { id: yard, name: 操场, driver: onvif, host: 10.0.0.41 }
  - id: reader
    driver: osdp
    connection: { serialServer: "10.0.0.9:4001" }
    inputs: [{ zone: 1, input: 0 }, { zone: 2, input: 1, kind: panic, name: 按钮 }]
  - { id: hall, driver: wiegand, connection: { serialServer: "10.0.0.9:4002" }, format: rdm6300 }
areas:
  - { id: wall, name: 围墙, cameras: [yard], zones: [{ device: panel, account: "12ab", zone: 1 }] }
access:
  doors:
    - { id: gate, name: 北门, reader: hall, contact: { device: reader, zone: 1 } }
    - { id: side, reader: reader }
`;

function start() {
  const file = join(temporaryDirectory(), 'campus.yaml');
  writeFileSync(file, CONFIG);
  const loaded = readConfig(file);
  if (!('config' in loaded)) throw new Error(JSON.stringify(loaded));
  const time = manualClock();
  const states = new Map<string, State>();
  const listeners: (() => void)[] = [];
  const online = new Map<string, boolean>();
  const guards = new Map<string, Listed['guard']>();
  const alarms: OpenAlarm[] = [];
  const doors = { gate: 'closed', side: 'closed' };
  let looks = 0;
  const places = createPlaces(loaded.config, {
    time,
    things: {
      list: () => {
        looks++;
        return [...guards].map(([id, guard]) => ({
          ...{ kind: 'alarm-input', id, device: id.split('/')[0] ?? '', name: id, guard },
          online: online.get(id.split('/')[0] ?? '') ?? true,
        }));
      },
    },
    recorder: {
      states,
      onStored(listener) {
        listeners.push(listener as () => void);
        return () => {};
      },
      onUnsaved(listener) {
        listeners.push(listener as () => void);
        return () => {};
      },
    },
    devices: { online: (id) => online.get(id) },
    access: { doors: () => Object.entries(doors).map(([id, state]) => ({ id, state })) },
    openAlarms: () => alarms,
  });
  const say = (device: string, data: object, raised = true) => {
    const state = {
      device,
      raised,
      sequence: states.size,
      event: { time: '2026-03-02T01:00:00.000Z', data },
    };
    states.set(`${device} ${JSON.stringify(data)}`, state as unknown as State);
    for (const listener of listeners) listener();
  };
  const how = async (key: string) => {
    const thing = places.byKey.get(key);
    if (thing === undefined) throw new Error(`there is no ${key}`);
    const { level, state, standing } = (await time.until(places.look()))(thing);
    return [level, state, standing.map(({ kind, cause }) => [kind, cause].filter(Boolean).join(' '))];
  };
  return { places, say, how, online, guards, doors, alarms, time, looks: () => looks };
}

it('all that may be placed is listed once, by what it is', () => {
  const { places } = start();
  expect(places.things.map((one) => [keyOf(one), one.name, one.device, one.area?.name])).toEqual([
    ['camera yard', '操场', 'yard', '围墙'],
    ['zone panel/12AB/north', '北围墙', 'panel', '围墙'],
    ['zone panel/12AB/2', '报警主机 12ab 2', 'panel', undefined],
    ['zone reader/2', '按钮', 'reader', undefined],
    ['door gate', '北门', 'hall', undefined],
    ['door side', 'side', 'reader', undefined],
    ['reader reader', 'reader', 'reader', undefined],
    ['reader hall', 'hall', 'hall', undefined],
    ['device panel', '报警主机', 'panel', undefined],
  ]);
});

it('a zone is off, on, bypassed, in alarm, or behind a panel that is silent', async () => {
  const { how, say, guards, online } = start();
  const zone = 'zone panel/12AB/north';
  expect(await how(zone)).toEqual(['unknown', 'unknown', []]);
  online.set('panel', true);
  say('panel', { kind: 'link' }, false);
  guards.set('panel/12AB/north', 'disarmed');
  expect(await how(zone)).toEqual(['off', 'disarmed', []]);
  guards.set('panel/12AB/north', 'armed');
  say('wall', { kind: 'arming' });
  expect(await how(zone)).toEqual(['good', 'armed', []]);
  // As arming says it: of the panel's account and number.
  say('wall', {
    kind: 'bypass',
    cause: 'panel',
    zone: { number: 1, id: 'panel/12ab/1' },
    details: { account: '12ab' },
  });
  expect(await how(zone)).toEqual(['off', 'bypassed', []]);
  say('panel', { kind: 'perimeter', zone: { number: 1, id: 'north' }, details: { account: '12AB' } });
  expect(await how(zone)).toEqual(['alarm', 'bypassed', ['perimeter']]);
  online.set('panel', false);
  say('panel', { kind: 'link' });
  expect(await how(zone)).toEqual(['alarm', 'offline', ['perimeter']]);
  expect(await how('zone panel/12AB/2')).toEqual(['trouble', 'offline', []]);
  expect(await how('device panel')).toEqual(['alarm', 'offline', ['perimeter']]);
});

it('a panic button of which its panel says no more is red until the board has closed it', async () => {
  const { how, alarms, guards, online, say } = start();
  online.set('reader', true);
  guards.set('reader/2', 'armed');
  alarms.push({ device: 'reader', zone: 2, kind: 'panic', since: '2026-03-02T01:00:00.000Z' });
  expect(await how('zone reader/2')).toEqual(['alarm', 'armed', ['panic']]);
  expect(await how('reader reader')).toEqual(['alarm', 'online', ['panic']]);
  alarms.length = 0;
  say('reader', { kind: 'panic', zone: { number: 2 } }, false);
  expect(await how('zone reader/2')).toEqual(['good', 'armed', []]);
});

it('a camera that sees something is no camera that sees nothing', async () => {
  const { how, say, online } = start();
  expect(await how('camera yard')).toEqual(['unknown', 'unknown', []]);
  online.set('yard', true);
  say('yard', { kind: 'video', cause: 'person' });
  expect(await how('camera yard')).toEqual(['active', 'online', ['video person']]);
  say('yard', { kind: 'video', cause: 'tampered' });
  expect((await how('camera yard')).slice(0, 2)).toEqual(['trouble', 'online']);
});

it('a door is what its contact says, and nobody knows where its reader is silent, but that it was forced', async () => {
  const { how, doors, online, time } = start();
  const levels: unknown[] = [];
  for (const state of ['closed', 'unlocked', 'open', 'held', 'forced']) {
    doors.gate = state;
    await time.advance(500);
    levels.push((await how('door gate'))[0]);
  }
  expect(levels).toEqual(['good', 'active', 'active', 'trouble', 'alarm']);
  online.set('hall', false);
  await time.advance(500);
  expect(await how('door gate')).toEqual(['alarm', 'forced', []]);
  doors.gate = 'closed';
  await time.advance(500);
  expect(await how('door gate')).toEqual(['trouble', 'offline', []]);
});

it('a door without a contact is not known to be closed, but that it may be opened', async () => {
  const { how, doors, time } = start();
  expect(await how('door side')).toEqual(['unknown', 'unknown', []]);
  doors.side = 'unlocked';
  await time.advance(500);
  expect(await how('door side')).toEqual(['active', 'unlocked', []]);
});

it('however many look while devices talk, all states are looked at ten times a second at most, and none sees what is old', async () => {
  const { places, say, how, time, looks, guards, online } = start();
  online.set('panel', true);
  guards.set('panel/12AB/2', 'armed');
  const of = places.byKey.get('zone panel/12AB/2');
  await how('zone panel/12AB/2');
  const before = looks();
  for (let i = 0; i < 50; i++) {
    say('panel', { kind: 'fault', i });
    const asked = Array.from({ length: 20 }, () => places.look());
    await time.advance(10);
    if (i % 10 === 9) for (const one of asked) await one;
  }
  expect(looks() - before).toBeLessThanOrEqual(6);
  say('panel', { kind: 'panic', zone: { number: 2 }, details: { account: '12AB' } });
  const look = await time.until(places.look());
  expect(of && look(of).level).toBe('alarm');
});
