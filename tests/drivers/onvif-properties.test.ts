/**
 * What one property is, and what a change of it (ONVIF Core 9.5.1): Topic, Source and Key name it, and UtcTime tells what
 * only happens from what happened before. The forms are those of cameras: Axis AOA and VMD, recorders whose channels have
 * rules of the same name, inputs.
 */
import { describe, expect, it } from 'vitest';
import type { DeviceObservation } from '../../drivers/contract/observation.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import type { Notification } from '../../drivers/onvif/notifications.ts';
import { createStates } from '../../drivers/onvif/states.ts';
import { stateKeyOf } from '../../gateway/road/event.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost } from '../helpers.ts';

const reading = { offset: 0, zone: undefined };
const MOTION = 'RuleEngine/CellMotionDetector/Motion';
const INPUT = 'Device/Trigger/DigitalInput';
const INSIDE = 'RuleEngine/FieldDetector/ObjectsInside';
const panic = { events: [{ topic: INPUT, kind: 'panic', zone: 1 }] };

function camera(own: object = {}, sourceOf?: (one: Notification) => string | undefined) {
  const clock = manualClock();
  const told = new Set<string>();
  const fake = fakeHost(async ({ repeat }) => {
    const repeated = repeat !== undefined && told.has(repeat.key);
    if (repeat !== undefined) told.add(repeat.key);
    return { sequence: 1, id: 'x', repeated };
  }, clock);
  const device = { id: 'cam', driver: 'onvif', options: onvif.options.parse({ host: '10.0.0.1', ...own }) };
  const states = createStates([device], fake.host, () => device, sourceOf);
  const take = (
    topic: string,
    source: Readonly<Record<string, string>>,
    data: Readonly<Record<string, string>>,
    more: Partial<Notification> = {},
  ) => states.take({ topic, operation: 'Changed', at: clock.wall(), source, data, ...more }, reading);
  const words = () =>
    fake.reports.rest().map(({ state, initial }) => (initial ? `${state}, as found` : state));
  return { ...fake, clock, states, take, told: words };
}
const of = (channel: number) => ({
  VideoSourceConfigurationToken: `VSC_${channel}`,
  VideoAnalyticsConfigurationToken: 'VAC',
  Rule: 'MyMotionDetectorRule',
});

describe('a state', () => {
  it('of one channel is not ended by another channel whose rule has the same name', async () => {
    const { take, reports } = camera();
    await take(MOTION, of(1), { IsMotion: 'true' });
    await take(MOTION, of(2), { IsMotion: 'true' });
    await take(MOTION, of(1), { IsMotion: 'false' });
    const told = reports.rest();
    expect(told.map(({ state }) => state)).toEqual(['raised', 'raised', 'restored']);
    const [one, two, end] = told.map(stateKeyOf);
    expect(two).not.toBe(one);
    expect(end).toBe(one);
    expect(told[1]?.details).toEqual({ part: 'MyMotionDetectorRule', source: 'VSC_2' });
  });

  it.each([
    ['CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1', 'Device1Scenario2'],
    ['CameraApplicationPlatform/VMD/Camera1Profile1', 'Camera1ProfileANY'],
  ])('of %s is not ended by %s', async (topic, other) => {
    const { take, reports } = camera();
    await take(topic, {}, { active: '1' });
    await take(topic.replace(/[^/]*$/, other), {}, { active: '1' });
    await take(topic, {}, { active: '0' });
    const told = reports.rest();
    expect(told.map(({ state }) => state)).toEqual(['raised', 'raised', 'restored']);
    const [one, two, end] = told.map(stateKeyOf);
    expect(two).not.toBe(one);
    expect(end).toBe(one);
  });

  it('of a zone with several inputs ends with the last of them', async () => {
    const { take, told } = camera(panic);
    await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'true' });
    await take(INPUT, { InputToken: 'di1' }, { LogicalState: 'true' });
    await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'false' });
    expect(told()).toEqual(['raised', 'raised']);
    await take(INPUT, { InputToken: 'di2' }, { LogicalState: 'false' });
    expect(told()).toEqual([]);
    await take(INPUT, { InputToken: 'di1' }, { LogicalState: 'false' });
    expect(told()).toEqual(['restored']);
  });

  it('that is said again is told once, and the next one again', async () => {
    const { take, told, clock } = camera(panic);
    for (let i = 0; i < 5; i++) {
      await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'true' });
      await clock.advance(1100);
    }
    expect(told()).toEqual(['raised']);
    await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'false' });
    await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'true' });
    expect(told()).toEqual(['restored', 'raised']);
  });

  it('that was not known is told as found: the gateway may know it of before its restart', async () => {
    const { take, told } = camera(panic);
    await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'false' });
    expect(told()).toEqual(['restored, as found']);
  });

  it('is told anew after a break, in which it may have ended', async () => {
    const { take, told, states } = camera(panic);
    await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'true' });
    states.begin();
    await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'true' }, { operation: 'Initialized' });
    expect(told()).toEqual(['raised', 'raised, as found']);
    states.begin();
    await take(INPUT, { InputToken: 'di0' }, { LogicalState: 'true' });
    expect(told()).toEqual(['raised']);
  });

  it('that the disk refuses is told with the next word', async () => {
    const clock = manualClock();
    let isFull = true;
    const fake = fakeHost(async () => {
      if (isFull) throw new Error('full');
      return { sequence: 1, id: 'x', repeated: false };
    }, clock);
    const device = { id: 'cam', driver: 'onvif', options: onvif.options.parse({ host: '10.0.0.1' }) };
    const states = createStates([device], fake.host, () => device);
    const again = () =>
      states.take(
        { topic: MOTION, operation: 'Changed', at: clock.wall(), source: of(1), data: { IsMotion: 'true' } },
        reading,
      );
    const first = again();
    await clock.advance(1000);
    await first;
    fake.reports.rest();
    isFull = false;
    await again();
    expect(fake.reports.rest()).toMatchObject([{ state: 'raised' }]);
  });
});

describe('a notification that says several things', () => {
  const TAPO = 'RuleEngine/TPSmartEventDetector/TPSmartEvent';
  it('is what each of its items says (Tapo)', async () => {
    const { take, reports } = camera();
    await take(TAPO, { Rule: 'T' }, { IsVehicle: 'false', IsPet: 'true' });
    await take(TAPO, { Rule: 'T' }, { IsVehicle: 'true', IsPet: 'false' });
    const news = reports.rest().filter(({ initial }) => !initial);
    expect(news.map(({ cause, state }) => `${cause} ${state}`)).toEqual([
      'animal raised',
      'vehicle raised',
      'animal restored',
    ]);
  });

  it('is one thing where a rule or its topic says what it means: it is so where one of its items is', async () => {
    const rule = camera({ events: [{ topic: TAPO, kind: 'intrusion', zone: 4 }] });
    await rule.take(TAPO, { Rule: 'T' }, { IsVehicle: 'false', IsPet: 'true' });
    expect(rule.told()).toEqual(['raised']);
    await rule.take(TAPO, { Rule: 'T' }, { IsVehicle: 'false', IsPet: 'false' });
    expect(rule.told()).toEqual(['restored']);
    const { take, told } = camera();
    await take('RuleEngine/PeopleDetector/People', {}, { IsPeople: 'true', IsVehicle: 'false' });
    expect(told()).toEqual(['raised']);
  });
});

describe('the end of a state', () => {
  it('is told where it is deleted, although its data is left out (ONVIF Core 9.5.1, property example)', async () => {
    const { take, told } = camera();
    const key = (ObjectId: string) => ({ key: { ObjectId } });
    await take(INSIDE, { Rule: 'F' }, { IsInside: 'true' }, key('5'));
    await take(INSIDE, { Rule: 'F' }, { IsInside: 'true' }, key('6'));
    await take(INSIDE, { Rule: 'F' }, {}, { ...key('5'), operation: 'Deleted' });
    expect(told()).toEqual(['raised', 'raised']);
    await take(INSIDE, { Rule: 'F' }, {}, { ...key('6'), operation: 'Deleted' });
    expect(told()).toEqual(['restored']);
  });

  it('of a zone is not that of one of two objects after a break in which nothing is said anew', async () => {
    const { take, told, states } = camera();
    const key = (ObjectId: string) => ({ key: { ObjectId } });
    await take(INSIDE, { Rule: 'F' }, { IsInside: 'true' }, key('1'));
    await take(INSIDE, { Rule: 'F' }, { IsInside: 'true' }, key('2'));
    states.begin();
    await take(INSIDE, { Rule: 'F' }, { IsInside: 'false' }, key('1'));
    expect(told()).toEqual(['raised', 'raised']);
    await take(INSIDE, { Rule: 'F' }, { IsInside: 'false' }, key('2'));
    expect(told()).toEqual(['restored']);
  });

  it('that a source and its detector tell is told with the last (ONVIF Imaging 6.3)', async () => {
    const { take, reports } = camera({}, () => 'VS_1');
    const alarm = (State: string) => take('VideoSource/MotionAlarm', { Source: 'VS_1' }, { State });
    await take(MOTION, of(1), { IsMotion: 'true' });
    await alarm('true');
    await take(MOTION, of(1), { IsMotion: 'false' });
    await alarm('false');
    const [raised, restored, ...others] = reports.rest();
    expect([raised?.state, restored?.state, ...others]).toEqual(['raised', 'restored']);
    expect(stateKeyOf(restored as never)).toBe(stateKeyOf(raised as never));
    // Two detectors are two.
    await alarm('true');
    await take(MOTION, { ...of(1), Rule: 'a' }, { IsMotion: 'true' });
    await take(MOTION, { ...of(1), Rule: 'b' }, { IsMotion: 'true' });
    expect(reports.rest().map(({ details }) => details?.['part'])).toEqual(['VS_1', 'b']);
  });
});

describe('what stood before the gateway started', () => {
  const stood = (more: object = {}) => ({
    ...{ device: 'cam', kind: 'panic', state: 'raised', zone: { number: 1 }, seen: 0 },
    ...{ details: { part: 'di1' }, ...more },
  });
  const restarted = (known: readonly object[], own: object = {}) => {
    const clock = manualClock();
    const fake = fakeHost(undefined, clock);
    const host = { ...fake.host, raised: () => known as readonly DeviceObservation[] };
    const options = onvif.options.parse({ host: '10.0.0.1', ...panic, ...own });
    const device = { id: 'cam', driver: 'onvif', options };
    const states = createStates([device], host, () => device);
    const input = (InputToken: string, LogicalState: string) =>
      states.take(
        {
          ...{ topic: INPUT, operation: 'Initialized', at: clock.wall() },
          ...{ source: { InputToken }, data: { LogicalState } },
        },
        reading,
      );
    return { ...fake, clock, input };
  };

  it('is ended where the camera says nothing of it', async () => {
    const line = { kind: 'video', cause: 'line-crossed', zone: undefined, details: { part: 'L' } };
    const { clock, reports } = restarted([stood(), stood(line)], { clearAfter: '8s' });
    await clock.advance(7999);
    expect(reports.rest()).toEqual([]);
    await clock.advance(1);
    expect(reports.rest()).toMatchObject([
      { kind: 'panic', state: 'restored', zone: { number: 1 }, details: { part: 'di1', assumed: true } },
      { kind: 'video', cause: 'line-crossed', state: 'restored', details: { part: 'L', assumed: true } },
    ]);
  });

  it('is not ended by another input of its zone, and not at all where it is said anew', async () => {
    const { clock, reports, input } = restarted([stood()]);
    await input('di0', 'false');
    expect(reports.rest()).toEqual([]);
    await input('di1', 'true');
    expect(reports.rest()).toMatchObject([{ state: 'raised', initial: true }]);
    await clock.advance(60_000);
    expect(reports.rest()).toEqual([]);
    await input('di1', 'false');
    expect(reports.rest()).toMatchObject([{ state: 'restored' }]);
  });

  it('is ended where the camera says that it is over', async () => {
    const { reports, input } = restarted([stood()]);
    await input('di1', 'false');
    expect(reports.rest()).toMatchObject([{ state: 'restored' }]);
  });

  it('and is not of its topics is left to who said it', async () => {
    const blind = { ...stood({ kind: 'fault', cause: 'blind' }), zone: undefined };
    const { clock, reports } = restarted([blind], { clearAfter: '8s' });
    await clock.advance(60_000);
    expect(reports.rest()).toEqual([]);
  });
});

describe('what only happens', () => {
  const LINE = 'RuleEngine/LineDetector/Crossed';
  const happened = { operation: undefined };
  const raisedOf = (camera_: ReturnType<typeof camera>) =>
    camera_.reports
      .rest()
      .filter(({ state }) => state === 'raised')
      .map(({ repeat }) => repeat?.key);

  it('and is said again in a new subscription is the same, by its time', async () => {
    const cam = camera();
    const at = cam.clock.wall();
    await cam.take(LINE, of(1), { ObjectId: '7' }, { ...happened, at });
    await cam.clock.advance(3_600_000);
    cam.states.begin();
    await cam.take(LINE, of(1), { ObjectId: '7' }, { ...happened, at });
    const [first, again, ...others] = cam.reports.rest().filter(({ state }) => state === 'raised');
    expect(others).toEqual([]);
    expect(again?.repeat?.key).toBe(first?.repeat?.key);
    expect(again?.repeat?.within).toBeGreaterThan(3_600_000);
    // What is known is over: no second end is told.
    await cam.clock.advance(10_000);
    expect(cam.told()).toEqual([]);
  });

  it('several times within one second is each told, where the camera says whole seconds', async () => {
    const cam = camera();
    cam.states.begin();
    await cam.clock.advance(3000);
    const at = cam.clock.wall();
    expect(at % 1000).toBe(0);
    for (let i = 0; i < 4; i++) await cam.take(LINE, of(1), {}, { ...happened, at });
    const raised = cam.reports.rest().filter(({ state }) => state === 'raised');
    expect(raised.map(({ repeat }) => repeat?.within)).toEqual([0, 0, 0, 0]);
  });

  it('twice within moments under one time is one; at another time, or of another object, it is two', async () => {
    const cam = camera();
    const at = cam.clock.wall() + 250;
    await cam.take(LINE, of(1), { ObjectId: '7' }, { ...happened, at });
    await cam.clock.advance(600);
    await cam.take(LINE, of(1), { ObjectId: '7' }, { ...happened, at });
    await cam.take(LINE, of(1), { ObjectId: '8' }, { ...happened, at });
    await cam.take(LINE, of(1), { ObjectId: '7' }, { ...happened, at: at + 1000 });
    const [first, again, other, later] = raisedOf(cam);
    expect(again).toBe(first);
    expect(new Set([first, other, later]).size).toBe(3);
    await cam.clock.advance(3000);
    expect(cam.told()).toEqual(['restored']);
  });

  it.each([0, undefined, Date.UTC(2020, 0, 1)])('is always told where its time is %s', async (at) => {
    const cam = camera();
    cam.states.begin();
    for (let i = 0; i < 2; i++) await cam.take(LINE, of(1), { ObjectId: '7' }, { ...happened, at });
    expect(raisedOf(cam)).toEqual([undefined, undefined]);
  });

  it('under a time that stands still is told as a repeat for moments only', async () => {
    const cam = camera();
    await cam.take(LINE, of(1), { ObjectId: '7' }, happened);
    expect(cam.reports.rest()[0]?.repeat?.within).toBeLessThanOrEqual(2000);
  });
});
