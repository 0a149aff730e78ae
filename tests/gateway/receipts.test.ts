import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReceipt } from '../../gateway/uplink/receipts.ts';
import { eventually, take } from '../helpers.ts';
import { type Published, scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const sequences = (events: readonly Published[]) => events.map(({ body }) => Number(body.sequence));

const read = (value: unknown) =>
  readReceipt(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

describe('a receipt', () => {
  it('never throws, and has only sequences that are numbers', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array().map(String)), (text) => void read(text)),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('journal', 'urgent', 'normal', 'bulk'), fc.jsonValue()),
        (value) => {
          const parsed = read(value);
          if (!('receipt' in parsed)) return;
          const { journal, ...rest } = parsed.receipt;
          expect(typeof journal).toBe('string');
          for (const number of Object.values(rest)) expect(Number.isSafeInteger(number)).toBe(true);
        },
      ),
    );
  });

  it.each([
    ['a number instead of a decimal string', { journal: 'j', urgent: 7 }],
    ['a negative one', { journal: 'j', urgent: '-7' }],
    ['a fraction', { journal: 'j', urgent: '1.5' }],
    ['a power', { journal: 'j', urgent: '1e9' }],
    ['one that no double holds', { journal: 'j', urgent: '99999999999999999999' }],
    ['no journal', { urgent: '7' }],
    ['a list', []],
  ])('is refused: %s', (_name, value) => {
    expect(read(value)).toHaveProperty('wrong');
  });

  it('is refused where it is larger than any', () => {
    expect(read('x'.repeat(20_000))).toEqual({ wrong: 'too large' });
  });
});

const acknowledge = (broker: Awaited<ReturnType<typeof scriptedBroker>>, journal: string, more: object) =>
  broker.send('campus/v1/45/ack', { journal, ...more });

describe('receipts', () => {
  it('alone move the cursor: what the broker has and the platform has not is sent again', async () => {
    const broker = await scriptedBroker({});
    const { record, journal } = await campus(broker.port, { receipts: true, receiptTimeout: '1s' });
    await broker.subscribed('campus/v1/45/ack');
    await record('fault');
    await record('fault', { cause: 'second' });
    expect(sequences(await take(broker.events, 2))).toEqual([1, 2]);
    acknowledge(broker, journal.id, { normal: '1' });
    // Without a word on the second, it comes again, and only it.
    const again = await broker.events.next();
    expect(again.body).toMatchObject({ sequence: '2', previous: '1' });
    expect(journal.position('police', 'normal')).toEqual({ sequence: 1, sent: 1 });
    acknowledge(broker, journal.id, { normal: '2' });
    await record('fault', { cause: 'third' });
    expect((await broker.events.find(({ body }) => body.sequence === '3')).body.previous).toBe('2');
    await expect.poll(() => journal.position('police', 'normal')).toEqual({ sequence: 2, sent: 2 });
  });

  it('for another journal, for what was never sent, or of no sense move nothing', async () => {
    const broker = await scriptedBroker({});
    const { record, journal, recorder } = await campus(broker.port, { receipts: true });
    await broker.subscribed('campus/v1/45/ack');
    await record('panic');
    await broker.events.next();
    acknowledge(broker, 'another', { urgent: '1' });
    acknowledge(broker, journal.id, { urgent: '2' });
    acknowledge(broker, journal.id, { urgent: -1 });
    broker.send('campus/v1/45/ack', 'no JSON');
    broker.send('campus/v1/45/ack', 'null');
    const done = Promise.withResolvers<void>();
    recorder.onStored(() => done.resolve());
    // Handled in order: a command after them is answered after them.
    broker.send('campus/v1/45/command/gateway', { id: 'x', action: 'nothing' });
    await broker.others.find(({ topic }) => topic === 'campus/v1/45/reply/x');
    expect(journal.position('police', 'urgent').sequence).toBe(0);
  });

  it('of what was sent before a restart count once it was sent again', async () => {
    const first = await scriptedBroker({});
    const before = await campus(first.port, { receipts: true });
    await first.subscribed('campus/v1/45/ack');
    for (let zone = 1; zone <= 3; zone++) await before.record('panic', { zone: { number: zone } });
    await take(first.events, 3);
    await before.close();
    let answered = 0;
    const broker = await scriptedBroker({
      connack: { receiveMaximum: 1 },
      answer: () => (answered++ < 2 ? 0 : undefined),
    });
    const { journal, uplink } = await campus(broker.port, { receipts: true }, before.directory);
    await broker.subscribed('campus/v1/45/ack');
    // As a retained one comes; the last of them is on its way again, and the broker has not answered.
    acknowledge(broker, journal.id, { urgent: '3' });
    expect(sequences(await take(broker.events, 3))).toEqual([1, 2, 3]);
    acknowledge(broker, journal.id, { urgent: '3' });
    await eventually(() => expect(journal.position('police', 'urgent').sequence).toBe(3));
    expect(uplink.state().discarded).toEqual({});
  });

  it('tell the life of an alarm, and who pressed', async () => {
    const broker = await scriptedBroker({});
    const told: unknown[] = [];
    const received = (...words: unknown[]) => void told.push(words);
    const { record, journal } = await campus(broker.port, { receipts: true }, undefined, { received });
    await broker.subscribed('campus/v1/45/ack');
    const { id } = await record('panic');
    await broker.events.next();
    acknowledge(broker, journal.id, { urgent: '1' });
    const life = await broker.others.find(
      ({ topic, body }) => topic === 'campus/v1/45/life' && JSON.stringify(body).includes('platform'),
    );
    const [alarm] = life.body['alarms'] as [Record<string, unknown>];
    expect(alarm).toMatchObject({ id, sequence: 1, uplinks: { police: { broker: expect.any(String) } } });
    expect(told).toEqual([['police', 'urgent', 0, 1]]);
  });
});

describe('receipts that lie', () => {
  it('move the cursor no further than what was sent, and a lie is counted and shown', async () => {
    const broker = await scriptedBroker({ connack: { receiveMaximum: 2 }, answer: () => undefined });
    const { record, journal, uplink } = await campus(broker.port, { receipts: true });
    await broker.subscribed('campus/v1/45/ack');
    for (let zone = 1; zone <= 20; zone++) await record('panic', { zone: { number: zone } });
    expect(sequences(await take(broker.events, 2))).toEqual([1, 2]);
    acknowledge(broker, journal.id, { urgent: '17' });
    await eventually(() =>
      expect(uplink.state().discarded).toEqual({ 'a receipt for what was never sent': 1 }),
    );
    expect(journal.position('police', 'urgent').sequence).toBe(0);
    acknowledge(broker, journal.id, { urgent: '2' });
    await eventually(() => expect(journal.position('police', 'urgent')).toEqual({ sequence: 2, sent: 2 }));
  });

  it('that name a number of another lane count for the one below it, and are counted', async () => {
    const broker = await scriptedBroker({});
    const { record, journal, uplink } = await campus(broker.port, { receipts: true });
    await broker.subscribed('campus/v1/45/ack');
    await record('panic', { zone: { number: 1 } });
    await record('fault');
    await record('panic', { zone: { number: 2 } });
    expect(sequences(await take(broker.events, 3)).toSorted()).toEqual([1, 2, 3]);
    acknowledge(broker, journal.id, { urgent: '2' });
    await eventually(() =>
      expect(uplink.state().discarded).toEqual({ 'a receipt for what was never sent': 1 }),
    );
    expect(journal.position('police', 'urgent')).toEqual({ sequence: 1, sent: 1 });
    expect(journal.position('police', 'normal').sequence).toBe(0);
    acknowledge(broker, journal.id, { urgent: '3', normal: '2' });
    await eventually(() => expect(journal.position('police', 'urgent').sequence).toBe(3));
    expect(journal.position('police', 'normal').sequence).toBe(2);
    expect(uplink.state().discarded).toEqual({ 'a receipt for what was never sent': 1 });
  });
});
