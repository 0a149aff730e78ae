/**
 * `drivers/NAME/scale.yaml`: how far a driver is, by the same rules for all, and what it was tried on. A thing is
 * `done`, with the test that shows it; `todo`, with what is missing; or `exempt`, with why it cannot be asked of it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');

/** The rules, in the order of the page, and what `done` means. */
export const rules = {
  documented:
    'Its README says for what hardware it is, wiring, options, faults, and has an example that works',
  simulated: 'A simulator plays the other end, with its faults',
  standard: 'What is right in the tests of its bytes comes from the standard or from captured frames',
  foreign: 'It was tried against a program that nobody here wrote, in CI',
  hardware: 'It was tried on the real thing',
  fuzzed: 'Any bytes at all: it never throws, and each byte is in a frame or counted',
  bounded: 'Bytes without an end are not held, and reading costs no more than their length',
  counted: 'What makes no sense is counted with its reason, and the next good frame is read',
  hostile: 'A peer that is broken or hostile costs no other peer anything',
  onDisk: 'The other end hears "taken" only when it is on disk',
  once: 'What is sent twice is one event',
  reconnects: 'It comes back by itself when the line or the peer does',
  silence: 'A peer that is silent is said to be offline, alone',
  encrypted: 'With a key or TLS, what comes in clear or under another key does not count',
  tamper: 'Tamper and faults that the other end reports about itself are told',
  commands: 'Each command is answered with what is known; what is not known is said',
} as const;
export type Rule = keyof typeof rules;

/** A test file, and, after a colon, words that stand in it: `tests/drivers/x.test.ts: is told`. */
const evidence = z.string().regex(/^tests\/[\w./-]+\.test\.ts(: .+)?$/);
const status = [
  z.strictObject({ done: z.union([evidence, z.array(evidence).min(1)]), note: z.string().optional() }),
  z.strictObject({ todo: z.string().min(1) }),
  z.strictObject({ exempt: z.string().min(1) }),
] as const;
const statusSchema = z.union(status);
export type Status = z.output<typeof statusSchema>;

const peerAlone = z.object({
  peer: z.string(),
  npm: z.string().optional(),
  version: z.string().optional(),
  tried: z.string(),
});
const peer = z.union([
  peerAlone.extend({ done: z.union([evidence, z.array(evidence).min(1)]), result: z.string() }).strict(),
  peerAlone.extend({ todo: z.string().min(1) }).strict(),
  peerAlone.extend({ exempt: z.string().min(1) }).strict(),
]);

const scaleSchema = z.strictObject({
  /** A rule that is not named is to do. */
  rules: z.partialRecord(z.enum(Object.keys(rules) as [Rule, ...Rule[]]), statusSchema),
  peers: z.array(peer).default([]),
});

export interface Peer {
  /** A device with its maker and model, or a program. */
  readonly peer: string;
  readonly version: string;
  readonly tried: string;
  readonly result: string;
  readonly status: Status;
}
export interface Scale {
  readonly rules: Readonly<Record<Rule, Status>>;
  readonly peers: readonly Peer[];
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

function versionOfPackage(name: string): string {
  const version = manifest.dependencies[name] ?? manifest.devDependencies[name];
  if (version === undefined) throw new Error(`${name} is no package of package.json`);
  return version;
}

/** The tests that a status stands on; none where it is not done. */
export const testsOf = (one: Status): readonly string[] => ('done' in one ? [one.done].flat() : []);

/** The scale file of a driver or a platform protocol. @throws where it is missing or wrong, saying what. */
export function readScale(folder: string): Scale {
  const path = `drivers/${folder}/scale.yaml`;
  let text: string;
  try {
    text = readFileSync(join(root, path), 'utf8');
  } catch {
    throw new Error(`${path} is missing: it says how far the driver is (CONTRIBUTING.md, "Say what it is")`);
  }
  const read = scaleSchema.safeParse(parse(text));
  if (!read.success) throw new Error(`${path}: ${z.prettifyError(read.error)}`);
  const named = read.data.rules;
  const names = Object.keys(rules) as Rule[];
  return {
    rules: Object.fromEntries(
      names.map((rule) => [rule, named[rule] ?? { todo: 'not looked at yet' }]),
    ) as Scale['rules'],
    peers: read.data.peers.map(({ peer, npm, version, tried, ...rest }) => ({
      peer,
      version: npm === undefined ? (version ?? '') : `${versionOfPackage(npm)} (npm ${npm})`,
      tried,
      ...('done' in rest
        ? { result: rest.result, status: { done: rest.done } }
        : { result: '', status: rest }),
    })),
  };
}
