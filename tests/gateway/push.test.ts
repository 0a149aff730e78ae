import { describe, expect, it, onTestFinished } from 'vitest';
import { createPushes } from '../../gateway/media/push.ts';
import { placeOf, targetOf } from '../../gateway/media/target.ts';
import { manualClock } from '../clocks.ts';
import { silentLog } from '../helpers.ts';
import { testRegistry } from '../registry.ts';

function pushes(allowed: readonly string[], max = 2) {
  const { registry, ask } = testRegistry({ yard: 'device', gate: 'device' });
  const time = manualClock();
  const one = createPushes({
    streamUrl: async () => {
      throw new Error('the camera is away');
    },
    cameras: ['yard'],
    allowed,
    max,
    registry,
    time,
    log: silentLog,
  });
  onTestFinished(async () => await one[Symbol.asyncDispose]());
  const tell = (action: string, wanted: object, target = 'yard') => ask(target, action, wanted);
  return { list: one.list, tell, time };
}

describe('a stream for a platform', () => {
  it.each([
    ['rtmp://media.police', 'rtmp://media.police/live/1', true],
    ['rtmp://media.police/live', 'rtmp://media.police/live/1', true],
    ['rtmp://media.police/live/', 'rtmp://media.police/live/1', true],
    ['srt://media.police:9000', 'srt://media.police:9000?streamid=1', true],
    ['rtmp://media.police', 'rtmp://media.police.evil.example/live', false],
    ['rtmp://media.police', 'rtmp://media.police@evil.example/live', false],
    ['rtmp://media.police', 'rtmp://media.police:8080/live', false],
    ['rtmp://media.police', 'rtsp://media.police/live', false],
    ['rtmp://media.police/live', 'rtmp://media.police/lives/1', false],
    ['rtmp://media.police/live', 'rtmp://media.police/live/../other', false],
    ['rtmp://media.police/live', 'file:///etc/passwd', false],
    ['rtmp://media.police/live', 'rtmp://media.police/live/%2e%2e/x', false],
    ['rtmp://media.police/live', '-f rtmp://media.police/live', false],
    ['rtmp://media.police/live', 'rtmp://evil\\@media.police/live/k', false],
    ['rtmp://media.police/live', 'rtmp://u:p@media.police/live/k', false],
    ['rtsp://media.police/live', 'rtsp://u:p@media.police/live/k', false],
    ['srt://media.police:9000', 'srt://media.police:9000?mode=listener', false],
    ['srt://media.police:9000', 'srt://media.police:9000?mode=caller&mode=listener', false],
    ['srt://media.police:9000', 'srt://media.police:9000?streamid=%0Ax', false],
    ['rtmp://media.police/live', `rtmp://media.police/live/${'k'.repeat(1000)}`, false],
  ])('where %s is allowed: %s, %s', async (allowed, url, done) => {
    expect(await pushes([allowed]).tell('push-stream', { url, for: 60 })).toMatchObject({ done });
  });

  it('is refused of what is no camera, with no time, and beyond the most at once', async () => {
    const { tell, list } = pushes(['rtmp://a'], 1);
    expect(await tell('push-stream', { url: 'rtmp://a/1' }, 'gate')).toMatchObject({ done: false });
    expect(await tell('push-stream', { url: 'rtmp://a/1', for: 0 })).toMatchObject({ done: false });
    expect(await tell('push-stream', { url: 'rtmp://a/live/secret' })).toMatchObject({ done: true });
    expect(await tell('push-stream', { url: 'rtmp://a/2' })).toMatchObject({
      reason: expect.stringContaining('1 streams'),
    });
    expect(JSON.stringify(list())).not.toContain('secret');
    expect(await tell('stop-stream', {})).toEqual({ done: true });
    expect(await tell('stop-stream', {})).toMatchObject({ done: false });
    expect(await tell('snapshot', {})).toMatchObject({ done: false });
  });

  it('ends when its time is over, and goes on for longer where it is asked for again', async () => {
    const { tell, list, time } = pushes(['rtmp://a']);
    await tell('push-stream', { url: 'rtmp://a/1', for: 60 });
    await time.advance(50_000);
    const until = new Date(time.wall() + 60_000).toISOString();
    expect(await tell('push-stream', { url: 'rtmp://a/1', for: 60 })).toEqual({
      done: true,
      result: { until },
    });
    await time.advance(59_999);
    expect(list()).toEqual([{ camera: 'yard', url: 'rtmp://a/...', until }]);
    await time.advance(1);
    expect(list()).toEqual([]);
  });
});

describe('the address of a media server', () => {
  // What ffmpeg 5.1 makes of each address itself: rtmp_open in rtmpproto.c, libsrt_open in libsrt.c.
  it.each([
    ['rtmp://a/live/KEY?sign=x', 'rtmp://a/', 'rtmp_app=live\nrtmp_playpath=KEY?sign=x\n'],
    ['rtmp://a:1936/live/room/KEY', 'rtmp://a:1936/', 'rtmp_app=live/room\nrtmp_playpath=KEY\n'],
    ['rtmp://a/live/mp4:KEY/x', 'rtmp://a/', 'rtmp_app=live\nrtmp_playpath=mp4:KEY/x\n'],
    ['rtmps://a/KEY', 'rtmps://a/', 'rtmp_app=KEY\n'],
    ['rtmp://a', 'rtmp://a/', ''],
    [
      'srt://a:9000?pkt_size=1316&streamid=%23!::r=KEY,m=publish&passphrase=S3cret%+x',
      'srt://a:9000?pkt_size=1316',
      'streamid=#!::r=KEY,m=publish\npassphrase=S3cret% x\n',
    ],
    ['srt://a:9000/KEY?mode=caller', 'srt://a:9000?mode=caller', ''],
    ['rtsp://a/live/yard', 'rtsp://a/live/yard', ''],
  ])('%s is %s on a command line; what is secret of it is read', (text, url, options) => {
    expect(targetOf(text)).toMatchObject({ url, options });
    expect(placeOf(text)).not.toMatch(/KEY|S3cret|live/);
  });
});
