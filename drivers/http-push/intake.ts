/** What a terminal said, as observations on disk. */
import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import type { Host } from '../contract/driver.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import type { Message } from './codec.ts';
import { type Mapped, mapMessage, type Profile, timeOf } from './mapping.ts';
import type { Terminal } from './options.ts';

/** A terminal that got no answer sends the same bytes again. */
const SAME_WITHIN_MS = 60_000;
const KEY_WITHIN_MS = 86_400_000;

/** Takes a message of a terminal: resolves when all of it is on disk. `raw`: its bytes. Rejects where the disk refuses. */
export type Intake = (message: Message, raw?: Buffer) => Promise<void>;

export function createIntake(terminal: Terminal, host: Host): Intake {
  const expression = jsonata((terminal.profile as Profile).map);
  return async ({ body, pictures }, raw) => {
    const mapped = await mapMessage(expression, body, host.clock);
    const { id: device, options: own } = terminal;
    if (typeof mapped === 'string') return host.discarded(device, 'what the profile cannot map', 0, mapped);
    const [first] = pictures;
    // What the disk refuses of it goes without its picture.
    const picture =
      own.pictures && first !== undefined && mapped.length > 0
        ? await host.keep(device, first).catch(() => undefined)
        : undefined;
    for (const [i, one] of mapped.entries()) {
      const digest =
        one.key ?? (raw === undefined ? undefined : createHash('sha256').update(raw).digest('base64'));
      await host.report({
        ...observationOf(device, one, host.clock.wall()),
        ...(picture !== undefined && { picture }),
        ...(digest !== undefined && {
          repeat: {
            key: `http-push/${device}/${digest}/${i}`,
            within: one.key === undefined ? SAME_WITHIN_MS : KEY_WITHIN_MS,
          },
        }),
      });
    }
  };
}

function observationOf(device: string, mapped: Mapped, now: number): DeviceObservation {
  const at = timeOf(mapped.at, now);
  const common = {
    device,
    ...(at !== undefined && { at }),
    ...(mapped.text !== undefined && { text: mapped.text }),
  };
  if (mapped.kind === 'visit') {
    const details = { part: mapped.visit.id };
    return { ...common, kind: 'visit', state: 'raised', visit: mapped.visit, details };
  }
  if (mapped.kind !== 'credential') {
    const { kind, state, zone, cause } = mapped;
    return {
      ...common,
      kind,
      state,
      ...(zone !== undefined && { zone: { number: zone } }),
      ...(cause !== undefined && { cause }),
    };
  }
  const { credential, decision, reason, match } = mapped;
  const { facility, ...card } = credential;
  return {
    ...common,
    kind: 'credential',
    state: 'raised',
    credential: { ...card, ...(facility !== undefined && { facility }) },
    ...(decision !== undefined && {
      access: { door: device, decision, ...(reason !== undefined && { reason }), holder: card.number },
    }),
    ...(match !== undefined && { details: { match } }),
  };
}
