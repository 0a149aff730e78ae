import { describe, it } from 'vitest';
import { psReader } from '../../simulators/gb28181/ps.ts';
import { frameSplitter } from '../../simulators/gb28181/rtp.ts';
import { expectLinear, repeated } from '../linear.ts';

const PACKET = 1400;

describe('a stream to a simulated platform', () => {
  it.each([
    ['000001', 'starts of nothing'],
    ['000001ba', 'packs without end'],
    ['000001e0ffff', 'long parts'],
    ['000001e00000', 'empty parts'],
    ['00', 'nothing'],
  ])('of %s again and again costs no more than its length', (unit) => {
    expectLinear(
      (bytes: Buffer) => {
        const ps = psReader(() => {});
        for (let at = 0; at < bytes.length; at += PACKET) ps.push(bytes.subarray(at, at + PACKET));
      },
      (bytes) => Buffer.from(repeated(unit, 2 * bytes), 'hex'),
    );
  });

  it('of bytes one by one costs no more than its length either', () => {
    expectLinear(
      (bytes: Buffer) => {
        const split = frameSplitter();
        for (const byte of bytes) split(Buffer.of(byte));
      },
      (bytes) => Buffer.alloc(bytes, 0xff),
    );
  });
});
