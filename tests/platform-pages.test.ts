/** What docs/platform-gb28181.md and docs/platform-gat1400.md say, followed. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alarmTable } from '../drivers/platforms/gb28181/alarms.ts';
import { readConfig } from '../gateway/check.ts';
import { temporaryDirectory } from './helpers.ts';

const page = (name: string) => readFileSync(join(import.meta.dirname, '../docs', name), 'utf8');

/** The config of a page: its blocks of YAML are one uplink; what is commented out is put in. */
function configOf(text: string): string {
  const blocks = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, block = '']) => block);
  const uplink = blocks.join('').replace(/^( +)# (\w+: )/gm, '$1$2');
  return `campus: { id: "4503000001", name: T }
areas: [{ id: school, zones: [{ device: panel, zone: 1 }] }]
devices:
  - { id: panel, driver: dc09, listen: { port: 5100 }, accounts: [{ account: "1234" }] }
  - { id: yard, driver: onvif, host: 10.0.0.9 }
  - { id: hall, driver: onvif, host: 10.0.0.10 }
  - { id: teaching-block, driver: onvif, host: 10.0.0.11 }
  - id: perimeter-panel
    driver: dc09
    listen: { port: 5101 }
    accounts: [{ account: "1234", zones: [{ zone: 1, id: north-wall }] }]
${uplink}`;
}

describe.each(['platform-gb28181.md', 'platform-gat1400.md'])('%s', (name) => {
  it('has an example that is right, with all that is commented out', () => {
    const directory = temporaryDirectory();
    const text = configOf(page(name));
    for (const [, file = ''] of text.matchAll(/(?:password|ca)File: (\S+)/g))
      writeFileSync(join(directory, file), 'secret\n', { mode: 0o600 });
    const config = join(directory, 'campus.yaml');
    writeFileSync(config, text);
    const read = readConfig(config);
    expect('errors' in read ? read.errors : []).toEqual([]);
  });
});

it('the campus to try them with is right as it is shipped', () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'trial.password'), 'secret\n', { mode: 0o600 });
  const config = join(directory, 'trial.yaml');
  copyFileSync(join(import.meta.dirname, '../config/trial.yaml'), config);
  expect(readConfig(config)).toMatchObject({ config: { uplinks: [{}, {}], devices: [{}, {}] } });
});

describe('the table of alarms', () => {
  /** `alarm.raised fire` -> its priority, method and type. */
  const told = new Map<string, (number | undefined)[]>();
  const numbers = (cell: string | undefined) =>
    (cell ?? '').split(',').map((one) => (one.trim() === '' ? undefined : Number(one)));
  for (const line of page('platform-gb28181.md').split('\n')) {
    const [, words = '', ...cells] = line.split('|').map((cell) => cell.trim());
    const [priority, method, types] = [numbers(cells[0]), numbers(cells[1]), numbers(cells[2])];
    if (!/^`(alarm|access|video|device)\./.test(words) || !/^[1-4]$/.test(cells[0] ?? '')) continue;
    const [head = '', tail] = words.split(/: | with the cause /);
    const type = head.replaceAll('`', '');
    const names =
      tail === undefined
        ? [...words.matchAll(/`([a-z.-]+)`/g)].map(([, one = '']) =>
            one.includes('.') ? one : `${type.split('.')[0]}.${one}`,
          )
        : tail.split(', ').map((one) => `${type} ${one.replaceAll('`', '')}`);
    for (const [i, one] of names.entries()) told.set(one, [priority[0], method[0], types[i]]);
  }

  it('is that of the code', () => {
    const known = Object.entries(alarmTable).map(([key, row]) => [key, [row.priority, row.method, row.type]]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(known));
  });
});
