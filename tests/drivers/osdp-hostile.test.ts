/** Readers, and others on their line, that try to be believed in clear, or under another key. */
import { describe, expect, it } from 'vitest';
import { card, FACTORY_KEY, type Question } from './osdp-foreign.ts';
import { KEY, keyFile } from './osdp-line.ts';
import { foreignLine } from './osdp-virtual.ts';

const key = Buffer.from(KEY, 'hex');
const [POLL, ID, CAP, LSTAT, KEYSET, CHLNG, SCRYPT] = [0x60, 0x61, 0x62, 0x64, 0x75, 0x76, 0x77];
/** What may be asked in clear of a reader that has a key. */
const handshake = new Set([ID, CHLNG, SCRYPT]);
const inClear = (asked: readonly Question[]) =>
  asked.filter(({ type }) => type === 0).map(({ code }) => code);
const cardOf = <T extends { kind: string }>({ kind }: T) => kind === 'credential';

describe('with a key nothing in clear counts', () => {
  it.each([
    ['POLL', POLL],
    ['ID', ID],
    ['CAP', CAP],
    ['LSTAT', LSTAT],
    ['CHLNG', CHLNG],
    ['SCRYPT', SCRYPT],
  ])('where the answers to %s are lost, three times and more', async (_name, code) => {
    let left = 7;
    const { reader, reports, links } = await foreignLine(
      {
        key,
        // It would tell its card in clear, if it were asked.
        before: (question, { secure, clear, events }) => {
          if (!secure && question.type === 0 && question.code === POLL && events.length > 0)
            return clear(question.sequence, card.code, card.data);
          return question.code === code && (code !== ID || question.type !== 0) && left-- > 0
            ? 'lost'
            : undefined;
        },
      },
      { keyFile: keyFile() },
    );
    reader.events.push(card);
    expect(await reports.find(cardOf)).toMatchObject({ credential: { facility: 1, number: '5' } });
    expect(left).toBeLessThan(1);
    expect(reader.secure).toBe(true);
    expect(await links.next()).toMatchObject({ state: 'online' });
    expect(inClear(reader.asked).filter((one) => !handshake.has(one))).toEqual([]);
  });

  it.each<
    [string, (sequence: number, clear: (sequence: number, code: number, data?: Buffer) => Buffer) => Buffer]
  >([
    ['a card', (sequence, clear) => clear(sequence, card.code, card.data)],
    ['an ACK', (sequence, clear) => clear(sequence, 0x40)],
    ['BUSY', (_sequence, clear) => clear(0, 0x79)],
    ['NAK 1', (sequence, clear) => clear(sequence, 0x41, Buffer.of(1))],
    ['NAK 6', (sequence, clear) => clear(sequence, 0x41, Buffer.of(6))],
    ['keys', (sequence, clear) => clear(sequence, 0x53, Buffer.from([0, 5, ...Buffer.from('1234\r')]))],
    ['tamper', (sequence, clear) => clear(sequence, 0x48, Buffer.of(1, 0))],
  ])('%s to each poll in the middle of a session: offline after 8 s', async (_name, lie) => {
    let lying = false;
    const { reader, reports, links } = await foreignLine(
      {
        key,
        before: (question, { clear }) => (lying ? lie(question.sequence, clear) : undefined),
      },
      { keyFile: keyFile() },
    );
    expect(await links.next()).toMatchObject({ state: 'online' });
    reports.rest();
    const seen = reader.asked.length;
    lying = true;
    expect(await links.next()).toMatchObject({ state: 'offline' });
    expect(reports.rest().filter(({ kind }) => kind !== 'fault')).toEqual([]);
    expect(inClear(reader.asked.slice(seen)).filter((one) => !handshake.has(one))).toEqual([]);
    lying = false;
    expect(await links.next()).toMatchObject({ state: 'online' });
    reader.events.push(card);
    expect(await reports.find(cardOf)).toMatchObject({ credential: { number: '5' } });
  });

  it('counts what comes unasked, and believes none of it', async () => {
    const { reader, reports, links, discards, say } = await foreignLine({ key }, { keyFile: keyFile() });
    await links.next();
    reports.rest();
    for (let sequence = 0; sequence < 4; sequence++) say(reader.clear(sequence, card.code, card.data));
    expect(await discards.next()).toMatchObject({
      reason: expect.stringMatching(/nobody awaits|not of the secure session/),
    });
    reader.events.push({ code: 0x48, data: Buffer.of(1, 0) });
    expect(await reports.find(({ kind }) => kind === 'tamper')).toMatchObject({ state: 'raised' });
    expect(reports.rest().filter(cardOf)).toEqual([]);
  });

  it('nor does a frame of the session that is sent again, or one with another bit', async () => {
    let kept: Buffer | undefined;
    let replaying = false;
    const { reader, reports, links, discards } = await foreignLine(
      {
        key,
        after: (answer, { code, sequence }) => {
          if (code === POLL && answer[7] === card.code) kept = Buffer.from(answer);
          // With the number that is awaited, and a CRC that is right: whoever replays can make those.
          return replaying && kept !== undefined && ((kept[4] ?? 0) & 3) === sequence ? kept : answer;
        },
      },
      { keyFile: keyFile() },
    );
    await links.next();
    reader.events.push(card);
    await reports.find(cardOf);
    replaying = true;
    expect((await discards.next()).reason).toContain('not of the secure session');
    replaying = false;
    reader.events.push({ code: 0x48, data: Buffer.of(1, 0) });
    await reports.find(({ kind, state }) => kind === 'tamper' && state === 'raised');
    expect(reports.rest().filter(cardOf)).toEqual([]);
  });
});

describe('a reader with a key', () => {
  it('comes online in full-security mode, where it says NAK 6 to a poll in clear', async () => {
    const { reader, reports, links } = await foreignLine({ key, strict: true }, { keyFile: keyFile() });
    expect(await links.next()).toMatchObject({ state: 'online' });
    reader.events.push(card);
    expect(await reports.find(cardOf)).toMatchObject({ credential: { number: '5' } });
  });

  it.each([0x15, 0x16, 0x18])('marks answers without data with %i', async (emptyType) => {
    const { reader, reports, links } = await foreignLine({ key, emptyType }, { keyFile: keyFile() });
    expect(await links.next()).toMatchObject({ state: 'online' });
    for (let i = 0; i < 3; i++) {
      reader.events.push({ code: 0x40 }, card);
      expect(await reports.find(cardOf)).toMatchObject({ credential: { number: '5' } });
    }
    expect(reader.asked.filter(({ code }) => code === CHLNG)).toHaveLength(1);
  });

  it.each([0x15, 0x16])(
    'that leaves its status in clear under %i, with a MAC, is heard',
    async (statusType) => {
      const { reader, reports, links } = await foreignLine({ key, statusType }, { keyFile: keyFile() });
      expect(await links.next()).toMatchObject({ state: 'online' });
      reader.events.push({ code: 0x48, data: Buffer.of(1, 0) });
      expect(await reports.find(({ kind, state }) => kind === 'tamper' && state === 'raised')).toBeDefined();
      expect(reader.asked.filter(({ code }) => code === CHLNG)).toHaveLength(1);
    },
  );

  // RMAC_I is 14 01 by one reading of D.1.4.5, 14 00 by another (libosdp#245); others have been seen. Its MAC is right.
  it.each(['1400', '1401', '14ff', '1301', '16', '18', ''])(
    'that ends the handshake under the security block %j is spoken with',
    async (block) => {
      const { reader, reports, links } = await foreignLine(
        { key, rmacBlock: Buffer.from(block, 'hex') },
        { keyFile: keyFile() },
      );
      expect(await links.next()).toMatchObject({ state: 'online' });
      reader.events.push(card);
      expect(await reports.find(cardOf)).toMatchObject({ credential: { number: '5' } });
    },
  );

  it.each<[string, Parameters<typeof foreignLine>[0], string, RegExp]>([
    ['another key', { key: Buffer.alloc(16, 9) }, 'wrong-key', /has another key/],
    ['the key from the factory', {}, 'factory-key', /key from the factory.*provision/],
    [
      'no secure channel',
      {
        before: ({ code, sequence }, { clear }) =>
          code === CHLNG ? clear(sequence, 0x41, Buffer.of(5)) : undefined,
      },
      'no-secure-channel',
      /does not take the secure channel/,
    ],
  ])(
    'that has %s is said to have it, as a fault and when it is offline',
    async (_name, options, cause, words) => {
      const { reports, links, reader } = await foreignLine(options, { keyFile: keyFile() });
      expect(await reports.find(({ state }) => state === 'raised')).toMatchObject({ kind: 'fault', cause });
      expect(await links.next()).toMatchObject({ state: 'offline', reason: expect.stringMatching(words) });
      reader.key = key;
      if (cause === 'no-secure-channel') return;
      expect(await links.next()).toMatchObject({ state: 'online' });
      expect(await reports.find((one) => one.cause === cause && one.state === 'restored')).toBeDefined();
    },
  );

  it('that the config does not know is said to need it', async () => {
    const { reports, links } = await foreignLine({ key, strict: true }, {});
    expect(await reports.find(({ state }) => state === 'raised')).toMatchObject({
      kind: 'fault',
      cause: 'needs-key',
    });
    expect(await links.next()).toMatchObject({ reason: expect.stringMatching(/keyFile/) });
  });
});

describe('a new key', () => {
  it('is sent in a session, and is on the line in no frame outside of one', async () => {
    // One that is there is asked the same five times.
    let lost = 5;
    const { tell, links, reader } = await foreignLine(
      { key: FACTORY_KEY, before: ({ code }) => (code === KEYSET && lost-- > 0 ? 'lost' : undefined) },
      { defaultKey: true },
    );
    await links.next();
    expect(await tell('set-key', { key: KEY })).toMatchObject({ done: false, unknown: true });
    expect(reader.key).toEqual(FACTORY_KEY);
    expect(await tell('set-key', { key: KEY })).toEqual({ done: true });
    expect(reader.key).toEqual(key);
    expect(reader.asked.filter(({ bytes }) => bytes.includes(key))).toEqual([]);
  });

  it('is not sent at all to a reader that is spoken with in clear', async () => {
    const { tell, links, reader } = await foreignLine({});
    await links.next();
    expect(await tell('set-key', { key: KEY })).toMatchObject({
      done: false,
      reason: expect.stringContaining('secure'),
    });
    expect(reader.asked.filter(({ code }) => code === KEYSET)).toEqual([]);
  });
});
