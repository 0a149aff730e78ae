import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum, crc16, encodeOsdp, type OsdpFrame, osdpDecoder } from '../../drivers/osdp/codec.ts';
import {
  cryptograms,
  DEFAULT_KEY,
  initialMac,
  secureChannel,
  sessionKeys,
} from '../../drivers/osdp/secure.ts';
import { frames } from './decoding.ts';

const hex = (text: string) => Buffer.from(text.replace(/ /g, ''), 'hex');
/** Of ../shared/protocols.md: CRC and checksum of frames of the standard. */
const vectors = [
  { body: '53 7F 0D 00 04 6E 00 80 25 00 00', check: '6E 38' },
  { body: '53 00 09 00 04 61 00', check: 'C0 66' },
  { body: '53 7F 0C 00 00 6E 00 80 25 00 00', check: '0F' },
  { body: '53 00 08 00 00 61 00', check: '44' },
];

describe('an OSDP frame', () => {
  it.each(vectors)('has the check of the standard: $body', ({ body, check }) => {
    const bytes = hex(body);
    const own = check.length > 2 ? crc16(bytes) : checksum(bytes);
    expect(check.length > 2 ? Buffer.from([own & 0xff, own >> 8]) : Buffer.from([own])).toEqual(hex(check));
  });

  it.each(vectors)('is read and written as the standard has it: $body', ({ body, check }) => {
    const bytes = hex(body + check);
    const [one] = frames(osdpDecoder().push(Buffer.concat([hex('ff'), bytes])));
    expect(one).toMatchObject({
      address: bytes[1],
      reply: false,
      sequence: 0,
      code: bytes[5],
      data: hex(body).subarray(6),
    });
    expect(encodeOsdp(one as OsdpFrame)).toEqual(bytes);
  });

  const anyFrame = fc.record({
    address: fc.integer({ min: 0, max: 127 }),
    reply: fc.boolean(),
    sequence: fc.integer({ min: 0, max: 3 }),
    crc: fc.boolean(),
    code: fc.integer({ min: 0, max: 255 }),
    data: fc.uint8Array({ maxLength: 120 }),
  });

  it('of a reader says, once it has begun, how much of it is missing', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), (frame, cut) => {
        const bytes = encodeOsdp({ ...frame, address: 5, reply: true });
        const decoder = osdpDecoder();
        const at = 1 + (cut % (bytes.length - 1));
        decoder.push(bytes.subarray(0, at));
        const missing = decoder.missing(5);
        expect(missing).toBeGreaterThan(0);
        expect(missing).toBeLessThanOrEqual(bytes.length - at);
        if (at >= 4) expect(missing).toBe(bytes.length - at);
        // Of nobody else.
        if (at > 1) expect(decoder.missing(6)).toBe(0);
        if (at > 1) expect(decoder.missing(127)).toBe(missing);
        decoder.push(bytes.subarray(at));
        expect(decoder.missing(5)).toBe(0);
      }),
    );
  });

  it('is found behind noise, in any pieces, and nothing of the noise vanishes', () => {
    fc.assert(
      fc.property(
        anyFrame,
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (frame, noise, piece) => {
          const clean = noise.filter((byte) => byte !== 0x53);
          const bytes = Buffer.concat([clean, encodeOsdp(frame)]);
          const decoder = osdpDecoder();
          const out = [];
          for (let at = 0; at < bytes.length; at += piece)
            out.push(...decoder.push(bytes.subarray(at, at + piece)));
          expect(frames(out).map((one) => ({ ...one, data: [...one.data] }))).toEqual([
            { ...frame, data: [...frame.data] },
          ]);
          const lost = out.reduce((sum, one) => sum + ('discarded' in one ? one.discarded : 0), 0);
          expect(lost).toBe(clean.filter((byte) => byte !== 0xff).length);
        },
      ),
    );
  });

  it('with one bit changed is none, and the next one is read', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), fc.nat(7), (frame, where, bit) => {
        const bytes = encodeOsdp({ ...frame, crc: true });
        const at = 5 + (where % (bytes.length - 5));
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        const decoder = osdpDecoder();
        const out = [
          ...decoder.push(bytes),
          ...decoder.silence(),
          ...decoder.push(hex(vectors[1]!.body + vectors[1]!.check)),
        ];
        const codes = frames(out).map(({ code, data }) => [code, data.length]);
        expect(codes.at(-1)).toEqual([0x61, 1]);
        expect(
          frames(out).some(
            (one) =>
              one.crc &&
              one.data.length === frame.data.length &&
              one.code === frame.code &&
              frame.code !== 0x61,
          ),
        ).toBe(false);
      }),
    );
  });

  it('of any bytes never throws, and holds no more than the longest', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
        const decoder = osdpDecoder();
        for (const chunk of chunks) decoder.push(chunk);
        decoder.silence();
      }),
    );
  });
});

describe('the secure channel', () => {
  // SIA OSDP, annex E, as in ../shared/protocols.md.
  const host = hex('B0B1B2B3B4B5B6B7');
  const reader = hex('A0A1A2A3A4A5A6A7');
  const keys = sessionKeys(DEFAULT_KEY, host);

  it('has the keys, cryptograms and first MAC of annex E', () => {
    expect(keys.mac1).toEqual(hex('5E86C676603BDEE2D8BEAFE178637332'));
    expect(keys.mac2).toEqual(hex('6FDA86E857777E81132035758239172E'));
    expect(keys.enc).toEqual(hex('BF8DC2A8329ACB8C67C6D0CD9A451682'));
    const { server, client } = cryptograms(keys, host, reader);
    expect(server).toEqual(hex('26D3356E07762D262801FC8E6665A891'));
    expect(client).toEqual(hex('FDE5D2F428EC16312471EA3C02BD7796'));
    expect(initialMac(keys, server)).toEqual(hex('B2A30057EB98BA2229EC1F875662B524'));
  });

  const session = () => {
    const first = initialMac(keys, cryptograms(keys, host, reader).server);
    return { panel: secureChannel(keys, first), pd: secureChannel(keys, first) };
  };
  const frame = (data: Uint8Array, reply: boolean) => ({
    address: 3,
    reply,
    sequence: 1,
    crc: true,
    code: 0x60,
    data,
  });
  const over = (sealed: OsdpFrame): OsdpFrame =>
    frames(osdpDecoder().push(encodeOsdp(sealed)))[0] as OsdpFrame;

  it('carries data of any length both ways, turn by turn', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), (turns) => {
        const { panel, pd } = session();
        for (const data of turns) {
          const command = over(panel.seal(frame(data, false)));
          if (data.length > 0)
            expect(Buffer.from(command.data).includes(Buffer.from(data)) && data.length > 3).toBe(false);
          expect([...(pd.open(command)?.data ?? [-1])]).toEqual([...data]);
          expect([...(panel.open(over(pd.seal(frame(data, true))))?.data ?? [-1])]).toEqual([...data]);
        }
      }),
    );
  });

  it('takes no frame twice, none of another turn, none that was changed, and none without a MAC', () => {
    const { panel, pd } = session();
    const first = over(panel.seal(frame(hex('0102'), false)));
    expect(pd.open(first)).toBeDefined();
    const answer = over(pd.seal(frame(hex('03'), true)));
    expect(panel.open({ ...answer, code: 0x40 })).toBeUndefined();
    expect(panel.open({ ...answer, data: answer.data.map((byte) => byte ^ 1) })).toBeUndefined();
    expect(panel.open({ ...answer, mac: hex('00000000') })).toBeUndefined();
    const { mac: _none, ...bare } = answer;
    expect(panel.open(bare)).toBeUndefined();
    // Its own frame, sent back.
    expect(panel.open(first)).toBeUndefined();
    expect(panel.open(answer)).toBeDefined();
    // The chain has moved on.
    panel.seal(frame(hex('04'), false));
    expect(panel.open(answer)).toBeUndefined();
    expect(pd.open(first)).toBeUndefined();
  });
});
