/**
 * Master data of the campus, retained on `{prefix}/campus`: at each connection, where it changed meanwhile, and now and then:
 * RabbitMQ keeps what is retained on one node, and who reads by AMQP hears nothing retained.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { CampusData, CampusMessage } from '../../contract/campus.ts';
import type { PlatformHost } from '../../contract/transport.ts';
import type { Connection } from './connection.ts';
import type { Showing } from './showing.ts';

/** Hex digits of the hash: two campuses are never compared, only two words of one. */
const REVISION_LENGTH = 16;

const AGAIN_MS = 3_600_000;

/** By what the same data are known again, whoever wrote them: the hash of the canonical form (RFC 8785). */
export const revisionOf = (data: CampusData): string =>
  createHash('sha256')
    .update(canonicalize(data) ?? '')
    .digest('hex')
    .slice(0, REVISION_LENGTH);

export const campusMessageOf = (data: CampusData): CampusMessage => ({
  ...{ version: '1', revision: revisionOf(data) },
  ...data,
});

/** Until the connection ends. What may not leave any more is gone from the next message, which takes the place of the last. */
export function showCampus(
  connection: Pick<Connection, 'ended'>,
  showing: Pick<Showing, 'publish'>,
  host: Pick<PlatformHost, 'campusData' | 'onInventory' | 'clock'>,
): void {
  let shown: CampusData | undefined;
  const show = () => {
    shown = host.campusData();
    showing.publish('campus', JSON.stringify(campusMessageOf(shown)));
  };
  show();
  const again = host.clock.every(AGAIN_MS, show);
  const stop = host.onInventory(() => {
    // Called for each device that answers or not: by the hundred.
    if (host.campusData() !== shown) show();
  });
  void connection.ended.then(() => {
    again.stop();
    stop();
  });
}
