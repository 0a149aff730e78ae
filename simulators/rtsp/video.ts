/** The picture of a simulated camera: from bytes of H.264 to pictures for all who look, as long as somebody does. */
import { sendNal, type Viewer } from './rtp.ts';

/** Gives a stream of H.264 in byte-stream form (annex B), as long as somebody looks; the function it gives ends it. */
export type VideoSource = (take: (bytes: Buffer) => void) => () => void;

const START = Buffer.of(0, 0, 1);
const CLOCK = 90;
const SPS = 7;
const PPS = 8;
const DELIMITER = 9;
const IDR = 5;

/** Bytes of annex B -> NAL units, each whole. */
function nalSplitter(take: (nal: Buffer) => void) {
  let pending: Buffer = Buffer.alloc(0);
  return (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    let from = pending.indexOf(START);
    if (from === -1) return;
    for (;;) {
      const next = pending.indexOf(START, from + 3);
      if (next === -1) break;
      // A start code of four bytes begins with a zero that belongs to nobody.
      const end = pending[next - 1] === 0 ? next - 1 : next;
      if (end > from + 3) take(pending.subarray(from + 3, end));
      from = next;
    }
    pending = pending.subarray(from);
  };
}

const typeOf = (nal: Buffer) => (nal[0] ?? 0) & 0x1f;
const isSlice = (nal: Buffer) => typeOf(nal) >= 1 && typeOf(nal) <= IDR;
/** first_mb_in_slice is 0, which Exp-Golomb writes as a single 1. */
const beginsPicture = (nal: Buffer) => isSlice(nal) && ((nal[1] ?? 0) & 0x80) !== 0;

/** What a decoder needs to know before the first picture. */
export interface ParameterSets {
  readonly sps: Buffer;
  readonly pps: Buffer;
}

export interface Video {
  readonly viewers: Set<Viewer>;
  run(): void;
  /** Stops where nobody looks any more. */
  rest(): void;
  stop(): void;
  /** Begins the picture anew: somebody turned the camera. */
  renew(): void;
  /** As soon as they are known. */
  parameterSets(): Promise<ParameterSets>;
}

export function createVideo(source: VideoSource): Video {
  const viewers = new Set<Viewer>();
  const found: { sps?: Buffer; pps?: Buffer } = {};
  const known = Promise.withResolvers<void>();
  let end: (() => void) | undefined;
  let picture: Buffer[] = [];

  const flush = () => {
    const time = Math.floor(performance.now() * CLOCK);
    const isKey = picture.some((nal) => typeOf(nal) === IDR);
    for (const viewer of viewers) {
      if (!viewer.playing || (!viewer.started && !isKey)) continue;
      viewer.started = true;
      for (const [i, nal] of picture.entries()) sendNal(viewer, nal, i === picture.length - 1, time);
    }
    picture = [];
  };
  const take = (nal: Buffer) => {
    if (typeOf(nal) === SPS) found.sps = Buffer.from(nal);
    if (typeOf(nal) === PPS) found.pps = Buffer.from(nal);
    if (found.sps !== undefined && found.pps !== undefined) known.resolve();
    if ((!isSlice(nal) || beginsPicture(nal)) && picture.some(isSlice)) flush();
    // The delimiter has done its work: a picture goes out with the next one's, not later.
    if (typeOf(nal) !== DELIMITER) picture.push(Buffer.from(nal));
  };
  const stop = () => {
    end?.();
    end = undefined;
  };
  return {
    viewers,
    run() {
      end ??= source(nalSplitter(take));
    },
    rest() {
      if ([...viewers].some(({ playing }) => playing)) return;
      stop();
      picture = [];
    },
    stop,
    renew() {
      if (end === undefined) return;
      end();
      end = source(nalSplitter(take));
    },
    parameterSets: () => known.promise.then(() => found as ParameterSets),
  };
}
