import { describe, it } from 'vitest';
import { osdpDecoder } from '../../drivers/osdp/codec.ts';
import { expectLinear } from '../linear.ts';

describe('what a hostile line costs', () => {
  it.each([
    ['nothing but starts of frames', '53'],
    ['starts with the longest length, under a checksum', '5300a005'],
    ['starts with a long length, under a CRC', '5300a00504'],
    ['marks', 'ff'],
  ])('is in proportion to its bytes: %s', (_name, hex) => {
    expectLinear(
      (bytes: Buffer) => {
        const decoder = osdpDecoder();
        for (let at = 0; at < bytes.length; at += 65_536) decoder.push(bytes.subarray(at, at + 65_536));
        return decoder.silence();
      },
      (bytes) => Buffer.alloc(bytes, Buffer.from(hex, 'hex')),
    );
  });
});
