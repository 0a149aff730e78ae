/**
 * A receiver for alarm panels over SIA DC-09: one port, TCP and UDP, many accounts.
 *
 * The rule of this file: an ACK leaves only after the event is on disk. A frame that cannot be written gets no
 * answer, so that the panel keeps it and tries again.
 */
import { hash } from 'node:crypto';
import type { Socket as UdpSocket } from 'node:dgram';
import { parseContactId } from '../alarm-codes/contact-id.ts';
import { observationOf, type PanelEvent } from '../alarm-codes/report.ts';
import { parseSiaDcs } from '../alarm-codes/sia.ts';
import { isAcceptError, turnedReason } from '../connections.ts';
import { type Device, defineDriver, type Host, LineError, type Problem } from '../contract/driver.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import { isLoopback } from '../contract/options.ts';
import {
  type Dc09Frame,
  type Dc09Message,
  decryptDc09,
  encodeDc09,
  formatTimestamp,
  frameBody,
  MAX_BODY,
} from './codec.ts';
import { listenTcp, listenUdp, type Receive } from './listen.ts';
import { type Options, options } from './options.ts';
import { openPanels, type Panel, readKey, superviseAll } from './panels.ts';

/** Clock differences that a receiver takes in an encrypted frame: 20 s ahead, 40 s behind (DC-09, 5.5.1.9). */
const AHEAD_MS = 20_000;
const BEHIND_MS = 40_000;
/** A panel's clock, once seen right, is believed for events that it sends late, this long. */
const CLOCK_TRUST_MS = 24 * 3_600_000;
/** How long the same sequence and content is the same event: with a time in it; without; and always numbered 0. */
const REPEAT_TIMED_MS = 24 * 3_600_000;
const REPEAT_UNTIMED_MS = 5 * 60_000;
const REPEAT_UNNUMBERED_MS = 15_000;
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
    for (const [index, { account, keyFile }] of device.options.accounts.entries()) {
      if (seen.has(account.toUpperCase())) {
        found.push({ path: ['accounts', index, 'account'], message: `account ${account} stands here twice` });
      }
      seen.add(account.toUpperCase());
      const key = keyFile === undefined ? undefined : readKey(keyFile);
      if (typeof key === 'string') found.push({ path: ['accounts', index, 'keyFile'], message: key });
    }
    return found;
  },

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

  async open(devices, host) {
    const panels = openPanels(devices, host.clock);
    const { host: address, port } = (devices[0] as Device<Options>).options.listen;
    const listener = devices[0]?.id ?? '';
    const receive = receiver(panels, listener, host);
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
    const supervise = host.clock.every(SUPERVISION_TICK_MS, () => superviseAll(panels.values(), host));
    const pauses = host.clock.onPause(() => {
      const now = host.clock.elapsed();
      for (const panel of panels.values()) panel.heard = now;
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
      async close() {
        supervise.stop();
        pauses.stop();
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

function receiver(panels: Map<string, Panel>, listener: string, host: Host): Receive {
  const receive: Receive = async (decoded, answer, sender) => {
    if ('discarded' in decoded) return host.discarded(listener, decoded.reason, decoded.discarded);
    const { frame } = decoded;
    const refuse = (reason: string, device: string, detail?: string) => {
      host.discarded(device, reason, frame.body.length, detail);
      answer(encodeDc09(reply('DUH', frame)));
    };

    const panel = panels.get((frame.account ?? '').toUpperCase());
    // Not told "taken", a panel with a wrong account number shows its failure, and its installer sees it.
    if (panel === undefined)
      return host.discarded(listener, 'unknown account', frame.body.length, frame.account);
    // Not answered either: who forges an alarm learns nothing, and a panel that moved shows its failure.
    if (!panel.mayBeAt(sender.address))
      return host.discarded(
        panel.device,
        'a frame from an address that is not its',
        frame.body.length,
        sender.address,
      );
    if (frame.lengthIsWrong) host.discarded(panel.device, 'wrong length, frame taken', 0);

    const encrypted = frame.cipherText !== undefined;
    if (encrypted && panel.key === undefined)
      return refuse('encrypted frame, but no keyFile is set', panel.device);
    if (!encrypted && panel.key !== undefined) return refuse('plain frame where a key is set', panel.device);
    const message = panel.key !== undefined ? decryptDc09(frame, panel.key) : frame;
    if (message === undefined) return refuse('the key does not open the frame', panel.device);

    const now = host.clock.wall();
    const inTime = message.timestamp !== undefined && isInTime(message.timestamp, now);
    if (encrypted && !inTime) {
      host.discarded(panel.device, 'encrypted frame with a time outside +20/-40 s', frame.body.length);
      return answer(nak(now));
    }

    sender.known();
    panel.heard = host.clock.elapsed();
    panel.online = true;
    host.link(panel.device, 'online', undefined, panel.config.account);
    if (inTime) panel.clockRightAt = now;
    // A link test is sent the moment it is made: a wrong time in it is a wrong clock.
    else if (message.timestamp !== undefined && message.id === 'NULL') delete panel.clockRightAt;

    const events = eventsOf(message);
    if (events === undefined) return refuse('unknown id', panel.device, message.id);
    if (events.length === 0 && message.id !== 'NULL' && message.data !== '') {
      return refuse('data that is no event', panel.device);
    }
    if (events.length > MAX_EVENTS) return refuse('more events than a frame says', panel.device);
    // No answer: the panel keeps them and sends them again.
    if (panel.waiting + events.length > MAX_WAITING_EVENTS)
      return host.discarded(panel.device, 'more at once than the disk takes', frame.body.length);
    const observations = events.flatMap(
      (event, index) => observe(event, index, message, frame, panel, now, events.length) ?? [],
    );
    panel.waiting += observations.length;
    try {
      await Promise.all(observations.map((observation) => host.report(observation)));
    } catch {
      // The journal says why, once. No answer: the panel keeps the event and sends it again.
      return;
    } finally {
      panel.waiting -= observations.length;
    }
    answer(
      panel.key === undefined
        ? encodeDc09(reply('ACK', frame))
        : encodeDc09({ ...reply('ACK', frame), timestamp: host.clock.wall() }, panel.key),
    );
  };
  // A mistake here costs one frame its answer, not the process its life.
  return (decoded, answer, sender) =>
    receive(decoded, answer, sender).catch((error: Error) =>
      host.log.error({ device: listener, error: error.message }, 'a frame could not be handled'),
    );
}

/** undefined: an id that this receiver does not understand. */
function eventsOf({ id, data = '' }: Dc09Message): PanelEvent[] | undefined {
  if (id === 'NULL') return [];
  if (id === 'SIA-DCS') return parseSiaDcs(data);
  return id === 'ADM-CID' ? parseContactId(data) : undefined;
}

function isInTime(timestamp: number, now: number): boolean {
  return timestamp <= now + AHEAD_MS && timestamp >= now - BEHIND_MS;
}

/** Answers echo sequence, receiver, prefix and account (DC-09, 5.5.3). */
function reply(id: 'ACK' | 'DUH', { sequence, receiver, prefix, account }: Dc09Frame): Dc09Message {
  return {
    id,
    sequence,
    ...(receiver !== undefined && { receiver }),
    ...(prefix !== undefined && { prefix }),
    ...(account !== undefined && { account }),
  };
}

/** NAK carries the time, so that the panel sets its clock (DC-09, 5.5.3.4). */
function nak(now: number): Buffer {
  return frameBody(`"NAK"0000R0L0A0[]_${formatTimestamp(now)}`);
}

function observe(
  event: PanelEvent,
  index: number,
  message: Dc09Message,
  frame: Dc09Frame,
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
      repeat: repeatOf(message, frame, panel, index),
      details: { ...reported.details, panelSequence: message.sequence },
      raw: `"${message.id}"${String(message.sequence).padStart(4, '0')}[${message.data ?? ''}]`.slice(
        0,
        beside === 1 ? MAX_BODY : MAX_SHARED_RAW,
      ),
    }
  );
}

function isTrusted(timestamp: number, panel: Panel, now: number): boolean {
  if (isInTime(timestamp, now)) return true;
  return (
    panel.clockRightAt !== undefined && timestamp < now && timestamp > panel.clockRightAt - CLOCK_TRUST_MS
  );
}

/**
 * What makes a second sending the same event. An encrypted frame is stamped anew at each try, so its time says
 * nothing; a plain one keeps its time.
 */
function repeatOf(message: Dc09Message, frame: Dc09Frame, panel: Panel, index: number) {
  const timed = message.timestamp !== undefined && frame.cipherText === undefined;
  const content = [message.id, message.sequence, message.data, timed ? message.timestamp : '', index].join(
    '\n',
  );
  const within = timed ? REPEAT_TIMED_MS : message.sequence === 0 ? REPEAT_UNNUMBERED_MS : REPEAT_UNTIMED_MS;
  const digest = hash('sha256', content, 'base64url').slice(0, 22);
  return { key: `dc09/${panel.device}/${panel.config.account}/${digest}`, within };
}
