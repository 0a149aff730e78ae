/** Whatever the gateway can say has a short word in both languages, so that no page shows a raw code. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { actionNames, actionOf } from '../../config/catalogue/actions.ts';
import { closeReasons } from '../../config/catalogue/event-data.ts';
import { eventClasses, eventTypes } from '../../config/catalogue/events.ts';
import { area } from '../../config/sections/areas.ts';
import { contactIdCodes, siaCodes } from '../../drivers/alarm-codes/table.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import { observationKinds, videoCauses, visitStages } from '../../drivers/contract/observation.ts';
import { drivers, platforms } from '../../drivers/index.ts';
import { faultCauses } from '../../drivers/onvif/meanings.ts';
import { refusalWords } from '../../drivers/osdp/session.ts';
import { rights, roles } from '../../gateway/console/rights.ts';
import { type Labelled, labels } from '../../gateway/console/web/words/labels.ts';

const root = join(import.meta.dirname, '../..');
const sources = (...patterns: string[]) =>
  patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .map((file) => readFileSync(join(root, file), 'utf8'));
/** What stands in the first group of a pattern, anywhere in those texts. */
const found = (texts: readonly string[], pattern: RegExp) =>
  texts.flatMap((text) => [...text.matchAll(pattern)].map(([, one = '']) => one));

const missing = (group: Labelled, words: readonly string[]) =>
  [...new Set(words)].filter((word) => !Object.hasOwn(labels[group], word));

/** Words that a shipped profile can give in one of its members: as they are, or from its tables. */
function fromProfiles(member: string): string[] {
  const words: string[] = [];
  const readings = (reading: unknown): void => {
    if (typeof reading === 'string') words.push(reading);
    const { table, fixed, otherwise } = (reading ?? {}) as Record<string, unknown>;
    words.push(...Object.values(table ?? {}), ...[fixed, otherwise].filter((one) => typeof one === 'string'));
  };
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, value] of Object.entries(node)) {
      if (name === member) readings(value);
      walk(value);
    }
  };
  const folder = join(root, 'config/profiles');
  for (const file of readdirSync(folder)) walk(parse(readFileSync(join(folder, file), 'utf8')));
  return words;
}

// The console says nothing of its own: it asks, and shows.
const drivenBy = sources('drivers/**/*.ts', 'gateway/!(console)/**/*.ts');

describe('the labels of the console', () => {
  it('name every type, class and kind of event', () => {
    expect(missing('type', eventTypes)).toEqual([]);
    expect(missing('eventClass', eventClasses)).toEqual([]);
    expect(missing('kind', observationKinds)).toEqual([]);
    expect(missing('lane', lanes)).toEqual([]);
  });

  it('name every cause that a panel, a camera, a reader, a profile or the gateway gives', () => {
    const ofPanels = [...siaCodes, ...contactIdCodes].flatMap(({ kind, cause }) =>
      cause === undefined || kind === 'credential' ? [] : [cause],
    );
    const said = found(drivenBy, /\bcause: '([a-z0-9-]+)'/g);
    const faults = found(sources('drivers/onvif/*.ts'), /states\.fault\('([a-z-]+)'/g);
    expect(said.length).toBeGreaterThan(3);
    expect(faults.length).toBeGreaterThan(3);
    expect(
      missing('cause', [
        ...ofPanels,
        ...videoCauses,
        ...faultCauses,
        ...Object.keys(refusalWords),
        ...['default-key', 'flooding', 'unreadable-line'],
        ...said,
        ...faults,
        ...fromProfiles('cause'),
      ]),
    ).toEqual([]);
  });

  it('name every reason why a card or a face does not pass', () => {
    const decided = found(sources('gateway/access/*.ts'), /denied\('([a-z-]+)'/g);
    expect(decided.length).toBeGreaterThan(8);
    expect(missing('reason', [...decided, 'second-person', ...fromProfiles('reason')])).toEqual([]);
    expect(
      missing(
        'credential',
        fromProfiles('format').filter((one) => /^[a-z-]+$/.test(one)),
      ),
    ).toEqual([]);
  });

  it('name every action and each of its arguments', () => {
    expect(missing('action', actionNames)).toEqual([]);
    expect(
      missing(
        'argument',
        actionNames.flatMap((name) => Object.keys(actionOf(name).arguments.shape)),
      ),
    ).toEqual([]);
    expect(missing('closeReason', closeReasons)).toEqual([]);
  });

  it('name every state, every driver and every protocol', () => {
    const zones = area.shape.zones.element.shape.type.unwrap().options;
    expect(missing('zoneType', zones)).toEqual([]);
    expect(
      missing('state', [...visitStages, 'armed', 'exit-delay', 'entry-delay', 'unlocked', 'forced']),
    ).toEqual([]);
    expect(
      missing(
        'driver',
        drivers.map(({ name }) => name),
      ),
    ).toEqual([]);
    expect(
      missing(
        'protocol',
        platforms.map(({ name }) => name),
      ),
    ).toEqual([]);
  });

  it('name every role and every right', () => {
    expect(missing('role', roles)).toEqual([]);
    expect(missing('right', Object.keys(rights))).toEqual([]);
  });

  it('name every code that an API of the console answers with (web/words/labels/people.ts)', () => {
    const texts = sources('gateway/console/**/*.ts');
    const answered = found(texts, /\berror: '([a-z-]+)'/g);
    const thrown = found(texts, /\bApiError\(\d+, '([a-z-]+)'/g);
    const byStatus = found(sources('gateway/console/schemas.ts'), /^ {2}\d{3}: '([a-z-]+)'/gm);
    expect(byStatus.length).toBeGreaterThan(2);
    const accounts = found(sources('gateway/console/api/refused.ts'), /^ {2}'?([a-z-]+)'?: \d{3},/gm);
    expect(accounts).toContain('last-administrator');
    const refused = found(sources('gateway/console/door.ts'), /^ {2}readonly error: (.*);/gm);
    const words = refused.flatMap((one) => one.match(/[a-z-]+/g) ?? []);
    expect(words).toContain('too-many-guesses');
    const codes = [...answered, ...thrown, ...byStatus, ...accounts, ...words];
    expect(missing('error', codes)).toEqual([]);
  });

  it('are short, and Chinese where they should be', () => {
    for (const [group, words] of Object.entries(labels))
      for (const [word, [en, zh]] of Object.entries<readonly [string, string]>(words)) {
        const where = `${group} ${word}`;
        expect(en.length, where).toBeGreaterThan(0);
        expect(en.length, where).toBeLessThanOrEqual(42);
        expect(zh.length, where).toBeLessThanOrEqual(22);
        // A protocol is called as it is written.
        expect(group === 'protocol' || /\p{Script=Han}/u.test(zh), where).toBe(true);
        expect(/\p{Script=Han}/u.test(en), where).toBe(false);
      }
  });
});
