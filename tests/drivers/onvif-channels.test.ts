/**
 * Whose an event of a recorder is, in the words of makers: numbers of channels (Hikvision and Dahua count from 1), Axis in its
 * topics, configurations that are called the same for all. Where it is not clear, it is nobody's, and counted.
 */
import { describe, expect, it } from 'vitest';
import { channelOf, type Profile } from '../../drivers/onvif/channels.ts';
import { onvif } from '../../drivers/onvif/driver.ts';

const recorder = (sources: readonly string[], configuration = (i: number) => `VSC_${i}`) => ({
  profiles: sources.map(
    (source, i): Profile => ({
      ...{ token: `P${i + 1}`, source, sourceConfiguration: configuration(i + 1), analytics: '' },
      ...{ audio: '', audioConfiguration: '' },
    }),
  ),
  cameras: sources.map((source, i) => ({
    id: `ch${i + 1}`,
    driver: 'onvif',
    options: onvif.options.parse({ host: '10.0.0.1', source }),
  })),
});
type Recorder = ReturnType<typeof recorder>;
const whose = ({ cameras, profiles }: Recorder, source: object, topic = 'VideoSource/MotionAlarm') =>
  channelOf(
    { topic, operation: 'Changed', at: 0, source: source as Readonly<Record<string, string>>, data: {} },
    cameras,
    profiles,
  )?.id;

describe('an event of a recorder', () => {
  const fromOne = recorder(['VS_1', 'VS_2', 'VS_3', 'VS_4']);
  const axis = recorder(['0', '1', '2', '3']);
  const alike = recorder(['VS_1', 'VS_2', 'VS_3', 'VS_4'], () => 'VideoSourceConfig');

  it.each([
    [{ Channel: '3' }, 'ch3'],
    [{ ChannelID: '4' }, 'ch4'],
    [{ channel: '2' }, 'ch2'],
    [{ ChannelNo: '1', Rule: 'x' }, 'ch1'],
    [{ Channel: '9' }, undefined],
    [{ VideoSource: '3', Rule: 'x' }, 'ch3'],
    [{ Source: 'VideoSource_9' }, undefined],
    [{ Channel: 'VS_3' }, 'ch3'],
  ])('of %j is of %s', (source, id) => {
    expect(whose(fromOne, source)).toBe(id);
  });

  it.each([
    ['CameraApplicationPlatform/VMD/Camera3ProfileANY', 'ch3'],
    ['CameraApplicationPlatform/ObjectAnalytics/Device1Scenario2', 'ch1'],
    ['CameraApplicationPlatform/VMD/Camera7Profile1', undefined],
  ])('of %s is of %s', (topic, id) => {
    expect(whose(axis, {}, topic)).toBe(id);
    expect(whose(fromOne, {}, topic)).toBe(id);
  });

  it('is nobody’s by a number where the recorder counts its sources from 0: the item may count from 1', () => {
    expect(whose(axis, { channel: '2' })).toBeUndefined();
    expect(whose(axis, { VideoSourceToken: '2' })).toBe('ch3');
  });

  it('is of its source where the configurations of all are called the same, and else nobody’s', () => {
    const all = { VideoSourceConfigurationToken: 'VideoSourceConfig', Rule: 'a' };
    expect(whose(alike, { ...all, VideoSourceToken: 'VS_3' })).toBe('ch3');
    expect(whose(alike, { ...all, Channel: '2' })).toBe('ch2');
    expect(whose(alike, all)).toBeUndefined();
  });

  it('that names no channel is of the device, as its storage is', () => {
    expect(whose(fromOne, {}, 'Device/HardwareFailure/StorageFailure')).toBe('ch1');
    expect(whose(fromOne, { InputToken: '2' }, 'Device/Trigger/DigitalInput')).toBe('ch1');
  });

  it('is of the only device where there is only one', () => {
    const one = recorder(['VS_1']);
    expect(whose(one, { Channel: '0' })).toBe('ch1');
    const [, second] = fromOne.cameras;
    const alone = { ...fromOne, cameras: [second as (typeof fromOne.cameras)[number]] };
    expect(whose(alone, { Channel: '1' })).toBeUndefined();
    expect(whose(alone, { Channel: '2' })).toBe('ch2');
    const whole = { id: 'all', driver: 'onvif', options: onvif.options.parse({ host: '10.0.0.1' }) };
    expect(whose({ ...fromOne, cameras: [whole] }, { Channel: '9' })).toBe('all');
  });
});
