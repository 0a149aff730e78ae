/** What a codec makes of bytes. */
/**
 * What a codec makes of bytes: a frame, or bytes that are none, with the reason. Nothing disappears.
 * `push` never throws and holds no more than the codec's longest frame.
 */
export type Decoded<Frame> =
  | { readonly frame: Frame }
  | { readonly discarded: number; readonly reason: string };

export interface Decoder<Frame> {
  push(chunk: Uint8Array): Decoded<Frame>[];
  /** The line fell silent: what is pending is no frame. */
  silence(): Decoded<Frame>[];
}
