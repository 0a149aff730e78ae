import { describe, expect, it } from 'vitest';
import { nameOf, placesOf } from '../../drivers/platforms/mqtt/places.ts';
import { fastClock } from '../clocks.ts';

const url = 'mqtts://mq.example:8883';
const at = (...addresses: readonly string[]) => addresses.map((address) => ({ url, address }));

describe('the places that the addresses of a platform lead to', () => {
  it('are all addresses of a name that has several, IPv4 first', async () => {
    const places = await placesOf([url], new Map(), fastClock(20), async () => [
      '2001:db8::1',
      '192.0.2.1',
      '192.0.2.2',
    ]);
    expect(places).toEqual(at('192.0.2.1', '192.0.2.2', '2001:db8::1'));
    expect(places.map(nameOf)[0]).toBe('mqtts://mq.example:8883 (192.0.2.1)');
  });

  it('are left to Node where there is nothing to choose, or a race of IPv6 and IPv4', async () => {
    const plain = async (...addresses: readonly string[]) =>
      await placesOf([url], new Map(), fastClock(20), async () => addresses);
    expect(await plain('192.0.2.1')).toEqual([{ url }]);
    expect(await plain('2001:db8::1', '192.0.2.1')).toEqual([{ url }]);
    const looked: string[] = [];
    const numeric = ['mqtt://192.0.2.1', 'mqtt://[2001:db8::1]:1883'];
    const look = async (name: string) => {
      looked.push(name);
      return [];
    };
    expect(await placesOf(numeric, new Map(), fastClock(20), look)).toEqual(
      numeric.map((one) => ({ url: one })),
    );
    expect(looked).toEqual([]);
  });

  it('are those that it had last while the name server says nothing, or no', async () => {
    const last = new Map<string, readonly string[]>();
    await placesOf([url], last, fastClock(20), async () => ['192.0.2.7']);
    const refused = async () => {
      throw new Error('EAI_AGAIN');
    };
    expect(await placesOf([url], last, fastClock(20), refused)).toEqual(at('192.0.2.7'));
    const never = () => new Promise<readonly string[]>(() => {});
    expect(await placesOf([url], last, fastClock(20), never)).toEqual(at('192.0.2.7'));
    expect(await placesOf([url], new Map(), fastClock(20), refused)).toEqual([{ url }]);
  });
});
