/** What a terminal said, as observations on disk. */
import { createHash } from 'node:crypto';
import type { Host } from '../contract/driver.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import { cutPictures, type Part } from './codec.ts';
import { interpret, type Sent } from './interpret.ts';
import { type Mapped, type Mapping, timeOf } from './mapping.ts';
import type { Terminal } from './options.ts';

/** A terminal that got no answer sends the same bytes again. */
const SAME_WITHIN_MS = 60_000;
const KEY_WITHIN_MS = 86_400_000;

/** Without its pictures, a message is no larger: events of a day, as text. */
const TEXT_MAX = 1_000_000;
/** What is larger is read in a thread apart; what is smaller takes some ms at most. */
const HERE_MAX = 16_384;

/** A message as it came. `table`: of ZKTeco's push. */
export interface Message {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly table?: string;
  /** Who sent it does not send it again: the same bytes are another event. */
  readonly isToldOnce?: true;
}

/**
 * What became of a message: on disk, with so many events in it; that it was not understood, or was too much. It was
 * counted already. `later`: the disk refused, or it could not be read just now; the terminal may try again.
 */
export type Taken =
  | { readonly is: 'taken'; readonly events: number }
  | { readonly is: 'senseless' | 'too-large' | 'later' };

/** Takes a message of a terminal: resolves when all of it is on disk. Never rejects. */
export type Intake = (message: Message) => Promise<Taken>;

export function createIntake(terminal: Terminal, host: Host): Intake {
  const { id: device, options: own, profile } = terminal;
  const refuse = (
    is: 'senseless' | 'too-large' | 'later',
    reason: string,
    bytes: number,
    detail?: string,
  ) => {
    host.discarded(device, reason, bytes, detail);
    return { is };
  };
  return async ({ contentType, bytes, table, isToldOnce }) => {
    const cut = cutPictures(contentType, bytes);
    if (typeof cut === 'string') return refuse('senseless', cut, bytes.length);
    const size = cut.texts.reduce((sum, text) => sum + text.bytes.length, 0);
    if (size > TEXT_MAX) return refuse('too-large', 'a message that is too long', bytes.length);
    const sent: Sent = { profile: profile as Sent['profile'], texts: cut.texts, table };
    const read = await readSent(sent, size > HERE_MAX, host).catch((error: Error) => error);
    if (read instanceof Error)
      return refuse('later', 'a message that could not be read in time', bytes.length, read.message);
    if (typeof read === 'string') return refuse('senseless', read, bytes.length);
    const { events, mapped, problems } = read;
    if (problems.length > 0)
      host.discarded(device, 'what the profile cannot map', 0, problems.join('; ').slice(0, 500));
    try {
      const pictures = own.pictures ? cut.pictures : [];
      await report(mapped, { bytes: isToldOnce ? undefined : bytes, pictures }, device, host);
      return { is: 'taken', events };
    } catch {
      return { is: 'later' };
    }
  };
}

/** @throws what `Host.isolated` throws. */
async function readSent(sent: Sent, isLarge: boolean, host: Host): Promise<Mapping | string> {
  if (!isLarge) return interpret(sent);
  const module = new URL('./interpret.ts', import.meta.url).href;
  return (await host.isolated({ module, name: interpret.name, input: sent })) as Mapping | string;
}

/** Rejects where the disk refuses. */
async function report(
  mapped: readonly Mapped[],
  { bytes, pictures: [first] }: { readonly bytes: Buffer | undefined; readonly pictures: readonly Part[] },
  device: string,
  host: Host,
): Promise<void> {
  // What the disk refuses of it goes without its picture.
  const picture =
    first !== undefined && mapped.length > 0
      ? await host.keep(device, first).catch(() => undefined)
      : undefined;
  const digest =
    bytes !== undefined && mapped.some(({ key }) => key === undefined)
      ? createHash('sha256').update(bytes).digest('base64')
      : undefined;
  for (const [i, one] of mapped.entries()) {
    const repeat =
      one.key !== undefined
        ? { key: `http-push/${device}/${one.key}/0`, within: KEY_WITHIN_MS }
        : digest !== undefined
          ? { key: `http-push/${device}/${digest}/${i}`, within: SAME_WITHIN_MS }
          : undefined;
    await host.report({
      ...observationOf(device, one, host.clock.wall()),
      ...(picture !== undefined && { picture }),
      ...(repeat !== undefined && { repeat }),
    });
  }
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
