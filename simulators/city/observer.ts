/** Who looks at what a broker passes on of a simulated city: what comes, what comes twice, how late. */
import { connect, type IClientOptions } from 'mqtt';
import type { Clock } from '../../drivers/contract/clock.ts';

export interface Observer {
  /** Events that came, each counted once; `of`: one campus and number. */
  seen(): number;
  twice(): number;
  has(campus: string, sequence: number): boolean;
  close(): Promise<void>;
}

/** Resolves when it is subscribed. @throws Error where the broker is not reached, or refuses. */
export async function startObserver(
  urls: readonly string[],
  mqtt: IClientOptions,
  time: Clock,
  onSeen: (isAlarm: boolean, afterMs: number) => void,
): Promise<Observer> {
  const numbers = new Map<string, Set<number>>();
  let seen = 0;
  let twice = 0;
  const servers = urls.map((url) => {
    const { protocol, hostname: host, port } = new URL(url);
    return { protocol: protocol.slice(0, -1) as 'mqtt', host, port: Number(port) };
  });
  const client = connect(urls[0] ?? '', {
    ...{ protocolVersion: 5, ...mqtt, clientId: `city-observer-${process.pid}` },
    ...(urls.length > 1 && { servers }),
    ...{ clean: false, reconnectPeriod: 500 },
    ...(mqtt.protocolVersion !== 4 && {
      properties: { sessionExpiryInterval: 3600, receiveMaximum: 1000 },
    }),
  });
  client.on('message', (topic, payload) => {
    const campus = topic.split('/')[2] ?? '';
    const { sequence, type, time: at } = JSON.parse(payload.toString()) as Record<string, string>;
    const of = numbers.get(campus) ?? new Set();
    numbers.set(campus, of);
    if (of.has(Number(sequence))) {
      twice++;
      return;
    }
    of.add(Number(sequence));
    seen++;
    onSeen(type === 'cn.campus.alarm.raised', time.wall() - Date.parse(at ?? ''));
  });
  const first = await new Promise<Error | undefined>((resolve) => {
    client.once('connect', () => resolve(undefined));
    client.once('error', resolve);
    client.once('close', () => resolve(new Error('closed')));
  });
  if (first !== undefined) {
    client.end(true);
    throw new Error(`${urls[0]}: ${first.message}`);
  }
  client.on('error', () => {});
  await client.subscribeAsync('campus/v1/+/event/#', { qos: 1 });
  return {
    seen: () => seen,
    twice: () => twice,
    has: (campus, sequence) => numbers.get(campus)?.has(sequence) === true,
    close: () => client.endAsync(true).catch(() => {}),
  };
}
