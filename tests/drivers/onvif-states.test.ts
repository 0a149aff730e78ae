import { describe, expect, it } from 'vitest';
import { onvif } from '../../drivers/onvif/driver.ts';
import type { Notification } from '../../drivers/onvif/notifications.ts';
import { createStates } from '../../drivers/onvif/states.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost } from '../helpers.ts';

const reading = { offset: 0, zone: undefined };

function camera(own: object = {}) {
  const clock = manualClock();
  const fake = fakeHost(undefined, clock);
  const device = { id: 'cam', driver: 'onvif', options: onvif.options.parse({ host: '10.0.0.1', ...own }) };
  const states = createStates([device], fake.host, () => device);
  const inside = (object: string, value: string, at = clock.wall()): Notification => ({
    topic: 'RuleEngine/FieldDetector/ObjectsInside',
    operation: 'Changed',
    at,
    source: { VideoSourceConfigurationToken: 'VSC_1', Rule: 'Field1' },
    key: { ObjectId: object },
    data: { IsInside: value },
  });
  const take = (notification: Notification) => states.take(notification, reading);
  return { ...fake, clock, take, inside, states };
}

describe('states of a camera', () => {
  it('end with the last of several objects (ONVIF Core 9.5.1: each key is a state of its own)', async () => {
    const { take, inside, reports } = camera();
    await take(inside('1', 'true'));
    await take(inside('2', 'true'));
    await take(inside('1', 'false'));
    await take(inside('2', 'false'));
    const told = [await reports.next(), await reports.next(), await reports.next()];
    expect(told.map(({ state }) => state)).toEqual(['raised', 'raised', 'restored']);
    expect(reports.rest()).toEqual([]);
  });

  it('end by themselves where an object is never said to have gone', async () => {
    const { take, inside, reports, clock } = camera({ clearAfter: '1m' });
    await take(inside('1', 'true'));
    await take(inside('2', 'true'));
    await take(inside('1', 'false'));
    reports.rest();
    await clock.advance(60_000);
    expect(await reports.next()).toMatchObject({ state: 'restored', details: { assumed: true } });
  });

  it('know after a new subscription only the objects that are told anew', async () => {
    const { take, inside, reports, states } = camera();
    await take(inside('1', 'true'));
    await take(inside('2', 'true'));
    states.begin();
    await take({ ...inside('2', 'true'), operation: 'Initialized' });
    await take(inside('2', 'false'));
    const told = reports.rest().map(({ state }) => state);
    expect(told.at(-1)).toBe('restored');
  });

  it('that no rule maps are told by their topic', async () => {
    const { take, inside, unmapped, reports } = camera();
    await take({ ...inside('1', 'true'), topic: 'Monitoring/ProcessorUsage' });
    expect(await unmapped.next()).toEqual({
      device: 'cam',
      what: 'Monitoring/ProcessorUsage, source: Field1',
    });
    expect(reports.rest()).toEqual([]);
  });

  it('of a time that cannot be are told at once, and not by that time', async () => {
    const { take, inside, reports } = camera();
    await take(inside('1', 'true', 0));
    expect(await reports.next()).toMatchObject({ at: { trusted: false } });
  });
});
