/** Readers that are slow, busy, away or hard to understand, and what that costs their neighbours. In virtual time. */
import { describe, expect, it } from 'vitest';
import { createExchange } from '../../drivers/osdp/exchange.ts';
import { manualClock } from '../clocks.ts';
import { card, type ForeignOptions, foreignReader, type Question } from './osdp-foreign.ts';
import { KEY, keyFile } from './osdp-line.ts';
import { pace, virtualLine } from './osdp-virtual.ts';

const [POLL, LSTAT, OUT, CHLNG, SCRYPT] = [0x60, 0x64, 0x68, 0x76, 0x77];
const key = Buffer.from(KEY, 'hex');
const cardOf = ({ kind }: { kind: string }) => kind === 'credential';
const outputs = [{ id: 'strike', kind: 'door', output: 0 }];
/** OUT: on for a time. */
const opens = ({ code, data }: Question) => code === OUT && data[1] === 5;
const readers = (count: number, options: ForeignOptions = {}) =>
  Array.from({ length: count }, (_, address) => foreignReader({ ...options, address }));
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('readers that are away', () => {
  it.each([
    [4, 8],
    [2, 8],
    [3, 4],
    [1, 2],
  ])(
    'cost the %i of %i that are there little: 5 polls a second, and no gap over 400 ms',
    async (there, all) => {
      const { clock, asked, links } = await virtualLine({ readers: readers(there), addresses: range(all) });
      await clock.advance(20_000);
      const from = clock.elapsed();
      await clock.advance(30_000);
      for (const address of range(there)) {
        const { gap, perSecond } = pace(asked, address, from, clock.elapsed());
        expect(gap).toBeLessThan(400);
        expect(perSecond).toBeGreaterThan(5);
      }
      const told = links.rest();
      expect(told.filter(({ state }) => state === 'online')).toHaveLength(there);
      expect(told.filter(({ state }) => state === 'offline')).toHaveLength(all - there);
    },
  );

  it('are online within a few seconds when they come back, six of eight together too', async () => {
    const { clock, away, links } = await virtualLine({ readers: readers(8) });
    for (const address of range(6)) away.add(address + 2);
    await clock.advance(60_000);
    links.rest();
    away.clear();
    const back = clock.elapsed();
    for (let i = 0; i < 6; i++) expect(await clock.until(links.next())).toMatchObject({ state: 'online' });
    expect(clock.elapsed() - back).toBeLessThan(6000);
  });

  it('are online again within half a minute where they answer slowly, too', async () => {
    const { clock, away, links } = await virtualLine({
      readers: readers(4),
      think: (address) => (address === 3 ? 190 : 10),
    });
    await clock.advance(10_000);
    away.add(3);
    await clock.advance(60_000);
    links.rest();
    away.clear();
    const back = clock.elapsed();
    expect(await clock.until(links.next())).toMatchObject({ device: 'reader-3', state: 'online' });
    expect(clock.elapsed() - back).toBeLessThan(30_000);
    await clock.advance(30_000);
    expect(links.rest()).toEqual([]);
  });

  it('do not keep a door shut at another reader', async () => {
    const { clock, tell } = await virtualLine({
      readers: readers(1),
      addresses: range(8),
      more: { outputs },
    });
    await clock.advance(20_000);
    for (let i = 0; i < 20; i++) {
      await clock.advance(137);
      const begun = clock.elapsed();
      expect(await clock.until(tell('unlock', { output: 'strike' }) ?? Promise.reject())).toEqual({
        done: true,
      });
      expect(clock.elapsed() - begun).toBeLessThan(300);
    }
  });

  it('that go all at once cost the others no more than a second, once', async () => {
    const { clock, away, asked } = await virtualLine({ readers: readers(8) });
    await clock.advance(10_000);
    for (const address of range(4)) away.add(address + 4);
    const from = clock.elapsed();
    await clock.advance(10_000);
    const gaps = range(4).map((address) => pace(asked, address, from, clock.elapsed()).gap);
    expect(Math.max(...gaps)).toBeLessThan(1300);
    expect(pace(asked, 0, from + 3000, clock.elapsed()).gap).toBeLessThan(400);
  });
});

describe('a reader that is busy', () => {
  it.each([
    ['0', 0],
    ["the command's own", undefined],
  ])('for 5 s, under the sequence %s, gets the command when it has time, once', async (_name, sequence) => {
    let until = Number.POSITIVE_INFINITY;
    let tries = 0;
    const busy = foreignReader({
      before: (question, { clear }) => {
        if (!opens(question) || line.clock.elapsed() >= until) return undefined;
        tries++;
        return clear(sequence ?? question.sequence, 0x79);
      },
    });
    const other = foreignReader({ address: 1 });
    const line = await virtualLine({ readers: [busy, other], more: { outputs } });
    await line.clock.advance(2000);
    until = line.clock.elapsed() + 5000;
    const from = line.clock.elapsed();
    expect(await line.clock.until(line.tell('unlock', { output: 'strike' }) ?? Promise.reject())).toEqual({
      done: true,
    });
    expect(line.clock.elapsed() - from).toBeGreaterThanOrEqual(5000);
    expect(line.clock.elapsed() - from).toBeLessThan(5200);
    expect(tries).toBeGreaterThan(20);
    const told = busy.asked.filter(opens);
    expect(new Set(told.map(({ bytes }) => bytes.toString('hex'))).size).toBe(1);
    // Its neighbour does not wait with it.
    expect(pace(line.asked, 1, from, line.clock.elapsed()).gap).toBeLessThan(150);
    expect(line.links.rest().filter(({ state }) => state === 'offline')).toEqual([]);
  });

  it.each([
    ['in the handshake', CHLNG],
    ['at the end of it', SCRYPT],
    ['in the session', POLL],
  ])('for 5 s %s is spoken with as before, in one session', async (_name, code) => {
    let since: number | undefined;
    const busy = foreignReader({
      key,
      before: (question, { clear }) => {
        if (question.code !== code) return undefined;
        since ??= clock.elapsed();
        return clock.elapsed() - since < 5000 ? clear(0, 0x79) : undefined;
      },
    });
    const { clock, links, reports } = await virtualLine({ readers: [busy], more: { keyFile: keyFile() } });
    await clock.advance(7900);
    busy.events.push(card);
    expect(await clock.until(reports.find(cardOf))).toMatchObject({ credential: { number: '5' } });
    expect(links.rest()).toMatchObject([{ state: 'online' }]);
    // The same challenge, whatever the reader made of the first.
    const asked = busy.asked.filter((one) => one.code === CHLNG);
    expect(new Set(asked.map(({ bytes }) => bytes.toString('hex'))).size).toBe(1);
  });

  it('for ever is offline after 8 s', async () => {
    let busy = false;
    const reader = foreignReader({ before: (_question, { clear }) => (busy ? clear(0, 0x79) : undefined) });
    const { clock, links } = await virtualLine({ readers: [reader] });
    await clock.advance(3000);
    busy = true;
    const from = clock.elapsed();
    await clock.until(links.find(({ state }) => state === 'offline'));
    expect(clock.elapsed() - from).toBeLessThan(8300);
    busy = false;
    await clock.until(
      links.find(({ state }) => state === 'online'),
      3000,
    );
  });
});

describe('a reader that did not understand', () => {
  it('(NAK 1) a command gets it again, under the same number', async () => {
    let refusals = 10;
    const reader = foreignReader({
      before: (question, { clear }) =>
        opens(question) && refusals-- > 0 ? clear(question.sequence, 0x41, Buffer.of(1)) : undefined,
    });
    const { clock, tell } = await virtualLine({ readers: [reader], more: { outputs } });
    await clock.advance(1000);
    expect(await clock.until(tell('unlock', { output: 'strike' }) ?? Promise.reject())).toEqual({
      done: true,
    });
    const told = reader.asked.filter(opens);
    expect(told).toHaveLength(11);
    expect(new Set(told.map(({ sequence }) => sequence)).size).toBe(1);
  });

  it.each([
    ['ID', 0x61],
    ['CHLNG', CHLNG],
    ['SCRYPT', SCRYPT],
    ['LSTAT', LSTAT],
  ])('(NAK 1) %s in the handshake, or after it, gets it again', async (_name, code) => {
    let refusals = 1;
    const reader = foreignReader({
      key,
      before: (question, { clear }) =>
        question.code === code && refusals-- > 0 ? clear(question.sequence, 0x41, Buffer.of(1)) : undefined,
    });
    const { clock, links } = await virtualLine({ readers: [reader], more: { keyFile: keyFile() } });
    expect(await clock.until(links.next(), 3000)).toMatchObject({ state: 'online' });
    expect(reader.asked.filter((one) => one.code === CHLNG).length).toBeLessThan(3);
  });
});

describe('a reader that knows the checksum alone', () => {
  const checked = ({ bytes }: Question) => ((bytes[4] ?? 0) & 4) === 0;
  it.each<[string, ForeignOptions, object]>([
    ['and refuses a CRC', { checksum: 'refuses' }, {}],
    ['and says so', { checksum: 'refuses', cap: '080000' }, {}],
    ['and says otherwise', { checksum: 'refuses', cap: '080100' }, {}],
    ['and ignores a CRC', { checksum: 'ignores' }, {}],
    ['in the secure channel', { checksum: 'refuses', key }, { keyFile: 'key' }],
    ['in the secure channel, and ignores a CRC', { checksum: 'ignores', key }, { keyFile: 'key' }],
  ])('%s gets it', async (_name, options, more) => {
    const reader = foreignReader(options);
    const { clock, links, reports } = await virtualLine({
      readers: [reader],
      more: 'keyFile' in more ? { keyFile: keyFile() } : {},
    });
    expect(await clock.until(links.next(), 8000)).toMatchObject({ state: 'online' });
    reader.events.push(card);
    expect(await clock.until(reports.find(cardOf), 5000)).toMatchObject({ credential: { number: '5' } });
    const seen = reader.asked.length;
    await clock.advance(5000);
    expect(reader.asked.slice(seen).every(checked)).toBe(true);
  });

  it('but understands a CRC all the same gets the checksum that it asks for', async () => {
    const reader = foreignReader({ cap: '080000' });
    const { clock, links } = await virtualLine({ readers: [reader] });
    await clock.until(links.next(), 3000);
    await clock.advance(1000);
    const seen = reader.asked.length;
    await clock.advance(1000);
    expect(reader.asked.slice(seen).every(checked)).toBe(true);
  });

  it('is no other reader than one whose line is noisy: that gets a CRC', async () => {
    let refusals = 2;
    const reader = foreignReader({
      cap: '080100',
      before: ({ sequence }, { clear }) => (refusals-- > 0 ? clear(sequence, 0x41, Buffer.of(1)) : undefined),
    });
    const { clock, links } = await virtualLine({ readers: [reader] });
    await clock.until(links.next(), 3000);
    const seen = reader.asked.length;
    await clock.advance(1000);
    expect(reader.asked.slice(seen).some(checked)).toBe(false);
  });
});

describe('answers that take their time', () => {
  it('begin after 400 ms where answerTime says so', async () => {
    const reader = foreignReader({});
    const { clock, asked, links, reports } = await virtualLine({
      readers: [reader],
      think: () => 400,
      more: { answerTime: '500ms' },
    });
    expect(await clock.until(links.next(), 8000)).toMatchObject({ state: 'online' });
    reader.events.push(card);
    expect(await clock.until(reports.find(cardOf), 2000)).toMatchObject({ credential: { number: '5' } });
    // Each was asked once.
    expect(asked.every(({ sequence }, i) => sequence !== asked[i - 1]?.sequence)).toBe(true);
  });

  it.each([250, 600, 900])(
    'come %i ms late through a network: waited for as long as that, after a few',
    async (late) => {
      const reader = foreignReader({});
      const { clock, asked, links, reports } = await virtualLine({ readers: [reader], latency: late / 2 });
      expect(await clock.until(links.next(), 20_000)).toMatchObject({ state: 'online' });
      const from = asked.length;
      await clock.advance(5000);
      for (let i = 0; i < 3; i++)
        reader.events.push({ code: 0x50, data: Buffer.from([0, 0, 26, 0, 128, 128, i, 0]) });
      await clock.advance(10_000);
      const told = reports.rest().filter(cardOf);
      expect(new Set(told.map(({ repeat }) => repeat?.key)).size).toBe(told.length);
      expect(links.rest()).toEqual([]);
      const repeated = asked
        .slice(from)
        .filter(({ sequence }, i, all) => i > 0 && sequence === all[i - 1]?.sequence);
      expect(repeated.length).toBeLessThan(3);
    },
  );

  it('are not taken for the answer to the next question, however often they come', async () => {
    // Each answer comes twice, the second time after the next question was asked.
    const commands: string[] = [];
    const reader = foreignReader({
      before: (question) => {
        if (opens(question)) commands.push(question.bytes.toString('hex'));
        return undefined;
      },
    });
    const { clock, tell, links } = await virtualLine({
      readers: [reader],
      think: () => 300,
      more: { outputs },
    });
    await clock.until(links.next(), 30_000);
    for (let i = 0; i < 5; i++) {
      const outcome = await clock.until(tell('unlock', { output: 'strike' }) ?? Promise.reject());
      expect(outcome).toEqual({ done: true });
      expect(new Set(commands).size).toBe(i + 1 > 3 ? 3 : i + 1);
    }
  });
});

describe('answers in pieces', () => {
  it.each([
    ['byte by byte', { bytes: 1, apart: 20 }],
    ['in parts, as a serial server gathers them', { bytes: 8, apart: 200 }],
  ])('are waited for: %s', async (_name, parts) => {
    const reader = foreignReader({});
    const { clock, links, reports, asked } = await virtualLine({
      readers: [reader],
      think: () => 190,
      parts,
    });
    expect(await clock.until(links.next(), 10_000)).toMatchObject({ state: 'online' });
    reader.events.push(card);
    expect(await clock.until(reports.find(cardOf), 3000)).toMatchObject({ credential: { number: '5' } });
    expect(asked.every(({ sequence }, i) => sequence !== asked[i - 1]?.sequence)).toBe(true);
  });

  it('that come too late are let through before the next question is asked', async () => {
    const clock = manualClock();
    const written: number[] = [];
    const late: number[] = [];
    const { exchange, hear } = createExchange({
      async write() {
        written.push(clock.elapsed());
      },
      times: { byteMs: 1, latencyMs: 0 },
      host: { clock, discarded() {} },
      device: 'x',
      late: ({ address }) => late.push(address) > 0,
    });
    // An ACK of the address 0, off the wire (OSDP.Net, ReplyTest).
    const answer = Buffer.from('538008000540689f', 'hex');
    for (const [i, byte] of answer.entries()) clock.after(10 + i, () => hear(Buffer.of(byte)));
    await clock.advance(12);
    const question = { address: 1, reply: false, sequence: 1, crc: true, code: POLL, data: Buffer.alloc(0) };
    const asked = exchange(question, 200);
    await clock.advance(100);
    expect(late).toEqual([0]);
    expect(written).toHaveLength(1);
    expect(written[0]).toBeGreaterThanOrEqual(10 + answer.length - 1);
    expect(written[0]).toBeLessThan(30);
    // One that stops in the middle holds nobody up for long.
    hear(answer.subarray(0, 5));
    await clock.until(asked);
    hear(answer.subarray(0, 5));
    const from = clock.elapsed();
    const next = exchange(question, 200);
    await clock.until(next);
    expect((written[1] ?? 0) - from).toBeLessThan(60);
  });

  it('do not last for ever: a device that babbles costs its neighbours little', async () => {
    const babble = Buffer.alloc(40, 0x55);
    const babbler = foreignReader({ address: 1, before: () => babble });
    const { clock, asked } = await virtualLine({ readers: [foreignReader({}), babbler] });
    await clock.advance(20_000);
    const from = clock.elapsed();
    await clock.advance(10_000);
    expect(pace(asked, 0, from, clock.elapsed()).gap).toBeLessThan(400);
  });
});
