/** Boxes of ISO/IEC 14496-12, 4.2: a length of 4 bytes, a type of 4 letters, the content. Pure. */

/** The boxes in a box's content. */
export function* boxesIn(content: Buffer): Generator<{ type: string; content: Buffer }> {
  for (let at = 0; at + 8 <= content.length; ) {
    const length = content.readUInt32BE(at);
    if (length < 8 || at + length > content.length) return;
    yield {
      type: content.toString('latin1', at + 4, at + 8),
      content: content.subarray(at + 8, at + length),
    };
    at += length;
  }
}

/** The first box at a path of types. */
export function findBox(content: Buffer, ...path: readonly string[]): Buffer | undefined {
  const [type, ...rest] = path;
  for (const box of boxesIn(content))
    if (box.type === type) return rest.length === 0 ? box.content : findBox(box.content, ...rest);
  return undefined;
}

/** Of a full box (4.2): its version, and its flags. */
export const versionOf = (box: Buffer) => box.readUInt8(0);
export const flagsOf = (box: Buffer) => box.readUInt32BE(0) & 0xffffff;

/** sample_is_non_sync_sample (8.8.3.1): it depends on another. */
export const NON_SYNC = 0x0001_0000;
