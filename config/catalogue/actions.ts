/**
 * The catalogue of everything that may be asked, beside everything that may be told (events.ts). Rights, rules, the
 * check of the config, AsyncAPI and the table in docs/platform.md come out of it; a part of the gateway serves each
 * (gateway/commands/registry.ts), or the start fails, saying which is missing.
 */
import type { z } from 'zod';
import { type Action, define } from './actions/action.ts';
import { arming, tests } from './actions/areas.ts';
import { internal, outputs, pictures, signs, streams } from './actions/devices.ts';
import { alarms, persons, warnings } from './actions/gateway.ts';

export { type Action, LIFETIME_MAX_MS } from './actions/action.ts';

/** In the order in which people read of them. */
export const actions = define({
  ...alarms,
  ...tests,
  ...outputs,
  ...arming,
  ...pictures,
  ...signs,
  ...warnings,
  ...persons,
  ...streams,
  ...internal,
});
export type ActionName = keyof typeof actions;
export type ArgumentsOf<A extends ActionName> = z.output<(typeof actions)[A]['arguments']>;

export const actionNames = Object.keys(actions) as ActionName[];
/** The properties of an action that not all have. */
export const actionOf = (name: ActionName): Action => actions[name];
export const isAction = (name: string): name is ActionName => Object.hasOwn(actions, name);
/** Those that a config may name in rights and rules. */
export const commandActions = actionNames.filter((name) => actionOf(name).internal !== true) as [
  ActionName,
  ...ActionName[],
];

/** What an action means, in both languages. */
export function actionWords(name: ActionName): string {
  const { en, zh } = actionOf(name);
  return `${en} · ${zh}`;
}

/** An action that somebody asks for: its arguments were read by the catalogue. */
export interface Asked<A extends ActionName = ActionName> {
  /** Names it: of a command its `id`, of a rule the rule and what set it off. */
  readonly id: string;
  readonly action: A;
  readonly target: string;
  readonly arguments: ArgumentsOf<A>;
  readonly from: Asking;
  /** By `elapsed` of the clock: it is not begun later. */
  readonly notAfter?: number | undefined;
}
/** Who asks. */
export interface Asking {
  /** `part`: one part of the gateway asks another. */
  readonly kind: 'uplink' | 'console' | 'rule' | 'card' | 'part';
  readonly id: string;
  readonly issuer?: string | undefined;
}

/** What became of it. `unknown`: it may have been carried out. */
export interface Result {
  readonly done: boolean;
  readonly reason?: string;
  readonly unknown?: true;
  readonly result?: Readonly<Record<string, unknown>>;
}
export type Handler<A extends ActionName> = (asked: Asked<A>) => Promise<Result>;
export type Handlers<A extends ActionName> = { readonly [Name in A]: Handler<Name> };

/** What every part that can be asked for something is given: a handler of each action, or the start fails. */
export interface Registry {
  /** @throws Error where another part serves one of them already. */
  serve<A extends ActionName>(handlers: Handlers<A>): void;
}
