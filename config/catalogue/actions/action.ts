/** What is said of each action, and the words that arguments share. */
import { z } from 'zod';

export interface Action<Arguments extends z.ZodObject = z.ZodObject> {
  readonly of: 'gateway' | 'area' | 'device' | 'any';
  readonly en: string;
  readonly zh: string;
  readonly arguments: Arguments;
  /** Moves nothing: needs no times, because a platform with a wrong clock needs it most. */
  readonly harmless?: true;
  /** Its arguments are about persons, who may have to be erased: the audit keeps their names alone. */
  readonly personal?: true;
  /** A key or a passphrase may be in its arguments: the audit keeps their names alone. */
  readonly secret?: true;
  /** May wait so long for a gateway that is away, ms. */
  readonly lifetime?: number;
  /** What ends it: `for` in a rule, and `stopOnAcknowledge`. */
  readonly endedBy?: string;
  /** How long it lasts is an argument of the device's own (`for`, seconds): a rule passes it on. */
  readonly timed?: true;
  /** Makes something of the event that set a rule off: it gets that event's id as `event`. */
  readonly about?: true;
  /** The gateway's own, in no right and no rule. */
  readonly internal?: true;
}

/** Where no action says otherwise, a command that may act for longer would have to be remembered for longer. */
export const LIFETIME_MAX_MS = 86_400_000;

export const define = <const A extends Readonly<Record<string, Action>>>(actions: A): A => actions;

export const nothing = z.strictObject({});
export const by = z.string().max(100).optional().describe('Who');
export const event = z.string().max(64).optional().describe('The `id` of the event that it is of');
export const DAY_S = 86_400;
