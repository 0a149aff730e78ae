/**
 * What there is, in the words of Home Assistant's MQTT discovery (`<prefix>/<component>/<node>/<object>/config`; keys as its
 * pages `binary_sensor.mqtt`, `alarm_control_panel.mqtt` and `mqtt` have them). The states stay where they are for every
 * platform, in `presence` and `state/{device}`: templates read them there. Pure.
 */
import { hash } from 'node:crypto';
import type { Places, Thing } from '../../contract/inventory.ts';
import { alarmKinds } from '../../contract/observation.ts';
import { topicPart } from './topics.ts';

export interface Wall {
  readonly campus: string;
  readonly campusName: string;
  /** Of the gateway. */
  readonly version: string;
  /** What the topics of the uplink start with. */
  readonly prefix: string;
  readonly things: readonly Thing[];
  readonly places: Places;
  /** Whether the platform may arm and disarm an area without a signature. */
  readonly mayArm: (area: string) => boolean;
}

/** Letters of a topic that Home Assistant reads there are A to Z, digits, `_` and `-`; what else an id has is told apart by its hash. */
export function objectId(id: string): string {
  const clean = id.replace(/[^A-Za-z0-9_-]+/g, '-');
  return clean === id ? id : `${clean}-${hash('sha256', id).slice(0, 8)}`;
}

/** The level of the topic that is this campus's alone. */
export const nodeOf = (campus: string): string => `campus-${objectId(campus)}`;

const list = (...words: readonly string[]) => JSON.stringify(words);
const ALARMS = list(...alarmKinds);
const TROUBLES = list('fault', 'power', 'battery');
/** ON where something of these kinds is active, of this subject where one is given. */
const activeTemplate = (kinds: string, subjects?: readonly string[]) => {
  const of =
    subjects === undefined
      ? ''
      : ` | selectattr('subject', 'defined') | selectattr('subject', 'in', ${list(...subjects)})`;
  return `{{ 'ON' if value_json.active | selectattr('kind', 'in', ${kinds})${of} | list | count > 0 else 'OFF' }}`;
};
const ONLINE = "{{ 'ON' if value_json.state == 'online' else 'OFF' }}";
const ARMED =
  "{% set kinds = value_json.active | map(attribute='kind') | list %}{{ 'pending' if 'entry' in kinds else 'armed_away' if 'arming' in kinds else 'disarmed' }}";
/** A command as docs/platform.md has it; Home Assistant fills in what was pressed, and the time. */
const commandTemplate = (area: string) =>
  `{"id": "ha-{{ utcnow().timestamp() }}", "action": "{{ action }}", "target": ${JSON.stringify(area)}, "issuer": "Home Assistant", "issuedAt": "{{ utcnow().isoformat() }}", "expiresAt": "{{ (utcnow() + timedelta(seconds=30)).isoformat() }}"}`;

/** The subject of an alarm input's events: its zone's id, or `zone-N`; undefined: the device as a whole. */
function subjectsOf({ id, device }: Thing): readonly string[] | undefined {
  if (id === device) return undefined;
  const last = id.slice(id.lastIndexOf('/') + 1);
  return /^\d+$/.test(last) ? [last, `zone-${last}`] : [last];
}

/**
 * Each config by the rest of its topic, behind the discovery prefix: written when it is its turn, for those of some thousand
 * zones are megabytes.
 */
export function wallConfigs(wall: Wall): ReadonlyMap<string, () => string> {
  const { campus, campusName, version, prefix, things, places, mayArm } = wall;
  const node = nodeOf(campus);
  const gateway = `${node}/gateway`;
  const all = new Map<string, () => string>();
  const origin = { name: 'campus-gateway', sw_version: version };
  const presence = {
    availability: [
      {
        topic: `${prefix}/presence`,
        value_template: '{{ value_json.state }}',
        payload_available: 'online',
        payload_not_available: 'offline',
      },
    ],
  };
  const stateOf = (device: string) => `${prefix}/state/${topicPart(device)}`;
  // No id of the config has a `#`: a zone may be called `online`, and a device `door`.
  const add = (component: string, id: string, config: object) =>
    all.set(`${component}/${node}/${objectId(id)}/config`, () =>
      JSON.stringify({ unique_id: `${node}/${id}`, origin, ...config }),
    );
  const sensor = (id: string, device: object, at: string, template: string, more: object) =>
    add('binary_sensor', id, { ...more, state_topic: at, value_template: template, device });
  const own = {
    identifiers: [gateway],
    name: campusName || campus,
    model: 'campus-gateway',
    sw_version: version,
  };
  sensor('gateway', own, `${prefix}/presence`, ONLINE, { device_class: 'connectivity' });

  const devices = new Map<string, object>();
  for (const thing of things) {
    const { device, name, area } = thing;
    const isWhole = thing.id === device;
    if (!devices.has(device)) {
      const about = {
        ...(thing.maker !== undefined && { manufacturer: thing.maker }),
        ...(thing.model !== undefined && { model: thing.model }),
        ...(thing.firmware !== undefined && { sw_version: thing.firmware }),
        ...(area !== undefined && { suggested_area: area.name }),
      };
      const described = {
        identifiers: [`${node}/${device}`],
        name: isWhole ? name : device,
        ...about,
        via_device: gateway,
      };
      devices.set(device, described);
      const at = stateOf(device);
      sensor(`${device}#online`, described, at, ONLINE, {
        device_class: 'connectivity',
        entity_category: 'diagnostic',
        ...presence,
      });
      sensor(`${device}#trouble`, described, at, activeTemplate(TROUBLES), {
        device_class: 'problem',
        entity_category: 'diagnostic',
        ...presence,
      });
      sensor(`${device}#alarm`, described, at, activeTemplate(ALARMS), {
        device_class: 'safety',
        ...presence,
      });
    }
    const subjects = thing.kind === 'alarm-input' ? subjectsOf(thing) : undefined;
    if (subjects !== undefined)
      sensor(thing.id, devices.get(device) ?? own, stateOf(device), activeTemplate(ALARMS, subjects), {
        name,
        device_class: 'safety',
        ...presence,
      });
  }
  for (const { id, name, contact } of places.doors) {
    const device = { identifiers: [`${node}/door#${id}`], name, via_device: gateway };
    const at = stateOf(contact?.device ?? 'gateway');
    sensor(`door#${id}#wrong`, device, at, activeTemplate(list('forced', 'held'), [id]), {
      device_class: 'problem',
      ...presence,
    });
    if (contact !== undefined)
      sensor(`door#${id}`, device, at, activeTemplate(list('contact'), [contact.subject]), {
        device_class: 'door',
        ...presence,
      });
  }
  for (const { id, name } of places.areas) {
    const can = mayArm(id);
    add('alarm_control_panel', `area#${id}`, {
      name,
      device: own,
      state_topic: stateOf(id),
      value_template: ARMED,
      // Home Assistant wants it; where nothing is allowed the gateway refuses what comes, and keeps that in its audit.
      command_topic: `${prefix}/command/${topicPart(id)}`,
      command_template: commandTemplate(id),
      payload_arm_away: 'arm',
      payload_disarm: 'disarm',
      supported_features: can ? ['arm_away'] : [],
      code_arm_required: false,
      code_disarm_required: false,
      ...presence,
    });
  }
  return all;
}
