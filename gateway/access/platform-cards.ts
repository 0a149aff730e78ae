/** The cards that a platform sends, in versions: one change is all of it or nothing, on disk before it counts. */
import { isDeepStrictEqual } from 'node:util';
import type { ArgumentsOf, Result } from '../../config/catalogue/actions.ts';
import { cardKey, sameKeys } from '../../drivers/contract/card.ts';
import { withNormalKeys } from '../journal/credentials.ts';
import type { Journal } from '../journal/index.ts';
import { type Credentials, type Holding, readRow } from './credentials.ts';

type Change = ArgumentsOf<'credentials'>;

export interface PlatformCards extends Credentials {
  readonly version: number;
  readonly size: number;
  keys(): Iterable<string>;
  /** Reads what is on disk; where that fails, what is known stays. @throws what the journal throws. */
  load(): Promise<void>;
  /** The answer bears the version that the gateway has then. @throws what the journal throws. */
  change(wanted: Change): Promise<Result>;
}

const PAGE = 1000;

/** As rows of the school's own file are read; a string: what is wrong with the first that is. */
function readRows(put: Change['put'], groupNames: readonly string[]) {
  const wrong: string[] = [];
  const rows = put.map(({ facility, groups, blocked, children, ...row }, i) =>
    readRow(
      {
        ...row,
        facility: facility === undefined ? '' : String(facility),
        groups: groups.join(';'),
        blocked: blocked ? 'yes' : '',
        children: children.join(';'),
      },
      groupNames,
      // The answer is kept, and a platform knows what it wrote: a card's number has no business in it.
      (message) => wrong.push(`arguments.put.${i}: ${message.replace(/ ".*"/, '')}`),
    ),
  );
  return wrong[0] ?? twinOf(rows) ?? rows;
}

/** Two of them that are one card, and do not say the same of it: which of them is meant? */
function twinOf(rows: readonly (readonly [key: string, holding: Holding])[]): string | undefined {
  const seen = new Map<string, number>();
  for (const [i, [key, holding]] of rows.entries()) {
    const keys = sameKeys(key);
    const before = keys.map((same) => seen.get(same)).find((one) => one !== undefined);
    if (before !== undefined && !isDeepStrictEqual(rows[before]?.[1], holding))
      return `arguments.put.${i}: the same card as arguments.put.${before}, and not the same of it`;
    for (const same of keys) seen.set(same, i);
  }
  return undefined;
}

/** `groups`: those that the config knows; `onChange`: there are others than before. */
export function createPlatformCards(
  journal: Pick<Journal, 'credentials' | 'credentialsVersion' | 'changeCredentials'>,
  { groups, onChange }: { readonly groups: readonly string[]; readonly onChange: () => void },
): PlatformCards {
  let cards = new Map<string, Holding>();
  let version = 0;
  let before: Promise<unknown> = Promise.resolve();
  /** A change that comes while the cards are read would be lost between two pages: one after the other. */
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const done = before.then(run);
    before = done.catch(() => {});
    return done;
  };

  const load = async () => {
    const rows: { readonly key: string; readonly body: string }[] = [];
    const foundVersion = await journal.credentialsVersion();
    for (let after = ''; ; ) {
      const page = await journal.credentials(after, PAGE);
      rows.push(...page);
      if (page.length < PAGE) break;
      after = page.at(-1)?.key ?? '';
    }
    // A version of before kept the numbers as they were written.
    cards = new Map(withNormalKeys(rows).map(({ key, body }) => [key, JSON.parse(body) as Holding]));
    version = foundVersion;
    onChange();
  };
  const change = async ({ base, version: next, put, remove }: Change): Promise<Result> => {
    const result = () => ({ version, credentials: cards.size });
    const rows = readRows(put, groups);
    if (typeof rows === 'string') return { done: false, reason: rows, result: result() };
    // However it was written when it came; a card that is put anew takes its own place too.
    const named = remove.flatMap(({ facility, number, format }) => cardKey(facility, number, format) ?? []);
    const gone = [...named, ...rows.map(([key]) => key)].flatMap(sameKeys);
    const done = await journal.changeCredentials({
      base,
      version: next,
      put: rows.map(([key, holding]) => ({ key, body: JSON.stringify(holding) })),
      remove: gone,
    });
    if (!done) return { done: false, reason: `the gateway has version ${version}`, result: result() };
    if (base === undefined) cards.clear();
    for (const key of gone) cards.delete(key);
    for (const [key, holding] of rows) cards.set(key, holding);
    version = next;
    onChange();
    return { done: true, result: result() };
  };
  return {
    get: (key) => cards.get(key),
    keys: () => cards.keys(),
    get version() {
      return version;
    },
    get size() {
      return cards.size;
    },
    load: () => inTurn(load),
    change: (wanted) => inTurn(() => change(wanted)),
  };
}
