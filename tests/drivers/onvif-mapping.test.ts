import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventRule, judge } from '../../drivers/onvif/mapping.ts';
import { plainTopic, readNotifications, readXmlTime } from '../../drivers/onvif/notifications.ts';
import { clockReadingOf, timeOf } from '../../drivers/onvif/times.ts';

const notify = (
  topic: string,
  data: object,
  operation: 'Changed' | 'Initialized' | 'Deleted' | undefined = 'Changed',
) => ({
  topic,
  operation,
  at: 0,
  source: { InputToken: 'di1' },
  data: data as Record<string, string>,
});
const seen = (notification: ReturnType<typeof notify>, rules: object[] = []) => {
  const judged = judge(
    notification,
    'cam',
    rules.map((one) => eventRule.parse(one)),
  );
  return judged.is === 'told' ? judged.meant.observation : judged.is === 'unmapped' ? 'unmapped' : undefined;
};

describe('a topic', () => {
  it.each([
    [
      'RuleEngine/CellMotionDetector/Motion',
      { IsMotion: 'true' },
      { kind: 'video', cause: 'motion', state: 'raised' },
    ],
    ['RuleEngine/CellMotionDetector/Motion', { IsMotion: 'false' }, { cause: 'motion', state: 'restored' }],
    ['RuleEngine/LineDetector/Crossed', { ObjectId: '3' }, { cause: 'line-crossed', state: 'raised' }],
    [
      'VideoSource/GlobalSceneChange/AnalyticsService',
      { State: '1' },
      { cause: 'tampered', state: 'raised' },
    ],
    ['VideoSource/SignalLoss', { State: 'true' }, { cause: 'signal-lost', state: 'raised' }],
    [
      'Device/HardwareFailure/StorageFailure',
      { Failed: 'true' },
      { kind: 'fault', cause: 'storage', state: 'raised' },
    ],
    [
      'RecordingConfig/JobState',
      { State: 'Active' },
      { kind: 'fault', cause: 'recording', state: 'restored' },
    ],
    ['RecordingConfig/JobState', { State: 'Idle' }, { kind: 'fault', cause: 'recording', state: 'raised' }],
  ])('%s %j means %j', (topic, data, expected) => {
    expect(seen(notify(topic, data))).toMatchObject({ device: 'cam', details: { part: 'di1' }, ...expected });
  });

  it('means what the config says, and nothing where nobody says anything', () => {
    const input = notify('Device/Trigger/DigitalInput', { LogicalState: 'false' });
    expect(seen(input)).toBe('unmapped');
    const rule = { topic: 'Device/Trigger/DigitalInput', kind: 'panic', zone: 3, inverted: true };
    expect(seen(input, [rule])).toMatchObject({ kind: 'panic', state: 'raised', zone: { number: 3 } });
    expect(seen(input, [{ ...rule, source: 'di2' }])).toBe('unmapped');
    const motion = notify('RuleEngine/CellMotionDetector/Motion', { IsMotion: 'true' });
    expect(seen(motion, [{ topic: 'RuleEngine/CellMotionDetector', kind: 'ignore' }])).toBeUndefined();
    expect(seen(motion, [{ topic: 'RuleEngine', kind: 'intrusion' }])).toMatchObject({ kind: 'intrusion' });
  });

  it('of a state that is told as found is initial, and ends when it is deleted', () => {
    const motion = (operation: 'Initialized' | 'Deleted') =>
      notify('VideoSource/MotionAlarm', { State: 'true' }, operation);
    expect(seen(motion('Initialized'))).toMatchObject({ initial: true, state: 'raised' });
    expect(seen(motion('Deleted'))).toMatchObject({ state: 'restored' });
    expect(seen(notify('RuleEngine/LineDetector/Crossed', { ObjectId: '1' }, 'Initialized'))).toBeUndefined();
  });
});

describe('a topic of makers', () => {
  // As cameras and those who listen to them write them: fixtures of home-assistant/core, Kane610/axis, topic lists of
  // Hanwha, Tapo, Reolink, Honeywell and Hikvision firmware, ONVIF Analytics 5 and Appendix A.
  it.each([
    ['tns1:VideoAnalytics/tnssamsung:MotionDetection', { Motion: '1' }, 'motion'],
    ['tns1:VideoAnalytics/MotionAlarm', { State: 'true' }, 'motion'],
    ['tns1:RuleEngine/tns1:CellMotionDetector/tns1:Motion', { IsMotion: 'true' }, 'motion'],
    ['tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY', { active: '1' }, 'motion'],
    ['tns1:Device/tnsaxis:Sensor/PIR', { state: '1' }, 'motion'],
    ['tnsaxis:CameraApplicationPlatform/FenceGuard/Camera1Profile1', { active: '1' }, 'line-crossed'],
    ['tnsaxis:CameraApplicationPlatform/LoiteringGuard/Camera1ProfileANY', { active: '1' }, 'loitering'],
    [
      'tnsaxis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1',
      { active: '1', classTypes: 'human' },
      'person',
    ],
    ['tnsaxis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1', { active: '1' }, 'motion'],
    ['tns1:RuleEngine/MyRuleDetector/PeopleDetect', { State: 'true' }, 'person'],
    ['tns1:RuleEngine/MyRuleDetector/FaceDetect', { State: 'true' }, 'face'],
    ['tns1:RuleEngine/MyRuleDetector/VehicleDetect', { State: 'true' }, 'vehicle'],
    ['tns1:RuleEngine/MyRuleDetector/DogCatDetect', { State: 'true' }, 'animal'],
    ['tns1:RuleEngine/VehicleDetector/tnshik:Vehicle', { State: 'true' }, 'vehicle'],
    ['tns1:RuleEngine/PeopleDetector/People', { IsPeople: 'true' }, 'person'],
    ['tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent', { IsVehicle: 'true' }, 'vehicle'],
    ['tns1:RuleEngine/CellMotionDetector/LineCross', { IsLineCross: 'true' }, 'line-crossed'],
    ['tns1:RuleEngine/CellMotionDetector/Intrusion', { IsIntrusion: 'true' }, 'zone-entered'],
    ['tns1:UserAlarm/IVA/HumanShapeDetect', { State: 'true' }, 'person'],
    ['tns1:RuleEngine/FieldDetector/ObjectsLoitering', { State: 'true' }, 'loitering'],
    ['tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering', { State: 'true' }, 'loitering'],
    ['tns1:RuleEngine/LoiteringDetector/ObjectIsRemoved', { State: 'true' }, 'object-removed'],
    ['tns1:RuleEngine/ObjectDetector/ObjectsLeave', { State: 'true' }, 'object-left'],
    ['tns1:RuleEngine/ObjectDetection/Object', { State: 'true', ClassTypes: 'Human Face' }, 'person'],
    ['tns1:RuleEngine/FaceAnalysis/FaceDetector', { State: 'true' }, 'face'],
    ['tns1:VideoAnalytics/tns1:Line/tns1:Crossed', { State: 'true' }, 'line-crossed'],
    ['tns1:AudioAnalytics/Audio/DetectedSound', { IsSoundDetected: 'true' }, 'sound'],
    ['tns1:AudioSource/tnsaxis:TriggerLevel', { triggered: 'true' }, 'sound'],
    ['tns1:VideoAnalytics/tnssamsung:TamperingDetection', { State: '1' }, 'tampered'],
    ['tns1:VideoAnalytics/tnshik:MaskAlarm', { State: 'true' }, 'tampered'],
    ['tns1:UserAlarm/VideoLost', { State: 'true' }, 'signal-lost'],
  ])('%s %j is video.%s', (topic, data, cause) => {
    expect(seen(notify(plainTopic(topic), data))).toMatchObject({ kind: 'video', cause, state: 'raised' });
  });
});

describe('a word of a topic', () => {
  it.each([
    ...['tnssamsung:IVA/Fire', 'tnssamsung:IVA/Smoke', 'tns1:RuleEngine/FireDetector'],
    ...[
      'tns1:RuleEngine/FireDetector/Fire',
      'tns1:VideoAnalytics/SmokeDetection',
      'tns1:VideoSource/Fire/SmokeAlarm',
    ],
    ...[
      'tns1:RuleEngine/FireSmokeDetection',
      'tns1:RuleEngine/tnshik:SmokeAndFireDetect',
      'tns1:RuleEngine/Fire1',
    ],
    ...[
      'tns1:RuleEngine/OpenFlameDetector',
      'tns1:UserAlarm/VcaFireAlarm',
      'tns1:RuleEngine/FireDetector/MyRule',
    ],
  ])('%s is a fire alarm', (topic) => {
    expect(seen(notify(plainTopic(topic), { State: 'true' }))).toMatchObject({
      kind: 'fire',
      state: 'raised',
    });
  });

  it.each([
    // 消防通道 occupied, 灭火器, 抽烟: each bears a word of fire, and is none.
    ...['tns1:RuleEngine/tnshik:FireEscapeDetection', 'tns1:RuleEngine/FireLaneDetection'],
    ...['tns1:RuleEngine/tnshik:FireExtinguisherDetection', 'tns1:RuleEngine/FirePassageOccupied'],
    ...[
      'tns1:RuleEngine/FireDoor/Open',
      'tns1:RuleEngine/FireHydrant',
      'tns1:RuleEngine/FireEquipmentMissing',
    ],
    ...[
      'tns1:RuleEngine/FireFighterDetection',
      'tns1:RuleEngine/CampFire',
      'tns1:AudioAnalytics/Audio/GunFire',
    ],
    ...['tns1:RuleEngine/SmokingDetector/Smoking'],
    ...['tns1:RuleEngine/SmokeFreeArea', 'tns1:RuleEngine/DefenceAlarm', 'tns1:RuleEngine/SmokingDetection'],
    // 口罩: no covered camera.
    ...[
      'tns1:RuleEngine/FaceMaskAlarm',
      'tns1:RuleEngine/FaceMaskDetector/NoMask',
      'tns1:RuleEngine/NoMaskAlarm',
    ],
    'tns1:RuleEngine/CountAggregation/Counter',
    'tns1:RuleEngine/MyRuleDetector/Occupancy',
    'tns1:Recording/MotionRecording/Started',
    'tns1:Configuration/AudioEncoderConfiguration',
    'tns1:Device/IO/DigitalInputConfiguration',
    'tns1:Monitoring/ProcessorUsage',
    'tns1:Media/ProfileChanged',
    'tns1:RuleEngine/ObjectTracker/Aggregation',
    'tns1:UserAlarm/IVA',
  ])('%s is no detection, which is told', (topic) => {
    expect(seen(notify(plainTopic(topic), { State: 'true' }))).toBe('unmapped');
  });

  it.each([
    ['active', 'inactive'],
    ['1', '0'],
    ['true', 'False'],
    ['on', 'OFF'],
  ])('says that it is so by %s and that it is not by %s', (yes, no) => {
    for (const name of ['State', 'LogicalState', 'IsMotion', 'active', 'Level']) {
      const rule = { topic: 'tns1:Device/tnsaxis:Sensor/PIR', kind: 'intrusion' };
      expect(seen(notify('Device/Sensor/PIR', { [name]: yes }), [rule])).toMatchObject({ state: 'raised' });
      expect(seen(notify('Device/Sensor/PIR', { [name]: no }), [rule])).toMatchObject({ state: 'restored' });
    }
  });
});

describe('a state', () => {
  // GetEventInstances of an Axis: each of these is xsd:boolean and isPropertyState (Kane610/axis, tests/event_fixtures.py).
  it.each([
    ['Device/HardwareFailure/StorageFailure', 'disruption', { kind: 'fault', cause: 'storage' }],
    ['Storage/Disruption', 'disruption', { kind: 'fault', cause: 'storage' }],
    ['Device/Network/Lost', 'lost', { kind: 'fault', cause: 'network' }],
    ['Device/Status/Temperature/Above_or_below', 'sensor_level', { kind: 'fault', cause: 'temperature' }],
    ['Device/Casing/Open', 'Open', { kind: 'tamper' }],
    ['AudioSource/TriggerLevel', 'triggered', { kind: 'video', cause: 'sound' }],
    ['RuleEngine/VMD3/vmd3_video_1', 'active', { kind: 'video', cause: 'motion' }],
  ])('%s tells by %s, 0 or 1, ends with 0', (topic, item, expected) => {
    for (const operation of ['Initialized', 'Changed'] as const) {
      expect(seen(notify(topic, { [item]: '1' }, operation))).toMatchObject({ ...expected, state: 'raised' });
      expect(seen(notify(topic, { [item]: '0' }, operation))).toMatchObject({
        ...expected,
        state: 'restored',
      });
    }
  });

  it.each([
    // Of Axis too, with no meaning but what a rule gives them.
    ['Device/Status/SystemReady', 'ready', '1', '0'],
    ['VideoSource/LiveStreamAccessed', 'accessed', '1', '0'],
    ['PTZController/PTZPresets/Channel_1', 'on_preset', '1', '0'],
    ['Device/Light/Status', 'state', 'ON', 'OFF'],
    // ONVIF Core, Annex H: xs:boolean; Door Control (doorcontrol.wsdl): enumerations.
    ['Monitoring/Washer/LiquidLow', 'IsLow', 'true', 'false'],
    ['Monitoring/AreaOfOperation/OutsideCertifiedArea', 'Status', 'true', 'false'],
    ['Door/State/DoorPhysicalState', 'State', 'Open', 'Closed'],
    ['Door/State/LockPhysicalState', 'State', 'Unlocked', 'Locked'],
    ['Door/State/DoorAlarm', 'State', 'DoorForcedOpen', 'Normal'],
    ['Door/State/DoorTamper', 'State', 'TamperDetected', 'NotInTamper'],
    ['Door/State/DoorFault', 'State', 'FaultDetected', 'NotInFault'],
    // Of nobody that we know, but it says that it is a property, or spells it out.
    ['Acme/Gate', 'barrier', '1', '0'],
    ['Acme/Gate', 'Barrier', 'Open', 'closed'],
  ])('of %s is borne by %s: %s and %s', (topic, item, yes, no) => {
    const rule = { topic, kind: 'intrusion' };
    expect(seen(notify(topic, { [item]: yes }), [rule])).toMatchObject({ state: 'raised' });
    expect(seen(notify(topic, { [item]: no }), [rule])).toMatchObject({ state: 'restored' });
  });

  it.each([
    // ONVIF Analytics 5: an id is no state; Axis' `tampering` is 1 and no property; a figure is none either.
    ['RuleEngine/LineDetector/Crossed', { ObjectId: '0' }, 'Changed'],
    ['RuleEngine/LineDetector/Crossed', { ObjectId: '1', Direction: '0' }, 'Changed'],
    ['VideoSource/Tampering', { tampering: '1' }, undefined],
    ['RuleEngine/ObjectDetection/Object', { ClassTypes: 'Human', Value: '37.5' }, undefined],
  ] as const)('is none in %s %j: that only happens', (topic, data, operation) => {
    const judged = judge({ ...notify(topic, data), operation }, 'cam', []);
    expect(judged).toMatchObject({ is: 'told', meant: { passing: true } });
  });

  it.each([
    ['VideoSource/MotionAlarm', { State: 'maybe' }],
    ['VideoSource/MotionAlarm', { State: '' }],
    ['RecordingConfig/JobState', { State: 'Paused' }],
    // tdc:DoorPhysicalState has this too, and it is neither.
    ['Device/Casing/Open', { Open: 'Unknown' }],
    ['VideoSource/SignalLoss', { State: 'constructor' }],
  ])('of a word that nobody says (%s %j) is listed, and neither begins nor ends anything', (topic, data) => {
    const [[item, word] = []] = Object.entries(data);
    expect(judge(notify(topic, data), 'cam', [])).toEqual({
      is: 'unmapped',
      what: `${topic}, source: di1: ${item}="${word}" is no state that is known`,
    });
    expect(seen(notify(topic, data, 'Deleted'))).toMatchObject({ state: 'restored' });
  });
});

describe('a name', () => {
  it.each([
    'tns1:VideoAnalytics/NetworkInterface',
    'tns1:VideoAnalytics/acme:Surface',
    'tns1:VideoAnalytics/acme:SurfaceChanged',
    'tns1:UserAlarm/Smokeless',
    'tns1:UserAlarm/Smoking',
    'tns1:UserAlarm/FireWallChanged',
    'tns1:UserAlarm/Firewall',
    'tns1:UserAlarm/FirmwareUpgrade',
    'tns1:UserAlarm/Personalisation',
    'tns1:UserAlarm/Carrier',
    'tns1:UserAlarm/Catalogue',
    'tns1:UserAlarm/PetabytesLeft',
    'tns1:UserAlarm/Temperamental',
    'tns1:UserAlarm/AcrossChannels',
    'tns1:UserAlarm/ServiceRunning',
    'tns1:UserAlarm/Emotional',
    'tns1:VideoAnalytics/VideoDensity',
    'tns1:UserAlarm/Dogma',
  ])('%s holds a word that it does not mean', (topic) => {
    expect(seen(notify(plainTopic(topic), { State: 'true' }))).toBe('unmapped');
  });

  it.each([
    ['facedetection', 'face'],
    ['linedetection', 'line-crossed'],
    ['fielddetection', 'zone-entered'],
    ['scenechangedetection', 'tampered'],
    ['PEOPLE_DETECTED', 'person'],
    ['acme:IVAMotion2', 'motion'],
    ['Camera1 Vehicle', 'vehicle'],
  ])('%s is video.%s, however it is written', (segment, cause) => {
    expect(seen(notify(plainTopic(`UserAlarm/${segment}`), { State: 'true' }))).toMatchObject({ cause });
  });

  it.each([
    ['Human,Vehicle', 'person'],
    ['LicensePlate', 'motion'],
    ['Surface', 'motion'],
    ['Carton', 'motion'],
    ['Bicycle', 'vehicle'],
  ])('of a class, %s, is video.%s', (ClassTypes, cause) => {
    expect(seen(notify('RuleEngine/ObjectDetection/Object', { State: 'true', ClassTypes }))).toMatchObject({
      cause,
    });
  });
});

describe('a time of a camera', () => {
  it.each([
    ['2026-11-24T00:00:01Z', Date.UTC(2026, 10, 24, 0, 0, 1)],
    // home-assistant/core test_parsers: without a zone. It is UTC by its name, wherever the gateway stands.
    ['2024-07-02T07:53:22', Date.UTC(2024, 6, 2, 7, 53, 22)],
    ['2026-11-24T08:00:01.250+08:00', Date.UTC(2026, 10, 24, 0, 0, 1, 250)],
    ['2026-1-4 7:05:09Z', Date.UTC(2026, 0, 4, 7, 5, 9)],
    ['1970-01-01T00:00:00Z', 0],
    ['0000-00-00T00:00:00Z', undefined],
    ['2026-02-30T00:00:00Z', undefined],
    ['yesterday', undefined],
  ])('%s is %s', (text, ms) => {
    expect(readXmlTime(text)).toBe(ms);
  });

  const now = Date.UTC(2026, 10, 24, 4);
  const right = { now, tolerance: 5000, initial: false };
  it('is judged by itself: of a zone, impossible, late', () => {
    const shanghai = clockReadingOf({ utc: now, local: now + 8 * 3_600_000 }, now);
    expect(timeOf(now - 1000, shanghai, right)).toEqual({ time: now - 1000, trusted: true });
    // Local time that is marked Z.
    expect(timeOf(now + 8 * 3_600_000 - 1000, shanghai, right)).toEqual({ time: now - 1000, trusted: true });
    expect(timeOf(0, shanghai, right)).toEqual({ time: 0, trusted: false });
    expect(timeOf(now + 3_600_000, shanghai, right)).toMatchObject({ trusted: false });
    expect(timeOf(now - 3_600_000, shanghai, right)).toMatchObject({ trusted: false });
    expect(timeOf(now - 3_600_000, shanghai, { ...right, initial: true })).toMatchObject({ trusted: true });
    expect(timeOf(undefined, shanghai, right)).toBeUndefined();
  });

  it('is compared with a clock that tells local time only, or none', () => {
    expect(clockReadingOf({ utc: undefined, local: now + 8 * 3_600_000 + 2000 }, now)).toEqual({
      offset: 2000,
      zone: 8 * 3_600_000,
    });
    const none = clockReadingOf({ utc: undefined, local: undefined }, now);
    expect(timeOf(now - 1000, none, right)).toEqual({ time: now - 1000, trusted: true });
    expect(timeOf(now - 60_000, none, right)).toEqual({ time: now - 60_000, trusted: false });
  });

  it('never fails', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer(), (text, ms) => {
        timeOf(readXmlTime(text), clockReadingOf({ utc: ms, local: undefined }, now), right);
      }),
    );
  });
});

describe('what a notification is of', () => {
  it('is told by its keys, and by its topic without prefixes', () => {
    const xml = `<e:Envelope xmlns:e="x"><e:Body><PullMessagesResponse><NotificationMessage><Topic>tns1:RuleEngine/tns1:FieldDetector/tns1:ObjectsInside</Topic><Message><Message UtcTime="2026-11-24T00:00:01" PropertyOperation="changed"><Source><SimpleItem Name="Rule" Value="F"/></Source><Key><SimpleItem Name="ObjectId" Value="15"/></Key><Data><SimpleItem Name="IsInside" Value=" true\t"/></Data></Message></Message></NotificationMessage></PullMessagesResponse></e:Body></e:Envelope>`;
    expect(readNotifications(xml).notifications).toEqual([
      {
        topic: 'RuleEngine/FieldDetector/ObjectsInside',
        operation: 'Changed',
        at: Date.UTC(2026, 10, 24, 0, 0, 1),
        source: { Rule: 'F' },
        key: { ObjectId: '15' },
        data: { IsInside: 'true' },
      },
    ]);
  });
});
