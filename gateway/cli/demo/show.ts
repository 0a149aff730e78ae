/** The demo itself: starts all of it, and counts what became of each event. */
import { createServer } from 'node:net';
import { styleText } from 'node:util';
import { Aedes } from 'aedes';
import { connect } from 'mqtt';
import type { Event } from '../../../config/catalogue/events.ts';
import { listenersOf } from '../../../config/check/ports.ts';
import { say } from '../../../config/language.ts';
import type { Config } from '../../../config/schema.ts';
import { startGateway } from '../../main.ts';
import { createLog } from '../../observe/log.ts';
import { type Terminal, untilStopped } from '../command.ts';
import { driveSimulators } from '../simulate/drive.ts';
import { eventLine } from '../watch/event-line.ts';

/** How long the last events may take to arrive: who pressed Ctrl-C does not wait, a timed run does. */
const SETTLE_MS = { asked: 800, timed: 10_000 };

/** @param ms how long; without, until Ctrl-C. @param rate actions a second. @returns the exit status. */
export async function showDemo(
  config: Config,
  { ms, rate }: { readonly ms: number | undefined; readonly rate: number },
  terminal: Terminal,
): Promise<number> {
  const running = Promise.withResolvers<void>();
  const stopped = untilStopped(terminal, ms, running.promise);
  const uplink = config.uplinks[0];
  if (uplink?.protocol !== 'mqtt')
    throw new Error(say('the demo needs an uplink over MQTT', '演示需要一个 MQTT uplink'));
  const url = String(uplink.options['url']);

  const broker = await startBroker(new URL(url));
  const view = createView(terminal);
  const platform = await watchPlatform(url, view.arrived);
  const noKeys = () => {
    throw new Error(say('the demo knows no keys', '演示不支持密钥'));
  };
  const own = listenersOf(config).map(({ port }) => port);
  const { devices } = config;
  const faults: Error[] = [];
  const simulators = driveSimulators({
    devices,
    readKey: noKeys,
    others: own,
    time: terminal.clock,
    onFault: (error) => void faults.push(error),
  });
  await simulators.perform({ do: 'start', devices: devices.map(({ id }) => id) });
  // Half a campus is no demo.
  if (faults[0] !== undefined) throw faults[0];
  const log = createLog('warn');
  const gateway = await startGateway({ config, log, trace: view, time: terminal.clock, simulators });
  terminal.stdout.write(
    `${say(
      `${config.campus.name}: ${config.devices.length} devices simulated, broker at ${url}. Ctrl-C stops.`,
      `${config.campus.name}：模拟 ${config.devices.length} 台设备，平台 ${url}。按 Ctrl-C 停止。`,
    )}\n`,
  );
  if (gateway.console !== undefined)
    terminal.stdout.write(`${say('console', '控制台')}: ${gateway.console}\n`);
  await simulators.perform({ do: 'live', rate });
  running.resolve();
  const how = await stopped;
  const patience = SETTLE_MS[how];

  await simulators.perform({ do: 'stop-playing' });
  await simulators.perform({ do: 'live', rate: null });
  // In the order of the road: no more intake, the rest delivered, the rest received.
  await gateway.close(patience);
  await view.settled(patience);
  await Promise.all([simulators[Symbol.asyncDispose](), platform.close()]);
  await broker.close();
  const { seen, stored, delivered } = view.counts();
  // Who pressed Ctrl-C did not wait: what is on disk and not delivered comes with the next start.
  const left = stored - delivered;
  const lost = how === 'asked' ? 0 : left;
  const waiting =
    left > lost ? say(`, ${left} wait on disk for the next start`, `，${left} 个在磁盘上等待下次启动`) : '';
  terminal.stdout.write(
    `${say(`${seen} events seen, ${stored} on disk, ${delivered} delivered, ${lost} lost`, `发现 ${seen} 个事件，写盘 ${stored} 个，送达 ${delivered} 个，丢失 ${lost} 个`)}${waiting}\n`,
  );
  return lost === 0 ? 0 : 1;
}

/** Counts and prints events on their way. What is printed is what the platform received. */
function createView({ stdout, clock }: Terminal) {
  const onTheWay = new Map<string, { event: Event; seenAt: number; storedAt: number }>();
  let seen = 0;
  let stored = 0;
  let delivered = 0;
  const print = (event: Event, seenAt: number, storedAt: number, arrivedAt: number) => {
    const ms = (from: number, to: number) => `${(to - from).toFixed(1).padStart(6)} ms`;
    const times = `${styleText('dim', say('disk', '写盘'))} ${ms(seenAt, storedAt)}  ${styleText('dim', say('platform', '送达'))} ${ms(storedAt, arrivedAt)}`;
    stdout.write(`${eventLine(event).padEnd(92)} ${times}\n`);
  };
  return {
    seen() {
      seen++;
    },
    repeated() {
      seen--;
    },
    stored(event: Event, _sequence: number, seenAt: number) {
      stored++;
      onTheWay.set(event.id, { event, seenAt, storedAt: clock.elapsed() });
    },
    arrived(id: string) {
      const found = onTheWay.get(id);
      // Waiting on disk since an earlier run, or delivered twice.
      if (found === undefined) return;
      onTheWay.delete(id);
      delivered++;
      print(found.event, found.seenAt, found.storedAt, clock.elapsed());
    },
    async settled(timeout: number) {
      const until = clock.elapsed() + timeout;
      while (onTheWay.size > 0 && clock.elapsed() < until) await clock.wait(10);
    },
    counts: () => ({ seen, stored, delivered }),
  };
}

async function startBroker(url: URL) {
  const aedes = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, aedes.handle);
  const port = Number(url.port);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              say(
                `port ${port} is taken by another program (another demo?)`,
                `端口 ${port} 已被占用（是否已有演示在运行？）`,
              ),
            )
          : error,
      ),
    );
    server.listen({ host: url.hostname, port }, resolve);
  });
  return {
    close: () =>
      new Promise<void>((resolve) => {
        server.close();
        aedes.close(() => resolve());
      }),
  };
}

/** The demo's platform: a client of its own that subscribes like any other. */
async function watchPlatform(url: string, arrived: (id: string) => void) {
  const client = connect(url, { protocolVersion: 4 });
  client.on('message', (_topic, payload) => arrived((JSON.parse(payload.toString()) as Event).id));
  await new Promise<void>((resolve, reject) => {
    client.once('error', reject);
    client.once('connect', () =>
      client.subscribe('campus/v1/+/event/#', { qos: 1 }, (error) => (error ? reject(error) : resolve())),
    );
  });
  return { close: () => client.endAsync(true) };
}
