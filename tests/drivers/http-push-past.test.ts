/** What is told later than it happened says what was, and nothing of what is. */
import { expect, it } from 'vitest';
import type { Receipt } from '../../drivers/contract/observation.ts';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { createIntake } from '../../drivers/http-push/intake.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost } from '../helpers.ts';
import { terminalProfile } from './terminal-profile.ts';

const NOW = Date.parse('2026-11-24T16:08:30+08:00');

function terminal(store?: () => Promise<Receipt>) {
  const fake = fakeHost(store, manualClock(NOW));
  const options = httpPush.options.parse({ profile: 'x', listen: { port: 1 }, from: ['127.0.0.1'] });
  const profile = terminalProfile('hikvision-face');
  const intake = createIntake({ id: 'd', driver: 'http-push', options, profile }, fake.host);
  let serialNo = 0;
  /** Major 1 of NET_DVR_ACS_ALARM_INFO: 1052 and 1053 are the emergency button, pressed and released. */
  const say = async (subEventType: number, time: string, currentEvent: boolean, more: object = {}) => {
    const acs = { majorEventType: 1, subEventType, doorNo: 1, serialNo: ++serialNo, currentEvent, ...more };
    const body = {
      eventType: 'AccessControllerEvent',
      dateTime: `2026-11-24T${time}+08:00`,
      AccessControllerEvent: acs,
    };
    const bytes = Buffer.from(JSON.stringify(body));
    expect((await intake({ contentType: 'application/json', bytes, isToldOnce: true })).is).toBe('taken');
    return fake.reports.rest().map(({ state, momentary = false }) => ({ state, momentary }));
  };
  return { ...fake, say };
}

const raised = { state: 'raised', momentary: false };
const restored = { state: 'restored', momentary: false };

it('an end of before what stands now is not told as its end', async () => {
  const { say } = terminal();
  expect(await say(1052, '16:08:00', true)).toEqual([raised]);
  // Begun and ended an hour ago: it is told that it was.
  expect(await say(1052, '15:12:00', false)).toEqual([{ ...raised, momentary: true }]);
  expect(await say(1053, '15:13:00', false)).toEqual([]);
  expect(await say(1053, '16:08:20', true)).toEqual([restored]);
});

it('what was missed after the last word of it is the last word of it', async () => {
  const { say } = terminal();
  expect(await say(1052, '16:00:00', true)).toEqual([raised]);
  expect(await say(1053, '16:00:00', false)).toEqual([restored]);
  expect(await say(1052, '16:05:00', false)).toEqual([raised]);
  expect(await say(1053, '16:06:00', false)).toEqual([restored]);
});

it('where nothing stands both are told', async () => {
  const { say } = terminal();
  await say(1052, '16:00:00', true);
  await say(1053, '16:01:00', true);
  expect(await say(1052, '15:12:00', false)).toEqual([{ ...raised, momentary: true }]);
  expect(await say(1053, '15:13:00', false)).toEqual([{ ...restored, momentary: true }]);
});

it('an alarm input of before is told, and counted where nobody knows whether it was armed', async () => {
  const { say, unmapped } = terminal();
  expect(await say(1026, '15:12:00', false, { alarmInNo: 2 })).toEqual([raised]);
  expect(unmapped.rest()).toEqual([]);
  const unarmed = terminal(async () => ({ sequence: null, id: null, repeated: true }));
  await unarmed.say(1026, '15:12:00', false, { alarmInNo: 2 });
  expect(unarmed.unmapped.rest()).toEqual([{ device: 'd', what: 'intrusion, of before' }]);
});
