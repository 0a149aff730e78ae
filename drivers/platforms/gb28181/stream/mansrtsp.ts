/**
 * MANSRTSP (GB/T 28181-2016, annex B): how a platform steers what it plays, in the body of an INFO. Pure; whatever comes,
 * nothing here throws.
 */

export interface Steer {
  readonly method: 'PLAY' | 'PAUSE' | 'TEARDOWN';
  /** Given back in the answer. */
  readonly cseq: string;
  /** Times as fast as it was; undefined: as it is. */
  readonly scale: number | undefined;
  /** From so many seconds after the begin of what is played; undefined: from where it is. */
  readonly from: number | undefined;
}

/** More is no order. */
const BYTES_MAX = 2048;
/** Annex B names 0.25, 0.5, 1, 2, 4; platforms have 8. Backwards is not played here. */
const SCALE_MIN = 0.25;
const SCALE_MAX = 8;

/** @returns the order, or what is wrong with it: one of a few sentences. */
export function readMansrtsp(body: Buffer): Steer | string {
  if (body.length > BYTES_MAX) return 'a MANSRTSP that is too long';
  const [first = '', ...lines] = body.toString('latin1').split('\n');
  const method = /^(PLAY|PAUSE|TEARDOWN)\s/i.exec(first)?.[1]?.toUpperCase() as Steer['method'] | undefined;
  if (method === undefined) return 'a MANSRTSP that is neither PLAY, PAUSE nor TEARDOWN';
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const scale = numberIn(headers.get('scale'));
  if (Number.isNaN(scale) || (scale !== undefined && (scale < SCALE_MIN || scale > SCALE_MAX)))
    return 'a MANSRTSP with a scale that is not played';
  const range = /^npt\s*=\s*([^-]*)-/i.exec(headers.get('range') ?? '')?.[1]?.trim();
  // `npt=now-`: on from where it is.
  const from = range === '' || /^now$/i.test(range ?? '') ? undefined : numberIn(range);
  if (Number.isNaN(from)) return 'a MANSRTSP with a range that makes no sense';
  return { method, cseq: /^\d{1,10}$/.exec(headers.get('cseq') ?? '')?.[0] ?? '0', scale, from };
}

/** undefined: none was said; NaN: nonsense. */
const numberIn = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  return /^\d{1,9}(\.\d{0,9})?$/.test(text) ? Number(text) : Number.NaN;
};

/** What the platform hears. */
export const writeMansrtsp = ({ cseq }: Steer): Buffer =>
  Buffer.from(`MANSRTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\n\r\n`);
