/** PINs after cards, and codes instead of them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCredentials } from '../../gateway/access/credentials.ts';
import { hashPins } from '../../gateway/access/hash-pins.ts';
import { readSecret, rightOf } from '../../gateway/access/secrets.ts';
import { stream, temporaryDirectory } from '../helpers.ts';
import { gate } from './gate.ts';

// Made by Python 3.11: hashlib.scrypt(pin, salt=..., n=2**14, r=8, p=1, dklen=32).
const HASH_2580 = '$scrypt$ln=14,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rKwf2FZb8S/u/hfouCuzdDFueMg/BR/fHMAezRtaBzI';
const HASH_947302 =
  '$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$Z0JTC7CCzcxDdN+AGj/WhRUXBja/0JQeG/rp5qHpdaI';

const HEAD = 'number,facility,holder,groups,blocked,pin';
const LIST = `${HEAD}
1,1,t-1,teachers,,2580
2,1,t-2,teachers,,
947303,,t-3,teachers,,
,,cleaner,teachers,,947302
,,gone,teachers,yes,111111
`;
const doors = [
  { id: 'in', reader: 'r0', mode: 'card-or-pin', unlock: [{ target: 'io', output: 'gate' }] },
  { id: 'out', reader: 'r1' },
  { id: 'safe', reader: 'r2', mode: 'card-and-pin', unlock: [{ target: 'io', output: 'safe' }] },
];
const groups = [{ id: 'teachers', doors: ['in', 'out', 'safe'] }];

async function gateWithCodes({ list = LIST, directory = temporaryDirectory(), codes = {} } = {}) {
  const credentialsFile = join(temporaryDirectory(), 'cards.csv');
  writeFileSync(credentialsFile, list);
  const one = await gate(directory, undefined, { credentialsFile, groups, doors, codes });
  const alarms = stream<string>();
  one.recorder.onStored(({ type, data }) => {
    const { kind, cause, device } = data as { kind: string; cause?: string; device?: { id: string } };
    if (type.startsWith('cn.campus.alarm.')) alarms.push(`${type.slice(16)} ${device?.id} ${kind} ${cause}`);
  });
  return { ...one, alarms };
}

describe('a code', () => {
  it('opens where a code is enough, for whom the list says, and the number of a card opens nothing', async () => {
    const { type, show, opened } = await gateWithCodes();
    expect(await type('r0', '947302')).toMatchObject({ type: 'granted', holder: 'cleaner' });
    expect([await opened.next(), await opened.next()]).toEqual(['io unlock gate', 'r0 indicate true']);
    for (const wrong of ['947303', '1', '2580', '94730', '9473020'])
      expect(await type('r0', wrong)).toMatchObject({ type: 'denied', reason: /wrong-code|locked-out/ });
    // A card whose number is a code is no code.
    expect(await show('r0', '947302')).toMatchObject({ type: 'unknown' });
    expect(await show('r0', '1')).toMatchObject({ type: 'granted', holder: 't-1' });
    expect(opened.rest().filter((one) => one.includes('unlock'))).toEqual(['io unlock gate']);
  });

  it('is judged as a card is', async () => {
    const { type } = await gateWithCodes();
    expect(await type('r0', '111111')).toMatchObject({ type: 'denied', reason: 'blocked', holder: 'gone' });
  });

  it('opens no door that takes none, and none where a card must come first', async () => {
    const { type, opened } = await gateWithCodes();
    expect(await type('r1', '947302')).toMatchObject({ type: 'denied', reason: 'no-codes' });
    expect(await type('r2', '947302')).toMatchObject({ type: 'denied', reason: 'card-first' });
    expect(await type('r2', '2580')).toMatchObject({ type: 'denied', reason: 'card-first' });
    // A reader at no door.
    expect(await type('face', '947302')).toMatchObject({ type: 'unknown' });
    expect(opened.rest().filter((one) => one.includes('unlock'))).toEqual([]);
  });
});

describe('a card and its PIN', () => {
  it('open together, one soon after the other, once', async () => {
    const { type, show, opened, time } = await gateWithCodes();
    const waits = { type: 'denied', reason: 'pin-needed', holder: 't-1' };
    expect(await show('r2', '1')).toMatchObject(waits);
    const { data, ...granted } = await type('r2', '2580');
    expect(granted).toMatchObject({ type: 'granted', holder: 't-1' });
    expect(data).toMatchObject({ credential: { format: 'wiegand26', facility: 1, number: '1' } });
    // Neither red nor green while the PIN is waited for.
    expect([await opened.next(), await opened.next()]).toEqual(['io unlock safe', 'r2 indicate true']);
    expect(opened.rest()).toEqual([]);
    expect(await type('r2', '2580')).toMatchObject({ reason: 'card-first' });
    await show('r2', '1');
    await time.advance(15_001);
    expect(await type('r2', '2580')).toMatchObject({ reason: 'card-first' });
  });

  it('do not open with the PIN of nobody, of another card, or at another reader', async () => {
    const { type, show } = await gateWithCodes();
    expect(await show('r2', '2')).toMatchObject({ type: 'denied', reason: 'no-pin' });
    expect(await type('r2', '2580')).toMatchObject({ reason: 'card-first' });
    await show('r2', '1');
    expect(await type('r0', '2580')).toMatchObject({ reason: 'wrong-code' });
    expect(await type('r2', '947302')).toMatchObject({ type: 'denied', reason: 'wrong-code', holder: 't-1' });
    // The card must be shown again.
    expect(await type('r2', '2580')).toMatchObject({ reason: 'card-first' });
    expect(await show('r2', '9')).toMatchObject({ type: 'unknown' });
  });

  it('are the PIN of the file where the card is a platform’s', async () => {
    const { type, show, command } = await gateWithCodes();
    const put = [{ number: '1', facility: 1, holder: 'from-afar', groups: ['teachers'] }];
    await command('credentials', { version: 1, put });
    await show('r2', '1');
    expect(await type('r2', '2580')).toMatchObject({ type: 'granted', holder: 'from-afar' });
    await command('credentials', { version: 2, base: 1, put: put.map((one) => ({ ...one, blocked: true })) });
    expect(await show('r2', '1')).toMatchObject({ reason: 'blocked' });
  });
});

describe('wrong codes', () => {
  it('are refused for a while after so many, right ones too, as tamper; then one more does it again', async () => {
    const { type, show, alarms, time, opened } = await gateWithCodes({ codes: { tries: 3 } });
    const raised = 'raised r0 tamper wrong-codes';
    const restored = 'restored r0 tamper wrong-codes';
    for (const code of ['100001', '100002', '100003'])
      expect(await type('r0', code)).toMatchObject({ type: 'denied', reason: 'wrong-code' });
    expect(await alarms.next()).toBe(raised);
    expect(await type('r0', '947302')).toMatchObject({ type: 'denied', reason: 'locked-out' });
    // Cards open all the time, and the other readers are as they were.
    expect(await show('r0', '1')).toMatchObject({ type: 'granted' });
    await show('r2', '1');
    expect(await type('r2', '2580')).toMatchObject({ type: 'granted' });
    await time.advance(90_000);
    expect(await alarms.next()).toBe(restored);
    expect(await type('r0', '100004')).toMatchObject({ reason: 'wrong-code' });
    expect(await alarms.next()).toBe(raised);
    await time.advance(90_000);
    expect(await alarms.next()).toBe(restored);
    expect(await type('r0', '947302')).toMatchObject({ type: 'granted' });
    // Time gives all the tries again.
    await time.advance(601_000);
    for (const code of ['100005', '100006'])
      expect(await type('r0', code)).toMatchObject({ reason: 'wrong-code' });
    await time.advance(601_000);
    for (const code of ['100007', '100008'])
      expect(await type('r0', code)).toMatchObject({ reason: 'wrong-code' });
    expect(await type('r0', '947302')).toMatchObject({ type: 'granted' });
    expect(opened.rest().filter((one) => one.startsWith('io unlock gate'))).toHaveLength(3);
  });

  it('are not forgotten for a right one in between, however many right ones there are', async () => {
    const { type, alarms } = await gateWithCodes();
    const right = async () => expect(await type('r0', '947302')).toMatchObject({ type: 'granted' });
    for (let i = 0; i < 20; i++) await right();
    for (const code of ['100001', '100002', '100003', '100004']) {
      expect(await type('r0', code)).toMatchObject({ reason: 'wrong-code' });
      await right();
    }
    expect(await type('r0', '100005')).toMatchObject({ reason: 'wrong-code' });
    expect(await alarms.next()).toBe('raised r0 tamper wrong-codes');
    expect(await type('r0', '947302')).toMatchObject({ reason: 'locked-out' });
  });

  it('for a card that was found are not forgotten for the guesser’s own card and PIN', async () => {
    const list = LIST.replace('t-2,teachers,,', 't-2,teachers,,1379');
    const { show, type, alarms } = await gateWithCodes({ list, codes: { tries: 3 } });
    for (const pin of ['0001', '0002', '0003']) {
      await show('r2', '1');
      expect(await type('r2', pin)).toMatchObject({ reason: 'wrong-code', holder: 't-1' });
      await show('r2', '2');
      await type('r2', '1379');
    }
    expect(await alarms.next()).toBe('raised r2 tamper wrong-codes');
    await show('r2', '1');
    expect(await type('r2', '2580')).toMatchObject({ reason: 'locked-out' });
  });

  it('are forgotten each after its time, and not all with the last', async () => {
    const { type, time, alarms } = await gateWithCodes({ codes: { tries: 3 } });
    const wrong = async (code: string) =>
      expect(await type('r0', code)).toMatchObject({ reason: 'wrong-code' });
    for (const code of ['100001', '100002', '100003', '100004', '100005']) {
      await wrong(code);
      // A slip now and then, at a reader that many use.
      await time.advance(301_000);
    }
    expect(alarms.rest()).toEqual([]);
    await wrong('100006');
    await wrong('100007');
    expect(await alarms.next()).toBe('raised r0 tamper wrong-codes');
  });

  it('are no more for being typed at once', async () => {
    const { access, events } = await gateWithCodes({ codes: { tries: 3 } });
    const typed = Array.from({ length: 50 }, (_, i) => (i === 49 ? '947302' : String(100_000 + i)));
    await Promise.all(
      typed.map((code) => access.pass({ device: 'r0', kind: 'credential', state: 'raised', code })),
    );
    const reasons = events
      .rest()
      .flatMap(({ data }) => (data['access'] as { reason?: string })?.reason ?? []);
    expect(reasons.filter((one) => one === 'wrong-code')).toHaveLength(3);
    expect(reasons.filter((one) => one === 'locked-out')).toHaveLength(47);
  });
});

describe('wrong codes from before a restart', () => {
  it('are not forgotten', async () => {
    const directory = temporaryDirectory();
    const before = await gateWithCodes({ directory, codes: { tries: 3 } });
    for (const code of ['100001', '100002', '100003']) await before.type('r0', code);
    expect(await before.alarms.next()).toBe('raised r0 tamper wrong-codes');
    await before.close();
    const after = await gateWithCodes({ directory, codes: { tries: 3 } });
    expect(await after.type('r0', '947302')).toMatchObject({ reason: 'locked-out' });
    await after.time.advance(90_000);
    expect(await after.alarms.next()).toBe('restored r0 tamper wrong-codes');
    expect(await after.type('r0', '947302')).toMatchObject({ type: 'granted' });
  });

  it('are not forgotten below the limit either, and are no more for them', async () => {
    const directory = temporaryDirectory();
    const before = await gateWithCodes({ directory, codes: { tries: 3 } });
    for (const code of ['100001', '100002']) await before.type('r0', code);
    // At another reader: counted there.
    await before.show('r2', '1');
    await before.type('r2', '0001');
    // As where the journal is opened anew.
    await before.access.start();
    expect(await before.type('r0', '947302')).toMatchObject({ type: 'granted' });
    await before.close();
    const after = await gateWithCodes({ directory, codes: { tries: 3 } });
    expect(await after.type('r0', '947302')).toMatchObject({ type: 'granted' });
    expect(await after.type('r0', '100003')).toMatchObject({ reason: 'wrong-code' });
    expect(await after.alarms.next()).toBe('raised r0 tamper wrong-codes');
    expect(await after.type('r0', '947302')).toMatchObject({ reason: 'locked-out' });
    await after.show('r2', '1');
    expect(await after.type('r2', '2580')).toMatchObject({ type: 'granted' });
  });

  it('are forgotten in their time', async () => {
    const directory = temporaryDirectory();
    const before = await gateWithCodes({ directory, codes: { tries: 3, within: '1m' } });
    for (const code of ['100001', '100002']) await before.type('r0', code);
    await before.close();
    const after = await gateWithCodes({ directory, codes: { tries: 3, within: '1m' } });
    await after.time.advance(61_000);
    for (const code of ['100003', '100004']) await after.type('r0', code);
    expect(await after.type('r0', '947302')).toMatchObject({ type: 'granted' });
  });
});

describe('what was typed', () => {
  it('is in no event and nowhere on the disk', async () => {
    const { type, show, directory, close } = await gateWithCodes();
    const said = [await type('r0', '947302'), await type('r0', '424242'), await type('r1', '424242')];
    await show('r2', '1');
    said.push(await type('r2', '2580'), await type('face', '424242'));
    for (const one of said) expect(one.data).toMatchObject({ credential: { format: /keypad|wiegand26/ } });
    expect(JSON.stringify(said)).not.toMatch(/947302|424242|2580/);
    await close();
    const files = readdirSync(directory, { withFileTypes: true, recursive: true }).filter((one) =>
      one.isFile(),
    );
    expect(files.length).toBeGreaterThan(0);
    for (const { parentPath, name } of files) {
      const bytes = readFileSync(join(parentPath, name));
      for (const code of ['947302', '424242', '2580']) expect(bytes.includes(`"${code}"`), name).toBe(false);
      expect(bytes.includes('424242'), name).toBe(false);
    }
  });
});

describe('a list with codes', () => {
  it('may have them as hashes, as Python makes them', async () => {
    const one = readSecret(HASH_2580, 4);
    if (typeof one === 'string') throw new Error(one);
    expect(await rightOf('2580', [{ secret: one }])).toHaveLength(1);
    expect(await rightOf('2581', [{ secret: one }])).toHaveLength(0);
    const list = `${HEAD}\n1,1,t-1,teachers,,"${HASH_2580}"\n,,cleaner,teachers,,"${HASH_947302}"\n`;
    const { type, show } = await gateWithCodes({ list });
    expect(await type('r0', '947302')).toMatchObject({ type: 'granted', holder: 'cleaner' });
    await show('r2', '1');
    expect(await type('r2', '2580')).toMatchObject({ type: 'granted', holder: 't-1' });
  });

  it.each([
    ['too few digits', '1,1,a,,,258', /pin: 4 to 10 digits/],
    ['too few digits for a code that opens alone', ',,a,,,94730', /pin: 6 to 10 digits/],
    ['letters', '1,1,a,,,25b80', /pin: 4 to 10 digits/],
    ['a hash of another kind', '1,1,a,,,$argon2id$v=19$x$y', /no hash that is known/],
    [
      'a hash that costs too much',
      `1,1,a,,,"${HASH_2580.replace('ln=14', 'ln=20')}"`,
      /no hash that is known/,
    ],
    ['neither number nor pin', ',,a,,,', /letters and digits/],
    ['a facility of no card', ',7,a,,,947302', /facility stands beside no number/],
    ['a code twice', ',,a,,,947302\n,,b,,,947302', /the same code as in line 2/],
    ['a quote in the middle', '1,1,a,,,25"80', /Invalid|quote/i],
  ])('is refused with %s, and the row is told without the code', (_name, rows, message) => {
    const found = readCredentials(`${HEAD}\n${rows}\n`, []);
    const errors = 'errors' in found ? found.errors.map((one) => one.message) : [];
    expect(errors).toContainEqual(expect.stringMatching(message));
    expect(errors.join()).not.toMatch(/258|25"80|9473|25b80/);
  });

  it('has them hashed where it is imported: all codes under one salt, each PIN under its own', async () => {
    const list = `${HEAD}\n1,1,"a, b",,,2580\n2,1,c,,,2580\n3,1,d,,,\n,,e,,,947302\n,,f,,,947303\n4,1,g,,,"${HASH_2580}"\n`;
    const hashed = (await hashPins(list, () => {})) ?? '';
    const pins = hashed.split('\n').map((line) => /\$.*[^"]/.exec(line)?.[0] ?? '');
    expect(hashed).not.toMatch(/[^A-Za-z0-9+/]2580[^A-Za-z0-9+/]|947302/);
    expect(pins[1]).not.toBe(pins[2]);
    expect(pins[4]?.split('$')[3]).toBe(pins[5]?.split('$')[3]);
    expect(pins[6]).toBe(HASH_2580);
    const read = readCredentials(hashed, []);
    if ('errors' in read) throw new Error(JSON.stringify(read.errors));
    expect(read.credentials.get('1/1')).toMatchObject({ holder: 'a, b' });
    expect((await rightOf('947303', read.codes)).map(({ holder }) => holder)).toEqual(['f']);
    expect(await hashPins(hashed, () => {})).toBeUndefined();
  });
});
