/** Orders of a platform of GB/T 28181 on their whole road: SIP, the path of commands, a camera, an area, the audit. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startCamera } from '../../simulators/camera.ts';
import { type Heard, startPlatform } from '../drivers/gb28181-peer.ts';
import { freePort, stream, temporaryDirectory } from '../helpers.ts';
import { press } from './hostile/panel.ts';
import { gateway, until } from './tools.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];
const cli = join(import.meta.dirname, '../../gateway/campus-gateway.js');
const wordOf = (name: string, { body }: Heard) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1] ?? '';

/** Who sits at the platform: orders, and hears what became of them. */
function desk(platform: Awaited<ReturnType<typeof startPlatform>>, sip: number) {
  let serial = 0;
  const say = (body: string) =>
    platform.ask(
      sip,
      `MESSAGE sip:${DEVICE}@4503000000`,
      [
        `From: <sip:${PLATFORM}@3402000000>;tag=${++serial}`,
        ...[`To: <sip:${DEVICE}@4503000000>`, `Call-ID: desk-${serial}`],
        'Content-Type: Application/MANSCDP+xml',
      ],
      body,
    );
  return {
    async order(device: string, xml: string) {
      const sn = serial + 1;
      const words = `<CmdType>DeviceControl</CmdType><SN>${sn}</SN><DeviceID>${device}</DeviceID>${xml}`;
      expect((await say(`<Control>${words}</Control>`)).start).toBe('SIP/2.0 200 OK');
      return sn;
    },
    async resultOf(sn: number) {
      const isIt = (one: Heard) => one.body.includes('<Response>') && wordOf('SN', one) === String(sn);
      return wordOf('Result', await platform.heard.find(isIt));
    },
    /** The ids of cameras, from the catalogue: asked for until the gateway is registered. */
    async camerasOf<Name extends string>(...names: readonly Name[]): Promise<Record<Name, string>> {
      const query = `<Query><CmdType>Catalog</CmdType><SN>900</SN><DeviceID>${DEVICE}</DeviceID></Query>`;
      await until('it answers', () =>
        Promise.race([say(query).then(() => true), delay(300).then(() => false)]),
      );
      const ids: Record<string, string> = {};
      while (names.some((name) => ids[name] === undefined)) {
        const { body } = await platform.heard.find((one) => one.body.includes('<CmdType>Catalog'));
        for (const [, id = '', name = ''] of body.matchAll(
          /<DeviceID>(\d{10}132\d{7})<\/DeviceID>\s*<Name>(\w+)/g,
        ))
          ids[name] = id;
      }
      return ids as Record<Name, string>;
    },
  };
}

it('turn the camera that they may, and no other; acknowledge and arm; and all of it is in the audit', {
  timeout: 60_000,
}, async () => {
  const platform = await startPlatform({ asks: 'qop' });
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'pw'), 'secret\n', { mode: 0o600 });
  const ports = await Promise.all(Array.from({ length: 6 }, freePort));
  const [panel = 0, sip = 0, yard = 0, yardRtsp = 0, hall = 0, hallRtsp = 0] = ports;
  const did = { yard: stream<string>(), hall: stream<string>() };
  for (const [port, rtspPort, push] of [
    [yard, yardRtsp, did.yard.push],
    [hall, hallRtsp, did.hall.push],
  ] as const) {
    const camera = await startCamera({ port, rtspPort, did: push });
    onTestFinished(() => camera.close());
  }
  const config = {
    campus: { id: '4503000001', name: '一中' },
    dataDir: join(directory, 'data'),
    areas: [{ id: 'school', zones: [{ device: 'panel', zone: 7 }] }],
    uplinks: [
      {
        ...{ id: 'gb', protocol: 'gb28181', server: `127.0.0.1:${platform.port}`, port: sip },
        ...{ serverId: PLATFORM, deviceId: DEVICE, passwordFile: 'pw', events: ['alarm.*'], video: true },
        ...{ reconnectSpread: '0s', guardArea: 'school', eventId: true },
        commands: [
          { actions: ['move', 'halt', 'preset'], targets: ['yard'] },
          { actions: ['acknowledge'], targets: ['gateway'] },
          { actions: ['arm', 'disarm'], targets: ['school'] },
        ],
      },
    ],
    devices: [
      { id: 'panel', driver: 'dc09', listen: { port: panel }, accounts: [{ account: '1234' }] },
      { id: 'yard', driver: 'onvif', host: '127.0.0.1', port: yard },
      { id: 'hall', driver: 'onvif', host: '127.0.0.1', port: hall },
    ],
  };
  const daemon = await gateway(config, directory);
  const { order, resultOf, camerasOf } = desk(platform, sip);
  const cameras = await camerasOf('yard', 'hall');
  await order(cameras.yard, '<PTZCmd>A50F01021F0000D6</PTZCmd>');
  expect(await did.yard.find((what) => what.startsWith('move'))).toMatch(/^move -0\.1215\d* 0 0 for PT10S$/);
  await order(cameras.yard, '<PTZCmd>A50F0100000000B5</PTZCmd>');
  expect(await did.yard.next()).toBe('stop');
  await order(cameras.yard, '<PTZCmd>A50F018200020039</PTZCmd>');
  expect(await did.yard.next()).toBe('preset yard');
  await order(cameras.hall, '<PTZCmd>A50F01021F0000D6</PTZCmd>');
  await order(cameras.hall, '<TeleBoot>Boot</TeleBoot>');

  // A panic is reported and reset; the second reset finds nothing and is right, too.
  await press(panel, 1, 7);
  const alarm = await platform.heard.find((one) => one.body.includes('<CmdType>Alarm'));
  const input = wordOf('DeviceID', alarm);
  expect(await resultOf(await order(input, '<AlarmCmd>ResetAlarm</AlarmCmd>'))).toBe('OK');
  expect(await resultOf(await order(input, '<AlarmCmd>ResetAlarm</AlarmCmd>'))).toBe('OK');
  expect(await resultOf(await order(DEVICE, '<GuardCmd>SetGuard</GuardCmd>'))).toBe('OK');
  expect(await resultOf(await order(DEVICE, '<RecordCmd>Record</RecordCmd>'))).toBe('ERROR');
  expect(await daemon.stop()).toBe(0);
  expect(did.hall.rest().filter((what) => what.startsWith('move'))).toEqual([]);

  const { stdout } = spawnSync(process.execPath, [cli, 'journal', 'audit', config.dataDir], {
    encoding: 'utf8',
  });
  const audit = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .map((one) => (one['entry'] ?? one) as Record<string, unknown>);
  const of = (kind: string) =>
    audit
      .filter((one) => one['kind'] === kind && one['from'] === 'gb')
      .map((one) => `${one['action']} ${one['target']}`);
  expect(of('command')).toEqual([
    'move yard',
    'halt yard',
    'preset yard',
    'acknowledge gateway',
    'arm school',
  ]);
  expect(of('refusal')).toEqual(['move hall', 'reboot hall', `record ${DEVICE}`]);
});

it('get pictures where the config says, restart the camera, and no other', { timeout: 60_000 }, async () => {
  const platform = await startPlatform({ asks: 'qop' });
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'pw'), 'secret\n', { mode: 0o600 });
  const [sip = 0, port = 0, rtspPort = 0, store = 0] = await Promise.all(Array.from({ length: 4 }, freePort));
  const did = stream<string>();
  const camera = await startCamera({ port, rtspPort, did: did.push });
  onTestFinished(() => camera.close());
  const posted = stream<Buffer>();
  const server = createServer(async (request, response) => {
    posted.push(Buffer.concat(await request.toArray()));
    response.end();
  }).listen(store, '127.0.0.1');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${store}/snap`;
  const config = {
    campus: { id: '4503000001', name: '一中' },
    dataDir: join(directory, 'data'),
    uplinks: [
      {
        ...{ id: 'gb', protocol: 'gb28181', server: `127.0.0.1:${platform.port}`, port: sip },
        ...{ serverId: PLATFORM, deviceId: DEVICE, passwordFile: 'pw', video: true, snapshotUrls: [url] },
        commands: [{ actions: ['snapshot', 'reboot'], targets: ['*'] }],
      },
    ],
    devices: [{ id: 'yard', driver: 'onvif', host: '127.0.0.1', port }],
  };
  const daemon = await gateway(config, directory);
  const { order, resultOf, camerasOf } = desk(platform, sip);
  const { yard } = await camerasOf('yard');
  const session = 'a'.repeat(32);
  const snap = (to: string) =>
    `<SnapShotConfig><SnapNum>2</SnapNum><Interval>1</Interval><UploadURL>${to}</UploadURL><SessionID>${session}</SessionID></SnapShotConfig>`;
  expect(await resultOf(await order(yard, snap(`${url}/in`)))).toBe('OK');
  for (const bytes of [await posted.next(), await posted.next()])
    expect(bytes.subarray(0, 2).toString('hex')).toBe('ffd8');
  const { body } = await platform.heard.find((one) => one.body.includes('UploadSnapShotFinished'));
  expect(body.match(/<SnapShotFileID>\d{41}</g)).toHaveLength(2);
  expect(await resultOf(await order(yard, snap(`http://127.0.0.1:${store}/elsewhere`)))).toBe('ERROR');
  expect(await resultOf(await order(DEVICE, '<TeleBoot>Boot</TeleBoot>'))).toBe('ERROR');
  expect(await resultOf(await order(yard, '<TeleBoot>Boot</TeleBoot>'))).toBe('OK');
  expect(await did.find((what) => what === 'reboot')).toBe('reboot');
  expect(posted.rest()).toEqual([]);
  expect(await daemon.stop()).toBe(0);
});
