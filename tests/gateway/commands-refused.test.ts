/** What becomes of a command that is late, forged, changed on the way, not allowed, or none: nothing moves. */

import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorise, readCommand } from '../../gateway/commands/command.ts';
import type { Source } from '../../gateway/commands/index.ts';
import { openReader } from '../../gateway/journal/reader.ts';
import { runs } from '../fuzz.ts';
import { bytes, commandPath, rfcKey, signed, unsigned, vector } from './command-path.ts';

const times = { issuedAt: vector.issuedAt, expiresAt: vector.expiresAt };
/** Sent to a target, why it is refused, and what is other than usual of who sends it. */
const refused: readonly [string, unknown, string, RegExp, Partial<Source>?][] = [
  ['replayed after it expired', { ...unsigned, expiresAt: '2026-11-24T08:00:59Z' }, 'gate-io', /expired/],
  ['issued in the future', { ...unsigned, issuedAt: '2026-11-24T08:03:00Z' }, 'gate-io', /future/],
  [
    'that lives for two days',
    { ...unsigned, expiresAt: '2026-11-26T08:00:00Z' },
    'gate-io',
    /longer than a day/,
  ],
  ['without times', { id: 'x', action: 'unlock' }, 'gate-io', /issuedAt/],
  ['sent to another door', vector, 'gate-2', /it is for gate-io/],
  ['of which the target was taken out', { ...vector, target: undefined }, 'gate-2', /signature/],
  ['of which the door was changed', { ...vector, target: 'gate-2' }, 'gate-2', /signature/],
  ['of which the arguments were changed', { ...vector, arguments: { output: 'b' } }, 'gate-io', /signature/],
  ['of which the id was changed', { ...vector, id: 'c-2' }, 'gate-io', /signature/],
  ['whose life was made longer', { ...vector, expiresAt: '2026-11-24T09:00:00Z' }, 'gate-io', /signature/],
  ['signed by another key', signed(unsigned), 'gate-io', /signature/],
  ['signed by nobody we know', signed({ ...unsigned, issuer: 'li' }), 'gate-io', /no key of li/],
  ['signed, without an issuer', { ...vector, issuer: undefined }, 'gate-io', /no key/],
  [
    'signed, that names no target',
    signed({
      id: 'x',
      action: 'unlock',
      issuer: 'wang',
      audience: '4503000001',
      ...times,
    }),
    'gate-io',
    /no target/,
  ],
  [
    'signed in the old form, which names no campus',
    // Made by openssl, of the same text without `audience`.
    {
      ...vector,
      audience: undefined,
      signature: 'Dewex-De-6kBAofswTuFBLQxHKTcSg-Fmlyl22pgNfu0U-j5rfexYdYHHlg4wLHBCEyO-_5jjyLPAcI3qoDvDA',
    },
    'gate-io',
    /old form.*`audience`/,
  ],
  [
    'signed for another campus',
    signed({ ...unsigned, issuer: 'wang', audience: '4503000002' }),
    'gate-io',
    /for the campus 4503000002, and came to 4503000001/,
  ],
  ['for another campus, unsigned', { ...unsigned, audience: '4503000002' }, 'gate-io', /for the campus/],
  ['of which the campus was changed', { ...vector, audience: '4503000002' }, 'gate-io', /for the campus/],
  ['of which the campus was taken out', { ...vector, audience: undefined }, 'gate-io', /signature/],
  ['of a signature that is too short', { ...vector, signature: 'AAAA' }, 'gate-io', /signature/],
  ['to what no rule names', { ...unsigned, target: undefined }, 'bollard', /not allowed/],
  ['that asks what no rule allows', { ...unsigned, action: 'hold' }, 'gate-io', /not allowed/],
  ['for every target', { ...unsigned, target: '*' }, '*', /not allowed/],
  ['with a member that nobody knows', { ...unsigned, force: true }, 'gate-io', /nrecognized/],
  ['whose arguments are a list', { ...unsigned, arguments: [] }, 'gate-io', /arguments/],
  ['without an id', { ...unsigned, id: undefined }, 'gate-io', /id/],
  ['with an empty id', { ...unsigned, id: '' }, 'gate-io', /id/],
  ['that is a list of commands', [unsigned], 'gate-io', /expected object/],
  ['that is null', 'null', 'gate-io', /expected object/],
  ['that is no JSON', '{"id":"x"', 'gate-io', /no JSON/],
  ['that is 20 kB', { ...unsigned, arguments: { x: 'x'.repeat(20_000) } }, 'gate-io', /too large/],
  [
    'unsigned where it must be signed',
    unsigned,
    'gate-io',
    /must be signed/,
    { rules: [{ actions: ['unlock'], targets: ['gate-io'], signed: true }] },
  ],
  [
    'of an issuer whom the rule does not name',
    signed({ ...unsigned, issuer: 'wang' }),
    'gate-io',
    /not allowed to wang/,
    { rules: [{ actions: ['unlock'], targets: ['gate-io'], issuers: ['duty-*'], signed: true }] },
  ],
];

describe('a command', () => {
  it.each(refused)(
    '%s does nothing, and is told and counted',
    async (_name, message, target, reason, source) => {
      const { send, moved, events, directory, journal } = await commandPath(
        source === undefined ? {} : { source },
      );
      const reply = await send(message, target);
      expect(reply.done).toBe(false);
      expect(reply.reason).toMatch(reason);
      expect(moved).toEqual([]);
      await expect
        .poll(() => events)
        .toEqual([['command.refused', expect.objectContaining({ reason: reply.reason })]]);
      await journal.close();
      const reader = openReader(directory);
      const { entries } = reader.audit();
      reader.close();
      expect(JSON.parse(entries[0]?.body ?? '')).toMatchObject({ kind: 'refusal', from: 'police', target });
    },
  );

  it('refused a thousand times fills no disk', async () => {
    const { send, directory, journal } = await commandPath();
    for (let i = 0; i < 1000; i++) await send({ ...unsigned, id: `x${i}`, action: 'hold' });
    await journal.close();
    const reader = openReader(directory);
    expect(reader.audit().entries).toHaveLength(20);
    reader.close();
  });
});

describe('a command, at random', () => {
  it('of bytes that make no sense never throws, and never acts', async () => {
    const { commands, source, moved } = await commandPath();
    const message = fc.record(
      {
        id: fc.oneof(fc.string(), fc.jsonValue()),
        action: fc.oneof(fc.constantFrom('unlock', 'hold', '__proto__'), fc.jsonValue()),
        target: fc.oneof(fc.constantFrom('gate-io', 'gate-2'), fc.jsonValue()),
        issuer: fc.oneof(fc.constantFrom('wang', 'duty-officer'), fc.jsonValue()),
        // Right, and always too late or wrong: none of these may act.
        issuedAt: fc.constantFrom('2026-11-24T07:00:00Z', 'now', 7),
        expiresAt: fc.constantFrom('2026-11-24T07:30:00Z', 'later', null),
        arguments: fc.jsonValue(),
        signature: fc.oneof(fc.constant(vector.signature), fc.string()),
      },
      { requiredKeys: [] },
    );
    const anything = fc.oneof(
      message.map(bytes),
      fc.json().map(bytes),
      fc.uint8Array().map((data) => Buffer.from(data)),
      fc.nat(200).map((cut) => bytes(vector).subarray(0, cut)),
    );
    await fc.assert(
      fc.asyncProperty(anything, fc.constantFrom('gate-io', 'gate-2', '#', ''), async (data, target) => {
        expect((await commands.receiveCommand(data, target, source))?.done).toBe(false);
      }),
      { numRuns: runs(200) },
    );
    expect(moved).toEqual([]);
  });

  it('of which one bit was changed on the way is not what was signed', () => {
    const whole = bytes(vector);
    const authority = {
      rules: [{ actions: ['unlock'], targets: ['*'], signed: true }],
      keys: [{ issuer: 'duty-officer', key: rfcKey }],
      id: 'police',
    } as const satisfies Pick<Source, 'rules' | 'keys' | 'id'>;
    const judge = (data: Buffer) => {
      const read = readCommand(data);
      if ('wrong' in read) return read.wrong;
      const judged = authorise(
        read.command,
        { campus: '4503000001', target: 'gate-io' },
        authority,
        Date.parse('2026-11-24T08:00:00Z'),
      );
      return 'refused' in judged ? judged.refused : undefined;
    };
    expect(judge(whole)).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        // A change that JSON does not see (a space, the case of \\u) is none.
        const same = (() => {
          try {
            return canonicalize(JSON.parse(changed.toString())) === canonicalize(vector);
          } catch {
            return false;
          }
        })();
        if (!same) expect(judge(changed)).toBeTypeOf('string');
      }),
      { numRuns: runs(400) },
    );
  });
});
