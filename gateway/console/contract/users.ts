/** Users, their sessions, and tokens. Times in epoch ms. */
import { z } from 'zod';
import { roles } from '../rights.ts';

/** Of people: a screen is none. */
export const personRoles = ['viewer', 'guard', 'operator', 'technician', 'administrator'] as const;

export const userSchema = z.object({
  name: z.string(),
  role: z.enum(roles),
  since: z.number(),
  hasPassword: z.boolean(),
  /** Until when a link of his may be used; null: there is none. */
  linkUntil: z.number().nullable(),
  sessions: z.number(),
});
export type ShownUser = z.output<typeof userSchema>;

export const newUserSchema = z.strictObject({
  name: z.string().min(1).max(100),
  role: z.enum(personRoles),
});
export const roleSchema = z.strictObject({ role: z.enum(personRoles) });
/** A path on this server, to be opened once. */
export const madeLinkSchema = z.object({ link: z.string(), until: z.number() });
export type MadeLink = z.output<typeof madeLinkSchema>;

export const sessionSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  by: z.enum(['password', 'token', 'local']),
  since: z.number(),
  /** null: it has no end. */
  until: z.number().nullable(),
  seen: z.number(),
  from: z.string(),
  /** The browser, as it calls itself. */
  agent: z.string(),
  /** It is the one that asks. */
  own: z.boolean(),
});
export type ShownSession = z.output<typeof sessionSchema>;

export const tokenSchema = z.object({
  id: z.string(),
  label: z.string(),
  role: z.enum(roles),
  by: z.string(),
  since: z.number(),
  /** null: until it is withdrawn. */
  until: z.number().nullable(),
});
export type ShownToken = z.output<typeof tokenSchema>;

/** `days` null: a screen's, until it is withdrawn. */
export const newTokenSchema = z.strictObject({
  label: z.string().min(1).max(100),
  role: z.enum(roles),
  days: z.int().min(1).max(400).nullable(),
});
export type NewToken = z.input<typeof newTokenSchema>;
/** The only time that it is shown. */
export const madeTokenSchema = z.object({ id: z.string(), token: z.string() });
export type MadeToken = z.output<typeof madeTokenSchema>;
