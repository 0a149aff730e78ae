/** Commands as platforms send them, signed and not, and the path that they take. */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import canonicalize from 'canonicalize';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { createCommands, type Source } from '../../gateway/commands/index.ts';
import type { Task } from '../../gateway/commands/registry.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { openHere } from '../backing.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

// The key of test 1 of RFC 8032, 7.1; the signature was made by `openssl pkeyutl -sign -rawin` of a text that was
// written by hand after RFC 8785 (docs/platform.md has both).
export const rfcKey = createPublicKey(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----`);
export const vector = {
  audience: '4503000001',
  issuer: 'duty-officer',
  id: 'c-1',
  target: 'gate-io',
  action: 'unlock',
  arguments: { output: 'gate' },
  issuedAt: '2026-11-24T08:00:00Z',
  expiresAt: '2026-11-24T08:05:00Z',
  signature: 'nLX02JkR1NTJjYsrKPoT7QEX8BsGcYPqoE8jRnha6kgPbT3DuAWqsWd30J9T9mAhk-DvayYDTgxfvd5jalV2Bg',
};
export const bytes = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const NOW = Date.parse('2026-11-24T08:01:00Z');

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
export const signed = (message: object) => ({
  ...message,
  signature: sign(null, Buffer.from(canonicalize(message) ?? ''), privateKey).toString('base64url'),
});

/** The path on a real journal, and a device that notes what it was told. */
export async function commandPath(
  options: { readonly directory?: string; readonly source?: Partial<Source> } = {},
) {
  const directory = options.directory ?? temporaryDirectory();
  const journal = await openHere(directory);
  onTestFinished(() => journal.close().catch(() => {}));
  const moved: Task[] = [];
  const events: [string, Readonly<Record<string, unknown>>][] = [];
  const clock = { time: NOW };
  let hang = false;
  let later = 0;
  const commands = createCommands({
    campus: '4503000001',
    journal,
    recorder: {
      async recordOwn(type, details) {
        events.push([type, details]);
      },
    },
    clock: { now: () => clock.time },
    time: { ...systemClock, elapsed: () => systemClock.elapsed() + later },
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
    rate: { perMinute: 60_000, burst: 10_000 },
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
    tick: (ms: number) => {
      later += ms;
    },
    hang: () => {
      hang = true;
    },
    /** @throws Error where no answer is due. */
    async send(message: unknown, target = 'gate-io', from: Partial<Source> = {}) {
      const reply = await commands.receiveCommand(bytes(message), target, { ...source, ...from });
      if (reply === undefined) throw new Error('no answer');
      return reply;
    },
  };
}
export const { signature: _s, ...unsigned } = vector;
