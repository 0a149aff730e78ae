/** The connection of a simulated campus: made again and again, by the gateway's own rules. */
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import type { Clock } from '../../drivers/contract/clock.ts';

export interface LineOptions {
  /** Of one platform: tried in turn, the last good one first. */
  readonly urls: readonly string[];
  readonly id: string;
  readonly mqtt: IClientOptions;
  readonly time: Clock;
  readonly random: () => number;
}

export interface LineCalls {
  /** `afterMs`: so long it took to be let in. */
  readonly onConnected: (one: MqttClient, afterMs: number) => void;
  readonly onClosed: () => void;
  readonly onMessage: (
    one: MqttClient,
    topic: string,
    text: string,
    properties: IPublishPacket['properties'],
  ) => void;
  /** A SUBSCRIBE is not answered. */
  readonly isSubscribing: () => boolean;
}

const FIRST_MS = 1000;
const MAX_MS = 60_000;
const KEEPALIVE_S = 20;
const CONNECT_TIMEOUT_MS = 15_000;
/** Where there are other addresses. */
const IMPATIENT_MS = 4000;
/** Where the last one did not answer, and where the last two did not. The gateway's own count by rounds through all addresses since (drivers/platforms/mqtt/brokers.ts); what docs/city.md has was measured so. */
const PATIENT_MS = [15_000, 30_000] as const;
/** While it owes a SUBACK; the gateway's own, where it was late (drivers/platforms/mqtt/answers.ts). */
const SUBSCRIBING_SILENCE_MS = 60_000;

/** A connection of its own each time; the broker says by the will that the campus is gone. */
function connectAs(
  { id, mqtt }: LineOptions,
  url: string,
  prefix: string,
  connectTimeout: number,
): MqttClient {
  const offline = JSON.stringify({ state: 'offline' });
  return connect(url, {
    ...{ protocolVersion: 5, ...mqtt, clientId: `campus-${id}`, clean: true, keepalive: KEEPALIVE_S },
    ...{ reconnectPeriod: 0, connectTimeout, reschedulePings: true },
    will: { topic: `${prefix}/presence`, payload: Buffer.from(offline), qos: 1, retain: true },
  });
}

/** Its connection: made again and again until it is closed, but while it is dark. */
export function createLine(
  options: LineOptions,
  prefix: string,
  { onConnected, onClosed, onMessage, isSubscribing }: LineCalls,
) {
  const { time, random, urls } = options;
  let client: MqttClient | undefined;
  let isUp = false;
  let isWanted = true;
  let tries = 0;
  /** Of `urls`, and how many were tried since one was good. */
  let at = Math.floor(random() * urls.length);
  let tried = 0;
  /** How often one did not answer in its time, since one was good. */
  let unanswered = 0;
  let retry = time.after(random() * FIRST_MS, dial);
  function dial() {
    if (!isWanted) return;
    const usual = urls.length > 1 ? IMPATIENT_MS : CONNECT_TIMEOUT_MS;
    const patience = PATIENT_MS[Math.min(PATIENT_MS.length, unanswered) - 1] ?? usual;
    const one = connectAs(options, urls[at] ?? '', prefix, patience);
    const since = time.elapsed();
    let silentSince: number | undefined;
    one.onKeepaliveTimeout = () => {
      silentSince ??= time.elapsed();
      if (isSubscribing() && time.elapsed() - silentSince < SUBSCRIBING_SILENCE_MS) one.sendPing();
      else one.stream.destroy();
    };
    one.on('packetreceive', () => {
      silentSince = undefined;
    });
    client = one;
    // A refusal is followed by the end of the connection.
    one.on('error', () => {});
    one.on('connect', () => {
      if (one !== client) return;
      tries = 0;
      tried = 0;
      unanswered = 0;
      isUp = true;
      onConnected(one, time.elapsed() - since);
    });
    one.on('message', (topic, payload, { properties }) =>
      onMessage(one, topic, payload.toString(), properties),
    );
    one.on('close', () => {
      if (one !== client) return;
      const wasUp = isUp;
      isUp = false;
      client = undefined;
      onClosed();
      if (!isWanted) return;
      if (!wasUp && time.elapsed() - since >= patience) unanswered++;
      if (!wasUp) at = (at + 1) % urls.length;
      if (!wasUp && ++tried % urls.length !== 0) return dial();
      dialAfter(Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(tries++, 16)));
    });
  }
  function dialAfter(spreadMs: number) {
    retry.stop();
    retry = time.after(random() * spreadMs, dial);
  }
  return {
    /** undefined: it is not connected. */
    client: () => (isUp ? client : undefined),
    cut: () => void client?.stream.destroy(),
    want(wanted: boolean) {
      isWanted = wanted;
      retry.stop();
      tries = 0;
      if (wanted) dialAfter(FIRST_MS);
    },
    end: async () => void (await client?.endAsync(true).catch(() => {})),
  };
}
