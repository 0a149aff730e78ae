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
