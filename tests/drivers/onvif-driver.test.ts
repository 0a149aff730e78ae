import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import {
  encodeRequest,
  passwordDigest,
  readBody,
  readNotifications,
  readSubscription,
  readTime,
} from '../../drivers/onvif/codec.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import { eventRule, observationOf } from '../../drivers/onvif/mapping.ts';
import { type CameraOptions, startCamera } from '../../simulators/camera.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, freePort, stream, temporaryDirectory } from '../helpers.ts';

const envelope = (body: string) =>
  `<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:dom0="http://www.axis.com/2009/event"><SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>`;

describe('the words of ONVIF', () => {
  it('prove a password as the programmer’s guide of ONVIF does', () => {
    const nonce = Buffer.from('LKqI6G/AikKCQrN0zqZFlg==', 'base64');
    expect(passwordDigest(nonce, '2010-09-16T07:50:45Z', 'userpassword')).toBe(
      'tuOSpGlFlIXsozq4HFNeeGeFLEI=',
    );
  });

  it('are read with whatever prefixes a camera has', () => {
    // As a Hikvision sends it, white space and all.
    const { notifications, discarded } = readNotifications(
      envelope(`<tev:PullMessagesResponse><tev:CurrentTime>2026-11-24T00:00:02Z</tev:CurrentTime>
<wsnt:NotificationMessage>
 <wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:RuleEngine/CellMotionDetector/Motion</wsnt:Topic>
 <wsnt:Message><tt:Message UtcTime="2026-11-24T00:00:01Z" PropertyOperation="Changed">
  <tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="VideoSourceToken"/><tt:SimpleItem Name="Rule" Value="MyMotionDetectorRule"/></tt:Source>
  <tt:Data><tt:SimpleItem Name="IsMotion" Value="true"/></tt:Data>
 </tt:Message></wsnt:Message>
</wsnt:NotificationMessage>
<wsnt:NotificationMessage><wsnt:Topic/><wsnt:Message/></wsnt:NotificationMessage>
</tev:PullMessagesResponse>`),
    );
    expect(notifications).toEqual([
      {
        topic: 'RuleEngine/CellMotionDetector/Motion',
        operation: 'Changed',
        at: Date.UTC(2026, 10, 24, 0, 0, 1),
        source: { VideoSourceConfigurationToken: 'VideoSourceToken', Rule: 'MyMotionDetectorRule' },
        data: { IsMotion: 'true' },
      },
    ]);
    expect(discarded).toBe(1);
  });

  it('keep what an Axis wants to hear again', () => {
    const found = readSubscription(
      envelope(
        '<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa5:Address>http://10.0.0.9/onvif/services</wsa5:Address><wsa5:ReferenceParameters><dom0:SubscriptionId>17</dom0:SubscriptionId></wsa5:ReferenceParameters></tev:SubscriptionReference><wsnt:CurrentTime>2026-11-24T00:00:00Z</wsnt:CurrentTime><wsnt:TerminationTime>2026-11-24T00:01:30Z</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>',
      ),
    );
    expect(found).toEqual({
      address: 'http://10.0.0.9/onvif/services',
      parameters:
        '<dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event" a:IsReferenceParameter="true">17</dom0:SubscriptionId>',
      lasts: 90_000,
    });
    const request = encodeRequest('pull', found.address, 5000, {
      parameters: found.parameters,
      messageId: 'x',
    });
    expect(readBody(request)).toMatchObject({ PullMessages: { Timeout: 'PT5S' } });
    expect(request).toContain('a:IsReferenceParameter="true">17<');
  });

  it('tell a fault by its words, and nonsense by name', () => {
    const fault = envelope(
      '<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode><SOAP-ENV:Value>ter:NotAuthorized</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">Sender not Authorized</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>',
    );
    expect(() => readBody(fault)).toThrow(
      expect.objectContaining({ code: 'E_SOAP_FAULT', message: 'ter:NotAuthorized: Sender not Authorized' }),
    );
    expect(() => readBody('<html><body>Login</body></html>')).toThrow(
      expect.objectContaining({ code: 'E_SOAP' }),
    );
    expect(() => readNotifications(envelope('<tev:Other/>'))).toThrow('another question');
    expect(() => readTime(envelope('<x/>'))).toThrow('does not tell its time');
  });

  it('never make a reader fail otherwise', () => {
    const part = fc.constantFrom(
      '<tev:PullMessagesResponse>',
      '</tev:PullMessagesResponse>',
      '<wsnt:NotificationMessage>',
      '</wsnt:NotificationMessage>',
      '<wsnt:Message>',
      '</wsnt:Message>',
      '<tt:Message>',
      '</tt:Message>',
      '<wsnt:Topic>a:b</wsnt:Topic>',
      'x',
      '&lt;',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(part).map((parts) => envelope(parts.join(''))),
    );
    fc.assert(
      fc.property(text, (xml) => {
        for (const read of [readNotifications, readSubscription, readTime])
          try {
            read(xml);
          } catch (error) {
            expect((error as Error).constructor.name).toBe('SoapError');
          }
      }),
    );
  });
});

describe('a topic', () => {
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
  const seen = (notification: ReturnType<typeof notify>, rules: object[] = []) =>
    observationOf(
      notification,
      'cam',
      rules.map((one) => eventRule.parse(one)),
    )?.observation;

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
    expect(seen(input)).toBeUndefined();
    const rule = { topic: 'Device/Trigger/DigitalInput', kind: 'panic', zone: 3, inverted: true };
    expect(seen(input, [rule])).toMatchObject({ kind: 'panic', state: 'raised', zone: { number: 3 } });
    expect(seen(input, [{ ...rule, source: 'di2' }])).toBeUndefined();
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

/** Waits and limits pass ten times as fast; the wall, which tokens bear, does not. */
const quick: Clock = { ...fastClock(10), wall: systemClock.wall };

async function camera(own: object = {}, simulated: Partial<CameraOptions> = {}) {
  const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
  const did = stream<string>();
  const one = await startCamera({ port, rtspPort, password: 'pw', did: did.push, ...simulated });
  onTestFinished(() => one.close());
  const passwordFile = join(temporaryDirectory(), 'pw');
  writeFileSync(passwordFile, 'pw\n');
  const fake = fakeHost(undefined, quick);
  const device = {
    id: 'cam',
    driver: 'onvif',
    options: onvif.options.parse({ host: '127.0.0.1', port, username: 'admin', passwordFile, ...own }),
  };
  expect(onvif.problems?.(device)).toEqual([]);
  const session = await onvif.open([device], fake.host);
  onTestFinished(() => session.close());
  const next = () => fake.reports.find(({ initial }) => initial !== true);
  const ready = async () => {
    await fake.links.find(({ state }) => state === 'online');
    await fake.reports.find(({ cause }) => cause === 'storage');
  };
  const tell = (action: string, wanted: object = {}) =>
    session.execute?.({ id: 'c', device: 'cam', action, arguments: { ...wanted } });
  return { ...fake, session, one, next, ready, tell, did, rtspPort };
}

describe('a camera', { timeout: 30_000 }, () => {
  it.each(['digest', 'token', 'either'] as const)('that knows %s tells what it sees', async (auth) => {
    const { one, next, ready, reports } = await camera({}, { auth });
    await ready();
    reports.rest();
    await one.do('motion');
    expect(await next()).toMatchObject({
      kind: 'video',
      cause: 'motion',
      state: 'raised',
      at: { trusted: true },
      details: { part: 'MotionRule' },
    });
    await one.do('motion-end');
    expect(await next()).toMatchObject({ cause: 'motion', state: 'restored' });
    await one.do('line');
    expect(await next()).toMatchObject({ cause: 'line-crossed', state: 'raised' });
    // What only happens ends by itself.
    expect(await next()).toMatchObject({
      cause: 'line-crossed',
      state: 'restored',
      details: { assumed: true },
    });
    await one.do('storage-failed');
    expect(await next()).toMatchObject({ kind: 'fault', cause: 'storage' });
  });

  it('with a clock that is off by hours is understood, its time is not believed, and it is a fault', async () => {
    const { one, next, reports } = await camera({}, { auth: 'token' });
    await one.do('clock -8h');
    expect(await reports.find(({ cause, state }) => cause === 'clock' && state === 'raised')).toMatchObject({
      kind: 'fault',
      initial: true,
    });
    await reports.find(({ cause }) => cause === 'storage');
    await one.do('cover');
    expect(await next()).toMatchObject({ cause: 'tampered', at: { trusted: false } });
  });

  it.each(['wrong', 'relative'])(
    'that names a %s address for its events is found all the same',
    async (which) => {
      const { one, reports, ready } = await camera();
      await ready();
      await one.do(`address ${which}`);
      await one.do('forget');
      await one.do('motion');
      const isMotion = (report: Observation) => report.cause === 'motion' && report.state === 'raised';
      expect(await reports.find(isMotion)).toMatchObject({ kind: 'video' });
    },
  );

  it('that forgets subscriptions, closes sockets, answers nonsense, tells everything once', async () => {
    const { one, next, ready, reports, discards } = await camera();
    await ready();
    reports.rest();
    await one.do('close-after 300ms');
    for (let i = 0; i < 3; i++) {
      await delay(250);
      await one.do('line');
      expect(await next()).toMatchObject({ cause: 'line-crossed', state: 'raised' });
    }
    await reports.find(({ state }) => state === 'restored');
    await one.do('close-after 0s');
    await one.do('garbage 2');
    await one.do('drop');
    await one.do('line');
    expect(await next()).toMatchObject({ cause: 'line-crossed', state: 'raised' });
    expect((await discards.next()).reason).toBe('an answer that makes no sense');
    await one.do('forget');
    await one.do('drop');
    await quick.wait(1500);
    await one.do('enter');
    expect(
      (await reports.find(({ cause, state }) => cause === 'zone-entered' && state === 'raised')).kind,
    ).toBe('video');
  });

  it('that dies without a word is offline, and back by itself', async () => {
    const { one, links, next, ready, reports } = await camera();
    await ready();
    // 20 s by the driver's clock.
    await one.do('hang 2s');
    expect(await links.next()).toMatchObject({ state: 'offline' });
    expect(await links.next()).toMatchObject({ state: 'online' });
    reports.rest();
    await one.do('motion');
    expect(await next()).toMatchObject({ cause: 'motion' });
  });

  it('that never says that something ended is taken to have ended', async () => {
    const { one, next, ready } = await camera({ clearAfter: '500ms' });
    await ready();
    await one.do('never-clear');
    await one.do('motion');
    await one.do('motion-end');
    expect(await next()).toMatchObject({ cause: 'motion', state: 'raised' });
    expect(await next()).toMatchObject({ cause: 'motion', state: 'restored', details: { assumed: true } });
  });

  it('turns to its presets, takes pictures, switches relays and says where its stream is', async () => {
    const relays = [{ id: 'light', token: 'ro0', limit: '200ms' }];
    const { tell, did, pictures, kept, rtspPort } = await camera({ relays });
    expect(await tell('preset', { preset: 'yard' })).toEqual({ done: true });
    expect(await did.next()).toBe('preset yard');
    await expect(tell('preset', { preset: 'roof' })).rejects.toThrow(
      'there is no preset roof; there are: gate, yard',
    );
    expect(await tell('snapshot', { preset: 'p1', event: 'alarm-1' })).toMatchObject({
      done: true,
      result: { picture: expect.stringMatching(/^picture-\d+/) },
    });
    expect(await did.next()).toBe('preset gate');
    expect((await pictures.next()).subarray(0, 2).toString('hex')).toBe('ffd8');
    expect(await kept.next()).toBe('alarm-1');
    expect(await tell('activate', { output: 'light' })).toEqual({ done: true });
    expect([await did.next(), await did.next()]).toEqual(['relay ro0 active', 'relay ro0 inactive']);
    expect(await tell('stream')).toEqual({
      done: true,
      result: { url: `rtsp://admin:pw@127.0.0.1:${rtspPort}/main` },
    });
    expect(await tell('unlock')).toMatchObject({ done: false });
    await expect(tell('preset', {})).rejects.toThrow('arguments.preset');
  });

  it('with another password is offline, with the reason', async () => {
    const passwordFile = join(temporaryDirectory(), 'pw');
    writeFileSync(passwordFile, 'wrong\n');
    const { links } = await camera({ passwordFile });
    expect(await links.find(({ state }) => state === 'offline')).toMatchObject({
      reason: expect.stringMatching(/password|authentication|Authorized/i),
    });
  });

  it('of a recorder is told by its channel', async () => {
    const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
    const one = await startCamera({ port, rtspPort });
    onTestFinished(() => one.close());
    const channel = (id: string, source: string) => ({
      id,
      driver: 'onvif',
      options: onvif.options.parse({ host: '127.0.0.1', port, source }),
    });
    const { host, reports, links } = fakeHost(undefined, quick);
    const session = await onvif.open([channel('gate', 'vs0'), channel('yard', 'vs1')], host);
    onTestFinished(() => session.close());
    await links.next();
    await one.do('signal-lost');
    expect(
      await reports.find(({ cause, state }) => cause === 'signal-lost' && state === 'raised'),
    ).toMatchObject({
      device: 'gate',
    });
  });

  it('that is no camera at all is offline, and harms nobody', async () => {
    const port = await freePort();
    const server = createServer((_request, response) => response.end(readFileSync(import.meta.filename)));
    server.listen(port, '127.0.0.1');
    onTestFinished(() => void server.close());
    const { host, links, discards } = fakeHost(undefined, quick);
    const device = { id: 'x', driver: 'onvif', options: onvif.options.parse({ host: '127.0.0.1', port }) };
    const session = await onvif.open([device], host);
    onTestFinished(() => session.close());
    expect((await discards.next()).reason).toBe('an answer that makes no sense');
    expect(await links.find(({ state }) => state === 'offline')).toMatchObject({ device: 'x' });
  });
});
