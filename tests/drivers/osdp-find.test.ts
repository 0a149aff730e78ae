/** Readers that are found on a line of which nobody knows how they are set. In virtual time. */
import { describe, expect, it } from 'vitest';
import { lineConnection } from '../../drivers/line.ts';
import { baudRates, type Found, findReaders } from '../../drivers/osdp/find.ts';
import { type ForeignOptions, foreignReader } from './osdp-foreign.ts';
import { virtualWire } from './osdp-virtual.ts';

/** What is found, and how long it takes, s. */
async function look(
  options: readonly ForeignOptions[],
  { baud = 9600, all = false, rates = [...baudRates] as number[], stopAfter = 1e9 } = {},
) {
  const { clock, open, asked } = virtualWire({ readers: options.map(foreignReader), baud });
  const found: Found[] = [];
  const stop = new AbortController();
  const begun = clock.elapsed();
  clock.after(stopAfter, () => stop.abort());
  const left: number[] = [];
  const looking = findReaders({
    ...{ patience: 200, all, open, host: { clock, signal: stop.signal } },
    connections: rates.map((baudRate) => lineConnection.parse({ serial: '/dev/ttyS9', baudRate })),
    found: (reader) => found.push(reader),
    asking: (now) => left.push(now),
  });
  await clock.until(looking);
  const told = found.map(({ connection, address, id, checksum, secureChannel }) => ({
    baudRate: 'serial' in connection ? connection.baudRate : 0,
    address,
    serial: id?.serial,
    checksum,
    secureChannel,
  }));
  return { told, seconds: (clock.elapsed() - begun) / 1000, left, asked };
}
/** PDID of the readers in osdp-foreign.ts is 112233 01 02 01020304 010203. */
const one = { baudRate: 9600, address: 5, serial: '01020304', checksum: false, secureChannel: false };

describe('a reader is found', () => {
  it.each<[string, ForeignOptions, object]>([
    ['in clear', { cap: '080100' }, {}],
    [
      'that demands the secure channel',
      { key: Buffer.alloc(16, 3), strict: true, cap: '090101' },
      { secureChannel: true },
    ],
    ['that refuses a CRC', { checksum: 'refuses', cap: '080000' }, { checksum: true }],
    ['that ignores a CRC', { checksum: 'ignores', cap: '080000' }, { checksum: true }],
    // Inner Range SIFER, libosdp#77.
    [
      'that says who it is only after a poll',
      { before: ({ code, sequence }) => (code === 0x61 && sequence === 0 ? 'lost' : undefined) },
      {},
    ],
    [
      'that does not answer to everybody',
      { before: ({ bytes }) => (bytes[1] === 127 ? 'lost' : undefined) },
      {},
    ],
  ])('%s, at its address', async (_name, options, more) => {
    const { told } = await look([{ ...options, address: 5 }]);
    expect(told).toEqual([{ ...one, ...more }]);
  });

  it.each(baudRates)('at %i baud, in a minute or two', async (baud) => {
    const { told, seconds } = await look([{ address: 5 }], { baud });
    expect(told).toEqual([{ ...one, baudRate: baud }]);
    expect(seconds).toBeLessThan(120);
  });

  it('where it is not alone: several garble what they say to everybody, and each has its address', async () => {
    const { told } = await look([{ address: 3 }, { address: 9 }, { address: 126 }]);
    expect(told.map(({ address }) => address)).toEqual([3, 9, 126]);
  });

  it("under everybody's address, where it has no other (libosdp#143)", async () => {
    expect((await look([{ address: 127 }])).told).toEqual([{ ...one, address: 127 }]);
  });

  it('or is not, and what is still to do is told until then', async () => {
    const { told, left } = await look([], { rates: [9600, 38_400] });
    expect(told).toEqual([]);
    expect(left.slice(0, 4)).toEqual([2, 1, 254, 253]);
    expect(left.at(-1)).toBe(1);
  });

  it('until somebody stops', async () => {
    const { told, seconds, asked } = await look([{ address: 3 }, { address: 100 }], { stopAfter: 5000 });
    expect(told.map(({ address }) => address)).toEqual([3]);
    expect(seconds).toBeLessThan(5.5);
    expect(asked.every(({ at }) => at <= 5000)).toBe(true);
  });
});
