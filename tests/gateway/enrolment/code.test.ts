import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeId, codeKey, isSame, makeCode, proofOf, readCode } from '../../../gateway/enrolment/code.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const codes = fc.uint8Array({ minLength: 11, maxLength: 11 }).map((bytes) => makeCode(bytes));

describe('a code', () => {
  it('is read as it was made, however it is typed', () => {
    fc.assert(
      fc.property(codes, fc.boolean(), fc.constantFrom('-', ' ', '', '–'), (code, isLower, between) => {
        expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/);
        const typed = code.replaceAll('-', between).replaceAll('0', 'O').replaceAll('1', 'l');
        expect(readCode(isLower ? typed.toLowerCase() : typed)).toEqual({ code });
      }),
    );
  });

  it('with one wrong symbol, or two neighbours the wrong way round, is none', () => {
    fc.assert(
      fc.property(codes, fc.nat(19), fc.nat(31), (code, at, to) => {
        const plain = code.replaceAll('-', '');
        const letter = ALPHABET[to] ?? '';
        const wrong = plain.slice(0, at) + letter + plain.slice(at + 1);
        if (wrong !== plain) expect(readCode(wrong)).toEqual({ wrong: 'typo' });
        const [one = '', two = ''] = [plain[at], plain[at + 1]];
        const turned = plain.slice(0, at) + two + one + plain.slice(at + 2);
        if (turned !== plain && at < 19) expect(readCode(turned)).toEqual({ wrong: 'typo' });
      }),
    );
  });

  it('is refused with what is wrong with it', () => {
    const code = makeCode();
    expect(readCode(code.slice(0, -1))).toEqual({ wrong: 'length' });
    expect(readCode(`${code}A`)).toEqual({ wrong: 'length' });
    expect(readCode(code.replace(/^./, 'U'))).toEqual({ wrong: 'letter' });
    fc.assert(fc.property(fc.string(), (text) => void readCode(text)));
  });

  it('is another each time, and says nothing by what is kept of it', () => {
    const many = new Set(Array.from({ length: 1000 }, () => makeCode()));
    expect(many.size).toBe(1000);
    const code = makeCode();
    expect(codeId(code)).toMatch(/^[0-9a-f]{32}$/);
    expect(codeKey(code).toString('hex')).not.toContain(codeId(code));
  });

  it('shows that the other side knows it: another code, nonce or authority gives another proof', () => {
    const key = codeKey(makeCode());
    const [nonce, authority] = [Buffer.from('nonce'), Buffer.from('authority')];
    const proof = proofOf(key, nonce, authority);
    expect(isSame(proof, proofOf(key, nonce, authority))).toBe(true);
    for (const other of [
      proofOf(codeKey(makeCode()), nonce, authority),
      proofOf(key, Buffer.from('other'), authority),
      proofOf(key, nonce, Buffer.from('other')),
    ])
      expect(isSame(proof, other)).toBe(false);
  });
});
