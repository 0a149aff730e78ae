/**
 * Modbus devices: a two-zone pulse fence, an eight-input module, a tension fence; on Modbus TCP, on RTU as behind a
 * serial server, or on a serial port. The register maps stand here a second time on purpose, from the comments of
 * the profiles, not from their points: a simulator that read the profile could not show a mistake in it.
 */
import {
  type Adu,
  encodeResponse,
  encodeRtu,
  encodeTcp,
  type ModbusRequest,
  type ModbusResponse,
  parseRequest,
  rtuRequestDecoder,
  tcpDecoder,
} from '../drivers/modbus/codec.ts';
import type { FenceModel } from './kinds.ts';
import {
  type Action,
  actions,
  corrupter,
  later,
  lineFaults,
  milliseconds,
  number,
  type Simulator,
  serveWire,
  type WireEnd,
} from './simulator.ts';

export interface FenceUnit {
  readonly id: string;
  readonly unit: number;
  readonly model: FenceModel;
}

export interface FenceOptions {
  readonly end: WireEnd;
  readonly framing: 'tcp' | 'rtu';
  /** The devices on this wire. */
  readonly units: readonly FenceUnit[];
  /** Called when a coil is written. */
  readonly switched?: (coil: number, on: boolean, unit: number) => void;
}

/** Coils and inputs, registers: by function code of reading, then address. */
type Memory = Record<1 | 2 | 3 | 4, number[]>;
const SIZE = 64;
const BUSY = 6;
const fresh = (): Memory => ({
  1: Array(SIZE).fill(0),
  2: Array(SIZE).fill(0),
  3: Array(SIZE).fill(0),
  4: Array(SIZE).fill(0),
});

function setBit(words: number[], address: number, bit: number, on: boolean) {
  const word = words[address] ?? 0;
  words[address] = on ? word | (1 << bit) : word & ~(1 << bit);
}

/** What can be done to each model, on its memory. */
function modelActions(model: FenceModel, memory: Memory): Record<string, Action> {
  if (model === 'io-8zone') {
    const input = (zone: string, on: boolean) => {
      memory[2][number(zone, 1, 8) - 1] = on ? 1 : 0;
    };
    return {
      'trip ZONE': { help: 'close an input, 1 to 8', run: (zone) => input(zone, true) },
      'restore ZONE': { help: 'open it', run: (zone) => input(zone, false) },
    };
  }
  if (model === 'tension-fence') {
    memory[4][0] = 1;
    memory[4].fill(150, 1, 5);
    const bit = (at: number, on: boolean) => setBit(memory[4], 0, at, on);
    const pull = (zone: string, newtons: number) => {
      memory[4][number(zone, 1, 4)] = newtons;
    };
    return {
      'trip ZONE': { help: 'pull a wire, 1 to 4', run: (zone) => pull(zone, 420) },
      'cut-wire ZONE': { help: 'cut a wire', run: (zone) => pull(zone, 0) },
      'restore ZONE': { help: 'let it be', run: (zone) => pull(zone, 150) },
      arm: { help: 'arm', run: () => bit(0, true) },
      disarm: { help: 'disarm', run: () => bit(0, false) },
      tamper: { help: 'open the housing', run: () => bit(1, true) },
      'tamper-restore': { help: 'close it', run: () => bit(1, false) },
    };
  }
  const words = memory[3];
  const word = (zone: string) => number(zone, 1, 2) - 1;
  for (const zone of [0, 1]) {
    words[zone] = 0b11;
    words[2 + zone] = 65;
  }
  const zoned = (help: string, bit: number, on: boolean): Action => ({
    help,
    run: (zone) => setBit(words, word(zone), bit, on),
  });
  const common = (help: string, bit: number, on: boolean): Action => ({
    help,
    run: () => setBit(words, 0, bit, on),
  });
  return {
    'trip ZONE': zoned('touch the wire', 2, true),
    'break ZONE': zoned('break the wire 断线', 3, true),
    'short ZONE': zoned('short it 短路', 4, true),
    'restore ZONE': {
      help: 'put it right',
      run: (zone) => {
        for (const bit of [2, 3, 4, 5]) setBit(words, word(zone), bit, false);
        words[2 + word(zone)] = 65;
      },
    },
    'weak ZONE': {
      help: 'low voltage',
      run: (zone) => {
        setBit(words, word(zone), 5, true);
        words[2 + word(zone)] = 21;
      },
    },
    'arm ZONE': zoned('arm', 0, true),
    'disarm ZONE': zoned('disarm', 0, false),
    tamper: common('open the housing', 6, true),
    'tamper-restore': common('close it', 6, false),
    'mains-lost': common('lose the mains', 7, true),
    'mains-back': common('get it back', 7, false),
    'battery-low': common('battery low', 8, true),
    'battery-ok': common('battery good again', 8, false),
  };
}

function answer(memory: Memory, pdu: Uint8Array): ModbusResponse {
  const request = parseRequest(pdu);
  const fn = pdu[0] ?? 0;
  if ('exception' in request) return { function: fn, exception: request.exception };
  const count = 'count' in request ? request.count : 'values' in request ? request.values.length : 1;
  // Exception 2, illegal data address (V1.1b3, 7).
  if (request.address + count > SIZE) return { function: fn, exception: 2 };
  return perform(memory, request);
}

function perform(memory: Memory, request: ModbusRequest): ModbusResponse {
  const { address } = request;
  switch (request.function) {
    case 1:
    case 2: {
      const bits = memory[request.function]
        .slice(address, address + request.count)
        .map((value) => value === 1);
      return { function: request.function, bits };
    }
    case 3:
    case 4:
      return {
        function: request.function,
        registers: memory[request.function].slice(address, address + request.count),
      };
    case 5:
      memory[1][address] = request.value ? 1 : 0;
      return { function: 5, address, value: request.value ? 0xff00 : 0 };
    case 6:
      memory[3][address] = request.value;
      return { function: 6, address, value: request.value };
    case 15:
      for (const [i, value] of request.values.entries()) memory[1][address + i] = value ? 1 : 0;
      return { function: 15, address, value: request.values.length };
    case 16:
      for (const [i, value] of request.values.entries()) memory[3][address + i] = value;
      return { function: 16, address, value: request.values.length };
  }
}

/** Starts all devices of one wire; each is a simulator of its own, and closing any closes the wire. */
export async function startFences({
  end,
  framing,
  units,
  switched = () => {},
}: FenceOptions): Promise<readonly Simulator[]> {
  const memories = new Map(units.map(({ unit }) => [unit, fresh()]));
  const mute = new Set<number>();
  /** How late each unit answers, ms. */
  const late = new Map<number, number>();
  /** Units that refuse everything for now, with exception 6: busy (V1.1b3, 7). */
  const busy = new Set<number>();
  const met = new Set<number>();
  const faults = corrupter();
  const encode = framing === 'tcp' ? encodeTcp : encodeRtu;
  const wire = await serveWire(end, (peer) => {
    const decoder = framing === 'tcp' ? tcpDecoder() : rtuRequestDecoder();
    return (chunk) => {
      for (const one of decoder.push(chunk)) {
        if (!('frame' in one)) continue;
        const { unit, pdu, transaction } = one.frame;
        const memory = memories.get(unit);
        if (memory === undefined || mute.has(unit)) continue;
        met.add(unit);
        const request = parseRequest(pdu);
        if ('function' in request && request.function === 5)
          switched(request.address, request.value === true, unit);
        const response = busy.has(unit) ? { function: pdu[0] ?? 0, exception: BUSY } : answer(memory, pdu);
        const adu: Adu = {
          unit,
          pdu: encodeResponse(response),
          ...(transaction !== undefined && { transaction }),
        };
        const bytes = faults.pass(encode(adu));
        const lateMs = late.get(unit) ?? 0;
        if (lateMs === 0) peer.write(bytes);
        else later(lateMs, () => peer.write(bytes));
      }
    };
  });
  let closing: Promise<void> | undefined;
  return units.map(({ id, unit, model }) => ({
    id,
    unheard: () => (met.has(unit) ? undefined : 'unasked'),
    ...actions(id, {
      ...modelActions(model, memories.get(unit) as Memory),
      'silent TIME': {
        help: 'answer nothing for a time',
        run: (time) => {
          mute.add(unit);
          later(milliseconds(time), () => mute.delete(unit));
        },
      },
      'late TIME': {
        help: 'answer so late from now on; 0ms: at once',
        run: (time) => void late.set(unit, milliseconds(time)),
      },
      'busy TIME': {
        help: 'refuse everything as busy for a time',
        run: (time) => {
          busy.add(unit);
          later(milliseconds(time), () => busy.delete(unit));
        },
      },
      ...lineFaults(wire, faults, 'answer'),
    }),
    close() {
      closing ??= wire.close();
      return closing;
    },
  }));
}
