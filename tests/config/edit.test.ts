/** A config that is changed where it stands: what a person wrote beside it is still there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, assert, constantFrom, integer, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { EditError, editYaml, flowText } from '../../config/edit.ts';
import { runs } from '../fuzz.ts';

const example = readFileSync(join(import.meta.dirname, '../../config/campus.example.yaml'), 'utf8');

function edited(text: string, ...edits: ((to: ReturnType<typeof editYaml>) => void)[]) {
  const to = editYaml(text);
  for (const edit of edits) edit(to);
  return to.apply();
}

describe('an edit of the example', () => {
  it('touches the lines of what changed, and no other', () => {
    const { text, hunks } = edited(
      example,
      (to) => to.set(['devices', 2, 'zones', 0, 'name'], '北门对射'),
      (to) => to.set(['devices', 0, 'accounts', 0, 'zones', 0, 'place'], '北墙中段'),
      (to) => to.append(['devices', 0, 'accounts', 0, 'zones'], { zone: 10, id: 'lab', kind: 'panic' }),
      (to) => to.append(['devices'], { id: 'yard', driver: 'onvif', host: '10.0.0.41' }),
      (to) => to.remove(['devices', 2, 'zones', 1]),
    );
    const kept = new Set(text.split('\n'));
    const lost = example.split('\n').filter((line) => !kept.has(line));
    expect(lost.map((line) => line.trim())).toEqual([
      '- { zone: 1, id: north-wall, kind: perimeter, name: 北围墙 }',
      '- { zone: 1, id: gate-beam, kind: perimeter, name: 校门对射 }',
      '- { zone: 8, id: office-button, kind: panic, name: 校长室一键报警 }',
    ]);
    expect(hunks.flatMap(({ added }) => added.map((line) => line.trim()))).toEqual([
      '- { zone: 1, id: north-wall, kind: perimeter, name: 北围墙, place: 北墙中段 }',
      '- { zone: 10, id: lab, kind: panic }',
      '- { zone: 1, id: gate-beam, kind: perimeter, name: 北门对射 }',
      '- { id: yard, driver: onvif, host: 10.0.0.41 }',
    ]);
    expect(hunks[0]?.line).toBe(example.split('\n').findIndex((line) => line.includes('north-wall')) + 1);
  });

  it('puts a new zone of the last device before a new device, in a file without an end of its last line', () => {
    const { text } = edited(
      'devices:\n  - id: a\n    zones:\n      - { zone: 1 } # the first',
      (to) => to.append(['devices'], { id: 'b' }),
      (to) => to.append(['devices', 0, 'zones'], { zone: 2 }),
    );
    expect(text).toBe(
      'devices:\n  - id: a\n    zones:\n      - { zone: 1 } # the first\n      - { zone: 2 }\n  - { id: b }',
    );
  });

  it('keeps the line ends of Windows, and what is behind a value', () => {
    const { text } = edited(
      'a: 1 # one\r\nb: [x, y]\r\n',
      (to) => to.set(['a'], 2),
      (to) => to.remove(['b', 0]),
      (to) => to.set(['c'], 'z'),
    );
    expect(text).toBe('a: 2 # one\r\nb: [y]\r\nc: z\r\n');
  });

  it('takes all items out, the first key of an item, a block that stands over lines', () => {
    expect(
      edited(
        'zones:\n  - 1\n  - 2\nname: x\n',
        (to) => to.remove(['zones', 0]),
        (to) => to.remove(['zones', 1]),
      ).text,
    ).toBe('zones:\n  []\nname: x\n');
    expect(edited('- a: 1\n  b: 2\n', (to) => to.remove([0, 'a'])).text).toBe('- b: 2\n');
    expect(
      edited('c:\n  serial: /dev/ttyS0\n  baudRate: 9600\nd: 1\n', (to) =>
        to.set(['c'], { tcp: '10.0.0.9:502' }),
      ).text,
    ).toBe('c:\n  { tcp: 10.0.0.9:502 }\nd: 1\n');
    expect(
      edited(
        'a: {}\nb: []\nc:\n',
        (to) => to.set(['a', 'x'], 1),
        (to) => to.append(['b'], 'y'),
        (to) => to.set(['c'], true),
      ).text,
    ).toBe('a: { x: 1 }\nb: [y]\nc: true\n');
  });

  it('refuses what would change more than was asked: an alias', () => {
    const aliased = 'a: &one { name: x }\nb: *one\n';
    expect(() => edited(aliased, (to) => to.set(['a', 'name'], 'y'))).toThrow(EditError);
    expect(() => editYaml('a: [')).toThrow(EditError);
  });
});

it('writes any value so that it is read as it was, in a list of flow style too', () => {
  const word = string({ maxLength: 12 });
  assert(
    property(
      record({
        name: word,
        tags: array(word, { maxLength: 3 }),
        key: constantFrom('1234', '0012', 'yes', '{', ',', ': x', '# y', '北'),
      }),
      (value) => {
        expect(parse(`a: ${flowText(value)}`)).toEqual({ a: value });
        expect(parse(edited('l:\n  - 1 # one\n', (to) => to.append(['l'], value)).text)).toEqual({
          l: [1, value],
        });
      },
    ),
    { numRuns: runs(40) },
  );
});

it('any edits of a list come out as they do of an array', () => {
  const styles = [
    '- 0\n- 1\n- 2\n- 3\n',
    '[0, 1, 2, 3]\n',
    '[ 0,\n  1, 2,\n  3 ] # all\n',
    '- 0\n\n# two\n- 1 # x\n- 2\n- 3',
  ];
  const edit = record({
    remove: integer({ min: 0, max: 15 }),
    style: constantFrom(...styles),
    add: array(string({ maxLength: 5 }), { maxLength: 2 }),
  });
  assert(
    property(edit, ({ remove, style, add }) => {
      const to = editYaml(style);
      const gone = [0, 1, 2, 3].filter((i) => (remove >> i) % 2 === 1);
      for (const i of gone) to.remove([i]);
      for (const one of add) to.append([], one);
      expect(parse(to.apply().text)).toEqual([...[0, 1, 2, 3].filter((i) => !gone.includes(i)), ...add]);
    }),
    { numRuns: runs(100) },
  );
});
