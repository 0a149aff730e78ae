/**
 * How available devices were. The journal is read for it once, in a thread apart, when somebody first asks; from then on
 * it follows what is recorded.
 */
import { type Event, typePrefix } from '../../config/catalogue/events.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Availability } from '../console/contract/devices.ts';
import { createIsolated, type Isolated } from '../lifecycle/isolated.ts';
import type { Recorder } from '../road/recorder.ts';
import { type AvailabilityBook, createAvailabilityBook, isOfLinks, linkWordIn } from './book.ts';
import type { LinksHistory, LinksQuestion, readLinks } from './history.ts';

/** Of the last 30 days. */
export interface Availabilities {
  /** Rejects where the journal cannot be read just now. */
  of(device: string): Promise<Availability>;
  close(): Promise<void>;
}

/** A year of a busy campus on a slow disk. */
const HISTORY_MS = 120_000;
/** Of what happens meanwhile; where more does, it is read again. */
const PENDING_MAX = 20_000;

export function createAvailability(
  { dataDir, timezone }: Pick<Config, 'dataDir' | 'timezone'>,
  { recorder, time }: { readonly recorder: Pick<Recorder, 'onStored'>; readonly time: Clock },
): Availabilities {
  let book: AvailabilityBook | undefined;
  let reading: Promise<AvailabilityBook> | undefined;
  let isolated: Isolated | undefined;
  /** What happens while the journal is read. */
  let pending: { readonly event: Event; readonly sequence: number }[] = [];

  const follow = (to: AvailabilityBook, { type, data, time: seen }: Event) => {
    const { device, clock } = data as { device?: { id?: string }; clock?: { seenAt?: string } };
    const seenAt = Date.parse(clock?.seenAt ?? seen);
    to.note({ type: type.slice(typePrefix.length), seenAt, device: device?.id ?? '', ...linkWordIn(data) });
  };
  recorder.onStored((event, sequence) => {
    if (book === undefined && reading === undefined) return;
    if (!isOfLinks(event.type.slice(typePrefix.length))) return;
    if (reading !== undefined && pending.length <= PENDING_MAX) pending.push({ event, sequence });
    if (book !== undefined) follow(book, event);
  });

  const read = async (): Promise<AvailabilityBook> => {
    const own = createIsolated({ time, deadlineMs: HISTORY_MS });
    isolated = own;
    try {
      const module = new URL('./history.ts', import.meta.url).href;
      const name = 'readLinks' satisfies (typeof readLinks)['name'];
      const input: LinksQuestion = { dataDir, timezone };
      const { content, upTo } = (await own.run({ module, name, input })) as LinksHistory;
      if (pending.length > PENDING_MAX) throw new Error('more happened than could be followed');
      const found = createAvailabilityBook(content);
      for (const { event, sequence } of pending) if (sequence > upTo) follow(found, event);
      book = found;
      return found;
    } finally {
      reading = undefined;
      pending = [];
      // The thread gives its memory back at once.
      await own.close();
      isolated = undefined;
    }
  };
  return {
    async of(device) {
      if (book === undefined) reading ??= read();
      const found = book ?? (await (reading as Promise<AvailabilityBook>));
      return found.of(device, time.wall());
    },
    close: async () => await isolated?.close(),
  };
}
