import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  type Command,
  type Device,
  type Driver,
  defineDriver,
  type Host,
  LineError,
  type Session,
} from '../../drivers/contract/driver.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createSupervisor, RULE_PATIENCE_MS } from '../../gateway/devices/supervisor.ts';
import { createMetrics, discardsOf } from '../../gateway/observe/metrics.ts';
import { piecesOf } from '../../gateway/wire-tap.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, stream } from '../helpers.ts';

interface Opened {
  readonly devices: readonly string[];
  readonly host: Host;
  readonly lose: (error: Error) => void;
}

/** A driver whose sessions the test holds. `refuse` makes the next opens fail. */
function testDriver(name: string) {
  const opened = stream<Opened>();
  const closed = stream<string>();
  const executed: string[] = [];
  let refusals: Error[] = [];
  const driver = defineDriver({
    name,
    title: { en: name, zh: name },
    options: z.strictObject({ wire: z.string() }),
    line: (device) => device.options.wire,
    async open(devices, host): Promise<Session> {
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
      const ended = Promise.withResolvers<void>();
      opened.push({ devices: devices.map(({ id }) => id), host, lose: ended.reject });
      return {
        ended: ended.promise,
        async execute({ id: command, device: id, action }) {
          executed.push(command);
          return { done: true, result: { id, action } };
        },
        async close() {
          closed.push(devices[0]?.id ?? '');
          ended.resolve();
        },
      };
    },
  });
  return {
    driver: driver as unknown as Driver,
    opened,
    closed,
    executed,
    refuse: (...errors: Error[]) => {
      refusals = errors;
    },
  };
}

const device = (id: string, wire: string, driver = 'a'): Device => ({ id, driver, options: { wire } });

function start(devices: Device[], drivers: Driver[], disk = { refuses: false }, begun = true) {
  const events = stream<Observation>();
  const metrics = createMetrics();
  const time = manualClock();
  const supervisor = createSupervisor(devices, {
    drivers,
    record: async (observation) => {
      if (disk.refuses) throw new Error('the disk refuses');
      events.push(observation);
      return { sequence: 1, id: 'x', repeated: false };
    },
    time,
    metrics,
    log: silentLog,
    keep: async () => '',
    isolated: () => Promise.reject(new Error('nothing is read apart here')),
  });
  if (begun) supervisor.start();
  onTestFinished(async () => {
    await time.until(supervisor.close());
  });
  return { events, supervisor, metrics, time };
}

describe('the supervisor', () => {
  it('opens a driver once a wire, with all the devices on it', async () => {
    const { driver, opened } = testDriver('a');
    start([device('one', 'w1'), device('two', 'w2'), device('three', 'w1')], [driver]);
    const sessions = [await opened.next(), await opened.next()];
    expect(sessions.map(({ devices }) => devices)).toEqual([['one', 'three'], ['two']]);
  });

  it('opens a new session after the line is lost, says offline once, and closes the old one', async () => {
    const { driver, opened, closed, refuse } = testDriver('a');
    const { events, time } = start([device('one', 'w')], [driver]);
    const first = await opened.next();
    first.host.link('one', 'online');
    refuse(new LineError('E_LINE_REFUSED', 'still gone'), new LineError('E_LINE_REFUSED', 'still gone'));
    first.lose(new LineError('E_LINE_LOST', 'cable cut'));
    expect(await closed.next()).toBe('one');
    const second = await time.until(opened.next());
    expect(first.host.signal.aborted).toBe(true);
    expect(second.host.signal.aborted).toBe(false);
    second.host.link('one', 'online');
    const states = [await events.next(), await events.next(), await events.next()].map(({ state, text }) => [
      state,
      text,
    ]);
    expect(states).toEqual([
      ['restored', undefined],
      ['raised', 'cable cut'],
      ['restored', undefined],
    ]);
  });

  it('lets a driver that throws harm nobody else', async () => {
    const bad = testDriver('a');
    const good = testDriver('b');
    bad.refuse(...Array.from({ length: 50 }, () => new TypeError('a mistake in the driver')));
    const { events, supervisor } = start(
      [device('one', 'w'), device('two', 'w', 'b')],
      [bad.driver, good.driver],
    );
    const { host } = await good.opened.next();
    host.link('two', 'online');
    expect(await events.find((event) => event.device === 'two')).toMatchObject({ state: 'restored' });
    expect(supervisor.online('one')).toBe(false);
  });

  it('counts what makes no sense by device and reason', async () => {
    const { driver, opened } = testDriver('a');
    const { metrics } = start([device('one', 'w')], [driver]);
    const { host } = await opened.next();
    for (let i = 0; i < 1000; i++) host.discarded('one', 'wrong crc', 7, `detail ${i}`);
    const text = await metrics.registry.metrics();
    expect(text).toContain('campus_discarded_total{device="one",reason="wrong crc"} 1000');
    expect(text).toContain('campus_discarded_bytes_total{device="one"} 7000');
  });

  it('counts for the line what no device of it said', async () => {
    const { driver, opened } = testDriver('a');
    const { metrics, supervisor } = start([device('one', 'http 0.0.0.0:8080')], [driver]);
    const { host } = await opened.next();
    for (const detail of ['detail', undefined, 'x'.repeat(500)])
      host.discarded('http 0.0.0.0:8080', 'a terminal that is not in the config', 0, detail);
    expect(supervisor.lastDiscarded()).toEqual({
      'http 0.0.0.0:8080': { 'a terminal that is not in the config': 'x'.repeat(200) },
    });
    expect(await discardsOf(metrics)).toEqual({
      'http 0.0.0.0:8080': { 'a terminal that is not in the config': 3 },
    });
  });

  it('makes no label of what a stranger called himself or said', async () => {
    const { driver, opened } = testDriver('a');
    const { metrics, supervisor } = start([device('one', 'w'), device('two', 'w')], [driver]);
    const { host } = await opened.next();
    for (let i = 0; i < 3000; i++) {
      host.discarded(`stranger-${i}`, 'no terminal', 1);
      host.discarded('two', `no method ${i}`, 1);
    }
    const series = (await metrics.registry.metrics())
      .split('\n')
      .filter((line) => line.includes('discarded'));
    expect(series.length).toBeLessThan(70);
    expect(series.join('\n')).not.toContain('stranger');
    expect(series).toContain('campus_discarded_total{device="one",reason="no terminal"} 3000');
    expect(series.find((line) => line.includes('something else'))).toMatch(
      /^campus_discarded_total\{device="two".* 29\d\d$/,
    );
    expect(Object.keys(await discardsOf(metrics))).toEqual(['one', 'two']);
    const last = supervisor.lastDiscarded();
    expect(Object.keys(last)).toEqual(['one', 'two']);
    expect(JSON.stringify(last).length).toBeLessThan(20_000);
  });
});

describe('the wire of a device', () => {
  it('shows of a wire who is on it, whether it is open, what went over it and when each device was heard', async () => {
    const { driver, opened } = testDriver('a');
    const { supervisor, time } = start([device('one', 'w'), device('two', 'w')], [driver]);
    const { host, lose } = await opened.next();
    expect(supervisor.wireOf('one')).toMatchObject({ line: 'w', devices: ['one', 'two'], isOpen: true });
    expect(supervisor.wireOf('one')?.heardAt).toBeUndefined();
    const from = time.wall();
    host.tap?.heard(Buffer.of(1));
    await time.advance(1000);
    host.link('one', 'online');
    await time.advance(1000);
    await host.report({ device: 'two', kind: 'panic', state: 'raised' });
    // Bytes of a wire of several are nobody's alone.
    expect(['one', 'two'].map((id) => (supervisor.wireOf(id)?.heardAt ?? 0) - from)).toEqual([1000, 2000]);
    const wire = supervisor.wireOf('two');
    expect(wire && piecesOf(wire.snapshot())).toMatchObject([{ said: false, bytes: Uint8Array.of(1) }]);
    lose(new LineError('E_LINE_LOST', 'cable cut'));
    await time.advance(0);
    expect(supervisor.wireOf('one')?.isOpen).toBe(false);
    expect(supervisor.wireOf('three')).toBeUndefined();
  });
});

describe('whether a device answers', () => {
  it('turns the life of a device into events, one a change', async () => {
    const { driver, opened } = testDriver('a');
    const { events, supervisor } = start([device('one', 'w')], [driver]);
    const { host } = await opened.next();
    for (let i = 0; i < 3; i++) host.link('one', 'online');
    host.link('one', 'offline', 'silent');
    host.link('one', 'online');
    const words = [await events.next(), await events.next(), await events.next()];
    expect(words.map(({ kind, state, text }) => [kind, state, text])).toEqual([
      ['link', 'restored', undefined],
      ['link', 'raised', 'silent'],
      ['link', 'restored', undefined],
    ]);
    expect(events.rest()).toEqual([]);
    expect(supervisor.online('one')).toBe(true);
  });

  it('ends the outage of a device that was offline before any of its accounts was heard of', async () => {
    const { driver, opened, refuse } = testDriver('a');
    refuse(new LineError('E_PORT_TAKEN', 'port 5100 is taken'));
    const { events, supervisor, time } = start([device('panel', 'w')], [driver]);
    expect(await events.next()).toMatchObject({ state: 'raised', text: 'port 5100 is taken' });
    const { host } = await time.until(opened.next());
    host.link('panel', 'online', undefined, '1234');
    expect(await events.next()).toMatchObject({ device: 'panel', state: 'restored' });
    expect(await events.next()).toMatchObject({ state: 'restored', details: { part: '1234' } });
    expect(supervisor.online('panel')).toBe(true);
  });

  it('tells of a link again that the disk refused, and knows meanwhile who answers', async () => {
    const disk = { refuses: true };
    const { driver, opened } = testDriver('a');
    const { events, supervisor, time } = start([device('one', 'w')], [driver], disk);
    const { host } = await opened.next();
    const say = async (state: 'online' | 'offline') => {
      host.link('one', state, state === 'offline' ? 'silent' : undefined);
      await time.advance(0);
    };
    await say('online');
    await say('online');
    expect(supervisor.online('one')).toBe(true);
    disk.refuses = false;
    await say('online');
    await say('online');
    expect(events.rest()).toMatchObject([{ state: 'restored', initial: true }]);
    await say('offline');
    expect(events.rest()).toMatchObject([{ state: 'raised', initial: false }]);
    disk.refuses = true;
    await say('online');
    disk.refuses = false;
    // Whether it is news, the recorder says: it knows what is on disk.
    await say('offline');
    expect(events.rest()).toMatchObject([{ state: 'raised', initial: true }]);
  });
});

describe('a command', () => {
  const unlock: Command = { id: '1', device: 'one', action: 'activate', arguments: {} };
  const patience = { patienceMs: RULE_PATIENCE_MS };
  const lost = () => new LineError('E_LINE_REFUSED', 'no answer');

  it('is given to the session of its device', async () => {
    const { supervisor, time } = start([device('other', 'w'), device('one', 'w')], [testDriver('a').driver]);
    await time.advance(0);
    await expect(supervisor.execute(unlock)).resolves.toEqual({
      done: true,
      result: { id: 'one', action: 'activate' },
    });
    const unknown = await supervisor.execute({ ...unlock, device: 'nobody' }, patience);
    expect(unknown).toEqual({ done: false, reason: 'there is no device nobody' });
  });

  it('of a person does not wait for a line', async () => {
    const { driver, refuse } = testDriver('a');
    refuse(lost());
    const { supervisor } = start([device('one', 'w')], [driver]);
    expect(await supervisor.execute(unlock)).toEqual({ done: false, reason: 'w is not open' });
  });

  it('of a rule waits until the line is open and the device answers', async () => {
    const { driver, opened, executed, refuse } = testDriver('a');
    refuse(lost(), lost(), lost());
    const { supervisor, time } = start([device('one', 'w'), device('two', 'w')], [driver]);
    const outcomes = [1, 2].map(() => supervisor.execute(unlock, patience));
    const { host } = await time.until(opened.next(), RULE_PATIENCE_MS);
    host.link('two', 'online');
    await time.advance(10);
    expect(executed).toEqual([]);
    host.link('one', 'online');
    await time.advance(0);
    expect(executed).toEqual(['1', '1']);
    expect(await Promise.all(outcomes)).toMatchObject([{ done: true }, { done: true }]);
    // And what answers is asked at once.
    expect(await supervisor.execute(unlock, patience)).toMatchObject({ done: true });
  });

  it('of a rule waits for the start of the gateway, too', async () => {
    const { driver, opened } = testDriver('a');
    const { supervisor, time } = start([device('one', 'w')], [driver], undefined, false);
    const outcome = supervisor.execute(unlock, patience);
    await time.advance(1000);
    supervisor.start();
    (await opened.next()).host.link('one', 'online');
    expect(await outcome).toMatchObject({ done: true });
  });

  it('of a rule is tried once, in the end, where a device is never heard of', async () => {
    const { driver, executed } = testDriver('a');
    const { supervisor, time } = start([device('one', 'w')], [driver]);
    expect(await time.until(supervisor.execute(unlock, patience))).toMatchObject({ done: true });
    expect(time.elapsed()).toBe(RULE_PATIENCE_MS);
    expect(executed).toEqual(['1']);
  });

  it('of a rule fails after its patience, and at the stop at once', async () => {
    const { driver, refuse } = testDriver('a');
    refuse(...Array.from({ length: 50 }, lost));
    const { supervisor, time } = start([device('one', 'w')], [driver]);
    const closed = { done: false, reason: 'w is not open' };
    const begun = time.elapsed();
    expect(await time.until(supervisor.execute(unlock, patience))).toEqual(closed);
    expect(time.elapsed() - begun).toBe(RULE_PATIENCE_MS);
    const waiting = supervisor.execute(unlock, patience);
    await time.until(supervisor.close());
    expect(await waiting).toEqual(closed);
    expect(await supervisor.execute(unlock, patience)).toEqual(closed);
    expect(time.elapsed() - begun).toBe(RULE_PATIENCE_MS);
  });
});
