/**
 * Modbus devices: fence hosts, I/O modules, tension fences; RTU on a serial port or behind a serial server, or TCP.
 *
 * Each unit has its own loop: poll, wait, poll. One that does not answer backs off alone, so that it costs the others
 * on its line one timeout now and then.
 */
import { z } from 'zod';
import type { Clock } from '../contract/clock.ts';
import { type Device, defineDriver, type Host } from '../contract/driver.ts';
import { duration, hostPort, zoneOptions } from '../contract/options.ts';
import { lineName, serialOptions, serialServerOptions } from '../line.ts';
import { exceptionText, type ModbusRequest, type ModbusResponse } from './codec.ts';
import { createOutputs, outputCommands, outputOptions } from './outputs.ts';
import { follow, type Image, imageKey, type Profile, profileSchema, type Read, readsOf } from './profile.ts';
import { openRtu, openTcp, type Transact } from './wire.ts';

const tcpOptions = z.strictObject({
  tcp: hostPort().describe('Modbus TCP, HOST:PORT; the standard port is 502'),
});

const options = z.strictObject({
  connection: z
    .union([tcpOptions, serialOptions, serialServerOptions])
    .describe('`tcp` (Modbus TCP), `serial` (RTU on a port) or `serialServer` (RTU through a serial server)'),
  unit: z.int().min(0).max(247).default(1).describe('The address of the device on its line'),
  profile: z
    .string()
    .describe('The device model: a name in config/profiles/, or a file relative to the config'),
  poll: duration({ least: '10ms', most: '1d' })
    .prefault('200ms')
    .describe('From the start of one poll to the start of the next'),
  timeout: duration({ least: '10ms', most: '1m' }).prefault('300ms').describe('How long an answer may take'),
  zones: z.array(zoneOptions).default([]),
  outputs: z.array(outputOptions).default([]).describe('What it switches'),
  acknowledgeOutput: z
    .strictObject({
      output: z.string().describe('One of `outputs`, a lamp or a siren'),
      for: duration().prefault('10s').describe('How long it stays on'),
    })
    .optional()
    .describe('Switched on when a platform has a panic alarm of this device, so that who pressed knows'),
});
type Options = z.output<typeof options>;
type ModbusDevice = Device<Options, Profile>;

/** Unanswered polls after which a unit is offline; one lost frame is no outage. */
const OFFLINE_AFTER = 3;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;
export const modbus = defineDriver({
  name: 'modbus',
  title: {
    en: 'Modbus devices: fences, I/O modules (TCP, RTU)',
    zh: 'Modbus 设备：电子围栏、开关量模块（TCP/RTU）',
  },
  options,
  profile: profileSchema,

  line: ({ options: { connection } }) =>
    'tcp' in connection ? `modbus-tcp ${connection.tcp.host}:${connection.tcp.port}` : lineName(connection),

  commands: ({ options: { outputs } }) => outputCommands(outputs),

  problems({ options: { zones, outputs, acknowledgeOutput: lamp }, profile }) {
    const ids = outputs.map(({ id }) => id);
    const twice = outputs.flatMap(({ id }, index) =>
      ids.indexOf(id) < index
        ? [{ path: ['outputs', index, 'id'], message: `"${id}" stands here twice` }]
        : [],
    );
    const lamps = outputs.filter(({ kind }) => kind === 'lamp' || kind === 'siren').map(({ id }) => id);
    const noLamp =
      lamp === undefined || lamps.includes(lamp.output)
        ? []
        : [
            {
              path: ['acknowledgeOutput', 'output'],
              message: `no lamp or siren of "outputs" is ${lamp.output}; there are: ${lamps.join(', ') || 'none'}`,
            },
          ];
    const known = [...new Set(profile?.points.map((point) => point.zone))].filter(
      (zone) => zone !== undefined,
    );
    const noZone = zones.flatMap(({ zone }, index) =>
      known.includes(zone)
        ? []
        : [
            {
              path: ['zones', index, 'zone'],
              message: `the profile has no zone ${zone}; it has ${known.join(', ')}`,
            },
          ],
    );
    return [...twice, ...noLamp, ...noZone];
  },

  async open(devices, host) {
    const { connection } = (devices[0] as ModbusDevice).options;
    const stop = new AbortController();
    const wire = await ('tcp' in connection
      ? openTcp(connection.tcp, devices[0]?.id ?? '', host)
      : openRtu(connection, devices[0]?.id ?? '', host));
    const units = new Map(
      devices.map((device) => [
        device.id,
        { device, outputs: outputsOf(device, wire.transact, stop.signal, host.clock) },
      ]),
    );
    for (const { outputs } of units.values()) void outputs.begin();
    const loops = Promise.all(devices.map((device) => pollLoop(device, wire.transact, host, stop.signal)));
    // A loop ends only by `stop`; anything else it throws is a mistake in this file, and ends the session.
    const ended = Promise.race([wire.line.ended, loops.then(() => wire.line.ended)]);
    ended.catch(() => stop.abort());
    return {
      ended,
      async execute(command) {
        const unit = units.get(command.device);
        if (unit === undefined) return { done: false, reason: `there is no device ${command.device}` };
        const { acknowledgeOutput: lamp } = unit.device.options;
        if (command.action !== 'confirm') return await unit.outputs.execute(command);
        if (lamp === undefined) return { done: false, reason: `${command.device} has no acknowledgeOutput` };
        const wanted = { output: lamp.output, for: lamp.for / 1000 };
        return await unit.outputs.execute({ ...command, action: 'activate', arguments: wanted });
      },
      async close() {
        stop.abort();
        await Promise.all([...units.values()].map(({ outputs }) => outputs.rest()));
        await wire.line.close();
        await loops;
      },
    };
  },
});

function outputsOf({ options }: ModbusDevice, transact: Transact, signal: AbortSignal, time: Clock) {
  const { unit, timeout, outputs } = options;
  const refusal = (what: string, exception: number) =>
    `${what}: ${exceptionText[exception] ?? 'refused'} (exception ${exception})`;
  const silent = `unit ${unit} does not answer`;
  return createOutputs(
    outputs,
    {
      async write(coil, on) {
        const request = { function: 5, address: coil, value: on } as const;
        const response = await transact(unit, request, timeout).catch(() => undefined);
        if (response === undefined) return { reason: silent, unknown: true };
        return 'exception' in response ? { reason: refusal(`coil ${coil}`, response.exception) } : undefined;
      },
      async read(input) {
        const request = { function: 2, address: input, count: 1 } as const;
        const response = await transact(unit, request, timeout).catch(() => undefined);
        if (response === undefined) return silent;
        if ('exception' in response) return refusal(`input ${input}`, response.exception);
        return 'bits' in response ? response.bits[0] === true : 'the answer is of another function';
      },
    },
    signal,
    time,
  );
}

async function pollLoop(
  device: ModbusDevice,
  transact: Transact,
  host: Host,
  signal: AbortSignal,
): Promise<void> {
  const { unit, poll, timeout, zones } = device.options;
  const profile = device.profile as Profile;
  const { clock } = host;
  const reads = readsOf(profile);
  let following = follow(profile, device.id, zones);
  let missed = 0;
  while (!signal.aborted) {
    const started = clock.elapsed();
    const result = await readAll(reads, (request) => transact(unit, request, timeout)).catch(() => undefined);
    if (signal.aborted) return;
    if (result !== undefined && 'image' in result) {
      missed = 0;
      host.link(device.id, 'online');
      const written = await Promise.all(
        following(result.image).map((one) =>
          host.report(one).then(
            () => true,
            () => false,
          ),
        ),
      );
      // What is not on disk was not seen: start over, and the next poll reports the state as found.
      if (written.includes(false)) following = follow(profile, device.id, zones);
    } else {
      missed++;
      if (missed === OFFLINE_AFTER)
        host.link(device.id, 'offline', result?.refusal ?? `unit ${unit} does not answer`);
    }
    const backoff = Math.min(BACKOFF_FIRST_MS * 2 ** (missed - 1), BACKOFF_MAX_MS);
    const wait =
      missed === 0
        ? poll - (clock.elapsed() - started)
        : Math.max(backoff * (0.5 + clock.random() / 2), poll);
    await clock.wait(Math.max(wait, 1), signal);
  }
}

/** All reads of one poll as one image; why, where the device refuses one; undefined where it is silent. */
async function readAll(
  reads: readonly Read[],
  ask: (request: ModbusRequest) => Promise<ModbusResponse | undefined>,
): Promise<{ image: Image } | { refusal: string } | undefined> {
  const image = new Map<string, number>();
  for (const read of reads) {
    const response = await ask(read);
    if (response === undefined) return undefined;
    if ('exception' in response) {
      const words = exceptionText[response.exception] ?? 'unknown exception';
      const what = `function ${read.function} at ${read.address}: ${words} (exception ${response.exception})`;
      return { refusal: `refuses ${what}; does the profile fit the device?` };
    }
    const values =
      'bits' in response ? response.bits.map(Number) : 'registers' in response ? response.registers : [];
    for (let i = 0; i < read.count; i++) image.set(imageKey(read.function, read.address + i), values[i] ?? 0);
  }
  return { image };
}
