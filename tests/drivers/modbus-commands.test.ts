/** What outputs are told, one command after the other, on a line that is busy, at rest or just opened. */
import { describe, expect, it } from 'vitest';
import type { ModbusRequest } from '../../drivers/modbus/codec.ts';
import { outputOptions } from '../../drivers/modbus/output-options.ts';
import { createOutputs } from '../../drivers/modbus/outputs.ts';
import type { OutputWire, WriteProblem } from '../../drivers/modbus/switches.ts';
import { manualClock } from '../clocks.ts';

const gate = { id: 'gate', kind: 'door', coil: 2, moment: '5s' };
const siren = { id: 'siren', kind: 'siren', coil: 0, limit: '3m' };
const bollard = {
  ...{ id: 'b', kind: 'bollard', raise: 4, lower: 5, travel: '6s' },
  interlock: { input: 3 },
};

/** A line that is free at `freeAt`, but for what goes off now; each write takes `ms`. `answer`: what is said to a write. */
function made(
  given: object[],
  { freeAt = 0, ms = 0, answer = () => undefined as WriteProblem | undefined } = {},
) {
  const clock = manualClock();
  const line = { freeAt, interlock: false, isDeaf: false };
  const coils: Record<number, boolean> = {};
  const written: string[] = [];
  const wire: OutputWire = {
    async write(_name, request: ModbusRequest, { now, whyNot }) {
      if (now !== true && line.freeAt > clock.elapsed()) await clock.wait(line.freeAt - clock.elapsed());
      const why = whyNot?.();
      if (why !== undefined) return { reason: why };
      if (ms > 0) await clock.wait(ms);
      if (request.function !== 5) throw new Error('a coil');
      coils[request.address] = request.value === true;
      written.push(`${request.address} ${request.value ? 'on' : 'off'}`);
      return request.value ? answer() : undefined;
    },
    async read() {
      if (line.isDeaf) await clock.wait(3000);
      return line.interlock;
    },
  };
  const stop = new AbortController();
  const options = given.map((one) => outputOptions.parse(one));
  const outputs = createOutputs(options, wire, stop.signal, clock);
  const tell = (action: string, output: string, more: object = {}) =>
    outputs.execute({ id: 'c', device: 'd', action, arguments: { output }, ...more });
  return { clock, line, coils, written, outputs, tell };
}

describe('commands to one output', () => {
  it('are overtaken by what switches it off, where they wait', async () => {
    const { clock, tell, written } = made([gate], { freeAt: 1000 });
    const hold = tell('hold', 'gate');
    await clock.advance(150);
    expect(await tell('lock', 'gate')).toEqual({ done: true });
    expect(await clock.until(hold)).toMatchObject({
      done: false,
      reason: expect.stringContaining('go off'),
    });
    await clock.advance(10_000);
    expect(written).toEqual(['2 off']);
  });

  it('are done in their order, where one switches on what another switched off', async () => {
    const { clock, tell, written } = made([gate], { freeAt: 100, ms: 50 });
    const all = ['hold', 'lock', 'unlock', 'hold'].map((action) => tell(action, 'gate'));
    expect((await clock.until(Promise.all(all))).map(({ done }) => done)).toEqual([false, true, true, true]);
    // The door that is held does not close when the moment of the command before is over.
    await clock.advance(60_000);
    expect(written).toEqual(['2 off', '2 on', '2 on']);
  });

  it('leave what was to go off to go off, where they come to nothing', async () => {
    const { clock, line, tell, written } = made([gate]);
    await tell('unlock', 'gate');
    line.freeAt = 9000;
    const late = tell('hold', 'gate', { notAfter: 2000 });
    await clock.advance(5000);
    expect(written).toEqual(['2 on', '2 off']);
    expect(await clock.until(late)).toMatchObject({
      done: false,
      reason: expect.stringContaining('expired'),
    });
    expect(written).toEqual(['2 on', '2 off']);
  });

  it('are not done after they expired', async () => {
    const { clock, tell, written } = made([gate, siren], { freeAt: 3000 });
    const all = [tell('unlock', 'gate', { notAfter: 2999 }), tell('activate', 'siren', { notAfter: 3001 })];
    expect((await clock.until(Promise.all(all))).map(({ done }) => done)).toEqual([false, true]);
    expect(written).toEqual(['0 on']);
  });

  it('are not undone by what a new line begins with', async () => {
    const others = [0, 1, 3].map((coil) => ({ ...gate, id: `d${coil}`, coil }));
    const { clock, outputs, tell, written } = made([...others, gate], { ms: 120 });
    const begun = outputs.begin();
    await clock.advance(50);
    const hold = tell('hold', 'gate');
    expect(await clock.until(hold)).toEqual({ done: true });
    await clock.until(begun);
    expect(written.filter((one) => one.startsWith('2'))).toEqual(['2 on']);
    expect(written).toHaveLength(4);
  });

  it('count for nothing in the beginning where they came to nothing', async () => {
    const { clock, outputs, tell, written } = made([siren, gate], { freeAt: 500, ms: 10 });
    const begun = outputs.begin();
    void tell('hold', 'gate', { notAfter: 100 });
    await clock.until(begun);
    expect(written).toEqual(['0 off', '2 off']);
  });
});

describe('a bollard', () => {
  it('is switched off at once where nobody confirmed that it rises', async () => {
    const { clock, tell, written } = made([bollard], {
      answer: () => ({ reason: 'unit 1 does not answer', unknown: true }),
    });
    expect(await clock.until(tell('raise', 'b'))).toMatchObject({ done: false, unknown: true });
    expect(clock.elapsed()).toBe(0);
    expect(written).toEqual(['5 off', '4 on', '4 off']);
  });

  it('stops rising where its interlock cannot be read for some hundred ms', async () => {
    const { clock, line, tell, written } = made([bollard]);
    const raise = tell('raise', 'b');
    await clock.advance(1000);
    line.isDeaf = true;
    expect(await clock.until(raise)).toMatchObject({
      done: false,
      reason: expect.stringContaining('interlock could not be read'),
    });
    expect(clock.elapsed()).toBeLessThanOrEqual(1500);
    expect(written.at(-1)).toBe('4 off');
  });

  it('does not move by what its interlock said long before', async () => {
    const { clock, tell, coils } = made([bollard], { freeAt: 1500 });
    expect(await clock.until(tell('raise', 'b'))).toMatchObject({ done: false });
    expect(coils[4]).not.toBe(true);
  });
});
