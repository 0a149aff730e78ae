/** Times as platforms write them: local, without saying of which zone, for the most part. */
import { Temporal } from 'temporal-polyfill';

/** RFC 3339, 5.6, with or without an offset; a blank for the `T`, and none for its seconds' fraction. */
const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d)?$/;
/** RFC 3261, 20.17: `Sat, 13 Nov 2010 23:29:00 GMT`. */
const IMF = /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/**
 * The moment that a platform writes, epoch ms; of local time the one in `timeZone` (an IANA name). undefined: it is no
 * time. Never throws on what is read.
 */
export function readLocalTime(text: string, timeZone: string): number | undefined {
  const said = text.trim();
  if (IMF.test(said)) {
    const at = Date.parse(said);
    return Number.isNaN(at) ? undefined : at;
  }
  const [, date, time, zone] = ISO.exec(said) ?? [];
  if (date === undefined) return undefined;
  try {
    if (zone !== undefined) return Temporal.Instant.from(`${date}T${time}${zone}`).epochMilliseconds;
    return Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(timeZone).epochMilliseconds;
  } catch {
    // The 31st of February.
    return undefined;
  }
}
