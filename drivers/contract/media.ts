/** What cameras see, for platforms: live, and what was kept of it around alarms. */

/**
 * One picture, or a stretch of sound, encoded. Times in ticks of 90 kHz, both kinds on one clock: 0 is the decoding time of
 * the first picture that came of the camera, or of the clip; who looks later begins later.
 */
export type Unit =
  | {
      readonly kind: 'video';
      /** The camera's own: never transcoded. */
      readonly codec: 'h264' | 'h265';
      /** Annex B, with start codes of 4 bytes; the parameter sets stand before each key picture. */
      readonly bytes: Buffer;
      readonly pts: number;
      readonly dts: number;
      /** It depends on no picture before it. */
      readonly isKey: boolean;
    }
  | {
      readonly kind: 'audio';
      /** A-law, 8 kHz, one channel: a byte a sample. */
      readonly codec: 'g711a';
      readonly bytes: Buffer;
      readonly pts: number;
    };

export interface Watching {
  /** Resolves with the reason, a sentence without secrets, when nothing comes any more. Never rejects. */
  readonly ended: Promise<Error>;
  close(): void;
}

/** Something that is kept of a camera, around an alarm. Times are epoch ms, to about a second. */
export interface Clip {
  /** A reference, as `picture` takes it. */
  readonly id: string;
  readonly camera: string;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  /** The id of the alarm's event. */
  readonly event?: string | undefined;
}

/** Its times stay those of the clip, wherever it goes and however fast. */
export interface Playing extends Watching {
  pause(): void;
  resume(): void;
  /** To so many ms from the clip's begin: on from the key picture before it. */
  seek(ms: number): void;
  /** 0.25 to 8; above 2 only key pictures come. */
  scale(factor: number): void;
}

export interface CameraMedia {
  /**
   * A camera from its last key picture on: one pull and one ffmpeg for all who look, the console included. The first unit
   * is a key picture. A sink that returns false is behind: it gets nothing until the next key picture. It
   * may be called before `watch` returns. A camera that breaks off is waited for, and the times go on.
   */
  watch(camera: string, sink: (unit: Unit) => boolean, wants: { readonly audio: boolean }): Watching;
  /** Asks a camera for a key picture soon, where it can be asked; resolves with whether it was. Never rejects. */
  refresh(camera: string): Promise<boolean>;
  /** The presets of a camera that can be called by a number, 1 to 255. @throws Error where it does not tell them. */
  presets(camera: string): Promise<readonly { readonly number: number; readonly name: string }[]>;
  /** What is kept of a camera and overlaps this time, epoch ms, the oldest first. */
  clips(camera: string, from: number, to: number): Promise<readonly Clip[]>;
  /**
   * Plays a clip from the key picture before `fromMs` on: as it was recorded (`real`, where a sink that returns false gets
   * nothing until the next key picture), or as fast as the sink takes it (`fast`, where false means: no more until
   * `resume`). At the clip's end `ended` resolves with an EndOfClip. `audio`: with its sound, where it has any; the clips
   * that the gateway keeps have none.
   */
  play(
    clip: Clip,
    sink: (unit: Unit) => boolean,
    how: { readonly fromMs: number; readonly pace: 'real' | 'fast'; readonly audio: boolean },
  ): Playing;
  /** A picture or a clip that is kept, by its reference; undefined: it is not there any more. */
  picture(reference: string): Promise<{ readonly contentType: string; readonly bytes: Buffer } | undefined>;
}

/** All of a clip was played. */
export class EndOfClip extends Error {
  readonly code = 'E_MEDIA_END_OF_CLIP';
  constructor(message = 'the clip is at its end', options?: ErrorOptions) {
    super(message, options);
    this.name = 'EndOfClip';
  }
}

const nothing: Playing = {
  ended: Promise.resolve(new Error('there are no cameras here')),
  close() {},
  pause() {},
  resume() {},
  seek() {},
  scale() {},
};

/** Where there are no cameras: of a channel that only sends. */
export const noMedia: CameraMedia = {
  watch: () => nothing,
  refresh: async () => false,
  presets: async () => [],
  clips: async () => [],
  play: () => nothing,
  picture: async () => undefined,
};
