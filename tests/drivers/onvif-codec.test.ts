import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placesOf } from '../../drivers/onvif/address.ts';
import { readProfiles } from '../../drivers/onvif/channels.ts';
import {
  encodeRequest,
  passwordDigest,
  readDateAndTime,
  readMatches,
  readPresets,
  readServices,
  readSubscription,
} from '../../drivers/onvif/codec.ts';
import { decodeXml } from '../../drivers/onvif/encoding.ts';
import { createBears, learnFrom } from '../../drivers/onvif/limits.ts';
import { readNotifications } from '../../drivers/onvif/notifications.ts';
import { plainXml, readBody, SoapError } from '../../drivers/onvif/xml.ts';

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
    expect(() => readDateAndTime(envelope('<x/>'))).toThrow('another question');
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
        for (const read of [
          readNotifications,
          readSubscription,
          readDateAndTime,
          readServices,
          readPresets,
          readProfiles,
        ])
          try {
            read(xml);
          } catch (error) {
            expect((error as Error).constructor.name).toBe('SoapError');
          }
      }),
    );
  });
});

describe('the bytes of an answer', () => {
  // 周界 in GB 2312 (EUC-CN) and in UTF-8, by their tables.
  const gb = Buffer.from([0xd6, 0xdc, 0xbd, 0xe7]);
  const utf8 = Buffer.from([0xe5, 0x91, 0xa8, 0xe7, 0x95, 0x8c]);
  const said = (encoding: string, word: Buffer) =>
    decodeXml(
      Buffer.concat([
        Buffer.from(`<?xml version="1.0" encoding="${encoding}"?><a>`),
        word,
        Buffer.from('</a>'),
      ]),
    );
  it.each([
    ['GB2312', gb],
    ['gbk', gb],
    ['UTF-8', utf8],
    // What is said of them is wrong.
    ['UTF-8', gb],
    ['GB2312', utf8],
  ])('declared as %s are read as they are: %s', (encoding, word) => {
    expect(said(encoding, word)).toContain('<a>周界</a>');
  });

  it('are always some text', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeXml(Buffer.from(bytes)).length));
  });
});

describe('notifications', () => {
  it('are all read where several stand in one (wsnt:Message is any content; koush/scrypted#1253)', () => {
    const message = (rule: string) =>
      `<tt:Message UtcTime="2026-11-24T00:00:01Z" PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name="Rule" Value="${rule}"/></tt:Source><tt:Data><tt:SimpleItem Name="IsMotion" Value="true"/></tt:Data></tt:Message>`;
    for (const within of [
      `<wsnt:Message>${message('a')}${message('b')}</wsnt:Message>`,
      `<wsnt:Message>${message('a')}</wsnt:Message><wsnt:Message>${message('b')}</wsnt:Message>`,
    ]) {
      const { notifications, discarded } = readNotifications(
        envelope(
          `<tev:PullMessagesResponse><wsnt:NotificationMessage><wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic>${within}</wsnt:NotificationMessage></tev:PullMessagesResponse>`,
        ),
      );
      expect(notifications.map(({ source }) => source)).toEqual([{ Rule: 'a' }, { Rule: 'b' }]);
      expect(discarded).toBe(0);
    }
  });
});

const subscribed = (reference: string, of = '') =>
  envelope(
    `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference${of}><wsa5:Address>/e</wsa5:Address><wsa5:ReferenceParameters>${reference}</wsa5:ReferenceParameters></tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse>`,
  );

describe('an answer of any shape', () => {
  it('is refused with a DTD, with more in it than there can be, and with more to repeat than fits', () => {
    expect(() => readBody('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')).toThrow('DTD');
    expect(() => readBody(envelope('<a/>'.repeat(60_000)))).toThrow('more in it');
    expect(() => plainXml(envelope('<a/>'.repeat(2001)))).toThrow('more in it');
    expect(() => readBody(envelope('<a>'.repeat(100) + '</a>'.repeat(100)))).toThrow('no XML');
    expect(() => readSubscription(subscribed(`<dom0:a>${'x'.repeat(5000)}</dom0:a>`))).toThrow('too long');
  });

  it('is read after an empty line, and before what ends strings', () => {
    expect(readBody(`\r\n${envelope('<a>1</a>')}\0\0`)).toEqual({ a: '1' });
  });

  it('comes to the onvif package as it is, without namespaces', () => {
    const answer = '<a:b c="&quot;1&quot; &amp; 2"><![CDATA[<3>]]> &#21271;</a:b>';
    expect(plainXml(`<?xml version="1.0"?><e xmlns="u" xmlns:a="v"><!-- x -->${answer}</e>`)).toBe(
      '<e><a:b c="&quot;1&quot; &amp; 2">&#60;3&#62; &#21271;</a:b></e>',
    );
    expect(plainXml('<e a=\'"\'>xmlns="u"</e>')).toBe('<e a="&#34;">xmln&#115;="u"</e>');
  });

  it('tells what is to be repeated whole, with the namespaces that it needs and no others', () => {
    const nested = '<q:Id q:x="1" xmlns:q="urn:q"><n:Sub>7</n:Sub><Plain/></q:Id><m:Other/>text';
    expect(
      readSubscription(subscribed(nested, ' xmlns:n="urn:n" xmlns:m="urn:m&amp;" xmlns="urn:default"'))
        .parameters,
    ).toBe(
      '<q:Id xmlns:n="urn:n" xmlns="urn:default" a:IsReferenceParameter="true" q:x="1" xmlns:q="urn:q"><n:Sub>7</n:Sub><Plain></Plain></q:Id><m:Other xmlns:m="urn:m&amp;" a:IsReferenceParameter="true"></m:Other>',
    );
  });
});

describe('an answer to a probe', () => {
  // As in the example of the ONVIF core specification, 7.3.3, with a second one.
  const match = (address: string) =>
    `<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference><d:Scopes>onvif://www.onvif.org/name/Gate</d:Scopes><d:XAddrs>${address}</d:XAddrs></d:ProbeMatch>`;

  it('tells addresses and scopes, of one or more', () => {
    const [one, two] = ['http://10.0.0.1/onvif/device_service http://[fe80::1]/x', 'http://10.0.0.2/x'];
    const scopes = 'onvif://www.onvif.org/name/Gate';
    expect(
      readMatches(envelope(`<d:ProbeMatches>${match(one)}${match('')}${match(two)}</d:ProbeMatches>`)),
    ).toEqual([
      { addresses: one, scopes },
      { addresses: two, scopes },
    ]);
    expect(readMatches(envelope(`<d:ProbeMatches>${match(two)}</d:ProbeMatches>`))).toHaveLength(1);
    expect(readMatches(envelope('<d:ProbeMatches/>'))).toEqual([]);
    expect(() => readMatches('hello')).toThrow('no XML');
  });
});

describe('what a camera tells of itself', () => {
  const address = { host: '10.0.0.9', port: 8000, credentials: undefined };
  const base = 'http://10.0.0.9:8000/onvif/device_service';

  it.each([
    [
      'http://10.0.0.9:8899/onvif/events',
      ['http://10.0.0.9:8899/onvif/events', 'http://10.0.0.9:8000/onvif/events'],
    ],
    [
      'http://192.168.1.64/onvif/events?x=1',
      ['http://10.0.0.9:8000/onvif/events?x=1', 'http://10.0.0.9/onvif/events?x=1'],
    ],
    ['/onvif/events', ['http://10.0.0.9:8000/onvif/events']],
    ['https://10.0.0.9/onvif/events', ['http://10.0.0.9:8000/onvif/events']],
    ['urn:uuid:7b1ff0a2-0001-4a5b-9c10-000000000001', [base]],
    ['', [base]],
  ])('is asked, of %j, at %j', (told, places) => {
    expect(placesOf(told, base, address)).toEqual(places);
  });

  it('sends us to no other host, whatever it says', () => {
    const host = fc.constantFrom('10.0.0.9', '192.168.1.64', 'evil.example', 'a@evil.example', '[::1]');
    const told = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc
        .tuple(fc.constantFrom('http://', 'https://', '//', '@', ''), host, fc.webPath())
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(told, (one) => {
        for (const place of placesOf(one, base, address)) expect(new URL(place).hostname).toBe('10.0.0.9');
      }),
    );
  });

  it('of what it bears is taken within bounds', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('PT10S', 'PT5M', 'P1D', '2026-11-24T00:05:00Z', '-1', '1e9'),
    );
    const names = fc.constantFrom('MinimumTime', 'MaximumTime', 'MaxTimeout', 'MaxMessageLimit');
    fc.assert(
      fc.property(fc.dictionary(names, word), fc.string(), (limits, message) => {
        const bears = createBears();
        learnFrom(new SoapError(message, 'E_SOAP_FAULT', limits), bears, Date.UTC(2026, 10, 24));
        expect(bears.lastsMs).toBeGreaterThanOrEqual(0);
        expect(bears.lastsMs).toBeLessThanOrEqual(86_400_000);
        expect(bears.pullMs).toBeGreaterThan(0);
        expect(bears.messages).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it('of its services is read from either question', () => {
    expect([
      ...readServices(
        envelope(
          '<tev:GetServicesResponse><tev:Service><tev:Namespace>http://www.onvif.org/ver20/media/wsdl</tev:Namespace><tev:XAddr>http://a/m2</tev:XAddr></tev:Service><tev:Service><tev:Namespace>http://www.onvif.org/ver10/events/wsdl</tev:Namespace><tev:XAddr>/e</tev:XAddr></tev:Service></tev:GetServicesResponse>',
        ),
      ),
    ]).toEqual([
      ['media2', 'http://a/m2'],
      ['events', '/e'],
    ]);
    expect([
      ...readServices(
        envelope(
          '<tev:GetCapabilitiesResponse><tev:Capabilities><tt:Events><tt:XAddr>http://a/e</tt:XAddr></tt:Events><tt:Extension><tt:DeviceIO><tt:XAddr>http://a/io</tt:XAddr></tt:DeviceIO></tt:Extension></tev:Capabilities></tev:GetCapabilitiesResponse>',
        ),
      ),
    ]).toEqual([
      ['events', 'http://a/e'],
      ['deviceio', 'http://a/io'],
    ]);
  });
});
