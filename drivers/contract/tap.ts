/** What goes over a wire, for who looks on: as it was read and written, and what a driver makes of it in words. */

/** Taps a wire. Cheap enough for every byte; keeps copies. Passwords and tokens are never given to it. */
export interface Tap {
  /**
   * What the other end said, as it was read. `peer`: who, where several talk at once: each is a stream of its own.
   * `length`: of all of it, where `bytes` are its beginning only.
   */
  heard(bytes: Uint8Array, peer?: string, length?: number): void;
  /** What we wrote. */
  said(bytes: Uint8Array, peer?: string, length?: number): void;
}

/** One read or write, as a tap kept it. A plain value: it crosses threads. */
export interface Piece {
  /** We wrote it. */
  readonly said: boolean;
  readonly peer: string;
  readonly bytes: Uint8Array;
  /** Bytes that there were; more than `bytes` where only the beginning was kept. */
  readonly length: number;
}

/**
 * What stands in it that not everybody may see. `person`: a card, a face, a name, or what nobody can tell.
 * `secret`: a PIN or a key, which nobody is shown.
 */
export type Holds = 'nothing' | 'person' | 'secret';

/** A frame that was found in pieces. */
export interface Explained {
  /** The index of the piece that ended it: its time and its direction are the frame's. */
  readonly piece: number;
  readonly bytes: Uint8Array;
  /** The protocol's own word for it: `POLL`, `read holding registers`; of what is no frame, why. */
  readonly what: string;
  /** What stands in it that is nobody's: addresses, numbers, states. */
  readonly detail: string;
  readonly holds: Holds;
  /** Said over and over with nothing new in it: a poll that was answered with nothing, a heartbeat. */
  readonly isRoutine: boolean;
}

/** Puts the pieces of a wire into the protocol's words. Pure; called in a thread apart. */
export type Explain = (pieces: readonly Piece[]) => readonly Explained[];
