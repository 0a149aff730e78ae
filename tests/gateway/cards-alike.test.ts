/** One card in the lists, at readers that say it in different ways: whose it is, and that it is nobody else's. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { parseWiegand, wiegandLayouts } from '../../drivers/bits.ts';
import { readCredentials } from '../../gateway/access/credentials.ts';
import { createLookup } from '../../gateway/access/lookup.ts';
import { withNormalKeys } from '../../gateway/journal/credentials.ts';
import { openHere } from '../backing.ts';
import { temporaryDirectory } from '../helpers.ts';
import { gate } from './gate.ts';

const COLUMNS = 'number,facility,holder,groups';
const listed = (...rows: readonly string[]) => listedAs(COLUMNS, rows);
const listedAs = (columns: string, rows: readonly string[]) => {
  const found = readCredentials(`${columns}\n${rows.join('\n')}\n`, ['staff', 'night']);
  if ('errors' in found) throw new Error(JSON.stringify(found.errors));
  return found;
};
const problems = (...rows: readonly string[]) => {
  const found = readCredentials(`number,facility,holder,groups,pin\n${rows.join('\n')}\n`, ['staff']);
  return 'errors' in found ? found.errors.map(({ line, message }) => `${line}: ${message}`) : [];
};
const lookUp = (
  rows: readonly string[],
  lowBits: { reader: string; bits: number; first?: boolean }[] = [],
  own: string[] = [],
  columns = COLUMNS,
) => {
  const platform = listed(...own).credentials;
  const { credentials, pins } = listedAs(columns, rows);
  return createLookup(
    platform,
    { get: (key) => credentials.get(key), keys: () => credentials.keys(), pins },
    { lowBits },
  );
};

describe('a row of a list', () => {
  it.each([
    [
      'of the same number with zeros',
      ['1217496,,a,', '0001217496,,b,'],
      'same card as in line 2, written otherwise',
    ],
    ['in 2H4D', ['0007302202,,a,', '"111,27706",,b,'], 'the lowest 24 bits are those of the card in line 2'],
    ['of 32 bits whose last 24 it has', ['"111,27706",,b,', '0040856634,,a,'], 'those of the card in line 3'],
    ['with a facility', ['7302202,,a,', '27706,111,b,'], 'same card as in line 2, written otherwise'],
    ['in hex', ['04AF68DAC85A80,,a,', '1318764788865664,,b,'], 'same card as in line 2, written otherwise'],
    ['twice', ['7,1,a,', '7,1,a,'], 'the same card as in line 2'],
  ])('that is another one %s is wrong, and both lines are named', (_name, rows, message) => {
    const [told] = problems(...rows.map((row) => `${row},`));
    expect(told).toMatch(/^[23]: /);
    expect(told).toContain(message);
  });

  it('that is the same card of the same holder is told, and does no harm', () => {
    const { warnings } = listed('1217496,,a,staff', '0001217496,,a,staff');
    expect(warnings).toEqual([{ line: 3, message: expect.stringContaining('the same card as in line 2') }]);
    expect(problems('1217496,,a,staff,', '0001217496,,a,staff,2580')).toHaveLength(1);
  });

  it.each([
    ['1.21750E+06', /a spreadsheet made this/],
    ['"111,277"', /five digits/],
    ['"99999,27706"', /at most 65535/],
    ['"111,27706",5', /leave the column facility empty/],
    ['0040856634 111,27706', /two numbers/],
    ['BA-1', /letters and digits/],
  ])('%s is told plainly', (number, message) => {
    const cells = number.includes('",') ? number : `"${number.replaceAll('"', '')}",`;
    expect(problems(`${cells},a,,`)).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    ['7,1,em4100', /has no facility/],
    ['7,,wiegand37-facility', /has a facility; write it/],
    ['1048576,1,corporate1000-35', /its numbers have 20 bits/],
    ['"111,27706",,house', /in their own columns/],
    [`7,1,${'x'.repeat(41)}`, /at most 40 letters/],
  ])('%s is of a format that it cannot have', (cells, message) => {
    const found = readCredentials(`number,facility,format,holder\n${cells},a\n`, []);
    expect(found).toEqual({ errors: [{ line: 2, message: expect.stringMatching(message) }] });
  });

  it('with a facility that no card of 16 bits each has is told', () => {
    expect(listed('1234567,1,a,').warnings).toEqual([
      { line: 2, message: expect.stringContaining('16 bits at most') },
    ]);
    expect(listedAs('number,facility,format,holder', ['98765,1234,house,a']).warnings).toEqual([]);
  });

  it('whose comma stands in no quotes is told so', () => {
    const found = readCredentials('number,holder\n111,27706,a\n', []);
    expect(found).toEqual({ errors: [{ line: 2, message: expect.stringMatching(/stands in quotes/) }] });
  });

  it('that may be meant otherwise is told', () => {
    expect(listed('111,27706,a,').warnings).toEqual([
      { line: 2, message: expect.stringContaining('wrong way') },
    ]);
    const hex = listed('A1B2C3D4,,a,', '12345678,,b,').warnings;
    expect(hex).toEqual([{ line: 3, message: expect.stringContaining('0x') }]);
  });
});

describe('a reader', () => {
  const em = (number: string, facility = 1) => ({ format: 'em4100', facility, number });
  const w26 = (facility: number, number: string) => ({ format: 'wiegand26', facility, number });

  it('finds the card however the list has it', () => {
    for (const row of ['1217496,,a,', '0001217496,,a,', '"018,37848",,a,', '37848,18,a,', '001293D8,,a,']) {
      const { find } = lookUp([row]);
      for (const card of [em('1217496'), w26(18, '37848'), { format: 'ascii', number: '0001217496' }])
        expect(find(card, 'r')?.holder).toBe('a');
      expect(find(em('1217497'), 'r')).toBeUndefined();
    }
  });

  it('takes the version of an EM4100 card for no facility', () => {
    // 01 00000065 and 6F 00006C3A: facility and number of EM4100 are bits 16 to 23 and 0 to 15 of the lower 32.
    const { find, isWithoutFormat } = lookUp(['101,1,a,', '27706,111,b,']);
    for (const card of [em('101', 1), em('27706', 0x6f)]) {
      expect(find(card, 'r')).toBeUndefined();
      expect(isWithoutFormat(card)).toBe(true);
    }
    expect(find(w26(1, '101'), 'r')?.holder).toBe('a');
    // 006F6C3A, whatever its version.
    for (const version of [0, 1, 0x6f]) expect(find(em('7302202', version), 'r')?.holder).toBe('b');
    expect(lookUp(['101,,a,']).find(em('101', 1), 'r')?.holder).toBe('a');
  });

  it('opens nothing for the same facility and number in a format that the row does not name', () => {
    const pair = (format: string, facility = 111, number = '27706') => ({ format, facility, number });
    const others = ['corporate1000-35', 'corporate1000-48', 'wiegand37-facility', 'house'];
    const plainRow = lookUp(['27706,111,a,']);
    for (const format of ['wiegand26', 'wiegand34', 'ascii', 'keyboard', 'card'])
      expect(plainRow.find(pair(format), 'r')?.holder).toBe('a');
    for (const format of others) {
      expect(plainRow.find(pair(format), 'r')).toBeUndefined();
      expect(plainRow.isWithoutFormat(pair(format))).toBe(true);
      const named = lookUp(
        [`27706,111,${format},a`, '27706,111,,b'],
        [],
        [],
        'number,facility,format,holder',
      );
      expect(named.find(pair(format), 'r')?.holder).toBe('a');
      expect(named.find(pair('wiegand26'), 'r')?.holder).toBe('b');
      for (const other of others.filter((one) => one !== format))
        expect(named.find(pair(other), 'r')).toBeUndefined();
    }
    // A facility over 8 bits is of Wiegand 34.
    const wide = lookUp(['10183,2643,a,']);
    expect(wide.find(pair('wiegand34', 2643, '10183'), 'r')?.holder).toBe('a');
    expect(wide.find(pair('corporate1000-35', 2643, '10183'), 'r')).toBeUndefined();
  });

  it('opens nothing for a card whose last bits are those of another', () => {
    const { find } = lookUp(['3735928559,,a,', '27706,,b,', '11127706,,c,']);
    // DEADBEEF at a reader of 34 bits; the same last 24 at one of 26.
    expect(find({ format: 'wiegand34', facility: 0xdead, number: '48879' }, 'r')?.holder).toBe('a');
    expect(find(w26(0xad, '48879'), 'r')).toBeUndefined();
    expect(find(w26(111, '27706'), 'r')).toBeUndefined();
    expect(find(w26(0, '27706'), 'r')?.holder).toBe('b');
  });

  it('that sees the lowest bits is told by the config, and two cards that agree in them open nothing', () => {
    const rows = ['3735928559,,a,', '"0x11ADBEF0",,b,', '"0x22ADBEF0",,c,'];
    const { find } = lookUp(rows, [{ reader: 'r', bits: 24 }]);
    expect(find(w26(0xad, '48879'), 'r')?.holder).toBe('a');
    expect(find(w26(0xad, '48879'), 'other')).toBeUndefined();
    expect(find(w26(0xad, String(0xbef0)), 'r')).toBeUndefined();
    // Its facility counts for nothing: 16 bits.
    const sites = lookUp(['27706,,a,', '5,,b,', '65541,,c,'], [{ reader: 'r', bits: 16 }]);
    expect(sites.find(w26(111, '27706'), 'r')?.holder).toBe('a');
    expect(sites.find(w26(7, '5'), 'r')).toBeUndefined();
    // Of both lists, whose word is whose does not matter.
    const both = lookUp(['0x11ADBEF0,,b,'], [{ reader: 'r', bits: 24 }], ['0x22ADBEF0,,c,']);
    expect(both.find(w26(0xad, String(0xbef0)), 'r')).toBeUndefined();
  });

  it('that sees the first bytes of a UID, turned, is told by the config too', () => {
    // monkeyboard Wiegand library, issue 54: a reader of 26 bits gives 9B3FAA of AA 3F 9B 1A, and 68AF04 of a UID of 7 bytes.
    const rows = ['AA:3F:9B:1A,,a,', '04AF68DAC85A80,,b,', '0x04AF6901,,c,', '0x04AF6902,,d,'];
    const part = [{ reader: 'r', bits: 24, first: true }];
    const { find } = lookUp(rows, part);
    const turned = (value: bigint) => {
      const bits = value.toString(2).padStart(24, '0');
      const ones = (text: string) => text.replaceAll('0', '').length % 2;
      const framed = `${ones(bits.slice(0, 12))}${bits}${1 - ones(bits.slice(12))}`;
      const parsed = parseWiegand(framed, wiegandLayouts.wiegand26, true);
      if ('reason' in parsed) throw new Error(parsed.reason);
      return parsed.frame;
    };
    expect(find(turned(0x9b3faan), 'r')?.holder).toBe('a');
    expect(find(turned(0x68af04n), 'r')?.holder).toBe('b');
    expect(find(turned(0x69af04n), 'r')).toBeUndefined();
    expect(find(turned(0x9b3faan), 'other')).toBeUndefined();
    // Two rows of one holder are his, whichever it is.
    const his = lookUp(['0x04AF6901,,c,', '0x04AF6902,,c,'], part);
    expect(his.find(turned(0x69af04n), 'r')?.holder).toBe('c');
  });

  it('knows that the list has the card without its facility', () => {
    const { isWithoutFacility } = lookUp(['27706,,b,']);
    expect(isWithoutFacility(w26(111, '27706'))).toBe(true);
    expect(isWithoutFacility(w26(111, '27707'))).toBe(false);
    expect(isWithoutFacility({ format: 'ascii', number: '27706' })).toBe(false);
  });

  it('hears the word of a platform first, however the card is written there', () => {
    const { find } = lookUp(['37848,18,a,'], [], ['1217496,,blocked-there,']);
    expect(find(w26(18, '37848'), 'r')?.holder).toBe('blocked-there');
  });
});

describe('the cards of a platform', () => {
  const holder = (name: string, more: object = {}) =>
    JSON.stringify({ holder: name, groups: ['teachers'], blocked: false, ...more });

  it('that an older version kept as they were written are found, changed and erased as the same', async () => {
    const directory = temporaryDirectory();
    const journal = await openHere(directory);
    await journal.close();
    const file = new Database(join(directory, 'journal.sqlite'));
    const old = file.prepare('INSERT INTO credential VALUES (?, ?)');
    old.run('/0000000100', holder('zeros'));
    old.run('/04AF68DAC85A80', holder('uid'));
    old.run('1/7', holder('seven'));
    file.prepare("INSERT INTO meta VALUES ('credentials', '5')").run();
    file.close();
    const { show, command, access, journal: again } = await gate(directory);
    expect(access.credentials()).toEqual({ version: 5, count: 3 });
    const card = (format: string, number: string) => ({ credential: { format, number } });
    expect(await show('r0', '', card('ascii', '100'))).toMatchObject({ type: 'granted', holder: 'zeros' });
    expect(await show('r0', '', card('raw56', '1318764788865664'))).toMatchObject({ holder: 'uid' });
    const put = [{ number: '100', holder: 'other', groups: ['teachers'] }];
    expect(await command('credentials', { base: 5, version: 6, put })).toMatchObject({ done: true });
    expect(access.credentials()).toEqual({ version: 6, count: 3 });
    const keys = (await again.credentials('', 10)).map(({ key }) => key);
    expect(keys).toEqual(['/100', '/1318764788865664', '1/7']);
    const remove = [{ number: '04:AF:68:DA:C8:5A:80' }];
    await command('credentials', { base: 6, version: 7, remove });
    // However it is named now: 1 and 7 in 16 bits each are 65543.
    expect(await command('erase', { card: { number: '0000065543' } })).toMatchObject({ done: true });
    expect((await again.credentials('', 10)).map(({ key }) => key)).toEqual(['/100']);
  });

  it('that are put twice with different holders are refused, and say which', async () => {
    const { command, access } = await gate();
    const put = [
      { number: '0007302202', holder: 'a' },
      { number: '27706', facility: 111, holder: 'b' },
    ];
    expect(await command('credentials', { version: 1, put })).toMatchObject({
      done: false,
      reason: expect.stringMatching(/put\.1: the same card as arguments\.put\.0/),
    });
    // One after the other, the later one counts.
    await command('credentials', { version: 1, put: put.slice(0, 1) });
    await command('credentials', { base: 1, version: 2, put: put.slice(1) });
    expect(access.credentials()).toEqual({ version: 2, count: 1 });
  });

  it('of two that were one card, a blocked one stays so', () => {
    const rows = [
      { key: '/0007', body: holder('lost', { blocked: true }) },
      { key: '/7', body: holder('new') },
    ];
    expect(withNormalKeys(rows)).toEqual([{ key: '/7', body: rows[0]?.body }]);
    expect(withNormalKeys([...rows].reverse())).toEqual([{ key: '/7', body: rows[0]?.body }]);
    const open = rows.map(({ key }) => ({ key, body: holder(key) }));
    for (const one of [open, [...open].reverse()]) expect(withNormalKeys(one)).toEqual([open[1]]);
  });
});

describe('cards of a platform with a format', () => {
  it('are that format alone, and are taken back and erased by it', async () => {
    const { show, command, journal } = await gate();
    const card = { number: '4567', facility: 123, format: 'corporate1000-48' };
    const put = [{ ...card, holder: 'long', groups: ['teachers'] }];
    const shown = (format: string) =>
      show('r0', '', { credential: { format, facility: 123, number: '4567' } });
    await command('credentials', { version: 1, put });
    expect(await shown('corporate1000-48')).toMatchObject({ type: 'granted', holder: 'long' });
    expect(await shown('wiegand26')).toMatchObject({ type: 'unknown' });
    await command('credentials', { base: 1, version: 2, remove: [{ number: '4567', facility: 123 }] });
    expect(await journal.credentials('', 10)).toHaveLength(1);
    await command('credentials', { base: 2, version: 3, remove: [card] });
    expect(await journal.credentials('', 10)).toHaveLength(0);
    await command('credentials', { version: 4, put });
    expect(await command('erase', { card: { number: '4567', facility: 123 } })).toMatchObject({ done: true });
    expect(await journal.credentials('', 10)).toHaveLength(0);
  });
});

describe('erasing a card', () => {
  it('takes it out of events of all readers', async () => {
    const { show, command, journal } = await gate();
    for (const credential of [
      { format: 'ascii', number: '0007302202' },
      { format: 'wiegand26', facility: 111, number: '27706' },
      { format: 'em4100', facility: 1, number: '7302202' },
      { format: 'wiegand26', facility: 112, number: '27706' },
    ])
      await show('r0', '', { credential });
    expect(await command('erase', { card: { number: '7302202' } })).toMatchObject({ result: { events: 3 } });
    const left = (await journal.read('normal', 0, 10)).filter(({ body }) => body.includes('"number"'));
    expect(left.map(({ body }) => body)).toEqual([expect.stringContaining('"facility":112')]);
  });
});
