import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withUplink } from '../../../gateway/cli/enrol/uplink.ts';
import { authorise, readCommand } from '../../../gateway/commands/command.ts';
import { findingsOf } from '../../../gateway/doctor/running.ts';
import { addressOf } from '../../../gateway/enrolment/ask.ts';
import { renewsAt } from '../../../gateway/enrolment/index.ts';
import { createEnrolledKeys, pathsOf } from '../../../gateway/enrolment/kept.ts';
import { isRightlySigned, signRenewing } from '../../../gateway/enrolment/wire.ts';

const DAY_MS = 86_400_000;
const now = Date.parse('2026-11-29T08:00:00Z');

describe('a certificate is renewed', () => {
  it('when between a third and a quarter of its life is left, each at a moment of its own', () => {
    const [from, ends] = [now, now + 397 * DAY_MS];
    const left: number[] = [];
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 17, maxLength: 17 }), (bytes) => {
        const serial = Buffer.from(bytes).toString('hex');
        const at = renewsAt({ from, ends, serial });
        expect(renewsAt({ from, ends, serial })).toBe(at);
        left.push((ends - at) / (ends - from));
      }),
    );
    expect(Math.min(...left)).toBeGreaterThan(1 / 4 - 1e-9);
    expect(Math.max(...left)).toBeLessThan(1 / 3 + 1e-9);
    expect(Math.max(...left) - Math.min(...left)).toBeGreaterThan(0.04);
  });

  it('for who signed all of what is asked', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const request = signRenewing(
      { campus: '4503000001', serial: '0a', time: new Date(now).toISOString(), audience: 'a', csr: 'x' },
      privateKey,
    );
    expect(isRightlySigned(request, publicKey)).toBe(true);
    for (const key of ['campus', 'serial', 'time', 'audience', 'csr'] as const)
      expect(isRightlySigned({ ...request, [key]: `${request[key]}1` }, publicKey)).toBe(false);
    fc.assert(
      fc.property(fc.string(), (signature) => {
        expect(isRightlySigned({ ...request, signature }, publicKey)).toBe(false);
      }),
    );
  });
});

describe('an enrolment in a config', () => {
  const paths = pathsOf('/etc/cg/data', 'police');
  const granted = {
    uplink: { urls: ['mqtts://a:8883', 'mqtts://b:8883'], prefix: 'campus/v1/4503000001' },
    keys: [],
  };
  const enrolled = { uplink: 'police', campus: '4503000001', paths, granted };
  const edit = (text: string, more: object = {}) =>
    withUplink(text, parse(text), '/etc/cg/campus.yaml', { ...enrolled, ...more }).text;

  it('is added, and nothing else is touched', () => {
    const text = 'campus: { id: "4503000001", name: x } # one\ndataDir: ./data\ndevices: []\n';
    const made = edit(text);
    expect(made.startsWith(text)).toBe(true);
    expect(parse(made).uplinks).toEqual([
      {
        id: 'police',
        urls: ['mqtts://a:8883', 'mqtts://b:8883'],
        tls: {
          caFile: './data/enrolment.police.ca.pem',
          certFile: './data/enrolment.police.pem',
          keyFile: './data/enrolment.police.pem',
        },
        enrolmentFile: './data/enrolment.police.json',
        receipts: true,
      },
    ]);
    expect(parse(edit('uplinks: []\n')).uplinks).toHaveLength(1);
  });

  it('takes the place of an address and a password, and leaves what a person decided', () => {
    const text =
      'dataDir: /var/lib/cg\nuplinks:\n  - id: education\n    url: mqtt://e\n  # the police\n  - id: police\n    url: mqtts://old:8883\n    username: u\n    passwordFile: p\n    events: [alarm.*] # no more\n';
    const made = edit(text, {
      granted: { ...granted, uplink: { ...granted.uplink, prefix: 'city/4503000001' } },
    });
    expect(made).toContain('# the police');
    expect(made).toContain('events: [alarm.*] # no more');
    const [education, police] = parse(made).uplinks;
    expect(education).toEqual({ id: 'education', url: 'mqtt://e' });
    expect(Object.keys(police).toSorted()).toEqual([
      'enrolmentFile',
      'events',
      'id',
      'tls',
      'topicPrefix',
      'urls',
    ]);
    expect(police.enrolmentFile).toBe('/etc/cg/data/enrolment.police.json');
    // Again: nothing changes.
    expect(
      edit(made, { granted: { ...granted, uplink: { ...granted.uplink, prefix: 'city/4503000001' } } }),
    ).toBe(made);
  });

  it('goes to https alone, or to this machine', () => {
    expect(addressOf('https://platform.example:8443/')).toBe('https://platform.example:8443');
    expect(addressOf('http://127.0.0.1:8090')).toBe('http://127.0.0.1:8090');
    for (const wrong of ['http://platform.example', 'platform.example', 'https://u:p@x', 'ftp://x', ''])
      expect(() => addressOf(wrong)).toThrow(/https/);
  });
});

describe('keys of commands', () => {
  const iso = (ms: number) => new Date(ms).toISOString();

  it('are believed between their times, an old one beside the next', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'keys-')), 'enrolment.json');
    const [old, next] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
    const of = (key: typeof old, notBefore: number, notAfter?: number) => ({
      issuer: 'platform',
      publicKey: key.publicKey.export({ type: 'spki', format: 'pem' }),
      notBefore: iso(notBefore),
      ...(notAfter !== undefined && { notAfter: iso(notAfter) }),
    });
    const put = (keys: object[]) =>
      writeFileSync(
        file,
        JSON.stringify({
          version: '1',
          url: 'https://x',
          campus: '4503000001',
          ca: 'x',
          authority: 'x',
          keys,
        }),
      );
    const broken: string[] = [];
    const keys = createEnrolledKeys(file, (reason) => void broken.push(reason));
    expect([keys(), broken]).toEqual([[], [expect.stringContaining('enrolment.json')]]);
    put([of(old, now, now + 30 * DAY_MS), of(next, now + DAY_MS)]);
    expect(keys()).toHaveLength(2);
    const judge = (by: typeof old, at: number) => {
      const command = {
        id: 'c',
        action: 'acknowledge',
        target: 'gateway',
        audience: '4503000001',
        issuer: 'platform',
      };
      const signature = sign(null, Buffer.from(canonicalize(command) ?? ''), by.privateKey).toString(
        'base64url',
      );
      const read = readCommand(Buffer.from(JSON.stringify({ ...command, signature })));
      if ('wrong' in read) throw new Error(read.wrong);
      const rules = [{ actions: ['acknowledge' as const], targets: ['gateway'], signed: true }];
      const judged = authorise(
        read.command,
        { campus: '4503000001', target: 'gateway' },
        { id: 'police', rules, keys: keys() },
        at,
      );
      return 'refused' in judged ? judged.refused : 'may';
    };
    expect(judge(old, now)).toBe('may');
    expect(judge(next, now)).toMatch(/good from 2026-11-30/);
    expect([judge(old, now + 2 * DAY_MS), judge(next, now + 2 * DAY_MS)]).toEqual(['may', 'may']);
    expect(judge(old, now + 31 * DAY_MS)).toMatch(/until 2026-12-29/);
    // A file that is torn takes no key away.
    writeFileSync(file, '{');
    expect(judge(next, now + 2 * DAY_MS)).toBe('may');
    put([of(next, now)]);
    expect(judge(old, now + 2 * DAY_MS)).toMatch(/signature/);
  });
});

describe('the doctor', () => {
  it('tells how an enrolment is', () => {
    const told = (state: string, days: number) =>
      findingsOf(
        {
          enrolments: {
            police: { state, reason: 'no way', certificateEnds: new Date(now + days * DAY_MS).toISOString() },
          },
        },
        now,
      ).map(({ is, en }) => `${is} ${en}`);
    expect(told('good', 300)).toEqual([expect.stringMatching(/^good .*2027-09-25/)]);
    expect(told('failing', 100)).toEqual([expect.stringMatching(/^note .*no way/)]);
    expect(told('failing', 10)).toEqual([expect.stringMatching(/^bad /)]);
    expect(told('withdrawn', 300)).toEqual([expect.stringMatching(/^bad .*withdrawn/)]);
    expect(told('ended', -1)).toEqual([expect.stringMatching(/^bad .*new code/)]);
  });
});
