/** Pictures that a platform orders: real SIP by hand, a real server of HTTP, and what reaches either. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { fileIdOf, mayGo, readSnapShotConfig } from '../../drivers/platforms/gb28181/snapshots.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { fastClock } from '../clocks.ts';
import { runs } from '../fuzz.ts';
import { stream, temporaryDirectory } from '../helpers.ts';
import { DEVICE, HALL, PLATFORM, what, world, YARD } from './gb28181-orders.ts';

const SESSION = '0123456789abcdef0123456789abcdef';
const JPEG = Buffer.from('ffd8ffe000104a46494600ffd9', 'hex');

interface Posted {
  readonly request: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function store(answer: (response: ServerResponse, nth: number) => void = (response) => response.end()) {
  const posted = stream<Posted>();
  let nth = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    posted.push({
      request: `${request.method} ${request.url}`,
      headers: request.headers,
      body: Buffer.concat(chunks),
    });
    answer(response, nth++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { posted, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const config = (url: string, { count = '1', interval = '1', session = SESSION } = {}) =>
  `<SnapShotConfig><SnapNum>${count}</SnapNum><Interval>${interval}</Interval><UploadURL>${url}</UploadURL><SessionID>${session}</SessionID></SnapShotConfig>`;

async function campus(snapshotUrls: readonly string[], more: Partial<PlatformHost> = {}) {
  const asked = stream<Parameters<PlatformHost['ask']>[0]>();
  const one = await world(
    { snapshotUrls },
    {
      async ask(order) {
        asked.push(order);
        if (order.action !== 'snapshot') return { done: false, reason: 'no rule' };
        return { done: true, result: { picture: 'kept-1' } };
      },
      media: {
        picture: async (reference: string) =>
          reference === 'kept-1' ? { contentType: 'image/jpeg', bytes: JPEG } : undefined,
      } as unknown as PlatformHost['media'],
      ...more,
    },
  );
  const finished = async () => {
    const { body } = await one.platform.heard.find(({ body }) => body.includes('UploadSnapShotFinished'));
    return {
      isNotify: body.includes('<Notify>'),
      device: /<DeviceID>(.*)<\/DeviceID>/.exec(body)?.[1],
      session: /<SessionID>(.*)<\/SessionID>/.exec(body)?.[1],
      files: [...body.matchAll(/<SnapShotFileID>(.*?)<\/SnapShotFileID>/g)].map(([, id]) => id),
    };
  };
  return { ...one, asked, finished };
}

describe('pictures that a platform orders', () => {
  it('are taken by the command, sent to where it says, and told when all are there', async () => {
    const { posted, url } = await store();
    const { order, asked, result, finished } = await campus([`${url}/snap/`]);
    await order(YARD, config(`${url}/snap/in?token=1&amp;a=2`, { count: '2' }), { sn: 5 });
    expect(await result()).toBe(`DeviceConfig 5 ${YARD} OK`);
    const [first, second] = [await posted.next(), await posted.next()];
    const told = await finished();
    expect(told).toMatchObject({ isNotify: true, device: YARD, session: SESSION });
    expect(told.files).toHaveLength(2);
    for (const [nth, one] of [first, second].entries()) {
      expect(one.request).toBe('POST /snap/in?token=1&a=2');
      expect(one.body).toEqual(JPEG);
      expect(one.headers['content-type']).toBe('image/jpeg');
      expect(one.headers['content-disposition']).toBe(`attachment; filename="${told.files[nth]}.jpg"`);
      expect(told.files[nth]).toMatch(new RegExp(`^${YARD}01\\d{17}0${nth + 1}$`));
    }
    const orders = asked.rest();
    expect(orders.map(what)).toEqual([
      ['snapshot', 'yard', {}],
      ['snapshot', 'yard', {}],
    ]);
    expect(new Set(orders.map(({ id }) => id)).size).toBe(2);
  });

  it('are not taken where no rule allows it', async () => {
    const { posted, url } = await store();
    const { order, result } = await campus([url], { ask: async () => ({ done: false, reason: 'no rule' }) });
    await order(YARD, config(url), { sn: 5 });
    expect(await result()).toBe(`DeviceConfig 5 ${YARD} ERROR`);
    // The session is over: the next one is asked for, and not refused as a second.
    await order(YARD, config(url), { sn: 6 });
    expect(await result()).toBe(`DeviceConfig 6 ${YARD} ERROR`);
    expect(posted.rest()).toEqual([]);
  });

  it.each([
    ['another server', YARD, 'http://127.0.0.2:1/snap/x'],
    ['a folder beside', YARD, 'URL/snap-of-others/x'],
    ['a folder above', YARD, 'URL/snap/../x'],
    ['what is no address', YARD, 'snap'],
    ['a camera that it may not see', HALL, 'URL/snap/x'],
    ['no camera', DEVICE, 'URL/snap/x'],
  ])('go nowhere for %s, and that is in the audit', async (_what, device, where) => {
    const { posted, url } = await store();
    const { order, asked, result } = await campus([`${url}/snap`]);
    await order(device, config(where.replace('URL', url)), { sn: 5 });
    expect(await result()).toBe(`DeviceConfig 5 ${device} ERROR`);
    expect((await asked.next()).action).toBe('upload-snapshots');
    expect([asked.rest(), posted.rest()]).toEqual([[], []]);
  });

  it.each([
    ['none', { count: '0' }],
    ['eleven', { count: '11' }],
    ['two at once', { count: '2', interval: '0' }],
    ['a short session', { session: 'x'.repeat(31) }],
  ])('that make no sense (%s) are counted and refused', async (_what, wrong) => {
    const { order, asked, result, discarded } = await campus(['http://127.0.0.1:1']);
    await order(YARD, config('http://127.0.0.1:1/x', wrong), { sn: 5 });
    expect(await result()).toBe(`DeviceConfig 5 ${YARD} ERROR`);
    expect(await discarded.next()).toMatch(/^a SnapShotConfig whose /);
    expect(asked.rest()).toEqual([]);
  });
});

describe('pictures on their way to a platform', () => {
  it('follow no server that sends them on, and are told as those that came', async () => {
    const { posted, url } = await store((response, nth) => {
      if (nth === 0) response.writeHead(307, { location: '/elsewhere' });
      response.end();
    });
    const { order, discarded, finished } = await campus([url]);
    await order(YARD, config(`${url}/x`, { count: '2' }));
    const told = await finished();
    expect(told.files).toEqual([expect.stringMatching(/02$/)]);
    expect(await discarded.next()).toBe('a picture that a platform ordered and did not get');
    expect(posted.rest().map(({ request }) => request)).toEqual(['POST /x', 'POST /x']);
  });

  it('go once for a message that comes again', async () => {
    const { posted, url } = await store();
    const { order, result, finished } = await campus([url]);
    await order(YARD, config(url), { sn: 5 });
    expect(await result()).toBe(`DeviceConfig 5 ${YARD} OK`);
    await finished();
    await order(YARD, config(url), { sn: 5, branch: 'z9hG4bK-another' });
    expect(await result()).toBe(`DeviceConfig 5 ${YARD} OK`);
    await order(YARD, config(url), { sn: 6 });
    await finished();
    expect(posted.rest()).toHaveLength(2);
  });

  it('go to no server whose certificate nobody vouches for', async () => {
    const directory = temporaryDirectory();
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const named = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', [...made, ...named, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    let requests = 0;
    const server = createHttps({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
      requests++;
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { order, finished, discarded } = await campus([url]);
    await order(YARD, config(url));
    expect((await finished()).files).toEqual([]);
    expect(await discarded.next()).toBe('a picture that a platform ordered and did not get');
    expect(requests).toBe(0);
  });

  it('of one camera are one session at a time, and end with the registration', async () => {
    const { posted, url } = await store(() => {});
    const { order, result, discarded, channel } = await campus([url], { clock: fastClock(1) });
    await order(YARD, config(url), { sn: 5 });
    expect(await result()).toBe(`DeviceConfig 5 ${YARD} OK`);
    await posted.next();
    await order(YARD, config(url), { sn: 6 });
    expect(await result()).toBe(`DeviceConfig 6 ${YARD} ERROR`);
    expect(await discarded.next()).toBe('pictures of more sessions than are carried out');
    await channel.close(100, false);
    expect(discarded.rest()).toEqual([]);
  });
});

it('a file has the 41 digits of the standard: camera, picture, local time with milliseconds, number', () => {
  const at = Date.UTC(2026, 10, 28, 15, 30, 0, 42);
  expect(fileIdOf(YARD, at, 'Asia/Shanghai', 9)).toBe(`${YARD}01${'20261128233000042'}10`);
});

it('an address with a name and a password in it is no place for pictures', () => {
  expect(mayGo('http://a.example/x', ['http://a.example'])).toBe(true);
  expect(mayGo('http://u:p@a.example/x', ['http://a.example'])).toBe(false);
  expect(mayGo('https://a.example/x', ['http://a.example'])).toBe(false);
});

it('whatever an order of pictures says, it is read or refused with a sentence', () => {
  const field = fc.option(fc.oneof(fc.string(), fc.integer().map(String)), { nil: undefined });
  const any = fc.record({ SnapNum: field, Interval: field, UploadURL: field, SessionID: field });
  fc.assert(
    fc.property(any, (given) => {
      const read = readSnapShotConfig(given);
      if (typeof read === 'string') return;
      expect(read.count).toBeLessThanOrEqual(10);
      expect(read.intervalMs).toBeLessThanOrEqual(3_600_000);
      mayGo(read.url, ['http://a.example']);
    }),
    { numRuns: runs(300) },
  );
});

it('that pictures go on order is said aloud, and refused where no camera can be named', () => {
  const read = (own: object) =>
    gb28181.options.parse({ server: '10.0.0.1:5060', serverId: PLATFORM, deviceId: DEVICE, ...own });
  const own = read({ video: ['yard'], snapshotUrls: ['http://10.0.0.1/snap'], passwordFile: 'pw' });
  const problems = (of: typeof own) => gb28181.problems?.(of, { names: false, pictures: false });
  const warnings = gb28181.warnings?.(own, { names: false, pictures: false }) ?? [];
  expect(warnings.map(({ path }) => path.join())).toEqual(['video', 'snapshotUrls']);
  expect(warnings[1]?.en).toContain('http://10.0.0.1/snap');
  expect(problems(own)).toEqual([]);
  expect(problems({ ...own, video: false })).toMatchObject([{ path: ['snapshotUrls'] }]);
  for (const wrong of ['ftp://a/', 'http://u:p@a/', 'http://['])
    expect(() => read({ snapshotUrls: [wrong] })).toThrow();
});
