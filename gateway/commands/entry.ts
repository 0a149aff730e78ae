/** What the audit keeps of a command. */
import { actionOf, isAction } from '../../config/catalogue/actions.ts';
import type { Task } from './registry.ts';

/** Arguments that are longer, as JSON, are kept by their names alone: the audit is kept for long. */
const SHOWN_MAX = 4096;

/**
 * The audit is kept as it is: what is said about persons, who may have to be erased, stays out of it. A hash of it would
 * not do: there are so few cards that all can be tried. Where the catalogue has not read the arguments anything may be
 * in them, and in their names: of those it has the names that it knows, and how many others there are.
 */
export function entryOf(by: object, task: Task, isUnderstood: boolean) {
  const { id, target, action } = task;
  return { kind: 'command', ...by, id, target, action, arguments: shownOf(task, isUnderstood) };
}

function shownOf({ action, arguments: given }: Task, isUnderstood: boolean): object {
  const { personal, secret, arguments: schema } = isAction(action) ? actionOf(action) : {};
  const names = Object.keys(given);
  const known = names.filter((name) => schema !== undefined && Object.hasOwn(schema.shape, name));
  if (!isUnderstood) return { refused: known, others: names.length - known.length };
  if (personal === true) return { personal: known };
  if (secret === true) return { secret: known };
  return JSON.stringify(given).length > SHOWN_MAX ? { long: known } : given;
}
