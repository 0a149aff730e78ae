/**
 * Modbus devices: fence hosts, I/O modules, tension fences; RTU on a serial port or behind a serial server, or TCP.
 * Devices on one line share a session; each has its own poll and its own outputs.
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Clash, type Device, defineDriver, type Host, type Problem } from '../contract/driver.ts';
import { duration, hostPort, repeatedZones, zoneOptions } from '../contract/options.ts';
import { lineName, serialOptions, serialServerOptions, settingClashes } from '../line.ts';
import { exceptionText, type ModbusRequest } from './codec.ts';
import { hintOf } from './hints.ts';
import { outputProblems } from './output-check.ts';
import { outputCommands, outputOptions } from './output-options.ts';
import { createOutputs } from './outputs.ts';
import { type Point, resetRequest } from './point.ts';
import { pollLoop } from './poll.ts';
import { type Profile, profileSchema } from './profile.ts';
import { openRtu } from './rtu.ts';
import type { OutputWire, WriteProblem } from './switches.ts';
import { openTcp, SELF_UNITS } from './tcp.ts';
import type { Ask, Reply, Wire } from './wire.ts';

const tcpOptions = z.strictObject({
  tcp: hostPort().describe('Modbus TCP, HOST:PORT; the standard port is 502'),
  parallel: z
    .int()
    .min(1)
    .max(16)
    .default(1)
    .describe('Requests on their way at once; gateways to a serial line do one at a time'),
});

const options = z.strictObject({
  connection: z
    .union([tcpOptions, serialOptions, serialServerOptions])
    .describe('`tcp` (Modbus TCP), `serial` (RTU on a port) or `serialServer` (RTU through a serial server)'),
  unit: z.int().min(0).max(255).default(1).describe('The address of the device on its line'),
  answersAs: z
    .int()
    .min(0)
    .max(255)
    .optional()
    .describe(
      'The address in its answers, where that is another; over TCP a device that is alone may always say 0 or 255',
    ),
  profile: z
    .string()
    .describe('The device model: a name in config/profiles/, or a file relative to the config'),
  poll: duration({ least: '10ms', most: '1d' })
    .prefault('200ms')
    .describe('From the start of one poll to the start of the next'),
  timeout: duration({ least: '10ms', most: '1m' }).prefault('300ms').describe('How long an answer may take'),
  delay: duration({ most: '10s' })
    .prefault('0ms')
    .describe('How long its line rests after it was asked; slow devices miss what comes too soon'),
  zones: z.array(zoneOptions).default([]),
  outputs: z.array(outputOptions).default([]).describe('What it switches'),
  acknowledgeOutput: z
    .strictObject({
      output: z.string().describe('One of `outputs`, a lamp or a siren'),
      for: duration({ least: '10ms', most: '1d' }).prefault('10s').describe('How long it stays on'),
    })
    .optional()
    .describe('Switched on when a platform has a panic alarm of this device, so that who pressed knows'),
});
type Options = z.output<typeof options>;
export type ModbusDevice = Device<Options, Profile>;

/** A device that is busy is asked again so often, so much later. */
const BUSY_TRIES = 3;
const BUSY_AGAIN_MS = 100;
const RESET_AGAIN_MS = 5000;
/** Exceptions (V1.1b3, 7): it does it, and is not done; it cannot now; who is in between cannot now. */
const STILL_AT_WORK = 5;
const BUSY = 6;
const PASSING = [4, BUSY, 10, 11];

/** The address of a broadcast, which nobody answers (Modbus over serial line V1.02, 2.2). */
const EVERYBODY = 0;

/** Units of one line that nobody could tell apart, and what is said of the line by each of its devices. */
function unitClashes(devices: readonly ModbusDevice[]): readonly Clash[] {
  return devices.flatMap(({ id: device, options: { unit, answersAs, connection } }, at): Clash[] => {
    const before = devices.slice(0, at);
    const isNumbered = 'tcp' in connection;
    const isSelf = (one: number) => isNumbered && SELF_UNITS.includes(one);
    const same = before.find(
      ({ options }) => options.unit === unit || (isSelf(options.unit) && isSelf(unit)),
    );
    if (same !== undefined && same.options.unit !== unit)
      return [
        {
          device,
          path: ['unit'],
          en: `over TCP 0 and 255 are both the device itself, and ${same.id} is ${same.options.unit}: keep one entry with all zones and outputs`,
          zh: `TCP 上地址 0 和 255 均指设备本身，${same.id} 已用 ${same.options.unit}：请合并为一个设备`,
        },
      ];
    if (same !== undefined)
      return [
        {
          device,
          path: ['unit'],
          en: `${same.id} has unit ${unit} on the same line: give each its own address, or keep one entry with all zones and outputs`,
          zh: `${same.id} 在同一线路上已用地址 ${unit}：请各设地址，或将防区和输出合并为一个设备`,
        },
      ];
    const from = answersAs ?? unit;
    const alike = before.find(({ options }) => (options.answersAs ?? options.unit) === from);
    if (!isNumbered && alike !== undefined)
      return [
        {
          device,
          path: [answersAs === undefined ? 'unit' : 'answersAs'],
          en: `answers of ${alike.id} come from ${from} too, on the same line: nothing would tell them apart; give each its own address`,
          zh: `${alike.id} 在同一线路上也以 ${from} 应答，无法区分：请各设地址`,
        },
      ];
    const first = before[0]?.options.connection;
    if (!isNumbered || first === undefined || !('tcp' in first) || first.parallel === connection.parallel)
      return [];
    return [
      {
        device,
        path: ['connection'],
        en: `${before[0]?.id} is on the same connection with \`parallel: ${first.parallel}\`, and this one says ${connection.parallel}: say the same in both`,
        zh: `${before[0]?.id} 在同一连接上使用 \`parallel: ${first.parallel}\`，此处为 ${connection.parallel}：请设为一致`,
      },
    ];
  });
}

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

  explain: ({ options: { connection } }) => ({
    module: new URL('./explain.ts', import.meta.url).href,
    name: 'tcp' in connection ? 'explainTcp' : 'explainRtu',
  }),

  problems({ options, profile }) {
    const { connection, unit, answersAs, zones, outputs, acknowledgeOutput: lamp } = options;
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
              zh: `设备模型中没有防区 ${zone}；可用：${known.join('、')}`,
            },
          ],
    );
    const everybody =
      unit === EVERYBODY && answersAs === undefined && !('tcp' in connection)
        ? [
            {
              path: ['unit'],
              message: '0 is all devices of a line, and none answers: say the address of this one',
            },
          ]
        : [];
    return [
      ...everybody,
      ...outputProblems(outputs, profile?.points),
      ...noLamp,
      ...patienceProblems(options),
      ...noZone,
      ...repeatedZones(['zones'], zones),
    ];
  },

  clashes: (devices) => [...settingClashes(devices), ...unitClashes(devices)],

  async open(devices, host) {
    const addresses = addressesOf(devices as readonly ModbusDevice[]);
    const wire = await openWire(devices as readonly ModbusDevice[], host, addresses);
    const units = createUnits(wire, host);
    units.add(devices as readonly ModbusDevice[]);
    const ended = Promise.race([wire.ended, units.failed]);
    ended.catch(() => units.stop());
    return {
      ended,
      async configure(next) {
        const wanted = next as readonly ModbusDevice[];
        const { connection } = (devices[0] as ModbusDevice).options;
        if (!isDeepStrictEqual(wanted[0]?.options.connection, connection))
          throw new Error('it is another connection');
        await units.keep(wanted);
        addresses.splice(0, Number.POSITIVE_INFINITY, ...addressesOf(wanted));
        units.add(wanted);
      },
      async execute(command) {
        const unit = units.get(command.device);
        if (unit === undefined) return { done: false, reason: `there is no device ${command.device}` };
        const { acknowledgeOutput: lamp } = unit.options;
        if (command.action !== 'confirm') return await unit.outputs.execute(command);
        if (lamp === undefined) return { done: false, reason: `${command.device} has no acknowledgeOutput` };
        const wanted = { output: lamp.output, for: lamp.for / 1000 };
        return await unit.outputs.execute({ ...command, action: 'activate', arguments: wanted });
      },
      async close() {
        await units.keep([]);
        await wire.close();
        units.stop();
        await units.ended();
      },
    };
  },
});

const addressesOf = (devices: readonly ModbusDevice[]) => devices.map(({ options }) => options.unit);

type Unit = ReturnType<typeof unitOf> & Pick<ModbusDevice, 'options'>;

/** The devices of an open wire, each with its poll. */
function createUnits(wire: Wire, host: Host) {
  const units = new Map<
    string,
    { readonly unit: Unit; readonly device: ModbusDevice; readonly stop: AbortController }
  >();
  const loops = new Set<Promise<void>>();
  const failing = Promise.withResolvers<never>();
  failing.promise.catch(() => {});
  return {
    /** A loop ends only by its own stop; anything else it throws is a mistake in this file, and ends the session. */
    failed: failing.promise,
    get: (device: string) => units.get(device)?.unit,
    /** Those that are not there yet. */
    add(devices: readonly ModbusDevice[]) {
      const added = devices.filter(({ id }) => !units.has(id));
      for (const device of added) {
        const stop = new AbortController();
        const unit = { ...unitOf(device, wire, host, stop.signal), options: device.options };
        units.set(device.id, { unit, device, stop });
        // A read comes first: it shows whether the line gives back what is sent, which confirms no write.
        const loop = unit.poll();
        loops.add(loop);
        loop.then(() => loops.delete(loop), failing.reject);
      }
      for (const { id } of added) void units.get(id)?.unit.outputs.begin();
    },
    /** Ends those that are not among them. */
    async keep(devices: readonly ModbusDevice[]) {
      const ending = [...units].filter(([, { device }]) => !devices.includes(device));
      for (const [id, { stop }] of ending) {
        units.delete(id);
        stop.abort();
      }
      await Promise.all(ending.map(([, { unit }]) => unit.outputs.rest()));
    },
    stop() {
      for (const { stop } of units.values()) stop.abort();
    },
    ended: () => Promise.all(loops),
  };
}

/** Times that do not fit each other: what is said would not be done, or a lost answer cost too much. */
function patienceProblems({ timeout, poll, outputs, acknowledgeOutput: lamp }: Options): Problem[] {
  const lit = outputs.find(({ id }) => id === lamp?.output);
  const limit = lit !== undefined && 'limit' in lit ? lit.limit : undefined;
  const problems: Problem[] = [];
  if (timeout > Math.max(MOST_TIMEOUT_MS, TIMEOUT_POLLS * poll))
    problems.push({
      path: ['timeout'],
      message: `an answer that is lost would leave it unread for ${timeout / 1000} s, and \`poll\` asks each ${poll} ms: say how long its answers take`,
    });
  if (lamp !== undefined && limit !== undefined && lamp.for > limit)
    problems.push({
      path: ['acknowledgeOutput', 'for'],
      message: `"${lamp.output}" is off after its \`limit\`, ${limit} ms, and this is ${lamp.for} ms: a longer \`limit\`, or a shorter \`for\``,
    });
  return problems;
}
/** Slow links answer after some seconds; where a device is polled seldom, more costs nothing. */
const MOST_TIMEOUT_MS = 10_000;
const TIMEOUT_POLLS = 10;

/** The wire that these devices share. @throws LineError E_LINE_REFUSED. */
export function openWire(
  devices: readonly ModbusDevice[],
  host: Host,
  units: readonly number[] = addressesOf(devices),
): Promise<Wire> {
  const [
    {
      options: { connection },
    },
  ] = devices as readonly [ModbusDevice];
  const more = { units, name: devices[0]?.id ?? '' };
  return 'tcp' in connection
    ? openTcp(connection.tcp, { ...more, parallel: connection.parallel }, host)
    : openRtu(connection, more, host);
}

/** Asks one device. */
export function askerOf({ options }: ModbusDevice, wire: Wire) {
  const { unit, timeout, delay, answersAs } = options;
  return (request: ModbusRequest, more: Pick<Ask, 'urgent' | 'now' | 'whyNot'> = {}): Promise<Reply> =>
    wire.transact({ unit, request, timeout, delay, answersAs, ...more });
}

/** One device of a wire: its poll and its outputs. */
function unitOf(device: ModbusDevice, wire: Wire, host: Host, signal: AbortSignal) {
  const { clock } = host;
  const ask = askerOf(device, wire);
  const gone = (error: Error): Reply => ({ missing: error.message, unsent: true });
  const write: OutputWire['write'] = async (name, request, how) => {
    for (let tried = 1; ; tried++) {
      const reply = await ask(request, how).catch(gone);
      if ('missing' in reply && reply.unwanted === true) return { reason: reply.missing };
      if ('missing' in reply)
        return { reason: reply.missing, ...(reply.unsent === true ? { passing: true } : { unknown: true }) };
      if (!('exception' in reply)) return undefined;
      const problem = refusalOf(name, reply.exception);
      if (reply.exception !== BUSY || tried === BUSY_TRIES) return problem;
      await clock.wait(BUSY_AGAIN_MS, signal);
    }
  };
  const read: OutputWire['read'] = async (input, whyNot) => {
    const question = { function: 2, address: input, count: 1 } as const;
    const reply = await ask(question, { urgent: true, whyNot }).catch(gone);
    if ('missing' in reply) return reply.missing;
    if ('exception' in reply) return refusalOf(`input ${input}`, reply.exception).reason;
    return 'bits' in reply ? reply.bits[0] === true : 'an answer of another function';
  };
  /** What is held until it is reset shows nothing new before: the write is tried until it is done. */
  const resetting = new Set<Point>();
  const reset = async (point: Point): Promise<void> => {
    const { reset: wanted, address } = point;
    if (wanted === undefined || resetting.has(point)) return;
    resetting.add(point);
    await clock.wait(wanted.after, signal);
    for (let urgent = true; !signal.aborted; urgent = false) {
      const problem = await write('the reset', resetRequest(wanted), { urgent });
      if (problem === undefined) break;
      host.log.warn({ device: device.id, address }, `${device.id}: ${problem.reason}; it is tried again`);
      await clock.wait(RESET_AGAIN_MS, signal);
    }
    resetting.delete(point);
  };
  return {
    outputs: createOutputs(device.options.outputs, { write, read }, signal, clock),
    poll: () =>
      pollLoop(
        {
          device: device.id,
          profile: device.profile as Profile,
          zones: device.options.zones,
          pollMs: device.options.poll,
          ask,
          reset: (point) => void reset(point),
          hint: (problem) => hintOf(device.options.connection, device.options.unit, problem)?.en,
        },
        host,
        signal,
      ),
  };
}

function refusalOf(what: string, exception: number): WriteProblem {
  const reason = `${what}: ${exceptionText[exception] ?? 'refused'} (exception ${exception})`;
  if (exception === STILL_AT_WORK) return { reason, unknown: true };
  return { reason, ...(PASSING.includes(exception) && { passing: true as const }) };
}
