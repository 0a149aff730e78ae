/**
 * The wall of a school: what an uplink shows to Home Assistant, over a real mosquitto, its templates rendered by Jinja2 on
 * the states that the gateway keeps there. The keys are those of Home Assistant's pages of each component.
 */
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import type { Places, Thing, Things } from '../../drivers/contract/inventory.ts';
import { commandSchema } from '../../gateway/commands/command.ts';
import { campus } from '../gateway/campus.ts';
import { temporaryDirectory } from '../helpers.ts';
import { mosquitto, need, until } from '../system/tools.ts';
import { conversation, needPython } from './peers.ts';

/** home-assistant.io: `binary_sensor.mqtt`, `alarm_control_panel.mqtt`, and what `mqtt` says of discovery. */
const COMMON = [
  ...[
    'availability',
    'availability_mode',
    'device',
    'enabled_by_default',
    'encoding',
    'entity_category',
    'icon',
  ],
  ...[
    'json_attributes_template',
    'json_attributes_topic',
    'name',
    'object_id',
    'origin',
    'qos',
    'state_topic',
  ],
  ...['unique_id', 'value_template'],
];
const KEYS: Readonly<Record<string, readonly string[]>> = {
  binary_sensor: [
    ...COMMON,
    'device_class',
    'expire_after',
    'force_update',
    'off_delay',
    'payload_off',
    'payload_on',
  ],
  alarm_control_panel: [
    ...COMMON,
    ...['code', 'code_arm_required', 'code_disarm_required', 'code_trigger_required', 'command_template'],
    ...['command_topic', 'payload_arm_away', 'payload_arm_home', 'payload_arm_night', 'payload_arm_vacation'],
    ...['payload_arm_custom_bypass', 'payload_disarm', 'payload_trigger', 'retain', 'supported_features'],
  ],
};
const DEVICE_KEYS = [
  ...['configuration_url', 'connections', 'hw_version', 'identifiers', 'manufacturer', 'model', 'name'],
  ...['serial_number', 'suggested_area', 'sw_version', 'via_device'],
];
const CLASSES = ['connectivity', 'problem', 'safety', 'door'];

interface Entity {
  readonly unique_id: string;
  readonly state_topic: string;
  readonly value_template: string;
  readonly command_topic?: string;
  readonly command_template?: string;
  readonly payload_arm_away?: string;
  readonly supported_features?: readonly string[];
  readonly device_class?: string;
  readonly device: Readonly<Record<string, unknown>>;
}

const input = (id: string, name: string): Thing => ({
  kind: 'alarm-input',
  id,
  device: 'panel',
  name,
  online: true,
});
const START = [input('panel', '主机'), input('panel/north', '北围墙'), input('panel/3', '三号')];
const PLACES: Places = {
  areas: [{ id: '教学楼', name: '教学楼' }],
  doors: [{ id: 'gate', name: '大门', contact: { device: 'panel', subject: 'zone-9' } }],
};

/** A gateway at a broker, what it shows there, and who looks. */
async function wall(context: TestContext, more: object = {}) {
  need(context, 'mosquitto');
  const broker = await mosquitto();
  let list = START;
  let changed = () => {};
  const things: Things = {
    list: () => list,
    places: () => PLACES,
    onChanged(run) {
      changed = run;
      return () => {};
    },
  };
  const directory = temporaryDirectory();
  const devices = ['panel', '教学楼'];
  const start = (options: object) => campus(broker.port, options, directory, { things, devices });
  const gateway = await start({ homeAssistant: true, ...more });
  const held = new Map<string, string>();
  const client: MqttClient = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
  onTestFinished(() => void client.end(true));
  client.on('message', (topic, payload) => {
    if (payload.length === 0) held.delete(topic);
    else held.set(topic, payload.toString());
  });
  await client.subscribeAsync(['homeassistant/#', 'campus/v1/45/state/+', 'campus/v1/45/presence']);
  const entities = () =>
    [...held].flatMap(([topic, text]) => {
      const [root, component = '', node, object, last] = topic.split('/');
      return root === 'homeassistant'
        ? [{ component, node, object, last, config: JSON.parse(text) as Entity }]
        : [];
    });
  return {
    broker,
    gateway,
    start,
    held,
    entities,
    entity: (id: string) => entities().find(({ config }) => config.unique_id === `campus-45/${id}`)?.config,
    change(next: Thing[]) {
      list = next;
      changed();
    },
  };
}

/** What Home Assistant makes of a template. */
function jinja(context: TestContext) {
  needPython(context, 'jinja2');
  const tell = conversation('/usr/bin/python3', [join(import.meta.dirname, 'home-assistant.py')]);
  return async (asked: object) => JSON.parse(await tell(JSON.stringify(asked))) as string;
}

describe('Home Assistant', () => {
  it('is told of each thing once, by the keys that it documents', async (context) => {
    const { entities } = await wall(context);
    await until('all are shown', () => entities().length === 9);
    expect(new Set(entities().map(({ config }) => config.unique_id)).size).toBe(9);
    for (const { component, node, object, last, config } of entities()) {
      expect([node, last]).toEqual(['campus-45', 'config']);
      expect(object).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(KEYS[component]).toEqual(expect.arrayContaining(Object.keys(config)));
      expect(DEVICE_KEYS).toEqual(expect.arrayContaining(Object.keys(config.device)));
      if (component === 'binary_sensor') expect(CLASSES).toContain(config.device_class);
    }
  });

  it('reads the states where every platform reads them', { timeout: 60_000 }, async (context) => {
    const render = jinja(context);
    const { gateway, held, entity, entities } = await wall(context);
    await until('all are shown', () => entities().length === 9);
    const is = async (id: string) => {
      const { state_topic: topic, value_template: template } = entity(id) as Entity;
      await until(`${topic} is there`, () => held.has(topic));
      return await render({ template, payload: held.get(topic) });
    };
    expect([await is('gateway'), await is('panel/north'), await is('area#教学楼')]).toEqual([
      'ON',
      'OFF',
      'disarmed',
    ]);
    const { recorder } = gateway;
    const raise = (observation: object) =>
      recorder.record({ device: 'panel', state: 'raised', ...observation } as never);
    await raise({ kind: 'intrusion', zone: { number: 1, id: 'north' } });
    await raise({ kind: 'battery' });
    await raise({ kind: 'contact', zone: { number: 9 } });
    await raise({ device: '教学楼', kind: 'arming' });
    await until('the states are there', () =>
      (held.get('campus/v1/45/state/教学楼') ?? '').includes('arming'),
    );
    await until('the states are there', () =>
      (held.get('campus/v1/45/state/panel') ?? '').includes('contact'),
    );
    const states = [
      'panel/north',
      'panel/3',
      'panel#alarm',
      'panel#trouble',
      'door#gate',
      'door#gate#wrong',
      'area#教学楼',
    ];
    expect(await Promise.all(states.map(is))).toEqual(['ON', 'OFF', 'ON', 'ON', 'ON', 'OFF', 'armed_away']);
    await raise({ kind: 'panic', zone: { number: 3 } });
    await raise({ device: '教学楼', kind: 'entry' });
    await until('the zone is there', () => (held.get('campus/v1/45/state/panel') ?? '').includes('zone-3'));
    await until('the delay is there', () => (held.get('campus/v1/45/state/教学楼') ?? '').includes('entry'));
    expect([await is('panel/3'), await is('area#教学楼')]).toEqual(['ON', 'pending']);
  });

  it('arms only where the config lets its platform', async (context) => {
    const render = jinja(context);
    const { entity } = await wall(context);
    await until('it is shown', () => entity('area#教学楼') !== undefined);
    expect(entity('area#教学楼')?.supported_features).toEqual([]);
    const commands = [{ actions: ['arm', 'disarm'], targets: ['教*'], signed: false }];
    const { entity: allowed } = await wall(context, { commands });
    await until('it is shown', () => allowed('area#教学楼') !== undefined);
    const panel = allowed('area#教学楼') as Entity;
    expect([panel.supported_features, panel.command_topic]).toEqual([
      ['arm_away'],
      'campus/v1/45/command/教学楼',
    ]);
    const variables = { action: panel.payload_arm_away };
    const command = commandSchema.parse(
      JSON.parse(await render({ template: panel.command_template, variables })),
    );
    expect(command).toMatchObject({ action: 'arm', target: '教学楼', issuer: 'Home Assistant' });
    expect((command.expiresAt ?? 0) - (command.issuedAt ?? 0)).toBeGreaterThan(29_000);
  });

  it('forgets what is no more, also what was shown before a start, and all where it is said', async (context) => {
    const { gateway, entities, entity, change, start } = await wall(context);
    await until('all are shown', () => entities().length === 9);
    change(START.slice(0, 2));
    await until('a zone is gone', () => entity('panel/3') === undefined);
    expect(entities()).toHaveLength(8);
    await gateway.close();
    change(START.slice(0, 1));
    const again = await start({ homeAssistant: true });
    await until('another is gone', () => entity('panel/north') === undefined);
    expect(entities()).toHaveLength(7);
    await again.close();
    await start({ homeAssistant: false });
    await until('all are gone', () => entities().length === 0);
  });
});
