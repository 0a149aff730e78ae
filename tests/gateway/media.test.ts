import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Journal } from '../../gateway/journal/index.ts';
import { createMediaStore, PIECE_BYTES } from '../../gateway/media/store.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { freePort, silentLog, temporaryDirectory } from '../helpers.ts';
import { type Published, scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const jpeg = (bytes: number) => ({ contentType: 'image/jpeg', bytes: randomBytes(bytes) });
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

interface More {
  readonly budget?: number;
  readonly keep?: number;
  readonly wanted?: boolean;
  readonly journal?: Pick<Journal, 'append'>;
}

function createStore(directory: string, time: Clock = systemClock, more: More = {}) {
  const media = createMediaStore({
    campusId: '45',
    directory,
    keep: 86_400_000,
    budget: 10_000_000,
    wanted: true,
    journal: nowhere,
    recordMedia: async () => ({ sequence: 1, id: 'x', repeated: false }),
    clock: { now: time.wall, synchronised: () => true },
    time,
    log: silentLog,
    metrics: createMetrics(),
    ...more,
  });
  onTestFinished(async () => await media[Symbol.asyncDispose]());
  return media;
}

function store(journal: Pick<Journal, 'append'>, more: More = {}, time: Clock = systemClock) {
  const directory = join(temporaryDirectory(), 'media');
  return { media: createStore(directory, time, { ...more, journal }), directory };
}
const nowhere = { append: async () => ({ sequence: 1, id: 'x', repeated: false }) };

describe('pictures', () => {
  it('are files named by their hash, once each, and gone when they are to be', async () => {
    const { media, directory } = store(nowhere);
    const picture = jpeg(1000);
    const reference = await media.keep('cam', picture);
    expect(reference).toBe(sha256(picture.bytes));
    expect(await media.keep('cam', picture)).toBe(reference);
    const found = await media.find(reference);
    expect(found).toMatchObject({ contentType: 'image/jpeg' });
    expect(readFileSync(found?.path ?? '')).toEqual(picture.bytes);
    expect(await media.load(reference)).toEqual({ contentType: 'image/jpeg', bytes: picture.bytes });
    expect(readdirSync(directory)).toEqual([reference.slice(0, 2)]);
    await media.remove([reference, sha256(randomBytes(1))]);
    expect(await media.find(reference)).toBeUndefined();
    expect(await media.load(reference)).toBeUndefined();
    expect(await media.find('../../etc/passwd')).toBeUndefined();
    await expect(media.keep('cam', { contentType: 'text/html', bytes: randomBytes(3) })).rejects.toThrow(
      'text/html',
    );
  });

  it('go by age and by room, the oldest first', async () => {
    const { media } = store(nowhere, { budget: 2500, keep: 86_400_000 });
    const references = [];
    for (let i = 0; i < 4; i++) references.push(await media.keep('cam', jpeg(1000)));
    const paths = await Promise.all(references.map(async (one) => (await media.find(one))?.path ?? ''));
    const ago = [90_000, 3, 2, 1];
    for (const [i, path] of paths.entries()) {
      const at = Date.now() / 1000 - (ago[i] ?? 0);
      utimesSync(path, at, at);
    }
    await media.sweep();
    expect(paths.map(existsSync)).toEqual([false, false, true, true]);
  });

  it('go by themselves when their days are over', async () => {
    const time = manualClock(Date.now());
    const { media } = store(nowhere, { keep: 86_400_000 }, time);
    media.start();
    const reference = await media.keep('cam', jpeg(1000));
    await time.advance(86_000_000);
    expect(await media.find(reference)).toBeDefined();
    await time.advance(1_000_000);
    await expect.poll(() => media.find(reference)).toBeUndefined();
  });

  it('and clips are found by their camera and their time, after a restart too, and go with what is beside them', async () => {
    const time = manualClock(1_000_000_000_000);
    const { media, directory } = store(nowhere, { budget: 2500 }, time);
    const keep = async (camera: string, from: number, event?: string) => {
      await time.advance(1000);
      const about = { event, span: { from, to: from + 20_000 } };
      return await media.keep(camera, { contentType: 'video/mp4', bytes: randomBytes(1000) }, about);
    };
    const first = await keep('yard', 5000, 'alarm-1');
    const second = await keep('yard', 90_000);
    await media.keep('yard', jpeg(100), {});
    const clip = (id: string, from: number) => ({ id, camera: 'yard', from, to: from + 20_000, bytes: 1000 });
    const all = [{ ...clip(first, 5000), event: 'alarm-1' }, clip(second, 90_000)];
    expect(await media.clips('yard', 0, 1_000_000)).toEqual(all);
    expect(await media.clips('yard', 25_000, 90_000)).toEqual(all);
    expect(await media.clips('yard', 25_001, 89_999)).toEqual([]);
    expect(await media.clips('gate', 0, 1_000_000)).toEqual([]);
    const again = () => createStore(directory, time).clips('yard', 0, 1_000_000);
    expect(await again()).toEqual(all);

    // The oldest goes for a newer one, and nothing of it stays.
    await keep('gate', 0);
    await media.sweep();
    expect(await media.clips('yard', 0, 1_000_000)).toEqual(all.slice(1));
    expect(await again()).toEqual(all.slice(1));
    await media.remove([second]);
    expect(await media.clips('yard', 0, 1_000_000)).toEqual([]);
    const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => name.includes(first) || name.includes(second))).toEqual([]);
  });

  it('are listed without a clip whose file says nonsense of it', async () => {
    const { media, directory } = store(nowhere);
    const span = { from: 0, to: 1000 };
    const kept = [];
    for (let i = 0; i < 5; i++)
      kept.push(await media.keep('yard', { contentType: 'video/mp4', bytes: randomBytes(10) }, { span }));
    for (const [i, text] of ['', '{', '{"camera":1,"from":0,"to":1000}', 'x'.repeat(5000)].entries())
      writeFileSync(join(directory, kept[i]?.slice(0, 2) ?? '', `${kept[i]}.json`), text);
    expect((await createStore(directory).clips('yard', 0, 1000)).map(({ id }) => id)).toEqual(kept.slice(4));
  });

  it('leave the campus only where somebody may have them', async () => {
    const appended: string[] = [];
    const journal = {
      append: async ({ type }: { type: string }) => {
        appended.push(type);
        return { sequence: 1, id: 'x', repeated: false };
      },
    };
    await store(journal, { wanted: false }).media.keep('cam', jpeg(PIECE_BYTES + 1));
    expect(appended).toEqual([]);
    await store(journal).media.keep('cam', jpeg(PIECE_BYTES + 1));
    await expect.poll(() => appended).toEqual(['media.piece', 'media.piece']);
  });
});

describe('pictures on their way to a platform', () => {
  const dataOf = ({ body }: Published) =>
    body['data'] as { picture: string; part: number; parts: number; content?: string; event?: string };

  it('come whole, in pieces, bound to their alarm, over a connection that breaks; an alarm goes first', async () => {
    const port = await freePort();
    const holder: { media?: ReturnType<typeof store>['media'] } = {};
    const { journal, record } = await campus(port, { pictures: true }, undefined, {
      contentOf: (body) => holder.media?.contentOf(body) ?? Promise.resolve(undefined),
    });
    holder.media = store(journal).media;
    const picture = jpeg(5 * PIECE_BYTES + 17);
    const alarm = '0193f000-0000-7000-8000-000000000001';
    let pieces = 0;
    const broker = await scriptedBroker({
      port,
      answer: ({ topic }) => (topic.includes('/media/') && ++pieces === 3 ? 'close' : 0),
    });
    await holder.media.keep('cam', picture, { event: alarm });
    await record('panic');
    const found = new Map<number, Buffer>();
    const order: string[] = [];
    while (found.size < 6) {
      const event = await broker.events.next();
      if (!event.topic.includes('/media/')) {
        order.push('alarm');
        continue;
      }
      expect(event.topic).toBe('campus/v1/45/media/cam');
      const { picture: reference, part, parts, content = '', event: of } = dataOf(event);
      expect([reference, parts, of]).toEqual([sha256(picture.bytes), 6, alarm]);
      found.set(part, Buffer.from(content, 'base64'));
      order.push('piece');
    }
    const whole = Buffer.concat([...found].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes));
    expect(sha256(whole)).toBe(sha256(picture.bytes));
    expect(broker.connects()).toBe(2);
    // The alarm did not wait for the picture: at most the pieces that were on their way were before it.
    expect(order.indexOf('alarm')).toBeLessThanOrEqual(2);
    expect(pieces).toBeLessThanOrEqual(6 + 2);
  });

  it('that are not there any more leave no gap', async () => {
    const broker = await scriptedBroker({});
    const { journal } = await campus(broker.port, { pictures: true });
    await store(journal).media.keep('cam', jpeg(10));
    const event = await broker.events.next();
    expect(dataOf(event)).toMatchObject({ part: 1, parts: 1 });
    expect(dataOf(event)).not.toHaveProperty('content');
  });

  it('do not go to a platform that may have none', async () => {
    const broker = await scriptedBroker({});
    const { journal, record } = await campus(broker.port);
    await store(journal).media.keep('cam', jpeg(10));
    await expect.poll(() => journal.last('bulk')).toBe(1);
    await record('fault');
    await record('panic');
    const types = [(await broker.events.next()).body['type'], (await broker.events.next()).body['type']];
    expect(types.sort()).toEqual(['cn.campus.alarm.raised', 'cn.campus.device.fault']);
    expect(broker.events.rest()).toEqual([]);
    await expect.poll(() => journal.position('police', 'bulk').sequence).toBe(1);
  });
});
