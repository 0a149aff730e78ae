/** What the shape of a profile alone does not show: values that a point cannot have, what stands twice, and more. */
import { type Point, widthOf } from './point.ts';
import { rangeMistakes } from './profile-limits.ts';
import {
  ADDRESSES,
  type BitPoint,
  type Check,
  canBe,
  isBits,
  LONG_MOST,
  type Mistake,
  mistake,
  notThere,
  type StatesPoint,
  WORD_MOST,
} from './profile-values.ts';

/** Values under a key that holds one or several: each with its path. */
const listed = (key: string, value: number | readonly number[] | undefined) =>
  value === undefined
    ? []
    : typeof value === 'number'
      ? [{ value, path: [key] }]
      : value.map((each, i) => ({ value: each, path: [key, i] }));

const placeMistakes: Check = (one) => {
  const mistakes: Mistake[] = [];
  for (const key of ['bit', 'mask'] as const)
    if (isBits(one) && (one as Record<string, unknown>)[key] !== undefined)
      mistakes.push(
        mistake([key], 'coils and inputs are one bit: leave it out', '线圈和输入只有一位：请删除'),
      );
  if (isBits(one) && widthOf(one) > 1)
    mistakes.push(
      mistake(
        ['type'],
        'it takes two registers, and coils and inputs are one bit: leave it out',
        '占用两个寄存器，而线圈和输入只有一位：请删除',
      ),
    );
  if (one.address < ADDRESSES && one.address + widthOf(one) > ADDRESSES)
    mistakes.push(
      mistake(
        ['address'],
        'it takes two registers, and 65535 is the last: at most 65534',
        '占用两个寄存器，而 65535 是最后一个：至多 65534',
      ),
    );
  if (!isBits(one) && one.mask !== undefined && widthOf(one) === 1 && one.mask > WORD_MOST)
    mistakes.push(
      mistake(['mask'], 'it reaches beyond the register: at most 0xFFFF', '超出寄存器：至多 0xFFFF'),
    );
  return mistakes;
};

const invalidMistakes: Check = (one) =>
  one.invalid.flatMap((value, i) => {
    const most = isBits(one) ? 1 : widthOf(one) === 2 ? LONG_MOST : WORD_MOST;
    if (value >= 0 && value <= most) return [];
    return [
      mistake(
        ['invalid', i],
        `it is never ${value}: it reads 0 to ${most}, as unsigned`,
        `不可能为 ${value}：读数为 0 至 ${most}（无符号）`,
      ),
    ];
  });

const noValue = (path: Mistake['path']) =>
  mistake(
    path,
    'it stands in `invalid` too, of which nothing follows: keep one',
    '同时列在 `invalid` 中，该值不会产生任何结果：请只保留一处',
  );

const bitMistakes: Check<BitPoint> = (one) => {
  const { bit, mask, equals, inverted, invalid } = one;
  const mistakes: Mistake[] = [];
  const isOneBit = isBits(one) || bit !== undefined;
  const wanted = listed('equals', equals);
  if (bit !== undefined && !isBits(one) && !canBe(one, 2 ** bit))
    mistakes.push(mistake(['bit'], 'the mask, moved down, leaves no such bit', '掩码下移后没有该位'));
  for (const { value, path } of wanted) {
    if (isOneBit && value !== 0 && value !== 1)
      mistakes.push(mistake(path, 'a bit is 0 or 1', '一位只能是 0 或 1'));
    else if (!isOneBit) mistakes.push(...notThere(one, value, path));
    if (!isOneBit && mask === undefined && invalid.includes(value)) mistakes.push(noValue(path));
  }
  const values = wanted.map(({ value }) => value);
  if (isOneBit && values.includes(0) && values.includes(1))
    mistakes.push(
      mistake(['equals'], 'a bit is always one of these: keep one', '一位总是其中之一：请只保留一个'),
    );
  const raises = [0, 1].filter(
    (value) => (equals === undefined ? value !== 0 : values.includes(value)) !== inverted,
  );
  if (isBits(one) && raises.length > 0 && raises.every((value) => invalid.includes(value)))
    mistakes.push(
      mistake(
        ['invalid'],
        `it could never be raised: ${raises.join(', ')} raises it; take it out`,
        `永远不会触发：${raises.join('、')} 即触发；请删除`,
      ),
    );
  return mistakes;
};

const statesMistakes: Check<StatesPoint> = (one) => {
  const { values, normal, mask, invalid } = one;
  const mistakes: Mistake[] = [];
  const keys = Object.keys(values);
  if (keys.length === 0)
    mistakes.push(
      mistake(['values'], 'no value means anything: name one', '没有任何有意义的值：请至少列一个'),
    );
  for (const key of keys) {
    const value = Number(key);
    const path = ['values', key];
    if (String(value) !== key) mistakes.push(mistake(path, `write it as ${value}`, `请写为 ${value}`));
    else mistakes.push(...notThere(one, value, path));
    if (normal.includes(value))
      mistakes.push(
        mistake(
          path,
          'it stands in `normal` too (by default 0): keep one',
          '同时列在 `normal` 中（默认 0）：请只保留一处',
        ),
      );
    if (mask === undefined && invalid.includes(value)) mistakes.push(noValue(path));
  }
  for (const { value, path } of listed('normal', normal)) {
    mistakes.push(...notThere(one, value, path));
    if (mask === undefined && invalid.includes(value)) mistakes.push(noValue(path));
  }
  return mistakes;
};

const whenMistakes: Check = (one, points) => {
  const names = points.map((other) => other.name);
  const asked: readonly [string, boolean | number | readonly number[], readonly string[]][] =
    typeof one.when === 'string'
      ? [[one.when, true, ['when']]]
      : Object.entries(one.when ?? {}).map(([key, wanted]) => [key, wanted, ['when', key]]);
  return asked.flatMap(([key, wanted, path]) => {
    const count = names.filter((known) => known === key).length;
    const there = names.filter((known) => known !== undefined).join(', ') || '-';
    if (count === 0)
      return [
        mistake(
          path,
          `no point is named "${key}"; there are: ${there}`,
          `没有名为 "${key}" 的点；可用：${there}`,
        ),
      ];
    if (count > 1)
      return [mistake(path, `${count} points are named "${key}"`, `有 ${count} 个点名为 "${key}"`)];
    if (key === one.name)
      return [mistake(path, 'it is this point itself: name another', '这是该点自身：请指定另一个点')];
    const gate = points.find(({ name }) => name === key) as Point;
    return gateMistakes(gate, wanted, path);
  });
};

/** Whether what a condition asks of its point can be. */
function gateMistakes(
  gate: Point,
  wanted: boolean | number | readonly number[],
  path: readonly string[],
): Mistake[] {
  const isRange = 'scale' in gate;
  if (typeof wanted === 'boolean') {
    if (!isRange || gate.below !== undefined || gate.above !== undefined) return [];
    return [
      mistake(
        path,
        `"${gate.name}" is a number without limits, and is never on: give it \`below\` or \`above\``,
        `"${gate.name}" 是没有限值的数，永远不会为真：请设 \`below\` 或 \`above\``,
      ),
    ];
  }
  const values = [wanted].flat() as number[];
  if (values.length === 0)
    return [mistake(path, 'it names no value, so it never holds', '没有列出任何值，条件永远不成立')];
  if (isRange) return [];
  const isOneBit = isBits(gate) || ('bit' in gate && gate.bit !== undefined);
  return values.flatMap((value) =>
    isOneBit && value !== 0 && value !== 1
      ? [mistake(path, `"${gate.name}" is a bit, 0 or 1`, `"${gate.name}" 是一位，只能是 0 或 1`)]
      : isOneBit
        ? []
        : notThere(gate, value, path),
  );
}

/** What makes a bit point rise. */
const riseOf = (one: Point) =>
  'scale' in one || 'values' in one
    ? undefined
    : JSON.stringify([
        one.function,
        one.address,
        one.mask,
        one.bit,
        [one.equals ?? 'on'].flat().sort(),
        one.inverted,
        one.when,
      ]);

/** One bit that would be told as two things, or twice. */
const bitAgain: Check = (one, points) => {
  const rise = riseOf(one);
  const first = rise === undefined ? one : points.find((other) => riseOf(other) === rise);
  if (first === undefined || first === one) return [];
  if (first.kind !== one.kind)
    return [
      mistake(
        ['kind'],
        `another point tells the same bit as ${first.kind ?? 'what its zone is'}: keep one, or tell them apart by \`when\``,
        `另一点将同一位报为 ${first.kind ?? '其防区的类型'}：请只保留一个，或用 \`when\` 区分`,
      ),
    ];
  if (first.zone !== one.zone) return [];
  return [
    mistake(
      [],
      'another point tells the same bit of the same zone: keep one',
      '另一点已报告同一防区的同一位：请只保留一个',
    ),
  ];
};

const ownMistakes: Check = (one, points) => {
  if ('scale' in one) return rangeMistakes(one, points);
  return 'values' in one ? statesMistakes(one, points) : bitMistakes(one, points);
};

/** All that is wrong with the points of a profile, each by itself and with the others. */
export function profileMistakes({
  points,
  maxRegisters,
}: {
  readonly points: readonly Point[];
  readonly maxRegisters: number;
}): Mistake[] {
  const checks = [placeMistakes, invalidMistakes, ownMistakes, whenMistakes, bitAgain];
  const ofPoints = points.flatMap((one, i) =>
    checks.flatMap((check) =>
      check(one, points).map(({ path, en, zh }) => mistake(['points', i, ...path], en, zh)),
    ),
  );
  const widest = Math.max(...points.map(widthOf));
  if (widest <= maxRegisters) return ofPoints;
  const tooFew = mistake(
    ['maxRegisters'],
    `a point takes ${widest} registers: at least ${widest}`,
    `有的点占 ${widest} 个寄存器：至少 ${widest}`,
  );
  return [tooFew, ...ofPoints];
}
