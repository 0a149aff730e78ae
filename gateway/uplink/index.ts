/** The platforms: an uplink each, over the transport that the config names. */
import type { Registry } from '../../config/catalogue/actions.ts';
import type { UplinkConfig } from '../../config/sections/uplinks.ts';
import type { Lane } from '../../drivers/contract/lane.ts';
import type { Transport } from '../../drivers/contract/transport.ts';
import type { Part } from '../lifecycle/part.ts';
import type { UplinkContext } from './context.ts';
import { createUplink, type UplinkState } from './uplink.ts';

export interface Uplinks extends Part {
  start(): void;
  /** By id. */
  states(): Readonly<Record<string, UplinkState>>;
  /** Tells that these lanes got events, or that there are alarms to be sent from memory. */
  wake(lanes: ReadonlySet<Lane>): void;
  /** The journal's numbers are not what they were: starts over from its cursors. */
  reset(): void;
  /** Waits at most `timeoutMs` until all is acknowledged, says goodbye, disconnects. */
  close(timeoutMs: number): Promise<void>;
}

/** Serves `replay`. @throws Error where a config names a transport that is not among `transports`. */
export function createUplinks(
  configs: readonly UplinkConfig[],
  context: UplinkContext & { readonly transports: readonly Transport[]; readonly registry: Registry },
): Uplinks {
  const uplinks = configs.map((config) => {
    const transport = context.transports.find(({ name }) => name === config.protocol);
    if (transport === undefined) throw new Error(`uplink ${config.id}: no protocol ${config.protocol}`);
    return createUplink(config, transport, context);
  });
  context.registry.serve({
    async replay({ from, arguments: wanted }) {
      const uplink = uplinks.find(({ id }) => from.kind === 'uplink' && id === from.id);
      return (await uplink?.replay(wanted)) ?? { done: false, reason: 'only a platform gets a replay' };
    },
  });
  const close = async (timeoutMs: number) => {
    await Promise.all(uplinks.map((uplink) => uplink.close(timeoutMs)));
  };
  return {
    start() {
      for (const uplink of uplinks) uplink.start();
    },
    states: () => Object.fromEntries(uplinks.map((uplink) => [uplink.id, uplink.state()])),
    wake(lanes) {
      for (const uplink of uplinks) uplink.wake(lanes);
    },
    reset() {
      for (const uplink of uplinks) uplink.reset();
    },
    close,
    [Symbol.asyncDispose]: () => close(0),
  };
}
