/**
 * Who carries out what: each part of the gateway serves its actions of the catalogue. Arguments are read here, by the
 * catalogue, so that no part sees any that it did not ask for; a target that an action is not for is refused here.
 */
import {
  type ActionName,
  type Asked,
  type Asking,
  actionNames,
  actionOf,
  type Handler,
  isAction,
  type Registry,
  type Result,
} from '../../config/catalogue/actions.ts';
import { type Log, wrongArgument } from '../../drivers/contract/driver.ts';
import { signal } from '../lifecycle/signal.ts';

/** What is to be done, where; as somebody wrote it. */
export interface Task {
  readonly id: string;
  readonly target: string;
  readonly action: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** By `elapsed` of the clock: it is not begun later. */
  readonly notAfter?: number | undefined;
}

export type TargetKind = 'gateway' | 'area' | 'device';

export interface Handling extends Registry {
  /** Reads it by the catalogue and carries it out. Rejects where a handler does: it may or may not be done. */
  perform(task: Task, from: Asking): Promise<Result>;
  /**
   * Calls back with what is about to be carried out: a door that is told to open may be open before it says so.
   * `outcome` resolves with what became of it, and never where the handler rejects.
   */
  onPerform(listener: (asked: Asked, outcome: Promise<Result>) => void): void;
  /** @throws Error where an action of the catalogue is served by nobody: its part is missing from the gateway. */
  checkServed(): void;
}

export function createHandling(kindOf: (target: string) => TargetKind | undefined, log: Log): Handling {
  const handlers = new Map<ActionName, Handler<ActionName>>();
  const performing = signal<[Asked, Promise<Result>]>('a command is carried out', log);
  return {
    serve(given) {
      for (const [name, handler] of Object.entries(given) as [ActionName, Handler<ActionName>][]) {
        if (handlers.has(name)) throw new Error(`${name} is served twice`);
        handlers.set(name, handler);
      }
    },
    async perform({ id, target, action, arguments: given, notAfter }, from) {
      const kind = kindOf(target);
      if (kind === undefined) return { done: false, reason: `there is no ${target}` };
      const handler = isAction(action) ? handlers.get(action) : undefined;
      if (!isAction(action) || handler === undefined)
        return { done: false, reason: `the gateway does not know ${action}` };
      const { of, arguments: schema } = actionOf(action);
      if (of !== 'any' && of !== kind)
        return { done: false, reason: `${action} is for ${of === 'gateway' ? 'the gateway' : `a ${of}`}` };
      const read = schema.safeParse(given);
      if (!read.success) return { done: false, reason: wrongArgument(read.error) };
      const asked = { id, action, target, arguments: read.data, from, notAfter } as Asked;
      const outcome = Promise.withResolvers<Result>();
      performing.tell(asked, outcome.promise);
      const result = await handler(asked);
      outcome.resolve(result);
      return result;
    },
    onPerform: (listener) => void performing.on(listener),
    checkServed() {
      const missing = actionNames.filter((name) => !handlers.has(name));
      if (missing.length > 0) throw new Error(`no part of the gateway serves ${missing.join(', ')}`);
    },
  };
}
