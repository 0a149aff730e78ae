/**
 * The line of Modbus devices: one answer, one question. An answer that comes after its time must never be taken for
 * the next question's: it would open an interlock that is on. A unit that does not answer costs its own time only,
 * and never closes the line (yaacov/node-modbus-serial#251).
 */
import type { ModbusRequest, ModbusResponse } from './codec.ts';

export interface Ask {
  readonly unit: number;
  readonly request: ModbusRequest;
  /** How long the answer may take. */
  readonly timeout: number;
  /** How long the line rests after it; devices that are slow to turn round need it. */
  readonly delay?: number;
  /** The unit that its answers come from, where that is another. */
  readonly answersAs?: number | undefined;
  /** Passes polls. */
  readonly urgent?: boolean;
  /** Waits for nothing that is owed: to switch off. */
  readonly now?: boolean;
  /** Asked right before it is written: why it is not wanted any more. */
  readonly whyNot?: (() => string | undefined) | undefined;
}

/** No answer came that can be believed, and why. */
export interface Missing {
  readonly missing: string;
  /** It was not asked at all. */
  readonly unsent?: true;
  /** Nor will it be: nobody wants it any more. */
  readonly unwanted?: true;
}
export type Reply = ModbusResponse | Missing;

/** Asks once. Rejects when the line is gone before it could. */
export type Transact = (ask: Ask) => Promise<Reply>;

/** Why a question is not put, if so. */
export function unwanted({ whyNot }: Ask): Missing | undefined {
  const why = whyNot?.();
  return why === undefined ? undefined : { missing: why, unsent: true, unwanted: true };
}

export interface Wire {
  readonly transact: Transact;
  /** Resolves after `close`; rejects with E_LINE_LOST. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

export interface WireOptions {
  /** All units on it. */
  readonly units: readonly number[];
  /** The device whose the noise on the line is. */
  readonly name: string;
}

/** A gateway's word for a unit that does not answer it, after a time of its own (V1.1b3, 7). */
const GATEWAY = [10, 11];
export const isAway = (reply: Reply): boolean => 'exception' in reply && GATEWAY.includes(reply.exception);

const WAIT_OUT_LEAST_MS = 1000;
const WAIT_OUT_MOST_MS = 5000;

/**
 * How long a late answer is waited for, after its time: serial servers hold answers back for some hundred ms.
 * `lateMs`: how late they were known to come here.
 */
export function waitOutMs(timeout: number, lateMs = 0): number {
  return Math.min(Math.max(3 * timeout, 2 * lateMs, WAIT_OUT_LEAST_MS), Math.max(WAIT_OUT_MOST_MS, timeout));
}

export const neverAnswered = (unit: number) => `unit ${unit} does not answer`;
export const closedBefore = (unit: number, odd: string | undefined) =>
  `unit ${unit}: the connection was closed before its answer${odd === undefined ? '' : `; what came was ${odd}`}`;
export const answersLate = (unit: number, lateMs: number, timeout: number) =>
  `unit ${unit} answers after ${lateMs} ms, and its \`timeout\` is ${timeout} ms`;
