/** The devices of the campus: their sessions, kept alive, and what they can be asked. */
import type { Asked, Registry, Result } from '../../config/catalogue/actions.ts';
import type { Device } from '../../drivers/contract/driver.ts';
import { createSupervisor, RULE_PATIENCE_MS, type Supervisor, type SupervisorContext } from './supervisor.ts';

export type { Supervisor, WireView } from './supervisor.ts';

/** Asked for before `start`, a rule's command waits for its device. */
export function createDevices(
  devices: readonly Device[],
  context: SupervisorContext & { readonly registry: Registry },
): Supervisor {
  const supervisor = createSupervisor(devices, context);
  const execute = ({ id, target, action, arguments: wanted, from, notAfter }: Asked): Promise<Result> =>
    supervisor.execute(
      { id, device: target, action, arguments: wanted, notAfter },
      // Who stands at a console is told at once; a siren may sound some seconds later.
      { patienceMs: from.kind === 'rule' ? RULE_PATIENCE_MS : 0 },
    );
  context.registry.serve({
    activate: execute,
    deactivate: execute,
    unlock: execute,
    lock: execute,
    hold: execute,
    raise: execute,
    lower: execute,
    preset: execute,
    snapshot: execute,
    move: execute,
    halt: execute,
    'save-preset': execute,
    'delete-preset': execute,
    reboot: execute,
    show: execute,
    clear: execute,
    stream: execute,
    presets: execute,
    'key-picture': execute,
    indicate: execute,
    confirm: execute,
  });
  return supervisor;
}
