/**
 * Alarm receivers of others: Sur-Gard and what speaks like them, Ademco 685. They take the calls of many panels and hand
 * each event on as a line, over a serial line, to a port of theirs or to one of ours.
 *
 * The rule of this file: an ACK leaves only after the event is on disk.
 */
import { isDeepStrictEqual } from 'node:util';
import { isAcceptError, turnedReason } from '../connections.ts';
import type { Timer } from '../contract/clock.ts';
import { type Device, defineDriver, type Host, LineError, type Session } from '../contract/driver.ts';
import { accountClashes, isLoopback, repeatedZones } from '../contract/options.ts';
import { lineName, openLine, settingClashes } from '../line.ts';
import { createAccounts } from './accounts.ts';
import { receiverDecoder } from './codec.ts';
import { type Conversation, converse, type Peer } from './conversation.ts';
import { listenForReceivers, TORN_AFTER_MS } from './listen.ts';
import { type Memory, newMemory, newWire, type Wire } from './memory.ts';
import { createObserver } from './observe.ts';
import { accountKey, type Options, options } from './options.ts';

const SUPERVISION_TICK_MS = 250;
/** Answers that the other end of a wire does not read. */
const MAX_UNREAD = 1024;
/** Addresses that somebody connected from, and what was said there last. */
const MAX_ADDRESSES = 256;

export const receiver = defineDriver({
  name: 'receiver',
  title: { en: 'Alarm receivers: Sur-Gard MLR2, Ademco 685', zh: '接警机（Sur-Gard MLR2、安定宝 685）' },
  options,
  line: ({ options: { connection, listen } }) =>
    connection === undefined ? `receiver ${listen?.host}:${listen?.port}` : lineName(connection),

  problems({ options: { connection, listen, accounts } }) {
    const twice = accounts.flatMap(({ account }, index) =>
      accounts.findIndex((other) => accountKey(other.account) === accountKey(account)) < index
        ? [{ path: ['accounts', index, 'account'], message: `account ${account} stands here twice` }]
        : [],
    );
    const zones = accounts.flatMap((one, i) => repeatedZones(['accounts', i, 'zones'], one.zones));
    if ((connection === undefined) !== (listen === undefined)) return [...twice, ...zones];
    const message =
      connection === undefined
        ? 'where is the receiver? `connection`, where the gateway opens the line, or `listen`, where it connects to'
        : '`connection` or `listen`, not both';
    return [{ path: [connection === undefined ? 'driver' : 'listen'], message }, ...twice, ...zones];
  },

  clashes: (devices) => [
    ...settingClashes(
      devices.flatMap(({ options: { connection }, ...device }) =>
        connection === undefined ? [] : { ...device, options: { connection } },
      ),
    ),
    ...accountClashes(devices, accountKey),
  ],

  warnings({ options: { listen } }) {
    if (listen === undefined || isLoopback(listen.host)) return [];
    const path = ['listen', 'host'];
    return [
      listen.from === undefined
        ? {
            path,
            en: 'anybody who reaches this port can report for every account, in clear text: say in `from` where the receivers are',
            zh: '任何能访问该端口的人都可以以任一账号明文上报：请用 `from` 限定接警机地址',
          }
        : {
            path,
            en: 'receivers report in clear text: who is on the way can read and forge it. Keep them in a network of their own',
            zh: '接警机以明文上报：途经的人可以读取和伪造。请将其置于独立网络中',
          },
    ];
  },

  listens: ({ options: { listen } }) =>
    listen === undefined ? [] : [{ path: ['listen', 'port'], ...listen, over: ['tcp'] }],

  explain: () => ({ module: new URL('./explain.ts', import.meta.url).href, name: 'explain' }),

  async open(devices, host) {
    const first = devices[0] as Device<Options>;
    const { connection, otherAccounts, poll } = first.options;
    const accounts = createAccounts(devices, host);
    const observer = createObserver(first.id, accounts, otherAccounts, host);
    let paused = Number.NEGATIVE_INFINITY;
    const context = { device: first.id, accounts, observer, host, pausedAt: () => paused };
    const memories = memoriesOf(receiver.line(first));
    const talk = (peer: Peer, address: string) =>
      converse(context, peer, memoryOf(memories, address), connection !== undefined);
    const { session, conversations } =
      connection === undefined
        ? await listening(devices, host, talk)
        : await connected(first, host, (peer) => talk(peer, ''));

    const supervise = host.clock.every(SUPERVISION_TICK_MS, () => {
      accounts.supervise();
      if (poll !== undefined) for (const one of conversations) one.ask(poll);
    });
    const pauses = host.clock.onPause(() => {
      paused = host.clock.elapsed();
      accounts.forgive();
    });
    // Of a wire without supervision no more is known than that it is there.
    if (connection !== undefined)
      for (const { id, options } of devices) if (options.supervision === undefined) host.link(id, 'online');
    return {
      ended: session.ended,
      async configure(next) {
        const wanted = next as readonly Device<Options>[];
        if (![...devices, ...wanted].every((one) => isDeepStrictEqual(wireOf(one), wireOf(first))))
          throw new Error('it is another wire, or other addresses may come to it');
        accounts.configure(wanted);
      },
      async close() {
        supervise.stop();
        pauses.stop();
        await session.close();
      },
    };
  },
});

/** What of a device its wire is opened by; accounts are what is heard there. */
const wireOf = ({ options: { accounts: _accounts, supervision: _supervision, ...wire } }: Device<Options>) =>
  wire;

interface Opened {
  readonly session: Session;
  readonly conversations: Iterable<Conversation>;
}

/** Opens the wire of the config. */
async function connected(
  { options: { connection } }: Device<Options>,
  host: Host,
  talk: (peer: Peer) => Conversation,
): Promise<Opened> {
  if (connection === undefined) throw new LineError('E_LINE_REFUSED', 'there is no `connection`');
  const decoder = receiverDecoder();
  let torn: Timer | undefined;
  let unread = 0;
  const line = await openLine(connection, host, (chunk) => {
    conversation.take(decoder.push(chunk));
    torn?.stop();
    torn = decoder.pending()
      ? host.clock.after(TORN_AFTER_MS, () => conversation.take(decoder.silence()))
      : undefined;
  });
  const conversation = talk({
    // Of a line that is gone the session ends, and what was not answered is said again.
    answer(bytes) {
      if (unread >= MAX_UNREAD) return;
      unread++;
      const read = () => {
        unread--;
      };
      line.write(bytes).then(read, read);
    },
    known() {},
    full() {},
    idle() {},
  });
  const close = async () => {
    torn?.stop();
    await line.close();
  };
  return { session: { ended: line.ended, close }, conversations: [conversation] };
}

/** Waits for receivers to connect. */
async function listening(
  devices: readonly Device<Options>[],
  host: Host,
  talk: (peer: Peer, address: string) => Conversation,
): Promise<Opened> {
  const { id, options } = devices[0] as Device<Options>;
  const { listen } = options;
  if (listen === undefined)
    throw new LineError('E_LINE_REFUSED', 'there is neither `connection` nor `listen`');
  // Devices that share the port share who may come.
  const froms = devices.flatMap(({ options: { listen: own } }) => own?.from ?? []);
  const isOpen = devices.some(({ options: { listen: own } }) => own?.from === undefined);
  const where = { ...listen, from: isOpen ? undefined : froms };
  const { server, conversations, close } = await listenForReceivers(where, host, talk, (why, address) =>
    why === 'not listed'
      ? host.discarded(id, 'a connection from an address that is not in `from`', 0, address)
      : host.discarded(id, turnedReason[why], 0),
  );
  const ended = Promise.withResolvers<void>();
  server.on('error', (error) => {
    if (!isAcceptError(error))
      ended.reject(new LineError('E_LINE_LOST', `port ${listen.port}: ${error.message}`));
  });
  ended.promise.catch(() => {});
  return {
    session: {
      ended: ended.promise,
      async close() {
        await close();
        ended.resolve();
      },
    },
    conversations,
  };
}

/**
 * What was said last on each wire, and by address. It outlives a session as the wire does: a receiver whose connection was
 * cut before its answer came says the same line again.
 */
const wires = new Map<string, { readonly wire: Wire; readonly byAddress: Map<string, Memory> }>();

function memoriesOf(line: string) {
  const memories = wires.get(line) ?? { wire: newWire(), byAddress: new Map<string, Memory>() };
  wires.set(line, memories);
  return memories;
}

function memoryOf({ wire, byAddress }: ReturnType<typeof memoriesOf>, address: string): Memory {
  const memory = byAddress.get(address) ?? newMemory(wire);
  // The one that was heard last stands last; the one that was heard longest ago goes.
  byAddress.delete(address);
  byAddress.set(address, memory);
  const [oldest] = byAddress.keys();
  if (byAddress.size > MAX_ADDRESSES && oldest !== undefined) byAddress.delete(oldest);
  return memory;
}
