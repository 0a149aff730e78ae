/**
 * That the gateway is there it says again and again: a broker that died with it told nobody, and who reads by AMQP hears
 * nothing retained.
 */
import type { Clock } from '../../contract/clock.ts';
import type { Connection } from './connection.ts';

const EVERY_MS = 600_000;

/** Until the connection ends. @returns what ends it before that: nothing comes after a goodbye. */
export function keepSaying(
  sayThere: () => void,
  connection: Pick<Connection, 'ended'>,
  clock: Pick<Clock, 'every'>,
): () => void {
  sayThere();
  const again = clock.every(EVERY_MS, sayThere);
  void connection.ended.then(() => again.stop());
  return () => again.stop();
}
