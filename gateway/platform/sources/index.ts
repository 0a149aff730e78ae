/** Brokers by the scheme of their address; the only file that names each. */
import { say } from '../../../config/language.ts';
import type { OpenSource } from '../contract.ts';
import { SourceError, urlsOf } from './connection.ts';

export { hidden, SourceError } from './connection.ts';

const loaders: Readonly<Record<string, () => Promise<OpenSource>>> = {
  mqtt: async () => (await import('./mqtt.ts')).openMqtt,
  amqp: async () => (await import('./amqp.ts')).openAmqp,
  nats: async () => (await import('./jetstream.ts')).openJetStream,
};
const kinds: Readonly<Record<string, string>> = {
  ...{ 'mqtt:': 'mqtt', 'mqtts:': 'mqtt', 'ws:': 'mqtt', 'wss:': 'mqtt' },
  ...{ 'amqp:': 'amqp', 'amqps:': 'amqp', 'nats:': 'nats', 'tls:': 'nats' },
};

/** A name of queues and durables: what each of the brokers takes. */
export const GROUP = /^[\w-]{1,64}$/;

/** Loads only what is named. @throws SourceError: an address of no broker that is known, or of two kinds. */
export async function sourceFor(url: string): Promise<OpenSource> {
  const schemes = new Set(urlsOf(url).map((one) => new URL(one).protocol));
  const [kind, ...others] = new Set([...schemes].map((scheme) => kinds[scheme] ?? scheme));
  const load = others.length > 0 ? undefined : loaders[kind ?? ''];
  if (load === undefined)
    throw new SourceError(
      say(
        `${[...schemes].join(', ')}: write mqtt[s]:// or ws[s]://, amqp[s]:// (RabbitMQ), nats:// or tls:// (NATS); several addresses are of one kind`,
        `${[...schemes].join('、')}：请写成 mqtt[s]:// 或 ws[s]://、amqp[s]://（RabbitMQ）、nats:// 或 tls://（NATS）；多个地址须为同一种`,
      ),
    );
  return await load();
}
