/** GA/T 1400 with a view library in Python, which knows nothing of our code: what it lets in, refuses, forgets and breaks. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { gat1400 } from '../../drivers/platforms/gat1400/transport.ts';
import { fastClock } from '../clocks.ts';
import { DEVICE_ID, jpeg, viewCampus } from '../drivers/gat1400-campus.ts';
import { eventually, temporaryDirectory } from '../helpers.ts';
import { need } from '../system/tools.ts';
import { needPython } from './peers.ts';
import { type HeardByLibrary, startLibrary } from './viid.ts';

const library = async (context: TestContext) => {
  needPython(context, 'http.server');
  return await startLibrary();
};
type Library = Awaited<ReturnType<typeof startLibrary>>;
const faces = { faces: true };

const proofs = async (peer: Library, path = '/VIID/System/Register') =>
  (await peer.heard()).heard.filter((one) => one.path === path).map(({ proof }) => proof);
const taken = (objects: readonly HeardByLibrary[]) => objects.filter(({ code }) => code === 0);
const widths = (objects: readonly HeardByLibrary[]) =>
  taken(objects).map(({ object }) => object?.['RightBtmX']);
/** Faces that are told apart by the widths of their pictures. */
const pass = async ({ face }: Awaited<ReturnType<typeof viewCampus>>, ...all: number[]) => {
  for (const width of all) await face(String(width), jpeg(500, [width, 100]));
};

describe('a view library', () => {
  it('lets us in by a digest of ours, and takes a face as the standard makes it', async (context) => {
    const peer = await library(context);
    const { face, behind, close } = await viewCampus(peer.url, faces);
    await face('1042', jpeg(20_000, [480, 640]));
    await eventually(async () => expect(await peer.objects()).toHaveLength(1));
    expect(await proofs(peer)).toEqual(['none', 'good']);
    const [one] = await peer.objects();
    // What must be there is looked at by the library: `wrong` names what is not.
    expect(one).toMatchObject({ path: '/VIID/Faces', code: 0, wrong: null });
    expect(one?.id).toMatch(/^4503000000119000000102\d{14}\d{5}0600001$/);
    expect(one?.object).toMatchObject({ RightBtmX: 480, RightBtmY: 640, InfoKind: 1 });
    expect(JSON.stringify(one?.object)).not.toContain('1042');
    await eventually(() => expect(behind()).toBe(0));
    await close();
    expect(await proofs(peer, '/VIID/System/UnRegister')).toEqual(['none', 'good']);
  });

  it('whose nonce is over before it comes back lets us in by the next one', async (context) => {
    const peer = await library(context);
    await peer.behave({ nonceUses: 0 });
    await pass(await viewCampus(peer.url, faces), 1);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([1]));
    expect(await proofs(peer)).toEqual(['none', 'stale', 'good']);
  });

  it('that wants another name for the password gets it, and its answers are read in either form', async (context) => {
    const peer = await library(context);
    await peer.behave({ username: 'campus7', single: true });
    await pass(await viewCampus(peer.url, { ...faces, username: 'campus7' }), 1, 2);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([1, 2]));
  });

  it('that does not know us any more is registered at anew, at a keepalive or at an object, and nothing is lost', async (context) => {
    const peer = await library(context);
    const time = fastClock(20);
    const campus = await viewCampus(peer.url, { ...faces, keepalive: '10s' }, { time });
    await pass(campus, 1);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([1]));
    await peer.behave({ forget: 1 });
    await eventually(async () => expect((await proofs(peer)).length).toBe(4));
    // Longer than the next keepalive: it is an object that hears of it first, or one that hears of it second.
    await peer.behave({ forget: 1 });
    await pass(campus, 2, 3);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([1, 2, 3]));
    expect(await proofs(peer)).toEqual(['none', 'good', 'none', 'good', 'none', 'good']);
    expect(campus.uplink.state().state).toBe('connected');
  });

  it('that refuses a password hears it seldom, and not in a loop', async (context) => {
    const peer = await library(context);
    const time = fastClock(60);
    await viewCampus(peer.url, { ...faces, password: 'wrong', reconnectSpread: '30s' }, { time });
    await eventually(async () => expect(await proofs(peer)).toContain('bad'));
    const from = time.elapsed();
    // Five minutes by the gateway's clock.
    await eventually(() => expect(time.elapsed() - from).toBeGreaterThan(300_000));
    const bad = (await proofs(peer)).filter((one) => one === 'bad');
    expect(bad.length).toBeGreaterThan(1);
    expect(bad.length).toBeLessThanOrEqual(5);
    expect((await peer.heard()).bytes).toBe(0);
  });

  it('is started anew, and gets all that happened meanwhile, in order', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, faces, { time: fastClock(10) });
    await pass(campus, 1);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([1]));
    await peer.stop();
    await pass(campus, 2, 3, 4, 5);
    await peer.start();
    await eventually(async () => expect(widths(await peer.objects())).toEqual([2, 3, 4, 5]));
    await eventually(() => expect(campus.behind()).toBe(0));
  });

  it('that answers nothing costs another one nothing', async (context) => {
    const [dead, good] = [await library(context), await library(context)];
    const campus = await viewCampus(dead.url, faces);
    await dead.behave({ hang: 1000 });
    const own = { protocol: 'gat1400', deviceId: DEVICE_ID, password: 'secret', pictures: true, ...faces };
    campus.connectTo(0, { ...own, id: 'other', url: good.url });
    await pass(campus, 1, 2, 3, 4, 5);
    await eventually(async () => expect(widths(await good.objects())).toEqual([1, 2, 3, 4, 5]));
    expect((await dead.objects()).length).toBe(1);
  });

  it('over TLS is believed with its own authority, and not without', async (context) => {
    needPython(context, 'ssl');
    need(context, 'openssl');
    const directory = temporaryDirectory();
    const [pem, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', pem, ...subject],
      {
        stdio: 'pipe',
      },
    );
    const peer = await startLibrary([pem, key]);
    const open = async (own: object) => {
      const options = gat1400.options.parse({ url: peer.url, deviceId: DEVICE_ID, ...own });
      const found = await gat1400.probe?.(
        { ...options, password: 'secret' },
        {
          ...{ clock: systemClock, timeZone: 'Asia/Shanghai', campus: '45', uplink: 'city' },
          ...{ classes: ['alarm'], receipts: false, commands: false },
        },
      );
      return found?.map(({ is, en }) => `${is}: ${en}`);
    };
    expect(await open({ caFile: pem })).toEqual([expect.stringMatching(/^good: it registers; its clock is/)]);
    expect(await open({})).toEqual([expect.stringMatching(/^bad: no answer .*self-signed/)]);
  });
});

describe('an object', () => {
  it('of ten that is refused holds no other up, and comes when it is taken, with the same id', async (context) => {
    const peer = await library(context);
    const time = fastClock(20);
    const campus = await viewCampus(peer.url, faces, { time });
    await peer.behave({ refuse: { '"Width":5,': 6 } });
    await pass(campus, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 10]));
    await eventually(() => expect(campus.behind()).toBe(0));
    expect(campus.uplink.state().held).toMatchObject([{ topic: '/VIID/Faces', reason: 'StatusCode 6 OK' }]);
    await peer.behave({ refuse: {} });
    await eventually(async () => expect(widths(await peer.objects())).toContain(5));
    const fifth = (await peer.objects()).filter(({ object }) => object?.['RightBtmX'] === 5);
    expect(new Set(fifth.map(({ id }) => id)).size).toBe(1);
    await eventually(() => expect(campus.uplink.state().held).toEqual([]));
  });

  it('that is refused for no reason that says it is its own fault is tried three times, and then the others go on', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, faces, { time: fastClock(20) });
    await peer.behave({ refuse: { '"Width":2,': 1 } });
    await pass(campus, 1, 2, 3, 4);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([1, 3, 4]));
    expect(campus.uplink.state().held).toHaveLength(1);
  });

  it('of a kind that the platform does not take is held, and the other kinds go on', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, faces, { time: fastClock(20) });
    await peer.behave({ status: { '/VIID/Persons': 404 } });
    const picture = await campus.media.keep('kiosk', { contentType: 'image/jpeg', bytes: jpeg() });
    await campus.record('visit', { visit: { id: 'v', stage: 'arrived', name: '王芳' }, picture });
    await pass(campus, 1, 2);
    await eventually(async () =>
      expect(taken((await peer.objects()).filter(({ path }) => path === '/VIID/Faces'))).toHaveLength(2),
    );
    expect(campus.uplink.state().held).toMatchObject([{ topic: '/VIID/Persons', reason: 'HTTP 404' }]);
  });

  it.each(['tear', 'huge', 'garbage'] as const)(
    'whose answer is broken (%s) comes again, the same',
    async (how, context) => {
      const peer = await library(context as unknown as TestContext);
      const campus = await viewCampus(peer.url, faces, { time: fastClock(10) });
      await peer.behave({ [how]: 2 });
      await pass(campus, 1, 2);
      await eventually(() => expect(campus.behind()).toBe(0));
      const all = await peer.objects();
      expect(all.map(({ object }) => object?.['RightBtmX'])).toEqual([1, 1, 1, 2]);
      expect(new Set(all.map(({ id }) => id)).size).toBe(2);
      expect(campus.uplink.state().held).toEqual([]);
    },
  );

  it('that is never answered, though the platform is there, comes again', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, faces, { time: fastClock(10) });
    await peer.behave({ hang: 1 });
    await pass(campus, 1, 2);
    await eventually(() => expect(campus.behind()).toBe(0));
    expect((await peer.objects()).map(({ object }) => object?.['RightBtmX'])).toEqual([1, 1, 2]);
    // It was the same session: the platform said that it is there.
    expect(await proofs(peer)).toEqual(['none', 'good']);
  });

  it('of 5 MB is taken; one that is larger stays, alone', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, faces);
    await campus.face('large', jpeg(5 * 1024 * 1024, [4000, 3000], 7));
    await campus.face('larger', jpeg(5 * 1024 * 1024 + 1, [4001, 3000], 7));
    await pass(campus, 1);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([4000, 1]));
    expect((await peer.objects())[0]?.bytes).toBeGreaterThan(6_990_000);
    await eventually(() => expect(campus.uplink.state().held).toHaveLength(1));
    expect(campus.behind()).toBe(0);
  });

  it('whose picture is not there any more holds nothing up, and is counted', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, faces);
    await campus.face('gone', 'f'.repeat(64));
    await pass(campus, 1);
    await eventually(async () => expect(widths(await peer.objects())).toEqual([1]));
    expect(campus.uplink.state().discarded).toEqual({ 'a picture that is not kept any more': 1 });
  });

  it('of an alarm goes before faces that are slow', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, faces);
    await peer.behave({ slow: 1 });
    await pass(campus, 1, 2, 3, 4);
    await eventually(async () => expect(await peer.objects()).toHaveLength(1));
    const picture = await campus.media.keep('gate', {
      contentType: 'image/jpeg',
      bytes: jpeg(400, [77, 77]),
    });
    await campus.record('panic', { picture });
    await eventually(async () => expect(await peer.objects()).toHaveLength(2));
    expect((await peer.objects()).map(({ path }) => path)).toEqual(['/VIID/Faces', '/VIID/Images']);
    await peer.behave({ slow: 0 });
    await eventually(async () =>
      expect(widths((await peer.objects()).filter(({ path }) => path === '/VIID/Faces'))).toEqual([
        1, 2, 3, 4,
      ]),
    );
  });
});

describe('what leaves the campus', () => {
  /** Everything that has a picture. */
  const happen = async ({ media, record, face }: Awaited<ReturnType<typeof viewCampus>>) => {
    const keep = (width: number, about?: { event: string }) =>
      media.keep('cam', { contentType: 'image/jpeg', bytes: jpeg(300, [width, 50]) }, about);
    await face('1', jpeg(300, [11, 50]));
    const { id: person } = await record('video', { cause: 'person' });
    await keep(12, { event: person ?? '' });
    await record('visit', { visit: { id: 'v', stage: 'arrived', name: '王芳' }, picture: await keep(13) });
    const { id: alarm } = await record('intrusion', { zone: { number: 1 } });
    await keep(14, { event: alarm ?? '' });
    await record('panic', { picture: await keep(15) });
    const { id: motion } = await record('video', { cause: 'motion' });
    await keep(16, { event: motion ?? '' });
  };
  const sent = async (peer: Library) =>
    (await peer.objects())
      .map(({ path, object, wrong }) => {
        const info = (object?.['ImageInfo'] ?? object) as { RightBtmX?: number; Width?: number };
        return `${path} ${info.Width ?? info.RightBtmX} ${wrong ?? 'good'}`;
      })
      .toSorted();

  it('is nothing at all, unless the config says so: not a byte beyond registering', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, { pictures: false });
    await happen(campus);
    await eventually(() => expect(campus.behind()).toBe(0));
    expect((await peer.heard()).bytes).toBe(0);
    const paths = new Set((await peer.heard()).heard.map(({ path }) => path));
    expect([...paths]).toEqual(['/VIID/System/Register']);
  });

  it('is pictures of alarms with `pictures: true`, and of nobody else', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url);
    await happen(campus);
    await eventually(() => expect(campus.behind()).toBe(0));
    await eventually(async () =>
      expect(await sent(peer)).toEqual(['/VIID/Images 14 good', '/VIID/Images 15 good']),
    );
  });

  it('is all that was seen with `faces: true`, and names where they may leave', async (context) => {
    const peer = await library(context);
    const campus = await viewCampus(peer.url, { ...faces, names: true });
    await happen(campus);
    await eventually(async () =>
      expect(await sent(peer)).toEqual([
        '/VIID/Faces 11 good',
        '/VIID/Images 14 good',
        '/VIID/Images 15 good',
        '/VIID/Images 16 good',
        '/VIID/Persons 12 good',
        '/VIID/Persons 13 good',
      ]),
    );
    const named = (await peer.objects()).filter(({ object }) => object?.['Name'] !== undefined);
    expect(named.map(({ object }) => object?.['Name'])).toEqual(['王芳']);
  });

  it('is no name, unless names may', async (context) => {
    const peer = await library(context);
    await happen(await viewCampus(peer.url, faces));
    await eventually(async () => expect(await peer.objects()).toHaveLength(6));
    expect(JSON.stringify(await peer.heard())).not.toContain('王芳');
  });
});

it("the platform's clock is looked at, and told of where it is far off", async (context) => {
  const peer = await library(context);
  await peer.behave({ clock: 90 });
  const { uplink } = await viewCampus(peer.url, faces);
  await eventually(() => expect(uplink.state().channel?.clockOffsetMs).toBeGreaterThan(88_000));
  expect(uplink.state().channel?.clockOffsetMs).toBeLessThan(92_000);
});
