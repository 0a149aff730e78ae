/** Several units behind one address: a gateway to a serial line does one thing at a time. */
import { describe, expect, it } from 'vitest';
import {
  bits,
  bollard,
  exception,
  inputs,
  loopClock,
  made,
  oddDevice,
  raise,
  registers,
  tcpFrame,
  zones,
} from './modbus-odd.ts';
import { open } from './modbus-peer.ts';

describe('a gateway from TCP to a serial line', () => {
  it('moves no bollard where a gateway gives a late answer the number of the next question', async () => {
    const time = loopClock();
    const writes: number[] = [];
    let held: Buffer | undefined;
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn, address, count, pdu, n }, write) => {
      if (fn === 5) {
        if (count !== 0) writes.push(address);
        return write(tcpFrame(transaction, unit, pdu));
      }
      // Input 5 is on. The poll is now and then answered after 500 ms, or to whoever asks before.
      const own = bits(
        fn,
        Array.from({ length: count }, (_, i) => address + i === 5),
      );
      if (count === 8 && n % 4 === 0) {
        held = own;
        time.after(500, () => {
          if (held === own) write(tcpFrame(transaction, unit, own));
          held = undefined;
        });
        return;
      }
      write(tcpFrame(transaction, unit, held ?? own));
      held = undefined;
    });
    const { session } = await open([made(peer.connection, inputs, bollard)], time);
    for (let i = 0; i < 20; i++) {
      expect(await session.execute?.(raise)).toMatchObject({ done: false });
      await time.wait(70);
    }
    expect(writes).toEqual([]);
  });

  it('is asked one thing at a time', async () => {
    const time = loopClock();
    let busy = 0;
    let most = 0;
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn, count }, write) => {
      most = Math.max(most, ++busy);
      time.after(60, () => {
        busy--;
        write(tcpFrame(transaction, unit, registers(fn, Array(count).fill(0))));
      });
    });
    const { links } = await open(
      [1, 2, 3, 4, 5, 6, 7, 8].map((unit) => made(peer.connection, zones, {}, unit)),
      time,
    );
    while (peer.asked.length < 60) await time.wait(50);
    expect(most).toBe(1);
    expect(links.rest().map(({ state }) => state)).toEqual(Array(8).fill('online'));
  });

  it('waits out what a silent unit keeps it busy with: the others stay online', async () => {
    const time = loopClock();
    // One line: each question is done after those before it; the silent unit costs it 800 ms, then exception 11.
    let free = 0;
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn, count }, write) => {
      free = Math.max(free, time.elapsed()) + (unit === 2 ? 800 : 20);
      const pdu = unit === 2 ? exception(fn, 11) : registers(fn, Array(count).fill(0));
      write(tcpFrame(transaction, unit, pdu), free - time.elapsed());
    });
    const { links } = await open(
      [1, 2, 3].map((unit) => made(peer.connection, zones, {}, unit)),
      time,
    );
    const offline = await links.find(({ state }) => state === 'offline');
    expect(offline).toMatchObject({ device: 'fence-2' });
    const before = peer.asked.length;
    while (peer.asked.length < before + 60) await time.wait(50);
    expect(links.rest()).toEqual([]);
  });
});

describe('the connection to such a gateway', () => {
  it('is no outage where it closes after one of its units was silent', async () => {
    const time = loopClock();
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn, count }, write, socket) => {
      if (unit === 2) time.after(400, () => socket.destroy());
      else write(tcpFrame(transaction, unit, registers(fn, Array(count).fill(0))));
    });
    const { links } = await open(
      [1, 2].map((unit) => made(peer.connection, zones, {}, unit)),
      time,
    );
    await links.find(({ state, device: id }) => state === 'offline' && id === 'fence-2');
    const before = peer.connections();
    while (peer.connections() < before + 3) await time.wait(100);
    expect(links.rest()).toEqual([]);
  });

  it('is connected to anew when all of its units fell silent, and not for one of them', async () => {
    const time = loopClock();
    let silent: readonly number[] = [];
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn, count }, write) => {
      if (!silent.includes(unit)) write(tcpFrame(transaction, unit, registers(fn, Array(count).fill(0))));
    });
    const { session, links } = await open(
      [1, 2].map((unit) => made(peer.connection, zones, { timeout: '1s' }, unit)),
      time,
    );
    await links.next();
    await links.next();
    let ended = '';
    session.ended.catch((error: Error) => {
      ended = error.message;
    });
    silent = [2];
    expect(await links.next()).toMatchObject({ device: 'fence-2', state: 'offline' });
    await time.wait(6000);
    expect(ended).toBe('');
    silent = [1, 2];
    await expect(session.ended).rejects.toMatchObject({
      code: 'E_LINE_LOST',
      message: expect.stringContaining('none of its devices answers'),
    });
    // What was heard before is set up rightly: no more is said of it.
    expect(await links.next()).toMatchObject({ device: 'fence-1', reason: 'unit 1 does not answer' });
  });
});

/** Against Messaging on TCP/IP V1.0b, 4.2 (the server copies the number), as cheap serial servers do. */
describe('a server that answers transaction 0, whatever it is asked', () => {
  /** Input 5 is on, zone 2 is touched; answers come so late. */
  const numberless = async (afterMs: (n: number) => number, options: object = {}, units = [1]) => {
    const time = loopClock();
    const moved: number[] = [];
    let busy = 0;
    let most = 0;
    const peer = await oddDevice('tcp', time, ({ unit, fn, address, count, pdu, n }, write) => {
      most = Math.max(most, ++busy);
      if (fn === 5 && count !== 0) moved.push(address);
      const on = Array.from({ length: count }, (_, i) => address + i === (fn === 2 ? 5 : 100));
      const own =
        fn === 5
          ? pdu
          : fn === 2
            ? bits(fn, on)
            : registers(
                fn,
                on.map((one) => (one ? 4 : 0)),
              );
      time.after(afterMs(n), () => {
        busy--;
        write(tcpFrame(0, unit, own));
      });
    });
    const opened = await open(
      units.map((unit) =>
        made({ ...peer.connection, ...options }, zones, { ...bollard, poll: '20ms' }, unit),
      ),
      time,
    );
    /** Since it was last asked. */
    const mostAtOnce = () => {
      const found = most;
      most = 0;
      return found;
    };
    return { ...opened, time, peer, moved, mostAtOnce };
  };

  it('is read and written, and that is said once', async () => {
    const { links, reports, unmapped, session, peer, time } = await numberless(() => 2);
    expect(await links.next()).toMatchObject({ state: 'online' });
    expect(await reports.find(({ zone }) => zone?.number === 2)).toMatchObject({ state: 'raised' });
    expect(await session.execute?.(raise)).toMatchObject({
      reason: expect.stringContaining('its interlock is on'),
    });
    while (peer.asked.length < 60) await time.wait(20);
    expect(unmapped.rest()).toEqual([{ device: 'fence-1', what: 'transaction 0 in its answers' }]);
    expect(peer.connections()).toBe(1);
  });

  it.each([3, 4, 7])(
    'has late answers taken for no other question, where every %ith is late',
    async (every) => {
      const { reports, session, peer, time, moved } = await numberless((n) => (n % every === 0 ? 340 : 2));
      await reports.find(({ zone }) => zone?.number === 2);
      for (let i = 0; i < 12; i++) {
        expect(await session.execute?.(raise)).toMatchObject({ done: false });
        await time.wait(170);
      }
      while (peer.asked.length < 60) await time.wait(20);
      expect(moved).toEqual([]);
      const changes = reports.rest().filter(({ initial, kind }) => initial !== true && kind === 'fence');
      expect(changes).toEqual([]);
      expect(peer.connections()).toBeGreaterThan(3);
    },
  );

  it.each([1, 5, 12])(
    'has no answer that comes twice taken for another question, %i ms later',
    async (laterMs) => {
      const time = loopClock();
      const peer = await oddDevice('tcp', time, ({ unit, fn, address, count }, write) => {
        const own = registers(fn, Array(count).fill(address === 100 ? 4 : 0));
        write(tcpFrame(0, unit, own), 15);
        write(tcpFrame(0, unit, own), 15 + laterMs);
      });
      const { reports } = await open([made(peer.connection, zones, { poll: '20ms' })], time);
      await reports.find(({ zone }) => zone?.number === 2);
      while (peer.asked.length < 30) await time.wait(20);
      expect(reports.rest().filter(({ initial, kind }) => initial !== true && kind === 'fence')).toEqual([]);
    },
  );

  it('is read where its first answers are late', async () => {
    const { links, reports } = await numberless((n) => (n < 4 ? 500 : 2));
    expect(await links.find(({ state }) => state === 'online')).toBeDefined();
    expect(await reports.find(({ zone }) => zone?.number === 2)).toMatchObject({ state: 'raised' });
  });

  it('is asked one thing at a time, whatever `parallel` says', async () => {
    const { links, peer, time, mostAtOnce } = await numberless(() => 5, { parallel: 4 }, [1, 2, 3, 4]);
    for (let i = 0; i < 4; i++) expect(await links.next()).toMatchObject({ state: 'online' });
    mostAtOnce();
    while (peer.asked.length < 200) await time.wait(20);
    expect(mostAtOnce()).toBe(1);
    expect(links.rest()).toEqual([]);
  });

  it('is not believed where it answered with numbers before', async () => {
    const time = loopClock();
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn, count, n }, write) => {
      const isOdd = n > 6 && n % 3 === 0;
      const value = isOdd ? 4 : 0;
      write(tcpFrame(isOdd ? 0 : transaction, unit, registers(fn, Array(count).fill(value))));
    });
    const { reports, links } = await open([made(peer.connection, zones)], time);
    await links.next();
    while (peer.asked.length < 30) await time.wait(20);
    expect(reports.rest().filter(({ state }) => state === 'raised')).toEqual([]);
  });
});
