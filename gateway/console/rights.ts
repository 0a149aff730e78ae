/**
 * Who may what. A role is what somebody does at a school; a right is what a route, or an action, needs. Neither is
 * above another in all things: who repairs cameras does not read who was fetched by whom.
 */
import { type ActionName, commandActions } from '../../config/catalogue/actions.ts';
import type { CommandRule } from '../../config/sections/rights.ts';

/** `screen`: what hangs at a gate, where everybody can see it. */
export const roles = ['viewer', 'guard', 'operator', 'technician', 'administrator', 'screen'] as const;
export type Role = (typeof roles)[number];

const people = ['viewer', 'guard', 'operator', 'technician', 'administrator'] as const;

/** Which roles have a right. */
export const rights = {
  /** See a gate's screen. */
  screen: [...people, 'screen'],
  /** See how all is, without persons. */
  look: people,
  /** See whose card it was, who is inside, who visits. */
  persons: ['guard', 'operator', 'administrator'],
  /** Take alarms, close them, silence sirens. */
  alarms: ['guard', 'operator', 'administrator'],
  /** Unlock, lock, lock down. */
  doors: ['guard', 'operator', 'administrator'],
  /** Arm, disarm, bypass. */
  arm: ['operator', 'administrator'],
  /** See pictures, clips and live video, and turn cameras. */
  pictures: ['guard', 'operator', 'technician', 'administrator'],
  /** Take events out of the console, as a file. */
  export: ['operator', 'administrator'],
  /** Tests, outputs, the wire of a device, restarts. */
  devices: ['technician', 'administrator'],
  simulate: ['technician', 'administrator'],
  /** Draw the plan. */
  plan: ['technician', 'administrator'],
  /** The config as it is, the audit. */
  system: ['technician', 'administrator'],
  /** Walk the campus and try each point; commissioning reports. */
  walk: ['technician', 'administrator'],
  /** Write in the ledger: points, faults, hazards. */
  ledger: ['operator', 'technician', 'administrator'],
  /** Take up another config, or an earlier one. */
  config: ['administrator'],
  /** Take a backup, and say for whom. */
  backup: ['administrator'],
  /** Users, their roles, tokens. */
  users: ['administrator'],
} as const satisfies Readonly<Record<string, readonly Role[]>>;
export type Right = keyof typeof rights;

export const roleMay = (role: Role, right: Right): boolean =>
  (rights[right] as readonly Role[]).includes(role);
export const rightsOf = (role: Role): readonly Right[] =>
  (Object.keys(rights) as Right[]).filter((right) => roleMay(role, right));

/** What an action needs; undefined: it is none of the console. */
export const rightOfAction: { readonly [Name in ActionName]?: Right } = {
  acknowledge: 'alarms',
  close: 'alarms',
  reset: 'alarms',
  read: 'alarms',
  'end-notice': 'alarms',
  arm: 'arm',
  disarm: 'arm',
  bypass: 'arm',
  unbypass: 'arm',
  unlock: 'doors',
  lock: 'doors',
  hold: 'doors',
  raise: 'doors',
  lower: 'doors',
  lockdown: 'doors',
  'end-lockdown': 'doors',
  move: 'pictures',
  halt: 'pictures',
  preset: 'pictures',
  snapshot: 'pictures',
  clip: 'pictures',
  'save-preset': 'devices',
  'delete-preset': 'devices',
  reboot: 'devices',
  activate: 'devices',
  deactivate: 'alarms',
  show: 'devices',
  clear: 'devices',
  test: 'devices',
  'end-test': 'devices',
  'expect-visitor': 'persons',
  'visitor-arrived': 'persons',
  'visitor-left': 'persons',
  erase: 'users',
  'destroy-damaged': 'users',
};

/**
 * The rules of a command of this role. `narrowed`: `console.commands` of the config, which gives nobody more than the
 * role has.
 */
export function rulesOf(role: Role, narrowed: readonly CommandRule[] | undefined): readonly CommandRule[] {
  const own = commandActions.filter((action) => {
    const right = rightOfAction[action];
    return right !== undefined && roleMay(role, right);
  });
  const all: readonly CommandRule[] = narrowed ?? [
    { actions: commandActions, targets: ['*'], signed: false },
  ];
  // Nobody signs in a browser: what must be signed is not for the console.
  return all
    .filter(({ signed }) => !signed)
    .map((rule) => ({ ...rule, actions: rule.actions.filter((one) => own.includes(one)) }))
    .filter(({ actions }) => actions.length > 0);
}
