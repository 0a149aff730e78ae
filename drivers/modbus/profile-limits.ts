/** Numbers of a profile: what they can be, and limits that always or never hold, or never come back. */
import { type Check, isBits, type Mistake, mistake, type RangePoint, rawMost } from './profile-values.ts';

const FLOAT_MOST = 3.4e38;

/** What a number can be, scale and offset included. */
function spanOf(one: RangePoint): readonly [least: number, most: number] {
  const { type, signed, scale, offset, mask } = one;
  const most = rawMost(one);
  const isSigned = type === 'int32' || type === 'int16' || signed;
  const half = type === 'int32' ? 2 ** 31 : 2 ** 15;
  const raw: readonly [number, number] =
    type === 'float32'
      ? [-FLOAT_MOST, FLOAT_MOST]
      : isSigned && !isBits(one) && (mask === undefined || most >= half)
        ? [-half, half - 1]
        : [0, most];
  const ends = raw.map((value) => Number((value * scale + offset).toPrecision(12)));
  return [Math.min(...ends), Math.max(...ends)];
}

const limitMistakes: Check<RangePoint> = (one) => {
  const { below, above, hysteresis } = one;
  const [least, most] = spanOf(one);
  const span = { en: `${least} to ${most}`, zh: `${least} 至 ${most}` };
  const mistakes: Mistake[] = [];
  const never = (key: string) =>
    mistakes.push(
      mistake([key], `it would never be raised: it reads ${span.en}`, `永远不会触发：读数为 ${span.zh}`),
    );
  const always = (key: string) =>
    mistakes.push(
      mistake([key], `it would always be raised: it reads ${span.en}`, `会一直触发：读数为 ${span.zh}`),
    );
  const stays = (path: string) =>
    mistakes.push(
      mistake(
        [path],
        `once raised it would never be restored: it must come back by ${hysteresis}, and reads ${span.en}`,
        `触发后永远不会恢复：需回退 ${hysteresis}，而读数为 ${span.zh}`,
      ),
    );
  if (below !== undefined) {
    if (below <= least) never('below');
    else if (below > most) always('below');
    else if (below + hysteresis > most) stays('hysteresis');
  }
  if (above !== undefined) {
    if (above >= most) never('above');
    else if (above < least) always('above');
    else if (above - hysteresis < least) stays('hysteresis');
  }
  if (below === undefined || above === undefined) return mistakes;
  if (below > above)
    mistakes.push(
      mistake(
        ['below'],
        `every value is under ${below} or over ${above}, so it would always be raised: \`below\` is the lower limit`,
        `任何值都低于 ${below} 或高于 ${above}，会一直触发：\`below\` 应为下限`,
      ),
    );
  else if (below + hysteresis > above - hysteresis)
    mistakes.push(
      mistake(
        ['hysteresis'],
        `once raised it would never be restored: at most half of what lies between ${below} and ${above}`,
        `触发后永远不会恢复：至多为 ${below} 与 ${above} 之差的一半`,
      ),
    );
  return mistakes;
};

export const rangeMistakes: Check<RangePoint> = (one, points) => {
  const { type, signed, scale, mask, zone, name } = one;
  const mistakes: Mistake[] = [];
  if (scale === 0)
    return [
      mistake(
        ['scale'],
        'it makes every value the same; 1 is as it stands there',
        '任何值都会相同；1 表示原值',
      ),
    ];
  if (signed && type !== 'uint16' && type !== 'int16')
    mistakes.push(
      mistake(
        ['signed'],
        'it is of 16 bits: say `type: int32`, or leave it out',
        '仅用于 16 位：请用 `type: int32` 或删除',
      ),
    );
  if (mask !== undefined && type === 'float32')
    mistakes.push(
      mistake(['mask'], 'a float has no bits to choose from: leave it out', '浮点数不能取位：请删除'),
    );
  const meansSomething = ['kind', 'cause', 'sia', 'contactId', 'debounce', 'reset'] as const;
  const said = meansSomething.filter((key) => one[key] !== undefined);
  const isLimited = one.below !== undefined || one.above !== undefined;
  if (!isLimited && (said.length > 0 || one.hysteresis > 0))
    mistakes.push(
      mistake(
        [said[0] ?? 'hysteresis'],
        'it is never raised without `below` or `above`: add one, or take this out',
        '没有 `below` 或 `above` 不会触发：请添加其一，或删除此项',
      ),
    );
  const first = points.find((other) => 'scale' in other && other.name === name && other.zone === zone);
  if (first !== one)
    mistakes.push(
      mistake(
        ['name'],
        `another value of ${zone === undefined ? 'the device' : `zone ${zone}`} has this name, and one of them would not be told: give it its own`,
        `${zone === undefined ? '该设备' : `防区 ${zone}`} 的另一个值也用此名，其中一个不会上报：请另取名称`,
      ),
    );
  return [...mistakes, ...limitMistakes(one, points)];
};
