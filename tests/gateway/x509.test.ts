/** Node's reader of certificates (OpenSSL) is the peer here; tests/system/enrol.test.ts asks `openssl` itself. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DerError, integer, readValues, tlv } from '../../gateway/der.ts';
import { pem, randomSerial, readRequest, signCertificate, signRequest } from '../../gateway/x509.ts';
import { runs } from '../fuzz.ts';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const [from, to] = [Date.UTC(2026, 10, 29), Date.UTC(2027, 10, 29)];

function authority() {
  const keys = pair();
  const issuer = { name: '城市 CA', ...keys };
  const wanted = { serial: randomSerial(), subject: issuer.name, publicKey: keys.publicKey };
  const ca = new X509Certificate(
    signCertificate({ ...wanted, notBefore: from, notAfter: to, use: 'authority' }, issuer),
  );
  return { issuer, ca };
}

describe('a certificate', () => {
  it('is one of the authority, with its names, use and times', () => {
    const { issuer, ca } = authority();
    const { publicKey } = pair();
    const serial = randomSerial();
    const of = { serial, publicKey, notBefore: from, notAfter: to };
    const server = new X509Certificate(
      signCertificate(
        { ...of, subject: 'broker', use: 'server', names: ['broker.example', '10.0.0.9', '::1'] },
        issuer,
      ),
    );
    expect(ca.ca).toBe(true);
    expect(ca.subject).toBe('CN=城市 CA');
    expect(server.checkIssued(ca)).toBe(true);
    expect(server.verify(ca.publicKey)).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.serialNumber).toBe(serial.toString('hex').toUpperCase());
    expect(server.subjectAltName).toBe('DNS:broker.example, IP Address:10.0.0.9, IP Address:0:0:0:0:0:0:0:1');
    expect(server.validToDate.getTime()).toBe(to);
    const client = new X509Certificate(
      signCertificate({ ...of, subject: '4503000001', use: 'client' }, issuer),
    );
    expect(client.subject).toBe('CN=4503000001');
    expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('has a serial of at least 128 random bits', () => {
    const serials = Array.from({ length: 100 }, randomSerial);
    expect(new Set(serials.map((one) => one.toString('hex'))).size).toBe(100);
    for (const one of serials) expect([one.length, one.readUInt8(0) & 0x80]).toEqual([17, 0]);
  });
});

describe('a request', () => {
  it('gives its key, and no other than one on P-256 that signed it', () => {
    const { publicKey, privateKey } = pair();
    const text = signRequest('4503000001', publicKey, privateKey);
    expect(readRequest(text).equals(publicKey)).toBe(true);
    expect(() => readRequest(signRequest('4503000001', publicKey, pair().privateKey))).toThrow(/signature/);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    expect(() => readRequest(signRequest('4503000001', other.publicKey, other.privateKey))).toThrow(/P-256/);
  });

  it('that anybody sends is read or refused, and nothing else', () => {
    const { publicKey, privateKey } = pair();
    const good = Buffer.from(
      signRequest('4503000001', publicKey, privateKey).split('\n').slice(1, -2).join(''),
      'base64',
    );
    const refused = (bytes: Uint8Array) => {
      try {
        readRequest(pem('CERTIFICATE REQUEST', bytes));
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(DerError);
        return true;
      }
    };
    expect(refused(good)).toBe(false);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(good);
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(refused(changed)).toBe(true);
      }),
      { numRuns: runs(300) },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => refused(bytes)));
    fc.assert(fc.property(fc.nat(good.length - 1), (length) => refused(good.subarray(0, length))));
  });
});

describe('DER', () => {
  it('gives back what was written, of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (parts) => {
        const read = readValues(Buffer.concat(parts.map((part) => tlv(0x04, part))));
        expect(read.map(({ content }) => [...content])).toEqual(parts.map((part) => [...part]));
      }),
    );
  });

  it('writes numbers in their shortest form, never negative (X.690, 8.3)', () => {
    const hex = (value: number | Uint8Array) => integer(value).toString('hex');
    expect(hex(0)).toBe('020100');
    expect(hex(127)).toBe('02017f');
    expect(hex(128)).toBe('02020080');
    expect(hex(256)).toBe('02020100');
    expect(hex(Buffer.from('00000080', 'hex'))).toBe('02020080');
  });
});
