/**
 * A whole gateway's side of GB/T 28181 at a real port, and a peer at the platform's address that mixes what is right with what is
 * not: torn and merged, of wrong lengths, with lines of LF alone, of dialogs that are open, over, or never were. After each of its
 * lives an alarm goes, a question is answered, and nothing is left that grows.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { noMedia } from '../../drivers/contract/media.ts';
import type { Answer, PlatformHost } from '../../drivers/contract/transport.ts';
import { gb28181 } from '../../drivers/platforms/gb28181/transport.ts';
import { type ManualClock, manualClock } from '../clocks.ts';
import { runs } from '../fuzz.ts';
import { freePort, silentLog, stream } from '../helpers.ts';
import { startPlatform } from './gb28181-peer.ts';

const [PLATFORM, DEVICE] = ['34020000002000000001', '45030000001180000007'];
const CAMERA = '45030000001320000001';

async function world() {
  const clock = manualClock();
  const platform = await startPlatform({ asks: 'nothing' });
  const port = await freePort();
  const discarded = new Map<string, number>();
  const numbers = new Map<string, string[]>();
  const host = {
    ...{
      clock,
      timeZone: 'Asia/Shanghai',
      log: silentLog,
      media: noMedia,
      campus: '4503000001',
      campusData: () => ({ id: '45', name: '一中' }),
    },
    ...{ uplink: 'gb', version: '1', devices: ['yard'], signal: new AbortController().signal },
    discarded: (reason: string) => void discarded.set(reason, (discarded.get(reason) ?? 0) + 1),
    inventory: () => [
      { kind: 'camera', id: 'yard', device: 'yard', name: '操场', online: true },
      { kind: 'alarm-input', id: 'panel/3', device: 'panel', name: '三', online: true },
    ],
    onInventory: () => () => {},
    ask: async () => ({ done: true }),
    untaken: async () => [],
    async numbers(series: string, names: readonly string[]) {
      const known = numbers.get(series) ?? [];
      numbers.set(series, known);
      for (const name of names) if (!known.includes(name)) known.push(name);
      return names.map((name) => known.indexOf(name) + 1);
    },
  } as unknown as PlatformHost;
  const options = gb28181.options.parse({
    ...{ server: `127.0.0.1:${platform.port}`, serverId: PLATFORM, deviceId: DEVICE, port, video: true },
  });
  const channel = await gb28181.open({ ...options, password: 'secret' }, host);
  onTestFinished(() => channel.close(0, false));
  const udp = createSocket('udp4');
  onTestFinished(() => void udp.close());
  const said = stream<string>();
  udp.on('message', (bytes) => said.push(bytes.toString('latin1')));
  return { clock, platform, port, discarded, channel, udp, said };
}

/** Few enough that they meet each other again. */
const few = (word: string) => fc.nat(3).map((n) => `${word}${n}`);
const BODIES = [
  '',
  `<Query><CmdType>Catalog</CmdType><SN>1</SN><DeviceID>${DEVICE}</DeviceID></Query>`,
  `<Query><CmdType>DeviceInfo</CmdType><SN>2</SN><DeviceID>${CAMERA}</DeviceID></Query>`,
  `<Query><CmdType>RecordInfo</CmdType><SN>3</SN><DeviceID>${CAMERA}</DeviceID><StartTime>2026-01-01T00:00:00</StartTime><EndTime>2026-01-02T00:00:00</EndTime></Query>`,
  `<Control><CmdType>DeviceControl</CmdType><SN>4</SN><DeviceID>${CAMERA}</DeviceID><PTZCmd>A50F010800FF00BC</PTZCmd></Control>`,
  `<Control><CmdType>DeviceControl</CmdType><SN>5</SN><DeviceID>${DEVICE}</DeviceID><AlarmCmd>ResetAlarm</AlarmCmd></Control>`,
  `<Control><CmdType>DeviceControl</CmdType><SN>6</SN><DeviceID>${DEVICE}</DeviceID></Control>`,
  // Depth and number without end, names that are an object's own, entities of entities.
  `<Query>${'<a>'.repeat(500)}`,
  `<Query>${'<__proto__>1</__proto__>'.repeat(300)}</Query>`,
  `<!DOCTYPE q [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Query><CmdType>&b;</CmdType><SN>1</SN><DeviceID>${DEVICE}</DeviceID></Query>`,
  `v=0\r\no=${PLATFORM} 0 0 IN IP4 127.0.0.1\r\ns=Play\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\na=recvonly\r\na=rtpmap:96 PS/90000\r\ny=0100000001\r\n`,
  `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=Playback\r\nc=IN IP4 127.0.0.1\r\nt=1 2\r\nm=video 9 TCP/RTP/AVP 96\r\na=setup:active\r\n`,
  'PAUSE RTSP/1.0\r\nCSeq: 1\r\nPauseTime: now\r\n\r\n',
];
const request = fc
  .record({
    method: fc.constantFrom(
      ...['MESSAGE', 'INVITE', 'ACK', 'BYE', 'CANCEL', 'SUBSCRIBE', 'INFO', 'OPTIONS', 'NOTIFY', 'REGISTER'],
    ),
    user: fc.constantFrom(DEVICE, CAMERA, '45030000001320009999', 'x'),
    from: fc.constantFrom(PLATFORM, PLATFORM, PLATFORM, 'somebody'),
    branch: fc.oneof(
      few('z9hG4bKf'),
      fc.nat().map((n) => `z9hG4bKnew${n}`),
      fc.constant('old'),
    ),
    call: few('call'),
    tag: few('tag'),
    to: fc.constantFrom('', ';tag=nobody', ';tag=HEARD'),
    number: fc.nat(4),
    body: fc.constantFrom(...BODIES),
    expires: fc.constantFrom('', 'Expires: 0', 'Expires: 30', 'Expires: 99999999999'),
    event: fc.constantFrom('Catalog', 'Alarm', 'presence', 'x'),
  })
  .map(({ method, user, from, branch, call, tag, to, number, body, expires, event }) =>
    [
      `${method} sip:${user}@4503000000 SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=${branch}`,
      `From: <sip:${from}@3402000000>;tag=${tag}`,
      `To: <sip:${DEVICE}@4503000000>${to}`,
      `Call-ID: ${call}`,
      `CSeq: ${number} ${method}`,
      `Contact: <sip:${PLATFORM}@127.0.0.1:9>`,
      `Event: ${event}`,
      ...(expires === '' ? [] : [expires]),
      `Subject: ${CAMERA}:0100000001,${PLATFORM}:0`,
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  );
const response = fc
  .tuple(
    fc.constantFrom(100, 200, 401, 407, 423, 302, 500, 603),
    few('z9hG4bKf'),
    fc.constantFrom('MESSAGE', 'REGISTER', 'NOTIFY', 'BYE'),
  )
  .map(
    ([status, branch, method]) =>
      `SIP/2.0 ${status} Word\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=${branch}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: call1\r\nCSeq: 1 ${method}\r\nContent-Length: 0\r\n\r\n`,
  );
/** What may be wrong with one. */
const spoilt = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: request }, response),
    fc.nat(12),
    fc.nat(2000),
    fc.string({ maxLength: 12 }),
  )
  .map(([text, how, at, word]) => {
    switch (how) {
      case 0:
        return text.replaceAll('\r\n', '\n');
      case 1:
        return text.replace(/Content-Length: \d+/, `Content-Length: ${word === '' ? 99999 : at}`);
      case 2:
        return text.replace('Via:', `X-Long: ${'x'.repeat(at * 10)}\r\nVia:`);
      case 3:
        return text.slice(0, at);
      case 4:
        return text.slice(0, at) + word + text.slice(at);
      case 5:
        return text.replace('Call-ID', `${`${word.replaceAll(':', '')}: 1\r\n`.repeat(at % 200)}Call-ID`);
      case 6:
        return text.replace('CSeq:', 'CSeq: 99999999999999 X\r\nCSeq:');
      default:
        return text;
    }
  });
type Step =
  | { readonly is: 'datagram' | 'bytes'; readonly text: string }
  | { readonly is: 'time'; readonly ms: number }
  | { readonly is: 'hang-up' };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: spoilt.map((text): Step => ({ is: 'datagram', text })) },
  { weight: 4, arbitrary: spoilt.map((text): Step => ({ is: 'bytes', text })) },
  { weight: 2, arbitrary: fc.nat(8000).map((ms): Step => ({ is: 'time', ms })) },
  { weight: 1, arbitrary: fc.constant<Step>({ is: 'hang-up' }) },
);

/** Bytes over connections, torn where it happens to be. */
function teller(port: number) {
  let socket: Socket | undefined;
  const open = async () => {
    if (socket !== undefined && !socket.destroyed && socket.writable) return socket;
    const made = connect(port, '127.0.0.1');
    socket = made;
    made.on('error', () => {});
    made.resume();
    await once(made, 'connect');
    return made;
  };
  return {
    async say(text: string) {
      const to = await open();
      const half = text.length >> 1;
      to.write(text.slice(0, half));
      if (half % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      to.write(text.slice(half));
    },
    hangUp: () => void socket?.destroy(),
  };
}

/** Waits for something of the real world, while time goes on. */
async function whileTimeGoes<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let isOver = false;
  const over = promise.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await over;
}

it('whatever a peer at the address of the platform sends, alarms go, questions are answered, and nothing grows', async () => {
  const { clock, platform, port, discarded, channel, udp, said } = await world();
  let isEnded = false;
  void channel.ended.then(() => {
    isEnded = true;
  });
  let lives = 0;
  const answerOf = async (): Promise<string> => {
    const branch = `z9hG4bK-life-${++lives}`;
    const lines = [
      ...[`OPTIONS sip:${DEVICE}@4503000000 SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=${branch}`],
      ...[`From: <sip:${PLATFORM}@3402000000>;tag=o`, `To: <sip:${DEVICE}@4503000000>`, `Call-ID: ${branch}`],
      ...['CSeq: 1 OPTIONS', 'Content-Length: 0', '', ''],
    ];
    udp.send(lines.join('\r\n'), port, '127.0.0.1');
    const text = await whileTimeGoes(
      clock,
      said.find((one) => one.includes(branch)),
    );
    return text.split('\r\n')[0] ?? '';
  };
  const alarm = () => {
    const data = { kind: 'panic', state: 'raised', device: { id: 'panel' }, zone: { number: 3 } };
    const event = { id: `e${lives}`, type: 'cn.campus.alarm.raised', time: '2026-11-28T15:30:00Z', data };
    const body = JSON.stringify({ ...event, sequence: String(lives) });
    const one = { address: 'panel', type: 'alarm.raised', device: 'panel', lane: 'urgent' as const, body };
    return whileTimeGoes(clock, new Promise<Answer>((resolve) => channel.send(one, resolve)));
  };
  const { say, hangUp } = teller(port);
  await clock.advance(40_000);
  const quiet = clock.pending;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const tags = said.rest().map((text) => /^To:.*;tag=(\w+)/im.exec(text)?.[1]);
      for (const one of steps) {
        if (one.is === 'time') await clock.advance(one.ms);
        else if (one.is === 'hang-up') hangUp();
        else {
          const text = one.text.replace('HEARD', tags.at(-1) ?? 'nobody');
          if (one.is === 'bytes') await say(text);
          else udp.send(Buffer.from(text.slice(0, 60_000)), port, '127.0.0.1');
        }
      }
      hangUp();
      await clock.advance(12_000);
      expect(await answerOf()).toBe('SIP/2.0 200 OK');
      expect(await alarm()).toEqual({ is: 'taken' });
      platform.heard.rest();
    }),
    { numRuns: runs(40) },
  );
  // All that was begun is over: subscriptions of 30 s and dialogs, transactions of 32 s, connections of 3 minutes.
  await clock.advance(400_000);
  expect(isEnded).toBe(false);
  expect(clock.pending).toBeLessThanOrEqual(quiet + 4);
  expect(discarded.get('a question that could not be answered')).toBeUndefined();
  expect(discarded.size).toBeGreaterThan(3);
  expect(discarded.size).toBeLessThan(60);
}, 60_000);
