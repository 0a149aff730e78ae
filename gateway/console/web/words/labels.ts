/**
 * Short words for everything that has a name in events, commands and answers, English and Chinese: what a page shows of
 * it. The schema's own sentences (config/catalogue) are for its documents. A word that is missing is shown as it is, and
 * tests/gateway/labels.test.ts fails.
 */
import { credential, decision, reason } from './labels/access.ts';
import { cause } from './labels/causes.ts';
import { action, argument } from './labels/commands.ts';
import { eventClass, kind, type } from './labels/events.ts';
import { driver, protocol } from './labels/hardware.ts';
import { error, right, role } from './labels/people.ts';
import { closeReason, day, direction, lane, severity, state, testKind, zoneType } from './labels/states.ts';

export const labels = {
  type,
  eventClass,
  kind,
  cause,
  reason,
  state,
  decision,
  credential,
  direction,
  closeReason,
  severity,
  zoneType,
  testKind,
  lane,
  day,
  action,
  argument,
  driver,
  protocol,
  role,
  right,
  error,
} as const satisfies Readonly<Record<string, Readonly<Record<string, readonly [en: string, zh: string]>>>>;

export type Labelled = keyof typeof labels;
