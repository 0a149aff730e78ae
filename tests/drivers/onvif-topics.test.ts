import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventRule } from '../../drivers/onvif/mapping.ts';
import { becomes, readTopics, untold } from '../../drivers/onvif/topics.ts';
import { soap } from './onvif-peer.ts';

/** After the examples of ONVIF Core 9.5.2 and 9.8, with topics of an Axis (Kane610/axis, tests/event_fixtures.py). */
const properties =
  soap(`<tet:GetEventPropertiesResponse xmlns:tet="http://www.onvif.org/ver10/events/wsdl" xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:tnsaxis="http://www.axis.com/2009/event/topics">
<tet:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tet:TopicNamespaceLocation><wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>
<wstop:TopicSet xmlns="">
 <tns1:RuleEngine>
  <LineDetector><Crossed wstop:topic="true"><tt:MessageDescription><tt:Source><tt:SimpleItemDescription Name="Rule" Type="xs:string"/></tt:Source><tt:Data><tt:SimpleItemDescription Name="ObjectId" Type="xs:integer"/></tt:Data></tt:MessageDescription></Crossed></LineDetector>
  <FieldDetector><ObjectsInside wstop:topic="true"><tt:MessageDescription IsProperty="true"><tt:Source/><tt:Key><tt:SimpleItemDescription Name="ObjectId" Type="xs:integer"/></tt:Key><tt:Data><tt:SimpleItemDescription Name="IsInside" Type="xs:boolean"/></tt:Data></tt:MessageDescription></ObjectsInside></FieldDetector>
 </tns1:RuleEngine>
 <tns1:Device><tnsaxis:Casing><Open wstop:topic="true"><tt:MessageDescription IsProperty="true"><tt:Data><tt:SimpleItemDescription Name="Open" Type="xs:boolean"/></tt:Data></tt:MessageDescription></Open></tnsaxis:Casing>
  <Trigger><DigitalInput wstop:topic="true"><tt:MessageDescription IsProperty="true"><tt:Data><tt:SimpleItemDescription Name="LogicalState" Type="xs:boolean"/></tt:Data></tt:MessageDescription></DigitalInput></Trigger></tns1:Device>
 <tns1:RecordingConfig><JobState wstop:topic="true"><tt:MessageDescription IsProperty="true"><tt:Data><tt:SimpleItemDescription Name="State" Type="xs:string"/></tt:Data></tt:MessageDescription></JobState></tns1:RecordingConfig>
</wstop:TopicSet></tet:GetEventPropertiesResponse>`);
const rules = (...all: readonly object[]) => all.map((one) => eventRule.parse(one));

describe('the topics of a camera', () => {
  it('are read from the tree, without prefixes', () => {
    expect(readTopics(properties)).toEqual([
      { topic: 'RuleEngine/LineDetector/Crossed', isProperty: false, data: ['ObjectId'] },
      { topic: 'RuleEngine/FieldDetector/ObjectsInside', isProperty: true, data: ['IsInside'] },
      { topic: 'Device/Casing/Open', isProperty: true, data: ['Open'] },
      { topic: 'Device/Trigger/DigitalInput', isProperty: true, data: ['LogicalState'] },
      { topic: 'RecordingConfig/JobState', isProperty: true, data: ['State'] },
    ]);
  });

  it('are told with what becomes of each, and why of others nothing', () => {
    const own = rules(
      { topic: 'tns1:RuleEngine/FieldDetector', kind: 'intrusion', zone: 3 },
      { topic: 'Device/Trigger/DigitalInput', source: 'di0', kind: 'panic', zone: 2 },
      { topic: 'RecordingConfig', kind: 'ignore' },
    );
    const said = (of: typeof own) =>
      Object.fromEntries(readTopics(properties).map((one) => [one.topic, becomes(one, of)]));
    expect(said([])).toEqual({
      'RuleEngine/LineDetector/Crossed': 'video.line-crossed, without an end of its own',
      'RuleEngine/FieldDetector/ObjectsInside': 'video.zone-entered',
      'Device/Casing/Open': 'tamper',
      'Device/Trigger/DigitalInput': 'nothing: no rule says what it means; it is counted in /health',
      'RecordingConfig/JobState': 'fault (recording)',
    });
    expect(said(own)).toMatchObject({
      'RuleEngine/FieldDetector/ObjectsInside': 'intrusion of zone 3, by a rule',
      'Device/Trigger/DigitalInput':
        'of di0: panic of zone 2, by a rule; nothing: no rule says what it means; it is counted in /health',
      'RecordingConfig/JobState': 'nothing: a rule says `ignore`',
    });
  });

  it('that rules name and it does not tell are told, with the nearest', () => {
    const own = rules(
      { topic: 'RuleEngine/LineDectector', kind: 'intrusion' },
      { topic: 'tns1:RuleEngine/tns1:LineDetector', kind: 'intrusion' },
      { topic: 'UserAlarm/Fire', kind: 'fire' },
    );
    expect(untold(own, readTopics(properties))).toEqual([
      'it tells no topic RuleEngine/LineDectector; did you mean RuleEngine/LineDetector?',
      'it tells no topic UserAlarm/Fire',
    ]);
    // Of one that does not say what it tells nothing is known.
    expect(untold(own, [])).toEqual([]);
  });

  it('never make a reader fail otherwise', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: properties.length }),
        fc.string({ maxLength: 20 }),
        (at, text) => {
          try {
            for (const one of readTopics(properties.slice(0, at) + text + properties.slice(at + 5)))
              becomes(one, []);
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(/^E_SOAP/);
          }
        },
      ),
    );
  });
});
