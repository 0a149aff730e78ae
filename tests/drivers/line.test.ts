import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLine } from '../../drivers/line.ts';
import { manualClock } from '../clocks.ts';
import { tcpServer } from '../helpers.ts';

describe('a line behind a serial server', () => {
  it('is read no faster than a serial line speaks, and loses nothing of it', async () => {
    const { port, sockets } = await tcpServer();
    const clock = manualClock();
    const signal = new AbortController().signal;
    let heard = 0;
    let largest = 0;
    const line = await openLine(
      { serialServer: { host: '127.0.0.1', port } },
      { signal, clock },
      ({ length }) => {
        heard += length;
        largest = Math.max(largest, length);
      },
    );
    onTestFinished(() => line.close());
    const total = 1_000_000;
    (await sockets.next()).write(Buffer.alloc(total, 0x53));
    const settle = async () => {
      for (let before = -1, quiet = 0; quiet < 200; quiet = heard === before ? quiet + 1 : 0) {
        before = heard;
        await turn();
      }
    };
    await settle();
    // What may come at once, and the chunk that was on its way.
    expect(heard).toBeLessThanOrEqual(16_384 + largest);
    let seconds = 0;
    for (; heard < total && seconds < 100; seconds++) {
      const before = heard;
      await clock.advance(1000);
      await settle();
      expect(heard - before).toBeLessThanOrEqual(128_000 + 16_384 + largest);
    }
    expect(heard).toBe(total);
    expect(seconds).toBeGreaterThan(5);
  });
});
