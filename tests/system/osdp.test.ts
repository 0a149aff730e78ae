/** Eight OSDP readers on one pair of ptys, as on a serial line, with noise on it. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { osdp } from '../../drivers/osdp/driver.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import { quantile } from '../bench/parts.ts';
import { fakeHost } from '../helpers.ts';
import { need, ptyPair } from './tools.ts';

const READERS = 8;
const PEACE_MS = 5000;
const NOISY_MS = Number(process.env['NOISY_MS'] ?? 20_000);

describe('eight readers on a serial line', { timeout: NOISY_MS + 70_000 }, () => {
  it('are polled fairly, and tell every card through noise, each by itself', async (context) => {
    need(context, 'socat');
    const { a, b } = await ptyPair();
    const addresses = Array.from({ length: READERS }, (_, i) => i);
    const asked = new Map<string, number>();
    const simulators = await startOsdpReaders({
      asked: (id) => asked.set(id, (asked.get(id) ?? 0) + 1),
      end: { serial: b, baudRate: 9600 },
      // They have the key that everybody knows; half of them are asked to use it.
      readers: addresses.map((address) => ({ id: `r${address}`, address })),
    });
    onTestFinished(() => simulators[0]?.close());
    const { host, reports, links, discards } = fakeHost();
    const session = await osdp.open(
      addresses.map((address) => ({
        id: `r${address}`,
        driver: 'osdp',
        options: osdp.options.parse({ connection: { serial: a }, address, defaultKey: address % 2 === 1 }),
      })),
      host,
    );
    onTestFinished(() => session.close());
    for (const _ of addresses) expect(await links.next()).toMatchObject({ state: 'online' });

    // In peace: how often each is asked, and how long from a card to its event.
    asked.clear();
    await delay(PEACE_MS);
    const rates = [...asked.values()].map((count) => count / (PEACE_MS / 1000));
    expect(rates).toHaveLength(READERS);
    process.stdout.write(
      `8 readers: each is asked ${Math.min(...rates).toFixed(1)} to ${Math.max(...rates).toFixed(1)} times a second\n`,
    );
    // Fair: none is asked half as often as another.
    expect(Math.max(...rates)).toBeLessThan(2 * Math.min(...rates));
    const ages: number[] = [];
    for (let i = 0; i < 80; i++) {
      const started = performance.now();
      await simulators[i % READERS]?.do(`card ${i}`);
      await reports.find(({ kind }) => kind === 'credential');
      ages.push(performance.now() - started);
    }
    process.stdout.write(
      `8 readers: card to event p50 ${quantile(ages, 0.5).toFixed(0)} ms, p99 ${quantile(ages, 0.99).toFixed(0)} ms\n`,
    );

    // With noise: flipped bits, random bytes, and answers that never come.
    const end = performance.now() + NOISY_MS;
    await simulators[0]?.do('corrupt 7');
    const shown: number[] = [];
    for (let i = 0; performance.now() < end; i++) {
      const number = 1000 + i;
      shown.push(number);
      await simulators[i % READERS]?.do(`card ${number}`);
      if (i % 5 === 0) await simulators[0]?.do('garbage');
      await delay(40);
    }
    await simulators[0]?.do('corrupt 0');
    // A card whose answer was lost three times may be told again: the journal knows it by its key.
    const told = new Map<string | undefined, number>();
    while (told.size < shown.length) {
      const { credential, repeat } = await reports.find(({ kind }) => kind === 'credential');
      told.set(repeat?.key, Number(credential?.number));
    }
    process.stdout.write(
      `noise for ${NOISY_MS / 1000} s: ${shown.length} cards shown, ${told.size} told, ${discards.rest().length} times noise was discarded\n`,
    );
    expect([...told.values()].toSorted((x, y) => x - y)).toEqual(shown);
    // Nobody was given up.
    expect(links.rest()).toEqual([]);
  });
});
