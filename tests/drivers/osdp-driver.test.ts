import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { wiegandFormats } from '../../drivers/bits.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { commands, encodeOsdp, osdpDecoder, replies } from '../../drivers/osdp/codec.ts';
import { cardOf, keysOf, textCardOf } from '../../drivers/osdp/data.ts';
import { osdp } from '../../drivers/osdp/driver.ts';
import { type OsdpReader, startOsdpReaders } from '../../simulators/osdp.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, freePort, stream, take, tcpServer, temporaryDirectory } from '../helpers.ts';
import { frames } from './decoding.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';
const keyFile = (key = KEY) => {
  const file = join(temporaryDirectory(), 'scbk');
  writeFileSync(file, `${key}\n`);
  return file;
};
const device = (port: number, address: number, more: object = {}) => ({
  id: `reader-${address}`,
  driver: 'osdp',
  options: osdp.options.parse({ connection: { serialServer: `127.0.0.1:${port}` }, address, ...more }),
});

async function line(
  readers: readonly (Omit<OsdpReader, 'id'> & { more?: object })[],
  store?: (observation: Observation) => Promise<Receipt>,
  time?: Clock,
) {
  const port = await freePort();
  const texts = stream<[string, string]>();
  const done = stream<string>();
  const simulators = await startOsdpReaders({
    end: { listen: { host: '127.0.0.1', port } },
    readers: readers.map((reader) => ({ ...reader, id: `reader-${reader.address}` })),
    shown: (id, text) => texts.push([id, text]),
    did: (id, what) => done.push(`${id} ${what}`),
  });
  onTestFinished(async () => {
    for (const one of simulators) await one.close();
  });
  const fake = fakeHost(store, time);
  const session = await osdp.open(
    readers.map(({ address, more }) => device(port, address, more)),
    fake.host,
  );
  session.ended.catch(() => {});
  onTestFinished(() => session.close());
  const card = (credential: object | undefined) =>
    fake.reports.find(
      ({ kind, credential: own }) => kind === 'credential' && (credential === undefined || own !== undefined),
    );
  const tell = (action: string, wanted: object, id = 'reader-0') =>
    session.execute?.({ id: 'c', device: id, action, arguments: { ...wanted } });
  return { ...fake, session, simulators, texts, done, tell, port, card };
}
const shown = (number: string, id = 'reader-0') => ({
  device: id,
  kind: 'credential',
  credential: { format: 'wiegand26', facility: 1, number },
});

describe('OSDP readers on a line', () => {
  it('are polled in turn, and their cards are told, each once', async () => {
    const { simulators, links, card } = await line([{ address: 0 }, { address: 1 }, { address: 2 }]);
    expect((await take(links, 3)).map(({ device: id, state }) => [id, state]).sort()).toEqual([
      ['reader-0', 'online'],
      ['reader-1', 'online'],
      ['reader-2', 'online'],
    ]);
    for (const [i, one] of simulators.entries()) await one.do(`card ${100 + i}`);
    const cards = [await card({}), await card({}), await card({})];
    expect(cards.map(({ device: id, credential }) => `${id} ${credential?.number}`).sort()).toEqual([
      'reader-0 100',
      'reader-1 101',
      'reader-2 102',
    ]);
  });

  it('tell tamper and power, as found and as they change', async () => {
    const { simulators, reports } = await line([{ address: 5 }]);
    const [first, second] = [await reports.next(), await reports.next()];
    expect([first, second]).toMatchObject([
      { kind: 'tamper', state: 'restored', initial: true },
      { kind: 'power', state: 'restored', initial: true },
    ]);
    const next = () => reports.find(({ kind }) => kind === 'tamper' || kind === 'power');
    await simulators[0]?.do('tamper');
    expect(await next()).toMatchObject({ kind: 'tamper', state: 'raised' });
    await simulators[0]?.do('mains-lost');
    expect(await next()).toMatchObject({ kind: 'power', state: 'raised' });
    await simulators[0]?.do('tamper-restore');
    expect(await next()).toMatchObject({ kind: 'tamper', state: 'restored' });
  });

  it('are offline after 8 s of silence, alone, and come back by themselves', {
    timeout: 30_000,
  }, async () => {
    // The line's own time passes four times as fast: the reader is silent for 12 s by it.
    const quick = fastClock(4);
    const { simulators, links, card } = await line([{ address: 0 }, { address: 1 }], undefined, quick);
    await take(links, 2);
    const silent = quick.elapsed();
    await simulators[1]?.do('silent 3s');
    await quick.wait(3000);
    await simulators[0]?.do('card 7');
    expect(await card({})).toMatchObject(shown('7'));
    expect(await links.next()).toMatchObject({ device: 'reader-1', state: 'offline' });
    expect(quick.elapsed() - silent).toBeGreaterThan(7900);
    expect(await links.next()).toMatchObject({ device: 'reader-1', state: 'online' });
  });

  it('lose no card to noise on the line, and none counts twice', { timeout: 30_000 }, async () => {
    const { simulators, links, reports } = await line([{ address: 0 }, { address: 1 }]);
    await take(links, 2);
    await simulators[0]?.do('corrupt 5');
    for (let i = 0; i < 40; i++) {
      await simulators[i % 2]?.do(`card ${1000 + i}`);
      if (i % 10 === 0) await simulators[0]?.do('garbage');
      await delay(20);
    }
    // A card whose answer was lost three times may be told again: the journal knows it by its key.
    const told = new Map<string | undefined, number>();
    while (told.size < 40) {
      const { credential, repeat } = await reports.find(({ kind }) => kind === 'credential');
      told.set(repeat?.key, Number(credential?.number));
    }
    await delay(300);
    for (const { kind, credential, repeat } of reports.rest())
      if (kind === 'credential') told.set(repeat?.key, Number(credential?.number));
    const numbers = [...told.values()].toSorted((one, other) => one - other);
    expect(numbers).toEqual(Array.from({ length: 40 }, (_, i) => 1000 + i));
  });

  it('tell in the answer to the very first question, too', async () => {
    const { port, sockets } = await tcpServer();
    const { host, reports } = fakeHost();
    const session = await osdp.open([device(port, 4)], host);
    onTestFinished(() => session.close());
    const socket = await sockets.next();
    const card = Buffer.from('00001a0080800080', 'hex');
    socket.write(
      encodeOsdp({ address: 4, reply: true, sequence: 0, crc: true, code: replies.RAW, data: card }),
    );
    expect(await reports.next()).toMatchObject({ credential: { format: 'wiegand26', number: '1' } });
  });

  it('do not wait for the disk of each other, but each for its own', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const receipt = { sequence: 1, id: 'x', repeated: false };
    const { simulators, links, card, reports } = await line(
      [{ address: 0 }, { address: 1 }],
      async (observation) => {
        if (observation.credential?.number === '1') await promise;
        return receipt;
      },
    );
    await take(links, 2);
    await simulators[0]?.do('card 1');
    await simulators[0]?.do('card 2');
    expect(await card({})).toMatchObject(shown('1'));
    await simulators[1]?.do('card 3');
    expect(await card({})).toMatchObject(shown('3', 'reader-1'));
    await delay(200);
    expect(reports.rest().filter(({ kind }) => kind === 'credential')).toEqual([]);
    resolve();
    expect(await card({})).toMatchObject(shown('2'));
  });

  it('show a text, and say what they do not know', async () => {
    const { session, links, texts } = await line([{ address: 3 }]);
    const tell = (action: string, wanted: object) =>
      session.execute?.({ id: 'c', device: 'reader-3', action, arguments: { ...wanted } });
    expect(await tell('show', { text: 'WAIT' })).toMatchObject({ done: false });
    await links.next();
    expect(await tell('show', { text: 'WAIT\u0007', for: 5 })).toEqual({ done: true });
    expect(await texts.next()).toEqual(['reader-3', 'WAIT?']);
    expect(await tell('unlock', {})).toMatchObject({ done: false });
    expect(await tell('show', {})).toMatchObject({ done: false });
  });

  it('light up, sound and switch', async () => {
    const outputs = [
      { id: 'gate', kind: 'door', output: 0, moment: '3s' },
      { id: 'horn', kind: 'siren', output: 1, limit: '2m' },
    ];
    const { links, tell, done } = await line([{ address: 0, more: { outputs } }]);
    await links.next();
    // At the start everything is at rest.
    expect(await take(done, 2)).toEqual(['reader-0 output 0 off', 'reader-0 output 1 off']);
    const cases: [string, object, string[]][] = [
      ['indicate', { granted: true }, ['led green', 'buzzer 1']],
      ['indicate', { granted: false }, ['led red', 'buzzer 3']],
      ['unlock', { output: 'gate' }, ['output 0 on 3s']],
      ['hold', { output: 'gate' }, ['output 0 on']],
      ['lock', { output: 'gate' }, ['output 0 off']],
      ['activate', { output: 'horn', for: 600 }, ['output 1 on 120s']],
      ['activate', { output: 'horn', for: 1.5 }, ['output 1 on 1.5s']],
      ['deactivate', { output: 'horn' }, ['output 1 off']],
    ];
    for (const [action, wanted, expected] of cases) {
      expect(await tell(action, wanted)).toEqual({ done: true });
      expect(await take(done, expected.length)).toEqual(expected.map((what) => `reader-0 ${what}`));
    }
    expect(await tell('activate', { output: 'gate' })).toMatchObject({ reason: /door does not know/ });
    expect(await tell('unlock', { output: 'x' })).toMatchObject({ reason: /no output x/ });
    expect(await tell('unlock', {})).toMatchObject({ done: false });
  });

  it('leave no command without an answer when their line goes', async () => {
    const { links, tell, simulators, session } = await line([{ address: 0 }]);
    await links.next();
    await simulators[0]?.do('silent 60s');
    const asked = [tell('show', { text: 'A' }), tell('show', { text: 'B' })];
    await session.close();
    const silent = { done: false, reason: 'reader-0 does not answer' };
    expect(await Promise.all(asked)).toMatchObject([silent, silent]);
    const lost = await line([{ address: 1 }]);
    await lost.links.next();
    await lost.simulators[0]?.close();
    await expect(lost.session.ended).rejects.toMatchObject({ code: 'E_LINE_LOST' });
    expect(await lost.tell('show', { text: 'A' }, 'reader-1')).toMatchObject({ done: false, unknown: true });
  });

  it('switch on again what is held, and nothing else, when they come back', async () => {
    const outputs = [
      { id: 'gate', kind: 'door', output: 0 },
      { id: 'lamp', kind: 'lamp', output: 1 },
    ];
    const { links, tell, done, simulators } = await line([{ address: 0, more: { outputs } }]);
    await links.next();
    await tell('hold', { output: 'gate' });
    await simulators[0]?.do('restart');
    done.rest();
    expect(await take(done, 2)).toEqual(['reader-0 output 0 on', 'reader-0 output 1 off']);
  });

  it('tell contacts as found and as they change, and keys as codes', async () => {
    const inputs = [
      { input: 0, zone: 1, normal: 'closed' },
      { input: 1, zone: 2, kind: 'panic', id: 'desk' },
    ];
    const { reports, simulators } = await line([{ address: 0, more: { inputs } }]);
    const next = () => reports.find(({ zone, credential }) => zone !== undefined || credential !== undefined);
    expect([await next(), await next()]).toMatchObject([
      { kind: 'contact', zone: { number: 1 }, state: 'raised', initial: true },
      { kind: 'panic', zone: { number: 2, id: 'desk' }, state: 'restored', initial: true },
    ]);
    await simulators[0]?.do('close 0');
    expect(await next()).toMatchObject({ kind: 'contact', state: 'restored' });
    await simulators[0]?.do('close 1');
    expect(await next()).toMatchObject({ kind: 'panic', state: 'raised' });
    await simulators[0]?.do('keys 99*12');
    await simulators[0]?.do('keys 34#');
    expect(await next()).toMatchObject({ credential: { format: 'keypad', number: '1234' } });
    await simulators[0]?.do('text A1B2');
    expect(await next()).toMatchObject({ credential: { format: 'text', number: 'A1B2' } });
  });

  it('take another address', async () => {
    const { links, tell, simulators, port } = await line([{ address: 0 }]);
    await links.next();
    expect(await tell('set-line', { address: 7, baudRate: 38_400 })).toEqual({ done: true });
    const { host, links: others } = fakeHost();
    const session = await osdp.open([device(port, 7)], host);
    onTestFinished(() => session.close());
    expect(await others.next()).toMatchObject({ device: 'reader-7', state: 'online' });
    expect(await tell('set-line', { address: 200, baudRate: 38_400 })).toMatchObject({ done: false });
    expect(simulators).toHaveLength(1);
  });

  it('take no word of a frame that is not theirs: another address, another number, our own echo', async () => {
    const { port, sockets } = await tcpServer();
    const { host, links, discards } = fakeHost();
    const session = await osdp.open([device(port, 4)], host);
    onTestFinished(() => session.close());
    const socket = await sockets.next();
    const decoder = osdpDecoder();
    const asked = stream<{ sequence: number; code: number }>();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of frames(decoder.push(chunk))) asked.push(frame);
      socket.write(chunk); // A half-duplex converter that echoes.
    });
    const answer = (address: number, sequence: number) =>
      socket.write(
        encodeOsdp({ address, reply: true, sequence, crc: true, code: replies.ACK, data: new Uint8Array() }),
      );
    const first = await asked.next();
    expect(first).toMatchObject({ sequence: 0, code: commands.POLL });
    answer(5, 0);
    answer(4, 2);
    expect((await discards.next()).reason).toContain('nobody awaits');
    expect(links.rest()).toEqual([]);
    answer(4, 0);
    expect(await asked.find(({ code }) => code === commands.ID)).toMatchObject({ sequence: 1 });
  });
});

describe('the secure channel', () => {
  const secure = { key: Buffer.from(KEY, 'hex') };

  it('carries cards under the reader’s own key', async () => {
    const { simulators, links, card, port } = await line([
      { address: 0, ...secure, more: { keyFile: keyFile() } },
    ]);
    expect(await links.next()).toMatchObject({ state: 'online' });
    await simulators[0]?.do('card 77');
    expect(await card({})).toMatchObject(shown('77'));
    expect(port).toBeGreaterThan(0);
  });

  it('comes up again when a reader restarts in the middle of a session', async () => {
    const { simulators, links, card } = await line([{ address: 0, ...secure, more: { keyFile: keyFile() } }]);
    await links.next();
    for (let i = 0; i < 5; i++) {
      await simulators[0]?.do(`card ${200 + i}`);
      expect(await card({})).toMatchObject(shown(String(200 + i)));
      await simulators[0]?.do('restart');
    }
    expect(links.rest()).toEqual([]);
  });

  it('does not come up with another key, and nothing that such a reader says counts', async () => {
    const other = 'ff'.repeat(16);
    const { simulators, links, reports, discards } = await line([
      { address: 0, ...secure, more: { keyFile: keyFile(other) } },
    ]);
    expect((await discards.find(({ reason }) => reason.includes('key'))).reason).toBe(
      'the reader has another key',
    );
    await simulators[0]?.do('card 1');
    await delay(300);
    expect(links.rest()).toEqual([]);
    expect(reports.rest()).toEqual([]);
  });

  it('is a must where there is a key: a reader in clear is not believed', async () => {
    const { simulators, links, reports } = await line([{ address: 0, more: { keyFile: keyFile() } }]);
    await simulators[0]?.do('card 1');
    await delay(500);
    expect(links.rest()).toEqual([]);
    expect(reports.rest()).toEqual([]);
  });

  it('with the key that everybody knows is a fault', async () => {
    const { reports, simulators, card } = await line([{ address: 0, more: { defaultKey: true } }]);
    expect(await reports.find(({ kind }) => kind === 'fault')).toMatchObject({
      cause: 'default-key',
      state: 'raised',
    });
    await simulators[0]?.do('card 9');
    expect(await card({})).toMatchObject(shown('9'));
  });

  it('gets its own key over the one that everybody knows, once, and no key in clear', async () => {
    const { links, tell, simulators, port, session } = await line([
      { address: 0, more: { defaultKey: true } },
    ]);
    await links.next();
    expect(await tell('set-key', { key: KEY })).toEqual({ done: true });
    await session.close();
    const { host, links: others, reports } = fakeHost();
    const again = await osdp.open([device(port, 0, { keyFile: keyFile() })], host);
    onTestFinished(() => again.close());
    expect(await others.next()).toMatchObject({ state: 'online' });
    await simulators[0]?.do('card 5');
    expect(await reports.find(({ kind }) => kind === 'credential')).toMatchObject(shown('5'));
    const clear = await line([{ address: 1 }]);
    await clear.links.next();
    expect(await clear.tell('set-key', { key: KEY }, 'reader-1')).toMatchObject({ done: false });
  });

  it.each([
    ['a key that is no key', { keyFile: 'short' }, /32 hex digits/],
    ['two keys', { keyFile: KEY, defaultKey: true }, /keep one/],
  ])('tells of %s in the config', (_name, { keyFile: key, ...more }, message) => {
    const problems = osdp.problems?.(device(1, 0, { ...more, keyFile: keyFile(key) }));
    expect(problems).toEqual([expect.objectContaining({ message: expect.stringMatching(message) })]);
  });
});

describe('a card of a reader', () => {
  const formats = wiegandFormats().parse(undefined);
  it.each([
    // 26 bits: even parity 1, facility 1, card 1, odd parity 0, then six bits of nothing.
    ['26 bits', '00001a0080800080', { format: 'wiegand26', facility: 1, number: '1' }],
    ['8 bits', '00000800ff', { format: 'raw8', number: '255' }],
    ['64 bits', '00004000ffffffffffffffff', { format: 'raw64', number: '18446744073709551615' }],
  ])('of %s', (_name, hex, credential) => {
    expect(cardOf(Buffer.from(hex, 'hex'), formats)).toEqual({ frame: credential });
  });

  it.each([
    ['no bits', '00000000'],
    ['fewer bytes than bits', '00001a008080'],
    ['more bytes than bits', '00000800ffff'],
    ['a wrong parity', '00001a0000800080'],
    ['nothing', ''],
  ])('that makes no sense is none: %s', (_name, hex) => {
    expect(cardOf(Buffer.from(hex, 'hex'), formats)).toHaveProperty('reason');
  });

  it('in characters and keys, or none where they do not fit', () => {
    expect(textCardOf(Buffer.from('000004', 'hex'))).toHaveProperty('reason');
    expect(textCardOf(Buffer.from('00000431323334', 'hex'))).toEqual({
      frame: { format: 'text', number: '1234' },
    });
    expect(keysOf(Buffer.from('000331320d', 'hex'))).toBe('12#');
    expect(keysOf(Buffer.from('000331327f', 'hex'))).toBe('12*');
    expect(keysOf(Buffer.from('000231', 'hex'))).toBeUndefined();
    expect(keysOf(Buffer.from('000101', 'hex'))).toBeUndefined();
  });
});
