/**
 * A line of foreign readers in virtual time: bytes take their time at the rate of the line, readers think, adapters and
 * networks hold answers up, and nothing sleeps.
 */
import { onTestFinished } from 'vitest';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import type { Line, LineConnection } from '../../drivers/line.ts';
import { openReaders } from '../../drivers/osdp/driver.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost, type stream } from '../helpers.ts';
import { type ForeignOptions, type ForeignReader, foreignReader } from './osdp-foreign.ts';
import { device } from './osdp-line.ts';

/** What has not come by then does not come. */
const PATIENCE_MS = 120_000;

export interface VirtualOptions {
  readonly readers: readonly ForeignReader[];
  /** The addresses of the config; by default those of the readers. */
  readonly addresses?: readonly number[];
  readonly baud?: number;
  /** How long a reader thinks before it begins, ms. */
  readonly think?: (address: number) => number;
  /** What is between the line and us, each way, ms. */
  readonly latency?: number;
  /** Answers come in parts of so many bytes, so long apart, ms. */
  readonly parts?: { readonly bytes: number; readonly apart: number };
  readonly more?: object;
  readonly store?: (observation: Observation) => Promise<Receipt>;
}
export interface Asked {
  readonly at: number;
  readonly address: number;
  readonly code: number;
  readonly sequence: number;
}

/** `open`: opens the line. `say`: puts bytes on it, unasked. */
export function virtualWire(options: VirtualOptions) {
  const { readers, baud = 9600, think = () => 10, latency = 0, parts } = options;
  const clock = manualClock();
  const asked: Asked[] = [];
  const away = new Set<number>();
  const byteMs = 10_000 / baud;
  let heard: ((chunk: Buffer) => void) | undefined;
  const open = async (
    connection: LineConnection,
    _host: unknown,
    onData: (chunk: Buffer) => void,
  ): Promise<Line> => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    heard = onData;
    const deliver = (answer: Buffer) => {
      const size = parts?.bytes ?? answer.length;
      for (let at = 0, wait = latency; at < answer.length; at += size, wait += parts?.apart ?? 0) {
        const part = answer.subarray(at, at + size);
        clock.after(wait + part.length * byteMs, () => onData(part));
      }
    };
    return {
      name: 'virtual',
      ended,
      async write(bytes) {
        // Behind the mark.
        const frame = Buffer.from(bytes.subarray(1));
        const address = (frame[1] ?? 0) & 0x7f;
        const control = frame[4] ?? 0;
        const code = frame[(control & 8) === 0 ? 5 : 5 + (frame[5] ?? 0)] ?? 0;
        asked.push({ at: clock.elapsed(), address, code, sequence: control & 3 });
        // Serial ports have a rate of their own, and readers hear them at the right one.
        const rate = 'serial' in connection ? connection.baudRate : baud;
        const meant = readers.filter((one) => one.address === address || address === 127);
        if (meant.length === 0 || rate !== baud || away.has(address)) return;
        clock.after(latency + bytes.length * byteMs, () => {
          const answers = meant.flatMap((one) => one.answer(frame) ?? []);
          if (answers.length === 0) return;
          // Who speak at once garble each other.
          const [answer = Buffer.alloc(0)] = answers;
          const said =
            answers.length === 1 ? answer : answer.map((byte, i) => byte & (answers[1]?.[i] ?? byte));
          clock.after(think(address), () => deliver(Buffer.concat([Buffer.of(0xff), said])));
        });
      },
      async close() {
        resolve();
      },
    };
  };
  return { clock, asked, away, open, say: (bytes: Buffer) => heard?.(bytes) };
}

export async function virtualLine(options: VirtualOptions) {
  const { readers, more = {} } = options;
  const { clock, asked, away, open, say } = virtualWire(options);
  const fake = fakeHost(options.store, clock);
  const [first, ...others] = (options.addresses ?? readers.map(({ address }) => address)).map((address) =>
    device(4001, address, more),
  );
  if (first === undefined) throw new Error('a line has readers');
  const session = await openReaders([first, ...others], fake.host, open);
  onTestFinished(() => clock.until(session.close()));
  const tell = (action: string, wanted: object, id = 'reader-0') =>
    session.execute?.({ id: 'c', device: id, action, arguments: { ...wanted } });
  return { ...fake, clock, session, asked, away, tell, say };
}

/** One foreign reader, and the driver at work on it: time passes while a test waits for them. `more`: its options. */
export async function foreignLine(options: ForeignOptions, more: object = {}) {
  const reader = foreignReader(options);
  const line = await virtualLine({ readers: [reader], more });
  const { until } = line.clock;
  const timed = <T>(from: ReturnType<typeof stream<T>>) => ({
    next: () => until(from.next(), PATIENCE_MS),
    find: (fits: (value: T) => boolean) => until(from.find(fits), PATIENCE_MS),
    rest: from.rest,
  });
  return {
    reader,
    reports: timed(line.reports),
    links: timed(line.links),
    discards: timed(line.discards),
    say: line.say,
    tell: async (action: string, wanted: object) => until(Promise.resolve(line.tell(action, wanted))),
  };
}

/** The longest time between two questions to a reader, and how many there were a second. */
export function pace(asked: readonly Asked[], address: number, from: number, until: number) {
  const times = asked
    .filter((one) => one.address === address && one.at >= from && one.at <= until)
    .map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  return { gap: Math.max(...gaps), perSecond: (times.length * 1000) / (until - from) };
}
