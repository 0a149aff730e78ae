/**
 * Who carries out what: each part of the gateway serves its actions of the catalogue. Arguments are read here, by the
 * catalogue, so that no part sees any that it did not ask for; a target that an action is not for is refused here.
 */
import type { z } from 'zod';
import {
  type ActionName,
  type Asked,
  type Asking,
  actionNames,
  actionOf,
  type Handler,
  type Handlers,
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
  /**
   * The same for a part that is made anew while the gateway runs. Once the function it gives was called, what is asked for
   * waits for who serves it next: at most as long as any command may take.
   */
  serveUntil<A extends ActionName>(handlers: Handlers<A>): () => void;
  /** Reads it by the catalogue and carries it out. Rejects where a handler does: it may or may not be done. */
  perform(task: Task, from: Asking): Promise<Result>;
  /** Whether its target is there and for this action, and its arguments are those of the catalogue. */
  understands(task: Task): boolean;
  /**
   * Calls back with what is about to be carried out: a door that is told to open may be open before it says so.
   * `outcome` resolves with what became of it, and never where the handler rejects. Until the function it gives is called.
   */
  onPerform(listener: (asked: Asked, outcome: Promise<Result>) => void): () => void;
  /** @throws Error where an action of the catalogue is served by nobody: its part is missing from the gateway. */
  checkServed(): void;
}

export function createHandling(kindOf: (target: string) => TargetKind | undefined, log: Log): Handling {
  const handlers = new Map<ActionName, Handler<ActionName>>();
  const read = ({ target, action, arguments: given }: Task) => {
    const kind = kindOf(target);
    if (kind === undefined) return { wrong: `there is no ${target}` };
    const handler = isAction(action) ? handlers.get(action) : undefined;
    if (!isAction(action) || handler === undefined) return { wrong: `the gateway does not know ${action}` };
    const { of, arguments: schema } = actionOf(action);
    if (of !== 'any' && of !== kind)
      return { wrong: `${action} is for ${of === 'gateway' ? 'the gateway' : `a ${of}`}` };
    const parsed = schema.safeParse(given);
    return parsed.success
      ? { handler, arguments: parsed.data }
      : { wrong: whatIsWrong(action, schema, parsed.error) };
  };
  const next = new Map<ActionName, PromiseWithResolvers<Handler<ActionName>>>();
  const put = (name: ActionName, handler: Handler<ActionName>) => {
    if (handlers.has(name) && !next.has(name)) throw new Error(`${name} is served twice`);
    handlers.set(name, handler);
    next.get(name)?.resolve(handler);
    next.delete(name);
  };
  const withdraw = (name: ActionName) => {
    const waiting = Promise.withResolvers<Handler<ActionName>>();
    next.set(name, waiting);
    handlers.set(name, async (asked) => await (await waiting.promise)(asked));
  };
  const entriesOf = (given: object) => Object.entries(given) as [ActionName, Handler<ActionName>][];
  const performing = signal<[Asked, Promise<Result>]>('a command is carried out', log);
  return {
    serve(given) {
      for (const one of entriesOf(given)) put(...one);
    },
    serveUntil(given) {
      for (const one of entriesOf(given)) put(...one);
      return () => {
        for (const [name] of entriesOf(given)) withdraw(name);
      };
    },
    async perform(task, from) {
      const understood = read(task);
      if ('wrong' in understood) return { done: false, reason: understood.wrong };
      const { id, target, action, notAfter } = task;
      const { handler, arguments: wanted } = understood;
      const asked = { id, action, target, arguments: wanted, from, notAfter } as Asked;
      const outcome = Promise.withResolvers<Result>();
      performing.tell(asked, outcome.promise);
      const result = await handler(asked);
      outcome.resolve(result);
      return result;
    },
    understands: (task) => !('wrong' in read(task)),
    onPerform: performing.on,
    checkServed() {
      const missing = actionNames.filter((name) => !handlers.has(name));
      if (missing.length > 0) throw new Error(`no part of the gateway serves ${missing.join(', ')}`);
    },
  };
}

/** A name that the catalogue does not have may say anything, also about a person: it is not repeated, as this is kept. */
function whatIsWrong(action: ActionName, schema: z.ZodObject, error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue?.code !== 'unrecognized_keys') return wrongArgument(error);
  const names = issue.path.length === 0 ? Object.keys(schema.shape) : undefined;
  const has = names === undefined ? '' : `; it has ${names.length === 0 ? 'none' : names.join(', ')}`;
  return `${['arguments', ...issue.path].join('.')}: ${issue.keys.length} unrecognized by ${action}${has}`;
}
