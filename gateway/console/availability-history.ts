/** The links of devices from before, read from the journal's file on a connection of its own, in a thread apart. */
import { readEvent } from '../../config/catalogue/events.ts';
import { openReader } from '../journal/reader.ts';
import {
  type AvailabilityContent,
  createAvailabilityBook,
  linkWordIn,
  newAvailability,
} from './availability-book.ts';

export interface LinksQuestion {
  readonly dataDir: string;
  readonly timezone: string;
}
export interface LinksHistory {
  readonly content: AvailabilityContent;
  /** It knows of all events up to this one. */
  readonly upTo: number;
}

/** Each is a question of its own: a long one would keep the journal from being tidied. */
const AT_ONCE = 2000;

/** @throws JournalError; what SQLite says of the disk. */
export function readLinks({ dataDir, timezone }: LinksQuestion): LinksHistory {
  const reader = openReader(dataDir);
  try {
    const book = createAvailabilityBook(newAvailability(timezone));
    let upTo = 0;
    for (let more = true; more; ) {
      const entries = reader.links(upTo, AT_ONCE);
      for (const { type, seenAt, device, body } of entries) {
        const event = body === null ? undefined : readEvent(body);
        book.note({ type, seenAt, device, ...(event !== undefined && linkWordIn(event.data)) });
      }
      upTo = entries.at(-1)?.sequence ?? upTo;
      more = entries.length === AT_ONCE;
    }
    return { content: book.content, upTo };
  } finally {
    reader.close();
  }
}
