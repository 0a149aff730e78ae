import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { channelOf, profileOf, readProfiles } from '../../drivers/onvif/channels.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, freePort, temporaryDirectory } from '../helpers.ts';
import {
  certificates,
  dateAndTime,
  notice,
  type PeerOptions,
  soap,
  soapFault,
  startPeer,
  xsTime,
} from './onvif-peer.ts';

/** Waits and limits pass twenty times as fast; the wall, which times and tokens bear, does not. */
const FACTOR = 20;
const quick: Clock = { ...fastClock(FACTOR), wall: systemClock.wall };
const MOTION = 'tns1:RuleEngine/CellMotionDetector/Motion';

async function open(port: number, own: object = {}, more: readonly object[] = []) {
  const passwordFile = join(temporaryDirectory(), 'pw');
  writeFileSync(passwordFile, 'pw\n');
  const fake = fakeHost(undefined, quick);
  const devices = [own, ...more].map((one, i) => ({
    id: i === 0 ? 'cam' : `cam-${i}`,
    driver: 'onvif',
    options: onvif.options.parse({ host: '127.0.0.1', port, username: 'admin', passwordFile, ...one }),
  }));
  const session = await onvif.open(devices, fake.host);
  let isOpen = true;
  const close = async () => {
    if (isOpen) await session.close();
    isOpen = false;
  };
  onTestFinished(close);
  return { ...fake, session, close };
}

async function met(options: PeerOptions = {}, own: object = {}) {
  const peer = await startPeer(options);
  const opened = await open(peer.port, own);
  const motion = async () => {
    peer.push(notice(MOTION, { Rule: 'R' }, 'IsMotion', Date.now()));
    return await opened.reports.find(({ cause, state }) => cause === 'motion' && state === 'raised');
  };
  return { peer, ...opened, motion };
}

describe('a camera of nobody', () => {
  it('that tells its time to whom it knows only is met', async () => {
    const { motion, peer } = await met({ password: 'pw', open: [] });
    expect(await motion()).toMatchObject({ at: { trusted: true } });
    expect(peer.wrong()).toBe(0);
  });

  it.each([
    ['its local time only', () => dateAndTime({ local: Date.now() + 8 * 3_600_000 })],
    ['no time', () => dateAndTime({})],
    ['a fault instead of its time', () => soapFault('ter:ActionNotSupported', 'no')],
    ['a page instead of its time', () => '<html>not here</html>'],
  ])('that tells %s is met, and its events are of now', async (_name, answer) => {
    const { motion, reports } = await met({ odd: { GetSystemDateAndTime: () => [200, answer()] } });
    const { at } = await motion();
    expect(at?.trusted).toBe(true);
    expect(Math.abs((at?.time ?? 0) - Date.now())).toBeLessThan(5000);
    expect(reports.rest().filter(({ cause, state }) => cause === 'clock' && state === 'raised')).toEqual([]);
  });

  it.each([
    ['relative', () => '/onvif/events'],
    ['behind NAT', () => 'http://192.168.99.99:8899/onvif/events'],
    ['of another scheme', (port: number) => `https://127.0.0.1:${port}/onvif/events`],
  ])('whose address of events is %s is asked where it answers', async (_name, events) => {
    const { motion } = await met({ events });
    expect(await motion()).toMatchObject({ kind: 'video' });
  });

  it.each([
    ['a urn', () => 'urn:uuid:7b1ff0a2-0001-4a5b-9c10-000000000001'],
    ['nothing but a path', () => '/sub/1'],
    ['behind NAT', () => 'http://10.255.255.1/sub/1'],
  ])('whose subscriptions are at %s is asked there, by that name', async (_name, subscription) => {
    const { motion, peer } = await met({ subscription });
    await motion();
    const address = subscription();
    if (address.startsWith('urn:')) expect(peer.of('PullMessages')[0]?.body).toContain(`>${address}</a:To>`);
  });

  it('has its event service on a port of its own', async () => {
    let other = 0;
    const peer = await startPeer({
      events: () => `http://127.0.0.1:${other}/onvif/events`,
      subscription: () => `http://127.0.0.1:${other}/sub/1`,
      odd: {
        CreatePullPointSubscription: ({ port }) => (port === other ? undefined : [404, 'not here']),
        PullMessages: ({ port }) => (port === other ? undefined : [404, 'not here']),
      },
    });
    other = (await peer.listen()).port;
    const { links } = await open(peer.port);
    expect(await links.next()).toMatchObject({ state: 'online' });
    await expect.poll(() => peer.of('PullMessages').map(({ port }) => port)).toContain(other);
  });

  it('answers with a byte order mark, an empty line before and NUL behind', async () => {
    const pulled = [0];
    const { links } = await met({
      odd: {
        PullMessages: () => {
          pulled[0] = (pulled[0] ?? 0) + 1;
          return [200, `\uFEFF\r\n${soap('<tev:PullMessagesResponse/>')}\0\n`];
        },
      },
    });
    await links.next();
    await expect.poll(() => pulled[0]).toBeGreaterThan(3);
  });
});

describe('a camera that speaks HTTPS', () => {
  const [first, second] = certificates;
  it('is met with the certificate that it shows first, and with no other one', async () => {
    const { peer, links, reports } = await met({ certificate: first }, { tls: {} });
    expect(await links.next()).toMatchObject({ state: 'online' });
    peer.show(second);
    expect(
      await reports.find(({ cause, state }) => cause === 'certificate' && state === 'raised'),
    ).toMatchObject({
      kind: 'fault',
      details: { fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}/) },
    });
    expect(await links.next()).toMatchObject({
      state: 'offline',
      reason: expect.stringContaining('certificate'),
    });
    peer.show(first);
    expect(await links.next()).toMatchObject({ state: 'online' });
  });

  it('is met with any, where the config says so, and not with one that it does not name', async () => {
    const any = await met({ certificate: first }, { tls: { insecure: true } });
    expect(await any.links.next()).toMatchObject({ state: 'online' });
    const other = await met({ certificate: first }, { tls: { fingerprint: 'ab'.repeat(32) } });
    expect(await other.links.next()).toMatchObject({ state: 'offline' });
    expect(other.peer.heard).toEqual([]);
  });
});

describe('a connection that does not come about', () => {
  const [first, second] = certificates;
  const caFile = () => {
    const file = join(temporaryDirectory(), 'ca.pem');
    writeFileSync(file, second.cert);
    return file;
  };
  it.each([
    [
      'signed by itself',
      { certificate: first },
      () => ({ tls: { caFile: caFile() } }),
      /signed by itself.*leave `caFile` out.*\(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    ],
    [
      'of HTTP, asked as HTTPS',
      {},
      () => ({ tls: {} }),
      /does not speak HTTPS on this port: leave `tls` out/,
    ],
    ['of HTTPS, asked as HTTP', { certificate: first }, () => ({}), /write `tls: \{\}`/],
  ])('is told with what mends it: %s', async (_name, options, own, words) => {
    const { links } = await met(options, own());
    expect(await links.next()).toMatchObject({ state: 'offline', reason: expect.stringMatching(words) });
  });

  it('is told with what mends it: nobody there', async () => {
    const { links } = await open(await freePort());
    expect(await links.next()).toMatchObject({
      state: 'offline',
      reason: expect.stringMatching(/nothing listens there: look at `port`.*\(ECONNREFUSED\)/),
    });
  });
});

describe('manners', () => {
  it('ask ever more slowly for what is refused, and say that the camera is blind', async () => {
    const { peer, reports, links } = await met({
      odd: {
        CreatePullPointSubscription: () => [500, soapFault('ter:MaxPullPoints', 'all pull points are taken')],
      },
    });
    const begun = performance.now();
    expect(await links.next()).toMatchObject({ state: 'online' });
    expect(await reports.find(({ cause }) => cause === 'blind')).toMatchObject({
      kind: 'fault',
      state: 'raised',
      details: { reason: expect.stringContaining('pull points') },
    });
    expect(performance.now() - begun).toBeLessThan(30_000 / FACTOR);
    await quick.wait(60_000);
    const gaps = peer
      .of('CreatePullPointSubscription')
      .map(({ at }, i, all) => at - (all[i - 1]?.at ?? at))
      .slice(1);
    expect(gaps.length).toBeLessThan(9);
    expect(gaps[0]).toBeGreaterThan(990 / FACTOR);
    expect(gaps.at(-1)).toBeGreaterThan(15_000 / FACTOR);
    // It answers all the time.
    expect(links.rest()).toEqual([]);
  });

  it('learn from a fault how long a subscription must last, and how much is told at once', async () => {
    const { motion, peer } = await met({
      odd: {
        // WS-BaseNotification 1.3, 4.2: a time, not how long.
        CreatePullPointSubscription: ({ body }) =>
          /PT\d+S/.exec(body)?.[0] === 'PT60S'
            ? [
                500,
                soapFault(
                  'wsnt:UnacceptableInitialTerminationTimeFault',
                  'too short',
                  `<wsnt:UnacceptableInitialTerminationTimeFault><wsnt:MinimumTime>${xsTime(Date.now() + 300_000)}</wsnt:MinimumTime></wsnt:UnacceptableInitialTerminationTimeFault>`,
                ),
              ]
            : undefined,
        // ONVIF Core, PullMessagesFaultResponse.
        PullMessages: ({ body }) =>
          body.includes('<MessageLimit>20</MessageLimit>')
            ? undefined
            : [
                500,
                soapFault(
                  'ter:InvalidArgVal',
                  'too many',
                  '<tev:PullMessagesFaultResponse><tev:MaxTimeout>PT30S</tev:MaxTimeout><tev:MaxMessageLimit>20</tev:MaxMessageLimit></tev:PullMessagesFaultResponse>',
                ),
              ],
      },
    });
    await motion();
    const asked = peer
      .of('CreatePullPointSubscription')
      .map(({ body }) => Number(/PT(\d+)S/.exec(body)?.[1]));
    expect(asked[0]).toBe(60);
    expect(asked[1]).toBeGreaterThanOrEqual(300);
    expect(asked).toHaveLength(2);
  });

  it('ask for less, and for all states, where an answer is larger than can be read', async () => {
    let pulls = 0;
    const { motion, discards, peer } = await met({
      odd: { PullMessages: () => (pulls++ === 0 ? [200, soap('x'.repeat(600_000))] : undefined) },
    });
    expect((await discards.next()).reason).toBe('an answer that is larger than can be read');
    await motion();
    expect(peer.of('SetSynchronizationPoint')).toHaveLength(2);
    expect(peer.of('CreatePullPointSubscription')).toHaveLength(1);
    expect(peer.of('PullMessages')[1]?.body).toContain('<MessageLimit>25</MessageLimit>');
  });

  it('say goodbye, and who says so', async () => {
    const { peer, links, close } = await met({ password: 'pw', login: 'token' });
    await links.next();
    await expect.poll(() => peer.of('PullMessages').length).toBeGreaterThan(0);
    await close();
    const [goodbye, ...others] = peer.of('Unsubscribe');
    expect(goodbye).toMatchObject({ path: '/sub/1', body: expect.stringContaining('<UsernameToken>') });
    expect(peer.wrong()).toBe(0);
    expect(others).toEqual([]);
  });

  it('leave no subscription behind that is not asked any more', async () => {
    const { peer, links } = await met({ odd: { PullMessages: () => [200, '<html>busy</html>'] } });
    await links.next();
    await expect.poll(() => peer.of('CreatePullPointSubscription').length).toBeGreaterThan(1);
    expect(peer.of('Unsubscribe').length).toBeGreaterThan(0);
  });
});

describe('channels of a recorder', () => {
  const channel = (id: string, own: object) => ({
    id,
    driver: 'onvif',
    options: onvif.options.parse({ host: '10.0.0.1', ...own }),
  });
  // Hikvision: the source of one channel is called as the configuration of the other (a fixture of gBillal/onvif).
  const profiles = readProfiles(
    soap(
      `<trt:GetProfilesResponse>${[
        ['P1', 'VideoSource_2', 'VideoSource_1', 'VA_1'],
        ['P2', 'VideoSourceToken_2', 'VideoSource_2', 'VA_2'],
      ]
        .map(
          ([profile, configuration, source, analytics]) =>
            `<trt:Profiles token="${profile}" fixed="true"><tt:VideoSourceConfiguration token="${configuration}"><tt:SourceToken>${source}</tt:SourceToken></tt:VideoSourceConfiguration><tt:VideoAnalyticsConfiguration token="${analytics}"/></trt:Profiles>`,
        )
        .join('')}</trt:GetProfilesResponse>`,
    ),
  );
  const from = (source: Readonly<Record<string, string>>) => ({
    ...({ topic: 'VideoSource/MotionAlarm', operation: 'Changed', at: 0, source, data: {} } as const),
  });
  const cameras = [channel('one', { source: 'VideoSource_1' }), channel('two', { source: 'VideoSource_2' })];

  it.each([
    [{ Source: 'VideoSource_2' }, 'two'],
    [{ VideoSourceConfigurationToken: 'VideoSource_2', Rule: 'R' }, 'one'],
    [{ VideoSourceConfigurationToken: 'VideoSourceToken_2', Rule: 'R' }, 'two'],
    [{ VideoAnalyticsConfigurationToken: 'VA_2' }, 'two'],
    [{ Source: 'VideoSource_3' }, undefined],
    [{ Token: 'disk0' }, 'one'],
  ])('an event of %j is of %s', (source, id) => {
    expect(channelOf(from(source as Readonly<Record<string, string>>), cameras, profiles)?.id).toBe(id);
  });

  it('are known by what is written where the recorder tells no profiles', () => {
    expect(channelOf(from({ Source: 'VideoSource_2' }), cameras, [])?.id).toBe('two');
    expect(channelOf(from({ Source: 'VideoSource_9' }), cameras, [])).toBeUndefined();
  });

  it('are all the only one where the config has no channels', () => {
    const camera = channel('cam', { profile: 'sub' });
    expect(channelOf(from({ Source: 'vs0' }), [camera], profiles)?.id).toBe('cam');
    expect(
      channelOf(from({ Source: 'VideoSource_2' }), [channel('cam', { profile: 'P1' })], profiles),
    ).toBeUndefined();
  });

  it('have profiles of their own, and never another channel’s', () => {
    expect(cameras.map((camera) => profileOf(camera, profiles))).toEqual(['P1', 'P2']);
    expect(profileOf(channel('a', { source: 'VideoSource_1', profile: 'P2' }), profiles)).toBe('P2');
    expect(() => profileOf(channel('a', { source: 'VideoSource_7' }), profiles)).toThrow(
      'no profile of the source',
    );
    expect(profileOf(channel('a', {}), profiles)).toBeUndefined();
  });
});

describe('presets and pictures', () => {
  const preset = (token: string, name: string) =>
    `<tptz:Preset token="${token}">${name === '' ? '' : `<tt:Name>${name}</tt:Name>`}</tptz:Preset>`;

  it('are found by token, and by name, each in the profile of its channel', async () => {
    const peer = await startPeer({
      profiles: [
        ['P1', 'C1', 'VS_1'],
        ['P2', 'C2', 'VS_2'],
      ],
      odd: {
        GetPresets: ({ body }) => [
          200,
          soap(
            `<tptz:GetPresetsResponse xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl">${
              body.includes('>P2<')
                ? preset('1', '') + preset('2', '北门') + preset('3', 'x') + preset('4', 'x')
                : preset('9', '北门')
            }</tptz:GetPresetsResponse>`,
          ),
        ],
        GotoPreset: () => [200, soap('<tptz:GotoPresetResponse xmlns:tptz="x"/>')],
      },
    });
    const { session } = await open(peer.port, { source: 'VS_1' }, [{ source: 'VS_2' }]);
    const turned = async (device: string, wanted: string) => {
      await session.execute?.({ id: 'c', device, action: 'preset', arguments: { preset: wanted } });
      const { body = '' } = peer.of('GotoPreset').at(-1) ?? {};
      return [/ProfileToken>([^<]*)/.exec(body)?.[1], /PresetToken>([^<]*)/.exec(body)?.[1]];
    };
    expect(await turned('cam-1', '1')).toEqual(['P2', '1']);
    expect(await turned('cam-1', '北门')).toEqual(['P2', '2']);
    expect(await turned('cam-1', '4')).toEqual(['P2', '4']);
    expect(await turned('cam', '北门')).toEqual(['P1', '9']);
  });

  it('say what was wrong with the picture, and with the stream', async () => {
    const dead = await freePort();
    const { session } = await met({
      odd: {
        GetSnapshotUri: () => [
          200,
          soap(
            `<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>http://127.0.0.1:${dead}/a.jpg</tt:Uri></trt:MediaUri></trt:GetSnapshotUriResponse>`,
          ),
        ],
        GetStreamUri: () => [500, soapFault('ter:Action', 'no stream')],
      },
    });
    await expect(
      session.execute?.({ id: 'c', device: 'cam', action: 'snapshot', arguments: {} }),
    ).rejects.toThrow(/its picture: .*; its stream: .*no stream/);
  });
});
