/**
 * What every simulator is: a device that speaks its real protocol, and a few actions in words, which a technician
 * types, a scenario lists and a test calls.
 */
import { createServer, type Socket } from 'node:net';
import { SerialPort } from 'serialport';
import { parse } from 'yaml';
import { systemClock } from '../drivers/contract/clock.ts';
import { milliseconds, number } from './words.ts';

export { milliseconds, number };

/** A sentence in the language of who reads it: the command line has one. */
export type Say = (en: string, zh: string) => string;

export interface Refused {
  readonly count: number;
  /** Of HTTP, the last one. */
  readonly status: number;
}

export interface Simulator {
  readonly id: string;
  /** Action and its arguments -> what it does: `press ZONE` -> "press the panic button". */
  readonly help: Readonly<Record<string, string>>;
  /** Does one action, `press 9`. @throws Error with a sentence where it is not known. */
  do(action: string): Promise<void>;
  /** Of one that reports: how much of what it told nobody has taken. */
  undelivered?(): number;
  /** Of one that reports: what was heard and refused, and how it was put. undefined: nothing. */
  refused?(): Refused | undefined;
  /** Of one that is connected to: something it said went to nobody and is gone; or nobody has ever asked it. */
  unheard?(): 'gone' | 'unasked' | undefined;
  /** Of one that can be told to end: resolves when it was. */
  readonly ended?: Promise<void>;
  close(): Promise<void>;
}

export class PortTakenError extends Error {
  readonly code = 'E_PORT_TAKEN';
  constructor(host: string, port: number) {
    super(`port ${port} on ${host} is taken by another program`);
    this.name = 'PortTakenError';
  }
}

export type Action = { readonly help: string; readonly run: (...words: string[]) => void | Promise<void> };

/** Makes `help` and `do` of a table of actions, keyed by the action with its arguments' names. */
export function actions(id: string, table: Readonly<Record<string, Action>>): Pick<Simulator, 'help' | 'do'> {
  const byName = new Map(
    Object.entries(table).map(([usage, action]) => [usage.split(' ')[0], { usage, action }]),
  );
  return {
    help: Object.fromEntries(Object.entries(table).map(([usage, { help }]) => [usage, help])),
    async do(line) {
      const [name = '', ...words] = line.trim().split(/\s+/);
      const found = byName.get(name);
      if (found === undefined) {
        throw new Error(`${id} cannot "${name}"; it can: ${[...byName.keys()].join(', ')}`);
      }
      const needed = found.usage
        .split(' ')
        .slice(1)
        .filter((word) => !word.startsWith('['));
      if (words.length < needed.length) throw new Error(`${id}: ${found.usage}: ${found.action.help}`);
      await found.action.run(...words);
    },
  };
}

/** Calls once, after a time of any length; it does not keep the process alive. */
export function later(ms: number, run: () => void): void {
  const once = systemClock.every(ms, () => {
    once.stop();
    run();
  });
}

/** Bytes that are no protocol's. */
export const garbage = (length = 64) =>
  Buffer.from(Array.from({ length }, () => Math.floor(Math.random() * 256)));

/** Lets every nth frame go out with one bit flipped. */
export function corrupter() {
  let every = 0;
  let count = 0;
  return {
    every(n: number) {
      every = n;
    },
    pass(frame: Buffer): Buffer {
      count++;
      if (every === 0 || count % every !== 0) return frame;
      const broken = Buffer.from(frame);
      const at = broken.length >> 1;
      broken[at] = (broken[at] ?? 0) ^ 0x01;
      return broken;
    },
  };
}

// --- the device's end of a wire ---

export type WireEnd =
  | { readonly listen: { readonly host: string; readonly port: number } }
  | { readonly serial: string; readonly baudRate: number };

export interface Peer {
  write(bytes: Uint8Array): void;
}

export interface ServedWire {
  readonly peers: ReadonlySet<Peer>;
  /** Drops every connection and takes no new one until `mend`. A serial port only goes deaf and dumb. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/**
 * Serves a device on a TCP port (Modbus TCP, or as a serial server does) or on a serial port.
 * `connected` is called for each peer and returns what takes its bytes.
 */
export async function serveWire(
  end: WireEnd,
  connected: (peer: Peer) => (chunk: Buffer) => void,
): Promise<ServedWire> {
  const peers = new Set<Peer>();
  let isCut = false;
  if ('serial' in end) {
    const port = new SerialPort({ path: end.serial, baudRate: end.baudRate, autoOpen: false });
    await new Promise<void>((resolve, reject) =>
      port.open((error) => (error === null ? resolve() : reject(error))),
    );
    const peer: Peer = { write: (bytes) => !isCut && port.write(Buffer.from(bytes)) };
    peers.add(peer);
    const take = connected(peer);
    port.on('data', (chunk: Buffer) => !isCut && take(chunk));
    return {
      peers,
      cut: () => {
        isCut = true;
      },
      mend: () => {
        isCut = false;
      },
      close: () => new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve())),
    };
  }
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    if (isCut) return socket.destroy();
    const peer: Peer = {
      write: (bytes) => socket.writable && socket.write(bytes),
    };
    sockets.add(socket);
    peers.add(peer);
    socket.on('data', connected(peer));
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      peers.delete(peer);
    });
  });
  const { host, port } = end.listen;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortTakenError(host, port) : error),
    );
    server.listen({ host, port }, resolve);
  });
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    peers,
    cut() {
      isCut = true;
      drop();
    },
    mend() {
      isCut = false;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        drop();
      }),
  };
}

/** What can go wrong on the line of any simulator; `frame` is what it sends. */
export function lineFaults(
  wire: Awaited<ReturnType<typeof serveWire>>,
  faults: ReturnType<typeof corrupter>,
  frame: 'frame' | 'answer',
): Record<string, Action> {
  return {
    garbage: {
      help: 'send 64 random bytes',
      run: () => {
        for (const peer of wire.peers) peer.write(garbage());
      },
    },
    'corrupt N': {
      help: `flip a bit in every Nth ${frame}; 0: stop`,
      run: (n) => faults.every(number(n, 0, 1e6)),
    },
    cut: { help: 'cut the wire', run: () => wire.cut() },
    mend: { help: 'mend it', run: () => wire.mend() },
  };
}

// --- scenarios ---

export interface Scenario {
  readonly title: string;
  readonly steps: readonly { readonly after?: string; readonly device?: string; readonly do: string }[];
}

/** @throws Error with a sentence where the text is no scenario. */
export function parseScenario(text: string, name: string): Scenario {
  const scenario = parse(text, { logLevel: 'error' }) as Partial<Scenario> | null;
  const steps = scenario?.steps;
  if (!Array.isArray(steps) || steps.some((step) => typeof step?.do !== 'string')) {
    throw new Error(
      `${name}: a scenario is \`title\` and \`steps\`, each step \`do\`, with \`after\` and \`device\` where wanted`,
    );
  }
  for (const step of steps) if (step.after !== undefined) milliseconds(step.after);
  return { title: scenario?.title ?? name, steps };
}

/** Plays a scenario; a step without a device goes to the first one. */
export async function play(
  scenario: Scenario,
  simulators: readonly Simulator[],
  tell: (sentence: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (const step of scenario.steps) {
    if (step.after !== undefined)
      if ((await systemClock.wait(milliseconds(step.after), signal)) === 'stopped')
        throw new Error('the scenario was stopped');
    const simulator =
      step.device === undefined ? simulators[0] : simulators.find(({ id }) => id === step.device);
    if (simulator === undefined) throw new Error(`there is no simulated device ${step.device}`);
    tell(`${simulator.id}: ${step.do}`);
    await simulator.do(step.do);
  }
}
