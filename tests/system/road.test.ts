import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { type Campus, startCampus } from '../../simulators/campus.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { gateway, type Line, mosquitto, need, subscriber } from './tools.ts';

const zones = [
  { zone: 1, id: 'north-wall', kind: 'perimeter' },
  { zone: 9, id: 'gatehouse-button', kind: 'panic' },
];

async function campusConfig(brokerPort: number, protocol: 5 | '3.1.1', directory: string) {
  const [panel, tcp, rtu, reader] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const fence = { driver: 'modbus', profile: 'pulse-fence-2zone', poll: '50ms' };
  return {
    campus: { id: '4503000001', name: '桂林市第一中学' },
    dataDir: join(directory, 'data'),
    uplinks: [{ id: 'police', url: `mqtt://127.0.0.1:${brokerPort}`, protocol }],
    devices: [
      {
        id: 'panel',
        driver: 'dc09',
        listen: { port: panel },
        accounts: [{ account: '1234', supervision: '60s', zones }],
      },
      { id: 'fence-east', ...fence, connection: { tcp: `127.0.0.1:${tcp}` } },
      { id: 'fence-west', ...fence, connection: { serialServer: `127.0.0.1:${rtu}` }, unit: 3 },
      {
        id: 'gate',
        driver: 'wiegand',
        connection: { serialServer: `127.0.0.1:${reader}` },
        format: 'rdm6300',
        bounce: '1ms',
      },
    ],
  };
}

const words = ({ event }: Line) => {
  const { kind, cause, zone } = event.data as { kind?: string; cause?: string; zone?: { number: number } };
  return [event.type.replace('cn.campus.', ''), kind, cause, zone?.number]
    .filter((word) => word !== undefined)
    .join(' ');
};
const from = (lines: readonly Line[], device: string) =>
  lines.filter(({ topic }) => topic.endsWith(`/${device}`)).map(words);

/** What the gateway says of itself: a second zone of the same fence confirmed the first. */
const isConfirmation = ({ event }: Line) => event.type === 'cn.campus.alarm.confirmed';

/** Does each action and waits until the platform has what it makes, so that one level never hides another. */
async function day(campus: Campus, platform: { next(): Promise<Line> }): Promise<Record<string, string[]>> {
  const made: Record<string, string[]> = { panel: [], 'fence-east': [], 'fence-west': [], gate: [] };
  const act = async (device: keyof typeof made, action: string, event: string) => {
    made[device]?.push(event);
    await campus.simulators.find(({ id }) => id === device)?.do(action);
    for (;;) {
      const line = await platform.next();
      if (line.topic.endsWith(`/${device}`) && !isConfirmation(line)) break;
    }
  };
  await act('panel', 'arm', 'arming.armed arming');
  await act('panel', 'trip 1', 'alarm.raised perimeter 1');
  await act('panel', 'press 9', 'alarm.raised panic 9');
  await act('panel', 'release 9', 'alarm.restored panic 9');
  await act('panel', 'mains-lost', 'device.power-lost power 0');
  await act('panel', 'mains-back', 'device.restored power 0');
  for (const fence of ['fence-east', 'fence-west'] as const) {
    await act(fence, 'trip 1', 'alarm.raised fence touched 1');
    await act(fence, 'restore 1', 'alarm.restored fence touched 1');
    await act(fence, 'break 2', 'alarm.raised fence broken-wire 2');
    await act(fence, 'weak 1', 'device.fault fault low-voltage 1');
    await act(fence, 'tamper', 'alarm.raised tamper');
    await act(fence, 'battery-low', 'device.battery-low battery');
  }
  for (let card = 1; card <= 50; card++) await act('gate', `card ${card}`, 'access.unknown credential');
  return made;
}

describe.each([
  [5, 'mqttv5', 'p5'],
  ['3.1.1', 'mqttv311', 'p2'],
] as const)('the campus against real mosquitto over MQTT %s', (protocol, version, logged) => {
  it('brings mosquitto_sub every event that the simulators made, each once, in order per lane', async (context) => {
    need(context, 'mosquitto', 'mosquitto_sub');
    const broker = await mosquitto();
    const platform = await subscriber(broker.port, version);
    const directory = temporaryDirectory();
    const config = await campusConfig(broker.port, protocol, directory);
    const daemon = await gateway(config, directory);
    const loaded = loadConfig(join(directory, 'campus.yaml'));
    if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
    const campus = await startCampus(loaded.config.devices, () => Buffer.alloc(16));
    onTestFinished(() => campus.close());
    // Online first, then the state found: armed fences.
    for (let online = 0, armed = 0; online < 4 || armed < 4; ) {
      const line = await platform.next();
      if (line.event.type === 'cn.campus.device.online') online++;
      if (line.event.type === 'cn.campus.arming.armed') armed++;
    }
    const before = platform.all.length;
    const made = await day(campus, platform);
    const got = platform.all.slice(before);
    const own = got.filter((line) => !isConfirmation(line));
    for (const [device, events] of Object.entries(made)) expect(from(own, device), device).toEqual(events);
    expect(got.filter(isConfirmation).map(words)).toEqual(Array(2).fill('alarm.confirmed fence touched 1'));
    expect(await daemon.stop()).toBe(0);

    const ids = platform.all.map(({ event }) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const lane of ['urgent', 'normal']) {
      const events = platform.all
        .map(({ event }) => event)
        .filter(({ type }) => type.includes('.alarm.') === (lane === 'urgent'));
      const previous = events.map((event) => event.previous);
      // A platform's own gap check: each names the one before it.
      expect(previous).toEqual(['0', ...events.slice(0, -1).map(({ sequence }) => sequence)]);
    }
    expect(
      broker.log().some((line) => line.includes('4503000001-police') && line.includes(`(${logged},`)),
    ).toBe(true);
    process.stdout.write(`MQTT ${protocol}: ${ids.length} events, each once, in order per lane\n`);
  });
});
