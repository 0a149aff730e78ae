import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPtzCommand } from '../../drivers/platforms/gb28181/ptz-command.ts';

// By hand, after annex A.3 of GB/T 28181-2016; the checksums by addition.
describe('a PTZCmd', () => {
  it.each([
    ['A50F0100000000B5', { is: 'halt' }],
    ['a50f0100000000b5', { is: 'halt' }],
    ['A50F01011F0000D5', { is: 'move', pan: 31 / 255, tilt: 0, zoom: 0 }],
    ['A50F01021F0000D6', { is: 'move', pan: -31 / 255, tilt: 0, zoom: 0 }],
    ['A50F010800FF00BC', { is: 'move', pan: 0, tilt: 1, zoom: 0 }],
    ['A50F010400FF00B8', { is: 'move', pan: 0, tilt: -1, zoom: 0 }],
    ['A50F010A8080' + '00BF', { is: 'move', pan: -128 / 255, tilt: 128 / 255, zoom: 0 }],
    ['A50F01100000F0B5', { is: 'move', pan: 0, tilt: 0, zoom: 1 }],
    ['A50F0120000010E5', { is: 'move', pan: 0, tilt: 0, zoom: -1 / 15 }],
    // Of no speed, as some send it: it moves slowly.
    ['A50F0102000000B7', { is: 'move', pan: -1 / 16, tilt: 0, zoom: 0 }],
    ['A50F018100050' + '03B', { is: 'save-preset', preset: 5 }],
    ['A50F018200010038', { is: 'preset', preset: 1 }],
    ['A50F018300FF0037', { is: 'delete-preset', preset: 255 }],
    ['A50F0140000000F5', { is: 'halt' }],
    ['A50F0144008000' + '79', { is: 'lens' }],
    ['A50F018400010' + '03A', { is: 'cruise' }],
    ['A50F01890100003F', { is: 'scan' }],
    ['A50F018C01000042', { is: 'auxiliary' }],
  ])('%s is %j', (hex, order) => expect(readPtzCommand(hex)).toEqual(order));

  it.each([
    ['A50F0100000000B6', 'a PTZCmd whose checksum is not right'],
    ['A50E0100000000B4', 'a PTZCmd whose checksum is not right'],
    ['A60F0100000000B6', 'a PTZCmd whose checksum is not right'],
    ['A50F0103FF0000B7', 'a PTZCmd that makes no sense'],
    ['A50F0182000000' + '37', 'a PTZCmd that makes no sense'],
    ['A50F0190000000' + '45', 'a PTZCmd that makes no sense'],
    ['A50F01', 'a PTZCmd that is not 8 bytes'],
    ['', 'a PTZCmd that is not 8 bytes'],
    ['A50F0100000000B5 ', 'a PTZCmd that is not 8 bytes'],
  ])('%s is nothing', (hex, why) => expect(readPtzCommand(hex)).toBe(why));

  it('of whatever bytes moves nothing faster than a camera can', () => {
    const sum = (bytes: readonly number[]) => bytes.reduce((all, one) => all + one, 0) % 256;
    fc.assert(
      fc.property(fc.array(fc.nat(255), { minLength: 5, maxLength: 5 }), (middle) => {
        const bytes = [0xa5, 0x0f, ...middle];
        const order = readPtzCommand(Buffer.from([...bytes, sum(bytes)]).toString('hex'));
        if (typeof order === 'string' || order.is !== 'move') return;
        for (const speed of [order.pan, order.tilt, order.zoom])
          expect(Math.abs(speed)).toBeLessThanOrEqual(1);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => typeof readPtzCommand(text) === 'string'));
  });
});
