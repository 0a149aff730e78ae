/** One device says far too much: it waits for itself, and its neighbours for nobody. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { createFloods } from '../../gateway/floods/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';

const MINUTE = 60_000;
const BURST = 300;
const MAY_WAIT = 2000;

function rig(onward: (observation: Observation) => Promise<Receipt>, states = new Map<string, never>()) {
  const time = manualClock();
  const floods = createFloods({
    onward,
    states,
    clock: { now: time.wall },
    time,
    log: silentLog,
    metrics: createMetrics(),
  });
  onTestFinished(() => floods[Symbol.asyncDispose]());
  return { time, floods };
}
/** What went on, and when. */
function recording() {
  const told: (Observation & { at: { time: number; trusted: boolean } })[] = [];
  let sequence = 0;
  const made = rig(async (observation) => {
    told.push({ ...observation, at: { time: made.time.elapsed(), trusted: true } });
    return { sequence: ++sequence, id: String(sequence), repeated: false };
  });
  const of = (device: string, kind: Observation['kind']) =>
    told.filter((one) => one.device === device && one.kind === kind);
  return { ...made, told, of };
}
const alarm = (device: string, zone: number, more: Partial<Observation> = {}): Observation => ({
  device,
  kind: 'intrusion',
  state: 'raised',
  zone: { number: zone },
  ...more,
});
const card = (device: string, number: number): Observation => ({
  device,
  kind: 'credential',
  state: 'raised',
  credential: { format: 'card', number: String(number) },
});

describe('a device that raises thousands of alarms', () => {
  it('has them told at a rate, in their order, each once, with the time at which it said them', async () => {
    const { time, floods, of } = recording();
    const said = Array.from({ length: 2000 }, (_, zone) => floods.pass(alarm('panel', zone)));
    await time.advance(0);
    const atOnce = of('panel', 'intrusion').length;
    expect(atOnce).toBe(BURST);
    const saidAt = time.wall();
    await time.advance(1000);
    // Ever fewer wait; none of what came is lost, and none is told as of later.
    expect(of('panel', 'intrusion').length).toBeGreaterThan(atOnce + 50);
    await time.advance(30_000);
    const told = of('panel', 'intrusion');
    expect(told.map(({ zone }) => zone?.number)).toEqual(Array.from({ length: 2000 }, (_, zone) => zone));
    expect(new Set(told.slice(atOnce).map(({ seen }) => seen))).toEqual(new Set([saidAt]));
    expect((await Promise.all(said)).every(({ sequence }) => sequence !== null)).toBe(true);
  });

  it('holds up neither another device, nor another panel of its receiver', async () => {
    const { time, floods, of } = recording();
    for (let zone = 0; zone < 2000; zone++)
      void floods.pass(alarm('receiver', zone, { details: { account: '1' } }));
    await floods.pass(alarm('receiver', 1, { details: { account: '2' } }));
    await floods.pass(alarm('neighbour', 1));
    await time.advance(0);
    expect(of('neighbour', 'intrusion')).toHaveLength(1);
    expect(of('receiver', 'intrusion').filter(({ details }) => details?.['account'] === '2')).toHaveLength(1);
  });

  it('is told to flood once, and, a quiet minute after, not to: with how many waited', async () => {
    const { time, floods, of } = recording();
    floods.start?.();
    for (let zone = 0; zone < 800; zone++) void floods.pass(alarm('panel', zone));
    await time.advance(0);
    expect(of('panel', 'fault')).toMatchObject([{ state: 'raised', cause: 'flooding' }]);
    expect(floods.list()).toMatchObject([{ device: 'panel', waited: 500, refused: 0, waiting: 500 }]);
    await time.advance(2 * MINUTE);
    expect(of('panel', 'fault')).toMatchObject([
      { state: 'raised', cause: 'flooding' },
      { state: 'restored', cause: 'flooding', details: { waited: 500, refused: 0 } },
    ]);
    expect(floods.list()).toEqual([]);
    // As before: at once.
    await floods.pass(alarm('panel', 1));
    expect(of('panel', 'intrusion')).toHaveLength(801);
  });

  it('beyond what may wait is refused, so that it is not told that it was taken, and counted', async () => {
    const { time, floods, of } = recording();
    floods.start?.();
    const said = Array.from({ length: 3000 }, (_, zone) =>
      floods.pass(alarm('panel', zone)).then(
        () => 'taken',
        ({ code }: { code: string }) => code,
      ),
    );
    await time.advance(2 * MINUTE);
    const ends = Map.groupBy(await Promise.all(said), (end) => end);
    expect(ends.get('taken')).toHaveLength(BURST + MAY_WAIT);
    expect(ends.get('E_FLOOD')).toHaveLength(3000 - BURST - MAY_WAIT);
    expect(of('panel', 'intrusion')).toHaveLength(BURST + MAY_WAIT);
    expect(of('panel', 'fault').at(-1)).toMatchObject({
      details: { waited: MAY_WAIT, refused: 3000 - BURST - MAY_WAIT },
    });
  });

  it('says once what it repeats for want of an answer', async () => {
    const { time, floods, of } = recording();
    for (let zone = 0; zone < 500; zone++) void floods.pass(alarm('panel', zone));
    const again = () => floods.pass(alarm('panel', 7777, { repeat: { key: 'k', within: MINUTE } }));
    const receipts = [again(), again(), again()];
    await time.advance(5000);
    expect(of('panel', 'intrusion').filter(({ zone }) => zone?.number === 7777)).toHaveLength(1);
    expect(new Set((await Promise.all(receipts)).map(({ id }) => id)).size).toBe(1);
  });
});

describe('a terminal that says thousands of cards', () => {
  it('does not hold its own alarms up: they do not wait for cards', async () => {
    const { time, floods, of } = recording();
    for (let i = 0; i < 7000; i++) floods.pass(card('terminal', i)).catch(() => {});
    await floods.pass(alarm('terminal', 1, { kind: 'duress' }));
    await time.advance(0);
    expect(of('terminal', 'duress')).toHaveLength(1);
    expect(of('terminal', 'credential').length).toBeLessThanOrEqual(5000);
  });

  it('of a week in which its line was away is taken at once', async () => {
    const { time, floods, of } = recording();
    for (let i = 0; i < 5000; i++) void floods.pass(card('terminal', i));
    await time.advance(0);
    expect(of('terminal', 'credential')).toHaveLength(5000);
    expect(floods.list()).toEqual([]);
  });

  it('leaves a thing that is said of the arming where it was among the alarms', async () => {
    const { time, floods, told } = recording();
    for (let zone = 0; zone < 600; zone++) void floods.pass(alarm('panel', zone));
    void floods.pass({ device: 'panel', kind: 'arming', state: 'raised' });
    void floods.pass(alarm('panel', 600));
    await time.advance(10_000);
    const order = told.filter(
      ({ kind, zone }) => kind === 'arming' || zone?.number === 600 || zone?.number === 599,
    );
    expect(order.map(({ kind }) => kind)).toEqual(['intrusion', 'arming', 'intrusion']);
  });
});

describe('what was found on connecting', () => {
  it('and is no news is no flood, however much there is of it', async () => {
    const told: Observation[] = [];
    const { floods } = rig(async (observation) => {
      told.push(observation);
      return { sequence: null, id: null, repeated: true };
    });
    for (let zone = 0; zone < 5000; zone++)
      await floods.pass(alarm('io', zone, { state: 'restored', initial: true }));
    expect(told).toHaveLength(5000);
    expect(floods.list()).toEqual([]);
  });
});

describe('a gateway that stops', () => {
  it('lets all go on that waits', async () => {
    const { time, floods, of } = recording();
    const said = Array.from({ length: 1500 }, (_, zone) => floods.pass(alarm('panel', zone)));
    await time.advance(0);
    await floods[Symbol.asyncDispose]();
    await Promise.all(said);
    expect(of('panel', 'intrusion')).toHaveLength(1500);
  });
});
