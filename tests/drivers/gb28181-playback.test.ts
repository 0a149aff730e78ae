/** What is kept, for a platform: listed, played, downloaded, steered (GB/T 28181-2016, 9.7 to 9.9, annex B). */
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import { type Clip, EndOfClip } from '../../drivers/contract/media.ts';
import { readMansrtsp } from '../../drivers/platforms/gb28181/stream/mansrtsp.ts';
import { eventually, freePort } from '../helpers.ts';
import { offer } from './gb28181-caller.ts';
import { campus, GATE, picture, YARD } from './gb28181-campus.ts';
import { startReceiver } from './gb28181-receiver.ts';
import { payloadOf, readPs } from './ps-reader.ts';

/** 2026-11-28T08:00:00 in Beijing. */
const EIGHT = Date.UTC(2026, 10, 28);
const clip = (i: number, from: number, to: number): Clip => ({
  ...{ id: `clip${i}`, camera: 'gate', bytes: 1_000_000 + i },
  ...{ from: EIGHT + from * 1000, to: EIGHT + to * 1000 },
});
/** Seconds after eight, as `t=` has them. */
const times = (from: number, to: number) => [`u=${GATE}:0`, `t=${EIGHT / 1000 + from} ${EIGHT / 1000 + to}`];
const kept = [clip(1, 0, 30), clip(2, 60, 90.5), clip(3, 120, 150)];

const query = (sn: number, device: string, fields: string) =>
  `<?xml version="1.0"?>\r\n<Query>\r\n<CmdType>RecordInfo</CmdType>\r\n<SN>${sn}</SN>\r\n<DeviceID>${device}</DeviceID>\r\n${fields}</Query>\r\n`;

async function asking(clips: readonly Clip[], own: object = {}) {
  const { caller, platform, discarded } = await campus(own, 'UDP', clips);
  const ask = async (device: string, fields: string, sn = 17) => {
    const call = caller.call(device);
    call.say('MESSAGE', ['Content-Type: Application/MANSCDP+xml'], query(sn, device, fields));
    return (await call.answer()).start;
  };
  const page = async () => {
    const one = await platform.heard.find(({ body }) => body.includes('RecordInfo'));
    return { ...one, body: iconv.decode(Buffer.from(one.body, 'latin1'), 'gb18030') };
  };
  return { ask, page, platform, discarded };
}
const all = (name: string, text: string) =>
  [...text.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'g'))].map(([, value]) => value);
const span = (from: string, to: string) =>
  `<StartTime>2026-11-28T${from}</StartTime>\r\n<EndTime>2026-11-28T${to}</EndTime>\r\n`;

describe('what is kept of a camera', () => {
  it('is listed page by page by local time, with the sum of all, none larger than a datagram', async () => {
    const clips = Array.from({ length: 8 }, (_, i) => clip(i, i * 60, i * 60 + 30.2));
    const { ask, page } = await asking(clips);
    expect(await ask(GATE, `${span('08:00:00', '09:00:00')}<Type>all</Type>\r\n`)).toMatch(/200/);
    const pages = [await page(), await page(), await page(), await page()];
    const text = pages.map(({ body }) => body).join('');
    expect(all('SN', text)).toEqual(['17', '17', '17', '17']);
    expect(all('SumNum', text)).toEqual(['8', '8', '8', '8']);
    expect([...text.matchAll(/RecordList Num="(\d+)"/g)].map(([, n]) => n)).toEqual(['2', '2', '2', '2']);
    expect(all('StartTime', text)).toEqual(clips.map((_, i) => `2026-11-28T08:0${i}:00`));
    // Whole seconds, and nothing of it is cut off.
    expect(all('EndTime', text)[0]).toBe('2026-11-28T08:00:31');
    expect(all('FileSize', text)[2]).toBe('1000002');
    for (const { by, text: whole } of pages) {
      expect(by).toBe('UDP');
      expect(whole.length).toBeLessThan(1300);
    }
  });

  it('is what overlaps the times; of another type there is nothing, and that is said', async () => {
    const { ask, page } = await asking(kept);
    await ask(GATE, span('08:01:10', '08:01:20'));
    expect(all('StartTime', (await page()).body)).toEqual(['2026-11-28T08:01:00']);
    await ask(GATE, `${span('08:00:00', '09:00:00')}<Type>manual</Type>`, 18);
    const { body } = await page();
    expect([all('SN', body), all('SumNum', body)]).toEqual([['18'], ['0']]);
    expect(body).toContain('<RecordList Num="0">');
  });

  it.each([
    ['gb18030', '操场𠮷'],
    ['gb2312', '操场?'],
  ])('bears the name of the camera in %s', async (characters, name) => {
    const { ask, page } = await asking(kept, { characters });
    await ask(YARD, span('08:00:00', '09:00:00'));
    expect(all('Name', (await page()).body)).toEqual([name]);
  });

  it('is told to nobody who may not see the camera', async () => {
    const { ask } = await asking(kept);
    expect(await ask('45030000001320000004', span('08:00:00', '09:00:00'))).toMatch(/404/);
  });

  it('stops where the platform does not take a page', async () => {
    const { ask, platform, page, discarded } = await asking(
      Array.from({ length: 8 }, (_, i) => clip(i, i * 60, i * 60 + 30)),
    );
    platform.behaviour.message = 500;
    await ask(GATE, span('08:00:00', '09:00:00'));
    await page();
    expect(await discarded.next()).toBe('a list of records that could not be told');
    expect(platform.heard.rest().filter(({ body }) => body.includes('RecordInfo'))).toEqual([]);
  });
});

async function playing(
  name: 'Playback' | 'Download',
  lines: readonly string[],
  by: 'udp' | 'passive' = 'udp',
  clips: readonly Clip[] = kept,
) {
  const { caller, played, platform, channel } = await campus({}, 'UDP', clips);
  const receiver = await startReceiver(by);
  const call = caller.call(GATE);
  const setup = by === 'passive' ? ({ setup: 'passive' } as const) : {};
  const answer = await call.invite(offer(receiver.port, { name, lines, ...setup }));
  call.ack();
  return { caller, call, answer, played, platform, channel, receiver };
}

describe('playback', () => {
  it('goes from clip to clip on one clock, as it was recorded, from and to where it is wanted; then it says so', async () => {
    const { call, answer, played, receiver, channel } = await playing('Playback', times(10, 70));
    expect(answer.body).toContain(`s=Playback\r\nu=${GATE}:0\r\n`);
    expect(answer.body).toContain(`t=${times(10, 70)[1]?.slice(2)}\r\n`);
    const first = await played.next();
    expect([first.clip.id, first.how]).toEqual(['clip1', { fromMs: 10_000, pace: 'real', audio: true }]);
    expect(channel.state?.().streams).toMatchObject([{ camera: 'gate', kind: 'playback' }]);
    // Its own times: ticks from its begin.
    for (const at of [250, 251, 252]) expect(first.sink(picture(at))).toBe(true);
    first.end(new EndOfClip());
    const second = await played.next();
    expect([second.clip.id, second.how.fromMs]).toEqual(['clip2', 0]);
    // 70 s after eight are 10 s in this one: the picture there is beyond.
    for (const at of [0, 1, 250, 251]) second.sink(picture(at));
    expect(second.orders).toEqual(['close']);
    const told = await call.asked('MESSAGE');
    expect(told.body).toContain('<CmdType>MediaStatus</CmdType>');
    expect(told.body).toContain('<NotifyType>121</NotifyType>');
    expect(told.body).toContain(`<DeviceID>${GATE}</DeviceID>`);
    const packs = readPs(receiver.received.bytes);
    expect(payloadOf(packs, 0xe0).length).toBe(5 * 3000);
    const clocks = packs.map(({ scr }) => scr - (packs[0]?.scr ?? 0));
    expect(clocks).toEqual([0, 3600, 7200, 10_800, 14_400]);
    expect((await call.bye()).start).toMatch(/200/);
    expect(channel.state?.().streams).toEqual([]);
  });

  it('that nobody ends after its last picture is ended by us', async () => {
    const { call, played, channel } = await playing('Playback', times(0, 30));
    const { sink, end } = await played.next();
    sink(picture(0));
    end(new EndOfClip());
    await call.asked('MESSAGE');
    expect(channel.state?.().streams).toHaveLength(1);
    await call.asked('BYE');
    expect(channel.state?.().streams).toEqual([]);
  });

  it('shows nothing twice of two clips that overlap, and nothing of one that is within another', async () => {
    const { call, played } = await playing('Playback', times(0, 150), 'udp', [
      clip(1, 0, 30),
      clip(2, 10, 25),
      clip(3, 20, 50),
    ]);
    (await played.next()).end(new EndOfClip());
    const second = await played.next();
    expect([second.clip.id, second.how.fromMs]).toEqual(['clip3', 10_000]);
    second.end(new EndOfClip());
    await call.asked('MESSAGE');
  });

  it('is steered: paused, on, faster, to another moment, to another clip', async () => {
    const { call, played } = await playing('Playback', times(0, 150));
    const first = await played.next();
    const order = async (lines: string, orders: readonly string[]) => {
      const answer = await call.info(`${lines.replaceAll('\n', '\r\n')}\r\n\r\n`);
      expect(answer.start).toMatch(/200/);
      expect(answer.body).toMatch(/^MANSRTSP\/1.0 200 OK\r\nCSeq: \d/);
      expect(first.orders.splice(0)).toEqual(orders);
    };
    await order('PAUSE MANSRTSP/1.0\nCSeq: 1\nPauseTime: now', ['pause']);
    await order('PLAY MANSRTSP/1.0\nCSeq: 2\nRange: npt=now-', ['resume']);
    await order('PLAY MANSRTSP/1.0\nCSeq: 3\nScale: 4.0', ['scale 4', 'resume']);
    await order('PLAY RTSP/1.0\nCSeq: 4\nRange: npt=20-', ['seek 20000', 'resume']);
    await order('PLAY MANSRTSP/1.0\nCSeq: 5\nRange: npt=125.5-', ['close']);
    const third = await played.next();
    expect([third.clip.id, third.how.fromMs, third.orders]).toEqual(['clip3', 5500, ['scale 4', 'resume']]);
    // What is still on its way of the one that was left is not of this stream.
    expect(first.sink(picture(7))).toBe(true);
    third.end(new Error('the file is gone'));
    await call.asked('BYE');
  });

  it('is over with TEARDOWN; what steers nothing is refused', async () => {
    const { call, played, channel } = await playing('Playback', times(0, 150));
    const first = await played.next();
    expect((await call.info('DANCE MANSRTSP/1.0\r\nCSeq: 1\r\n\r\n')).start).toMatch(/415/);
    expect((await call.info('TEARDOWN MANSRTSP/1.0\r\nCSeq: 2\r\n\r\n')).start).toMatch(/200/);
    await eventually(() => expect(first.orders).toEqual(['close']));
    expect((await call.bye()).start).toMatch(/200/);
    expect(channel.state?.().streams).toEqual([]);
  });

  it.each([
    ['between clips', times(31, 59), /404/],
    ['without times', ['t=0 0'], /488/],
    ['backwards', times(20, 10), /488/],
  ])('of nothing is refused: %s', async (_, lines, status) => {
    const { answer } = await playing('Playback', lines);
    expect(answer.start).toMatch(status);
  });
});

describe('a call that is withdrawn while it is looked for what is kept', () => {
  it('is answered 487, leaves no port behind, and sends nothing', async () => {
    const { promise: clips, resolve: find } = Promise.withResolvers<readonly Clip[]>();
    const port = await freePort();
    const { caller, channel, played } = await campus({ mediaPorts: `${port}-${port}` }, 'UDP', clips);
    const call = caller.call(GATE);
    const sdp = offer(9, { name: 'Playback', lines: times(0, 30) });
    call.say('INVITE', [], sdp, { branch: 'z9hG4bKwithdrawn' });
    await caller.heard.find(({ start }) => start.includes('100 Trying'));
    call.say('CANCEL', [], '', { branch: 'z9hG4bKwithdrawn' });
    const answers = [await call.answer(), await call.answer()];
    expect(answers.map((one) => [one.start.slice(8, 11), one.header('CSeq')])).toEqual([
      ['200', '1 CANCEL'],
      ['487', '1 INVITE'],
    ]);
    find(kept);
    const next = caller.call(GATE);
    await eventually(async () => expect((await next.invite(sdp)).start).toMatch(/200/));
    expect(channel.state?.().streams).toHaveLength(1);
    next.ack();
    expect((await played.next()).clip.id).toBe('clip1');
  });
});

describe('a download', () => {
  it('goes as fast as the receiver takes it, and waits where that is behind', async () => {
    const { call, played, receiver } = await playing('Download', times(0, 30), 'passive');
    const { how, sink, orders, end } = await played.next();
    expect(how.pace).toBe('fast');
    let at = 0;
    while (at < 749 && sink(picture(at, 400_000))) at++;
    // All that it was given is sent, the one that was too much included; then it goes on.
    await eventually(() => expect(orders).toEqual(['resume']));
    sink(picture(at + 1, 1000));
    end(new EndOfClip());
    await call.asked('MESSAGE');
    await eventually(() => {
      const packs = readPs(receiver.received.bytes);
      expect(payloadOf(packs, 0xe0).length).toBe((at + 1) * 400_000 + 1000);
    });
    expect(receiver.received.wrong).toEqual([]);
  });

  it('goes no faster than the platform wants', async () => {
    const { played } = await playing('Download', [...times(0, 30), 'a=downloadspeed:1']);
    const { sink, orders } = await played.next();
    // At once; a second may be ahead.
    for (let at = 0; at <= 25; at++) expect(sink(picture(at, 100))).toBe(true);
    let at = 26;
    // Its clock runs 20 times as fast as this machine's.
    while (at < 749 && sink(picture(at, 100))) at++;
    expect(at).toBeLessThan(749);
    await eventually(() => expect(orders).toEqual(['resume']));
  });
});

describe('MANSRTSP', () => {
  const read = (text: string) => readMansrtsp(Buffer.from(text));

  it('is read as annex B has it, and as platforms write it', () => {
    const nothing = { cseq: '0', scale: undefined, from: undefined };
    expect(read('PLAY RTSP/1.0\r\nCSeq: 2\r\nScale: 0.5\r\nRange: npt=0-\r\n')).toEqual({
      ...{ method: 'PLAY', cseq: '2', scale: 0.5, from: 0 },
    });
    expect(read('play MANSRTSP/1.0\nrange:npt = 12.25 - 20\n')).toEqual({
      ...nothing,
      method: 'PLAY',
      from: 12.25,
    });
    for (const range of ['npt=now-', 'npt=-', 'clock=20261128T000000Z-'])
      expect(read(`PLAY MANSRTSP/1.0\r\nRange: ${range}\r\n`)).toEqual({ ...nothing, method: 'PLAY' });
    expect(read('PAUSE MANSRTSP/1.0\r\nCSeq: x\r\n')).toEqual({ ...nothing, method: 'PAUSE' });
  });

  it.each([
    ['', /neither/],
    ['PLAYX', /neither/],
    ['PLAY MANSRTSP/1.0\nScale: -1', /scale/],
    ['PLAY MANSRTSP/1.0\nScale: 16', /scale/],
    ['PLAY MANSRTSP/1.0\nScale: NaN', /scale/],
    ['PLAY MANSRTSP/1.0\nRange: npt=soon-', /range/],
  ])('that makes no sense has a reason: %j', (text, why) => {
    expect(read(text)).toMatch(why);
  });

  it('whatever comes is an order or a reason', () => {
    const word = fc.constantFrom(
      'PLAY MANSRTSP/1.0',
      'PAUSE ',
      'Scale: ',
      'Range: npt=',
      '\r\n',
      ':',
      'CSeq: 1',
      '1e9',
      '-',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 9 }))), (words) => {
        const order = read(words.join(''));
        if (typeof order === 'string') return;
        expect([undefined, true]).toContain(order.from === undefined ? undefined : order.from >= 0);
        expect(order.scale ?? 1).toBeGreaterThan(0);
      }),
    );
  });
});
