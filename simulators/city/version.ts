/** Which MQTT a broker speaks: RabbitMQ before 3.13 and NATS close at a CONNECT of version 5, some without a word. */
import { connect, type IClientOptions } from 'mqtt';

/** 5, if one of them takes it. */
export async function versionOf(urls: readonly string[], mqtt: IClientOptions): Promise<4 | 5> {
  for (const url of urls) if (await takes5(url, mqtt)) return 5;
  return 4;
}

const takes5 = (url: string, mqtt: IClientOptions): Promise<boolean> =>
  new Promise((resolve) => {
    const client = connect(url, {
      ...{ ...mqtt, protocolVersion: 5, clientId: `city-asks-${process.pid}`, reconnectPeriod: 0 },
      connectTimeout: 5000,
    });
    const end = (takes: boolean) => {
      client.end(true);
      resolve(takes);
    };
    client.on('error', () => {});
    client.once('connect', () => end(true));
    client.once('close', () => end(false));
  });
