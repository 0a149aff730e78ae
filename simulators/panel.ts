/**
 * An alarm panel that reports over SIA DC-09, TCP or UDP, plain or encrypted: one message at a time, each again
 * until it is acknowledged, supervision in between.
 */

import { systemClock } from '../drivers/contract/clock.ts';
import { type Dc09Frame, parseKey } from '../drivers/dc09/codec.ts';
import { readBytesOf, SECRET_FILE_MAX } from '../drivers/files.ts';
import { createPanelLine, type PanelLine } from './panel/line.ts';
import { createMessages, type PanelMessages } from './panel/messages.ts';
import { newsOf, onChange, type PanelNews } from './panel/news.ts';
import {
  type Action,
  actions,
  corrupter,
  garbage,
  milliseconds,
  number,
  type Simulator,
} from './simulator.ts';

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
  /** Called when something else comes of what it sends than before. */
  readonly news?: (news: PanelNews) => void;
}

export interface Panel extends Simulator {
  /** Sends one event's data; resolves when it is acknowledged. */
  report(data: string): Promise<void>;
}

/** DC-03 and Contact ID of what a panel does. */
export const panelWords = {
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
  medical: ['MA', '1100'],
  gas: ['GA', '1151'],
  arm: ['CL', '3401'],
  disarm: ['OP', '1401'],
  cancel: ['BC', '1406'],
} as const;
export type PanelWord = keyof typeof panelWords;

/** The key of a file as a gateway's `keyFile` has it. @throws Error with a sentence where it holds none. */
export function readKey(file: string): Uint8Array {
  const key = parseKey(readBytesOf(file, SECRET_FILE_MAX));
  if (key === undefined) throw new Error(`${file} holds no key: 16, 24 or 32 bytes, or the same as hex`);
  return key;
}

export function startPanel(options: PanelOptions): Panel {
  const { account, key, format = 'sia', supervision = 0, retry = 2000, firstSequence = 1 } = options;
  const { host, port, transport = 'tcp', acknowledged = () => {} } = options;
  const id = options.id ?? `panel ${account}`;
  const faults = corrupter();
  const news = onChange(options.news ?? (() => {}));
  const line = createPanelLine(
    { host, port, transport },
    {
      opened: () => messages.sendFirst(),
      frame(frame) {
        options.answered?.(frame);
        news(newsOf(frame));
        messages.onAnswer(frame);
      },
      lost: (reason) => news(reason === undefined ? { is: 'closed' } : { is: 'away', reason }),
    },
  );
  const messages = createMessages(
    { account, key, retry, firstSequence },
    {
      write: (bytes) => line.write(faults.pass(bytes)),
      acknowledged,
      unanswered: () => news({ is: 'unanswered' }),
    },
  );
  const report = (data: string) => messages.send(format === 'sia' ? 'SIA-DCS' : 'ADM-CID', data);
  const tell = (what: PanelWord, zone: number) => {
    const [sia, cid] = panelWords[what];
    const digits = String(zone).padStart(3, '0');
    return report(format === 'sia' ? `#${account}|Nri1/${sia}${zone}` : `#${account}|${cid} 01 ${digits}`);
  };

  const test =
    supervision > 0
      ? systemClock.every(supervision, () => void (messages.isIdle && messages.send('NULL', '')))
      : undefined;
  line.open();
  if (supervision > 0) void messages.send('NULL', '');

  return {
    id,
    report,
    undelivered: messages.undelivered,
    ...actions(id, {
      ...wordActions(tell),
      'send DATA': {
        help: 'send any data, e.g. #1234|Nri1/YC0',
        run: (...data) => void report(data.join(' ')),
      },
      ...troubleActions(line, messages, faults),
    }),
    async close() {
      test?.stop();
      messages.close();
      line.close();
    },
  };
}

/** What a panel tells. */
export function wordActions(
  tell: (what: PanelWord, zone: number) => Promise<void>,
): Readonly<Record<string, Action>> {
  const zoned = (what: PanelWord, help: string) => ({
    help,
    run: (zone: string) => void tell(what, number(zone, 0, 999)),
  });
  const byUser = (what: PanelWord, help: string) => ({
    help,
    run: (user = '1') => void tell(what, number(user, 0, 999)),
  });
  const plain = (what: PanelWord, help: string) => ({ help, run: () => void tell(what, 0) });
  return {
    'press ZONE': zoned('press', 'press the panic button of a zone'),
    'release ZONE': zoned('release', 'release it'),
    'trip ZONE': zoned('trip', 'trip a zone'),
    'restore ZONE': zoned('restore', 'restore it'),
    'bypass ZONE': zoned('bypass', 'bypass a zone'),
    'unbypass ZONE': zoned('unbypass', 'end the bypass'),
    'fire ZONE': zoned('fire', 'fire alarm'),
    'medical ZONE': zoned('medical', 'medical alarm'),
    'gas ZONE': zoned('gas', 'gas alarm'),
    tamper: plain('tamper', 'open the housing'),
    'tamper-restore': plain('tamper-restore', 'close it'),
    'mains-lost': plain('mains-lost', 'lose the mains'),
    'mains-back': plain('mains-back', 'get it back'),
    'battery-low': plain('battery-low', 'battery low'),
    'battery-ok': plain('battery-ok', 'battery good again'),
    'arm [USER]': byUser('arm', 'arm the area, as user 1 or another'),
    'disarm [USER]': byUser('disarm', 'disarm it'),
    'cancel [USER]': byUser('cancel', 'cancel the alarms of the area'),
  };
}

/** What goes wrong. */
const troubleActions = (
  line: PanelLine,
  messages: PanelMessages,
  faults: ReturnType<typeof corrupter>,
): Readonly<Record<string, Action>> => ({
  garbage: { help: 'send 64 random bytes', run: () => void line.write(garbage()) },
  'corrupt N': {
    help: 'flip a bit in every Nth frame; 0: stop',
    run: (n) => faults.every(number(n, 0, 1e6)),
  },
  'drift TIME': {
    help: 'set the clock wrong by 2h, -5m...; 0s: right',
    run: (time) => messages.drift(milliseconds(time)),
  },
  'silent TIME': { help: 'say nothing for a time', run: (time) => line.silence(milliseconds(time)) },
  cut: { help: 'cut the wire', run: line.cut },
  mend: { help: 'mend it', run: line.mend },
});
