/**
 * Looks for Modbus devices of which nobody knows how they are set. Each unit is asked to read one register, which a
 * device that has none refuses, and so is heard too. Nothing is written, and unit 0, which on a serial line is everybody,
 * is never spoken to.
 */
import type { Host } from '../contract/driver.ts';
import { type LineConnection, openLine } from '../line.ts';
import { crc16modbus, encodeRequest, encodeRtu, encodeTcp, parseResponse, tcpDecoder } from './codec.ts';
import { isAway } from './wire.ts';

export interface FoundUnit {
  readonly unit: number;
  /** By its own word (V1.1b3, 6.21); undefined: it does not tell. */
  readonly id: { readonly vendor: string; readonly product: string; readonly revision: string } | undefined;
  /** Which reads from address 0 it answers. */
  readonly reads: { readonly inputs: boolean; readonly holding: boolean };
}

/** What a question was answered with. `noise`: something came, and no answer was among it. */
type Heard = { readonly unit: number; readonly pdu: Buffer } | 'silence' | 'noise';
type Question = (unit: number, pdu: Uint8Array, patience: number) => Promise<Heard>;
interface Asking {
  readonly ask: Question;
  close(): Promise<void>;
}
type OnHost = Pick<Host, 'clock' | 'signal'>;

/** The last address of a serial line (Modbus over serial line V1.02, 2.2). */
export const LAST_UNIT = 247;
/** An answer that has begun is waited for over so long a gap: serial servers gather bytes. */
const GAP_MS = 60;
/**
 * What was asked before, at another rate or in another protocol, is the beginning of a frame to some: by the standard until
 * 3.5 characters of silence, in libmodbus until 500 ms; and that takes what follows a question to another unit for its answer.
 */
const REST_MS = 600;
/** More than two frames are no answer to one question. */
const HELD_MAX = 600;
/** Of a gateway: it tells by itself that a unit is silent, after a time of its own. */
const GATEWAY_PATIENCE_MS = 1500;

const readHolding = encodeRequest({ function: 3, address: 0, count: 1 });
const readInputs = encodeRequest({ function: 2, address: 0, count: 8 });
/** Basic identification, from its first object (V1.1b3, 6.21). */
const readIdentity = Buffer.of(0x2b, 0x0e, 0x01, 0x00);
/** Before the objects of its answer: function, type, code, conformity, more, next, count. */
const IDENTITY_HEAD = 7;

/** Whether a PDU answers a question of this function; our own words, as some give them back, do not. */
function answersTo(fn: number, pdu: Buffer): boolean {
  if (((pdu[0] ?? 0) & 0x7f) !== fn) return false;
  if (parseResponse(pdu) !== undefined) return true;
  return fn === readIdentity[0] && pdu[1] === readIdentity[1] && pdu.length > IDENTITY_HEAD;
}

/** The answer at the end of what came: of a unit that was asked, and not our own words as converters echo them. */
function rtuAnswer(held: Buffer, sent: Buffer, asked: ReadonlySet<number>): Heard | undefined {
  for (let at = 0; at + 5 <= held.length; at++) {
    const rest = held.subarray(at);
    const [unit = 0] = rest;
    const body = rest.subarray(0, -2);
    if (!asked.has(unit) || !answersTo(sent[1] ?? 0, body.subarray(1))) continue;
    if (crc16modbus(body) === rest.readUInt16LE(body.length))
      return { unit, pdu: Buffer.from(body.subarray(1)) };
  }
  return undefined;
}

/** A wire to ask on until `signal` aborts. `push` takes what comes, and says what it is of. */
async function openAsking(
  connection: LineConnection,
  { clock, signal: opening }: OnHost,
  signal: AbortSignal,
  frame: (unit: number, pdu: Uint8Array) => { bytes: Buffer; push: (chunk: Buffer) => Heard | undefined },
): Promise<Asking> {
  let push: (chunk: Buffer) => void = () => {};
  const line = await openLine(connection, { clock, signal: opening }, (chunk) => push(chunk));
  return {
    async ask(unit, pdu, patience) {
      if (signal.aborted) return 'silence';
      const { bytes, push: take } = frame(unit, pdu);
      const { promise, resolve } = Promise.withResolvers<Heard>();
      let heard: Heard = 'silence';
      let timer = clock.after(patience, () => resolve(heard));
      push = (chunk) => {
        const answer = take(chunk);
        heard = answer ?? 'noise';
        timer.stop();
        if (answer !== undefined) resolve(answer);
        else timer = clock.after(Math.max(GAP_MS, patience), () => resolve('noise'));
      };
      line.ended.then(
        () => resolve('silence'),
        () => resolve('silence'),
      );
      try {
        await line.write(bytes);
        return await promise;
      } catch {
        return 'silence';
      } finally {
        timer.stop();
        push = () => {};
      }
    },
    close: () => line.close(),
  };
}

const openRtu = (connection: LineConnection, host: OnHost): Promise<Asking> => {
  const asked = new Set<number>();
  return openAsking(connection, host, host.signal, (unit, pdu) => {
    const bytes = encodeRtu({ unit, pdu: Buffer.from(pdu) });
    // One that answers late is heard while the next is asked.
    asked.add(unit);
    let held = Buffer.alloc(0);
    return {
      bytes,
      push(chunk) {
        held = Buffer.concat([held, chunk]).subarray(-HELD_MAX);
        return rtuAnswer(held, bytes, asked);
      },
    };
  });
};

const openTcp = (tcp: { host: string; port: number }, host: OnHost, signal: AbortSignal): Promise<Asking> => {
  let transaction = 0;
  const decoder = tcpDecoder();
  return openAsking({ serialServer: tcp }, host, signal, (unit, pdu) => {
    const own = ++transaction;
    return {
      bytes: encodeTcp({ transaction: own, unit, pdu: Buffer.from(pdu) }),
      push(chunk) {
        for (const one of decoder.push(chunk))
          if ('frame' in one && [own, 0].includes(one.frame.transaction ?? 0)) {
            const answer = Buffer.from(one.frame.pdu);
            if (answersTo(pdu[0] ?? 0, answer)) return { unit, pdu: answer };
          }
        return undefined;
      },
    };
  });
};

const isAnswer = (heard: Heard): heard is Exclude<Heard, string> => typeof heard === 'object';
/** A unit's own word, whatever it says; a gateway's is none. */
const isThere = (heard: Heard): heard is Exclude<Heard, string> => isAnswer(heard) && !saysAway(heard);
const saysAway = (heard: Heard): boolean => {
  const response = isAnswer(heard) ? parseResponse(heard.pdu) : undefined;
  return response !== undefined && isAway(response);
};
const isRead = (heard: Heard): boolean => {
  const response = isAnswer(heard) ? parseResponse(heard.pdu) : undefined;
  return response !== undefined && !('exception' in response);
};

const WORD_MAX = 60;

/** Objects 0, 1 and 2 of Read Device Identification: vendor, product code, revision. */
function identityOf(heard: Heard): FoundUnit['id'] {
  if (!isAnswer(heard) || heard.pdu[0] !== 0x2b || heard.pdu[1] !== 0x0e) return undefined;
  const words: string[] = ['', '', ''];
  for (let at = IDENTITY_HEAD; at + 2 <= heard.pdu.length; ) {
    const [object = 0, length = 0] = heard.pdu.subarray(at);
    const text = heard.pdu.subarray(at + 2, at + 2 + length).toString('latin1');
    if (object < words.length) words[object] = text.slice(0, WORD_MAX).trim();
    at += 2 + length;
  }
  const [vendor = '', product = '', revision = ''] = words;
  return `${vendor}${product}${revision}` === '' ? undefined : { vendor, product, revision };
}

/** More of a unit that is there. */
async function meet({ ask }: Asking, unit: number, first: Heard, patience: number): Promise<FoundUnit> {
  const inputs = isRead(await ask(unit, readInputs, patience));
  const id = identityOf(await ask(unit, readIdentity, patience));
  return { unit, id, reads: { inputs, holding: isRead(first) } };
}

const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);

export interface LookingForUnits {
  /** Units 1 to this one are asked. */
  readonly lastUnit: number;
  /** How long an answer may take to begin, ms. */
  readonly patience: number;
  readonly host: OnHost;
  readonly found: (unit: FoundUnit) => void;
  /** Called before each question. */
  readonly asking: () => void;
}

/**
 * Asks each unit of a line, with one set of rate and parity. @returns whether something came that could not be read.
 * @throws LineError when the line cannot be had.
 */
export async function findUnits(
  connection: LineConnection,
  { lastUnit, patience, host, found, asking }: LookingForUnits,
): Promise<{ readonly units: number; readonly noise: boolean }> {
  const line = await openRtu(connection, host);
  const met = new Map<number, Heard>();
  let noise = false;
  const rest = () => host.clock.wait(REST_MS, host.signal);
  try {
    await rest();
    // Unit 1 twice: it is what most are delivered as, and what came before may have cost it the first question.
    for (const unit of [1, ...range(1, lastUnit)]) {
      if (host.signal.aborted || met.has(unit)) continue;
      asking();
      const heard = await line.ask(unit, readHolding, patience);
      noise ||= heard === 'noise';
      if (isThere(heard)) met.set(heard.unit, heard);
      else if (unit === 1) await rest();
    }
    // Those that answered late have gone silent by then, and what each says is told from what the others do.
    if (met.size > 0) await rest();
    for (const [unit, first] of met) found(await meet(line, unit, first, patience));
  } finally {
    await line.close();
  }
  return { units: met.size, noise };
}

/** What stands at a TCP port. `nothing`: no connection; `other`: what answers, if anything does, is no Modbus. */
export type TcpPeer = 'tcp' | 'rtu' | 'other' | 'nothing';

/**
 * Asks one TCP address, in the way of Modbus TCP, then as RTU over TCP. The latter each time on a connection of its own: to
 * a server that expects MBAP heads, the eight bytes of one such question are a head and nothing behind it, while those of
 * several could be taken for a write.
 */
export async function findAtTcp(
  tcp: { readonly host: string; readonly port: number },
  looking: LookingForUnits,
  connectWithin: AbortSignal,
): Promise<TcpPeer> {
  const { lastUnit, patience, host, asking } = looking;
  const connecting = { ...host, signal: AbortSignal.any([host.signal, connectWithin]) };
  const line = await openTcp(tcp, connecting, host.signal).catch(() => undefined);
  if (line === undefined) return 'nothing';
  try {
    asking();
    if (await askBehind(line, looking)) return 'tcp';
  } finally {
    await line.close();
  }
  for (let unit = 1; unit <= Math.min(lastUnit, RTU_TRIED) && !host.signal.aborted; unit++) {
    asking();
    const rtu = await openRtu({ serialServer: tcp }, host).catch(() => undefined);
    if (rtu === undefined) return 'other';
    const heard = await rtu.ask(unit, readHolding, patience).finally(() => rtu.close());
    if (!isThere(heard)) continue;
    await findUnits({ serialServer: tcp }, looking);
    return 'rtu';
  }
  return 'other';
}

/** A device of Modbus TCP, or a gateway and the units behind it. @returns whether it is one. */
async function askBehind(
  line: Asking,
  { lastUnit, patience, host, found, asking }: LookingForUnits,
): Promise<boolean> {
  const one = await line.ask(1, readHolding, patience);
  const self = isAnswer(one) ? one : await line.ask(SELF_UNIT, readHolding, patience);
  if (!isAnswer(self)) return false;
  if (isThere(self)) found(await meet(line, isAnswer(one) ? 1 : SELF_UNIT, self, patience));
  // One that answers to whatever unit it is asked as is alone.
  const far = await line.ask(LAST_UNIT, readHolding, GATEWAY_PATIENCE_MS);
  if (isThere(far) || !isAnswer(one)) return true;
  // A gateway says itself that a unit is silent; where nobody says anything there may be none.
  const patient = isAnswer(far) ? GATEWAY_PATIENCE_MS : patience;
  for (let behind = 2; behind <= lastUnit && !host.signal.aborted; behind++) {
    asking();
    const heard = await line.ask(behind, readHolding, patient);
    if (isThere(heard)) found(await meet(line, behind, heard, patience));
  }
  return true;
}

/** The device itself (Messaging on TCP/IP V1.0b, 4.4.1.2); 0 would be the same, and behind a gateway everybody. */
const SELF_UNIT = 255;
/** Units that are tried as RTU at an address that was not said to be a serial server. */
const RTU_TRIED = 8;
