/**
 * Looks for readers on a line of which nobody knows how they are set: everybody (127) at each rate first, then each address
 * at the rates where somebody said something. Each is asked in clear who it is, which a reader tells in every mode.
 */
import type { Host } from '../contract/driver.ts';
import type { LineConnection, openLine } from '../line.ts';
import { commands, type OsdpFrame, replies } from './codec.ts';
import { checksOf, idOf, knowsSecureChannel, type ReaderId } from './data.ts';
import { type Heard, openExchange } from './exchange.ts';

/** What COMSET sets readers to; 9600 is what they are delivered with. */
export const baudRates = [9600, 115_200, 38_400, 57_600, 19_200, 230_400] as const;
/** Whoever hears it answers; more than one answer at once, and none is read. */
const EVERYBODY = 127;
const ADDRESSES = Array.from({ length: EVERYBODY }, (_, address) => address);

export interface Found {
  readonly connection: LineConnection;
  /** 127: it answers to everybody's address alone. */
  readonly address: number;
  /** undefined: it did not tell. */
  readonly id: ReaderId | undefined;
  readonly checksum: boolean;
  readonly secureChannel: boolean;
}

export interface Looking {
  /** A serial port at each of these rates; a serial server at its own. */
  readonly connections: readonly LineConnection[];
  /** How long an answer may take to begin, ms. */
  readonly patience: number;
  /** Each address at each rate, whoever was heard. */
  readonly all: boolean;
  /** Where nobody answers to everybody's address, no address is asked: the line may be of others. */
  readonly onlyHeard?: boolean;
  readonly host: Pick<Host, 'clock' | 'signal'>;
  /** How a line is opened. */
  readonly open?: typeof openLine;
  readonly found: (reader: Found) => void;
  /** Called before each question: so many are still to come, as far as is known. */
  readonly asking: (left: number) => void;
}

/** Ends when the signal aborts. @throws LineError when the line cannot be had, or is gone. */
export async function findReaders(looking: Looking): Promise<void> {
  const { connections, all, host, asking } = looking;
  const heard = new Set<LineConnection>();
  let left = connections.length;
  const count = () => asking(left--);
  const everybody: Found[] = [];
  for (const connection of connections) {
    await onLine(looking, connection, async (ask) => {
      count();
      const reader = await meet(ask, connection, EVERYBODY);
      if (reader !== 'silence') heard.add(connection);
      if (typeof reader === 'object') everybody.push(reader);
    });
    if (host.signal.aborted) return;
  }
  const isSilent = heard.size === 0 && looking.onlyHeard !== true;
  const where = all || isSilent ? connections : [...heard];
  left = where.length * ADDRESSES.length;
  const met = new Set<LineConnection>();
  for (const connection of where)
    await onLine(looking, connection, async (ask) => {
      for (const address of ADDRESSES) {
        if (host.signal.aborted) return;
        count();
        const reader = await meet(ask, connection, address);
        if (typeof reader !== 'object') continue;
        met.add(connection);
        looking.found(reader);
      }
    });
  if (host.signal.aborted) return;
  for (const reader of everybody) if (!met.has(reader.connection)) looking.found(reader);
}

type Ask = (frame: OsdpFrame) => Promise<Heard>;

async function onLine(
  { host, patience, open }: Looking,
  connection: LineConnection,
  work: (ask: Ask) => Promise<void>,
) {
  const about = { device: 'line', host: { ...host, discarded() {} } };
  const { line, exchange } = await openExchange(connection, about, open);
  const ask: Ask = async (frame) => (host.signal.aborted ? 'silence' : await exchange(frame, patience));
  try {
    await work(ask);
  } finally {
    await line.close();
  }
}

/** Who answers to an address. `torn`: more than one, or one that cannot be read. */
async function meet(
  ask: Ask,
  connection: LineConnection,
  asked: number,
): Promise<Found | 'silence' | 'torn'> {
  let sequence = 0;
  let crc = true;
  const question = (code: number, ...data: number[]): Promise<Heard> =>
    ask({ address: asked, reply: false, sequence, crc, code, data: Buffer.from(data) });
  let got = await question(commands.ID, 0);
  if (typeof got === 'string' || got.code === replies.NAK) {
    const first = got;
    // A reader that knows the checksum alone says NAK 1, or nothing; one in use says who it is only after a poll (libosdp#77).
    crc = false;
    const polled = await question(commands.POLL);
    if (typeof polled === 'string' && typeof first === 'string') return first === 'torn' ? first : polled;
    sequence = 1;
    const again = typeof polled === 'string' ? polled : await question(commands.ID, 0);
    got = typeof again === 'string' ? first : again;
  }
  if (typeof got === 'string') return 'torn';
  sequence++;
  const abilities = await question(commands.CAP, 0);
  const told = typeof abilities === 'object' && abilities.code === replies.PDCAP ? abilities.data : undefined;
  return {
    connection,
    address: got.address,
    id: got.code === replies.PDID ? idOf(got.data) : undefined,
    checksum: told === undefined ? !crc : checksOf(told) === 0,
    secureChannel: told !== undefined && knowsSecureChannel(told),
  };
}
