/** What each driver says of itself in its scale file is so, as far as a test can see: docs/devices.md comes from it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { device } from '../../config/sections/devices.ts';
import { rated } from '../../docs/generate/devices-page.ts';
import { readScale, rules, testsOf } from '../../docs/generate/scale.ts';
import { drivers, platforms } from '../../drivers/index.ts';

const root = join(import.meta.dirname, '../..');
const all = rated();

it('has every driver and every platform protocol of the registry, and every rule for each', () => {
  expect(all.map(({ name }) => name)).toEqual([...drivers, ...platforms].map(({ name }) => name));
  for (const { scale } of all) expect(Object.keys(scale.rules)).toEqual(Object.keys(rules));
});

it('is refused where it is missing, saying where to read about it', () => {
  expect(() => readScale('nobody')).toThrow(/drivers\/nobody\/scale\.yaml is missing.*CONTRIBUTING\.md/);
});

describe.each(all)('$name', ({ folder, scale }) => {
  const tests = [...Object.values(scale.rules), ...scale.peers.map(({ status }) => status)].flatMap(testsOf);

  it.each([...new Set(tests)])('is seen in %s', (test) => {
    const [file = '', ...words] = test.split(': ');
    expect(existsSync(join(root, file)), file).toBe(true);
    expect(readFileSync(join(root, file), 'utf8')).toContain(words.join(': '));
  });

  it.runIf(
    'done' in scale.rules.documented &&
      testsOf(scale.rules.documented).includes('tests/drivers/scale.test.ts'),
  )(
    'has a README with an example that the config takes, its faults, and a way to try it without hardware',
    () => {
      const readme = readFileSync(join(root, 'drivers', folder, 'README.md'), 'utf8');
      expect(readme).toMatch(/\*\*(Wiring|Set up)\.\*\*/);
      expect(readme).toContain('**Faults.**');
      expect(readme).toContain('docs/config.md');
      expect(readme).toMatch(/\*\*Without hardware\.\*\* `campus-gateway simulate /);
      const [, example = ''] = /^```yaml\n(- .*?)^```/ms.exec(readme) ?? [];
      const devices = parse(example) as readonly object[];
      expect(devices.length).toBeGreaterThan(0);
      for (const one of devices) expect(device.safeParse(one).error, JSON.stringify(one)).toBeUndefined();
    },
  );
});
