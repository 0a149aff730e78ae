/**
 * What a command is on the wire, and whether it may act: its shape, its signature, its times, the rules of the
 * config. The path that carries it out is index.ts.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { actionOf, isAction, LIFETIME_MAX_MS } from '../../config/catalogue/actions.ts';
import type { CommandRule } from '../../config/sections/rights.ts';
import { wrongOf } from '../../drivers/contract/driver.ts';
import { readBytesOf, SECRET_FILE_MAX } from '../../drivers/files.ts';

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** No action has arguments that are nested any deeper than a few levels; what walks through them must come to an end. */
const DEPTH_MAX = 20;
export const TOO_DEEP = `nested deeper than ${DEPTH_MAX}`;
/** Looks no deeper than it must. */
export const isTooDeep = (value: unknown, levels = DEPTH_MAX): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((one) => isTooDeep(one, levels - 1)));

/** `{prefix}/command/{target}`. Members that are not named here are refused: what is signed is what is read. */
export const commandSchema = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(64)
    .describe('Names the command; its answer bears it. A second one with it does nothing'),
  action: z.string().min(1).max(64),
  target: z.string().min(1).max(64).optional().describe('As in the topic: a device, an area, or `gateway`'),
  audience: z.string().min(1).max(100).optional().describe('The number of the campus that it is for'),
  issuer: z.string().min(1).max(100).optional().describe('Who asks: a person or a desk'),
  issuedAt: time.optional().describe('RFC 3339'),
  expiresAt: time.optional().describe('RFC 3339; after it the command does nothing'),
  arguments: z
    .record(z.string(), z.unknown())
    .refine((given) => !isTooDeep(given), TOO_DEEP)
    .default({}),
  signature: z
    .string()
    // 64 bytes leave four bits of the last letter unused: there is one way to write them.
    .regex(/^[A-Za-z0-9_-]{85}[AQgw]$/, 'an Ed25519 signature, base64url')
    .optional()
    .describe('Ed25519 (RFC 8032) of the canonical form (RFC 8785) of all other members, base64url'),
});
export type CommandMessage = z.output<typeof commandSchema>;

/** Larger ones are refused unread, bytes. */
export const MAX_COMMAND_BYTES = 16_384;

/** A command that was read, with the bytes that its signature is over. */
export interface ReadCommand extends CommandMessage {
  readonly signed: Buffer;
}

/** Reads bytes as a command. Never throws; `wrong` says why it is none, `id` whose it may have been. */
export function readCommand(
  payload: Uint8Array,
): { readonly command: ReadCommand } | { readonly wrong: string; readonly id: string | null } {
  if (payload.length > MAX_COMMAND_BYTES) return { wrong: 'too large', id: null };
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    const parsed = commandSchema.safeParse(json);
    if (parsed.success) {
      const { signature: _own, ...rest } = json as Record<string, unknown>;
      return { command: { ...parsed.data, signed: Buffer.from(canonicalize(rest) ?? '') } };
    }
    const id = (json as { id?: unknown } | null)?.id;
    return {
      wrong: wrongOf(parsed.error),
      id: typeof id === 'string' && id.length > 0 ? id.slice(0, 64) : null,
    };
  } catch {
    return { wrong: 'no JSON', id: null };
  }
}

/** Who sends commands: what it may do, and the keys of those who sign. */
export interface Authority {
  readonly rules: readonly CommandRule[];
  readonly keys: readonly IssuerKey[];
}

/** Good between the two, epoch ms: where keys rotate, the old one and the next are good side by side. */
export interface IssuerKey {
  readonly issuer: string;
  readonly key: KeyObject;
  readonly notBefore?: number | undefined;
  readonly notAfter?: number | undefined;
}

/** @throws Error where the file is no Ed25519 public key in PEM. */
export function readPublicKey(file: string): KeyObject {
  const key = createPublicKey(readBytesOf(file, SECRET_FILE_MAX));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is a key of ${key.asymmetricKeyType}`);
  return key;
}

/** Of a clock that is right; the gateway's own is within 5 s (GB/T 29315). */
const CLOCK_TOLERANCE_MS = 60_000;

/** `duty-*` matches `duty-3`. */
export const fitsTarget = (pattern: string, text: string) =>
  pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text;

/** Where a command came to. */
export interface Addressee {
  readonly campus: string;
  readonly target: string;
}

/**
 * Whether a command may act, whenever it comes. `scope` is where its id is known: of a signed one with the key that
 * signed it, so that it acts once on the campus whichever way it comes; of another with who sent it. `now`: epoch ms.
 */
export function authorise(
  command: ReadCommand,
  { campus, target }: Addressee,
  { id, rules, keys }: Authority & { readonly id: string },
  now: number,
): { readonly scope: string } | { readonly refused: string } {
  const { action, issuer, audience, signature, signed } = command;
  if (command.target !== undefined && command.target !== target)
    return { refused: `it is for ${command.target}, and came to ${target}` };
  if (audience !== undefined && audience !== campus)
    return { refused: `it is for the campus ${audience}, and came to ${campus}` };
  let scope = id;
  if (signature !== undefined) {
    const own = keys.filter((one) => one.issuer === issuer);
    if (own.length === 0) return { refused: `there is no key of ${issuer ?? 'its issuer'}` };
    const bytes = Buffer.from(signature, 'base64url');
    const signer = own.find(({ key }) => verify(null, signed, key, bytes));
    if (signer === undefined) return { refused: 'its signature is not right' };
    const { notBefore = now, notAfter = now } = signer;
    if (now < notBefore || now > notAfter)
      return { refused: `the key that signed it is good ${spanOf(signer)}; sign it with the one of now` };
    if (command.target === undefined) return { refused: 'it is signed, and names no target' };
    if (audience === undefined) return { refused: OLD_FORM };
    scope = scopeOf(signer.key);
  }
  const allowing = rules.filter(
    (rule) =>
      rule.actions.some((one) => one === action) &&
      rule.targets.some((one) => fitsTarget(one, target)) &&
      (rule.issuers === undefined ||
        rule.issuers.some((one) => issuer !== undefined && fitsTarget(one, issuer))),
  );
  if (allowing.length === 0)
    return {
      refused: `${action} on ${target} is not allowed to ${issuer ?? 'it'} by the config of the gateway`,
    };
  if (signature === undefined && allowing.every((rule) => rule.signed))
    return { refused: 'it must be signed' };
  return { scope };
}

const spanOf = ({ notBefore, notAfter }: IssuerKey): string =>
  [
    ...(notBefore === undefined ? [] : [`from ${new Date(notBefore).toISOString()}`]),
    ...(notAfter === undefined ? [] : [`until ${new Date(notAfter).toISOString()}`]),
  ].join(' ');

const OLD_FORM =
  'it is signed in the old form, which names no campus: sign it with `audience`, the number of the campus';

/** An id of an uplink has no colon. */
const scopeOf = (key: KeyObject) =>
  `key:${createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32)}`;

/**
 * Why a command may not act now, epoch ms; undefined: it may. `restoredAt`: what was carried out between a backup and the
 * day on which it was put back is known to nobody here.
 */
export function whyNotNow(
  { action, issuedAt, expiresAt }: CommandMessage,
  now: number,
  restoredAt = Number.NEGATIVE_INFINITY,
): string | undefined {
  const { harmless = false, lifetime = LIFETIME_MAX_MS } = isAction(action) ? actionOf(action) : {};
  const clock = () => `the gateway's clock says ${new Date(now).toISOString()}`;
  if (issuedAt === undefined || expiresAt === undefined)
    return harmless ? undefined : 'issuedAt and expiresAt are needed';
  if (expiresAt <= now) return `it expired at ${new Date(expiresAt).toISOString()}; ${clock()}`;
  if (issuedAt < restoredAt && !harmless)
    return `it is from before this gateway was put back from a backup (${new Date(restoredAt).toISOString()}): send it anew, with another id`;
  if (issuedAt > now + CLOCK_TOLERANCE_MS) return `it was issued in the future; ${clock()}`;
  if (expiresAt - issuedAt > lifetime)
    return `it may act for longer than ${lifetime > LIFETIME_MAX_MS ? `${lifetime / LIFETIME_MAX_MS} days` : 'a day'}`;
  return undefined;
}
