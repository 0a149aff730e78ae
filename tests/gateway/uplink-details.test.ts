/** How an uplink is, told apart: each number against a platform that does what the test says. */
import { describe, expect, it } from 'vitest';
import { eventually, take } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

type Campus = Awaited<ReturnType<typeof campus>>;
const laneOf = ({ uplink }: Campus, lane: string) => uplink.details().lanes.find((one) => one.lane === lane)!;

describe('the details of an uplink', () => {
  it('say since when it is connected and how, and where to without its password', async () => {
    const broker = await scriptedBroker({});
    const before = Date.now();
    const one = await campus(broker.port, { username: 'gate', password: 'not-to-be-seen' });
    await eventually(() => expect(one.uplink.details().about).toEqual({ mqtt: '5' }));
    const { since, where, protocol, receipts } = one.uplink.details();
    expect(since).toBeGreaterThanOrEqual(before);
    expect([where, protocol]).toEqual([`mqtt://127.0.0.1:${broker.port}`, 'mqtt']);
    expect(receipts).toEqual({ wanted: false, possible: true, late: false });
    expect(JSON.stringify(one.uplink.details())).not.toContain('not-to-be-seen');
  });

  it('have of each lane what waits, and when the platform took one last', async () => {
    const broker = await scriptedBroker({});
    const one = await campus(broker.port, { events: ['alarm.*'] });
    const before = Date.now();
    await one.record('panic');
    await one.record('fault');
    await take(broker.events, 1);
    await eventually(() => expect(laneOf(one, 'urgent').takenAt).toBeGreaterThanOrEqual(before));
    // The cursor follows the answer.
    await eventually(async () => {
      await one.uplink.backlog.look();
      expect(laneOf(one, 'urgent')).toMatchObject({ waiting: 0, flying: 0, storedAt: undefined });
    });
    // What it does not want is none of its backlog.
    expect(laneOf(one, 'normal')).toMatchObject({ waiting: 0, last: 2, takenAt: undefined });
  });

  it('say that receipts are late where it takes events and does not say that it stores them', async () => {
    const broker = await scriptedBroker({});
    const one = await campus(broker.port, { receipts: true, receiptTimeout: '1s' });
    await broker.subscribed('campus/v1/45/ack');
    await one.record('panic');
    await eventually(() => expect(laneOf(one, 'urgent').unconfirmed).toBe(1));
    expect(one.uplink.details().receipts.late).toBe(false);
    // It is sent again meanwhile, which makes them no less late.
    await eventually(() => expect(one.uplink.details().receipts.late).toBe(true));
    broker.send('campus/v1/45/ack', { journal: one.journal.id, urgent: '1' });
    await eventually(() => expect(one.uplink.details().receipts.late).toBe(false));
    await eventually(async () => {
      await one.uplink.backlog.look();
      const { storedAt, unconfirmed, waiting } = laneOf(one, 'urgent');
      expect([typeof storedAt, unconfirmed, waiting]).toEqual(['number', 0, 0]);
    });
  });

  it('have each hold with its events, its lane and its reason', async () => {
    const broker = await scriptedBroker({
      answer: ({ topic }) => (topic.includes('/device/') ? 0x87 : 0),
    });
    const one = await campus(broker.port);
    await one.record('fault');
    await one.record('fault', { cause: 'second' });
    await one.record('panic');
    await eventually(() => expect(one.uplink.details().holds).toHaveLength(1));
    await eventually(async () => {
      await one.uplink.backlog.look();
      expect(one.uplink.details().holds).toEqual([
        {
          ...{ address: 'campus/v1/45/event/device/d', lane: 'normal', first: 1, last: 2, events: 2 },
          ...{ single: false, reason: expect.stringMatching(/./), since: expect.any(Number) },
        },
      ]);
    });
    await eventually(() => {
      expect(laneOf(one, 'normal').waiting).toBe(0);
      expect(one.uplink.state().backlog).toBe(2);
    });
  });
});
