import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { connectCamera } from '../../drivers/onvif/camera.ts';
import { createClient } from '../../drivers/onvif/client.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import { readEvents } from '../../drivers/onvif/events.ts';
import { createBears } from '../../drivers/onvif/limits.ts';

import { fakeHost } from '../helpers.ts';

const envelope = (body: string) =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>${body}</s:Body></s:Envelope>`;
const time = envelope(
  '<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>1</Hour><Minute>2</Minute><Second>3</Second></Time><Date><Year>2026</Year><Month>11</Month><Day>24</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>',
);
const services = (...found: readonly (readonly [name: string, address: string])[]) =>
  envelope(
    `<GetServicesResponse>${found
      .map(
        ([name, address]) =>
          `<Service><Namespace>http://www.onvif.org/ver10/${name}/wsdl</Namespace><XAddr>${address}</XAddr><Version><Major>2</Major><Minor>0</Minor></Version></Service>`,
      )
      .join('')}</GetServicesResponse>`,
  );

async function serve(
  handle: (operation: string, response: ServerResponse, request: IncomingMessage) => void,
  host = '127.0.0.1',
) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const operation = /<(?:\w+:)?Body[^>]*><(\w+)/.exec(body)?.[1] ?? '';
      asked.push(`${operation} ${request.url} ${request.headers.authorization ?? ''}`.trim());
      handle(operation, response, request);
    });
    request.on('error', () => {});
  });
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}
const credentials = { username: 'admin', password: 'pw' };
const at = ({ port }: { port: number }) =>
  createClient({ host: '127.0.0.1', port }, () => credentials, systemClock);
/** Another device of the network. */
const OTHER_HOST = '127.0.0.2';

/** Answers as a camera does, but for one operation. */
const camera = (
  odd: string,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
  [other, told]: readonly [operation: string, body: string] = ['', ''],
) =>
  serve((operation, response, request) => {
    if (operation === odd) return answer(response, request);
    if (operation === other) return response.end(envelope(told));
    if (operation === 'GetSystemDateAndTime') return response.end(time);
    return response.end(
      operation === 'GetServices'
        ? services(['device', '/onvif/device_service'], ['events', '/e'])
        : envelope('<x/>'),
    );
  });

function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(64_000, 'x');
  const go = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', go);
  go();
}

describe('a hostile camera', () => {
  it.each(['GetSystemDateAndTime', 'GetServices', 'GetDeviceInformation'])(
    'that answers %s without an end fills no memory and holds nobody up',
    async (operation) => {
      const hostile = await camera(operation, pour);
      const begun = systemClock.elapsed();
      const before = process.memoryUsage().rss;
      await connectCamera(at(hostile), systemClock).catch(() => {});
      expect(systemClock.elapsed() - begun).toBeLessThan(5000);
      expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    },
  );

  it.each([
    ['by GetServices', 'GetServices'],
    ['from the start', 'GetSystemDateAndTime'],
  ])(
    'that sends us to another host %s is not followed, and no password goes there',
    async (_name, operation) => {
      const other = await serve((_operation, response) => response.end(time), OTHER_HOST);
      const hostile = await camera(operation, (response) =>
        response
          .writeHead(307, { location: `http://${OTHER_HOST}:${other.port}/onvif/device_service` })
          .end(),
      );
      await connectCamera(at(hostile), systemClock).catch(() => {});
      await expect(
        operation === 'GetServices' ? connectCamera(at(hostile), systemClock) : at(hostile).readClock(),
      ).rejects.toThrow();
      expect(other.asked).toEqual([]);
    },
  );

  it('that names services on other hosts is asked there itself, whatever the address looks like', async () => {
    const other = await serve((_operation, response) => response.end(time), OTHER_HOST);
    const elsewhere = `${OTHER_HOST}:${other.port}`;
    for (const address of [
      `http://${elsewhere}/e`,
      `@${elsewhere}/e`,
      `//${elsewhere}/e`,
      `http://a@${elsewhere}/e`,
    ]) {
      const hostile = await camera('GetServices', (response) =>
        response.end(services(['device', address], ['events', address], ['media', address])),
      );
      const one = await connectCamera(at(hostile), systemClock);
      expect(one.events).toBe(address);
      await one.streamUrl(undefined).catch(() => {});
      await one.setRelay('a', true).catch(() => {});
      expect(hostile.asked.some((one) => one.startsWith('SetRelayOutputState'))).toBe(true);
    }
    expect(other.asked).toEqual([]);
  });

  it.each(['http://OTHER/e', '//OTHER/e', 'http://a:b@OTHER/e', 'file:///etc/passwd', 'OTHER'])(
    'that says that its events are at %s is asked itself',
    async (told) => {
      const other = await serve((_operation, response) => response.end(time), OTHER_HOST);
      const over = new AbortController();
      const hostile = await serve((operation, response) => {
        if (operation === 'CreatePullPointSubscription')
          return response.end(
            envelope(
              `<CreatePullPointSubscriptionResponse><SubscriptionReference><Address>${told.replace('OTHER', `${OTHER_HOST}:${other.port}`)}</Address></SubscriptionReference></CreatePullPointSubscriptionResponse>`,
            ),
          );
        response.end(envelope('<PullMessagesResponse/>'));
        if (operation === 'PullMessages') over.abort();
      });
      const place = `http://127.0.0.1:${hostile.port}/events`;
      await readEvents({
        ...{ client: at(hostile), told: place, base: place, bears: createBears(), clock: systemClock },
        ...{ signal: over.signal, asked() {}, heard() {}, pulled() {}, failed() {}, discarded() {} },
        ...{ take: async () => false, between: async () => {} },
      }).catch(() => {});
      expect(hostile.asked.some((one) => one.startsWith('PullMessages'))).toBe(true);
      expect(other.asked).toEqual([]);
    },
  );
});

describe('a camera that wants too much', () => {
  it('is told the password once a question, however often it refuses it', async () => {
    const hostile = await camera('GetServices', (response) =>
      response.writeHead(401, { 'www-authenticate': 'Digest realm="x", nonce="1"' }).end(),
    );
    await connectCamera(at(hostile), systemClock).catch(() => {});
    expect(hostile.asked.filter((one) => /^GetServices \S+ Digest/.test(one)).length).toBe(1);
  });

  it('that tells of ever new rules is listened to, as far as a camera can have that many', async () => {
    let batch = 0;
    const hostile = await camera(
      'PullMessages',
      (response) => {
        const rules = Array.from({ length: 500 }, (_, i) => `rule ${batch * 500 + i}`);
        batch++;
        response.end(
          envelope(
            `<PullMessagesResponse>${rules
              .map(
                (rule) =>
                  `<NotificationMessage><Topic>tns1:RuleEngine/CellMotionDetector/Motion</Topic><Message><Message UtcTime="2026-11-24T00:00:00Z" PropertyOperation="Changed"><Source><SimpleItem Name="Rule" Value="${rule}"/></Source><Data><SimpleItem Name="IsMotion" Value="true"/></Data></Message></Message></NotificationMessage>`,
              )
              .join('')}</PullMessagesResponse>`,
          ),
        );
      },
      [
        'CreatePullPointSubscription',
        '<CreatePullPointSubscriptionResponse><SubscriptionReference><Address>/e</Address></SubscriptionReference></CreatePullPointSubscriptionResponse>',
      ],
    );
    const { host, discards, reports } = fakeHost();
    const options = onvif.options.parse({ host: '127.0.0.1', port: hostile.port });
    const session = await onvif.open([{ id: 'cam', driver: 'onvif', options }], host);
    onTestFinished(() => session.close());
    expect(await discards.next()).toMatchObject({ reason: 'more states at once than a camera has' });
    expect((await reports.next()).kind).toBeDefined();
  });
});
