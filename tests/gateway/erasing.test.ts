import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import type { AppendRequest, Journal } from '../../gateway/journal/index.ts';
import { watchDamaged } from '../../gateway/upkeep/damaged.ts';
import { openHere } from '../backing.ts';
import { fastClock, mulberry32 } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { testRegistry } from '../registry.ts';
import { cards, gate } from './gate.ts';
import { run } from './terminal.ts';

describe('erasing', () => {
  it('takes a person out of the journal, and leaves what happened', async () => {
    const { journal, show, command, visitors, directory, close } = await gate();
    const all = [...cards, { number: '5', facility: 1, holder: 'ZHAO-5', groups: ['teachers'] }];
    await command('credentials', { version: 1, put: all });
    await show('r0', '5');
    await show('r0', '1');
    await show('r3', '4');
    await command('expect-visitor', {
      visit: 'v-1',
      name: '王芳-名',
      until: '2027-01-01T00:00:00Z',
    });
    expect(await command('erase', {})).toMatchObject({ done: false });
    expect(await command('erase', { holder: 'x', visit: 'y' })).toMatchObject({ done: false });
    expect(await command('erase', { holder: 'ZHAO-5' })).toEqual({ done: true, result: { events: 1 } });
    expect(await command('erase', { holder: 'c-2' })).toEqual({ done: true, result: { events: 1 } });
    expect(await command('erase', { visit: 'v-1' })).toEqual({ done: true, result: { events: 1 } });
    expect(visitors.list()).toEqual([{ id: 'v-1', stage: 'expected', until: '2027-01-01T00:00:00Z' }]);
    const events = (await journal.read('normal', 0, 100)).map(({ body }) => JSON.parse(body) as Event);
    expect(
      events.map(({ type, data: { credential, access } }) => [type.slice(10), credential, access]),
    ).toEqual([
      [
        'access.granted',
        { format: 'wiegand26', erased: true },
        { door: 'in', decision: 'granted', direction: 'in' },
      ],
      [
        'access.granted',
        { format: 'wiegand26', facility: 1, number: '1' },
        expect.objectContaining({ holder: 't-1' }),
      ],
      ['access.pickup', expect.anything(), expect.objectContaining({ holder: 'g-1', children: ['c-1'] })],
      ['visitor.expected', undefined, undefined],
    ]);
    await close();
    expect(remains(directory, ['王芳-名', 'ZHAO-5', '"c-2"'])).toEqual([]);
  });

  it('takes out whom a visitor came to, and why, and leaves the visitor', async () => {
    const { command, visitors, directory, close } = await gate();
    const visit = { visit: 'v-2', name: '李四', until: '2027-01-01T00:00:00Z' };
    await command('expect-visitor', { ...visit, host: 'teacher-liu', purpose: 'about the marks' });
    expect(await command('erase', { holder: 'teacher-liu' })).toEqual({ done: true, result: { events: 1 } });
    expect(visitors.list()).toMatchObject([{ id: 'v-2', name: '李四' }]);
    await close();
    expect(remains(directory, ['teacher-liu', 'about the marks'])).toEqual([]);
  });

  it('takes the card of a platform with the person, and their child from the others', async () => {
    const { access, command, journal } = await gate();
    await command('credentials', { version: 1, put: cards });
    expect(await command('erase', { holder: 't-1' })).toMatchObject({ done: true });
    expect(await command('erase', { card: { number: '2', facility: 1 } })).toMatchObject({ done: true });
    expect(await command('erase', { holder: 'c-1' })).toMatchObject({ done: true });
    expect(access.credentials()).toEqual({ version: 1, count: 2 });
    const kept = (await journal.credentials('', 10)).map(({ key, body }) => [key, JSON.parse(body)]);
    expect(kept).toEqual([
      ['1/3', expect.objectContaining({ holder: 'guard' })],
      ['1/4', expect.objectContaining({ holder: 'g-1', children: ['c-2'] })],
    ]);
  });

  it('finds a card that shows nobody’s id, where it is theirs now; not one that was another’s then', async () => {
    const directory = temporaryDirectory();
    const journal = await openHere(directory);
    const own = { credential: { format: 'wiegand26', facility: 1, number: '7654321' } };
    const put = [{ key: '1/7654321', body: JSON.stringify({ holder: 'new', groups: [], blocked: false }) }];
    await journal.changeCredentials({ version: 1, put, remove: [] });
    await append(journal, 'access.unknown', own);
    await append(journal, 'access.granted', {
      ...own,
      access: { door: 'in', decision: 'granted', holder: 'old' },
    });
    expect(await journal.erase({ holder: 'new' })).toMatchObject({ events: 1 });
    const bodies = (await journal.read('normal', 0, 10)).map(({ body }) => body);
    expect(bodies.map((body) => body.includes('7654321'))).toEqual([false, true]);
    await journal.close();
  });
});

const hex = (text: string) => Number(text).toString(16);
const sha256 = (text: string, form: 'hex' | 'base64' | 'base64url') =>
  createHash('sha256').update(text).digest(form);

/** Each file of a folder in which one of the texts stands, in whatever letters. */
function remains(directory: string, texts: readonly string[]): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .flatMap((name) => {
      const bytes = readFileSync(join(directory, name)).toString('latin1').toLowerCase();
      const found = texts.filter((text) =>
        bytes.includes(Buffer.from(text.toLowerCase()).toString('latin1')),
      );
      return found.map((text) => `${name}: ${text}`);
    });
}

function append(journal: Journal, type: string, data: object, repeat?: AppendRequest['repeat']) {
  const id = randomUUID();
  const body = JSON.stringify({ id, type: `cn.campus.${type}`, data });
  return journal.append({ id, lane: 'normal', seenAt: 0, type, device: 'd', body, repeat });
}

/** What says something of a card in the events of all drivers: number, frame, text, key, and the hash of what came. */
function shown(number: string, holder: string) {
  const raw = `02 ${hex(number).toUpperCase()} 03`;
  const data = {
    credential: { format: 'wiegand34', facility: 1, number },
    access: { door: 'in', decision: 'granted', holder },
    text: `卡号 ${number}`,
    raw,
    details: { match: 'card', frame: hex(number) },
    picture: sha256(number, 'hex'),
  };
  const key = `http-push/face/${sha256(`{"cardNo":"${number}"}`, 'base64')}/${number}/0`;
  return { data, repeat: { key, within: 1000 } };
}
/** The same as somebody would look for it who has the folder: all cards can be tried. */
const looked = (number: string, holder: string) => [
  number,
  holder,
  hex(number),
  sha256(`{"cardNo":"${number}"}`, 'base64'),
  ...(['hex', 'base64', 'base64url'] as const).flatMap((form) => [
    sha256(number, form),
    sha256(`1/${number}`, form),
    sha256(JSON.stringify({ card: { number } }), form),
    sha256(JSON.stringify({ card: { number, facility: 1 } }), form),
  ]),
];

describe('the bytes of the data folder', () => {
  it('have nothing of who was erased, whatever the file went through', async () => {
    const random = mulberry32(20);
    const directory = temporaryDirectory();
    let journal = await openHere(directory);
    const persons = Array.from({ length: 60 }, (_, i) => ({
      number: String(3_700_000_019 + i * 7_919),
      holder: `HOLDER-${i}-`,
    }));
    for (let round = 0; round < 3; round++) {
      let written: unknown[] = [];
      for (let n = 0; n < 300; n++) {
        const { number, holder } = persons[Math.floor(random() * persons.length)] as (typeof persons)[number];
        const { data, repeat } = shown(number, holder);
        const more = { ...data, note: 'x'.repeat(random() < 0.1 ? 9000 : random() * 400) };
        written.push(
          append(journal, 'access.granted', more, { ...repeat, key: `${repeat.key}${round}.${n}` }),
        );
        // Ten to a commit: each waits for the disk.
        if (written.length === 10) written = (await Promise.all(written)).slice(10);
      }
      const put = persons.map(({ number, holder }) => ({
        key: `1/${number}`,
        body: JSON.stringify({ holder, groups: ['x'.repeat(random() * 300)], blocked: false }),
      }));
      await journal.changeCredentials({ version: round + 1, put, remove: [] });
      for (let after = 0, step = 0; step < 3; step++) {
        const done = await journal.remove({
          lane: 'normal',
          after,
          limit: 100,
          uplinks: [],
          before: { access: 1 },
        });
        after = done.last + Math.floor(random() * 40);
      }
      const gone = persons.splice(Math.floor(random() * persons.length), 3);
      for (const { number, holder } of gone) {
        const person = random() < 0.5 ? { holder } : { card: { number } };
        expect((await journal.erase(person)).left).toEqual([]);
      }
      const texts = gone.flatMap(({ number, holder }) => looked(number, holder));
      expect(remains(directory, texts)).toEqual([]);
      await journal.close();
      expect(remains(directory, texts)).toEqual([]);
      journal = await openHere(directory);
    }
    await journal.close();
  });

  it('have nothing of a file of an older version either, which did not overwrite what it deleted', async () => {
    const directory = temporaryDirectory();
    const first = await openHere(directory);
    await first.close();
    const db = new Database(join(directory, 'journal.sqlite'));
    db.pragma('secure_delete = OFF');
    db.exec("DELETE FROM meta WHERE key = 'overwrites'");
    const insert = db.prepare(
      "INSERT INTO event (lane, id, seen_at, type, device, body) VALUES (1, ?, 0, 'visitor.arrived', 'd', ?)",
    );
    for (let i = 0; i < 300; i++)
      insert.run(
        String(i),
        JSON.stringify({ data: { visit: { id: 'v-1', stage: 'arrived', name: 'ZHANGSAN' } } }),
      );
    db.exec('DELETE FROM event WHERE sequence <= 299');
    db.close();
    expect(remains(directory, ['ZHANGSAN'])).toEqual(['journal.sqlite: ZHANGSAN']);
    const journal = await openHere(directory);
    expect(await journal.erase({ visit: 'v-1' })).toEqual({ events: 1, pictures: [], left: [] });
    expect(remains(directory, ['ZHANGSAN'])).toEqual([]);
    expect(
      (
        await journal.append({
          id: 'a',
          lane: 'normal',
          seenAt: 0,
          type: 'alarm.raised',
          device: 'd',
          body: '{}',
        })
      ).sequence,
    ).toBe(301);
    await journal.close();
  });
});

describe('what cannot be erased', () => {
  it('is told where another program keeps the WAL', async () => {
    const directory = temporaryDirectory();
    const journal = await openHere(directory, { time: fastClock(50) });
    await append(journal, 'visitor.arrived', { visit: { id: 'v-1', stage: 'arrived', name: 'ZHANGSAN' } });
    const db = new Database(join(directory, 'journal.sqlite'), { readonly: true });
    db.exec('BEGIN');
    db.prepare('SELECT count(*) FROM event').get();
    expect((await journal.erase({ visit: 'v-1' })).left).toEqual(['journal.sqlite-wal']);
    db.close();
    expect((await journal.erase({ visit: 'v-1' })).left).toEqual([]);
    expect(remains(directory, ['ZHANGSAN'])).toEqual([]);
    await journal.close();
  });

  it('is a damaged copy, told, and destroyed on request', async () => {
    const directory = temporaryDirectory();
    const copy = 'journal.damaged-20261124T080000Z.sqlite';
    writeFileSync(join(directory, copy), 'ZHANGSAN'.repeat(300_000));
    writeFileSync(join(directory, `${copy}-wal`), 'ZHANGSAN');
    const { registry, ask } = testRegistry({ gateway: 'gateway' });
    const journal = await openHere(directory);
    const damaged = watchDamaged({ dataDir: directory, journal, registry, log: silentLog });
    await damaged.start();
    expect(damaged.list()).toEqual([copy, `${copy}-wal`]);
    expect(await ask('gateway', 'destroy-damaged', {})).toEqual({
      done: true,
      result: { destroyed: [copy, `${copy}-wal`] },
    });
    expect(damaged.list()).toEqual([]);
    expect(remains(directory, ['ZHANGSAN'])).toEqual([]);
    await journal.close();
  });

  it('is told at the terminal too, with the command that destroys it', async () => {
    const directory = temporaryDirectory();
    const config = join(directory, 'campus.yaml');
    writeFileSync(config, 'campus: { id: "4503000001", name: T }\ndataDir: data\n');
    const data = join(directory, 'data');
    const journal = await openHere(data);
    await append(journal, 'visitor.arrived', { visit: { id: 'v-1', stage: 'arrived', name: 'ZHANGSAN' } });
    await journal.close();
    const copy = 'journal.damaged-20261124T080000Z.sqlite';
    writeFileSync(join(data, copy), 'ZHANGSAN');
    const erased = await run('journal', 'erase', config, '--visit', 'v-1');
    expect(erased).toMatchObject({ status: 0, stdout: expect.stringContaining('erased in 1 events') });
    expect(erased.stdout).toContain(`! ${copy} may name them still`);
    expect(remains(data, ['ZHANGSAN'])).toEqual([`${copy}: ZHANGSAN`]);
    expect(await run('journal', 'destroy-damaged', config)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('destroyed 1 files'),
    });
    expect(remains(data, ['ZHANGSAN', 'v-1"}'])).toEqual([]);
    const audit = (await run('journal', 'audit', config)).stdout;
    expect(audit).toMatch(/"personal":\["visit"\]/);
    expect(audit).toContain(copy);
  });
});
