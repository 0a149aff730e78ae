/**
 * An alarm receiver behind which panels are: Sur-Gard MLR2 or System III, or Ademco 685. It says one line at a time, each
 * again until it is acknowledged: four times, and then once a heartbeat was answered; and a heartbeat in between.
 */
import { connect, type Socket } from 'node:net';
import { systemClock, type Timer } from '../drivers/contract/clock.ts';
import { ACK, ASK_685, NAK } from '../drivers/receiver/codec.ts';
import type { ReceiverProtocol } from './kinds.ts';
import { type PanelWord, panelWords, wordActions } from './panel.ts';
import {
  actions,
  corrupter,
  lineFaults,
  number,
  type Peer,
  type ServedWire,
  type Simulator,
  serveWire,
  type WireEnd,
} from './simulator.ts';

export interface ReceiverOptions {
  readonly id?: string;
  /** Where it is connected to, or connects to. */
  readonly end: WireEnd | { readonly dial: { readonly host: string; readonly port: number } };
  readonly account: string;
  readonly protocol?: ReceiverProtocol;
  readonly format?: 'sia' | 'cid';
  /** Between heartbeats, ms; 0: none. */
  readonly heartbeat?: number;
  /** How long to wait for an answer before saying it again, ms. */
  readonly retry?: number;
  /** Called for each line that was acknowledged. */
  readonly acknowledged?: (line: string) => void;
}

const RETRY_MS = 4000;
const TRIES = 4;
const RECONNECT_MS = 100;

export async function startReceiver(options: ReceiverOptions): Promise<Simulator> {
  const { id = 'receiver', end, protocol = 'mlr2', format = 'cid', heartbeat = 30_000 } = options;
  const { retry = RETRY_MS, acknowledged = () => {} } = options;
  const faults = corrupter();
  let account = options.account;
  let ignored = 0;

  const take = (chunk: Buffer) => {
    for (const byte of chunk) {
      if (byte === ASK_685[0] && protocol === 'ademco-685') write(frame[protocol]('00 OKAY @'));
      else if (byte === ACK[0] && ignored > 0) ignored--;
      else if (byte === ACK[0]) lines.answered(true);
      else if (byte === NAK[0]) lines.answered(false);
    }
  };
  let wire: Awaited<ReturnType<typeof serveWire>> | undefined;
  /** A serial port is there before its wire is made. */
  const first = new Set<Peer>();
  const connected = (peer: Peer): ((chunk: Buffer) => void) => {
    if (wire === undefined) first.add(peer);
    lines.again();
    return take;
  };
  const lines = createLines(
    { retry, heartbeat, beat: heartbeats[protocol] },
    (line) => write(frame[protocol](line)),
    acknowledged,
  );
  const write = (bytes: Buffer) => {
    for (const peer of wire?.peers ?? first) peer.write(faults.pass(bytes));
  };
  const made = 'dial' in end ? dialWire(end.dial, connected) : await serveWire(end, connected);
  wire = made;
  const say = (line: string) => lines.say(line);
  const tell = async (word: PanelWord, zone: number) => {
    const [sia, cid] = panelWords[word];
    say(lineOf[protocol](account, format, sia, cid, zone));
  };
  const own = (code: 'LT' | 'LR', line: string) => say(ownLine[protocol](code, number(line, 1, 9)));
  return {
    id,
    undelivered: lines.waiting,
    ...actions(id, {
      ...wordActions(tell),
      'account NUMBER': {
        help: 'speak for another panel from now on',
        run: (name) => {
          account = name;
        },
      },
      'line-fault N': { help: 'lose a telephone line of its own', run: (n) => own('LT', n) },
      'line-restore N': { help: 'get it back', run: (n) => own('LR', n) },
      'send LINE': {
        help: 'say any line, e.g. 5011 181234E13001003',
        run: (...words) => say(words.join(' ')),
      },
      'lose-ack': {
        help: 'miss the next acknowledgement, and so say the line again',
        run: () => {
          ignored++;
        },
      },
      ...lineFaults(made, faults, 'frame'),
    }),
    async close() {
      lines.close();
      await made.close();
    },
  };
}

const surGardFrame = (line: string) => Buffer.from(`${line}\x14`);
const frame: Readonly<Record<ReceiverProtocol, (line: string) => Buffer>> = {
  mlr2: surGardFrame,
  'system-iii': surGardFrame,
  'ademco-685': (line) => Buffer.from(`\n${line}\r`),
};
/** A 685 has none. */
const heartbeats: Readonly<Record<ReceiverProtocol, string | undefined>> = {
  mlr2: '1011           @    ',
  'system-iii': '101000           @    ',
  'ademco-685': undefined,
};

type LineOf = (account: string, format: 'sia' | 'cid', sia: string, cid: string, zone: number) => string;
const three = (zone: number) => String(zone).padStart(3, '0');
const letter = (cid: string) => (cid.startsWith('1') ? 'E' : 'R') + cid.slice(1);
const surGardLine =
  (head: string): LineOf =>
  (account, format, sia, cid, zone) =>
    format === 'sia'
      ? `S${head}[#${account}|Nri1/${sia}${zone}]`
      : `5${head} 18${account}${letter(cid)}01${three(zone)}`;
const lineOf: Readonly<Record<ReceiverProtocol, LineOf>> = {
  mlr2: surGardLine('011'),
  'system-iii': surGardLine('01001'),
  'ademco-685': (account, _format, _sia, cid, zone) =>
    `11 ${account} 18 ${letter(cid)} 01 ${cid[1] === '4' ? 'U' : 'C'}${three(zone)} `,
};
type OwnLine = (code: 'LT' | 'LR', line: number) => string;
const ownLine: Readonly<Record<ReceiverProtocol, OwnLine>> = {
  mlr2: (code, line) => `0010[#0000|N${code}0${line}]`,
  'system-iii': (code, line) => `001000[#0000|N${code}0${line}]`,
  'ademco-685': (code, line) => {
    const channels = '5'.repeat(line - 1) + (code === 'LT' ? '1' : '3') + '5'.repeat(8);
    return `10 LINE ${channels.slice(0, 4)} ${channels.slice(4, 8)} 7`;
  },
};

/** What is to be said, one at a time. */
function createLines(
  { retry, heartbeat, beat }: { retry: number; heartbeat: number; beat: string | undefined },
  write: (line: string) => void,
  acknowledged: (line: string) => void,
) {
  const queue: string[] = [];
  let tries = 0;
  let waiting: Timer | undefined;
  let beating = false;
  const sayFirst = () => {
    waiting?.stop();
    const [first] = queue;
    if (first === undefined || beating || tries >= TRIES) return;
    tries++;
    write(first);
    waiting = systemClock.after(retry, sayFirst);
  };
  const sayBeat = () => {
    // Heard from again, it goes on with what it gave up.
    if (beat === undefined || heartbeat === 0 || (queue.length > 0 && tries < TRIES)) return;
    beating = true;
    write(beat);
  };
  const beats = heartbeat > 0 && beat !== undefined ? systemClock.every(heartbeat, sayBeat) : undefined;
  return {
    /** What was said and not acknowledged. */
    waiting: () => queue.length,
    say(line: string) {
      queue.push(line);
      if (queue.length === 1) sayFirst();
    },
    /** The wire is there anew. */
    again() {
      beating = false;
      tries = 0;
      if (queue.length > 0) sayFirst();
      else sayBeat();
    },
    answered(taken: boolean) {
      if (beating) {
        beating = !taken;
        tries = 0;
        return sayFirst();
      }
      if (!taken) return sayFirst();
      const line = queue.shift();
      tries = 0;
      if (line !== undefined) acknowledged(line);
      sayFirst();
    },
    close() {
      beats?.stop();
      waiting?.stop();
      queue.length = 0;
    },
  };
}

/** A connection that is made again whenever it is lost. */
function dialWire(
  to: { readonly host: string; readonly port: number },
  connected: (peer: Peer) => (chunk: Buffer) => void,
): ServedWire {
  const peers = new Set<Peer>();
  let socket: Socket | undefined;
  let isCut = false;
  let isClosed = false;
  const dial = () => {
    if (isCut || isClosed) return;
    const own = connect({ ...to, noDelay: true });
    socket = own;
    const peer: Peer = { write: (bytes) => own.writable && own.write(bytes) };
    own.on('connect', () => {
      peers.add(peer);
      own.on('data', connected(peer));
    });
    own.on('error', () => {});
    own.on('close', () => {
      peers.delete(peer);
      if (socket === own) systemClock.after(RECONNECT_MS, dial);
    });
  };
  const drop = () => {
    const own = socket;
    socket = undefined;
    own?.destroy();
  };
  dial();
  return {
    peers,
    cut() {
      isCut = true;
      drop();
    },
    mend() {
      if (!isCut) return;
      isCut = false;
      dial();
    },
    async close() {
      isClosed = true;
      drop();
    },
  };
}
