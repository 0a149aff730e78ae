/** How somebody gets in: by name and password, by the token of a screen or of the data folder, by a one-time link. */
import { z } from 'zod';
import { roles } from '../rights.ts';

const secret = z.string().min(1).max(200);
const name = z.string().min(1).max(100);
/** Longer ones are refused with a reason: they are no password that is kept. */
const password = z.string().min(1).max(1000);

export const loginSchema = z.union([
  z.strictObject({ name, password }),
  z.strictObject({ token: z.string().max(200) }),
]);
export type Login = z.input<typeof loginSchema>;

export const welcomeSchema = z.object({ name: z.string(), role: z.enum(roles) });
export type Welcome = z.output<typeof welcomeSchema>;

export const linkSchema = z.strictObject({ link: secret });
/** Whose a link is; `name` null: of the first administrator, who says what he is called. */
export const linkOwnerSchema = z.object({ name: z.string().nullable(), role: z.enum(roles) });
export type LinkOwner = z.output<typeof linkOwnerSchema>;

/** `name`: where the link names nobody. */
export const setupSchema = z.strictObject({ link: secret, name: name.optional(), password });
export type Setup = z.input<typeof setupSchema>;

export const ownPasswordSchema = z.strictObject({ old: password, password });
export type OwnPassword = z.input<typeof ownPasswordSchema>;
