/** What RTU lines do to frames: give back what is sent, whole or torn; spoil bytes; say things twice. */
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../drivers/contract/observation.ts';
import {
  type Answer,
  bits,
  inputs,
  loopClock,
  made,
  oddDevice,
  profileOf,
  type Question,
  raise,
  registers,
  rtuFrame,
  zones,
} from './modbus-odd.ts';
import { open } from './modbus-peer.ts';

const outputs = [
  { id: 'coil', kind: 'lamp', coil: 3 },
  { id: 'register', kind: 'lamp', register: { address: 7, on: 2 } },
  { id: 'first', kind: 'lamp', register: { address: 0, on: 0, off: 1 } },
  { id: 'registers', kind: 'lamp', register: { address: 8, on: 2, function: 16 } },
];
const written = ['coil', 'register', 'first', 'registers'];

/** The answer of a device by the standard: a write repeats what it did (V1.1b3, 6.5, 6.6, 6.12). */
const ownOf = ({ unit, fn, count, pdu }: Question) => {
  if (fn > 4) return rtuFrame(unit, pdu.subarray(0, 5));
  return rtuFrame(unit, fn <= 2 ? bits(fn, Array(count).fill(false)) : registers(fn, Array(count).fill(0)));
};

/** What the line gives back of each question before the device says anything. */
type Spoil = (echo: Buffer, question: Question) => readonly Buffer[];

async function onLine(spoil: Spoil, hears: boolean) {
  const time = loopClock();
  let spoils: Spoil = () => [];
  const peer = await oddDevice('rtu', time, (question, write) => {
    const isWrite = question.fn > 4;
    for (const piece of spoils(rtuFrame(question.unit, question.pdu), question)) write(piece);
    if (!isWrite || hears) write(ownOf(question), 5);
  });
  spoils = spoil;
  const opened = await open([made(peer.connection, zones, { outputs, poll: '20ms' })], time);
  await opened.links.next();
  while (peer.asked.length < 12) await time.wait(10);
  return {
    ...opened,
    time,
    tell: (output: string) =>
      opened.session.execute?.({ ...raise, action: 'activate', arguments: { output } }),
  };
}

const whole: Spoil = (echo) => [echo];
const glitch = Buffer.from([0]);

describe('a line that gives back what is sent', () => {
  it.each<[string, Spoil]>([
    ['whole', whole],
    ['byte by byte', (echo) => [...echo].map((byte) => Buffer.from([byte]))],
    ['after a glitch', (echo) => [Buffer.concat([glitch, echo])]],
    ['after a glitch that is like its first byte', (echo) => [Buffer.concat([echo.subarray(0, 1), echo])]],
    ['before a glitch', (echo) => [Buffer.concat([echo, glitch])]],
    ['twice', (echo) => [echo, echo]],
    ['without its first byte', (echo) => [echo.subarray(1)]],
    ['with a wrong first byte', (echo) => [Buffer.concat([glitch, echo.subarray(1)])]],
    ['half', (echo) => [echo.subarray(0, 5)]],
    ['whole or torn, in turn', (echo, { n }) => [n % 2 === 0 ? echo : echo.subarray(0, 5)]],
    ['whole, but of every second read', (echo, { address }) => (address === 100 ? [] : [echo])],
  ])('confirms nothing: only the device does (%s)', async (_name, spoil) => {
    const alive = await onLine(spoil, true);
    for (const output of written) expect(await alive.tell(output)).toEqual({ done: true });
    const dead = await onLine(spoil, false);
    for (const output of written)
      expect(await dead.tell(output)).toMatchObject({ done: false, unknown: true });
  });

  it.each<[string, Spoil]>([
    ['a glitch in its middle', (echo) => [echo.subarray(0, 4), glitch, echo.subarray(4)]],
    ['a glitch before it', (echo) => [glitch, echo]],
    ['a break before it', (echo) => [Buffer.alloc(6), echo]],
    ['half of it', (echo) => [echo.subarray(0, 4)]],
    ['nothing of it', () => []],
  ])('is known as such also where a write comes back with %s', async (_name, spoil) => {
    const dead = await onLine((echo, question) => (question.fn > 4 ? spoil(echo, question) : [echo]), false);
    for (const output of written)
      expect(await dead.tell(output)).toMatchObject({ done: false, unknown: true });
  });

  it('confirms nothing late: an echo after its time is none of the next writes', async () => {
    const time = loopClock();
    const peer = await oddDevice('rtu', time, (question, write) => {
      const isWrite = question.fn > 4;
      write(rtuFrame(question.unit, question.pdu), isWrite ? 350 : 0);
      if (!isWrite) write(ownOf(question), 5);
    });
    const { session, links } = await open([made(peer.connection, zones, { outputs })], time);
    await links.next();
    for (let i = 0; i < 3; i++)
      expect(
        await session.execute?.({ ...raise, action: 'activate', arguments: { output: 'coil' } }),
      ).toMatchObject({ done: false, unknown: true });
  });

  it('shows no alarm where a question is like its answer: 24 inputs from 768 on (V1.1b3, 6.2)', async () => {
    const time = loopClock();
    // 01 02 03 00 00 18 and CRC: also three bytes of inputs, of which the last two rows are on.
    const peer = await oddDevice('rtu', time, (question, write) => {
      write(rtuFrame(question.unit, question.pdu));
      write(ownOf(question), 5);
    });
    const points = Array.from({ length: 24 }, (_, i) => ({ function: 2, address: 768 + i, zone: i }));
    const { reports, discards } = await open([made(peer.connection, profileOf(...points))], time);
    while (peer.asked.length < 12) await time.wait(20);
    expect(reports.rest().filter(({ state }) => state === 'raised')).toEqual([]);
    expect(discards.rest()).toEqual([]);
  });
});

describe('a line that gives nothing back', () => {
  it.each<[string, Spoil]>([
    ['clean', () => []],
    ['with a glitch before each answer', () => [glitch]],
    ['with three of them', () => [Buffer.from([0xff, 0, 0xff])]],
  ])('has writes confirmed by the one answer, %s', async (_name, spoil) => {
    const alive = await onLine(spoil, true);
    for (const output of written) expect(await alive.tell(output)).toEqual({ done: true });
    const dead = await onLine(spoil, false);
    for (const output of written)
      expect(await dead.tell(output)).toMatchObject({ done: false, unknown: true });
  });

  it('is not known before a read was answered: a write is not confirmed by what may be its echo', async () => {
    const time = loopClock();
    const peer = await oddDevice('rtu', time, (question, write) => {
      if (question.fn > 4) write(rtuFrame(question.unit, question.pdu));
    });
    const { session } = await open([made(peer.connection, zones, { outputs })], time);
    expect(
      await session.execute?.({ ...raise, action: 'activate', arguments: { output: 'coil' } }),
    ).toMatchObject({
      done: false,
      unknown: true,
      reason: expect.stringContaining('gives back what is sent'),
    });
  });
});

const changes = (all: readonly Observation[]) =>
  all.filter(({ initial }) => initial !== true).map(({ zone, state }) => `${zone?.number} ${state}`);

describe('a line on which an answer comes twice', () => {
  /** Zone 2 is touched all the time, zone 1 is not; each copy comes so late. */
  const twice =
    (copyAfterMs: (n: number) => number | undefined, ownAfterMs = 2): Answer =>
    ({ unit, fn, address, count, n }, write) => {
      const values = Array.from({ length: count }, (_, i) => (address + i === 100 ? 4 : 0));
      const own = rtuFrame(unit, registers(fn, values));
      write(own, ownAfterMs);
      const copyMs = copyAfterMs(n);
      if (copyMs !== undefined) write(own, ownAfterMs + copyMs);
    };

  it.each<[string, (n: number) => number | undefined, slowMs?: number]>([
    ['after 3 ms, of a slow unit', () => 3, 25],
    ['after 15 ms, of a slow unit', () => 15, 25],
    ['after 60 ms, of a slow unit', () => 60, 25],
    ['now and then, of a slow unit', (n) => (n % 5 === 0 ? 10 : undefined), 25],
    ['ever later, of a slow unit', (n) => n % 40, 25],
    ['after 6 ms', () => 6],
    ['after 15 ms', () => 15],
    ['after 210 ms', () => 210],
    ['after 400 ms, now and then', (n) => (n % 4 === 0 ? 400 : undefined)],
    ['now and then', (n) => (n % 5 === 0 ? 6 : undefined)],
  ])('ends no alarm and raises none: %s', async (_name, copyAfterMs, slowMs) => {
    const time = loopClock();
    const peer = await oddDevice('rtu', time, twice(copyAfterMs, slowMs));
    const { reports, links } = await open([made(peer.connection, zones, { poll: '20ms' })], time);
    await reports.find(({ zone }) => zone?.number === 2);
    while (peer.asked.length < 60) await time.wait(20);
    expect(changes(reports.rest())).toEqual([]);
    expect(links.rest().map(({ state }) => state)).toEqual(['online']);
  });

  it('is known by it, and counted', async () => {
    const time = loopClock();
    const peer = await oddDevice(
      'rtu',
      time,
      twice(() => 6),
    );
    const { discards } = await open([made(peer.connection, zones, { poll: '20ms' })], time);
    expect(await discards.find(({ reason }) => reason === 'an answer that came twice')).toBeDefined();
  });

  it('moves no bollard while its interlock is on', async () => {
    const time = loopClock();
    const moved: number[] = [];
    const peer = await oddDevice('rtu', time, (question, write) => {
      const { unit, fn, address, count } = question;
      if (fn === 5 && count !== 0) moved.push(address);
      const on = Array.from({ length: count }, (_, i) => address + i === 5);
      const own = fn === 5 ? ownOf(question) : rtuFrame(unit, bits(fn, on));
      write(own, 20);
      write(own, 24);
    });
    const b = { id: 'b', kind: 'bollard', raise: 0, lower: 1, travel: '1s', interlock: { input: 5 } };
    // Five inputs that are off: an answer of the poll is as long as that of the interlock, and says "off".
    const five = { ...inputs, points: inputs.points.slice(0, 5) };
    const { session } = await open([made(peer.connection, five, { outputs: [b], poll: '20ms' })], time);
    for (let i = 0; i < 20; i++) {
      expect(await session.execute?.(raise)).toMatchObject({ done: false });
      await time.wait(7);
    }
    expect(moved).toEqual([]);
  });
});
