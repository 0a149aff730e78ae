/**
 * An alarm panel that reports over SIA DC-09, TCP or UDP, plain or encrypted: one message at a time, each again
 * until it is acknowledged, supervision in between.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import {
  type Dc09Frame,
  type Dc09Message,
  dc09Decoder,
  encodeDc09,
  parseKey,
} from '../drivers/dc09/codec.ts';
import { actions, corrupter, garbage, milliseconds, number, type Simulator } from './simulator.ts';

export interface PanelOptions {
  readonly id?: string;
  readonly host: string;
  readonly port: number;
  readonly transport?: 'tcp' | 'udp';
  readonly account: string;
  readonly key?: Uint8Array;
  /** `sia`: SIA-DCS with DC-03; `cid`: ADM-CID. */
  readonly format?: 'sia' | 'cid';
  /** Between link tests, ms; 0: none. */
  readonly supervision?: number;
  /** How long to wait for an answer before sending again, ms. */
  readonly retry?: number;
  /** The number of the first message. */
  readonly firstSequence?: number;
  /** Called for each event that was acknowledged. */
  readonly acknowledged?: (event: { sequence: number; data: string }) => void;
  readonly answered?: (frame: Dc09Frame) => void;
}

export interface Panel extends Simulator {
  /** Sends one event's data; resolves when it is acknowledged. */
  report(data: string): Promise<void>;
}

interface Waiting {
  readonly message: Omit<Dc09Message, 'timestamp'>;
  readonly timestamp: number;
  readonly done: () => void;
}

const RECONNECT_MS = 100;
const MAX_SEQUENCE = 9999;
/** DC-03 and Contact ID of what a panel does. */
const words = {
  press: ['PA', '1120'],
  release: ['PR', '3120'],
  trip: ['BA', '1131'],
  restore: ['BR', '3131'],
  bypass: ['BB', '1570'],
  unbypass: ['BU', '3570'],
  fire: ['FA', '1110'],
  tamper: ['TA', '1137'],
  'tamper-restore': ['TR', '3137'],
  'mains-lost': ['AT', '1301'],
  'mains-back': ['AR', '3301'],
  'battery-low': ['YT', '1302'],
  'battery-ok': ['YR', '3302'],
  arm: ['CL', '3401'],
  disarm: ['OP', '1401'],
} as const;

/** The key of a file as a gateway's `keyFile` has it. @throws Error with a sentence where it holds none. */
export function readKey(file: string): Uint8Array {
  const key = parseKey(readFileSync(file));
  if (key === undefined) throw new Error(`${file} holds no key: 16, 24 or 32 bytes, or the same as hex`);
  return key;
}

export function startPanel(options: PanelOptions): Panel {
  const {
    host,
    port,
    transport = 'tcp',
    account,
    key,
    format = 'sia',
    supervision = 0,
    retry = 2000,
  } = options;
  const id = options.id ?? `panel ${account}`;
  const faults = corrupter();
  const queue: Waiting[] = [];
  let sequence = (options.firstSequence ?? 1) - 1;
  let drift = 0;
  let mute = false;
  let cut = false;
  let closed = false;
  let socket: Socket | undefined;
  let udp: UdpSocket | undefined;
  let retryTimer: NodeJS.Timeout | undefined;

  const now = () => Date.now() + drift;
  const take = (frame: Dc09Frame) => {
    options.answered?.(frame);
    const first = queue[0];
    // An encrypted NAK says the time: the panel sets its clock and sends again.
    if (frame.id === 'NAK' && frame.timestamp !== undefined) {
      drift = frame.timestamp - Date.now();
      return sendFirst();
    }
    if (first === undefined || frame.id !== 'ACK' || frame.sequence !== first.message.sequence) return;
    queue.shift();
    clearTimeout(retryTimer);
    if (first.message.id !== 'NULL')
      options.acknowledged?.({ sequence: frame.sequence, data: first.message.data ?? '' });
    first.done();
    sendFirst();
  };
  const listenTo =
    (decoder = dc09Decoder()) =>
    (chunk: Uint8Array) => {
      for (const one of decoder.push(chunk)) if ('frame' in one) take(one.frame);
    };

  const open = () => {
    if (closed || cut) return;
    if (transport === 'udp') {
      udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      udp.on('message', (datagram) => listenTo()(datagram));
      udp.on('error', () => {});
      return sendFirst();
    }
    const own = connect({ host, port, noDelay: true });
    socket = own;
    own.on('connect', sendFirst);
    own.on('data', listenTo());
    own.on('error', () => {});
    own.on('close', () => {
      if (socket !== own) return;
      socket = undefined;
      setTimeout(open, RECONNECT_MS);
    });
  };

  const write = (bytes: Buffer) => {
    if (mute || cut) return;
    if (transport === 'udp') udp?.send(bytes, port, host, () => {});
    else if (socket?.readyState === 'open') socket.write(bytes);
  };

  function sendFirst() {
    clearTimeout(retryTimer);
    const first = queue[0];
    if (first === undefined || closed) return;
    // A plain message keeps the time of its event; an encrypted one must be stamped anew, or it is refused.
    const timestamp = key === undefined ? first.timestamp : now();
    write(faults.pass(encodeDc09({ ...first.message, timestamp }, key)));
    retryTimer = setTimeout(sendFirst, retry);
  }

  const send = (messageId: string, data: string): Promise<void> =>
    new Promise((resolve) => {
      sequence = (sequence % MAX_SEQUENCE) + 1;
      const message = { id: messageId, sequence, receiver: '1', prefix: '0', account, data };
      queue.push({ message, timestamp: now(), done: resolve });
      if (queue.length === 1) sendFirst();
    });
  const report = (data: string) => send(format === 'sia' ? 'SIA-DCS' : 'ADM-CID', data);
  const tell = (what: keyof typeof words, zone: number) => {
    const [sia, cid] = words[what];
    const digits = String(zone).padStart(3, '0');
    return report(format === 'sia' ? `#${account}|Nri1/${sia}${zone}` : `#${account}|${cid} 01 ${digits}`);
  };
  const zoned = (what: keyof typeof words, help: string) => ({
    help,
    run: (zone: string) => void tell(what, number(zone, 0, 999)),
  });
  const plain = (what: keyof typeof words, help: string) => ({ help, run: () => void tell(what, 0) });

  const test =
    supervision > 0 ? setInterval(() => queue.length === 0 && send('NULL', ''), supervision) : undefined;
  open();
  if (supervision > 0) void send('NULL', '');

  return {
    id,
    report,
    ...actions(id, {
      'press ZONE': zoned('press', 'press the panic button of a zone'),
      'release ZONE': zoned('release', 'release it'),
      'trip ZONE': zoned('trip', 'trip a zone'),
      'restore ZONE': zoned('restore', 'restore it'),
      'bypass ZONE': zoned('bypass', 'bypass a zone'),
      'unbypass ZONE': zoned('unbypass', 'end the bypass'),
      'fire ZONE': zoned('fire', 'fire alarm'),
      tamper: plain('tamper', 'open the housing'),
      'tamper-restore': plain('tamper-restore', 'close it'),
      'mains-lost': plain('mains-lost', 'lose the mains'),
      'mains-back': plain('mains-back', 'get it back'),
      'battery-low': plain('battery-low', 'battery low'),
      'battery-ok': plain('battery-ok', 'battery good again'),
      arm: plain('arm', 'arm the area'),
      disarm: plain('disarm', 'disarm it'),
      'send DATA': {
        help: 'send any data, e.g. #1234|Nri1/YC0',
        run: (...data) => void report(data.join(' ')),
      },
      garbage: { help: 'send 64 random bytes', run: () => write(garbage()) },
      'corrupt N': {
        help: 'flip a bit in every Nth frame; 0: stop',
        run: (n) => faults.every(number(n, 0, 1e6)),
      },
      'drift TIME': {
        help: 'set the clock wrong by 2h, -5m...; 0s: right',
        run: (time) => {
          drift = milliseconds(time);
        },
      },
      'silent TIME': {
        help: 'say nothing for a time',
        run: (time) => {
          mute = true;
          setTimeout(() => {
            mute = false;
          }, milliseconds(time)).unref();
        },
      },
      cut: {
        help: 'cut the wire',
        run: () => {
          cut = true;
          socket?.destroy();
          udp?.close();
          udp = undefined;
        },
      },
      mend: {
        help: 'mend it',
        run: () => {
          if (!cut) return;
          cut = false;
          open();
        },
      },
    }),
    async close() {
      closed = true;
      clearInterval(test);
      clearTimeout(retryTimer);
      const own = socket;
      socket = undefined;
      own?.destroy();
      udp?.close();
      udp = undefined;
    },
  };
}
