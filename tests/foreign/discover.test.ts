/** Discovery of devices that nobody here wrote: pymodbus and libmodbus on serial lines, python-zeroconf on the network. */
import { join } from 'node:path';
import { SerialPort } from 'serialport';
import { describe, expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { discoverAll } from '../../gateway/cli/discover/all.ts';
import type { DiscoverOptions } from '../../gateway/cli/discover/found.ts';
import { freePort } from '../helpers.ts';
import { need, ptyPair } from '../system/tools.ts';
import { conversation, needPython } from './peers.ts';

async function look(options: Partial<DiscoverOptions>, enough: number) {
  const stop = new AbortController();
  const notes: string[] = [];
  let count = 0;
  const found = await discoverAll(
    { ways: [], forMs: 300, clock: systemClock, signal: stop.signal, ...options },
    {
      found() {
        if (++count === enough) stop.abort();
      },
      progress() {},
      note: ({ en }) => void notes.push(en),
    },
  );
  return { devices: found.map(({ device }) => device), words: found.map(({ words }) => words.en), notes };
}

/** What each says of itself. */
const devices: readonly (readonly [string, string, (context: TestContext) => void])[] = [
  ['pymodbus', 'Modbus, Nobody F-2 1.4', (context) => needPython(context, 'pymodbus')],
  ['libmodbus', 'Modbus', (context) => need(context, 'mbpoll')],
];

describe.each(devices)('%s on a serial port', (name, is, needs) => {
  it('is found, with its rate and its unit', { timeout: 60_000 }, async (context) => {
    needs(context);
    need(context, 'socat');
    const { a, b } = await ptyPair();
    const script = join(import.meta.dirname, `${name}-device.py`);
    const tell = conversation('/usr/bin/python3', [script, 'serial', a]);
    await tell('holding 0 1');
    const { devices: found, words, notes } = await look({ ways: ['serial'], ports: [b], lastUnit: 3 }, 1);
    expect(words[0]?.split(';')[0]).toBe(is);
    const connection = { serial: b, baudRate: 9600 };
    expect([found, notes]).toEqual([
      [expect.objectContaining({ driver: 'modbus', connection, unit: 1, profile: 'io-8zone' })],
      [],
    ]);
    // serialport locks what it opens, as a gateway does.
    const port = new SerialPort({ path: b, baudRate: 9600, autoOpen: false });
    await new Promise<void>((resolve) => port.open(() => resolve()));
    const { notes: taken } = await look({ ways: ['serial'], ports: [b] }, 1);
    await new Promise<void>((resolve) => port.close(() => resolve()));
    expect(taken).toEqual([expect.stringContaining('another program has it, such as a gateway')]);
    // Who is on the line is seen by what he has open.
    const { notes: left } = await look({ ways: ['serial'], ports: [a] }, 1);
    expect(left).toEqual([expect.stringMatching(/left alone, python3.* has it open/)]);
  });
});

it('python-zeroconf’s cameras are found, the one with a stream alone too', async (context) => {
  needPython(context, 'zeroconf');
  const port = await freePort();
  const script = join(import.meta.dirname, 'announcing-camera.py');
  const tell = conversation('/usr/bin/python3', [script, String(port)]);
  expect(await tell('?')).toBe('ready');
  const { devices: found } = await look({ ways: ['mdns'], interface: 'lo', forMs: 2000 }, 2);
  expect(found).toEqual([
    expect.objectContaining({ name: 'Gate', host: '127.0.0.1', port }),
    expect.objectContaining({ name: 'Hall', host: '127.0.0.9' }),
  ]);
});
