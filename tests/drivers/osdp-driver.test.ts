import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commands, crc16, encodeOsdp, osdpDecoder, replies } from '../../drivers/osdp/codec.ts';
import { osdp } from '../../drivers/osdp/driver.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, stream, take, tcpServer } from '../helpers.ts';
import { frames } from './decoding.ts';
import { device, line, shown } from './osdp-line.ts';

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

  it('are offline after 8 s of silence, alone, and come back by themselves', async () => {
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

  it('lose no card to noise on the line, and none counts twice', async () => {
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
});

describe('OSDP readers that are told', () => {
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

  it('lock a held door that was told to while they were silent', async () => {
    const outputs = [{ id: 'gate', kind: 'door', output: 0 }];
    const { links, tell, done, simulators } = await line(
      [{ address: 0, more: { outputs } }],
      undefined,
      fastClock(4),
    );
    await links.next();
    await tell('hold', { output: 'gate' });
    await simulators[0]?.do('silent 3s');
    expect(await links.next()).toMatchObject({ state: 'offline' });
    expect(await tell('lock', { output: 'gate' })).toMatchObject({ done: false });
    done.rest();
    expect(await done.next()).toBe('reader-0 output 0 off');
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
});

describe('OSDP readers that tell', () => {
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

  it('tell contacts as found and as they change, and keys as codes', async () => {
    const inputs = [
      { input: 0, zone: 1, normal: 'closed' },
      { input: 1, zone: 2, kind: 'panic', id: 'desk' },
    ];
    const { reports, simulators } = await line([{ address: 0, more: { inputs } }]);
    const next = () => reports.find(({ zone, kind }) => zone !== undefined || kind === 'credential');
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
    const typed = { device: 'reader-0', kind: 'credential', state: 'raised', code: '1234' };
    expect(await next()).toEqual(typed);
    await simulators[0]?.do('text A1B2');
    expect(await next()).toMatchObject({ credential: { format: 'text', number: 'A1B2' } });
  });

  it('are waited for as long as the bytes of an answer come', async () => {
    const { port, sockets } = await tcpServer();
    const { host } = fakeHost();
    const session = await osdp.open([device(port, 4)], host);
    onTestFinished(() => session.close());
    const socket = await sockets.next();
    const decoder = osdpDecoder();
    const asked = stream<{ sequence: number; code: number }>();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of frames(decoder.push(chunk))) asked.push(frame);
    });
    expect(await asked.next()).toMatchObject({ sequence: 0, code: commands.POLL });
    // ACK of the address 4, begun within 200 ms, whole after 300.
    const bytes = Buffer.from('538408000440', 'hex');
    const answer = Buffer.concat([bytes, Buffer.of(crc16(bytes) & 0xff, crc16(bytes) >> 8)]);
    for (const part of [
      answer.subarray(0, 3),
      answer.subarray(3, 5),
      answer.subarray(5, 7),
      answer.subarray(7),
    ]) {
      await delay(70);
      socket.write(part);
    }
    expect(await asked.next()).toMatchObject({ sequence: 1, code: commands.ID });
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
