/** Outputs that `check` refuses: right by their shape, and something would move that nobody commanded. */
import { describe, expect, it } from 'vitest';
import { modbus } from '../../drivers/modbus/driver.ts';
import { made, profileOf } from './modbus-odd.ts';

const problems = (outputs: object[], more: object = {}, ...points: object[]) =>
  modbus
    .problems?.(
      made(
        { tcp: 'h:1' },
        profileOf(...(points.length > 0 ? points : [{ function: 2, address: 0, zone: 1 }])),
        { outputs, ...more },
      ),
    )
    .map(({ path }) => path.join('.'));
const interlock = { input: 3 };
const held = (reset: object) => ({ function: 2, address: 0, zone: 1, kind: 'panic', reset });

describe('outputs that cannot be meant', () => {
  it.each([
    [{ address: 0, on: 1, off: 2 }, { address: 0, on: 2, off: 1 }, ['outputs.0.lower']],
    [{ address: 0, on: 1, off: 0 }, { address: 0, on: 2, off: 1 }, ['outputs.0.lower']],
    [{ address: 0, on: 1, off: 2 }, { address: 0, on: 2, off: 0 }, ['outputs.0.lower']],
    [{ address: 0, on: 1, off: 0 }, { address: 0, on: 2, off: 0 }, []],
    [{ address: 0, on: 1, off: 2 }, { address: 1, on: 2, off: 1 }, []],
  ])('are a bollard whose one way is stopped by what drives the other: %j, %j', (raise, lower, wrong) => {
    expect(problems([{ id: 'b', kind: 'bollard', raise, lower, interlock }])).toEqual(wrong);
  });

  it.each([
    [{ coil: 9 }, { coil: 9 }, ['outputs.0.coil']],
    [{ coil: 9, value: false }, { coil: 9 }, ['outputs.0.coil']],
    [{ coil: 8 }, { coil: 9 }, []],
    [{ coil: 9 }, { register: { address: 9 } }, []],
    [{ register: 9, value: 1 }, { register: { address: 9 } }, ['outputs.0.register']],
    [{ register: 9, value: 5 }, { register: { address: 9 } }, []],
    [{ coil: 9 }, { coil: 1, pulse: { address: 9, function: 5 } }, ['outputs.0.pulse.address']],
  ])('are one that the reset of an input switches: %j, %j', (reset, switched, wrong) => {
    expect(problems([{ id: 's', kind: 'siren', ...switched }], {}, held(reset))).toEqual(wrong);
  });

  it.each([
    [{ address: 2, function: 5 }, { coil: 2 }, ['outputs.0.pulse.address']],
    [{ address: 2 }, { register: { address: 2 } }, ['outputs.0.pulse.address']],
    [{ address: 1, function: 16, before: [4] }, { register: { address: 2 } }, ['outputs.0.pulse.address']],
    [{ address: 2 }, { coil: 2 }, []],
    [{ address: 3, function: 16, before: [4] }, { register: { address: 2 } }, []],
  ])('are a pulse that is written over another: %j, %j', (pulse, switched, wrong) => {
    const outputs = [
      { id: 's', kind: 'siren', coil: 1, limit: '5s', pulse },
      { id: 'd', kind: 'door', ...switched },
    ];
    expect(problems(outputs)).toEqual(wrong);
  });
});

describe('times and addresses that do not fit', () => {
  it.each([
    [{ poll: '10ms', timeout: '1m' }, ['timeout']],
    [{ poll: '1s', timeout: '10s' }, []],
    [{ poll: '1m', timeout: '1m' }, []],
  ])('are a timeout that leaves a device unread for long: %j', (more, wrong) => {
    expect(problems([], more)).toEqual(wrong);
  });

  it('are a lamp that is lit for longer than it may be', () => {
    const lamp = [{ id: 'l', kind: 'lamp', coil: 1, limit: '5s' }];
    const lit = (time: string) => problems(lamp, { acknowledgeOutput: { output: 'l', for: time } });
    expect(lit('6s')).toEqual(['acknowledgeOutput.for']);
    expect(lit('5s')).toEqual([]);
  });

  it('are 0 and 255 of one TCP address, which are the device itself (Messaging on TCP/IP V1.0b, 4.4.1.2)', () => {
    const profile = profileOf({ function: 2, address: 0, zone: 1 });
    const clashes = (units: number[]) =>
      modbus.clashes?.(units.map((unit) => made({ tcp: 'h:1' }, profile, {}, unit)))?.length;
    expect(clashes([0, 255])).toBe(1);
    expect(clashes([1, 255])).toBe(0);
  });
});
