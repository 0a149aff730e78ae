/** Three servers of NATS with JetStream and MQTT, from Debian's package, by docs/city/nats.conf. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, temporaryDirectory } from '../../helpers.ts';
import { until } from '../tools.ts';
import { type Cluster, type ClusterNode, configOf, nodeOf } from './cluster.ts';

const NODES = [1, 2, 3];
/** What keeps what is published over MQTT. */
const STREAM = '$MQTT_msgs';

interface Streams {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string;
      readonly cluster?: { readonly leader?: string };
    }[];
  }[];
}

/** Resolves when all servers are one cluster that can keep messages. */
export async function natsCluster(): Promise<Cluster> {
  const directory = temporaryDirectory();
  const ports = await Promise.all(
    NODES.map(async (node) => {
      const [own, http, mqtt, route] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
      return { node, own, http, mqtt, route };
    }),
  );
  const routes = Object.fromEntries(
    ports.map(({ node, route }) => [`nats://city-${node}:6222`, `nats://127.0.0.1:${route}`]),
  );
  const nodes = ports.map(({ node, own, http, mqtt, route }) => {
    const file = join(directory, `${node}.conf`);
    const text = configOf('nats.conf', {
      ...routes,
      'server_name: city-1': `server_name: city-${node}`,
      '0.0.0.0:4222': `127.0.0.1:${own}`,
      '127.0.0.1:8222': `127.0.0.1:${http}`,
      '0.0.0.0:1883': `127.0.0.1:${mqtt}`,
      '0.0.0.0:6222': `127.0.0.1:${route}`,
      '/var/lib/nats': `"${join(directory, String(node))}"`,
    });
    writeFileSync(file, text);
    return nodeOf(
      { name: `city-${node}`, mqtt: `mqtt://127.0.0.1:${mqtt}`, own: `nats://127.0.0.1:${own}` },
      { command: 'nats-server', args: ['-c', file], ready: /Server is ready/ },
    );
  });
  const monitor = async (node: ClusterNode, path: string): Promise<unknown> => {
    const port = ports[nodes.indexOf(node)]?.http;
    return (await fetch(`http://127.0.0.1:${port}/${path}`)).json();
  };
  const startAll = async () => {
    await Promise.all(nodes.map((node) => node.start()));
    await until('JetStream has a leader', async () => {
      const all = await Promise.all(nodes.map((node) => monitor(node, 'jsz')));
      return all.every((one) => (one as { meta_cluster?: { leader?: string } }).meta_cluster?.leader);
    });
  };
  await startAll();
  return {
    broker: 'NATS',
    nodes,
    startAll,
    async leader() {
      const up = nodes.find((node) => node.isUp());
      if (up === undefined) throw new Error('no node is up');
      const { account_details = [] } = (await monitor(up, 'jsz?accounts=1&streams=1&config=1')) as Streams;
      const stream = account_details
        .flatMap(({ stream_detail = [] }) => stream_detail)
        .find(({ name }) => name === STREAM);
      const found = nodes.find(({ name }) => name === stream?.cluster?.leader);
      if (found === undefined) throw new Error(`${STREAM} has no leader: ${JSON.stringify(stream)}`);
      return found;
    },
  };
}
