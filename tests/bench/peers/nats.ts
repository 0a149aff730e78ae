/**
 * NATS with MQTT and JetStream, as it comes. It acknowledges once the message is written to a file, and asks the
 * disk to keep that every 2 minutes (`sync_interval`): a killed process loses nothing, a power cut may.
 */
import { freePort } from '../../free-port.ts';
import { natsCommand } from '../../processes.ts';
import { folder, start } from '../parts.ts';
import type { Peer } from './peer.ts';

/** NATS's own is 100 messages to a subscriber that are not acknowledged. */
const MAX_ACK_PENDING = 1000;

export const nats: Peer = {
  name: 'NATS JetStream',
  package: 'nats-server',
  programs: ['nats-server'],
  async prepare() {
    const [own, mqtt] = await Promise.all([freePort(), freePort()]);
    const program = natsCommand(folder(), { own, mqtt }, [`max_ack_pending: ${MAX_ACK_PENDING}`]);
    return { port: mqtt, start: () => start(program), close: async () => {} };
  },
};
