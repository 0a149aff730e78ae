/** What readers tell of themselves: tamper, power, readers behind them. In virtual time. */
import { describe, expect, it } from 'vitest';
import { foreignReader } from './osdp-foreign.ts';
import { virtualLine } from './osdp-virtual.ts';

/** LSTATR: tamper, power. RSTATR (SIA OSDP 2.2, 7.9): a byte for each reader, 0 well, 1 not connected, 2 tamper. */
const lstatr = (...data: number[]) => ({ code: 0x48, data: Buffer.from(data) });
const rstatr = (...data: number[]) => ({ code: 0x4b, data: Buffer.from(data) });

async function reader(attached: Buffer, local = Buffer.of(0, 0)) {
  const one = foreignReader({ status: () => ({ attached, local }) });
  const line = await virtualLine({ readers: [one] });
  await line.clock.until(line.links.next(), 5000);
  const found = line.reports.rest();
  const next = async () => {
    await line.clock.advance(500);
    return line.reports
      .rest()
      .map(({ kind, cause, state }) => [kind, cause, state].filter(Boolean).join(' '));
  };
  return { ...line, reader: one, found, next };
}

describe('a reader with readers behind it', () => {
  it('tells how it found them', async () => {
    const well = await reader(Buffer.of(0));
    expect(well.found.slice(0, 3)).toMatchObject([
      { kind: 'tamper', state: 'restored', initial: true },
      { kind: 'power', state: 'restored', initial: true },
      { kind: 'fault', cause: 'reader-disconnected', state: 'restored', initial: true },
    ]);
    const opened = await reader(Buffer.of(0, 2));
    expect(opened.found).toContainEqual(
      expect.objectContaining({ kind: 'tamper', state: 'raised', initial: true }),
    );
    const cut = await reader(Buffer.of(1, 0));
    expect(cut.found).toContainEqual(
      expect.objectContaining({ kind: 'fault', cause: 'reader-disconnected', state: 'raised' }),
    );
  });

  it('tells tamper, and its end, once, whichever report it comes in', async () => {
    const { reader: one, next } = await reader(Buffer.of(0));
    one.events.push(rstatr(2));
    expect(await next()).toEqual(['tamper raised']);
    one.events.push(lstatr(1, 0));
    expect(await next()).toEqual([]);
    one.events.push(rstatr(0));
    expect(await next()).toEqual([]);
    one.events.push(lstatr(0, 0));
    expect(await next()).toEqual(['tamper restored']);
  });

  it('tells one that is cut off, and its return', async () => {
    const { reader: one, next } = await reader(Buffer.of(0));
    one.events.push(rstatr(1), rstatr(1));
    expect(await next()).toEqual(['fault reader-disconnected raised']);
    one.events.push(rstatr(0));
    expect(await next()).toEqual(['fault reader-disconnected restored']);
  });

  it('that reports nothing in a report ends no alarm', async () => {
    const { reader: one, next } = await reader(Buffer.of(0));
    one.events.push(lstatr(1, 1));
    expect(await next()).toEqual(['tamper raised', 'power raised']);
    one.events.push(lstatr(), rstatr());
    expect(await next()).toEqual([]);
  });
});

describe('what the disk refuses', () => {
  it('is asked for again until it is there, and the reader stays online meanwhile', async () => {
    let full = false;
    let local = Buffer.of(0, 0);
    const reader = foreignReader({ status: () => ({ local }) });
    const { clock, links, reports } = await virtualLine({
      readers: [reader],
      async store() {
        if (full) throw new Error('no space left');
        return { sequence: 1, id: 'x', repeated: false };
      },
    });
    await clock.until(links.next(), 5000);
    full = true;
    local = Buffer.of(1, 0);
    reader.events.push(lstatr(1, 0));
    await clock.advance(15_000);
    expect(links.rest()).toEqual([]);
    reports.rest();
    full = false;
    await clock.advance(2000);
    const told = reports.rest().filter(({ kind }) => kind === 'tamper');
    expect(told).toMatchObject([{ state: 'raised' }]);
    await clock.advance(5000);
    expect(reports.rest()).toEqual([]);
  });
});

describe('a reader that restarts', () => {
  const [LED, OUT, TEXT] = [0x69, 0x68, 0x6b];
  const told = (reader: ReturnType<typeof foreignReader>) =>
    reader.asked.filter(({ code }) => [LED, OUT, TEXT].includes(code)).map(({ code, data }) => [code, data]);
  const light = [LED, Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 4, 4])];
  const text = [TEXT, Buffer.from([0, 1, 0, 1, 1, 6, ...Buffer.from('CLOSED')])];
  const held = [OUT, Buffer.from([0, 2, 0, 0])];

  it.each<[string, (reader: ReturnType<typeof foreignReader>, line: { nak: boolean }) => void]>([
    ['says NAK 4 to the next number', (_reader, line) => Object.assign(line, { nak: true })],
    ['tells of its power', (reader) => void reader.events.push(lstatr(0, 1))],
    ['tells that all is well', (reader) => void reader.events.push(lstatr(0, 0))],
  ])('and %s has its light, its text and its outputs as they were', async (_name, restart) => {
    const state = { nak: false };
    const reader = foreignReader({
      before: ({ sequence }, { clear }) => {
        if (!state.nak || sequence === 0) state.nak = false;
        return state.nak ? clear(sequence, 0x41, Buffer.of(4)) : undefined;
      },
    });
    const outputs = [{ id: 'gate', kind: 'door', output: 0 }];
    const { clock, links, tell } = await virtualLine({ readers: [reader], more: { light: 'blue', outputs } });
    await clock.until(links.next(), 5000);
    expect(told(reader)).toContainEqual(light);
    for (const [action, wanted] of [
      ['show', { text: 'CLOSED' }],
      ['show', { text: 'WAIT', for: 3 }],
      ['hold', { output: 'gate' }],
    ] as const)
      await clock.until(tell(action, wanted) ?? Promise.reject());
    await clock.advance(20_000);
    reader.asked.length = 0;
    restart(reader, state);
    await clock.advance(2000);
    expect(told(reader)).toEqual([held, light, text]);
    await clock.until(tell('clear', {}) ?? Promise.reject());
    await clock.advance(20_000);
    reader.asked.length = 0;
    restart(reader, state);
    await clock.advance(2000);
    expect(told(reader)).toEqual([held, light]);
  });

  it('tells its card in the answer to whatever is asked first: it counts', async () => {
    let shown = false;
    const reader = foreignReader({
      before: ({ code, sequence }, { clear }) => {
        if (!shown || code !== TEXT) return undefined;
        shown = false;
        return clear(sequence, 0x50, Buffer.from([0, 0, 26, 0, 0x80, 0x80, 0x02, 0xc0]));
      },
    });
    const { clock, links, tell, reports } = await virtualLine({ readers: [reader] });
    await clock.until(links.next(), 5000);
    shown = true;
    expect(await clock.until(tell('show', { text: 'X' }) ?? Promise.reject())).toEqual({ done: true });
    expect(
      await clock.until(
        reports.find(({ kind }) => kind === 'credential'),
        1000,
      ),
    ).toMatchObject({
      credential: { facility: 1, number: '5' },
    });
  });
});
