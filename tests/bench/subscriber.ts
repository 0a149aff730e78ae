/** The platform of the benches: counts what arrives at a broker, and how old it is. */
import type { IClientOptions } from 'mqtt';
import { clock } from './load.ts';
import { client } from './parts.ts';

export interface Arrival {
  /** On the clock of all processes, ms. */
  readonly at: number;
  /** Since it left, ms. */
  readonly age: number;
}

export interface Subscriber {
  /** The next `count` events, once they are all there. */
  expect(count: number): Promise<readonly Arrival[]>;
  end(): Promise<unknown>;
}

export async function subscribeTo(port: number, options: IClientOptions = {}): Promise<Subscriber> {
  const mqtt = await client(port, options);
  let arrivals: Arrival[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  let reached = () => {};
  mqtt.on('message', (_topic, payload) => {
    const at = /"text":"(\d+\.?\d*)"/.exec(payload.toString())?.[1];
    if (at === undefined) return;
    const now = clock();
    arrivals.push({ at: now, age: now - Number(at) });
    if (arrivals.length === wanted) reached();
  });
  await mqtt.subscribeAsync('campus/#', { qos: 1 });
  return {
    async expect(count) {
      arrivals = [];
      wanted = count;
      await new Promise<void>((resolve) => {
        reached = resolve;
      });
      return arrivals;
    },
    end: () => mqtt.endAsync(true),
  };
}
