import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPictureHead } from '../../gateway/console/picture-head.ts';
import { createPlanStore } from '../../gateway/console/plan.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { jpeg, losslessWebp, png, transparentWebp, webp } from './plan-pictures.ts';

/** A PNG that says that it is so large. */
const sized = (width: number, height: number) => {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
};
const gate = { kind: 'door', id: 'gate', x: 0.25, y: 0.5 } as const;

describe('the head of a picture', () => {
  it.each([
    ['image/png', png],
    ['image/jpeg', jpeg],
    ['image/webp', webp],
    ['image/webp', losslessWebp],
    ['image/webp', transparentWebp],
  ])('of %s tells what it is and how large', (contentType, bytes) => {
    expect(readPictureHead(bytes)).toEqual({ contentType, width: 30, height: 20 });
  });

  it('of a JPEG is found behind fill bytes and a comment that holds a frame', () => {
    const comment = Buffer.from('fffffffe000affc0001108ffff00', 'hex');
    const long = Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]);
    expect(readPictureHead(long)).toEqual({ contentType: 'image/jpeg', width: 30, height: 20 });
  });

  it.each([
    ['a drawing that may hold scripts', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['a page', Buffer.from('<!doctype html><script>alert(1)</script>')],
    ['a GIF', Buffer.from('GIF89a')],
    ['nothing', Buffer.alloc(0)],
    ['no size', sized(0, 20)],
  ])('is not found in what is %s', (_what, bytes) => {
    expect(readPictureHead(bytes)).toBeUndefined();
  });

  it('is not found in a picture that was cut off, wherever', () => {
    for (const whole of [png, jpeg, webp, losslessWebp, transparentWebp])
      for (let length = 0; length < whole.length; length++)
        expect(readPictureHead(whole.subarray(0, length))).toBeUndefined();
  });

  it('never throws', () => {
    const near = fc
      .tuple(
        fc.constantFrom(png, jpeg, webp, losslessWebp, transparentWebp),
        fc.array(fc.tuple(fc.nat(250), fc.nat(255))),
      )
      .map(([bytes, changes]) => {
        const changed = Buffer.from(bytes);
        for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
        return changed;
      });
    fc.assert(
      fc.property(fc.oneof(near, fc.uint8Array().map(Buffer.from)), (bytes) => {
        readPictureHead(bytes);
      }),
    );
  });
});

describe('the plan on disk', () => {
  const open = (directory = temporaryDirectory()) => ({
    directory,
    store: createPlanStore(directory, silentLog),
  });

  it('is empty at first, and is there after a restart, for the gateway alone', async () => {
    const { directory, store } = open();
    expect(await store.load()).toEqual({ version: 0, picture: null, places: [] });
    expect(readdirSync(directory)).toEqual([]);
    const { version, picture } = await store.savePicture(png);
    expect([version, picture?.width, picture?.height]).toEqual([1, 30, 20]);
    await store.savePlaces(1, [gate]);
    const again = open(directory).store;
    const loaded = await again.load();
    expect([loaded.version, loaded.places]).toEqual([2, [gate]]);
    const file = await again.pictureFile(picture?.id ?? '');
    expect(file?.contentType).toBe('image/png');
    expect(readFileSync(file?.path ?? '')).toEqual(png);
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    expect(await again.pictureFile('0'.repeat(64))).toBeUndefined();
    expect(await again.pictureFile('../../etc/passwd')).toBeUndefined();
  });

  it('keeps the places under a new picture, and one picture on disk', async () => {
    const { directory, store } = open();
    await store.savePicture(png);
    await store.savePlaces(1, [gate]);
    writeFileSync(join(directory, `console.plan.${'a'.repeat(64)}.jpg`), 'left by a power cut');
    const { places, picture } = await store.savePicture(jpeg);
    expect([places, picture?.contentType]).toEqual([[gate], 'image/jpeg']);
    expect(readdirSync(directory).sort()).toEqual([`console.plan.${picture?.id}.jpg`, 'console.plan.json']);
    await store.removePicture();
    expect(readdirSync(directory)).toEqual(['console.plan.json']);
    expect((await store.load()).places).toEqual([]);
  });

  it('refuses what is no picture, and one that no browser would show', async () => {
    const { directory, store } = open();
    await expect(store.savePicture(Buffer.from('<svg/>'))).rejects.toThrow('not-a-picture');
    await expect(store.savePicture(sized(12_001, 10))).rejects.toThrow('too-many-pixels');
    await expect(store.savePicture(sized(10_000, 10_000))).rejects.toThrow('too-many-pixels');
    expect(readdirSync(directory)).toEqual([]);
    await expect(store.savePlaces(0, [gate])).rejects.toThrow('no-picture');
  });

  it('loses nothing where two save at once: the second is told', async () => {
    const { store } = open();
    await store.savePicture(png);
    const other = { ...gate, id: 'yard' };
    const both = await Promise.allSettled([store.savePlaces(1, [gate]), store.savePlaces(1, [other])]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((both[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'changed-meanwhile' });
    expect((await store.load()).places).toEqual([gate]);
  });

  it('that cannot be read is set aside and begins anew', async () => {
    const { directory, store } = open();
    writeFileSync(join(directory, 'console.plan.json'), '{"version":1,"places":');
    expect(await store.load()).toEqual({ version: 0, picture: null, places: [] });
    expect(readFileSync(join(directory, 'console.plan.json.unreadable'), 'utf8')).toBe(
      '{"version":1,"places":',
    );
    await store.savePicture(webp);
    expect(existsSync(join(directory, 'console.plan.json'))).toBe(true);
  });

  it('stays as it was where the disk refuses', async () => {
    const { directory, store } = open();
    const first = await store.savePicture(png);
    // A folder in the place of the file that is written first.
    mkdirSync(join(directory, 'console.plan.json.new'));
    await expect(store.savePlaces(1, [gate])).rejects.toThrow('EISDIR');
    expect(await store.load()).toEqual(first);
    expect((await open(directory).store.load()).version).toBe(1);
  });
});
