import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

/** A campus whose disk cannot be had, until `mend`. */
async function diskless(port: number, more: object = {}) {
  const directory = temporaryDirectory();
  const obstacle = join(directory, 'mount');
  writeFileSync(obstacle, '');
  const made = await campus(port, more, join(obstacle, 'data'));
  return { ...made, mend: () => rmSync(obstacle) };
}

describe('an alarm that the disk does not take', () => {
  it('goes out from memory, unacknowledged; with the disk back it has a number and the same id', async () => {
    const broker = await scriptedBroker({});
    const { record, recorder, mend } = await diskless(broker.port);
    const zone = { number: 9, id: 'gate' };
    const repeat = { key: 'panel/1', within: 60_000 };
    await expect(record('panic', { zone, repeat })).rejects.toThrow();
    const first = await broker.events.next();
    expect(first.body).toMatchObject({
      sequence: '0',
      previous: '0',
      subject: 'gate',
      data: { kind: 'panic' },
    });
    // The panel that heard nothing says so again: no second alarm.
    await expect(record('panic', { zone, repeat })).rejects.toThrow();
    expect([...recorder.unsaved.keys()]).toEqual([first.body.id]);
    mend();
    const again = await broker.events.next();
    expect(again.body).toMatchObject({
      id: first.body.id,
      time: first.body['time'],
      sequence: '1',
      previous: '0',
    });
    expect(recorder.unsaved.size).toBe(0);
    // And once more, now acknowledged.
    expect(await record('panic', { zone, repeat })).toMatchObject({ id: first.body.id, repeated: true });
    await record('fault');
    expect((await broker.events.next()).body['type']).toBe('cn.campus.device.fault');
  });

  it('is one event, however often a level is read meanwhile', async () => {
    const broker = await scriptedBroker({});
    const { record, mend } = await diskless(broker.port);
    const read = () => record('fence', { cause: 'touched', zone: { number: 1 }, initial: true });
    for (let i = 0; i < 5; i++) await expect(read()).rejects.toThrow();
    const { body } = await broker.events.next();
    mend();
    expect((await broker.events.next()).body.id).toBe(body.id);
    await vi.waitFor(async () => expect(await read()).toMatchObject({ repeated: true }));
    expect(broker.events.rest()).toEqual([]);
  });

  it('waits in memory for a broker that is away too', async () => {
    const port = (await scriptedBroker({})).port;
    const { record, recorder } = await diskless(port + 1 > 65_535 ? port - 1 : port + 1);
    await expect(record('panic')).rejects.toThrow();
    expect(recorder.unsaved.size).toBe(1);
  });

  it('is none of what is no alarm: that is refused, and its device tries again', async () => {
    const broker = await scriptedBroker({});
    const { record, recorder } = await diskless(broker.port);
    await expect(record('fault')).rejects.toThrow();
    expect(recorder.unsaved.size).toBe(0);
  });
});
