/** What answers of cameras cost, whatever their shape. */
import { createRequire } from 'node:module';
import { describe, it } from 'vitest';
import { readDateAndTime, readSubscription } from '../../drivers/onvif/codec.ts';
import { readNotifications } from '../../drivers/onvif/notifications.ts';
import { plainXml } from '../../drivers/onvif/xml.ts';
import { expectLinear, repeated } from '../linear.ts';

const envelope = (body: string) =>
  `<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:dom0="http://www.axis.com/2009/event"><SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>`;

/** Shapes of answers that cost some parser more than their length, made to a size. */
const shapes: Readonly<Record<string, (bytes: number) => string>> = {
  'elements that never end': (bytes) => repeated('<a>', bytes),
  'elements in each other': (bytes) => '<a>'.repeat(bytes / 7) + '</a>'.repeat(bytes / 7),
  'empty elements': (bytes) => envelope(repeated('<a/>', bytes)),
  'elements with text': (bytes) => envelope(repeated('<a>b</a>', bytes)),
  'one attribute again and again': (bytes) => envelope(`<a${repeated(' b="c"', bytes)}/>`),
  'attributes of many names': (bytes) =>
    envelope(`<a${Array.from({ length: bytes / 12 }, (_, i) => ` b${i}="c"`).join('')}/>`),
  'an attribute that never ends': (bytes) => repeated('a b=', bytes, '<a b="'),
  brackets: (bytes) => repeated('<', bytes),
  'comments in comments': (bytes) => envelope(repeated('<!--', bytes)),
  comments: (bytes) => envelope(repeated('<!---->', bytes)),
  'CDATA that never ends': (bytes) => envelope(repeated('<![CDATA[', bytes)),
  CDATA: (bytes) => envelope(repeated('<![CDATA[x]]>', bytes)),
  instructions: (bytes) => envelope(repeated('<?x ?>', bytes)),
  entities: (bytes) => envelope(`<a>${repeated('&amp;', bytes)}</a>`),
  'half entities': (bytes) => envelope(`<a>${repeated('&', bytes)}</a>`),
  'a DTD': (bytes) => repeated('<!ENTITY a "b">', bytes, '<!DOCTYPE a [', ']><a/>'),
  'entities of a DTD': (bytes) =>
    `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(1000)}">]><a>${'&b;'.repeat(bytes / 3)}</a>`,
  spaces: (bytes) => `${repeated(' ', bytes)}<a>`,
  'spaces in an element': (bytes) => repeated(' ', bytes, '<a', 'b>'),
  'ends of strings': (bytes) => `<a>${repeated('\0', bytes)}x</a>`,
  'a long name': (bytes) => repeated('a', bytes, '<', '/>'),
  'parameters without an end': (bytes) => envelope(repeated('<ReferenceParameters>', bytes)),
  'parameters in a comment': (bytes) => envelope(`<!--${repeated('<ReferenceParameters>', bytes)}-->`),
  'what looks like a namespace': (bytes) => envelope(`<a>${repeated('xmlns', bytes)}</a>`),
  'attributes that look like namespaces': (bytes) => envelope(`<a b="${repeated('xmlns', bytes)}"/>`),
  'elements that look like namespaces': (bytes) => envelope(repeated('<xmlns/>', bytes)),
  namespaces: (bytes) => envelope(repeated('<a xmlns:b="c"/>', bytes)),
};
const subscribed = (reference: string, of = '') =>
  envelope(
    `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference${of}><wsa5:Address>/e</wsa5:Address><wsa5:ReferenceParameters>${reference}</wsa5:ReferenceParameters></tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse>`,
  );

describe('an answer of any shape', { timeout: 60_000 }, () => {
  it.each(Object.entries(shapes))('costs no more than its length: %s', (_name, shape) => {
    for (const read of [readNotifications, readSubscription, readDateAndTime]) expectLinear(read, shape);
  });

  it.each(Object.entries(shapes))('costs the onvif package no more than its length: %s', (_name, shape) => {
    const { parseSOAPString } = createRequire(import.meta.url)('onvif/lib/utils') as {
      parseSOAPString(xml: string, done: () => void, status: number): void;
    };
    expectLinear((xml: string) => parseSOAPString(plainXml(xml), () => {}, 200), shape);
  });

  it.each<[string, (bytes: number) => string]>([
    ['without an end', (bytes) => subscribed(repeated('<dom0:a>', bytes))],
    ['of many', (bytes) => subscribed(repeated('<dom0:a/>', bytes))],
    [
      'of many prefixes',
      (bytes) => subscribed(Array.from({ length: bytes / 10 }, (_, i) => `<p${i}:a/>`).join('')),
    ],
    ['of long text', (bytes) => subscribed(`<dom0:a>${repeated('x', bytes)}</dom0:a>`)],
  ])('costs no more than its length with parameters %s', (_name, shape) => {
    expectLinear(readSubscription, shape);
  });
});
