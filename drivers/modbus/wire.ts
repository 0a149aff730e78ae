/**
 * The line of Modbus devices: one request, one answer. On RTU requests take turns in the order they ask; a unit that
 * does not answer costs one timeout, which never closes the line (yaacov/node-modbus-serial#251). On TCP requests are
 * matched by transaction number and nobody waits for anybody.
 */
import type { Host } from '../contract/driver.ts';
import { type Line, type LineConnection, openLine } from '../line.ts';
import {
  type Adu,
  type Expected,
  encodeRequest,
  encodeRtu,
  encodeTcp,
  type ModbusRequest,
  type ModbusResponse,
  parseResponse,
  rtuResponseDecoder,
  tcpDecoder,
} from './codec.ts';

/** The silence that ends an RTU frame: 3.5 characters, but at least 1.75 ms (Modbus over serial line V1.02, 2.5.1.1). */
const RTU_GAP_MS = 4;

/** Sends one request and gives its answer; undefined where none came in time. Rejects when the line is gone. */
export type Transact = (
  unit: number,
  request: ModbusRequest,
  timeout: number,
) => Promise<ModbusResponse | undefined>;
export interface Wire {
  readonly line: Line;
  readonly transact: Transact;
}

const expectedBytes = (request: ModbusRequest) =>
  'count' in request ? (request.function <= 2 ? Math.ceil(request.count / 8) : request.count * 2) : undefined;

/** `name`: the device whose the noise on the line is. @throws LineError E_LINE_REFUSED. */
export async function openRtu(connection: LineConnection, name: string, host: Host): Promise<Wire> {
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
  const line = await openLine(connection, host, (chunk) => take(decoder.push(chunk)));

  const exchange = async (unit: number, request: ModbusRequest, timeout: number) => {
    take(decoder.silence());
    const bytes = expectedBytes(request);
    expected = { unit, function: request.function, ...(bytes !== undefined && { bytes }) };
    const answered = new Promise<Adu | undefined>((resolve) => {
      answer = resolve;
    });
    const timer = host.clock.after(timeout, () => {
      // Garbage before the answer may have hidden it: silence makes the decoder look again.
      take(decoder.silence());
      answer?.(undefined);
    });
    try {
      await line.write(encodeRtu({ unit, pdu: encodeRequest(request) }));
      const adu = await answered;
      return adu === undefined ? undefined : parseResponse(adu.pdu);
    } finally {
      timer.stop();
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
        () => host.clock.wait(RTU_GAP_MS),
        () => {},
      );
      return mine;
    },
  };
}

/** `name`: the device whose the noise on the line is. @throws LineError E_LINE_REFUSED. */
export async function openTcp(
  address: { host: string; port: number },
  name: string,
  host: Host,
): Promise<Wire> {
  const waiting = new Map<number, (adu: Adu | undefined) => void>();
  const decoder = tcpDecoder();
  let transaction = 0;
  const line = await openLine({ serialServer: address }, host, (chunk) => {
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
      const timer = host.clock.after(timeout, () => waiting.get(mine)?.(undefined));
      try {
        await line.write(encodeTcp({ transaction: mine, unit, pdu: encodeRequest(request) }));
        const adu = await answered;
        if (adu === undefined || adu.unit !== unit) return undefined;
        const response = parseResponse(adu.pdu);
        return response?.function === request.function ? response : undefined;
      } finally {
        timer.stop();
        waiting.delete(mine);
      }
    },
  };
}
