/** What a broker owes us over one connection, and whether it ever gave any of it. */
import type { MqttClient } from 'mqtt';
import type { Clock } from '../../contract/clock.ts';

/** A CONNACK that took longer was late. */
export const LATE_MS = 1000;
/** From the first SUBSCRIBE on, where the CONNACK was late. */
const SUBSCRIBING_MS = 60_000;

/** `answeredMs`: from our CONNECT to its CONNACK. */
export function followAnswers(client: MqttClient, answeredMs: number, time: Clock) {
  let subscribes = 0;
  let firstAskedAt = Number.POSITIVE_INFINITY;
  const came = new Set<string>();
  client.on('packetreceive', ({ cmd }) => came.add(cmd));
  return {
    /** A SUBSCRIBE is sent. @returns what is called when it is answered, or never will be. */
    expectSuback(): () => void {
      subscribes++;
      firstAskedAt = Math.min(firstAskedAt, time.elapsed());
      return () => void subscribes--;
    },
    /** It was late to let us in, and does now what a SUBSCRIBE asks for. */
    isSubscribing: () =>
      answeredMs >= LATE_MS && subscribes > 0 && time.elapsed() - firstAskedAt < SUBSCRIBING_MS,
    /** `owed`: PUBACKs. */
    wereOfUse: (owed: number) => came.has('puback') || (came.has('suback') && owed === 0),
  };
}
