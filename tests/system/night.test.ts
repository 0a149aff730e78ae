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

describe.each([5, 4] as const)('a night on a campus, MQTT %i', { timeout: 60_000 }, (version) => {
  it('arms, alarms, sounds the siren, is taken by an operator, and disarms', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const directory = temporaryDirectory();
    const [fencePort, indoorPort] = await Promise.all([freePort(), freePort()]);
    const simulate = async (port: number, model: 'pulse-fence-2zone' | 'io-8zone') => {
      const end = { listen: { host: '127.0.0.1', port } };
      const coils: [number, boolean, number][] = [];
      const told = (coil: number, on: boolean) => coils.push([coil, on, performance.now()]);
      const [one] = await startFences({
        end,
        framing: 'tcp',
        units: [{ id: model, unit: 1, model }],
        switched: told,
      });
      onTestFinished(() => one?.close());
      return { do: (action: string) => one?.do(action), coils };
    };
    const fence = await simulate(fencePort, 'pulse-fence-2zone');
    const indoor = await simulate(indoorPort, 'io-8zone');

    const platform = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { protocolVersion: version });
    onTestFinished(() => platform.endAsync(true).then(() => {}));
    const events: {
      type: string;
      subject: string;
      data: Record<string, unknown>;
      id: string;
      sequence: string;
    }[] = [];
    const replies = new Map<string, object>();
    platform.on('message', (topic, payload) => {
      const body = JSON.parse(payload.toString());
      if (topic.startsWith('replies/') || topic.includes('/reply/')) replies.set(body.id, body);
      else events.push({ ...body, type: body.type.slice('cn.campus.'.length) });
    });
    await platform.subscribeAsync([`${PREFIX}/event/#`, `${PREFIX}/reply/+`, 'replies/+'], { qos: 1 });
    const command = async (target: string, action: string, wanted: object = {}, more: object = {}) => {
      const id = randomUUID();
      const now = Date.now();
      const times = {
        issuedAt: new Date(now).toISOString(),
        expiresAt: new Date(now + 30_000).toISOString(),
      };
      const message = { id, action, target, ...times, issuer: 'duty', arguments: wanted, ...more };
      await platform.publishAsync(`${PREFIX}/command/${target}`, JSON.stringify(message), {
        qos: 1,
        ...(version === 5 && { properties: { responseTopic: `replies/${id}` } }),
      });
      await until(`${action} is answered`, () => replies.has(id));
      return replies.get(id);
    };
    const seen = (type: string, subject?: string) =>
      events.find((one) => one.type === type && (subject === undefined || one.subject === subject));

    const config = {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      uplinks: [
        {
          id: 'police',
          url: `mqtt://127.0.0.1:${broker.port}`,
          protocol: version === 5 ? 5 : '3.1.1',
          commands: ['acknowledge', { actions: ['arm', 'disarm'], targets: ['school'] }],
        },
      ],
      devices: [
        {
          id: 'fence',
          driver: 'modbus',
          connection: { tcp: `127.0.0.1:${fencePort}` },
          profile: 'pulse-fence-2zone',
          poll: '50ms',
          zones: [{ zone: 1, id: 'east-1' }],
        },
        {
          id: 'indoor',
          driver: 'modbus',
          connection: { tcp: `127.0.0.1:${indoorPort}` },
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
    };
    const daemon = await gateway(config, directory);
    await until(
      'both devices answer',
      () => events.filter(({ type }) => type === 'device.online').length === 2,
    );
    const siren = () => indoor.coils.filter(([coil]) => coil === 5).map(([, on]) => on);

    // By day the corridor is full of children.
    await indoor.do('trip 2');
    await indoor.do('restore 2');
    expect(await command('school', 'arm', { by: '值班员' })).toMatchObject({ done: true });
    // Nobody unlocks a door from here: no rule allows it.
    expect(await command('indoor', 'unlock', { output: 'gate' })).toMatchObject({ done: false });

    // Somebody climbs over the fence.
    const touched = performance.now();
    await fence.do('trip 1');
    await until('the siren sounds', () => siren().includes(true));
    const wireToSiren = (indoor.coils.find(([coil, on]) => coil === 5 && on)?.[2] ?? 0) - touched;
    process.stdout.write(`wire to siren: ${wireToSiren.toFixed(0)} ms, 50 ms of polling included\n`);
    await until('the police have the alarm', () => seen('alarm.raised', 'east-1') !== undefined);
    // An operator takes it: the siren is silent.
    const alarm = seen('alarm.raised', 'east-1');
    const args = { event: alarm?.id, sequence: alarm?.sequence, by: '王' };
    expect(await command('gateway', 'acknowledge', args)).toMatchObject({ done: true });
    await until('the siren is silent', () => siren().at(-1) === false);

    // He breaks in by the door, and does not know the code.
    await indoor.do('trip 1');
    await until('the entry is an alarm', () => seen('alarm.raised', 'door') !== undefined);
    await until('the siren sounds again', () => siren().at(-1) === true);
    expect(await command('school', 'disarm', { by: '王' })).toMatchObject({ done: true });
    await until('disarmed', () => seen('arming.disarmed') !== undefined);
    await until('all is told', () => events.filter(({ type }) => type === 'command.done').length === 6);

    const lane = (wanted: (type: string) => boolean) =>
      events
        .filter(({ type }) => wanted(type))
        .map(({ type, subject, data }) => {
          const details = data['details'] as Record<string, unknown> | undefined;
          return [type, subject ?? details?.['action'] ?? ''].join(' ').trim();
        });
    expect(lane((type) => type.startsWith('alarm.'))).toEqual([
      'alarm.raised east-1',
      'alarm.acknowledged east-1',
      'alarm.raised door',
    ]);
    expect(lane((type) => /^(arming|command)\./.test(type)).sort()).toEqual([
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
    const reader = openReader(join(directory, 'data'));
    const { anchor, entries } = reader.audit();
    reader.close();
    expect(verifyAudit(anchor, entries)).toBeUndefined();
    // The newest hash that the police have is in the chain.
    const hashes = events.flatMap(
      ({ data }) => (data['details'] as { audit?: string } | undefined)?.audit ?? [],
    );
    expect(entries.map(({ hash }) => hash)).toEqual(expect.arrayContaining(hashes));
    expect(hashes.length).toBe(7);
  });
});
