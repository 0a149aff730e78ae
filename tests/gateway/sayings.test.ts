/** Whatever reason the gateway gives in a sentence is there in Chinese, too, with what it is about in its place. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sayingInChinese } from '../../gateway/console/web/words/sayings.ts';

const root = join(import.meta.dirname, '../..');
/** A text of one line, or a template. */
const TEXT = String.raw`('(?:[^'\\\n]|\\.)*'|\x60(?:[^\x60\\]|\\.)*\x60)`;
const places = [
  String.raw`done: false,\s*(?:unknown: true,\s*)?reason: ${TEXT}`,
  String.raw`\brefused: ${TEXT}`,
  String.raw`\bdiscarded\([^;()]*?${TEXT}`,
  String.raw`'offline',\s*${TEXT}`,
].map((pattern) => new RegExp(pattern, 'g'));

/** Sentences in the sources, with a word in the place of what is computed. */
const sentences = new Set(
  globSync(
    [
      'gateway/{access,alarms,arming,commands,devices,media,notices,uplink,visitors}/**/*.ts',
      'drivers/**/*.ts',
    ],
    {
      cwd: root,
    },
  ).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return (
      places
        .flatMap((place) => [...text.matchAll(place)].map(([, found = '']) => found.slice(1, -1)))
        .map((found) => found.replaceAll(/\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, 'x'))
        // What is put together elsewhere, and words that are of a protocol, are no sentences.
        .filter((found) => found.includes(' ') && !found.includes('${') && !found.startsWith('x, x'))
    );
  }),
);

describe('what the gateway says in sentences', () => {
  it('is there in Chinese (web/words/sayings/)', () => {
    expect(sentences.size).toBeGreaterThan(60);
    const missing = [...sentences].filter((one) => !/\p{Script=Han}/u.test(sayingInChinese(one)));
    expect(missing).toEqual([]);
  });

  it('keeps what it is about, and says the sentence within it too', () => {
    expect(sayingInChinese('zones are open: 3 (gym), panel 7')).toBe('以下防区未就绪：3 (gym), panel 7');
    expect(sayingInChinese('address 3: does not answer')).toBe('地址 3：无应答');
    expect(sayingInChinese('it is for gym, and came to hall')).toBe('命令的目标是 gym，却发给了 hall');
    expect(sayingInChinese('it does not answer; silent for 30 s')).toBe('无应答；已 30 秒没有消息');
    expect(sayingInChinese('there is no output siren')).toBe('没有输出 siren');
    expect(sayingInChinese('connect ECONNREFUSED 10.0.0.9:1883')).toBe('连接被拒绝：10.0.0.9:1883');
  });

  it('is as it was where nobody knows it, whatever stands in it', () => {
    for (const text of ['', 'a panel of another maker', '$& {0} {1}', '<b>bold</b>'])
      expect(sayingInChinese(text)).toBe(text);
    expect(sayingInChinese('there is no output $&{0}')).toBe('没有输出 $&{0}');
  });

  it('takes no time where it is long and strange', () => {
    const long = `address ${'1: address '.repeat(20_000)}`;
    expect(sayingInChinese(long)).toBe(long);
  });
});
