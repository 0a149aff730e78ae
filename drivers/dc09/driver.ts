/**
 * A receiver for alarm panels over SIA DC-09: one port, TCP and UDP, many accounts.
 *
 * The rule of this file: an ACK leaves only after the event is on disk. A frame that cannot be written gets no
 * answer, so that the panel keeps it and tries again.
 */
import type { Socket as UdpSocket } from 'node:dgram';
import { parseContactId } from '../alarm-codes/contact-id.ts';
import { hearPanel, supervisePanels } from '../alarm-codes/panel.ts';
import { observationOf, type PanelEvent } from '../alarm-codes/report.ts';
import { parseSiaDcs } from '../alarm-codes/sia.ts';
import { isAcceptError, turnedReason } from '../connections.ts';
import { type Device, defineDriver, type Host, LineError, type Problem } from '../contract/driver.ts';
import type { DeviceObservation, Receipt } from '../contract/observation.ts';
import { accountClashes, isLoopback, repeatedZones } from '../contract/options.ts';
import { type Dc09Message, encodeAnswer, encodeNak, MAX_BODY } from './codec.ts';
import { type Extended, readExtended, withExtended } from './extended.ts';
import { formatOf } from './ids.ts';
import { readKeys } from './keys.ts';
import { listenTcp, listenUdp, type Receive } from './listen.ts';
import { type Options, options } from './options.ts';
import { inZone, isInTime, isTrusted, placed, toleranceProblems, wireTime } from './panel-clock.ts';
import { openPanels, type Panel, type Panels } from './panels.ts';
import { createPictures, mayFetch, type PictureOf } from './pictures.ts';
import { repeatsOf } from './repeats.ts';

const SUPERVISION_TICK_MS = 250;

/** A panel says one event a frame, some a few. Each becomes a kilobyte on disk: 4 KB of `BA/BA/BA` would be megabytes. */
const MAX_EVENTS = 64;
/** Of what was sent, where several events share it. */
const MAX_SHARED_RAW = 256;
/** Events of one account on their way to the disk: what others report does not stand behind more. */
const MAX_WAITING_EVENTS = 2048;

export const dc09 = defineDriver({
  name: 'dc09',
  title: { en: 'Alarm panels over SIA DC-09 (TCP and UDP)', zh: '报警主机（SIA DC-09，TCP/UDP）' },
  options,
  line: (device) => `dc09 ${device.options.listen.host}:${device.options.listen.port}`,

  problems(device) {
    const found: Problem[] = [];
    const seen = new Set<string>();
    for (const [index, one] of device.options.accounts.entries()) {
      const { account, keyFile } = one;
      found.push(...repeatedZones(['accounts', index, 'zones'], one.zones));
      found.push(...toleranceProblems(['accounts', index], one));
      if (seen.has(account.toUpperCase())) {
        found.push({ path: ['accounts', index, 'account'], message: `account ${account} stands here twice` });
      }
      seen.add(account.toUpperCase());
      const key = keyFile === undefined ? undefined : readKeys(keyFile);
      if (typeof key === 'string') found.push({ path: ['accounts', index, 'keyFile'], message: key });
    }
    return found;
  },

  clashes: (devices) => accountClashes(devices, (account) => account.toUpperCase()),

  warnings({ options: { listen, accounts } }) {
    if (isLoopback(listen.host)) return [];
    return accounts.flatMap(({ account, keyFile, from }, i) => {
      if (keyFile !== undefined) return [];
      const path = ['accounts', i, 'account'];
      return from === undefined
        ? {
            path,
            en: `anybody who reaches this port can report for account ${account}, in clear text: give it a keyFile, or say in \`from\` where its panel is`,
            zh: `任何能访问该端口的人都可以以账号 ${account} 明文上报：请配置 keyFile，或用 \`from\` 限定主机地址`,
          }
        : {
            path,
            en: `account ${account} reports in clear text: who is on the way can read and forge it. Give it a keyFile where its panel can encrypt`,
            zh: `账号 ${account} 明文上报：途经的人可以读取和伪造。主机支持加密时请配置 keyFile`,
          };
    });
  },

  listens: ({ options: { listen } }) => [{ path: ['listen', 'port'], ...listen, over: ['tcp', 'udp'] }],

  explain: () => ({ module: new URL('./explain.ts', import.meta.url).href, name: 'explain' }),

  async open(devices, host) {
    const panels = openPanels(devices, host);
    const pictures = createPictures(host);
    const { host: address, port } = (devices[0] as Device<Options>).options.listen;
    /** What nobody of the config said is of the first. */
    let listener = devices[0]?.id ?? '';
    const listenerNow = () => listener;
    const receive = receiver(panels, listenerNow, host, pictures.add);
    const server = await listenTcp(address, port, receive, host, (why) =>
      host.discarded(listener, turnedReason[why], 0),
    );
    let udp: UdpSocket;
    try {
      udp = await listenUdp(address, port, receive, host, listener);
    } catch (error) {
      server.close();
      throw error;
    }
    const supervise = host.clock.every(SUPERVISION_TICK_MS, () => supervisePanels(panels.all, host));
    const pauses = host.clock.onPause(() => {
      const now = host.clock.elapsed();
      for (const panel of panels.all) panel.heard = now;
    });
    const closed = Promise.withResolvers<void>();
    const lost = (error: Error) => {
      if (!isAcceptError(error))
        closed.reject(new LineError('E_LINE_LOST', `port ${port}: ${error.message}`));
    };
    server.on('error', lost);
    udp.on('error', lost);
    closed.promise.catch(() => {});
    return {
      ended: closed.promise,
      // Connections stay: of an account that is gone the next frame gets no answer.
      async configure(next) {
        panels.configure(next);
        listener = next[0]?.id ?? '';
      },
      async close() {
        supervise.stop();
        pauses.stop();
        pictures.close();
        for (const socket of server.sockets) socket.destroy();
        await Promise.all([
          new Promise<void>((resolve) => server.close(() => resolve())),
          new Promise<void>((resolve) => udp.close(() => resolve())),
        ]);
        closed.resolve();
      },
    };
  },
});

function receiver(
  panels: Panels,
  listenerNow: () => string,
  host: Host,
  fetchPicture: (picture: PictureOf) => void,
): Receive {
  const receive: Receive = async (decoded, answer, sender) => {
    const listener = listenerNow();
    if ('discarded' in decoded) return host.discarded(listener, decoded.reason, decoded.discarded);
    const { frame } = decoded;
    const panel = panels.of(frame, sender.address);
    /** For who looks for the panel: many are behind one device, and many behind one address. */
    const from = `account ${panel?.config.account ?? frame.account ?? '?'} from ${sender.address}`;
    const refuse = (reason: string, device: string, detail?: string) => {
      host.discarded(device, reason, frame.body.length, detail === undefined ? from : `${detail}, ${from}`);
      answer(encodeAnswer('DUH', frame));
    };
    // Not told "taken", a panel with a wrong account number shows its failure, and its installer sees it.
    if (panel === undefined) return host.discarded(listener, 'unknown account', frame.body.length, from);
    // Not answered either: who forges an alarm learns nothing, and a panel that moved shows its failure.
    if (!panel.mayBeAt(sender.address))
      return host.discarded(panel.device, 'a frame from an address that is not its', frame.body.length, from);
    if (frame.lengthIsWrong) host.discarded(panel.device, 'wrong length, frame taken', 0, from);

    const encrypted = frame.cipherText !== undefined;
    if (encrypted && panel.key === undefined)
      return refuse('encrypted frame, but no keyFile is set', panel.device);
    if (!encrypted && panel.key !== undefined) return refuse('plain frame where a key is set', panel.device);
    const opened = panel.key !== undefined ? panel.key.open(frame) : frame;
    if (opened === undefined) return refuse('the key does not open the frame', panel.device);

    const now = host.clock.wall();
    const message = placed(opened, panel.config, now);
    const inTime = message.timestamp !== undefined && isInTime(message.timestamp, now, panel.config);
    if (encrypted && !inTime) {
      host.discarded(panel.device, 'encrypted frame whose time is too far off', frame.body.length, from);
      return answer(encodeNak(frame, wireTime(now, panel.config)));
    }

    sender.known();
    hear(panel, message, inTime, host);

    const events = eventsOf(message);
    if (events === undefined) return refuse('unknown id', panel.device, message.id);
    if (events.length === 0 && message.id !== 'NULL' && message.data !== '') {
      return refuse('data that is no event', panel.device);
    }
    if (events.length > MAX_EVENTS) return refuse('more events than a frame says', panel.device);
    // No answer: the panel keeps them and sends them again.
    if (panel.waiting + events.length > MAX_WAITING_EVENTS)
      return host.discarded(panel.device, 'more at once than the disk takes', frame.body.length, from);
    const extended = readExtended(message.extended, events.length);
    const at = occurrence(extended, panel, now);
    const { device, config, said } = panel;
    const repeats =
      events.length === 0
        ? undefined
        : repeatsOf(message, frame.cipherText !== undefined, { device, account: config.account, said });
    const observations = events.flatMap((event, index) => {
      const one = observe(event, repeats?.(index), message, panel, now, events.length);
      return one === undefined ? [] : [withExtended(one, extended, at)];
    });
    panel.waiting += observations.length;
    let receipts: readonly Receipt[];
    try {
      receipts = await Promise.all(observations.map((observation) => host.report(observation)));
    } catch {
      // The journal says why, once. No answer: the panel keeps the event and sends it again.
      return;
    } finally {
      panel.waiting -= observations.length;
    }
    const sealed = panel.key && { key: panel.key.key, time: wireTime(host.clock.wall(), panel.config) };
    answer(encodeAnswer('ACK', frame, sealed));

    const shown = observations.findIndex(({ state }) => state === 'raised');
    const { id, repeated } = receipts[shown] ?? { id: null, repeated: false };
    if (id === null || repeated) return;
    for (const address of extended.pictureAddresses)
      if (mayFetch(address, panel.config.pictures))
        fetchPicture({ device: panel.device, address, event: id });
  };
  // A mistake here costs one frame its answer, not the process its life.
  return (decoded, answer, sender) =>
    receive(decoded, answer, sender).catch((error: Error) =>
      host.log.error({ device: listenerNow(), error: error.message }, 'a frame could not be handled'),
    );
}

/** A good frame of a panel: it is there, and its clock is seen. */
function hear(panel: Panel, { id, timestamp }: Dc09Message, inTime: boolean, host: Host) {
  hearPanel(panel, host);
  if (inTime) panel.clockRightAt = host.clock.wall();
  // A link test is sent the moment it is made: a wrong time in it is a wrong clock.
  else if (timestamp !== undefined && id === 'NULL') delete panel.clockRightAt;
}

/** undefined: an id that this receiver does not understand. */
function eventsOf({ id, data = '' }: Dc09Message): PanelEvent[] | undefined {
  const format = formatOf(id, data);
  if (format === 'none') return [];
  if (format === 'sia') return parseSiaDcs(data);
  return format === 'contact-id' ? parseContactId(data) : undefined;
}

/** When it happened, where the panel says so beside the time of sending (H). */
function occurrence({ occurredAt }: Extended, panel: Panel, now: number): DeviceObservation['at'] {
  if (occurredAt === undefined) return undefined;
  const time = inZone(occurredAt, panel.config.timezone, now);
  return { time, trusted: isTrusted(time, panel, now) };
}

function observe(
  event: PanelEvent,
  repeat: DeviceObservation['repeat'],
  message: Dc09Message,
  panel: Panel,
  now: number,
  beside: number,
): DeviceObservation | undefined {
  const { account, zones } = panel.config;
  const reported = observationOf(event, { device: panel.device, account, zones });
  return (
    reported && {
      ...reported,
      ...(message.timestamp !== undefined && {
        at: { time: message.timestamp, trusted: isTrusted(message.timestamp, panel, now) },
      }),
      ...(repeat !== undefined && { repeat }),
      details: { ...reported.details, panelSequence: message.sequence },
      raw: `"${message.id}"${String(message.sequence).padStart(4, '0')}[${message.data ?? ''}]`.slice(
        0,
        beside === 1 ? MAX_BODY : MAX_SHARED_RAW,
      ),
    }
  );
}
