/**
 * No stream of bytes costs a decoder more than its length, whole or in small pieces: the worst that each syntax allows.
 * Those of cameras, terminals and HTTP are beside their own tests.
 */
import { createCipheriv } from 'node:crypto';
import { describe, it } from 'vitest';
import type { Decoder } from '../../drivers/contract/codec.ts';
import {
  type Dc09Frame,
  dc09Decoder,
  decryptDc09,
  MAX_BODY,
  parseTimestamp,
} from '../../drivers/dc09/codec.ts';
import { readChallenges } from '../../drivers/digest.ts';
import { rtuRequestDecoder, rtuResponseDecoder, tcpDecoder } from '../../drivers/modbus/codec.ts';
import { osdpDecoder } from '../../drivers/osdp/codec.ts';
import { readStatuses, readSystemTime } from '../../drivers/platforms/gat1400/codec.ts';
import { sizeOf } from '../../drivers/platforms/gat1400/picture.ts';
import { readManscdp } from '../../drivers/platforms/gb28181/manscdp.ts';
import {
  isRequest,
  listOf,
  readAddress,
  readDatagram,
  readUri,
  readVia,
  sipSplitter,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import { readMansrtsp } from '../../drivers/platforms/gb28181/stream/mansrtsp.ts';
import { createMuxer } from '../../drivers/platforms/gb28181/stream/ps.ts';
import { createPacketizer } from '../../drivers/platforms/gb28181/stream/rtp.ts';
import { readOffer } from '../../drivers/platforms/gb28181/stream/sdp.ts';
import { packetReader } from '../../drivers/platforms/mqtt/codec.ts';
import { isFilter, overlap } from '../../drivers/platforms/mqtt/topics.ts';
import { readLine, receiverDecoder } from '../../drivers/receiver/codec.ts';
import { eventsOf } from '../../drivers/receiver/events.ts';
import { decodeText } from '../../drivers/text.ts';
import { cardDecoder } from '../../drivers/wiegand/codec.ts';
import { keyboardDecoder } from '../../drivers/wiegand/keyboard.ts';
import { readCommand } from '../../gateway/commands/command.ts';
import { fragmentReader } from '../../gateway/media/mp4.ts';
import { readReceipt } from '../../gateway/uplink/receipts.ts';
import { expectLinear, repeated } from '../linear.ts';

/** Larger than any frame here, smaller than what a socket gives at once. */
const PIECE = 700;
/** Nearly the longest line that a receiver's may be. */
const LINE = 2000;

/** Starts of frames that never end, lengths that lie, ends without a start. */
const decoders: readonly (readonly [string, () => Pick<Decoder<unknown>, 'push'>, readonly string[]])[] = [
  ['DC-09', dc09Decoder, ['\n00000FFF"', '"', '\r\n', '\n', '\n\n\r0010"', '\n\r\n0010"NULL"']],
  ['lines of receivers', receiverDecoder, ['5011 181234E13001003', '\x14\r\n', ' ', '5011 1']],
  ['Modbus TCP', tcpDecoder, ['\x00\x01\x00\x00\x00\xfe\x01\x03\xfb']],
  ['Modbus RTU, requests', rtuRequestDecoder, ['\x01\x03', '\x01\x10\x00\x00\x00\x7b\xf6']],
  [
    'Modbus RTU, answers',
    () => rtuResponseDecoder(() => [{ unit: 1, function: 3, bytes: 250 }]),
    ['\x01\x03', '\x01\x03\xfa'],
  ],
  ['OSDP', osdpDecoder, ['\x53', '\x53\x00\xb8\x05\x04\x60']],
  ['RDM6300', () => cardDecoder('rdm6300'), ['\x02', '\x027']],
  ['cards as text', () => cardDecoder('ascii'), ['7', '\r\n']],
  ['a keyboard', keyboardDecoder, ['\x01\x00\x0b\x00']],
];

describe.each(decoders)('%s', (_name, decoder, units) => {
  it.each([...units, '\x00', '\xff'])('of %j, again and again', (unit) => {
    expectLinear(
      (bytes: Buffer) => {
        const own = decoder();
        for (let at = 0; at < bytes.length; at += PIECE) own.push(bytes.subarray(at, at + PIECE));
      },
      (bytes) => Buffer.from(repeated(unit, bytes), 'latin1'),
    );
  });
});

describe('a broker', () => {
  it.each([
    ['pings', '\xd0\x00'],
    ['messages without a topic', '\x30\x03\x00\x00\x00'],
    ['properties', '\x30\x08\x00\x01a\x04\x26\x00\x00\x00'],
  ])('that sends %s', (_name, unit) => {
    expectLinear(
      (bytes: Buffer) => packetReader(5, 262_144).push(bytes),
      (bytes) => Buffer.from(repeated(unit, bytes), 'latin1'),
    );
  });

  it.each(['a/', '+/', '/', '#'])('whose topic is %s, again and again', (unit) => {
    expectLinear(isFilter, (bytes) => repeated(unit, bytes));
    expectLinear(
      (topic: string) => overlap(topic, `${topic}x`),
      (bytes) => repeated(unit, bytes),
    );
  });

  it.each(['{"a":', '[', '{"id":"x",', '"', '\\u0000'])(
    'that asks or confirms %s, again and again',
    (unit) => {
      const input = (bytes: number) => Buffer.from(repeated(unit, bytes));
      expectLinear(readCommand, input);
      expectLinear(readReceipt, input);
    },
  );
});

it.each(['{"ResponseStatusListObject":', '[', '{"StatusCode":0},', '"', '\ufeff', '20261128'])(
  'a view library that answers %s, again and again',
  (unit) => {
    for (const head of [
      '',
      '{"ResponseStatusListObject":{"ResponseStatusObject":[',
      '{"SystemTimeObject":{"LocalTime":"',
    ]) {
      const input = (bytes: number) => Buffer.from(repeated(unit, bytes, head));
      expectLinear(readStatuses, input);
      expectLinear(readSystemTime, input);
    }
  },
);

it.each(['\xff', '\xff\xe0\x00\x02', '\xff\xe0\x00\x10', '\x00'])(
  'a picture of %j, again and again',
  (unit) => {
    expectLinear(sizeOf, (bytes) => Buffer.from(repeated(unit, bytes, '\xff\xd8'), 'latin1'));
  },
);

describe('a SIP platform', () => {
  it.each(['<a>', '<', '&', '&amp;', '>', '</a>', '<a ', '="', '\0', ' ', ']]>', 'a'])(
    'that asks %j, again and again',
    (unit) => {
      for (const head of ['', '<Query><SN>1</SN><Name>', '<?xml encoding="'])
        expectLinear(readManscdp, (bytes) => Buffer.from(repeated(unit, bytes, head)));
    },
  );

  const head =
    'OPTIONS sip:a@b SIP/2.0\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n';
  it.each(['\n', '\r\n', ' ', 'a:\r\n', ' \r\n', `${head}l:0\r\n\r\n`])(
    'that sends %j, again and again',
    (unit) => {
      expectLinear(
        (bytes: Buffer) => {
          const split = sipSplitter();
          for (let at = 0; at < bytes.length; at += PIECE) split(bytes.subarray(at, at + PIECE));
        },
        (bytes) => Buffer.from(repeated(unit, bytes, head)),
      );
      expectLinear(readDatagram, (bytes) => Buffer.from(repeated(unit, bytes, head)));
    },
  );

  it.each([';', ',', '"', '\\', '<', '>', ' ', '=', ';a', ':', '@', 'SIP/2.0/'])(
    'whose header is %j, again and again',
    (unit) => {
      expectLinear(
        (bytes: Buffer) => {
          const message = readDatagram(bytes);
          if ('broken' in message || !isRequest(message)) return;
          for (const value of listOf(message, 'contact'))
            [readAddress(value), readVia(value), readUri(value)].join();
        },
        (bytes) => Buffer.from(`${repeated(unit, bytes, `${head}v: SIP/2.0/UDP a\r\nm: <sip:a@b>`)}\r\n\r\n`),
      );
      for (const read of [readAddress, readVia, readUri])
        for (const start of ['', '"', 'sip:', '<sip:', 'SIP/2.0/UDP '])
          expectLinear(read, (bytes) => repeated(unit, bytes, start));
    },
  );
});

it.each(['\xb1\xb1', '\xfc', '\x81\x30', '\xb0]', 'a\xb0\xa1b', '\xe4\xb8'])(
  'a text of %j, again and again',
  (unit) => {
    expectLinear(
      (bytes: Buffer) => {
        // A frame of DC-09 holds no more.
        for (let at = 0; at < bytes.length; at += MAX_BODY) decodeText(bytes.subarray(at, at + MAX_BODY));
      },
      (bytes) => Buffer.from(repeated(unit, bytes), 'latin1'),
    );
  },
);

it.each([
  ['|', '|'],
  ['][', '|'],
  [']_', '|'],
  [' ', '|]'],
  ['1', '|]_'],
  ['x', ''],
])('what opens of a frame under a key, %j again and again', (unit, head) => {
  const key = Buffer.alloc(16, 7);
  const frameOf = (bytes: number): Dc09Frame => {
    const cipher = createCipheriv('aes-128-cbc', key, Buffer.alloc(16)).setAutoPadding(false);
    const whole = repeated(unit, bytes, head);
    const text = whole.slice(0, whole.length - (whole.length % 16));
    const cipherText = Buffer.concat([cipher.update(text, 'latin1'), cipher.final()]).toString('hex');
    return { id: 'NULL', sequence: 0, form: {}, head: '', lengthIsWrong: false, body: '', cipherText };
  };
  expectLinear((frame: Dc09Frame) => decryptDc09(frame, key), frameOf);
});

it.each(['5011 187037E13001003', '1', ' ', '*', "*'", '/BA1', '^', '[#1', '|NBA', 'E'])(
  'a line of a receiver of %j, again and again',
  (unit) => {
    for (const head of ['', '5011 18', 'S011[#1234|N', '3011 ', '80111234 ', '1011 ']) {
      expectLinear(
        (text: string) => {
          for (let at = 0; at < text.length; at += LINE) {
            const line = readLine(`${head}${text.slice(at, at + LINE)}]`);
            if (line !== undefined && line.is !== 'heartbeat') eventsOf(line);
          }
        },
        (bytes) => repeated(unit, bytes),
      );
    }
  },
);

it.each(['_', '1', '_12:00:00,', ':'])('a time of %s, again and again', (unit) => {
  expectLinear(parseTimestamp, (bytes) => repeated(unit, bytes));
});

it.each(['\x00\x00\x00\x08moof', '\x00\x00\x00\x00mdat', 'moov', '\x00\x00\x00\x01'])(
  'a stream of %j, again and again',
  (unit) => {
    expectLinear(
      (bytes: Buffer) => {
        const reader = fragmentReader({ head() {}, fragment() {} });
        for (let at = 0; at < bytes.length; at += PIECE) reader.push(bytes.subarray(at, at + PIECE));
      },
      (bytes) => Buffer.from(repeated(unit, bytes), 'latin1'),
    );
  },
);

describe('a device that asks who we are', () => {
  it.each([
    ['a', ''],
    ['a ', ''],
    [',', ''],
    ['"', 'Digest a='],
    ['\\"', 'Digest a="'],
    ['a=b,', 'Digest '],
    ['a="b", ', 'Digest '],
    ['=', 'Digest '],
  ])('by %s again and again costs no more than its length', (unit, head) => {
    expectLinear(readChallenges, (bytes) => repeated(unit, bytes, head));
  });
});

describe('the stream of GB/T 28181', () => {
  it('is made of a picture in time that is linear', () => {
    expectLinear(
      (bytes: Buffer) => {
        const { bytes: pack, scr } = createMuxer()({
          ...{ kind: 'video', codec: 'h264', bytes, pts: 0, dts: 0, isKey: true },
        });
        createPacketizer({ ssrc: 1, payloadType: 96, sequence: 0, offset: 0, isFramed: true })(pack, scr);
      },
      (bytes) => Buffer.alloc(bytes),
    );
  });

  it.each(['m=video 1\n', 'a=rtpmap:96 ', 'm=video 1 RTP/AVP', ' 96', '\n', 'c=IN ', 'y=1\n'])(
    'an SDP or a MANSRTSP that says %j again and again costs no more',
    (unit) => {
      expectLinear(readOffer, (bytes) => Buffer.from(repeated(unit, bytes)));
      expectLinear(readMansrtsp, (bytes) => Buffer.from(repeated(unit, bytes, 'PLAY ')));
    },
  );
});
