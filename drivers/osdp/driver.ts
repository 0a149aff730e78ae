/**
 * OSDP readers (IEC 60839-11-5), the control panel's side: many readers on one RS-485 line.
 *
 * The line is asked one question at a time, the readers in turn (`turns.ts`). One that does not answer costs the others a
 * timeout now and then, one that has much to tell, is busy or is greeted no more than its turn. A frame that was not
 * answered is sent again under the same sequence, so that a card whose answer was lost on the line is told again by the
 * reader and counts once. A card is acknowledged by the next question with the next number, and that waits for the disk.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Clash, defineDriver, type Host, type Problem, type Session } from '../contract/driver.ts';
import { repeatedOutputs, repeatedZones } from '../contract/options.ts';
import { lineName, openLine, settingClashes } from '../line.ts';
import { readerCommands } from './data.ts';
import { openExchange } from './exchange.ts';
import { keyOf, type Reader, readerOptions, readKey } from './options.ts';
import { createReader } from './reader.ts';
import { createTurns, type Turns } from './turns.ts';

export const osdp = defineDriver({
  name: 'osdp',
  title: { en: 'OSDP card readers (RS-485)', zh: 'OSDP 读卡器（RS-485）' },
  options: readerOptions,
  madeBy: {
    keyFile: {
      en: '`campus-gateway osdp provision CONFIG` makes it and gives it to the reader',
      zh: '`campus-gateway osdp provision 配置` 会生成密钥并写入读卡器',
    },
  },
  line: ({ options: { connection } }) => lineName(connection),
  commands: ({ options: { outputs } }) => readerCommands(outputs),

  problems: ({ options }) => [
    ...inputProblems(options.inputs),
    ...repeatedOutputs('outputs', 'output', options.outputs),
    ...keyProblems(options),
  ],
  clashes: (devices) => [...settingClashes(devices), ...addressClashes(devices)],

  explain: () => ({ module: new URL('./explain.ts', import.meta.url).href, name: 'explain' }),
  open: (devices, host) => openReaders(devices as readonly [Reader, ...Reader[]], host),
});

const EVERYBODY = 127;

function keyProblems({ keyFile, defaultKey }: Reader['options']): Problem[] {
  if (keyFile === undefined) return [];
  if (defaultKey) return [{ path: ['defaultKey'], message: 'stands beside keyFile; keep one' }];
  try {
    readKey(keyFile);
    return [];
  } catch (error) {
    return [{ path: ['keyFile'], message: (error as Error).message }];
  }
}

function inputProblems(inputs: Reader['options']['inputs']): Problem[] {
  const twice = inputs.flatMap(({ input }, i) =>
    inputs.findIndex((other) => other.input === input) < i
      ? [{ path: ['inputs', i, 'input'], message: `input ${input} stands here twice; keep one` }]
      : [],
  );
  return [...twice, ...repeatedZones(['inputs'], inputs)];
}

/** Two readers that answer one question at once are both not understood. */
function addressClashes(devices: readonly Reader[]): readonly Clash[] {
  const path = ['address'];
  return devices.flatMap(({ id: device, options: { address } }, i): Clash[] => {
    if (address === EVERYBODY && devices.length > 1)
      return [
        {
          device,
          path,
          en: `${EVERYBODY} is everybody, and ${devices.length} readers are on this line: all would answer at once. Write its own address`,
          zh: `${EVERYBODY} 为广播地址，而此线路上有 ${devices.length} 台读卡器：会同时应答。请写明其自身地址`,
        },
      ];
    const first = devices.slice(0, i).find(({ options }) => options.address === address);
    if (first === undefined) return [];
    return [
      {
        device,
        path,
        en: `${first.id} has address ${address} on the same line: both would answer at once. Give one of them another, alone on the line, with campus-gateway osdp set-line`,
        zh: `${first.id} 在同一线路上地址也是 ${address}：会同时应答。请将其中一台单独接线，用 campus-gateway osdp set-line 改地址`,
      },
    ];
  });
}

/** `open`: how the line is opened. */
export async function openReaders(
  devices: readonly [Reader, ...Reader[]],
  host: Host,
  open: typeof openLine = openLine,
): Promise<Session> {
  const [first] = devices;
  const everybody = devices.find(({ options }) => options.address === EVERYBODY);
  if (everybody !== undefined && devices.length > 1)
    host.log.warn({ device: everybody.id }, 'address 127 is everybody: readers answer it all at once');
  const stop = new AbortController();
  const keys = devices.map(keyOf);
  const turns = createTurns(host.clock, stop.signal);
  const about = { device: first.id, host, late: turns.late };
  const { line, exchange } = await openExchange(first.options.connection, about, open);
  const readers = createReaders(turns, host, stop.signal);
  readers.add(devices, keys);
  const serving = turns.serve(exchange);
  return {
    ended: Promise.race([line.ended, serving.then(() => line.ended)]),
    async execute(command) {
      const reader = readers.find(command.device);
      if (reader === undefined) return { done: false, reason: `there is no reader ${command.device}` };
      return await reader.execute(command);
    },
    async configure(next) {
      const wanted = next as readonly Reader[];
      if (!isDeepStrictEqual(wanted[0]?.options.connection, first.options.connection))
        throw new Error('it is another connection');
      const keysNow = wanted.map(keyOf);
      await readers.keep(wanted);
      readers.add(wanted, keysNow);
    },
    async close() {
      stop.abort();
      await serving;
      await readers.keep([]);
      await line.close();
    },
  };
}

/** The readers of an open line. */
function createReaders(turns: Turns, host: Host, signal: AbortSignal) {
  const all = new Map<
    Reader,
    {
      readonly reader: ReturnType<typeof createReader>;
      readonly stop: AbortController;
      readonly running: Promise<void>;
    }
  >();
  return {
    find: (id: string) => [...all.values()].find(({ reader }) => reader.id === id)?.reader,
    /** Those that are not there yet. */
    add(devices: readonly Reader[], keys: readonly (Buffer | undefined)[]) {
      for (const [i, device] of devices.entries()) {
        if (all.has(device)) continue;
        const stop = new AbortController();
        const reader = createReader(device, keys[i], turns, host, AbortSignal.any([signal, stop.signal]));
        all.set(device, { reader, stop, running: reader.run() });
      }
    },
    /** Ends those that are not among them. */
    async keep(devices: readonly Reader[]) {
      const ending = [...all].filter(([device]) => !devices.includes(device));
      for (const [device, { stop }] of ending) {
        all.delete(device);
        stop.abort();
      }
      await Promise.all(ending.map(([, { running }]) => running));
      for (const [, { reader }] of ending) reader.close();
    },
  };
}
