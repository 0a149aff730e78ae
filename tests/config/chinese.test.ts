/** Mistakes that a first config is full of, in Chinese. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';
import { speakChinese } from '../language.ts';

it('are told in Chinese throughout', async () => {
  speakChinese();
  const { loadConfig } = await import('../../config/load.ts');
  const mistakes = (devices: string) => {
    const file = join(temporaryDirectory(), 'campus.yaml');
    writeFileSync(file, `campus: { id: "4503000001", name: 一中 }\ndevices:\n${devices}`);
    const loaded = loadConfig(file);
    return 'errors' in loaded ? loaded.errors.map(({ message }) => message.replace(/^\S+ /, '')) : [];
  };
  const io = (more: string, connection = '{ tcp: "h:502" }') =>
    `  - { id: io, driver: modbus, connection: ${connection}, profile: io-8zone${more} }\n`;
  expect(mistakes(io(', zones: [{ zone: 9 }]'))).toEqual([
    '设备模型中没有防区 9；可用：1、2、3、4、5、6、7、8',
  ]);
  expect(mistakes(io(', zones: [{ zone: 1 }, { zone: 1 }]'))).toEqual([
    '防区 1 在此重复，以第一个为准：请只保留一个',
  ]);
  expect(mistakes(io(', zones: 5'))).toEqual([expect.stringMatching(/应为列表$/)]);
  expect(mistakes(io('', '{ tcp: h }'))).toEqual([expect.stringMatching(/HOST:PORT，如 10\.0\.0\.9:4001$/)]);
  expect(mistakes('  - { id: k, driver: http-push, listen: { port: 1 }, profile: visitor-kiosk }\n')).toEqual(
    [expect.stringMatching(/^任何人都可以推送/)],
  );
});
