/** "Night intrusion": a campus that acts by itself and is told what to do, against real mosquitto, event by event. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verifyAudit } from '../../gateway/journal/audit.ts';
import { openReader } from '../../gateway/journal/reader.ts';
import { startFences } from '../../simulators/fence.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { gateway, mosquitto, need, until } from './tools.ts';

const PREFIX = 'campus/v1/4503000001';

type Version = 5 | 4;
interface Ports {
  readonly broker: number;
  readonly fence: number;
  readonly indoor: number;
}

const campusOf = (version: Version, ports: Ports, dataDir: string) => ({
  campus: { id: '4503000001', name: '一中' },
  dataDir,
  uplinks: [
    {
      id: 'police',
      url: `mqtt://127.0.0.1:${ports.broker}`,
      protocol: version === 5 ? 5 : '3.1.1',
      replyTopics: ['replies/+'],
      commands: ['acknowledge', { actions: ['arm', 'disarm'], targets: ['school'] }],
    },
  ],
  devices: [
    {
      id: 'fence',
      driver: 'modbus',
      connection: { tcp: `127.0.0.1:${ports.fence}` },
      profile: 'pulse-fence-2zone',
      poll: '50ms',
      zones: [{ zone: 1, id: 'east-1' }],
    },
    {
      id: 'indoor',
      driver: 'modbus',
      connection: { tcp: `127.0.0.1:${ports.indoor}` },
      profile: 'io-8zone',
      poll: '50ms',
      zones: [
        { zone: 1, id: 'door' },
        { zone: 2, id: 'corridor' },
      ],
      outputs: [
        { id: 'siren', kind: 'siren', coil: 5 },
        { id: 'gate', kind: 'door', coil: 6 },
      ],
    },
  ],
  areas: [
    {
      id: 'school',
      zones: [
        { device: 'indoor', zone: 1, type: 'delayed' },
        { device: 'indoor', zone: 2 },
      ],
      entryDelay: '1s',
      exitDelay: '0s',
    },
  ],
  rules: [
    {
      id: 'night-siren',
      when: { kinds: ['fence', 'intrusion'] },
      do: [{ target: 'indoor', action: 'activate', arguments: { output: 'siren' }, for: '60s' }],
      stopOnAcknowledge: true,
    },
  ],
});

interface Told {
  readonly type: string;
  readonly subject: string;
  readonly data: Record<string, unknown>;
  readonly id: string;
  readonly sequence: string;
}

/** The police: hear each event, and send commands. */
async function platformAt(port: number, version: Version) {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: version });
  onTestFinished(() => client.endAsync(true).then(() => {}));
  const events: Told[] = [];
  const replies = new Map<string, object>();
  client.on('message', (topic, payload) => {
    const body = JSON.parse(payload.toString());
    if (topic.startsWith('replies/') || topic.includes('/reply/')) replies.set(body.id, body);
    else events.push({ ...body, type: body.type.slice('cn.campus.'.length) });
  });
  await client.subscribeAsync([`${PREFIX}/event/#`, `${PREFIX}/reply/+`, 'replies/+'], { qos: 1 });
  return {
    events,
    seen: (type: string, subject?: string) =>
      events.find((one) => one.type === type && (subject === undefined || one.subject === subject)),
    /** In words, those of some types. */
    told: (wanted: (type: string) => boolean) =>
      events
        .filter(({ type }) => wanted(type))
        .map(({ type, subject, data }) => {
          const details = data['details'] as Record<string, unknown> | undefined;
          return [type, subject ?? details?.['action'] ?? ''].join(' ').trim();
        }),
    /** Sends a command; gives its answer. */
    async command(target: string, action: string, wanted: object = {}) {
      const id = randomUUID();
      const now = Date.now();
      const times = {
        issuedAt: new Date(now).toISOString(),
        expiresAt: new Date(now + 30_000).toISOString(),
      };
      const message = { id, action, target, ...times, issuer: 'duty', arguments: wanted };
      await client.publishAsync(`${PREFIX}/command/${target}`, JSON.stringify(message), {
        qos: 1,
        ...(version === 5 && { properties: { responseTopic: `replies/${id}` } }),
      });
      await until(`${action} is answered`, () => replies.has(id));
      return replies.get(id);
    },
  };
}

/** A device of one unit, and what its coils were told: coil, on, when. */
async function simulate(port: number, model: 'pulse-fence-2zone' | 'io-8zone') {
  const coils: [number, boolean, number][] = [];
  const [one] = await startFences({
    end: { listen: { host: '127.0.0.1', port } },
    framing: 'tcp',
    units: [{ id: model, unit: 1, model }],
    switched: (coil, on) => coils.push([coil, on, performance.now()]),
  });
  onTestFinished(() => one?.close());
  return { do: (action: string) => one?.do(action), coils };
}

/** The audit is one chain, and what the police were told of it is in it. */
function expectInAudit(dataDir: string, events: readonly Told[]) {
  const reader = openReader(dataDir);
  const { anchor, entries } = reader.audit();
  reader.close();
  expect(verifyAudit(anchor, entries)).toBeUndefined();
  const hashes = events.flatMap(
    ({ data }) => (data['details'] as { audit?: string } | undefined)?.audit ?? [],
  );
  expect(entries.map(({ hash }) => hash)).toEqual(expect.arrayContaining(hashes));
  expect(hashes.length).toBe(7);
}

describe.each([5, 4] as const)('a night on a campus, MQTT %i', { timeout: 60_000 }, (version) => {
  it('arms, alarms, sounds the siren, is taken by an operator, and disarms', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const directory = temporaryDirectory();
    const dataDir = join(directory, 'data');
    const ports: Ports = { broker: broker.port, fence: await freePort(), indoor: await freePort() };
    const fence = await simulate(ports.fence, 'pulse-fence-2zone');
    const indoor = await simulate(ports.indoor, 'io-8zone');
    const police = await platformAt(ports.broker, version);
    const daemon = await gateway(campusOf(version, ports, dataDir), directory);
    await until(
      'both devices answer',
      () => police.events.filter(({ type }) => type === 'device.online').length === 2,
    );
    const siren = () => indoor.coils.filter(([coil]) => coil === 5).map(([, on]) => on);

    // By day the corridor is full of children.
    await indoor.do('trip 2');
    await indoor.do('restore 2');
    expect(await police.command('school', 'arm', { by: '值班员' })).toMatchObject({ done: true });
    // Nobody unlocks a door from here: no rule allows it.
    expect(await police.command('indoor', 'unlock', { output: 'gate' })).toMatchObject({ done: false });

    // Somebody climbs over the fence.
    const touched = performance.now();
    await fence.do('trip 1');
    await until('the siren sounds', () => siren().includes(true));
    const wireToSiren = (indoor.coils.find(([coil, on]) => coil === 5 && on)?.[2] ?? 0) - touched;
    process.stdout.write(`wire to siren: ${wireToSiren.toFixed(0)} ms, 50 ms of polling included\n`);
    await until('the police have the alarm', () => police.seen('alarm.raised', 'east-1') !== undefined);
    // An operator takes it: the siren is silent.
    const alarm = police.seen('alarm.raised', 'east-1');
    const args = { event: alarm?.id, sequence: alarm?.sequence, by: '王' };
    expect(await police.command('gateway', 'acknowledge', args)).toMatchObject({ done: true });
    await until('the siren is silent', () => siren().at(-1) === false);

    // He breaks in by the door, and does not know the code.
    await indoor.do('trip 1');
    await until('the entry is an alarm', () => police.seen('alarm.raised', 'door') !== undefined);
    await until('the siren sounds again', () => siren().at(-1) === true);
    expect(await police.command('school', 'disarm', { by: '王' })).toMatchObject({ done: true });
    await until('disarmed', () => police.seen('arming.disarmed') !== undefined);
    await until(
      'all is told',
      () => police.events.filter(({ type }) => type === 'command.done').length === 6,
    );

    expect(police.told((type) => type.startsWith('alarm.'))).toEqual([
      'alarm.raised east-1',
      'alarm.acknowledged east-1',
      'alarm.raised door',
    ]);
    expect(police.told((type) => /^(arming|command)\./.test(type)).sort()).toEqual([
      'arming.armed',
      // What the fence host says of itself, found on connecting.
      'arming.armed east-1',
      'arming.armed zone-2',
      'arming.disarmed',
      'arming.entry-ended',
      'arming.entry-started',
      'command.done acknowledge',
      'command.done activate',
      'command.done activate',
      'command.done arm',
      'command.done deactivate',
      'command.done disarm',
      'command.refused unlock',
    ]);
    expect(await daemon.stop()).toBe(0);
    // The gate never moved, but to be locked in the beginning and at the end.
    expect(indoor.coils.filter(([coil, on]) => coil === 6 && on)).toEqual([]);
    // Nothing is left on.
    expect(siren().at(-1)).toBe(false);
    expectInAudit(dataDir, police.events);
  });
});
