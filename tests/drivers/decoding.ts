import fc from 'fast-check';
import type { Decoded, Decoder } from '../../drivers/contract/codec.ts';

/** Everything a decoder makes of some chunks, silence at the end included. */
export function decodeAll<Frame>(decoder: Decoder<Frame>, chunks: readonly Uint8Array[]): Decoded<Frame>[] {
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.silence()];
}

export function frames<Frame>(decoded: readonly Decoded<Frame>[]): Frame[] {
  return decoded.flatMap((one) => ('frame' in one ? [one.frame] : []));
}

export function discardedBytes(decoded: readonly Decoded<unknown>[]): number {
  return decoded.reduce((sum, one) => sum + ('discarded' in one ? one.discarded : 0), 0);
}

/** An arbitrary way to cut bytes into chunks. */
export const chunked = fc
  .array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 })
  .map((sizes) => (bytes: Uint8Array): Uint8Array[] => {
    const chunks: Uint8Array[] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length] ?? 1;
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    return chunks;
  });
