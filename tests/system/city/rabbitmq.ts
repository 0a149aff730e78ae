/** Three nodes of RabbitMQ with its MQTT plugin, from Debian's package, by docs/city/rabbitmq.conf. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { freePort, temporaryDirectory } from '../../helpers.ts';
import { stopProcess } from '../../processes.ts';
import { until } from '../tools.ts';
import { type Cluster, type ClusterNode, configOf, nodeOf } from './cluster.ts';

const NODES = [1, 2, 3];
/** A node that starts may not answer. */
const ASK_MS = 5000;
export const COOKIE = 'campus-gateway-city';
const KNOWN_MS = 60_000;
const LEAN = '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none';

/** Of where client ids are kept. */
const RESTART = 'ra:restart_server(coordination, {mqtt_node, node()}).';
/** How many are in there. */
const KNOWN = 'length(element(2, ra:members({mqtt_node, node()}, 1000))).';

const nameOf = (node: number, epmd: number) => `city${node}-${epmd}@localhost`;

/** Resolves when all nodes are one cluster. */
export async function rabbitmqCluster(): Promise<Cluster> {
  const directory = temporaryDirectory();
  const epmd = await freePort();
  const names = NODES.map((node) => nameOf(node, epmd));
  const environment = { ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: String(epmd) };
  // One for all: nodes that start together would each start their own, which outlives them.
  const mapper = spawn('epmd', ['-address', '127.0.0.1', '-port', String(epmd)], { stdio: 'ignore' });
  onTestFinished(() => stopProcess(mapper, 'SIGKILL'));
  const nodes = await Promise.all(
    names.map(async (name, index) => {
      const home = join(directory, String(index + 1));
      mkdirSync(home);
      writeFileSync(join(home, '.erlang.cookie'), COOKIE, { mode: 0o400 });
      const [amqp, mqtt, distribution] = await Promise.all([freePort(), freePort(), freePort()]);
      const text = configOf('rabbitmq.conf', {
        ...Object.fromEntries(NODES.map((node) => [`rabbit@city-${node}`, nameOf(node, epmd)])),
        'tcp.default = 5672': `tcp.default = 127.0.0.1:${amqp}`,
        'tcp.default = 1883': `tcp.default = 127.0.0.1:${mqtt}`,
        'allow_anonymous = false': 'allow_anonymous = true\nloopback_users = none',
      });
      writeFileSync(join(home, 'rabbitmq.conf'), text);
      writeFileSync(join(home, 'plugins'), '[rabbitmq_mqtt].\n');
      return nodeOf(
        { name, mqtt: `mqtt://127.0.0.1:${mqtt}`, own: `amqp://guest:guest@127.0.0.1:${amqp}` },
        {
          // Debian's wrapper in the path changes the user and drops the environment.
          command: 'sh',
          args: ['-c', 'exec /usr/lib/rabbitmq/bin/rabbitmq-server 1>&2'],
          ready: /Server startup complete/,
          env: {
            ...environment,
            HOME: home,
            RABBITMQ_NODENAME: name,
            RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
            RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'plugins'),
            RABBITMQ_MNESIA_BASE: join(home, 'db'),
            RABBITMQ_LOG_BASE: join(home, 'log'),
            RABBITMQ_LOGS: '-',
            RABBITMQ_DIST_PORT: String(distribution),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: LEAN,
            ERL_CRASH_DUMP_SECONDS: '0',
            // Erlang takes the place of the script, or it outlives a SIGKILL.
            RUNNING_UNDER_SYSTEMD: 'true',
          },
        },
      );
    }),
  );
  /** What a node says to some Erlang: at once, where rabbitmqctl takes seconds to start. */
  const ask = async (node: ClusterNode, expression: string): Promise<string> => {
    const asking = promisify(execFile)('erl_call', ['-sname', node.name, '-c', COOKIE, '-e'], {
      env: { ...process.env, ...environment },
      timeout: ASK_MS,
    });
    // One that is refused reads nothing.
    asking.child.stdin?.on('error', () => {}).end(`${expression}\n`);
    return (await asking).stdout;
  };
  const up = () => {
    const one = nodes.find((node) => node.isUp());
    if (one === undefined) throw new Error('no node is up');
    return one;
  };
  const startAll = async () => {
    const awake = new AbortController();
    const starting = Promise.all(nodes.map((node) => node.start()));
    // After all were down, 3.10 waits for 100 s: nodes ask the first one for the leader of client ids, who needs their votes.
    const waking = (async () => {
      while (!awake.signal.aborted) {
        await delay(1000);
        await Promise.allSettled(nodes.map((node) => ask(node, RESTART)));
      }
    })();
    await starting.finally(() => awake.abort());
    await waking;
    await untilKnown();
  };
  /** Where client ids are kept: a node of 3.10 is not always let in there when it starts. */
  const untilKnown = async () => {
    const haveKnown = async () => {
      const asked = await Promise.allSettled(nodes.map((node) => ask(node, KNOWN)));
      const known = asked.map((one) =>
        one.status === 'fulfilled' ? Number(/ok, (\d)/.exec(one.value)?.[1] ?? 0) : 0,
      );
      const most = known.indexOf(Math.max(...known));
      const knows = nodes[most];
      if (knows === undefined || known.every((n) => n === NODES.length)) return true;
      const other = nodes.find((_, index) => index !== most && (known[index] ?? 0) < NODES.length);
      if (other !== undefined)
        await ask(knows, `ra:add_member({mqtt_node, node()}, {mqtt_node, '${other.name}'}).`).catch(() => {});
      return false;
    };
    await until('client ids are known to all', haveKnown, KNOWN_MS);
  };
  // One by one: of those that start together for the first time each may keep client ids for itself.
  for (const node of nodes) await node.start();
  await untilKnown();
  const running = await ask(up(), 'length(rabbit_mnesia:cluster_nodes(running)).');
  if (running !== `{ok, ${NODES.length}}`) throw new Error(`${running} nodes run together`);
  return {
    broker: 'RabbitMQ',
    nodes,
    startAll,
    async leader(group) {
      const told = await ask(
        up(),
        `[node(amqqueue:get_pid(Q)) || Q <- rabbit_amqqueue:list(), element(4, amqqueue:get_name(Q)) =:= <<"${group}">>].`,
      );
      const found = nodes.find(({ name }) => told.includes(name));
      if (found === undefined) throw new Error(`no leader of ${group}: ${told}`);
      return found;
    },
  };
}
