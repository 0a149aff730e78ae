/** How a gateway is known at a view library: to one that says by hand what the test wants, by the gateway's own clock. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noMedia } from '../../drivers/contract/media.ts';
import {
  type Answer,
  type Channel,
  LoginRefused,
  type PlatformHost,
} from '../../drivers/contract/transport.ts';
import { gat1400 } from '../../drivers/platforms/gat1400/transport.ts';
import { manualClock } from '../clocks.ts';
import { eventually, silentLog, stream } from '../helpers.ts';
import { DEVICE_ID, jpeg } from './gat1400-campus.ts';

const PICTURE = 'a'.repeat(64);
const REALM = 'views';
const md5 = (text: string) => createHash('md5').update(text).digest('hex');
/** RFC 2617, 3.2.2: what proves `secret`. */
const isProved = (said: string, method: string, path: string) => {
  const of = (name: string) => new RegExp(`[ ,]${name}="?([^",]*)`).exec(said)?.[1] ?? '';
  const middle = [of('nonce'), of('nc'), of('cnonce'), 'auth'].join(':');
  return (
    of('uri') === path &&
    of('qop') === 'auth' &&
    of('response') === md5(`${md5(`${DEVICE_ID}:${REALM}:secret`)}:${middle}:${md5(`${method}:${path}`)}`)
  );
};
const ok = (id = 'x', code: unknown = 0) => ({
  ResponseStatusObject: { Id: id, StatusCode: code, StatusString: '' },
});

interface Heard {
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly isProved: boolean;
}
type Says =
  | { readonly status?: number; readonly body?: object | string; readonly challenge?: string }
  | undefined;

/** `says`: what it answers to who is let in; undefined: nothing. */
async function platform(says: (heard: Heard, nth: number) => Says = () => ({})) {
  const heard = stream<Heard>();
  const all: Heard[] = [];
  const answer = (response: ServerResponse, { status = 200, body = ok(), challenge }: NonNullable<Says>) => {
    if (challenge !== undefined) response.setHeader('WWW-Authenticate', challenge);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { url: path = '', method = '', headers } = request;
    const one = {
      path,
      body: Buffer.concat(chunks).toString(),
      headers,
      isProved: isProved(headers.authorization ?? '', method, path),
    };
    all.push(one);
    const nth = all.filter((other) => other.path === path).length;
    const said = says(one, nth);
    heard.push(one);
    if (said === undefined) return;
    const isDoor = /Register$/.test(path) && said.status === undefined && said.body === undefined;
    if (isDoor && !one.isProved)
      return answer(response, {
        status: 401,
        challenge: `Digest realm="${REALM}", qop="auth", nonce="n${nth}"`,
      });
    answer(response, said);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const paths = () => all.map(({ path }) => path.split('/').at(-1));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard, all, paths };
}

function gateway(url: string, own: object = {}, more: Partial<PlatformHost> = {}) {
  const time = manualClock(Date.UTC(2026, 10, 28, 15, 30));
  const leftOut: string[] = [];
  const warned: string[] = [];
  const host = {
    ...{ uplink: 'views', clock: time, timeZone: 'Asia/Shanghai' },
    log: { ...silentLog, warn: (_fields: object, sentence: string) => warned.push(sentence) },
    signal: new AbortController().signal,
    leftOut: (reason: string) => leftOut.push(reason),
    numbers: async (_series: string, names: readonly string[]) => names.map(() => 1),
    media: { ...noMedia, picture: async () => ({ contentType: 'image/jpeg', bytes: jpeg() }) },
    ...more,
  } as unknown as PlatformHost;
  const options = {
    ...gat1400.options.parse({ url, deviceId: DEVICE_ID, faces: true, ...own }),
    password: 'secret',
  };
  const open = async (): Promise<Channel> => {
    const channel = await gat1400.open(options, host);
    onTestFinished(() => channel.close(0, false));
    return channel;
  };
  return { time, open, leftOut, warned, options };
}

const face = (data: object = {}) => ({
  ...{ address: '/VIID/Faces', type: 'access.granted', device: 'gate', lane: 'normal' as const },
  body: JSON.stringify({
    ...{ id: '019ac3a0-0000-7000-8000-000000000001', type: 'cn.campus.access.granted' },
    ...{ time: '2026-11-28T15:30:00Z', sequence: '7' },
    data: { state: 'raised', device: { id: 'gate' }, picture: PICTURE, ...data },
  }),
});
const send = (channel: Channel, one = face()) => new Promise<Answer>((resolve) => channel.send(one, resolve));
const statusOf = ({ body }: Heard, code = 0) => ok(/"(?:FaceID|ImageID)":"(\d+)"/.exec(body)?.[1], code);
const onObjects =
  (says: (heard: Heard, nth: number) => Says) =>
  (heard: Heard, nth: number): Says =>
    heard.path.startsWith('/VIID/System/') ? {} : says(heard, nth);

describe('a view library', () => {
  it('is told who asks in each request, and the password is proved at the door alone', async () => {
    const peer = await platform(onObjects((heard) => ({ body: statusOf(heard) })));
    const channel = await gateway(peer.url).open();
    expect(await send(channel)).toEqual({ is: 'taken' });
    await channel.close(1000, true);
    expect(peer.all.every(({ headers }) => headers['user-identify'] === DEVICE_ID)).toBe(true);
    expect(peer.all.every(({ headers }) => headers['content-type']?.includes('VIID+JSON') === true)).toBe(
      true,
    );
    const proved = peer.all.filter(({ headers }) => headers.authorization !== undefined);
    expect(proved.map(({ path, isProved: is }) => [path, is])).toEqual([
      ['/VIID/System/Register', true],
      ['/VIID/System/UnRegister', true],
    ]);
    expect(JSON.parse(peer.all[0]?.body ?? '')).toEqual({ RegisterObject: { DeviceID: DEVICE_ID } });
    expect(JSON.parse(peer.all.at(-1)?.body ?? '')).toEqual({ UnRegisterObject: { DeviceID: DEVICE_ID } });
  });

  it.each([
    ['Basic realm="x"', /wants a proof of the password that we do not know/],
    ['Digest realm="x", nonce="1", algorithm=SHA-512-256', /wants a proof/],
  ])('that asks by %s hears no password', async (challenge, message) => {
    const peer = await platform(() => ({ status: 401, challenge }));
    await expect(gateway(peer.url).open()).rejects.toThrow(message);
    expect(peer.all.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  });

  it.each([
    [
      'a wrong password',
      (): Says => ({ status: 401, challenge: `Digest realm="${REALM}", qop="auth", nonce="1"` }),
      LoginRefused,
    ],
    ['an id that it does not know', (): Says => ({ status: 403 }), LoginRefused],
    ['whom it does not want, by a StatusCode', (): Says => ({ body: ok('x', 4) }), LoginRefused],
    ['nobody for now', (): Says => ({ status: 503 }), Error],
    ['nobody: it is the page of a hotspot', (): Says => ({ body: '<html>log in' }), Error],
  ])('that lets in %s is come back to in its time', async (_name, says, kind) => {
    const peer = await platform(says);
    const error = await gateway(peer.url)
      .open()
      .catch((one: Error) => one);
    expect(error).toBeInstanceOf(kind);
    expect(error instanceof LoginRefused).toBe(kind === LoginRefused);
  });
});

describe('a view library that is known', () => {
  it('that answers none of three keepalives is registered at anew', async () => {
    const peer = await platform(({ path }) => (path.endsWith('Keepalive') ? { status: 500 } : {}));
    const { time, open } = gateway(peer.url, { keepalive: '60s' });
    const channel = await open();
    const over: string[] = [];
    channel.ended.then(({ message }) => over.push(message));
    for (let i = 1; i <= 3; i++) {
      expect(over).toEqual([]);
      await time.advance(60_000);
      await eventually(() => expect(peer.paths().filter((path) => path === 'Keepalive')).toHaveLength(i));
    }
    await eventually(() => expect(over).toEqual(['the platform answered none of 3 keepalives']));
  });

  it.each([
    ['401', (): Says => ({ status: 401 })],
    // As some say to who is not known.
    ['a StatusCode of 4', (): Says => ({ body: ok('x', 4) })],
  ])('that answers a keepalive by %s is registered at at once', async (_name, says) => {
    const peer = await platform(({ path }, nth) => (path.endsWith('Keepalive') && nth === 1 ? says() : {}));
    const { time, open } = gateway(peer.url);
    const channel = await open();
    await time.advance(60_000);
    await eventually(() =>
      expect(peer.all.filter((one) => one.path.endsWith('/Register') && one.isProved)).toHaveLength(2),
    );
    await time.advance(60_000);
    await eventually(() => expect(peer.paths().filter((path) => path === 'Keepalive')).toHaveLength(2));
    expect(channel.state?.().registered?.since).toBe('2026-11-28T15:31:00.000Z');
  });

  it('that does not know us at two objects at once is registered at once, and gets both', async () => {
    const isKnown = (all: readonly Heard[]) =>
      all.filter((one) => one.path.endsWith('/Register') && one.isProved).length > 1;
    const peer = await platform((heard) => {
      if (heard.path.startsWith('/VIID/System/')) return {};
      return isKnown(peer.all) ? { body: statusOf(heard) } : { status: 401 };
    });
    const channel = await gateway(peer.url).open();
    const answers = await Promise.all([send(channel), send(channel, { ...face(), lane: 'normal' })]);
    expect(answers).toEqual([{ is: 'taken' }, { is: 'taken' }]);
    expect(peer.all.filter((one) => one.path.endsWith('/Register') && one.isProved)).toHaveLength(2);
  });

  it('that never knows us at objects is registered at once for each try, and no more', async () => {
    const peer = await platform(onObjects(() => ({ status: 401 })));
    const channel = await gateway(peer.url).open();
    expect(await send(channel)).toMatchObject({ is: 'refused', code: 401 });
    expect(peer.paths().filter((path) => path === 'Faces')).toHaveLength(2);
  });

  it('that is silent at an object and at a keepalive is lost; where it answers the second, the object is refused', async () => {
    const silent = await platform(({ path }) => (/Register$|Time$/.test(path) ? {} : undefined));
    const first = gateway(silent.url, { keepalive: '1h' });
    const channel = await first.open();
    const lost = send(channel);
    await eventually(() => expect(silent.paths()).toContain('Faces'));
    await first.time.advance(24_000);
    await eventually(() => expect(silent.paths()).toContain('Keepalive'));
    await first.time.advance(4000);
    expect(await lost).toMatchObject({ is: 'lost' });
    expect((await channel.ended).message).toBe('no answer within 24 s');
    expect(first.time.elapsed()).toBeLessThan(30_000);

    const slow = await platform(onObjects(() => undefined));
    const second = gateway(slow.url, { keepalive: '1h' });
    const other = await second.open();
    const answer = send(other);
    await eventually(() => expect(slow.paths()).toContain('Faces'));
    await second.time.advance(24_000);
    expect(await answer).toEqual({ is: 'refused', reason: 'no answer within 24 s' });
  });

  it.each([
    ['Beijing time', '20261128233001', 1500, 0],
    ['a time that is 80 s ahead', '20261128233120', 80_500, 1],
    ['UTC for local time', '20261128153000', -28_799_500, 1],
  ])(
    'whose clock says %s is not believed, and told of where it is far off',
    async (_name, LocalTime, offset, warnings) => {
      const peer = await platform(({ path }) =>
        path.endsWith('Time') ? { body: { SystemTimeObject: { LocalTime } } } : {},
      );
      const { open, warned } = gateway(peer.url);
      const channel = await open();
      await eventually(() => expect(channel.state?.().clockOffsetMs).toBe(offset));
      expect(warned).toHaveLength(warnings);
    },
  );

  it('cannot be had beside a gateway that runs', async () => {
    await expect(gateway('http://127.0.0.1:1', {}, { aside: true }).open()).rejects.toThrow(
      /one gateway by one id/,
    );
  });
});

describe('objects', () => {
  it('of a lane come one after the other; those of another lane do not wait for them', async () => {
    const peer = await platform(onObjects(() => undefined));
    const channel = await gateway(peer.url).open();
    const answered: string[] = [];
    for (const lane of ['normal', 'normal', 'urgent'] as const)
      channel.send({ ...face(), lane }, ({ is }) => answered.push(`${lane} ${is}`));
    await eventually(() => expect(peer.paths().filter((path) => path === 'Faces')).toHaveLength(2));
    expect(answered).toEqual([]);
  });

  it('whose device cannot be numbered wait for the disk: they would have other ids', async () => {
    const peer = await platform();
    const numbers = () => Promise.reject(new Error('the disk is full'));
    const channel = await gateway(peer.url, {}, { numbers }).open();
    expect(await send(channel)).toEqual({ is: 'busy', reason: 'the disk is full' });
    expect(peer.paths()).not.toContain('Faces');
  });

  it('whose picture is gone are taken, and counted; one that cannot be read is refused', async () => {
    const peer = await platform();
    const gone = gateway(peer.url, {}, { media: { ...noMedia, picture: async () => undefined } });
    expect(await send(await gone.open())).toEqual({ is: 'taken' });
    expect(gone.leftOut).toEqual(['a picture that is not kept any more']);
    const broken = gateway(
      peer.url,
      {},
      { media: { ...noMedia, picture: () => Promise.reject(new Error('EIO')) } },
    );
    expect(await send(await broken.open())).toEqual({ is: 'refused', reason: 'EIO' });
    expect(peer.paths()).not.toContain('Faces');
  });

  it('that may not leave do not, though the engine hands them on', async () => {
    const peer = await platform();
    const channel = await gateway(peer.url, { faces: false }).open();
    expect(await send(channel)).toEqual({ is: 'taken' });
    expect(await send(channel, { ...face(), body: 'nonsense' })).toMatchObject({ is: 'refused' });
    expect(peer.all.map(({ path }) => path)).not.toContain('/VIID/Faces');
  });

  it('of a path that a camera found out of are held alone where the path is not there', async () => {
    const peer = await platform(onObjects(() => ({ status: 404 })));
    const channel = await gateway(peer.url).open();
    const kept = { contentType: 'image/jpeg', of: 'video.person', state: undefined };
    const one = face(kept);
    const body = one.body.replace('cn.campus.access.granted', 'cn.campus.media.kept');
    const media = {
      ...one,
      body,
      type: 'media.kept',
      address: channel.address({ type: 'media.kept', device: 'gate' }),
    };
    expect(await send(channel, media)).toMatchObject({ is: 'too-large', code: 404 });
    expect(await send(channel)).toMatchObject({ is: 'forbidden', code: 404 });
  });
});

describe('its config', () => {
  const base = { url: 'https://10.1.1.1:8443/', deviceId: DEVICE_ID, passwordFile: 'pw' };
  const leaving = { names: false, pictures: true };
  const problems = (own: object, more: object = {}) =>
    gat1400
      .problems?.(gat1400.options.parse({ ...base, ...own }), { ...leaving, ...more })
      .map(({ path }) => path.join());
  const warnings = (own: object, more: object = {}) =>
    gat1400.warnings?.(gat1400.options.parse({ ...base, ...own }), { ...leaving, ...more }) ?? [];

  it('says before it is tried what cannot work', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ faces: true })).toEqual([]);
    expect(problems({ faces: true }, { pictures: false })).toEqual(['faces']);
    expect(problems({ passwordFile: undefined })).toEqual(['passwordFile']);
    expect(problems({ url: 'http://10.1.1.1', caFile: 'ca.pem' })).toEqual(['caFile']);
    for (const url of ['10.1.1.1', 'http://user:pw@h', 'http://h/VIID', 'ftp://h'])
      expect(gat1400.options.safeParse({ ...base, url }).success).toBe(false);
  });

  it('says aloud what leaves, in both languages', () => {
    expect(warnings({}, { pictures: false })[0]?.zh).toContain('不向该平台上传任何内容');
    expect(warnings({}, { pictures: false })[0]?.en).toMatch(/nothing leaves/);
    expect(warnings({})[0]?.en).toMatch(/^pictures of alarms leave/);
    expect(warnings({ faces: true })[0]).toMatchObject({
      path: ['faces'],
      zh: expect.stringContaining('不含姓名'),
    });
    expect(warnings({ faces: true }, { names: true })[0]?.en).toContain('with the names of visitors');
    expect(warnings({ url: 'http://10.1.1.1' }).map(({ path }) => path[0])).toEqual(['pictures', 'url']);
    expect(warnings({ url: 'http://127.0.0.1:1' })).toHaveLength(1);
  });

  it('does not let two uplinks be one at a platform', () => {
    const options = gat1400.options.parse(base);
    const other = gat1400.options.parse({ ...base, url: 'https://10.1.1.2:8443' });
    const clashes = (...all: (typeof options)[]) =>
      gat1400
        .clashes?.(
          all.map((one, i) => ({ id: `u${i}`, options: one })),
          '45',
        )
        .map(({ uplink }) => uplink);
    expect(clashes(options, other)).toEqual([]);
    expect(clashes(options, other, options)).toEqual(['u2']);
  });
});
