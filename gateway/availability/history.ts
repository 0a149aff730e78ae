/** The links of devices from before, read from the journal's file on a connection of its own, in a thread apart. */
import { readEvent } from '../../config/catalogue/events.ts';
import { openReader } from '../journal/reader.ts';
import { type AvailabilityContent, createAvailabilityBook, linkWordIn, newAvailability } from './book.ts';

export interface LinksQuestion {
  readonly dataDir: string;
  readonly timezone: string;
}
export interface LinksHistory {
  readonly content: AvailabilityContent;
  /** It knows of all events up to this one. */
  readonly upTo: number;
}

/** Numbers of one question: a long one would keep the journal from being tidied. */
const AT_ONCE = 20_000;

/** @throws JournalError; what SQLite says of the disk. */
export function readLinks({ dataDir, timezone }: LinksQuestion): LinksHistory {
  const reader = openReader(dataDir);
  try {
    const book = createAvailabilityBook(newAvailability(timezone));
    const upTo = reader.last();
    for (let from = 0; from <= upTo; from += AT_ONCE)
      for (const { type, seenAt, device, body, before } of reader.links(from, from + AT_ONCE - 1)) {
        const event = readEvent(body);
        book.note({ type, seenAt, device, before, ...(event !== undefined && linkWordIn(event.data)) });
      }
    return { content: book.content, upTo };
  } finally {
    reader.close();
  }
}
