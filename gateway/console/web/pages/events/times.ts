/** Times of the campus as fields of a form have them: `2026-11-28T14:03`. */
import { me } from '../../kit/me.ts';

const zone = () => me.value?.campus.timezone ?? 'UTC';

/** What the clocks of the campus show at a moment, as if it were UTC; epoch ms. */
function shownAt(at: number): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: zone(), hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(at);
  const of = (name: string) => Number(parts.find(({ type }) => type === name)?.value);
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
}

/** The field's text of a moment. */
export const fieldOf = (at: number): string => new Date(shownAt(at)).toISOString().slice(0, 16);

/** RFC 3339 of a field's text; undefined: it is none. Of an hour that comes twice the second is taken. */
export function momentOfField(text: string): string | undefined {
  const shown = Date.parse(`${text}Z`);
  if (Number.isNaN(shown)) return undefined;
  // The clocks may be put forward or back between the guess and the moment: a second look settles it.
  let at = shown - (shownAt(shown) - shown);
  at = shown - (shownAt(at) - at);
  return new Date(at).toISOString();
}

const DAY_MS = 86_400_000;
/** When a day of the campus begins, `back` days ago. */
export const dayField = (back: number): string => `${fieldOf(Date.now() - back * DAY_MS).slice(0, 10)}T00:00`;
