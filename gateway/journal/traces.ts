/** Looks for texts in the bytes of a file, pages that are free and gaps in pages included, a stretch at a time. */
import { closeSync, openSync, readSync } from 'node:fs';

/** A stretch takes some 10 ms: what waits for the file waits no longer. */
const STRETCH_BYTES = 4_194_304;
/** No text that is looked for is longer, in UTF-8. */
const TEXT_BYTES = 1024;

export interface Looked {
  readonly found: boolean;
  /** Where to go on; undefined: that was the end. */
  readonly next?: number;
}

/** @throws what the disk says. */
export function lookForTraces(file: string, traces: readonly string[], from: number): Looked {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(STRETCH_BYTES + TEXT_BYTES);
    const read = readSync(handle, bytes, 0, bytes.length, from);
    const here = bytes.subarray(0, read);
    if (traces.some((trace) => here.includes(trace))) return { found: true };
    return read < bytes.length ? { found: false } : { found: false, next: from + STRETCH_BYTES };
  } finally {
    closeSync(handle);
  }
}
