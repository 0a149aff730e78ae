/** What drivers make of their wires for who looks on: in words, and with what is a person's told apart from the rest. */
import { describe, expect, it } from 'vitest';
import type { Explained, Piece } from '../../drivers/contract/tap.ts';
import { explain as explainDc09 } from '../../drivers/dc09/explain.ts';
import { explain as explainPush } from '../../drivers/http-push/explain.ts';
import { tapped, withoutSecrets } from '../../drivers/http-tap.ts';
import { encodeRtu, encodeTcp } from '../../drivers/modbus/codec.ts';
import { explainRtu, explainTcp } from '../../drivers/modbus/explain.ts';
import { explain as explainOnvif } from '../../drivers/onvif/explain.ts';
import { encodeOsdp, type OsdpFrame } from '../../drivers/osdp/codec.ts';
import { explain as explainOsdp } from '../../drivers/osdp/explain.ts';
import { explain as explainReceiver } from '../../drivers/receiver/explain.ts';
import { explainAscii, explainBits, explainKeyboard } from '../../drivers/wiegand/explain.ts';

const piece = (said: boolean, bytes: Uint8Array | string, peer = ''): Piece => {
  const own = Buffer.from(bytes as string);
  return { said, peer, bytes: own, length: own.length };
};
const heard = (bytes: Uint8Array | string, peer = '') => piece(false, bytes, peer);
const said = (bytes: Uint8Array | string, peer = '') => piece(true, bytes, peer);
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const wordsOf = (found: readonly Explained[]) => found.map(({ what, detail }) => `${what}: ${detail}`);
const holdsOf = (found: readonly Explained[]) => found.map(({ what, holds }) => `${what} ${holds}`);

const frame = (code: number, data: number[], more: Partial<OsdpFrame> = {}) =>
  encodeOsdp({ address: 1, reply: true, sequence: 2, crc: true, code, data: Buffer.from(data), ...more });

describe('an OSDP line in words', () => {
  it('names commands and answers, and finds an answer that came in two reads', () => {
    const answer = frame(0x48, [1, 0]);
    const found = explainOsdp([
      said(hex('ff 53 01 08 00 06 60 a5 75')),
      heard(answer.subarray(0, 5)),
      heard(answer.subarray(5)),
    ]);
    expect(found.map(({ what }) => what)).toContain('LSTATR');
    const last = found.at(-1);
    expect(last).toMatchObject({
      piece: 2,
      what: 'LSTATR',
      detail: 'address 1, sequence 2, tamper 1, power 0',
      holds: 'nothing',
    });
    expect(Buffer.from(last?.bytes ?? [])).toEqual(answer);
  });

  it('holds cards for who may see persons, and PINs and keys for nobody', () => {
    const found = explainOsdp([
      heard(frame(0x50, [0, 1, 26, 0, 0x12, 0x34, 0x56, 0x80])),
      heard(frame(0x50, [0, 0, 4, 0, 0x50])),
      heard(frame(0x53, [0, 1, 0x31])),
      said(frame(0x75, [1, 16, ...Buffer.alloc(16, 9)], { reply: false })),
      heard(frame(0x50, [9, 9, 9], { security: Uint8Array.of(0x18), mac: Buffer.alloc(4) })),
      said(frame(0x60, [], { reply: false })),
    ]);
    expect(holdsOf(found)).toEqual([
      'RAW person',
      'RAW secret',
      'KEYPAD secret',
      'KEYSET secret',
      'RAW secret',
      'POLL nothing',
    ]);
    expect(JSON.stringify(wordsOf(found))).not.toContain('0x31');
  });

  it('takes bytes that are no frame for what may be a card', () => {
    const card = frame(0x50, [0, 1, 26, 0, 0x12, 0x34, 0x56, 0x80]);
    const torn = Buffer.concat([card.subarray(0, 9), Buffer.of(0)]);
    const found = explainOsdp([heard(torn), heard(frame(0x40, []))]);
    const shown = found
      .filter(({ holds }) => holds === 'nothing')
      .map(({ bytes }) => Buffer.from(bytes).toString('hex'));
    expect(shown.join('')).not.toContain('1234');
  });
});

describe('a Modbus line in words', () => {
  it('says what was asked and answered, over RTU and over TCP', () => {
    const asked = hex('03 00 10 00 02');
    const answered = hex('03 04 00 07 01 00');
    const wanted = ['Read Holding Registers: unit 5, 2 from 16', 'Read Holding Registers: unit 5, 7 256'];
    const rtu = (pdu: Buffer) => encodeRtu({ unit: 5, pdu });
    expect(wordsOf(explainRtu([said(rtu(asked)), heard(rtu(answered))]))).toEqual(wanted);
    const tcp = (pdu: Buffer) => encodeTcp({ transaction: 9, unit: 5, pdu });
    expect(wordsOf(explainTcp([said(tcp(asked)), heard(tcp(answered))]))).toEqual(
      wanted.map((words) => words.replace('unit 5', 'unit 5, transaction 9')),
    );
  });

  it('says an exception by its name, and shows noise: no person is on this line', () => {
    const found = explainRtu([heard(encodeRtu({ unit: 5, pdu: hex('83 02') })), heard(hex('00 00'))]);
    expect(found[0]).toMatchObject({
      what: 'Read Holding Registers',
      detail: 'unit 5, exception 2: illegal data address',
    });
    expect(found.every(({ holds }) => holds === 'nothing')).toBe(true);
  });
});

describe('panels and receivers in words', () => {
  it('tells connections to one port apart, byte by byte', () => {
    const line = '\n96ED0016"SIA-DCS"0001L0#1234[]\r';
    const found = explainDc09([
      heard(line.slice(0, 10), 'a'),
      heard('\nxx', 'b'),
      heard(line.slice(10), 'a'),
    ]);
    const [one] = found.filter(({ piece: at }) => at === 2);
    expect(Buffer.from(one?.bytes ?? []).toString()).toBe(line);
  });

  it('keeps the text beside an event for who may see persons', () => {
    const found = explainReceiver([
      heard('S011[#1234|Nri1/OP12]\x14'),
      heard("S011[#1234|Nri1/OP12*'Li Wei'NM]\x14"),
      said(Buffer.of(6)),
    ]);
    expect(holdsOf(found)).toEqual(['SIA nothing', 'SIA person', 'ACK nothing']);
    expect(JSON.stringify(wordsOf(found))).not.toContain('Li Wei');
  });
});

describe('readers of cards in words', () => {
  it('shows no number, and of keys nothing to anybody', () => {
    expect(explainAscii([heard('0012345678\r\n')])).toMatchObject([{ what: 'card', holds: 'person' }]);
    expect(JSON.stringify(wordsOf(explainAscii([heard('0012345678\r\n')])))).not.toContain('12345678');
    expect(explainBits([heard('0101\r\n')]).map(({ holds }) => holds)).toEqual(['secret']);
    expect(explainBits([heard('01011\r\n')]).map(({ holds }) => holds)).toEqual(['secret']);
    const typed = Buffer.alloc(24);
    typed.writeUInt16LE(1, 16);
    typed.writeUInt16LE(2, 18);
    typed.writeInt32LE(1, 20);
    expect(explainKeyboard([heard(typed)]).every(({ holds }) => holds === 'secret')).toBe(true);
  });
});

describe('HTTP on a tap', () => {
  it('has no password in it, wherever it stands', () => {
    const all = [
      '{"userName":"admin","password":"hunter2","card":"123"}',
      'USER PIN=7\tPasswd=hunter2\tCard=9',
      '/push/gate?token=hunter2&x=1',
      '<Password Type="a#PasswordDigest">hunter2</Password><wsse:Nonce>hunter2</wsse:Nonce>',
      'rtsp://admin:hunter2@10.0.0.9/stream',
    ];
    for (const text of all) expect(withoutSecrets(text)).not.toContain('hunter2');
    expect(withoutSecrets(all[0] ?? '')).toContain('"card":"123"');
  });

  it('keeps the beginning of a large body, and its length', () => {
    const [bytes, length] = tapped({
      head: 'POST /push/gate',
      contentType: 'image/jpeg',
      body: Buffer.alloc(100_000),
    });
    expect(bytes.length).toBeLessThan(2200);
    expect(length - bytes.length).toBe(100_000 - 2048);
    const [one] = explainPush([{ said: false, peer: 'gate 10.0.0.7', bytes, length }]);
    expect(one).toMatchObject({ what: 'POST /push/gate', detail: 'image/jpeg, 100000 B', holds: 'person' });
  });

  it('takes what a camera says of faces and plates for a person', () => {
    const of = (body: string) => {
      const [bytes, length] = tapped({ head: 'PullMessages 200', body });
      return explainOnvif([{ said: false, peer: '', bytes, length }])[0]?.holds;
    };
    expect(of('<Data><SimpleItem Name="IsMotion" Value="true"/></Data>')).toBe('nothing');
    expect(of('<Data><SimpleItem Name="PlateNumber" Value="A12345"/></Data>')).toBe('person');
  });
});
