/** A panel's connection: who ends it, and in which order it is answered. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../drivers/contract/observation.ts';
import { dialRaw, openReceiver, wire, withCrc } from './dc09-port.ts';

const stored: Receipt = { sequence: 1, id: 'x', repeated: false };
const alarm = (sequence: number, zone = sequence) =>
  withCrc(`"SIA-DCS"${String(sequence).padStart(4, '0')}L0#1234[#1234|Nri1/PA${zone}]`);

describe('a connection whose panel ended its side after the frame', () => {
  it('brings its ACK when the event is on disk, and then ends', async () => {
    const disk = Promise.withResolvers<Receipt>();
    const { port, reports } = await openReceiver([{ account: '1234' }], { store: () => disk.promise });
    const panel = await dialRaw(port);
    panel.socket.end(wire(alarm(7)));
    expect(await reports.next()).toMatchObject({ kind: 'panic' });
    // That it has seen the end is seen on another connection, which came later.
    const other = await dialRaw(port);
    other.send(withCrc('"NULL"0001L0#1234[]'));
    await other.answers.next();
    expect(panel.socket.readableEnded).toBe(false);
    disk.resolve(stored);
    expect(await panel.answers.next()).toMatch(/"ACK"0007L0#1234\[\]$/);
    await panel.ended;
  });

  it('ends without one where the disk refuses, or where nothing was sent', async () => {
    const { port } = await openReceiver([{ account: '1234' }], {
      store: () => Promise.reject(new Error('disk full')),
    });
    for (const bytes of [wire(alarm(1)), '\n96ED0016"SIA', '']) {
      const panel = await dialRaw(port);
      panel.socket.end(bytes);
      await panel.ended;
      if (!panel.socket.closed) await once(panel.socket, 'close');
      expect(panel.answers.rest()).toEqual([]);
    }
  });
});

describe('the answers of a connection', () => {
  it('leave in the order of the frames, though the disk is done with the last one first', async () => {
    const disks: ((receipt: Receipt) => void)[] = [];
    const { port } = await openReceiver([{ account: '1234' }], {
      store: () => new Promise((resolve) => disks.push(resolve)),
    });
    const panel = await dialRaw(port);
    const test = withCrc('"NULL"0004L0#1234[]');
    panel.socket.write(Buffer.concat([alarm(1), alarm(2), alarm(3), test].map(wire)));
    await expect.poll(() => disks.length).toBe(3);
    for (const resolve of disks.reverse()) {
      expect(panel.answers.rest()).toEqual([]);
      resolve(stored);
      await new Promise(setImmediate);
    }
    for (const sequence of [1, 2, 3, 4])
      expect(await panel.answers.next()).toMatch(new RegExp(`"ACK"000${sequence}L0#1234`));
  });

  it('go on behind a frame that gets none', async () => {
    const { port } = await openReceiver([{ account: '1234' }], {
      store: ({ zone }) =>
        zone?.number === 1 ? Promise.reject(new Error('disk full')) : Promise.resolve(stored),
    });
    const panel = await dialRaw(port);
    panel.socket.write(
      Buffer.concat([
        wire(alarm(1)),
        Buffer.from('noise'),
        wire(alarm(2)),
        wire('0000"NULL"'),
        wire(alarm(3)),
      ]),
    );
    expect(await panel.answers.next()).toContain('"ACK"0002');
    expect(await panel.answers.next()).toContain('"ACK"0003');
  });

  it('to frames of several forms have each its own', async () => {
    const { port } = await openReceiver([{ account: '4F39' }, { account: '0001' }]);
    const panel = await dialRaw(port);
    const inBytes = Buffer.concat([
      Buffer.from('\n'),
      Buffer.from('F6F3', 'hex'),
      Buffer.from('0044"ADM-CID"1447R01L01#0001[#0001|1603 01 000][S13]_04:45:01,08-30-2014\r'),
    ]);
    const overCr = wire('BCD30028"ADM-CID"1533L0#4F39[#4F39|1412 00 000]');
    panel.socket.write(
      Buffer.concat([inBytes, overCr, wire('57150047"ADM-CID"0247R4F39L4F39#4F39[#4F39|3401 01 057]')]),
    );
    // The first CRC as letters: B6 06.
    expect(await panel.answers.next()).toBe('\xb6\x060016"ACK"1447R01L01#0001[]');
    expect(await panel.answers.next()).toBe('35450013"ACK"1533L0#4F39[]');
    expect(await panel.answers.next()).toBe(withCrc('"ACK"0247R4F39L4F39#4F39[]'));
  });
});
