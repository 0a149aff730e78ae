/** One answer, one question: what comes late, short, from elsewhere or in pieces is taken for nothing else. */
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../drivers/contract/observation.ts';
import {
  type Answer,
  bits,
  bollard,
  exception,
  inputs,
  loopClock,
  made,
  oddDevice,
  type Question,
  raise,
  registers,
  rtuFrame,
  tcpFrame,
  zones,
} from './modbus-odd.ts';
import { open } from './modbus-peer.ts';

const changes = (all: readonly Observation[]) =>
  all
    .filter(({ initial, kind }) => initial !== true && kind !== 'fault')
    .map(({ zone, state }) => `${zone?.number} ${state}`);
describe('RTU, behind a serial server that holds answers back', () => {
  /** Input 5 is on; every question for all inputs is answered so late, while `late` says so. */
  const standing = (late: (question: Question) => number, writes: number[]): Answer => {
    return ({ unit, fn, address, count, pdu, n, transaction }, write) => {
      if (fn === 5) {
        if (count !== 0) writes.push(address);
        return write(rtuFrame(unit, pdu));
      }
      const on = Array.from({ length: count }, (_, i) => address + i === 5);
      write(rtuFrame(unit, bits(fn, on)), late({ unit, fn, address, count, pdu, n, transaction }));
    };
  };

  it.each([340, 700, 1200])(
    'moves no bollard while its interlock is on, where the poll is answered after %i ms',
    async (afterMs) => {
      const time = loopClock();
      const writes: number[] = [];
      const peer = await oddDevice(
        'rtu',
        time,
        standing(({ count }) => (count === 8 ? afterMs : 0), writes),
      );
      const { session } = await open([made(peer.connection, inputs, bollard)], time);
      for (let i = 0; i < 6; i++) {
        expect(await session.execute?.(raise)).toMatchObject({ done: false });
        await time.wait(130);
      }
      expect(writes).toEqual([]);
    },
  );

  it('takes the late answer to one read for no other of the same length, and says how late it is', async () => {
    const time = loopClock();
    let isLate = false;
    const peer = await oddDevice('rtu', time, ({ unit, fn, address, count }, write) => {
      const values = Array.from({ length: count }, (_, i) => (address + i === 0 ? 4 : 0));
      write(rtuFrame(unit, registers(fn, values)), isLate && address === 0 ? 600 : 0);
    });
    const { reports, discards, links } = await open([made(peer.connection, zones)], time);
    await reports.find(({ zone }) => zone?.number === 2);
    isLate = true;
    const late = await discards.find(({ reason }) => reason === 'an answer after its time');
    expect(late.detail).toMatch(/^unit 1 after \d+ ms$/);
    const offline = await links.find(({ state }) => state === 'offline');
    expect(offline.reason).toMatch(/^unit 1 answers after \d+ ms, and its `timeout` is 300 ms$/);
    isLate = false;
    await links.find(({ state }) => state === 'online');
    expect(changes(reports.rest())).toEqual([]);
  });

  it('believes the last of two answers, where one was owed and both come at once', async () => {
    const time = loopClock();
    let owed: Buffer | undefined;
    const peer = await oddDevice('rtu', time, ({ unit, fn, address, count, n }, write) => {
      const own = rtuFrame(unit, registers(fn, Array(count).fill(address === 0 ? 4 : 0)));
      // The answer to a read of address 0 waits for the next question, whatever that is.
      if (n > 4 && address === 0 && owed === undefined) {
        owed = own;
        return;
      }
      write(owed === undefined ? own : Buffer.concat([owed, own]));
      owed = undefined;
    });
    const { reports, discards } = await open([made(peer.connection, zones)], time);
    for (let i = 0; i < 3; i++) await discards.find(({ reason }) => reason === 'an answer after its time');
    expect(changes(reports.rest())).toEqual([]);
  });

  it('asks the others on the line while one owes its answer', async () => {
    const time = loopClock();
    const peer = await oddDevice('rtu', time, ({ unit, fn, count }, write) =>
      write(rtuFrame(unit, registers(fn, Array(count).fill(0))), unit === 2 ? 800 : 0),
    );
    const { links } = await open(
      [1, 2, 3].map((unit) => made(peer.connection, zones, {}, unit)),
      time,
    );
    await links.find(({ state, device: id }) => state === 'offline' && id === 'fence-2');
    const times = (unit: number) => peer.asked.filter((one) => one.unit === unit).length;
    expect(Math.min(times(1), times(3))).toBeGreaterThan(3 * times(2));
    expect(links.rest()).toEqual([]);
  });

  it('takes no echo of another write for the confirmation of its own', async () => {
    const time = loopClock();
    const peer = await oddDevice('rtu', time, ({ unit, fn, count, pdu }, write) => {
      if (fn !== 5) return write(rtuFrame(unit, registers(fn, Array(count).fill(0))));
      // Coil 9, whatever coil was meant (V1.1b3, 6.5: the answer is an echo of the request).
      write(rtuFrame(unit, Buffer.from([5, 0, 9, pdu[3] ?? 0, pdu[4] ?? 0])));
    });
    const lamp = { outputs: [{ id: 'l', kind: 'lamp', coil: 3 }] };
    const { session } = await open([made(peer.connection, zones, lamp)], time);
    const on = { ...raise, action: 'activate', arguments: { output: 'l' } };
    expect(await session.execute?.(on)).toMatchObject({ done: false, unknown: true });
  });
});

describe('RTU, a line with a device that is slow, or away', () => {
  it('says that a unit with outputs is offline, and asks the others, while it insists that those be off', async () => {
    const time = loopClock();
    const peer = await oddDevice('rtu', time, ({ unit, fn, count }, write) => {
      if (unit !== 2) write(rtuFrame(unit, registers(fn, Array(count).fill(0))));
    });
    const sirens = { outputs: [1, 2, 3, 4, 5, 6].map((coil) => ({ id: `s${coil}`, kind: 'siren', coil })) };
    const { links } = await open(
      [made(peer.connection, zones), made(peer.connection, zones, sirens, 2)],
      time,
    );
    const from = time.elapsed();
    await links.find(({ state, device: id }) => state === 'offline' && id === 'fence-2');
    expect(time.elapsed() - from).toBeLessThan(15_000);
    const before = peer.asked.filter(({ unit }) => unit === 1).length;
    await time.wait(10_000);
    expect(peer.asked.filter(({ unit }) => unit === 1).length - before).toBeGreaterThan(100);
    expect(peer.asked.filter(({ unit, fn }) => unit === 2 && fn === 5).length).toBeGreaterThan(6);
  });

  it.each(['tcp', 'rtu'] as const)(
    'is polled all the same where it is deaf to writes, %s',
    async (framing) => {
      const time = loopClock();
      const frameOf = ({ transaction, unit }: Question, pdu: Buffer) =>
        framing === 'tcp' ? tcpFrame(transaction, unit, pdu) : rtuFrame(unit, pdu);
      const peer = await oddDevice(framing, time, (question, write) => {
        const { fn, count } = question;
        if (fn === 3) write(frameOf(question, registers(fn, Array(count).fill(0))));
      });
      const sirens = Array.from({ length: 12 }, (_, coil) => ({ id: `s${coil}`, kind: 'siren', coil }));
      const { session, links } = await open([made(peer.connection, zones, { outputs: sirens })], time);
      let ended = '';
      session.ended.catch((error: Error) => {
        ended = error.message;
      });
      await time.wait(4000);
      const reads = peer.asked.filter(({ fn }) => fn === 3).length;
      expect(reads).toBeGreaterThan(5);
      expect(links.rest().map(({ state }) => state)).toEqual(['online']);
      expect(ended).toBe('');
    },
  );

  it('lets the line rest after a slow device, as its `delay` says', async () => {
    const time = loopClock();
    const times: number[] = [];
    const peer = await oddDevice('rtu', time, ({ unit, fn, count }, write) => {
      times.push(time.elapsed());
      write(rtuFrame(unit, registers(fn, Array(count).fill(0))));
    });
    await open([made(peer.connection, zones, { delay: '40ms', poll: '10ms' })], time);
    while (times.length < 20) await time.wait(10);
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(40);
  });
});

/** A fence whose zone 2 is touched; the device spoils what it says as the test wants. */
const spoiled = async (spoil: Answer, more: object = {}) => {
  const time = loopClock();
  const words = (address: number, count: number) =>
    Array.from({ length: count }, (_, i) => (address + i === 100 ? 4 : 0));
  const peer = await oddDevice('tcp', time, (question, write, socket) => {
    const { transaction, unit, fn, address, count } = question;
    const good = () => write(tcpFrame(transaction, unit, registers(fn, words(address, count))));
    if (question.n % 3 === 0) spoil(question, write, socket);
    else good();
  });
  const opened = await open([made(peer.connection, zones, { poll: '20ms', ...more })], time);
  await opened.reports.find(({ zone }) => zone?.number === 2);
  while (peer.asked.length < 20) await time.wait(20);
  return { ...opened, peer };
};
const wrongValue = (fn: number, count: number) => registers(fn, Array(count).fill(0xffff));

describe('Modbus TCP', () => {
  it.each<[string, Answer]>([
    [
      'fewer registers than asked',
      ({ transaction, unit, fn }, write) => write(tcpFrame(transaction, unit, Buffer.from([fn, 0]))),
    ],
    [
      'more registers than asked',
      ({ transaction, unit, fn, count }, write) =>
        write(tcpFrame(transaction, unit, wrongValue(fn, count + 1))),
    ],
    [
      'an answer of another unit',
      ({ transaction, fn, count }, write) => write(tcpFrame(transaction, 7, wrongValue(fn, count))),
    ],
    [
      'an answer of another function',
      ({ transaction, unit, count }, write) => write(tcpFrame(transaction, unit, wrongValue(4, count))),
    ],
    [
      'an exception to another function',
      ({ transaction, unit }, write) => write(tcpFrame(transaction, unit, exception(4, 2))),
    ],
    [
      'another transaction number',
      ({ transaction, unit, fn, count }, write) =>
        write(tcpFrame(transaction + 9, unit, wrongValue(fn, count))),
    ],
    [
      'a length that is too small',
      ({ transaction, unit, fn, count }, write) => {
        const frame = tcpFrame(transaction, unit, wrongValue(fn, count));
        frame.writeUInt16BE(3, 4);
        write(frame);
      },
    ],
    [
      'a length that is too large',
      ({ transaction, unit, fn, count }, write) => {
        const frame = tcpFrame(transaction, unit, wrongValue(fn, count));
        frame.writeUInt16BE(60, 4);
        write(frame);
      },
    ],
    [
      'another protocol',
      ({ transaction, unit, fn, count }, write) => {
        const frame = tcpFrame(transaction, unit, wrongValue(fn, count));
        frame.writeUInt16BE(1, 2);
        write(frame);
      },
    ],
    ['a closed connection', (_question, _write, socket) => socket.destroy()],
    ['a reset connection', (_question, _write, socket) => socket.resetAndDestroy()],
  ])('tells nothing that is not so and no outage, where every third answer is %s', async (_name, spoil) => {
    const { reports, links } = await spoiled(spoil);
    expect(changes(reports.rest())).toEqual([]);
    expect(links.rest().map(({ state }) => state)).toEqual(['online']);
  });

  it('reads answers byte by byte, and with bytes of none behind them', async () => {
    const { reports, links, peer } = await spoiled(({ transaction, unit, fn, address, count, n }, write) => {
      const frame = tcpFrame(transaction, unit, registers(fn, Array(count).fill(address === 100 ? 4 : 0)));
      if (n % 2 === 0) for (const [i, byte] of [...frame].entries()) write(Buffer.from([byte]), i + 1);
      else write(Buffer.concat([frame, Buffer.from([0, 0, 0])]));
    });
    expect(changes(reports.rest())).toEqual([]);
    expect(links.rest().map(({ state }) => state)).toEqual(['online']);
    expect(peer.connections()).toBe(1);
  });

  it('takes 0 and 255 for the unit of a device that is alone, and what `answersAs` says', async () => {
    const time = loopClock();
    for (const [from, more] of [
      [0, {}],
      [255, {}],
      [9, { answersAs: 9 }],
    ] as const) {
      const peer = await oddDevice('tcp', time, ({ transaction, fn, count }, write) =>
        write(tcpFrame(transaction, from, registers(fn, Array(count).fill(0)))),
      );
      const { links } = await open([made(peer.connection, zones, more)], time);
      expect(await links.next()).toMatchObject({ state: 'online' });
    }
  });
});

describe.each(['tcp', 'rtu'] as const)('a connection that does not last, %s', (framing) => {
  const lamp = { outputs: [{ id: 'l', kind: 'lamp', coil: 3 }] };
  const dropping = async (end: (n: number, bytes: Buffer, socket: Socket) => void) => {
    const time = loopClock();
    const peer = await oddDevice(
      framing,
      time,
      ({ transaction, unit, fn, count, pdu, n }, _write, socket) => {
        const own = fn === 5 ? pdu : registers(fn, Array(count).fill(0));
        end(n, framing === 'tcp' ? tcpFrame(transaction, unit, own) : rtuFrame(unit, own), socket);
      },
    );
    const { session, links } = await open([made(peer.connection, zones, lamp)], time);
    const tell = (action: string) => session.execute?.({ ...raise, action, arguments: { output: 'l' } });
    return { time, peer, links, tell };
  };

  it('is opened anew after each answer, without an outage, and outputs are switched', async () => {
    const { time, peer, links, tell } = await dropping((_n, bytes, socket) => socket.end(bytes));
    while (peer.asked.length < 12) await time.wait(20);
    for (const action of ['activate', 'deactivate', 'activate', 'deactivate'])
      expect(await tell(action)).toEqual({ done: true });
    expect(links.rest().map(({ state }) => state)).toEqual(['online']);
  });

  it('is opened anew where it is reset now and then, without an outage', async () => {
    const { time, peer, links } = await dropping((n, bytes, socket) => {
      if (n % 7 === 0) socket.resetAndDestroy();
      else socket.write(bytes);
    });
    while (peer.connections() < 6) await time.wait(20);
    expect(links.rest().map(({ state }) => state)).toEqual(['online']);
  });
});
