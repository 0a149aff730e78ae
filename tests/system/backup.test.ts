/** A mini-PC dies and another takes its place; and Debian's `age` and `tar` as the other hand of a backup. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Panel, startPanel } from '../../simulators/panel.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { gateway, type Line, mosquitto, need, subscriber, until } from './tools.ts';

const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');
const command = (...args: string[]) =>
  execFileSync(process.execPath, [entry, ...args], {
    encoding: 'utf8',
    env: { ...process.env, CAMPUS_LANG: 'en' },
  });

type Told = Line['event'] & { readonly journal: string };
const alarms = (all: readonly Line[]) =>
  all.map(({ event }) => event as Told).filter(({ type }) => type.endsWith('alarm.raised'));
const zones = (all: readonly Line[]) =>
  alarms(all).map(({ data }) => (data as { zone: { number: number } }).zone.number);

describe('a mini-PC that died', { timeout: 120_000 }, () => {
  it('is replaced from its backup: what waited arrives, once, and no number means two events', async (context) => {
    need(context, 'mosquitto', 'mosquitto_sub');
    const [police, city] = [await mosquitto(), await mosquitto()];
    const atPolice = await subscriber(police.port, 'mqttv5');
    const atCity = await subscriber(city.port, 'mqttv5');
    const port = await freePort();
    const configIn = (more: object = {}) => ({
      campus: { id: '4503000001', name: '一中' },
      dataDir: 'data',
      uplinks: [
        { id: 'police', url: `mqtt://127.0.0.1:${police.port}` },
        { id: 'city', url: `mqtt://127.0.0.1:${city.port}` },
      ],
      devices: [{ id: 'panel', driver: 'dc09', listen: { port }, accounts: [{ account: '1234' }] }],
      ...more,
    });
    const dead = temporaryDirectory();
    const first = await gateway(configIn(), dead);
    const panel: Panel = startPanel({
      host: '127.0.0.1',
      port,
      account: '1234',
      retry: 300,
      acknowledged() {},
    });
    const press = async (zone: number) => await panel.report(`#1234|Nri1/PA${zone}`);
    for (const zone of [1, 2, 3]) await press(zone);
    await until('the police have three', () => zones(atPolice.all).length === 3);
    // The line to the police is cut; what happens now waits for them. The city has all of it.
    await police.stop();
    for (const zone of [4, 5]) await press(zone);
    await until('the city has five', () => zones(atCity.all).length === 5);
    const key = join(temporaryDirectory(), 'backup.key');
    const recipient = /age1\w+/.exec(command('backup', 'keys', '--to', key))?.[0] ?? '';
    const usb = join(temporaryDirectory(), 'usb');
    mkdirSync(usb);
    const out = join(usb, 'campus.tar.gz.age');
    command('backup', join(dead, 'campus.yaml'), '--to', out, '--recipient', recipient);
    // This is after the backup: the city has it under numbers that the backup knows nothing of.
    for (const zone of [6, 7]) await press(zone);
    await until('the city has seven', () => zones(atCity.all).length === 7);
    await first.kill();
    rmSync(dead, { recursive: true });

    const from = performance.now();
    const place = temporaryDirectory();
    command('restore', out, '--key', key, '--to', `${place}/`);
    await police.start();
    await gateway(configIn(), place);
    for (const zone of [8, 9]) await press(zone);
    await until('the police have what waited, and what is new', () => zones(atPolice.all).includes(9));
    await until('the city has what is new', () => zones(atCity.all).includes(9));
    process.stdout.write(
      `restored, and alarms at both: ${((performance.now() - from) / 1000).toFixed(1)} s\n`,
    );
    await panel.close();

    expect(zones(atPolice.all).sort()).toEqual([1, 2, 3, 4, 5, 8, 9]);
    expect([...new Set(zones(atCity.all))].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { all } of [atPolice, atCity]) {
      const meaning = new Map<string, string>();
      for (const { event } of all) {
        const { journal, sequence, id } = event as Told;
        if (sequence === '0') continue;
        const number = `${journal} ${sequence}`;
        expect(meaning.get(number) ?? id, number).toBe(id);
        meaning.set(number, id);
      }
    }
    // A number was given twice, and is told apart: the numbering is another, its chain begins anew, and it is said why.
    const numbers = alarms(atCity.all);
    const late = numbers.filter(({ data }) =>
      [6, 7].includes((data as { zone: { number: number } }).zone.number),
    );
    const old = late[0]?.journal;
    const highest = Math.max(...late.map(({ sequence }) => Number(sequence)));
    const anew = atCity.all.map(({ event }) => event as Told).filter(({ journal }) => journal !== old);
    expect(anew.some(({ sequence }) => Number(sequence) <= highest)).toBe(true);
    expect(numbers.find(({ journal }) => journal !== old)?.previous).toBe('0');
    const told = atCity.all.find(({ event }) => event.type.endsWith('gateway.journal-renumbered'));
    expect(JSON.stringify(told?.event.data)).toContain('"restored"');
  });
});

describe('Debian’s age', { timeout: 60_000 }, () => {
  it('opens our backups with our keys, and we open what it encrypted for its own', async (context) => {
    need(context, 'age', 'age-keygen', 'tar');
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    writeFileSync(file, 'campus: { id: "4503000001", name: 一中 }\ndataDir: data\n');
    const running = await gateway({ campus: { id: '4503000001', name: '一中' }, dataDir: 'data' }, directory);
    await running.kill();
    const [ours, theirs] = [join(directory, 'ours.key'), join(directory, 'theirs.key')];
    const recipient = /age1\w+/.exec(command('backup', 'keys', '--to', ours))?.[0] ?? '';
    execFileSync('age-keygen', ['-o', theirs], { stdio: 'ignore' });
    const other = execFileSync('age-keygen', ['-y', theirs], { encoding: 'utf8' }).trim();
    expect(execFileSync('age-keygen', ['-y', ours], { encoding: 'utf8' }).trim()).toBe(recipient);
    const out = join(directory, 'both.age');
    command('backup', file, '--to', out, '--recipient', recipient, '--recipient', other);
    for (const key of [ours, theirs]) {
      const tar = execFileSync('age', ['-d', '-i', key, out]);
      const names = execFileSync('tar', ['-tzf', '-'], { input: tar, encoding: 'utf8' }).trim().split('\n');
      expect(names[0]).toBe('manifest.json');
      expect(names).toEqual(expect.arrayContaining(['config/campus.yaml', 'data/journal.sqlite']));
    }
    const plain = join(directory, 'plain.tar.gz');
    command('backup', file, '--to', plain, '--plain');
    const sealed = join(directory, 'theirs.age');
    execFileSync('age', ['-r', other, '-o', sealed, plain]);
    const place = temporaryDirectory();
    command('restore', sealed, '--key', theirs, '--to', `${place}/`);
    expect(readFileSync(join(place, 'campus.yaml'), 'utf8')).toContain('一中');
  });
});
