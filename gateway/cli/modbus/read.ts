/** Shows what stands in a Modbus device, raw and as its profile reads it. It only reads. */
import { say } from '../../../config/language.ts';
import type { Device, Host } from '../../../drivers/contract/driver.ts';
import type { ModbusRequest, ReadFunction } from '../../../drivers/modbus/codec.ts';
import { askerOf, type ModbusDevice, openWire } from '../../../drivers/modbus/driver.ts';
import { pointState } from '../../../drivers/modbus/follow.ts';
import { hintOf } from '../../../drivers/modbus/hints.ts';
import { type Point, widthOf } from '../../../drivers/modbus/point.ts';
import { refusalOf } from '../../../drivers/modbus/poll.ts';
import { imageKey, type Profile, readsOf } from '../../../drivers/modbus/profile.ts';
import type { Reply } from '../../../drivers/modbus/wire.ts';
import { createLog } from '../../observe/log.ts';
import { printable } from '../../printable.ts';
import { type Terminal, untilStopped } from '../command.ts';

export interface ReadOptions {
  /** What to read instead of what the profile names. */
  readonly range:
    | { readonly function: ReadFunction; readonly from: number; readonly count: number }
    | undefined;
  readonly everyMs: number;
  readonly forMs: number | undefined;
  readonly once: boolean;
}

/** Something to ask for. */
interface Piece {
  readonly function: ReadFunction;
  readonly address: number;
  readonly count: number;
}
type AskRead = (request: ModbusRequest) => Promise<Reply>;

/** What one look found: values by place, and why others are not there. */
interface Look {
  readonly image: Map<string, number>;
  readonly problems: string[];
  /** It answered nothing, not by a refusal either. */
  isSilent: boolean;
  /** Addresses that the device does not have, by function. */
  readonly absent: Map<ReadFunction, number[]>;
}

/** @returns the exit status: 1 where nothing could be read. */
export async function readDevice(device: Device, options: ReadOptions, terminal: Terminal): Promise<0 | 1> {
  const one = device as ModbusDevice;
  const stop = new AbortController();
  const hint = (problem: string) => {
    const found = hintOf(one.options.connection, one.options.unit, problem);
    return found && say(found.en, found.zh);
  };
  const wire = await openWire([one], hostOf(terminal, stop.signal));
  const ask = askerOf(one, wire);
  const profile = one.profile as Profile;
  const pieces = options.range === undefined ? readsOf(profile) : piecesOf(options.range);
  const points = options.range === undefined ? profile.points : [];
  try {
    const first = await look(pieces, ask).catch((error: Error) => {
      terminal.stderr.write(
        `${printable([error.message, hint(error.message)].filter(Boolean).join('; '))}\n`,
      );
      return undefined;
    });
    if (first === undefined) return 1;
    show(first, points, terminal);
    const toLookAt = first.isSilent ? hint(first.problems.join('; ')) : undefined;
    if (toLookAt !== undefined) terminal.stdout.write(`${toLookAt}\n`);
    if (options.once) return first.image.size > 0 ? 0 : 1;
    const watching = watch(first, { pieces, points, ask, ...options }, terminal, stop.signal);
    await Promise.race([untilStopped(terminal, options.forMs), wire.ended, watching]);
    return 0;
  } finally {
    stop.abort();
    await wire.close();
  }
}

/** No gateway is around it: what is on the line and makes no sense is said, the rest goes nowhere. */
const hostOf = ({ stderr, clock }: Terminal, signal: AbortSignal): Host => ({
  report: async () => ({ sequence: null, id: null, repeated: true }),
  link: () => {},
  unmapped: (_device, what) => void stderr.write(`${printable(what)}\n`),
  discarded: (_device, reason, bytes, detail) =>
    void stderr.write(`${printable(`${reason}: ${bytes} bytes ${detail ?? ''}`.trim())}\n`),
  keep: async () => '',
  isolated: () => Promise.reject(new Error('nothing is read apart here')),
  log: createLog('fatal'),
  signal,
  clock,
});

const PIECE = 32;
/** Illegal address, or a count that reaches beyond the last (V1.1b3, 7). */
const NOT_THERE = [2, 3];

function piecesOf({ function: fn, from, count }: NonNullable<ReadOptions['range']>): Piece[] {
  const starts = Array.from({ length: Math.ceil(count / PIECE) }, (_, i) => from + i * PIECE);
  return starts.map((address) => ({
    function: fn,
    address,
    count: Math.min(PIECE, from + count - address),
  }));
}

/** Reads each piece; one that is refused is taken apart, to find what is there. */
async function look(pieces: readonly Piece[], ask: AskRead): Promise<Look> {
  const found: Look = { image: new Map(), problems: [], isSilent: true, absent: new Map() };
  const read = async (piece: Piece): Promise<void> => {
    const { function: fn, address, count } = piece;
    const reply = await ask({ function: fn, address, count });
    if (!('missing' in reply)) found.isSilent = false;
    if ('bits' in reply || 'registers' in reply) {
      const values = 'bits' in reply ? reply.bits.map(Number) : reply.registers;
      for (const [i, value] of values.slice(0, count).entries())
        found.image.set(imageKey(fn, address + i), value);
    } else if ('exception' in reply && NOT_THERE.includes(reply.exception)) {
      if (count === 1) return void found.absent.set(fn, [...(found.absent.get(fn) ?? []), address]);
      const half = count >> 1;
      await read({ ...piece, count: half });
      await read({ ...piece, address: address + half, count: count - half });
    } else if ('missing' in reply) found.problems.push(reply.missing);
    else if ('exception' in reply) found.problems.push(refusalOf(piece, reply.exception));
  };
  for (const piece of pieces) await read(piece);
  return found;
}

/** The commonest of the driver's words in the language of who reads them. */
const inWords = (problem: string) =>
  say(
    problem,
    problem
      .replace(/^unit (\d+) does not answer/, '地址 $1 无应答')
      .replace(/^unit (\d+): the connection was closed before its answer/, '地址 $1：应答前连接被关闭')
      .replace(/; what came was (.*)$/, '；收到的是 $1'),
  );

const names = { 1: 'coil', 2: 'input', 3: 'holding', 4: 'input register' } as const;
const WIDEST = 'input register 65535'.length;

/** `holding 0  0x0003      3  0000 0000 0000 0011`, and the sign where it may have one. */
function rawText(key: string, value: number): string {
  const [fn = 1, address = 0] = key.split('/').map(Number);
  const place = `${names[fn as ReadFunction]} ${address}`.padEnd(WIDEST);
  if (fn <= 2) return `${place}  ${value}`;
  const binary = value
    .toString(2)
    .padStart(16, '0')
    .replace(/(.{4})(?=.)/g, '$1 ');
  const signed = value > 0x7fff ? `  (${value - 0x10000})` : '';
  return `${place}  0x${value.toString(16).padStart(4, '0')}  ${String(value).padStart(5)}  ${binary}${signed}`;
}

function pointText(image: Look['image'], profile: readonly Point[], point: Point): string {
  const { zone, kind, cause, name } = point;
  const where = 'bit' in point && point.bit !== undefined ? `bit ${point.bit}` : '';
  const words = [where, zone === undefined ? '' : `zone ${zone}`, kind ?? '', cause ?? '', name ?? ''];
  return `${words.filter((word) => word !== '').join(' ')}: ${pointState(image, profile, point)}`;
}

const startsAt = (point: Point, key: string) =>
  Array.from({ length: widthOf(point) }, (_, i) => imageKey(point.function, point.address + i)).includes(key);

/** `60-63, 70` */
function rangesOf(addresses: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const address of [...addresses].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === address - 1) last[1] = address;
    else ranges.push([address, address]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}

function show({ image, problems, absent }: Look, points: readonly Point[], { stdout }: Terminal): void {
  for (const [key, value] of image) {
    stdout.write(`${rawText(key, value)}\n`);
    for (const point of points)
      if (imageKey(point.function, point.address) === key)
        stdout.write(`    ${printable(pointText(image, points, point))}\n`);
  }
  for (const [fn, addresses] of absent) {
    const ranges = rangesOf(addresses);
    stdout.write(`${names[fn]} ${say(`${ranges}: not there`, `${ranges}：不存在`)}\n`);
  }
  for (const problem of new Set(problems)) stdout.write(`${printable(inWords(problem))}\n`);
  if (image.size === 0) stdout.write(`${say('nothing could be read', '未读到任何数据')}\n`);
}

interface Watched extends Pick<ReadOptions, 'everyMs'> {
  readonly pieces: readonly Piece[];
  readonly points: readonly Point[];
  readonly ask: AskRead;
}

/** A line for each change, until the signal aborts. */
async function watch(
  first: Look,
  { pieces, points, ask, everyMs }: Watched,
  { stdout, clock }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  let before = first;
  while ((await clock.wait(everyMs, signal)) === 'over') {
    const now = await look(pieces, ask).catch(() => undefined);
    if (now === undefined || signal.aborted) return;
    const at = new Date(clock.wall()).toISOString().slice(11, 23);
    for (const [key, value] of now.image) {
      if (before.image.get(key) === value) continue;
      const touched = points
        .filter((point) => startsAt(point, key))
        .map((point) => ({
          was: pointState(before.image, points, point),
          is: pointState(now.image, points, point),
          text: pointText(now.image, points, point),
        }));
      const changed = touched.filter(({ was, is }) => was !== is).map(({ text }) => `   ${text}`);
      stdout.write(`${at}  ${printable(rawText(key, value) + changed.join(','))}\n`);
    }
    for (const problem of new Set(now.problems))
      if (!before.problems.includes(problem)) stdout.write(`${at}  ${printable(problem)}\n`);
    before = { ...now, image: new Map([...before.image, ...now.image]) };
  }
}
