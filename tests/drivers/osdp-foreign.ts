/**
 * A reader that shares no code with the product: its frames, its CRC and its secure channel are written from SIA OSDP
 * 2.2 (annex D), so that a mistake of ours does not agree with itself. It answers as told, and lies as told.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { tcpServer } from '../helpers.ts';

export const FACTORY_KEY = Buffer.from('303132333435363738393a3b3c3d3e3f', 'hex');
const NOTHING = Buffer.alloc(0);

export interface Question {
  readonly code: number;
  readonly sequence: number;
  /** Decrypted. */
  readonly data: Buffer;
  /** The type of its security block; 0: in clear. */
  readonly type: number;
  readonly bytes: Buffer;
}
interface Said {
  readonly code: number;
  readonly data?: Buffer;
}

export interface ForeignOptions {
  /** 0 by default. */
  readonly address?: number;
  readonly key?: Buffer;
  /** What it says that it can (PDCAP). */
  readonly cap?: string;
  /** It knows the checksum alone, and says NAK 1 to a CRC, or nothing. */
  readonly checksum?: 'refuses' | 'ignores';
  /** LSTATR and RSTATR; undefined: it knows no RSTAT. */
  readonly status?: () => { readonly local?: Buffer; readonly attached?: Buffer };
  /** The security block under which it leaves its status in clear in the session, as libosdp 3.2 does. */
  readonly statusType?: number;
  /** The security block of RMAC_I, 14 01 by the standard. */
  readonly rmacBlock?: Buffer;
  /** Full security: in clear only ID, CAP and COMSET. */
  readonly strict?: boolean;
  /** The type of the security block of answers without data, 16 by the standard. */
  readonly emptyType?: number;
  /** Instead of what it would do: bytes, or 'lost'. undefined: as it would. */
  readonly before?: (question: Question, reader: ForeignReader) => Buffer | 'lost' | undefined;
  /** What goes on the line instead of its answer, and after it has done it. */
  readonly after?: (answer: Buffer, question: Question, reader: ForeignReader) => Buffer | 'lost';
}
export interface ForeignReader {
  /** Told at the next polls. */
  readonly events: Said[];
  /** All that it was asked. */
  readonly asked: Question[];
  readonly secure: boolean;
  key: Buffer | undefined;
  readonly address: number;
  clear(sequence: number, code: number, data?: Buffer): Buffer;
  answer(frame: Buffer): Buffer | undefined;
}

const block = (key: Buffer, data: Buffer) => {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
};
const xor = (one: Buffer, other: Buffer) => Buffer.from(one.map((byte, i) => byte ^ (other[i] ?? 0)));
const inverse = (bytes: Buffer) => Buffer.from(bytes.map((byte) => ~byte & 255));
const padded = (bytes: Buffer) => {
  const whole = Buffer.concat([bytes, Buffer.of(0x80)]);
  return Buffer.concat([whole, Buffer.alloc((16 - (whole.length % 16)) % 16)]);
};
function crc(bytes: Buffer): Buffer {
  let value = 0x1d0f;
  for (const byte of bytes) {
    value ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) value = ((value << 1) ^ ((value & 0x8000) === 0 ? 0 : 0x1021)) & 0xffff;
  }
  return Buffer.of(value & 255, value >> 8);
}

/** Who answers, and with which check. */
interface Wire {
  readonly address: number;
  crc: boolean;
}

/** `type`: the security block, without its length. */
function frame(
  { address, crc: long }: Wire,
  sequence: number,
  type: Buffer,
  { code, data = NOTHING }: Said,
  mac?: (head: Buffer) => Buffer,
) {
  const blocked = type.length === 0 ? type : Buffer.concat([Buffer.of(type.length + 1), type]);
  const length = 5 + blocked.length + 1 + data.length + (mac ? 4 : 0) + (long ? 2 : 1);
  const control = sequence | (long ? 4 : 0) | (type.length > 0 ? 8 : 0);
  const start = Buffer.of(0x53, 0x80 | address, length & 255, length >> 8, control);
  const head = Buffer.concat([start, blocked, Buffer.of(code), data]);
  const body = mac ? Buffer.concat([head, mac(head)]) : head;
  return Buffer.concat([
    body,
    long ? crc(body) : Buffer.of(-body.reduce((sum, byte) => sum + byte, 0) & 255),
  ]);
}

/** The reader's end of the secure channel, D.1 to D.6. */
function foreignChannel(wire: Wire, emptyType: number, statusType: number | undefined) {
  let hostRandom: Buffer = NOTHING;
  let ownRandom: Buffer = NOTHING;
  let keys: readonly [enc: Buffer, mac1: Buffer, mac2: Buffer] = [NOTHING, NOTHING, NOTHING];
  /** The last MAC of each end. */
  let macOfHost: Buffer = NOTHING;
  let macOfReader: Buffer = NOTHING;
  const macOf = (iv: Buffer, message: Buffer) => {
    const whole = message.length % 16 === 0 ? message : padded(message);
    let mac = iv;
    for (let at = 0; at < whole.length; at += 16)
      mac = block(at + 16 === whole.length ? keys[2] : keys[1], xor(whole.subarray(at, at + 16), mac));
    return mac;
  };
  return {
    challenge(key: Buffer, random: Buffer): Buffer {
      hostRandom = Buffer.from(random);
      ownRandom = randomBytes(8);
      const derive = (a: number, b: number) =>
        block(key, Buffer.concat([Buffer.of(a, b), random.subarray(0, 6), Buffer.alloc(8)]));
      keys = [derive(1, 0x82), derive(1, 1), derive(1, 2)];
      return Buffer.concat([
        Buffer.alloc(8, 7),
        ownRandom,
        block(keys[0], Buffer.concat([hostRandom, ownRandom])),
      ]);
    },
    /** The first MAC; undefined: the other end has another key. */
    confirm(cryptogram: Buffer): Buffer | undefined {
      if (!block(keys[0], Buffer.concat([ownRandom, hostRandom])).equals(cryptogram)) return undefined;
      macOfReader = block(keys[2], block(keys[1], cryptogram));
      return macOfReader;
    },
    seal(sequence: number, { code, data = NOTHING }: Said): Buffer {
      const cipher = createCipheriv('aes-128-cbc', keys[0], inverse(macOfHost)).setAutoPadding(false);
      const status = statusType !== undefined && code === 0x48;
      const hidden =
        data.length === 0 || status ? data : Buffer.concat([cipher.update(padded(data)), cipher.final()]);
      return frame(
        wire,
        sequence,
        Buffer.of(status ? statusType : data.length === 0 ? emptyType : 0x18),
        { code, data: hidden },
        (head) => {
          macOfReader = macOf(macOfHost, head);
          return macOfReader.subarray(0, 4);
        },
      );
    },
    /** The data of a question; undefined: it is not of this session. */
    open({ type, data }: Question, body: Buffer): Buffer | undefined {
      const mac = type < 0x15 ? NOTHING : macOf(macOfReader, body.subarray(0, -4));
      if (!mac.subarray(0, 4).equals(body.subarray(-4))) return undefined;
      macOfHost = mac;
      if (type !== 0x17) return data;
      const decipher = createDecipheriv('aes-128-cbc', keys[0], inverse(macOfReader)).setAutoPadding(false);
      const whole = Buffer.concat([decipher.update(data), decipher.final()]);
      return whole.subarray(0, whole.lastIndexOf(0x80));
    },
  };
}

function questionOf(bytes: Buffer): { question: Question; body: Buffer; kind: number } {
  const control = bytes[4] ?? 0;
  const at = 5 + ((control & 8) === 0 ? 0 : (bytes[5] ?? 0));
  const type = at === 5 ? 0 : (bytes[6] ?? 0);
  const body = bytes.subarray(0, (control & 4) === 0 ? -1 : -2);
  const data = body.subarray(at + 1, body.length - (type >= 0x15 ? 4 : 0));
  return {
    question: { code: body[at] ?? 0, data, sequence: control & 3, type, bytes },
    body,
    kind: bytes[at - 1] ?? 0,
  };
}

/** What it says to a question, when it listens to it. */
function does(code: number, data: Buffer, reader: ForeignReader, { cap, status }: ForeignOptions): Said {
  const { local = Buffer.of(0, 0), attached } = status?.() ?? {};
  switch (code) {
    case 0x60:
      return reader.events.shift() ?? { code: 0x40 };
    case 0x61:
      return { code: 0x45, data: Buffer.from('112233010201020304010203', 'hex') };
    case 0x62:
      return { code: 0x46, data: Buffer.from(cap ?? '010104040101050101060101', 'hex') };
    case 0x64:
      return { code: 0x48, data: local };
    case 0x67:
      return attached === undefined ? { code: 0x41, data: Buffer.of(3) } : { code: 0x4b, data: attached };
    case 0x6e:
      return { code: 0x54, data };
    case 0x75:
      reader.key = Buffer.from(data.subarray(2));
      return { code: 0x40 };
    default:
      return [0x68, 0x69, 0x6a, 0x6b].includes(code) ? { code: 0x40 } : { code: 0x41, data: Buffer.of(3) };
  }
}

export function foreignReader(options: ForeignOptions): ForeignReader {
  const { address = 0, checksum, rmacBlock = Buffer.of(0x14, 1) } = options;
  const wire: Wire = { address, crc: checksum === undefined };
  const { strict = false, emptyType = 0x16, before, after = (answer) => answer } = options;
  const channel = foreignChannel(wire, emptyType, options.statusType);
  let last: { sequence: number; answer: Buffer } | undefined;
  let up = false;
  const refuse = (sequence: number, reason: number) => {
    up = false;
    return reader.clear(sequence, 0x41, Buffer.of(reason));
  };
  const shake = ({ code, data, sequence }: Question, kind: number) => {
    up = false;
    if (code === 0x76) {
      const key = kind === 0 ? FACTORY_KEY : (reader.key ?? FACTORY_KEY);
      return frame(wire, sequence, Buffer.of(0x12, kind), { code: 0x76, data: channel.challenge(key, data) });
    }
    const mac = code === 0x77 ? channel.confirm(data) : undefined;
    if (mac === undefined) return refuse(sequence, 6);
    up = true;
    return frame(wire, sequence, rmacBlock, { code: 0x78, data: mac });
  };
  const answerTo = (question: Question, body: Buffer, kind: number): Buffer => {
    const { type, sequence, code } = question;
    if (type !== 0 && type < 0x15) return shake(question, kind);
    if (!up) {
      if (type !== 0 || (strict && ![0x61, 0x62, 0x6e].includes(code))) return refuse(sequence, 6);
      const said = does(code, question.data, reader, options);
      return reader.clear(sequence, said.code, said.data);
    }
    const data = channel.open(question, body);
    return data === undefined
      ? refuse(sequence, 6)
      : channel.seal(sequence, does(code, data, reader, options));
  };
  const reader: ForeignReader = {
    events: [],
    asked: [],
    key: options.key,
    get secure() {
      return up;
    },
    clear: (sequence, code, data = NOTHING) => frame(wire, sequence, NOTHING, { code, data }),
    address,
    answer(bytes) {
      const { question, body, kind } = questionOf(bytes);
      const { sequence } = question;
      reader.asked.push(question);
      if (checksum !== undefined && ((bytes[4] ?? 0) & 4) !== 0)
        return checksum === 'ignores' ? undefined : reader.clear(sequence, 0x41, Buffer.of(1));
      const early = before?.(question, reader);
      if (early !== undefined) return early === 'lost' ? undefined : early;
      // 5.9: 0 begins anew, the same number is the same question.
      if (sequence === 0) up = false;
      if (sequence === 0 || last?.sequence !== sequence) {
        const inTurn = sequence === 0 || (last !== undefined && sequence === (last.sequence % 3) + 1);
        last = { sequence, answer: inTurn ? answerTo(question, body, kind) : refuse(sequence, 4) };
      }
      const sent = after(last.answer, question, reader);
      return sent === 'lost' ? undefined : sent;
    },
  };
  return reader;
}

/** A card of 26 bits, facility 1, number 5, by hand: 0 00000001 0000000000000101 1, its parity even and odd. */
export const card = {
  code: 0x50,
  data: Buffer.from([0, 0, 26, 0, 0b10000000, 0b10000000, 0b00000010, 0b11000000]),
};

/** The reader behind a serial server. `say`: puts bytes on the line, unasked. */
export async function foreignServer(options: ForeignOptions) {
  const reader = foreignReader(options);
  const { port, server } = await tcpServer();
  const write: ((bytes: Buffer) => void)[] = [];
  server.on('connection', (socket) => {
    let pending = Buffer.alloc(0);
    write.push((bytes) => void socket.write(bytes));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        pending = pending.subarray(Math.max(0, pending.indexOf(0x53)));
        const length = pending.length < 4 ? Number.POSITIVE_INFINITY : pending.readUInt16LE(2);
        if (pending.length < length) return;
        const answer = reader.answer(Buffer.from(pending.subarray(0, length)));
        pending = pending.subarray(length);
        if (answer !== undefined) socket.write(Buffer.concat([Buffer.of(0xff), answer]));
      }
    });
  });
  return { reader, port, say: (bytes: Buffer) => write.at(-1)?.(bytes) };
}
