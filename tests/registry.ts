/** A registry of actions for a part under test, and a way to ask it. */
import type { Result } from '../config/catalogue/actions.ts';
import { createHandling, type TargetKind } from '../gateway/commands/registry.ts';
import { silentLog } from './helpers.ts';

export function testRegistry(targets: Readonly<Record<string, TargetKind>>) {
  const handling = createHandling((target) => targets[target], silentLog);
  return {
    registry: handling,
    /** As a platform of the id `police` asks. */
    ask: (target: string, action: string, wanted: object = {}, from = 'police'): Promise<Result> =>
      handling.perform({ id: 'c', target, action, arguments: { ...wanted } }, { kind: 'uplink', id: from }),
  };
}
