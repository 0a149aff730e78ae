import { spawnSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { readConfig } from '../../gateway/check.ts';
import { readCommand, whyNotAuthorised } from '../../gateway/commands/command.ts';
import { createCommands, type Source } from '../../gateway/commands/index.ts';
import type { Task } from '../../gateway/commands/registry.ts';
import { auditHash, verifyAudit } from '../../gateway/journal/audit.ts';
import { openJournal } from '../../gateway/journal/index.ts';
import { openReader } from '../../gateway/journal/reader.ts';
import { startGateway } from '../../gateway/main.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

// The key of test 1 of RFC 8032, 7.1; the signature was made by `openssl pkeyutl -sign -rawin` of a text that was
// written by hand after RFC 8785.
const rfcKey = createPublicKey(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----`);
const vector = {
  issuer: 'duty-officer',
  id: 'c-1',
  target: 'gate-io',
  action: 'unlock',
  arguments: { output: 'gate' },
  issuedAt: '2026-11-24T08:00:00Z',
  expiresAt: '2026-11-24T08:05:00Z',
  signature: 'Dewex-De-6kBAofswTuFBLQxHKTcSg-Fmlyl22pgNfu0U-j5rfexYdYHHlg4wLHBCEyO-_5jjyLPAcI3qoDvDA',
};
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const NOW = Date.parse('2026-11-24T08:01:00Z');

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const signed = (message: object) => ({
  ...message,
  signature: sign(null, Buffer.from(canonicalize(message) ?? ''), privateKey).toString('base64url'),
});

/** The path on a real journal, and a device that notes what it was told. */
async function path(options: { readonly directory?: string; readonly source?: Partial<Source> } = {}) {
  const directory = options.directory ?? temporaryDirectory();
  const journal = await openJournal(directory);
  onTestFinished(() => journal.close().catch(() => {}));
  const moved: Task[] = [];
  const events: [string, Readonly<Record<string, unknown>>][] = [];
  const clock = { time: NOW };
  let hang = false;
  const commands = createCommands({
    journal,
    recorder: {
      async recordOwn(type, details) {
        events.push([type, details]);
      },
    },
    clock: { now: () => clock.time },
    time: systemClock,
    log: silentLog,
    metrics: createMetrics(),
    kindOf: (target) => (target === 'gateway' ? 'gateway' : 'device'),
  });
  commands.serve({
    async unlock({ from: _who, ...task }) {
      moved.push(task);
      if (hang) await new Promise(() => {});
      return task.arguments.output === 'jammed' ? { done: false, reason: 'jammed' } : { done: true };
    },
    async inventory({ from: _who, ...task }) {
      moved.push(task);
      return { done: true, result: { devices: ['a', 'b'] } };
    },
  });
  const source: Source = {
    kind: 'uplink',
    id: 'police',
    rules: [{ actions: ['unlock', 'inventory'], targets: ['gate-*', 'gateway'], signed: false }],
    keys: [
      { issuer: 'duty-officer', key: rfcKey },
      { issuer: 'wang', key: publicKey },
    ],
    ...options.source,
  };
  return {
    directory,
    journal,
    moved,
    events,
    clock,
    commands,
    source,
    hang: () => {
      hang = true;
    },
    send: (message: unknown, target = 'gate-io') => commands.receiveCommand(bytes(message), target, source),
  };
}
const { signature: _s, ...unsigned } = vector;

describe('a command', () => {
  it('signed by a key of the config is carried out, once; its id again gets the first answer', async () => {
    const { send, moved, events, clock } = await path();
    expect(await send(vector)).toEqual({ id: 'c-1', done: true });
    clock.time += 3_600_000; // Long expired: the answer is still the first one.
    expect(await send(vector)).toEqual({ id: 'c-1', done: true });
    expect(await send({ ...unsigned, arguments: { output: 'other' } })).toEqual({ id: 'c-1', done: true });
    expect(moved).toEqual([
      { id: 'c-1', target: 'gate-io', action: 'unlock', arguments: { output: 'gate' } },
    ]);
    expect(events.map(([type]) => type)).toEqual(['command.done']);
  });

  it('answers in full to who asked, again too, and tells the others in short', async () => {
    const { send, events } = await path();
    const answer = { id: 'i', done: true, result: { devices: ['a', 'b'] } };
    for (let i = 0; i < 2; i++)
      expect(await send({ id: 'i', action: 'inventory' }, 'gateway')).toEqual(answer);
    expect(events).toHaveLength(1);
    expect(JSON.stringify(events)).not.toContain('devices');
  });

  it('that comes twice at once is carried out once', async () => {
    const { send, moved } = await path();
    const answers = await Promise.all([send(vector), send(vector), send(vector)]);
    expect(answers).toEqual(Array(3).fill({ id: 'c-1', done: true }));
    expect(moved).toHaveLength(1);
  });

  it('that failed is answered so again, and is not tried again', async () => {
    const { send, moved } = await path();
    const message = { ...unsigned, arguments: { output: 'jammed' } };
    expect(await send(message)).toEqual({ id: 'c-1', done: false, reason: 'jammed' });
    expect(await send(message)).toEqual({ id: 'c-1', done: false, reason: 'jammed' });
    expect(moved).toHaveLength(1);
  });

  it('is known after a restart; one that was cut off is not tried again, and both are told', async () => {
    const first = await path();
    await first.send(vector);
    first.hang();
    void first.send({ ...unsigned, id: 'c-2' });
    await expect.poll(() => first.moved.length).toBe(2);
    await first.journal.close();
    const second = await path({ directory: first.directory });
    await second.commands.tellInterrupted();
    expect(second.events).toEqual([
      ['command.failed', expect.objectContaining({ id: 'c-2', unknown: true })],
    ]);
    expect(await second.send(vector)).toEqual({ id: 'c-1', done: true });
    expect(await second.send({ ...unsigned, id: 'c-2' })).toMatchObject({ done: false, unknown: true });
    expect(second.moved).toEqual([]);
    await second.commands.tellInterrupted();
    expect(second.events).toHaveLength(1);
  });

  it('is not carried out where the disk takes nothing, and may come again', async () => {
    const { send, journal, moved } = await path();
    await journal.close();
    const { done, reason } = await send(vector);
    expect({ done, moved }).toEqual({ done: false, moved: [] });
    expect(reason).toContain('the disk takes nothing');
  }, 20_000);

  const times = { issuedAt: vector.issuedAt, expiresAt: vector.expiresAt };
  it.each<[string, unknown, string, RegExp, Partial<Source>?]>([
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
    [
      'of which the arguments were changed',
      { ...vector, arguments: { output: 'b' } },
      'gate-io',
      /signature/,
    ],
    ['of which the id was changed', { ...vector, id: 'c-2' }, 'gate-io', /signature/],
    ['whose life was made longer', { ...vector, expiresAt: '2026-11-24T09:00:00Z' }, 'gate-io', /signature/],
    ['signed by another key', signed(unsigned), 'gate-io', /signature/],
    ['signed by nobody we know', signed({ ...unsigned, issuer: 'li' }), 'gate-io', /no key of li/],
    ['signed, without an issuer', { ...vector, issuer: undefined }, 'gate-io', /no key/],
    [
      'signed, that names no target',
      signed({ id: 'x', action: 'unlock', issuer: 'wang', ...times }),
      'gate-io',
      /no target/,
    ],
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
  ])('%s does nothing, and is told and counted', async (_name, message, target, reason, source) => {
    const { send, moved, events, directory, journal } = await path(source === undefined ? {} : { source });
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
  });

  it('of bytes that make no sense never throws, and never acts', async () => {
    const { commands, source, moved } = await path();
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
        expect((await commands.receiveCommand(data, target, source)).done).toBe(false);
      }),
      { numRuns: 500 },
    );
    expect(moved).toEqual([]);
  });

  it('of which one bit was changed on the way is not what was signed', () => {
    const whole = bytes(vector);
    const authority = {
      rules: [{ actions: ['unlock'], targets: ['*'], signed: true }],
      keys: [{ issuer: 'duty-officer', key: rfcKey }],
    } as const satisfies Pick<Source, 'rules' | 'keys'>;
    const judge = (data: Buffer) => {
      const read = readCommand(data);
      return 'wrong' in read ? read.wrong : whyNotAuthorised(read.command, 'gate-io', authority);
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
      { numRuns: 2000 },
    );
  });

  it('refused a thousand times fills no disk', async () => {
    const { send, directory, journal } = await path();
    for (let i = 0; i < 1000; i++) await send({ ...unsigned, id: `x${i}`, action: 'hold' });
    await journal.close();
    const reader = openReader(directory);
    expect(reader.audit().entries).toHaveLength(20);
    reader.close();
  });
});

describe('a gateway killed while a door is unlocked', () => {
  const door = join(import.meta.dirname, 'door.ts');
  /** Runs until it ends or kills itself at a point; what it answered, and how often the door has moved by then. */
  const run = (directory: string, point: string) => {
    const { stdout, signal } = spawnSync(process.execPath, [door, directory, point], { encoding: 'utf8' });
    const moves = existsSync(join(directory, 'moves'))
      ? readFileSync(join(directory, 'moves'), 'utf8').split('\n').length - 1
      : 0;
    return { answer: stdout === '' ? undefined : (JSON.parse(stdout) as object), signal, moves };
  };
  const done = { id: 'unlock-1', done: true };
  const unknown = { id: 'unlock-1', done: false, unknown: true };

  it.each([
    ['read', 0, done, 1],
    ['on disk', 0, unknown, 0],
    ['before the door', 0, unknown, 0],
    ['behind the door', 1, unknown, 1],
    ['told', 1, unknown, 1],
    ['outcome on disk', 1, done, 1],
    ['before the answer', 1, done, 1],
  ])('%s: it moves at most once, and who asks again hears what is true', (point, moves, answer, after) => {
    const directory = temporaryDirectory();
    expect(run(directory, point)).toEqual({ answer: undefined, signal: 'SIGKILL', moves });
    // The platform has no answer, and sends it again; twice.
    for (let i = 0; i < 2; i++)
      expect(run(directory, '')).toMatchObject({ answer, signal: null, moves: after });
  });
});

describe('the audit', () => {
  // Made with Python's hashlib from the words of gateway/journal/audit.ts.
  const chain = [
    {
      number: 1,
      at: 1000,
      body: '{"kind":"command"}',
      hash: '2e82ba5b51df047e9ed067c6cefecded01ad4be1276e46d0f4c0756a2c9947cb',
    },
    {
      number: 2,
      at: 2000,
      body: '{"kind":"outcome"}',
      hash: '3bdeac6506ff57e103943b7d8837085f58ff4495c4cacd298f591d53049a8314',
    },
    {
      number: 3,
      at: 3000,
      body: '{"kind":"command","id":"b"}',
      hash: '7ae14a721d01d04e695d49ef3018aec954e995226b577863cff5524e04b9c4ac',
    },
  ] as const;

  it('is a chain of hashes; a change, a removal and an insertion break it', () => {
    const [one, two, three] = chain;
    expect(verifyAudit('', chain)).toBeUndefined();
    expect(verifyAudit(one.hash, [two, three])).toBeUndefined();
    expect(verifyAudit('', [one, { ...two, body: '{}' }, three])).toMatchObject({ number: 2 });
    expect(verifyAudit('', [one, { ...two, at: 2001 }, three])).toMatchObject({ number: 2 });
    expect(verifyAudit('', [one, three])).toMatchObject({ number: 3 });
    expect(verifyAudit('', [two, three])).toMatchObject({ number: 2 });
    // Who changes one and makes its hash anew breaks the next.
    const forged = { ...two, body: '{}' };
    const again = { ...forged, hash: auditHash(one.hash, forged) };
    expect(verifyAudit('', [one, again, three])).toMatchObject({ number: 3 });
  });

  it('goes on over restarts and retention, and the journal finds a change', async () => {
    const directory = temporaryDirectory();
    const journal = await openJournal(directory);
    for (const { at, body } of chain) expect(await journal.audit(at, body)).toMatch(/^[0-9a-f]{64}$/);
    await journal.forget(2500, 2500);
    await journal.close();
    const again = await openJournal(directory);
    await again.audit(4000, '{"kind":"login"}');
    // The last one stays, however old: the chain goes on from it.
    await again.forget(9000, 9000);
    await again.close();
    const reader = openReader(directory);
    const { anchor, entries } = reader.audit();
    reader.close();
    expect(entries.map(({ number }) => number)).toEqual([3, 4]);
    expect(entries[0]).toEqual(chain[2]);
    expect(verifyAudit(anchor, entries)).toBeUndefined();
    const db = new Database(join(directory, 'journal.sqlite'));
    db.exec("UPDATE audit SET body = replace(body, 'login', 'logout') WHERE number = 4");
    db.close();
    const forged = openReader(directory);
    const { anchor: from, entries: after } = forged.audit();
    forged.close();
    expect(verifyAudit(from, after)).toMatchObject({ number: 4 });
  });

  it('notes that the gateway runs with another config, once for each', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const start = async (name: string) => {
      writeFileSync(file, `campus: { id: "45001", name: ${name} }\n`);
      const loaded = readConfig(file);
      if ('errors' in loaded) throw new Error('the config is wrong');
      const gateway = await startGateway({ config: loaded.config, log: silentLog });
      await gateway.close(0);
    };
    for (const name of ['一中', '一中', '二中', '一中']) await start(name);
    const reader = openReader(join(directory, 'data'));
    const { anchor, entries } = reader.audit();
    reader.close();
    const hashes = entries.map(({ body }) => (JSON.parse(body) as { sha256: string }).sha256);
    const sha256 = (name: string) =>
      createHash('sha256').update(`campus: { id: "45001", name: ${name} }\n`).digest('hex');
    expect(hashes).toEqual(['一中', '二中', '一中'].map(sha256));
    expect(verifyAudit(anchor, entries)).toBeUndefined();
  });
});
