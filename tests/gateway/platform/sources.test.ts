/** What all brokers share: addresses in turn, times between, acknowledgements in order. */
import type { ConsumeMessage } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { createAcks, keyOf, topicOf } from '../../../gateway/platform/sources/amqp.ts';
import {
  createUnanswered,
  hidden,
  keepConnected,
  type Line,
  urlsOf,
} from '../../../gateway/platform/sources/connection.ts';
import { sourceFor } from '../../../gateway/platform/sources/index.ts';
import { manualClock } from '../../clocks.ts';
import { silentLog } from '../../helpers.ts';

describe('addresses', () => {
  it('are several, of one kind; what lets in is not shown', async () => {
    expect(urlsOf(' amqp://a, amqp://b ,')).toEqual(['amqp://a', 'amqp://b']);
    for (const wrong of ['', ',', 'broker', 'mqtt://a,b'])
      expect(() => urlsOf(wrong)).toThrow(/mqtt:\/\/HOST/);
    expect(hidden('amqp://me:secret@host/x,amqp://me:s@h')).toBe('amqp://host/x,amqp://h');
    await expect(sourceFor('amqp://a,nats://b')).rejects.toThrow(/of one kind/);
    await expect(sourceFor('kafka://me:secret@a')).rejects.toThrow(/^kafka:: write mqtt/);
    expect(await sourceFor('wss://a,mqtt://b')).toBeTypeOf('function');
  });

  it('and RabbitMQ write topics otherwise', () => {
    expect(keyOf('campus/v1/4503000001/event/alarm/x')).toBe('campus.v1.4503000001.event.alarm.x');
    expect(topicOf('campus.v1.4503000001.reply.c-1')).toBe('campus/v1/4503000001/reply/c-1');
  });
});

/** A broker that is there or not, by address. */
function fakeBroker() {
  const time = manualClock();
  const lines: { readonly url: string; end(reason: string): void }[] = [];
  const dialled: { readonly url: string; readonly at: number }[] = [];
  const states: object[] = [];
  const up = new Set<string>();
  const dial = async (url: string): Promise<Line> => {
    dialled.push({ url, at: time.elapsed() });
    if (!up.has(url)) throw new Error('refused');
    const ended = Promise.withResolvers<string>();
    lines.push({ url, end: ended.resolve });
    return {
      publish: async () => {},
      ended: ended.promise,
      stop: async () => {},
      close: async () => ended.resolve('closed'),
    };
  };
  const open = () =>
    keepConnected(
      { urls: ['a', 'b', 'c'], dial, settled: async () => {} },
      {
        onState: (state) => states.push(state),
        ...{ time, log: silentLog, signal: new AbortController().signal },
      },
    );
  return { time, lines, dialled, states, up, open };
}

describe('a connection', () => {
  it('is made at the first address that has it, or says what each of them says', async () => {
    const { open, up, dialled, states } = fakeBroker();
    await expect(open()).rejects.toThrow('a: refused\nb: refused\nc: refused');
    up.add('b');
    await open();
    expect(dialled.map(({ url }) => url)).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(states).toEqual([{ connected: true }]);
  });

  it('comes back for ever, the last good address first, later and later, at random', async () => {
    const { open, up, dialled, lines, states, time } = fakeBroker();
    up.add('b');
    const source = await open();
    await time.advance(60_000);
    up.clear();
    const before = dialled.length;
    const from = time.elapsed();
    lines[0]?.end('killed');
    await time.advance(0);
    await expect(source.publish('x', '{}')).rejects.toThrow(/away/);
    await time.advance(600_000);
    const tries = dialled.slice(before);
    expect(tries[0]?.url).toBe('b');
    expect((tries[0]?.at ?? 0) - from).toBeLessThanOrEqual(500);
    expect(tries.slice(0, 4).map(({ url }) => url)).toEqual(['b', 'c', 'a', 'b']);
    // Some 5 s apart in the end: 10 s at most, by full jitter.
    expect(tries.length).toBeGreaterThan(80);
    expect(tries.length).toBeLessThan(200);
    up.add('c');
    await time.advance(60_000);
    expect(states).toEqual([
      { connected: true },
      { connected: false, reason: 'killed' },
      { connected: true },
    ]);
    await source.publish('x', '{}');
    await source.stop();
    await source.close();
    const after = dialled.length;
    await time.advance(60_000);
    expect(dialled).toHaveLength(after);
  });

  it('does not come back at once again and again where it ends as it begins', async () => {
    const { open, up, lines, dialled, time } = fakeBroker();
    up.add('a');
    await open();
    for (let seconds = 0; seconds < 600; seconds++) {
      lines.at(-1)?.end('closed at once');
      await time.advance(1000);
    }
    expect(dialled.length).toBeLessThan(200);
  });

  it('leaves no question open when it ends', async () => {
    const unanswered = createUnanswered();
    const answered = unanswered.ask((done) => done());
    const open = unanswered.ask(() => {});
    unanswered.end('it is gone');
    await answered;
    await expect(open).rejects.toThrow('it is gone');
    await expect(unanswered.ask((done) => done())).rejects.toThrow('it is gone');
  });
});

describe('acknowledgements of AMQP', () => {
  const message = (deliveryTag: number) => ({ fields: { deliveryTag } }) as ConsumeMessage;
  const turn = async () => {
    for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => setImmediate(resolve));
  };

  it('leave in the order of the delivery, one for all that are stored; what is refused comes again by itself', async () => {
    const sent: string[] = [];
    const acks = createAcks({
      ack: ({ fields }, upTo) => void sent.push(`ack ${fields.deliveryTag}${upTo ? ' and before' : ''}`),
      nack: ({ fields }, upTo, again) =>
        void sent.push(`nack ${fields.deliveryTag}${upTo ? ' and before' : ''}${again ? ', again' : ''}`),
    });
    const waiting = Array.from({ length: 8 }, () => Promise.withResolvers<void>());
    for (const [index, { promise }] of waiting.entries()) acks.await(message(index + 1), promise);
    // The later ones first: nothing may be said of what is not stored.
    for (const index of [2, 1]) waiting[index]?.resolve();
    await turn();
    expect(sent).toEqual([]);
    waiting[0]?.resolve();
    await turn();
    expect(sent).toEqual(['ack 3 and before']);
    waiting[4]?.reject(new Error('not stored'));
    for (const index of [3, 5, 6]) waiting[index]?.resolve();
    await turn();
    expect(sent.slice(1)).toEqual(['ack 4 and before', 'nack 5, again', 'ack 7 and before']);
    waiting[7]?.resolve();
    await turn();
    expect(sent.at(-1)).toBe('ack 8 and before');
  });
});
