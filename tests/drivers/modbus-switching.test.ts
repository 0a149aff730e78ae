/** Outputs by register, timed by the device, armed fences, and inputs that are reset: the bytes are those of makers' manuals. */
import { describe, expect, it } from 'vitest';
import {
  type Answer,
  bits,
  exception,
  loopClock,
  made,
  oddDevice,
  profileOf,
  registers,
  tcpFrame,
} from './modbus-odd.ts';
import { open } from './modbus-peer.ts';

const oneBit = profileOf({ function: 3, address: 0, bit: 0 });

/** A device with these outputs that takes every write; what was written, as hex, without what begins and ends a session. */
async function switching(outputs: object[], profile = oneBit, reads?: Answer) {
  const time = loopClock();
  const written: string[] = [];
  const peer = await oddDevice('tcp', time, (question, write, socket) => {
    const { transaction, unit, fn, count, pdu } = question;
    if (fn > 4) {
      written.push(pdu.toString('hex'));
      // Address and value, or address and quantity (V1.1b3, 6.5, 6.6, 6.12).
      write(tcpFrame(transaction, unit, pdu.subarray(0, 5)));
    } else if (reads !== undefined) reads(question, write, socket);
    else
      write(
        tcpFrame(
          transaction,
          unit,
          fn <= 2 ? bits(fn, Array(count).fill(false)) : registers(fn, Array(count).fill(0)),
        ),
      );
  });
  const opened = await open([made(peer.connection, profile, { poll: '20ms', outputs })], time);
  while (peer.asked.filter(({ fn }) => fn <= 4).length < 3) await time.wait(10);
  written.length = 0;
  return {
    ...opened,
    time,
    peer,
    written,
    tell: (action: string, output: string, more: object = {}) =>
      opened.session.execute?.({ id: 'c', device: 'fence-1', action, arguments: { output, ...more } }),
  };
}

describe('an output', () => {
  it('is switched by a register, with function 6 or 16 and the values of its maker', async () => {
    const { tell, written } = await switching([
      { id: 'a', kind: 'siren', register: { address: 2, on: 0x0100, off: 0x0200 } },
      { id: 'b', kind: 'door', register: { address: 3, on: 1, function: 16 }, moment: '1s' },
    ]);
    expect(await tell('activate', 'a')).toEqual({ done: true });
    expect(await tell('deactivate', 'a')).toEqual({ done: true });
    expect(await tell('hold', 'b')).toEqual({ done: true });
    expect(await tell('lock', 'b')).toEqual({ done: true });
    expect(written).toEqual(['0600020100', '0600020200', '100003000102' + '0001', '100003000102' + '0000']);
  });

  it('is timed by the module: relay 0 for 700 ms is 05 0200 0007, as Waveshare has it', async () => {
    const { tell, written, time } = await switching([
      {
        ...{ id: 'gate', kind: 'door', coil: 0, moment: '700ms' },
        pulse: { address: 0x200, function: 5, unit: '100ms' },
      },
    ]);
    expect(await tell('unlock', 'gate')).toEqual({ done: true });
    await time.wait(2000);
    expect(written).toEqual(['0502000007']);
    expect(await tell('lock', 'gate')).toEqual({ done: true });
    expect(written.at(-1)).toBe('0500000000');
  });

  it('is timed by the module: 闪开, on for 1 s by registers 3 and 4, is 10 0003 0002 04 0004 000A', async () => {
    const { tell, written, time } = await switching([
      {
        ...{ id: 'horn', kind: 'siren', coil: 0 },
        pulse: { address: 3, function: 16, unit: '100ms', before: [4] },
      },
    ]);
    expect(await tell('activate', 'horn', { for: 1 })).toEqual({ done: true });
    await time.wait(3000);
    expect(written).toEqual(['10000300020400' + '04000a']);
  });

  it('arms a fence, which stays so when the session ends and begins', async () => {
    const fence = { id: 'armed', kind: 'fence', register: { address: 16, on: 0x55, off: 0xaa } };
    const { tell, written, session } = await switching([fence]);
    expect(await tell('activate', 'armed')).toEqual({ done: true });
    await session.close();
    expect(written).toEqual(['0600100055']);
  });

  it('does not move while a contact that is closed at rest is open', async () => {
    let isClosed = false;
    const { tell, written } = await switching(
      [
        {
          ...{ id: 'b', kind: 'bollard', raise: 0, lower: 1, travel: '500ms' },
          interlock: { input: 5, normal: 'closed' },
        },
      ],
      oneBit,
      ({ transaction, unit, fn, count }, write) =>
        write(
          tcpFrame(transaction, unit, fn === 2 ? bits(fn, [isClosed]) : registers(fn, Array(count).fill(0))),
        ),
    );
    expect(await tell('raise', 'b')).toMatchObject({
      done: false,
      reason: expect.stringContaining('interlock'),
    });
    expect(written).toEqual([]);
    isClosed = true;
    expect(await tell('raise', 'b')).toEqual({ done: true });
    expect(written).toEqual(['0500010000', '050000ff00', '0500000000']);
  });

  it('moves a bollard only where its interlock was read free twice', async () => {
    let reads = 0;
    const { tell, written, peer } = await switching(
      [{ id: 'b', kind: 'bollard', raise: 0, lower: 1, travel: '500ms', interlock: { input: 5 } }],
      oneBit,
      // Free, then on: as where the first answer was another question's.
      ({ transaction, unit, fn, count }, write) =>
        write(
          tcpFrame(
            transaction,
            unit,
            fn === 2 ? bits(fn, [reads++ > 0]) : registers(fn, Array(count).fill(0)),
          ),
        ),
    );
    expect(await tell('raise', 'b')).toMatchObject({
      done: false,
      reason: expect.stringContaining('interlock'),
    });
    expect(peer.asked.filter(({ fn }) => fn === 2)).toHaveLength(2);
    expect(written).toEqual([]);
  });
});

describe('an input that the device holds', () => {
  it('is reset once its alarm is on disk, and again until the device does it', async () => {
    let isHeld = false;
    let refuses = true;
    const time = loopClock();
    const writes: string[] = [];
    const peer = await oddDevice('tcp', time, ({ transaction, unit, fn, pdu }, write) => {
      if (fn === 2) return write(tcpFrame(transaction, unit, bits(fn, [isHeld])));
      writes.push(pdu.toString('hex'));
      if (refuses) return write(tcpFrame(transaction, unit, exception(fn, 4)));
      isHeld = false;
      write(tcpFrame(transaction, unit, pdu));
    });
    const profile = profileOf({
      ...{ function: 2, address: 0, zone: 1, kind: 'panic' },
      reset: { register: 16, value: 0x0a },
    });
    const { reports } = await open([made(peer.connection, profile)], time);
    await reports.next();
    isHeld = true;
    expect(await reports.find(({ kind }) => kind === 'panic')).toMatchObject({ state: 'raised' });
    while (writes.length === 0) await time.wait(10);
    await time.wait(1000);
    expect(writes).toEqual(['060010000a']);
    refuses = false;
    expect(await reports.find(({ kind }) => kind === 'panic')).toMatchObject({ state: 'restored' });
    expect(writes).toHaveLength(2);
  });
});

describe('an output of the config', () => {
  it('is refused where an output has neither a coil nor a register, or both', async () => {
    const { modbus } = await import('../../drivers/modbus/driver.ts');
    const problems = (output: object) =>
      modbus.problems?.(made({ tcp: 'h:1' }, oneBit, { outputs: [output] }));
    const wrong = { path: ['outputs', 0], message: 'it needs one of `coil` and `register`' };
    expect(problems({ id: 'a', kind: 'lamp' })).toEqual([wrong]);
    expect(problems({ id: 'a', kind: 'lamp', coil: 1, register: { address: 1 } })).toEqual([wrong]);
    expect(problems({ id: 'a', kind: 'lamp', coil: 1 })).toEqual([]);
  });
});
