/** What happens at the campus, as it happens. */
import { signal } from '@preact/signals';
import type { Overview } from '../../contract/overview.ts';
import { happened } from './line.ts';

/** A CloudEvent as it comes. */
export interface Told {
  readonly id: string;
  /** `cn.campus.alarm.raised` */
  readonly type: string;
  /** RFC 3339 */
  readonly time: string;
  readonly source: string;
  readonly subject?: string;
  /** The journal's number; "0": the disk has it not. */
  readonly sequence: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export const overview = signal<Overview | undefined>(undefined);

const PREFIX = 'cn.campus.';
const listeners = new Set<(event: Told, type: string) => void>();

/** Calls back for each event, with its type without the prefix, until the function it gives is called. */
export function onEvent(listener: (event: Told, type: string) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What the console's line brings. */
export const taken = {
  overview(data: unknown) {
    if (data !== null && data !== undefined) overview.value = data as Overview;
  },
  event(data: unknown) {
    const event = data as Told;
    const type = event.type.replace(PREFIX, '');
    for (const listener of listeners) listener(event, type);
    happened(type);
  },
} as const;
