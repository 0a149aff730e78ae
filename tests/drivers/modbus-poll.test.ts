/** What a device refuses costs the points of that read alone, and is said as what it is. */
import { describe, expect, it } from 'vitest';
import type { ModbusRequest } from '../../drivers/modbus/codec.ts';
import { createReader, pollLoop } from '../../drivers/modbus/poll.ts';
import type { Reply } from '../../drivers/modbus/wire.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost } from '../helpers.ts';
import { bits, exception, loopClock, made, oddDevice, profileOf, registers, tcpFrame } from './modbus-odd.ts';
import { open } from './modbus-peer.ts';

describe('the reads of a poll', () => {
  /** A device that has these holding registers, each 1, and refuses a request for any other (exception 2). */
  const having =
    (addresses: readonly number[], asked: string[] = []) =>
    async (request: ModbusRequest): Promise<Reply> => {
      const { address, count } = request as { address: number; count: number };
      asked.push(`${address}+${count}`);
      const all = Array.from({ length: count }, (_, i) => address + i);
      return all.every((one) => addresses.includes(one))
        ? { function: 3, registers: all.map(() => 1) }
        : { function: 3, exception: 2 };
    };
  const points = [0, 1, 2, 3].map((address) => ({ function: 3, address, bit: 0, zone: address }));

  it('are taken apart where one of several neighbours is refused, and what is refused is asked seldom', async () => {
    const clock = manualClock();
    const reader = createReader(profileOf(...points), clock);
    const asked: string[] = [];
    const ask = having([0, 1, 3], asked);
    expect(await reader.poll(ask)).toMatchObject({ answered: false });
    expect(await reader.poll(ask)).toMatchObject({ answered: false });
    const polled = await reader.poll(ask);
    expect([...polled.image.keys()]).toEqual(['3/0', '3/1', '3/3']);
    expect(polled).toMatchObject({
      answered: true,
      problem:
        'refuses function 3 at 2: illegal data address (exception 2); does the profile fit the device?',
    });
    expect(asked).toEqual(['0+4', '0+4', '0+1', '1+1', '2+1', '3+1']);
    asked.length = 0;
    for (let i = 0; i < 120; i++) {
      await clock.advance(500);
      await reader.poll(ask);
    }
    expect(asked.filter((one) => one === '2+1').length).toBeLessThan(8);
    expect(asked.filter((one) => one === '3+1')).toHaveLength(120);
    await clock.advance(60_000);
    expect(await reader.poll(having([0, 1, 2, 3]))).toMatchObject({ problem: undefined });
  });

  it('are asked again soon where the device or a gateway cannot now, and seldom where it never will', async () => {
    for (const [code, most] of [
      ...[4, 5, 6, 10, 11].map((one) => [one, 1000] as const),
      ...[1, 2, 3].map((one) => [one, 60_000] as const),
    ]) {
      const clock = manualClock();
      const apart = profileOf({ function: 2, address: 0 }, { function: 3, address: 0, bit: 0 });
      const reader = createReader(apart, clock);
      let asked = 0;
      for (let ms = 0; ms < 150_000; ms += 200) {
        await reader.poll(async (request) => {
          if (request.function === 3) return { function: 3, registers: [0] };
          asked++;
          return { function: 2, exception: code };
        });
        await clock.advance(200);
      }
      if (most === 1000) expect(asked).toBeGreaterThanOrEqual(145);
      else expect(asked).toBeLessThan(10);
    }
  });

  it('cost a silent unit one timeout, and one that is silent to some of them no more than two', async () => {
    const apart = profileOf(...[0, 10, 20, 30].map((address) => ({ function: 3, address, bit: 0 })));
    const asked: number[] = [];
    const ask =
      (answers: readonly number[]) =>
      async (request: ModbusRequest): Promise<Reply> => {
        asked.push(request.address);
        return answers.includes(request.address) ? { function: 3, registers: [1] } : { missing: 'nothing' };
      };
    const reader = createReader(apart, manualClock());
    expect(await reader.poll(ask([]))).toMatchObject({ answered: false, problem: 'nothing' });
    expect(asked).toEqual([0]);
    asked.length = 0;
    expect(await reader.poll(ask([0]))).toMatchObject({ answered: true });
    expect(asked).toEqual([0, 10, 20]);
    asked.length = 0;
    await reader.poll(ask([0]));
    expect(asked).toEqual([0, 30]);
  });
});

describe('an input that the device holds', () => {
  const held = profileOf({ function: 2, address: 0, zone: 1, kind: 'intrusion', reset: { coil: 8 } });

  it('is reset again while it stands, ever less often, and what comes after that is told', async () => {
    const clock = manualClock();
    const fake = fakeHost(undefined, clock);
    let isOn = true;
    let isLeaning = true;
    const resets: number[] = [];
    const stop = new AbortController();
    void pollLoop(
      {
        ...{ device: 'd', profile: held, zones: [], pollMs: 200 },
        ask: async () => ({ function: 2, bits: [isOn] }),
        reset: () => {
          resets.push(clock.elapsed());
          isOn = isLeaning;
        },
        hint: () => undefined,
      },
      fake.host,
      stop.signal,
    );
    await clock.advance(10_000);
    expect(resets).toEqual([0, 3000, 9000]);
    isLeaning = false;
    await clock.advance(15_000);
    isOn = true;
    await clock.advance(1000);
    stop.abort();
    expect(resets).toHaveLength(5);
    const told = fake.reports.rest().filter(({ kind }) => kind === 'intrusion');
    expect(told.map(({ state }) => state)).toEqual(['raised', 'restored', 'raised', 'restored']);
  });
});

describe('what would end', () => {
  /** Zone 1 stands; each look at its register is answered as the test says. */
  const standing = async (answers: number[], more: object = {}) => {
    const time = loopClock();
    const given: number[] = [];
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn }, write) => {
      const value = answers.shift() ?? given.at(-1) ?? 0;
      given.push(value);
      write(tcpFrame(transaction, unit, registers(fn, [value])));
    });
    const one = made(
      peer.connection,
      profileOf({ function: 3, address: 0, zone: 1, kind: 'fence', ...more }),
      { timeout: '2s', poll: '100ms' },
    );
    const { reports } = await open([one], time);
    while (given.length < 12) await time.wait(20);
    return reports.rest().flatMap(({ kind, state }) => (kind === 'fence' ? [state] : []));
  };

  it('ends where a second reading says so too, and not by a single one', async () => {
    expect(await standing([1, 1, 0, 1, 1, 0, 1])).toEqual(['raised']);
    expect(await standing([1, 1, 0, 0])).toEqual(['raised', 'restored']);
  });

  it('ends by a limit too, though the value is never the same', async () => {
    const limit = { name: 'newtons', above: 300 };
    expect(await standing([310, 312, 290, 288, 291], limit)).toEqual(['raised', 'restored']);
    expect(await standing([310, 312, 290, 305, 306], limit)).toEqual(['raised']);
  });

  it('holds up no rise', async () => {
    const time = loopClock();
    const values = [
      [1, 0],
      [0, 1],
      [0, 1],
    ];
    const told: string[] = [];
    let n = 0;
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn }, write) => {
      told.push(`read ${n}`);
      write(tcpFrame(transaction, unit, registers(fn, values[Math.min(n++, 2)] ?? [])));
    });
    const one = made(
      peer.connection,
      profileOf(
        { function: 3, address: 0, bit: 0, zone: 1, kind: 'fence' },
        { function: 3, address: 1, bit: 0, zone: 2, kind: 'fence' },
      ),
      { timeout: '2s', poll: '100ms' },
    );
    const { reports } = await open([one], time);
    void (async () => {
      for (;;) {
        const { kind, zone, state } = await reports.next();
        if (kind === 'fence') told.push(`${zone?.number} ${state}`);
      }
    })();
    while (n < 4) await time.wait(20);
    expect(told.slice(0, 7)).toEqual([
      'read 0',
      '1 raised',
      '2 restored',
      'read 1',
      '2 raised',
      'read 2',
      '1 restored',
    ]);
  });
});

describe('a device that refuses', () => {
  it.each([
    [1, 'refuses function 3 at 0: illegal function (exception 1); does the profile fit the device?'],
    [2, 'refuses function 3 at 0: illegal data address (exception 2); does the profile fit the device?'],
    [4, 'answers to function 3 at 0: device failure (exception 4)'],
    [5, 'answers to function 3 at 0: acknowledge, still at work (exception 5)'],
    [6, 'answers to function 3 at 0: device busy (exception 6)'],
    [10, 'answers to function 3 at 0: gateway path unavailable (exception 10)'],
    [11, 'answers to function 3 at 0: gateway target does not answer (exception 11)'],
  ])('exception %i is told as what it is', async (code, reason) => {
    const time = loopClock();
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn }, write) =>
      write(tcpFrame(transaction, unit, exception(fn, code))),
    );
    const one = made(peer.connection, profileOf({ function: 3, address: 0, bit: 0 }), { timeout: '2s' });
    const { links } = await open([one], time);
    expect(await links.next()).toMatchObject({ state: 'offline', reason });
  });

  it('goes on alarming with what it does not refuse, and what cannot be read is a fault', async () => {
    const time = loopClock();
    let isPressed = false;
    let hasVolts = false;
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn }, write) => {
      const volts = hasVolts ? registers(fn, [230]) : exception(fn, 2);
      write(tcpFrame(transaction, unit, fn === 2 ? bits(fn, [isPressed]) : volts));
    });
    const one = made(
      peer.connection,
      profileOf(
        { function: 2, address: 0, zone: 1, kind: 'panic' },
        { function: 4, address: 0, name: 'volts', scale: 1, zone: 2 },
      ),
      { timeout: '2s' },
    );
    const { reports, links } = await open([one], time);
    expect(await links.next()).toMatchObject({ state: 'online' });
    expect(await reports.find(({ kind }) => kind === 'fault')).toMatchObject({
      cause: 'unreadable',
      state: 'raised',
      text: expect.stringContaining('function 4 at 0: illegal data address'),
    });
    isPressed = true;
    expect(await reports.next()).toMatchObject({ kind: 'panic', state: 'raised', zone: { number: 1 } });
    hasVolts = true;
    expect(await reports.next()).toMatchObject({ kind: 'fault', cause: 'unreadable', state: 'restored' });
    expect(links.rest()).toEqual([]);
  });

  it('is asked again when it is busy, and is off in the end', async () => {
    const time = loopClock();
    const coils: number[] = [];
    let busy = 0;
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn, count, pdu }, write) => {
      if (fn === 3) return write(tcpFrame(transaction, unit, registers(fn, [0])));
      if (busy-- > 0) return write(tcpFrame(transaction, unit, exception(fn, 6)));
      coils.push(count);
      write(tcpFrame(transaction, unit, pdu));
    });
    const one = made(peer.connection, profileOf({ function: 3, address: 0, bit: 0 }), {
      timeout: '2s',
      outputs: [{ id: 'siren', kind: 'siren', coil: 7 }],
    });
    const { session } = await open([one], time);
    const told = (action: string) =>
      session.execute?.({ id: 'c', device: 'fence-1', action, arguments: { output: 'siren' } });
    busy = 2;
    expect(await told('activate')).toEqual({ done: true });
    busy = 5;
    expect(await told('deactivate')).toMatchObject({
      done: false,
      reason: 'coil 7: device busy (exception 6)',
    });
    while (coils.at(-1) !== 0) await time.wait(100);
    expect(coils.filter((value) => value === 0xff00)).toHaveLength(1);
  });
});
