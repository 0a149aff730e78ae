/** Brokers that close the connection at what is shown, not at events: RabbitMQ at a denied topic, mosquitto 2.0.11 at times. */
import { describe, expect, it, vi } from 'vitest';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import type { Connection } from '../../drivers/platforms/mqtt/connection.ts';
import { createShowing } from '../../drivers/platforms/mqtt/showing.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const MINUTES = 60_000;

describe('a broker that closes the connection at each state', () => {
  it('has two closed, and then alarms over one that stays', async () => {
    const broker = await scriptedBroker({ closesAt: (topic) => topic.includes('/state/') });
    const warned: string[] = [];
    const warn = (_fields: object, sentence?: string) => void warned.push(sentence ?? '');
    const { record, uplink } = await campus(broker.port, {}, undefined, {
      log: { ...silentLog, warn },
      time: fastClock(5),
    });
    await vi.waitFor(() => expect(uplink.state().held).toHaveLength(1), 10_000);
    await broker.subscribed('campus/v1/45/command/+');
    expect(uplink.state().held).toEqual([
      {
        topic: 'campus/v1/45/state/#',
        reason: expect.stringContaining('closes the connection'),
        since: expect.any(String),
      },
    ]);
    for (let zone = 1; zone <= 5; zone++) {
      await record('lockdown', { device: 'gateway' });
      const { id } = await record('panic', { zone: { number: zone } });
      await broker.events.find(({ body }) => body.id === id);
      // How far it has come goes on being told.
      await broker.others.find(
        ({ topic, body }) => topic.endsWith('/life') && id !== null && JSON.stringify(body).includes(id),
      );
    }
    expect(broker.connects()).toBe(3);
    expect(warned.filter((one) => one.includes('when it is shown'))).toHaveLength(1);
  });
});

/** Connections to a broker that closes at `denied`, or answers a ping: one after another, of one uplink. */
function rig(denied: (topic: string) => boolean) {
  const time = manualClock();
  const shown: string[] = [];
  const unshown = new Set<string>();
  const host = {
    uplink: 'police',
    clock: time,
    log: silentLog,
    signal: new AbortController().signal,
    notShown(topic: string, reason: string | undefined) {
      if (reason === undefined) unshown.delete(topic);
      else unshown.add(topic);
    },
  } as unknown as PlatformHost;
  return {
    time,
    shown,
    unshown,
    /** `mute`: the broker answers no ping. */
    connect({ mute = false } = {}) {
      const ended = Promise.withResolvers<Error>();
      let open = true;
      const connection = {
        ended: ended.promise,
        publish({ topic }: { readonly topic: string }, done: (answer: object) => void) {
          if (!open) return;
          shown.push(topic);
          if (!denied(topic)) return done({ code: 0, reason: '' });
          open = false;
          ended.resolve(new Error('the connection closed'));
        },
        ping(answered: () => void) {
          if (open && !mute) void time.after(20, () => open && answered());
        },
      } as unknown as Connection;
      const cut = () => {
        open = false;
        ended.resolve(new Error('the network is gone'));
      };
      return { ...createShowing(connection, host, 'p'), cut, isOpen: () => open };
    },
  };
}

describe('what is shown', () => {
  it('is left out by kind: the first that the broker does not take, and none before or beside it', async () => {
    const { time, shown, unshown, connect } = rig((topic) => topic === 'p/state/gateway');
    for (let i = 0; i < 2; i++) {
      const { publish } = connect();
      publish('presence', '1');
      publish('state/a', '1');
      publish('state/gateway', '1');
      await time.advance(5000);
    }
    expect([...unshown]).toEqual(['p/state/#']);
    shown.length = 0;
    const { publish, isOpen } = connect();
    publish('presence', '2');
    publish('state/a', '2');
    publish('state/gateway', '2');
    publish('life', '2', { passing: true });
    await time.advance(5000);
    expect(shown).toEqual(['p/presence', 'p/life']);
    expect(isOpen()).toBe(true);
  });

  it('is shown again after ten minutes, as it is then; one end is enough to leave it out again, for twice as long', async () => {
    let denies = true;
    const { time, shown, unshown, connect } = rig((topic) => denies && topic.startsWith('p/state/'));
    for (let i = 0; i < 2; i++) {
      connect().publish('state/a', '1');
      await time.advance(5000);
    }
    const third = connect();
    third.publish('state/a', '2');
    third.publish('state/b', '2');
    shown.length = 0;
    await time.advance(10 * MINUTES);
    expect(shown).toEqual(['p/state/a']);
    expect(third.isOpen()).toBe(false);
    const fourth = connect();
    fourth.publish('state/a', '3');
    fourth.publish('state/b', '3');
    denies = false;
    shown.length = 0;
    await time.advance(19 * MINUTES);
    expect(shown).toEqual([]);
    await time.advance(MINUTES);
    expect(shown).toEqual(['p/state/a', 'p/state/b']);
    expect(unshown.size).toBe(0);
  });

  it('is tried less and less often where it is denied for good, each some hours at most', async () => {
    const { time, shown, connect } = rig((topic) => topic === 'p/campus');
    let one = connect();
    const tries: number[] = [];
    for (let minute = 0; minute < 24 * 60; minute++) {
      one.publish('campus', String(minute));
      await time.advance(MINUTES);
      if (one.isOpen()) continue;
      tries.push(minute);
      one = connect();
    }
    expect(shown.every((topic) => topic === 'p/campus')).toBe(true);
    expect(tries.length).toBeLessThan(16);
    const waits = tries.slice(1).map((at, i) => at - (tries[i] ?? 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(165);
  });

  it('is not left out by a cluster that elects a leader, and closes after 4 s whatever was shown', async () => {
    const { time, unshown, connect } = rig(() => false);
    for (let i = 0; i < 5; i++) {
      const one = connect({ mute: true });
      one.publish('presence', '1');
      await time.advance(i === 0 ? 4000 : 6000);
      one.cut();
      await time.advance(1000);
    }
    expect(unshown.size).toBe(0);
  });

  it('is not left out for a network that breaks, nor for our own goodbye', async () => {
    const { time, unshown, connect } = rig(() => false);
    for (let i = 0; i < 5; i++) {
      const one = connect();
      one.publish('presence', '1');
      one.publish('state/a', '1');
      // Long enough for an answer to a ping, where one was sent.
      await time.advance(100);
      if (i === 4) one.leave();
      one.cut();
      await time.advance(100);
    }
    expect(unshown.size).toBe(0);
  });
});
