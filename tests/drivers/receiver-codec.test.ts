/**
 * Lines of receivers: from the manuals of Sur-Gard MLR2-DG, MLR2-E and System III, Silent Knight VisorALARM Plus,
 * Honeywell MX8000, Ademco 685 and VISTA-128B, Bosch Conettix D6600, and captured from receivers in use (EBS OSM,
 * Hik IP Receiver, System III, an Ademco 685).
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LINE, readLine, receiverDecoder, understand } from '../../drivers/receiver/codec.ts';
import { eventsOf } from '../../drivers/receiver/events.ts';
import { runs } from '../fuzz.ts';
import { chunked, decodeAll, discardedBytes, frames } from './decoding.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const textsOf = (...chunks: string[]) =>
  frames(decodeAll(receiverDecoder(), chunks.map(bytes))).map(({ text }) => text);
/** What a line comes to, in a few words each. */
function told(text: string) {
  const line = readLine(text);
  if (line === undefined || line.is === 'heartbeat') return line?.is;
  return eventsOf(line).map(({ meaning, number, user, partition, text: name, still }) =>
    [
      line.account,
      meaning.kind,
      meaning.state === 'raised' ? '' : 'restored',
      meaning.cause ?? '',
      number === undefined ? '' : `zone ${number}`,
      user === undefined ? '' : `user ${user}`,
      partition === undefined ? '' : `of ${partition}`,
      name ?? '',
      still ? 'still' : '',
    ]
      .filter(Boolean)
      .join(' '),
  );
}

describe('a line', () => {
  it.each([
    ['of a Sur-Gard ends with DC4', ['1011           @    \x14'], ['1011           @']],
    [
      'of an Ademco 685 stands between LF and CR',
      ['\n14 1111 18 E134 01 C08 \r\n00 OKAY @\r'],
      ['14 1111 18 E134 01 C08', '00 OKAY @'],
    ],
    ['of an Ademco 685 may end with ESC', ['\n13 0123 1555 5555 6\x1b'], ['13 0123 1555 5555 6']],
    [
      'may have a line feed behind its end, as one alarm center sends it',
      ['501001 181234E13001003 \x14\n'],
      ['501001 181234E13001003'],
    ],
    ['begins with a space in Radionics form', [' a011 123418E13001003\x14'], ['a011 123418E13001003']],
    [
      'may come with others, and in pieces',
      ['5011 18703', '7E13001004\x145011 187037R13001004\x14'],
      ['5011 187037E13001004', '5011 187037R13001004'],
    ],
    ['without an end is whole when nothing follows', ['5011 187037E13001004'], ['5011 187037E13001004']],
  ])('%s', (_name, chunks, expected) => {
    expect(textsOf(...chunks)).toEqual(expected);
  });

  it('that breaks off is none, and the next is read', () => {
    const decoder = receiverDecoder();
    expect(decoder.push(bytes('3011      1234BA'))).toEqual([]);
    expect(decoder.silence()).toEqual([{ discarded: 16, reason: 'torn' }]);
    expect(frames(decoder.push(bytes('3011      1234BA0003\x14')))).toMatchObject([
      { text: '3011      1234BA0003' },
    ]);
  });

  it('that does not end is not held', () => {
    const decoded = decodeAll(receiverDecoder(), [
      bytes('S011[#1234|N'),
      bytes('x'.repeat(9000)),
      bytes('\x14'),
    ]);
    expect(decoded).toEqual([{ discarded: 9013, reason: 'a line that is too long' }]);
  });

  it('never throws, and each byte is in a line or counted', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc
        .constantFrom(
          '\x14',
          '\r',
          '\n',
          '5011 187037E13001004',
          '1011           @    ',
          'S011[#1234|Nri1/BA01]',
        )
        .map(bytes),
      fc.nat(3000).map((length) => Buffer.alloc(length, 0x35)),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), chunked, (parts, cut) => {
        const whole = Buffer.concat(parts);
        const decoded = decodeAll(receiverDecoder(), cut(whole));
        const framed = frames(decoded);
        for (const { text, length } of framed) {
          expect(length).toBeLessThanOrEqual(MAX_LINE + 1);
          const understood = understand(text);
          if (understood !== undefined && understood.line.is !== 'heartbeat') eventsOf(understood.line);
        }
        const empty = [...whole].filter((byte) =>
          [0x14, 0x0d, 0x0a, 0x1b, 0x20, 0x09, 0x0b, 0x0c, 0xa0].includes(byte),
        ).length;
        const counted = discardedBytes(decoded) + framed.reduce((sum, { length }) => sum + length, 0);
        // Ends that stand alone, and spaces between them, are no line.
        expect(counted).toBeLessThanOrEqual(whole.length);
        expect(counted).toBeGreaterThanOrEqual(whole.length - empty);
      }),
    );
  });

  it('of any letters is read without throwing', () => {
    const shapes = fc.stringMatching(/^[0-9a-fA-Z@*^|/[\]#' ]{0,60}$/);
    fc.assert(
      fc.property(shapes, (text) => {
        const line = readLine(text);
        if (line !== undefined && line.is !== 'heartbeat') eventsOf(line);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('a heartbeat', () => {
  it.each([
    ['of an MLR2', '1011           @'],
    ['of a System III', '101000           @'],
    ['of an Ademco 685', '00 OKAY @'],
  ])('%s', (_name, text) => expect(readLine(text)?.is).toBe('heartbeat'));
});

describe('Contact ID', () => {
  it.each([
    // MLR2-E, page 38: account 1234, duress, group 01, 001.
    ['of the MLR2-E manual', '5011 181234E12101001', '1234 duress user 001 of 01'],
    ['captured from EBS OSM', '5011 187037E13001004', '7037 intrusion zone 4 of 01'],
    ['captured from Hik IP Receiver', '501001 187037R30100000', '7037 power restored zone 0 of 00'],
    ['captured from a System III', '501001 180007E60201000', '0007 none zone 0 of 01'],
    ['captured, with letters in its account', '5061 18FC28R40100101', 'FC28 arming user 101 of 00'],
    ['said before and still so', '5011 187037P13001004', '7037 intrusion zone 4 of 01 still'],
    ['of accounts with more digits', '5001 1812345678E13001003', '12345678 intrusion zone 3 of 01'],
    [
      'of accounts that end with the letter of a qualifier',
      '5011 1812EE13001003',
      '12E intrusion zone 3 of 01',
    ],
    ['with a zone of four digits', '5011 181234E130011003', '1234 intrusion zone 1003 of 01'],
    [
      'with digits for qualifiers, as a client of it says',
      '5011 981234313001003',
      '1234 intrusion restored zone 3 of 01',
    ],
    ['with spaces between its parts', '5011 18 1234 E130 01 003', '1234 intrusion zone 3 of 01'],
    ['of Radionics, in VisorALARM', 'a011 123418E13001003', '1234 intrusion zone 3 of 01'],
    ['of Bosch D6600, whose qualifier is a digit', 'a011 123418113001003', '1234 intrusion zone 3 of 01'],
    ['of Ademco 685, in MX8000', '12 1234 18 E130 01 C003', '1234 intrusion zone 3 of 01'],
    ['captured from an Ademco 685', '14 1111 18 R408 01 U00', '1111 arming user 00 of 01'],
    ['captured from an Ademco 685, fire', '14 1111 18 E115 01 C00', '1111 fire pull-station zone 0 of 01'],
    ['of six digits, captured from an Ademco 685', '14 001111 18 E120 01 C00', '001111 panic zone 0 of 01'],
  ])('%s', (_name, text, expected) => expect(told(text)).toEqual([expected]));

  it('in copies without an end between them, as EBS OSM sends what nobody answers, is one', () => {
    const text = '5011 187037E130010035011 187037E130010035011 187037E13001003';
    expect(told(text)).toEqual(['7037 intrusion zone 3 of 01']);
  });

  it.each([
    '5011 187037X13001004',
    '5011 187037E1300100',
    '5011 187037E13001004 basura',
    '501 187037E13001004',
  ])('is not read into %s', (text) => expect(readLine(text)?.is).not.toBe('contact-id'));
});

describe('SIA', () => {
  it.each([
    ['as the panel sent it', 'S011[#1234|Nri1/BA01]', ['1234 intrusion zone 1 of 1']],
    [
      'of several events, captured',
      'S01001[#9993|Nri1/MA0000/MH0000]',
      ['9993 medical zone 0 of 1', '9993 medical restored zone 0 of 1'],
    ],
    ['whose block has no letter', 'S01001[#C710/HA0001]', ['C710 duress hold-up zone 1']],
    ['with a text in Bosch form', "S011[#1234|NBA0003*'FRONT DOOR'NM]", ['1234 intrusion zone 3 FRONT DOOR']],
    [
      'with a text that has slashes, captured',
      "S011[#8888|NBA*'<LINK>http://10.24.34.23:8899/capture_event/media/35000009.jpg<LINK/>']",
      ['8888 intrusion <LINK>http://10.24.34.23:8899/capture_event/media/35000009.jpg<LINK/>'],
    ],
    [
      'of the receiver about a transmitter, captured',
      '001001[#0000000007|NYC*192.0.2.1*]',
      ['0000000007 fault communication 192.0.2.1'],
    ],
    ['in columns, MLR2-DG page 39', '3011      1234BA0003', ['1234 intrusion zone 3']],
    ['in columns, six digits of account', '3011    123456BR0003', ['123456 intrusion restored zone 3']],
    ['in columns, with its area', '3011   1234r2BA 003', ['1234 intrusion zone 3 of 2']],
  ])('%s', (_name, text, expected) => expect(told(text)).toEqual(expected));

  it('has names in UTF-8 and in GB 18030', () => {
    const line = (name: Buffer) =>
      Buffer.concat([bytes('S011[#1234|NBA3^'), name, bytes('^]')]).toString('latin1');
    expect(told(line(Buffer.from('大门')))).toEqual(['1234 intrusion zone 3 大门']);
    // Python: '大门'.encode('gb18030')
    expect(told(line(Buffer.from('b4f3c3c5', 'hex')))).toEqual(['1234 intrusion zone 3 大门']);
  });
});

describe('other lines', () => {
  it.each([
    [
      'High Speed, VISTA-128B 25-5: alarms on 2 and 3',
      '12 1234 5115 5555 7',
      ['1234 intrusion zone 2', '1234 intrusion zone 3'],
    ],
    ['High Speed, VISTA-128B 25-5: alarm on 12', '12 1234 5555 1555 1', ['1234 intrusion zone 12']],
    ['High Speed of a Sur-Gard', '80111234 5355 5555 7', ['1234 intrusion restored zone 2']],
    ['High Speed of Bosch, account of six', 'f011  1234 5655 5555 7', ['1234 intrusion zone 2 still']],
    ['Ademco 685: closed by user 3', '13 0123 3444 4444 4', ['0123 arming user 3']],
    ['Ademco 685: mains', '13 0123 1555 5555 6', ['0123 power zone 0']],
    ['Ademco 685: a telephone line of the panel', '13 0123 5555 5155 6', ['0123 fault phone-line zone 0']],
    ['Ademco 685: its own line 2', '20 LINE 5155 5555 7', ['LINE fault phone-line zone 2']],
    [
      'Ademco 685: its own line 2 again',
      '20 LINE 5355 6555 7',
      ['LINE fault restored phone-line zone 2', 'LINE fault phone-line zone 5 still'],
    ],
    ['Ademco 685: tested by its operator', '10 RCVB 5555 5555 9', []],
    ['a test report', '12 1234 5555 5555 9', ['1234 none']],
    ['a pulse format of a Sur-Gard', '1011      1234 A  03', ['1234 intrusion zone 3']],
    ['a pulse format of a System III, captured', '101001      9999 E  22', ['9999 fault code-E E 22']],
    ['a pulse format of an Ademco 685', '12 3456 F 4', ['3456 fault code-F-4 F 4']],
    ['Modem II, MLR2-E 7.10', '6011      7112 T   9', ['7112 fault code-T-9 T   9']],
  ])('%s', (_name, text, expected) => expect(told(text)).toEqual(expected));

  it.each(['', '%%% basura del puerto serie %%%', 'GET / HTTP/1.1', 'invalid', 'XYZ 42'])(
    '%j is none',
    (text) => expect(readLine(text)).toBeUndefined(),
  );
});

it('a line of 7 bits and even parity, as most Sur-Gards are set, is read where the port is set to 8', () => {
  const even = (byte: number) => ((byte.toString(2).match(/1/g)?.length ?? 0) % 2 === 0 ? byte : byte | 0x80);
  const wire = Buffer.from(bytes('5011 181234E12101001\x141011           @    \x14').map(even));
  const [event, heartbeat] = frames(receiverDecoder().push(wire));
  expect(event && understand(event.text)).toMatchObject({
    sevenBits: true,
    line: { account: '1234', code: '121' },
  });
  expect(heartbeat && understand(heartbeat.text)?.line.is).toBe('heartbeat');
});
