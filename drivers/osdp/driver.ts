/**
 * OSDP readers (IEC 60839-11-5), the control panel's side: many readers on one RS-485 line.
 *
 * The line is asked one question at a time, the readers in turn. One that does not answer costs the others a timeout
 * now and then (it backs off alone), one that has much to tell no more than its turn. A frame that was not answered
 * is sent again under the same sequence, so that a card whose answer was lost on the line is told again by the reader
 * and counts once. A card is acknowledged by the next question with the next number, and that waits for the disk.
 */
import type { Clock } from '../contract/clock.ts';
import { defineDriver } from '../contract/driver.ts';
import { lineName } from '../line.ts';
import { readerCommands } from './data.ts';
import { openExchange } from './exchange.ts';
import { keyOf, type Reader, readerOptions, readKey } from './options.ts';
import { createReader, type LineReader, TURN_MS } from './reader.ts';

export const osdp = defineDriver({
  name: 'osdp',
  title: { en: 'OSDP card readers (RS-485)', zh: 'OSDP 读卡器（RS-485）' },
  options: readerOptions,
  line: ({ options: { connection } }) => lineName(connection),
  commands: ({ options: { outputs } }) => readerCommands(outputs),

  problems({ options: { keyFile, defaultKey } }) {
    if (keyFile === undefined) return [];
    if (defaultKey) return [{ path: ['defaultKey'], message: 'stands beside keyFile; keep one' }];
    try {
      readKey(keyFile);
      return [];
    } catch (error) {
      return [{ path: ['keyFile'], message: (error as Error).message }];
    }
  },

  async open(devices, host) {
    const [first] = devices as readonly [Reader, ...Reader[]];
    const stop = new AbortController();
    const keys = devices.map(keyOf);
    const { line, exchange } = await openExchange(first.options.connection, first.id, host);
    const readers = devices.map((reader, i) => createReader(reader, keys[i], exchange, host, stop.signal));
    const running = takeTurns(readers, host.clock, stop.signal);
    return {
      ended: Promise.race([line.ended, running.then(() => line.ended)]),
      async execute(command) {
        const reader = readers.find(({ id }) => id === command.device);
        if (reader === undefined) return { done: false, reason: `there is no reader ${command.device}` };
        return await reader.execute(command);
      },
      async close() {
        stop.abort();
        await running;
        for (const reader of readers) reader.close();
        await line.close();
      },
    };
  },
});

/** Who has waited longest is first. Resolves when the signal aborts. */
async function takeTurns(readers: readonly LineReader[], time: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const now = time.elapsed();
    for (const reader of readers) reader.checkSilence(now);
    const next = readers.reduce((a, b) => (a.turnAt(now) <= b.turnAt(now) ? a : b));
    const early = next.turnAt(now) - now;
    if (early <= 0) await next.takeTurn();
    else await time.wait(Math.max(1, Math.min(early, TURN_MS)), signal);
  }
}
