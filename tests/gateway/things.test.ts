/** What platforms are told that there is: from a config as a technician writes it, and a supervisor at work. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Driver, Host } from '../../drivers/contract/driver.ts';
import { drivers } from '../../drivers/index.ts';
import { readConfig } from '../../gateway/check.ts';
import { createSupervisor } from '../../gateway/devices/supervisor.ts';
import { createThings } from '../../gateway/devices/things.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import type { State } from '../../gateway/road/states.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

const CONFIG = `
campus: { id: "4503000001", name: 一中 }
devices:
  - id: panel
    name: 报警主机
    place: 值班室
    driver: dc09
    listen: { port: 5100 }
    accounts:
      - { account: "12ab", zones: [{ zone: 1, id: north, name: 北围墙, place: 北墙中段 }, { zone: 2 }] }
      - { account: "1235", zones: [{ zone: 1, name: 门卫室 }] }
  - { id: yard, name: 操场, driver: onvif, host: 10.0.0.41 }
  - { id: hall, driver: onvif, host: 10.0.0.9, source: VS_2 }
  - id: reader
    driver: osdp
    connection: { serialServer: "10.0.0.9:4001" }
    inputs: [{ zone: 1, input: 0 }, { zone: 2, input: 1, kind: panic, name: 按钮 }]
areas:
  - { id: block, name: 教学楼, cameras: [hall], zones: [{ device: panel, account: "1235", zone: 1 }] }
`;

function start(states: ReadonlyMap<string, State> = new Map(), armed = new Set<string>()) {
  const file = join(temporaryDirectory(), 'campus.yaml');
  writeFileSync(file, CONFIG);
  const loaded = readConfig(file);
  if (!('config' in loaded)) throw new Error(JSON.stringify(loaded));
  const { config } = loaded;
  const hosts = new Map<string, Host>();
  const held = drivers.map(
    (driver): Driver => ({
      ...(driver as unknown as Driver),
      async open(devices, host) {
        for (const { id } of devices) hosts.set(id, host);
        return { ended: new Promise(() => {}), async close() {} };
      },
    }),
  );
  const devices = createSupervisor(config.devices, {
    ...{ drivers: held, log: silentLog, metrics: createMetrics(), time: manualClock(), states },
    record: async () => ({ repeat: false, id: '' }) as never,
    keep: async () => '',
    isolated: async () => undefined,
  });
  devices.start();
  onTestFinished(() => devices.close());
  const things = createThings(config, {
    ...{ devices, states },
    arming: { isArmed: (area) => armed.has(area) },
  });
  const of = (id: string, kind = 'alarm-input') =>
    things.list().find((thing) => thing.id === id && thing.kind === kind);
  return { things, of, hosts };
}

it('each thing is where the config says; a zone of which it says nothing, where its device is', () => {
  const { of } = start();
  expect(['panel', 'panel/12AB/north', 'panel/12AB/2', 'yard'].map((id) => of(id)?.place)).toEqual([
    '值班室',
    '北墙中段',
    '值班室',
    undefined,
  ]);
});

it('cameras come first, then each device and each zone that alarms, of each panel its own', () => {
  const { things, of } = start();
  expect(things.list().map(({ kind, id, name }) => [kind, id, name])).toEqual([
    ['camera', 'yard', '操场'],
    ['camera', 'hall', 'hall'],
    ['alarm-input', 'panel', '报警主机'],
    ['alarm-input', 'panel/12AB/north', '北围墙'],
    ['alarm-input', 'panel/12AB/2', '报警主机 12ab 2'],
    ['alarm-input', 'panel/1235/1', '门卫室'],
    ['alarm-input', 'yard', '操场'],
    ['alarm-input', 'hall', 'hall'],
    ['alarm-input', 'reader', 'reader'],
    ['alarm-input', 'reader/2', '按钮'],
  ]);
  const area = { id: 'block', name: '教学楼' };
  expect([of('panel/1235/1')?.area, of('hall', 'camera')?.area]).toEqual([area, area]);
  expect(of('panel/12AB/north')?.area).toBeUndefined();
});

it('what answers, and what it is, is told as it changes; one panel that is silent is not the others', async () => {
  const { things, of, hosts } = start();
  await Promise.resolve();
  let told = 0;
  const end = things.onChanged(() => told++);
  const panel = hosts.get('panel');
  panel?.link('panel', 'online', undefined, '12ab');
  panel?.link('panel', 'offline', 'silent', '1235');
  expect(told).toBe(2);
  expect([of('panel/12AB/2')?.online, of('panel/1235/1')?.online, of('panel')?.online]).toEqual([
    true,
    false,
    false,
  ]);
  panel?.link('panel', 'offline', 'silent', '1235');
  expect(told).toBe(2);
  hosts.get('yard')?.about?.('yard', { maker: 'ACME', model: 'D1', ptz: true });
  hosts.get('yard')?.about?.('yard', { maker: 'ACME', model: 'D1', ptz: true });
  expect(told).toBe(3);
  expect(of('yard', 'camera')).toMatchObject({ maker: 'ACME', model: 'D1', ptz: true });
  expect(of('yard')).not.toHaveProperty('ptz');
  end();
  panel?.link('panel', 'online', undefined, '1235');
  expect(told).toBe(3);
});

it('what was not heard of since the start counts as it was left', () => {
  const link = (device: string, raised: boolean) =>
    ({ device, raised, sequence: 1, event: { data: { kind: 'link' } } }) as unknown as State;
  const { of } = start(
    new Map([
      ['a', link('yard', true)],
      ['b', link('hall', false)],
    ]),
  );
  expect([of('yard', 'camera')?.online, of('hall', 'camera')?.online, of('panel')?.online]).toEqual([
    false,
    true,
    true,
  ]);
});

it('an alarm input is armed as its area is, always where it is in none, and says that an alarm stands', () => {
  const raised = (data: object) =>
    ({ device: 'panel', raised: true, sequence: 1, event: { data } }) as unknown as State;
  const states = new Map([
    ['a', raised({ kind: 'panic', zone: { number: 2 }, details: { account: '12ab' } })],
  ]);
  const armed = new Set<string>();
  const { of } = start(states, armed);
  const guards = () =>
    ['panel/12AB/north', 'panel/12AB/2', 'panel/1235/1', 'panel'].map((id) => of(id)?.guard);
  expect(guards()).toEqual(['armed', 'alarm', 'disarmed', 'armed']);
  armed.add('block');
  expect(guards()).toEqual(['armed', 'alarm', 'armed', 'armed']);
  states.clear();
  expect(of('panel/12AB/2')?.guard).toBe('armed');
});
