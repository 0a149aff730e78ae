/**
 * Which check the frames to a reader get: the CRC, or the checksum, which is all that some readers know (PDCAP function 8,
 * level 0). Those say NAK 1 to a CRC, or nothing.
 */
export interface Check {
  /** The next frame gets a CRC, else a checksum. */
  readonly crc: boolean;
  /** So often is a reader asked that has not answered yet, before the other check is tried. */
  readonly tries: number;
  /** It understood. */
  heard(): void;
  /** NAK 1. True: it is the check and no noise, and the next frame gets the other one. */
  refused(): boolean;
  /** It did not answer at all. */
  unheard(): void;
  /** PDCAP, function 8: 0 is the checksum alone. */
  told(level: number): void;
  /** It may be another reader that answers next. */
  forget(): void;
}

/** Once may be noise. */
const REFUSALS = 2;
const TRIES = 3;

export function createCheck(): Check {
  let crc = true;
  /** What it understood last. */
  let usual = true;
  /** It understood this one. */
  let proven = false;
  let refusals = 0;
  /** So often is it believed: some say one thing and do another. */
  let trust = 2;
  const change = (to: boolean) => {
    crc = to;
    proven = false;
    refusals = 0;
  };
  return {
    get crc() {
      return crc;
    },
    get tries() {
      return crc === usual ? TRIES : 1;
    },
    heard() {
      usual = crc;
      proven = true;
      refusals = 0;
    },
    refused() {
      if (proven || ++refusals < REFUSALS) return false;
      change(!crc);
      return true;
    },
    unheard() {
      if (!proven) change(!crc);
    },
    told(level) {
      if (level > 0 !== crc && trust-- > 0) change(level > 0);
    },
    forget() {
      proven = false;
    },
  };
}
