/**
 * Modbus devices: fence hosts, I/O modules, tension fences; RTU on a serial port or behind a serial server, or TCP.
 *
 * Each unit has its own loop: poll, wait, poll. On RTU the loops take turns on the line in the order they ask; a
 * unit that does not answer backs off alone, so that it costs the others one timeout now and then. Its timeout
 * never closes the line (yaacov/node-modbus-serial#251). On TCP requests are matched by transaction number and
 * nobody waits for anybody.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  type Command,
  type Device,
  defineDriver,
  duration,
  type Host,
  hostPort,
  type Outcome,
  zoneOptions,
} from '../contract.ts';
import { type Line, lineName, openLine, serialOptions, serialServerOptions } from '../line.ts';
import {
  type Adu,
  type Expected,
  encodeRequest,
  encodeRtu,
  encodeTcp,
  exceptionText,
  type ModbusRequest,
  type ModbusResponse,
  parseResponse,
  rtuResponseDecoder,
  tcpDecoder,
} from './codec.ts';
import { follow, type Image, imageKey, type Profile, profileSchema, type Read, readsOf } from './profile.ts';

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
  poll: duration().prefault('200ms').describe('From the start of one poll to the start of the next'),
  timeout: duration().prefault('300ms').describe('How long an answer may take'),
  zones: z.array(zoneOptions).default([]),
  acknowledgeOutput: z
    .strictObject({
      coil: z.int().min(0).max(65_535).describe('Its address, from 0'),
      for: duration().prefault('10s').describe('How long it stays on'),
    })
    .optional()
    .describe(
      'A lamp or a buzzer, switched on when a platform has a panic alarm of this device, so that who pressed knows',
    ),
});
type Options = z.output<typeof options>;
type ModbusDevice = Device<Options, Profile>;

/** Unanswered polls after which a unit is offline; one lost frame is no outage. */
const OFFLINE_AFTER = 3;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;
/** The silence that ends an RTU frame: 3.5 characters, but at least 1.75 ms (Modbus over serial line V1.02, 2.5.1.1). */
const RTU_GAP_MS = 4;

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

  problems({ options: { zones }, profile }) {
    const known = [...new Set(profile?.points.map((point) => point.zone))].filter(
      (zone) => zone !== undefined,
    );
    return zones.flatMap(({ zone }, index) =>
      known.includes(zone)
        ? []
        : [
            {
              path: ['zones', index, 'zone'],
              message: `the profile has no zone ${zone}; it has ${known.join(', ')}`,
            },
          ],
    );
  },

  async open(devices, host) {
    const { connection } = (devices[0] as ModbusDevice).options;
    const stop = new AbortController();
    const wire = await ('tcp' in connection
      ? openTcp(connection.tcp, devices[0]?.id ?? '', host)
      : openRtu(connection, devices[0]?.id ?? '', host));
    const lamps: Lamps = new Map();
    const loops = Promise.all(devices.map((device) => pollLoop(device, wire.transact, host, stop.signal)));
    // A loop ends only by `stop`; anything else it throws is a mistake in this file, and ends the session.
    const ended = Promise.race([wire.line.ended, loops.then(() => wire.line.ended)]);
    ended.catch(() => stop.abort());
    return {
      ended,
      execute: (command) => execute(command, devices, wire.transact, lamps),
      async close() {
        stop.abort();
        for (const { timer, off } of lamps.values()) {
          clearTimeout(timer);
          await off();
        }
        await wire.line.close();
        await loops;
      },
    };
  },
});

/** Outputs that are on, by device: the timer that will switch each off, and how. */
type Lamps = Map<string, { readonly timer: NodeJS.Timeout; readonly off: () => Promise<void> }>;

/** `acknowledge`: lights the lamp of the device for its time; again while it is lit, for the time anew. */
async function execute(
  command: Command,
  devices: readonly ModbusDevice[],
  transact: Transact,
  lamps: Lamps,
): Promise<Outcome> {
  const device = devices.find(({ id }) => id === command.device);
  if (device === undefined || command.action !== 'acknowledge')
    return { done: false, reason: `modbus devices do not know ${command.action}` };
  const { unit, timeout, acknowledgeOutput: output } = device.options;
  if (output === undefined) return { done: false, reason: `${device.id} has no acknowledgeOutput` };
  const write = (value: boolean) => transact(unit, { function: 5, address: output.coil, value }, timeout);
  const response = await write(true);
  if (response === undefined) return { done: false, reason: `unit ${unit} does not answer` };
  if ('exception' in response)
    return { done: false, reason: `coil ${output.coil}: ${exceptionText[response.exception] ?? 'refused'}` };
  clearTimeout(lamps.get(device.id)?.timer);
  const off = async () => {
    lamps.delete(device.id);
    await write(false).catch(() => {});
  };
  lamps.set(device.id, { timer: setTimeout(() => void off(), output.for), off });
  return { done: true };
}

/** Sends one request and gives its answer; undefined where none came in time. Rejects when the line is gone. */
type Transact = (
  unit: number,
  request: ModbusRequest,
  timeout: number,
) => Promise<ModbusResponse | undefined>;
interface Wire {
  readonly line: Line;
  readonly transact: Transact;
}

async function pollLoop(
  device: ModbusDevice,
  transact: Transact,
  host: Host,
  signal: AbortSignal,
): Promise<void> {
  const { unit, poll, timeout, zones } = device.options;
  const profile = device.profile as Profile;
  const reads = readsOf(profile);
  let following = follow(profile, device.id, zones);
  let missed = 0;
  while (!signal.aborted) {
    const started = performance.now();
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
        ? poll - (performance.now() - started)
        : Math.max(backoff * (0.5 + Math.random() / 2), poll);
    await delay(Math.max(wait, 1), undefined, { signal }).catch(() => {});
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

const expectedBytes = (request: ModbusRequest) =>
  'count' in request ? (request.function <= 2 ? Math.ceil(request.count / 8) : request.count * 2) : undefined;

async function openRtu(connection: Parameters<typeof openLine>[0], name: string, host: Host): Promise<Wire> {
  let expected: Expected | undefined;
  let answer: ((adu: Adu | undefined) => void) | undefined;
  const decoder = rtuResponseDecoder(() => expected);
  const take = (decoded: ReturnType<typeof decoder.push>) => {
    for (const one of decoded) {
      if ('discarded' in one) host.discarded(name, one.reason, one.discarded);
      else if (answer !== undefined) answer(one.frame);
      else host.discarded(name, 'an answer that nobody awaits', one.frame.pdu.length);
    }
  };
  const line = await openLine(connection, host.signal, (chunk) => take(decoder.push(chunk)));

  const exchange = async (unit: number, request: ModbusRequest, timeout: number) => {
    take(decoder.silence());
    const bytes = expectedBytes(request);
    expected = { unit, function: request.function, ...(bytes !== undefined && { bytes }) };
    const answered = new Promise<Adu | undefined>((resolve) => {
      answer = resolve;
    });
    const timer = setTimeout(() => {
      // Garbage before the answer may have hidden it: silence makes the decoder look again.
      take(decoder.silence());
      answer?.(undefined);
    }, timeout);
    try {
      await line.write(encodeRtu({ unit, pdu: encodeRequest(request) }));
      const adu = await answered;
      return adu === undefined ? undefined : parseResponse(adu.pdu);
    } finally {
      clearTimeout(timer);
      answer = undefined;
      expected = undefined;
    }
  };

  // First come, first served: with one request a unit outstanding, that is a fair turn for each.
  let turn: Promise<unknown> = Promise.resolve();
  return {
    line,
    transact(unit, request, timeout) {
      const mine = turn.then(() => exchange(unit, request, timeout));
      turn = mine.then(
        () => delay(RTU_GAP_MS),
        () => {},
      );
      return mine;
    },
  };
}

async function openTcp(address: { host: string; port: number }, name: string, host: Host): Promise<Wire> {
  const waiting = new Map<number, (adu: Adu | undefined) => void>();
  const decoder = tcpDecoder();
  let transaction = 0;
  const line = await openLine({ serialServer: address }, host.signal, (chunk) => {
    for (const one of decoder.push(chunk)) {
      if ('discarded' in one) host.discarded(name, one.reason, one.discarded);
      else {
        const answer = waiting.get(one.frame.transaction ?? -1);
        if (answer !== undefined) answer(one.frame);
        else host.discarded(name, 'an answer that nobody awaits', one.frame.pdu.length);
      }
    }
  });
  return {
    line,
    async transact(unit, request, timeout) {
      transaction = (transaction + 1) & 0xffff;
      const mine = transaction;
      const answered = new Promise<Adu | undefined>((resolve) => waiting.set(mine, resolve));
      const timer = setTimeout(() => waiting.get(mine)?.(undefined), timeout);
      try {
        await line.write(encodeTcp({ transaction: mine, unit, pdu: encodeRequest(request) }));
        const adu = await answered;
        if (adu === undefined || adu.unit !== unit) return undefined;
        const response = parseResponse(adu.pdu);
        return response?.function === request.function ? response : undefined;
      } finally {
        clearTimeout(timer);
        waiting.delete(mine);
      }
    },
  };
}
