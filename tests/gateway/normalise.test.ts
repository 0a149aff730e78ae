/** `credentials normalise`: which row a card is, and which option is missing. The cards are those of tests/drivers/card.test.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyReader, readingsOf } from '../../gateway/cli/credentials/readings.ts';
import { temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

const LIST = `number,facility,holder,groups
0040856634,,a,
"209,57933",,b,
1EA68671,,c,
04:AF:68:DA:C8:5A:80,,d,
12345678,,e,
7638,22,f,
S0012X,,g,
`;

function campus(lowBits: object[] = []) {
  const folder = temporaryDirectory();
  const line = (port: number, more: object) => ({
    driver: 'wiegand',
    connection: { serialServer: `127.0.0.1:${port}` },
    ...more,
  });
  const devices = [
    { id: 'narrow', ...line(4001, { format: 'wiegand26' }) },
    { id: 'r-w34', ...line(4005, { format: 'wiegand34' }) },
    { id: 'many', ...line(4006, { format: 'wiegand' }) },
    { id: 'text', ...line(4002, {}) },
    { id: 'em', ...line(4003, { format: 'rdm6300' }) },
    { id: 'bus', ...line(4004, {}), driver: 'osdp' },
    { id: 'bus48', ...line(4007, { formats: ['corporate1000-48'] }), driver: 'osdp' },
  ];
  const doors = [{ id: 'd', reader: ['narrow', 'text', 'em', 'bus'] }];
  const config = join(folder, 'c.yaml');
  const access = { credentialsFile: 'cards.csv', doors, lowBits };
  writeFileSync(config, JSON.stringify({ campus: { id: '4503', name: 'x' }, access, devices }));
  writeFileSync(join(folder, 'cards.csv'), LIST);
  return config;
}
const normalise = (...args: readonly string[]) => run('credentials', 'normalise', campus(), ...args);

describe('credentials normalise', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['bits of 26', ['--reader', 'narrow', '11101000111100010010011010'], /209,57933 → line 3/],
    ['bits of 34 over OSDP', ['--reader', 'bus', '0000000001101000111100010010011011'], /209,57933 → line 3/],
    ['an RDM6300', ['--reader', 'em', '01026F6C3A'], /em4100 1,40856634 → line 2/],
    [
      'the bytes of its frame',
      ['--reader', 'em', '023031303236463643334133410d0a03'],
      /em4100 1,40856634 → line 2/,
    ],
    ['what is printed', ['0040856634'], /as it stands: .* → line 2/],
    ['a UID of 7 bytes in decimal', ['1318764788865664'], /line 5/],
    ['a text', ['S0012X'], /line 8/],
    ['2H4D', ['022,07638'], /line 7/],
  ])('finds the row of %s', async (_name, args, found) => {
    expect(await normalise(...args)).toMatchObject({ status: 0, stdout: expect.stringMatching(found) });
  });

  it.each<[string, readonly string[], RegExp]>([
    ['reverse', ['--reader', 'text', '7186A61E'], /→ set at the reader: reverse: true \(.* line 4/],
    ['digits', ['--reader', 'text', '02207638'], /→ set at the reader: digits: 2H4D \(.* line 7/],
    ['lowBits', ['--reader', 'narrow', '111,27706'], /line 2 .*lowBits: \[{ reader: narrow, bits: 24 }\]/],
    [
      'first, for a reader of 26 bits that turns the bytes',
      // 68 AF 04 of 04 AF 68 DA C8 5A 80 (monkeyboard Wiegand library, issue 54).
      ['--reader', 'narrow', '104,44804'],
      /line 5 .*reverse: true, access\.lowBits: \[{ reader: narrow, bits: 24, first: true }\]/,
    ],
    ['0x in the list', ['--reader', 'bus', (0x12345678).toString()], /line 6 has it in hex.* 0x12345678/],
    ['nothing, for a strange card', ['--reader', 'text', '999999'], /in no row, whatever the options/],
    ['nothing, for no card', ['?!'], /no card, whatever the options/],
  ])('advises %s, and ends with 1', async (_name, args, advice) => {
    expect(await normalise(...args)).toMatchObject({ status: 1, stdout: expect.stringMatching(advice) });
  });

  it('reads as the config says', async () => {
    const config = campus([{ reader: 'narrow', bits: 24 }]);
    expect(await run('credentials', 'normalise', config, '--reader', 'narrow', '111,27706')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('as it is set: wiegand26 111,27706 → line 2'),
    });
  });

  it('is told of a reader that is at no door', async () => {
    expect(await run('check', campus([{ reader: 'narow', bits: 24 }]))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/access\.lowBits\[0\]\.reader.*narow/),
    });
  });

  it('without a card shows what each row comes to', async () => {
    const { status, stdout, stderr } = await normalise();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^line 2: 8H10D 0040856634 .* 111,27706$/m);
    expect(stdout).toMatch(/^line 8: S0012X$/m);
    expect(stderr).toMatch(/cards\.csv:6: digits alone/);
  });

  it('is not needed to hear of rows without a facility: check tells them', async () => {
    const config = campus();
    writeFileSync(join(config, '..', 'cards.csv'), 'number,holder\n57933,a\n0057934,b\n13754957,c\n');
    expect(await run('check', config)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        /cards\.csv:2: a number without its facility .*1 more rows\); narrow tells/,
      ),
    });
    expect((await run('check', campus())).stderr).toMatch(/cards\.csv:6: digits alone/);
  });

  it('says which format a row must name', async () => {
    const config = campus();
    writeFileSync(join(config, '..', 'cards.csv'), 'number,facility,holder\n101,1,a\n1603,118,b\n');
    // Corporate 1000 of 48 bits, facility 118, card 1603 (Proxmark3's tests), without HID's header.
    const bits = BigInt.asUintN(48, 0x01400076000c86n).toString(2).padStart(48, '0');
    const long = await run('credentials', 'normalise', config, '--reader', 'bus48', bits);
    expect(long).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/line 3 .*format corporate1000-48/),
    });
    const em = await run('credentials', 'normalise', config, '--reader', 'em', '0100000065');
    expect(em).toMatchObject({ status: 1, stdout: expect.stringMatching(/line 2 .*number 101, without/) });
  });

  it('check tells rows of a format that no reader has', async () => {
    const config = campus();
    const rows = '27706,111,hous,a\n27706,111,corporate1000-35,b\n7,,em4100,c\n';
    writeFileSync(join(config, '..', 'cards.csv'), `number,facility,format,holder\n${rows}`);
    const { status, stderr } = await run('check', config);
    expect(status).toBe(0);
    expect(stderr).toMatch(/cards\.csv:2: no reader has the format hous; known are wiegand26/);
    expect(stderr).not.toMatch(/cards\.csv:[34]/);
  });

  it('says what it does not understand', async () => {
    expect(await normalise('--reader', 'none', '1')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('none is no card reader'),
    });
    expect(await run('credentials', 'normalise')).toMatchObject({ status: 2 });
  });

  it('reads anything, and never throws', () => {
    const said = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[0-9A-Fa-f:,. ]{1,40}$/),
      fc.stringMatching(/^[01]{8,130}$/),
    );
    const is = fc.constantFrom('any', 'bits', 'text', 'em4100');
    fc.assert(
      fc.property(said, is, (text, form) => {
        for (const { card } of readingsOf(text, { ...anyReader, is: form as 'any' }))
          expect(card.number).toMatch(/^[0-9A-Za-z]+$/);
      }),
    );
  });
});

describe('credentials normalise of what is printed', () => {
  // 0040856634 is printed on the card whose Wiegand 34 is 00623,27706, and whose Wiegand 26 is 111,27706.
  it.each<[string, readonly string[], number, RegExp]>([
    ['sends of it', ['r-w34', '0040856634'], 0, /as it is set: wiegand34 623,27706 → line 2/],
    ['sends of its hex', ['r-w34', '026F6C3A'], 0, /as it is set: wiegand34 623,27706 → line 2/],
    [
      'sends of it, which is a part',
      ['narrow', '0040856634'],
      1,
      /lowBits: \[{ reader: narrow, bits: 24 }\]/,
    ],
    [
      'says is not known',
      ['many', '0040856634'],
      1,
      /→ the card of line 2, if .* what many says .* show the card/,
    ],
    [
      'says is not known',
      ['em', '0040856634'],
      1,
      /→ the card of line 2, if .* what em says .* show the card/,
    ],
    ['says is not known', ['em', '40856634'], 1, /→ the card of line 2, if this is printed/],
    ['says is a part', ['bus', '01026F6C3A'], 1, /lowBits: \[{ reader: bus, bits: 24 }\]/],
    ['sends has no letters', ['r-w34', 'S0012X'], 1, /→ the card of line 8, if this is printed/],
  ])(
    'turns no reader around for what is printed on a card: what the reader %s (%j)',
    async (_name, [reader = '', said = ''], status, advice) => {
      const answer = await normalise('--reader', reader, said);
      expect(answer).toMatchObject({ status, stdout: expect.stringMatching(advice) });
      expect(answer.stdout).not.toMatch(/^ {2}→ .*(format|reverse|digits): /m);
    },
  );

  it.each<[string, RegExp]>([
    ['11101000111100010010011010', /set at the reader: format: wiegand .* line 3/],
    ['01026F6C3A3A', /set at the reader: format: rdm6300 .* line 2/],
  ])('advises another format for what no card has printed on it: %s', async (said, advice) => {
    expect((await normalise('--reader', 'text', said)).stdout).toMatch(advice);
  });
});
