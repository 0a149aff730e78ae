import { describe, expect, it } from 'vitest';
import type { Unit } from '../../drivers/contract/media.ts';
import { createWatchers } from '../../gateway/media/watchers.ts';
import { manualClock } from '../clocks.ts';

const picture = (name: string, dts: number, isKey = false): Unit => ({
  ...{ kind: 'video', codec: 'h264', bytes: Buffer.from(name), dts, pts: dts, isKey },
});
const sound = (name: string, pts: number): Unit => ({
  ...{ kind: 'audio', codec: 'g711a', bytes: Buffer.from(name), pts },
});

function room() {
  const time = manualClock();
  const watchers = createWatchers(time);
  const left: string[] = [];
  const join = (
    name: string,
    { audio = false, takes = () => true }: { audio?: boolean; takes?: (unit: Unit) => boolean } = {},
  ) => {
    const got: Unit[] = [];
    const sink = (unit: Unit) => {
      got.push(unit);
      return takes(unit);
    };
    const watching = watchers.join(sink, { audio }, () => left.push(name));
    return { watching, got, names: () => got.map(({ bytes }) => bytes.toString()) };
  };
  return { time, watchers, join, left };
}

describe('platforms that look at a camera', () => {
  it('begin with the last key picture, whenever they come, with the sound or without', () => {
    const { watchers, join } = room();
    const early = join('early');
    watchers.onUnit(sound('x', 0));
    watchers.onUnit(picture('a', 0));
    expect(early.got).toEqual([]);
    for (const unit of [picture('K', 3600, true), sound('s', 4000), picture('b', 7200)])
      watchers.onUnit(unit);
    const late = join('late', { audio: true });
    expect([early.names(), late.names()]).toEqual([
      ['K', 'b'],
      ['K', 's', 'b'],
    ]);
    watchers.onUnit(picture('L', 10_800, true));
    watchers.onUnit(sound('t', 11_000));
    expect([early.names(), late.names()]).toEqual([
      ['K', 'b', 'L'],
      ['K', 's', 'b', 'L', 't'],
    ]);
  });

  it('and are behind get nothing until the next key picture; others do not wait', () => {
    const { watchers, join } = room();
    watchers.onUnit(picture('K', 0, true));
    const quick = join('quick');
    const slow = join('slow', { audio: true, takes: ({ bytes }) => bytes.toString() !== 'b' });
    for (const unit of [
      picture('b', 1),
      sound('s', 1),
      picture('c', 2),
      picture('L', 3, true),
      picture('d', 4),
    ])
      watchers.onUnit(unit);
    expect(slow.names()).toEqual(['K', 'b', 'L', 'd']);
    expect(quick.names()).toEqual(['K', 'b', 'c', 'L', 'd']);
  });

  it('and are behind already while they begin get no more of the group', () => {
    const { watchers, join } = room();
    for (const unit of [picture('K', 0, true), picture('b', 1), picture('c', 2)]) watchers.onUnit(unit);
    const slow = join('slow', { takes: ({ bytes }) => bytes.toString() === 'L' });
    watchers.onUnit(picture('d', 3));
    watchers.onUnit(picture('L', 4, true));
    expect(slow.names()).toEqual(['K', 'L']);
  });

  it('of a camera without key pictures cost no memory without end', () => {
    const { watchers, join } = room();
    watchers.onUnit(picture('K', 0, true));
    watchers.onUnit({ ...picture('', 1), bytes: Buffer.alloc(12_000_001) });
    expect(join('late').got).toEqual([]);
  });
});

describe('a camera that breaks off, or cannot be shown', () => {
  it('is seen from 0, and goes on in time when it comes back, from a key picture', async () => {
    const { watchers, join, time } = room();
    const one = join('one', { audio: true });
    watchers.onUnit(sound('before', 899_000));
    watchers.onUnit({ ...picture('K', 900_000, true), pts: 907_200 } as Unit);
    watchers.onUnit(sound('s', 901_000));
    expect(one.got).toMatchObject([{ dts: 0, pts: 7200 }, { pts: 1000 }]);
    watchers.onBreak(new Error('gone'));
    await time.advance(2000);
    watchers.onUnit(sound('early', 5));
    watchers.onUnit(picture('x', 500));
    watchers.onUnit(picture('L', 4100, true));
    expect(one.names()).toEqual(['K', 's', 'L']);
    // 2 s later, and what the picture between took.
    expect(one.got.at(-1)).toMatchObject({ dts: 180_000 + 3600 });
  });

  it('is told of to those who have seen nothing yet, or nothing for a while', async () => {
    const { watchers, join, time, left } = room();
    const old = join('old');
    watchers.onUnit(picture('K', 0, true));
    watchers.onBreak(new Error('first'));
    const fresh = join('fresh');
    await time.advance(15_000);
    watchers.onBreak(new Error('second'));
    expect([left, (await fresh.watching.ended).message]).toEqual([['fresh'], 'second']);
    await time.advance(6000);
    watchers.onBreak(new Error('third'));
    expect([left, (await old.watching.ended).message, watchers.size]).toEqual([['fresh', 'old'], 'third', 0]);
  });

  it('is left once, and one who fails harms nobody', async () => {
    const { watchers, join, left } = room();
    const bad = join('bad', {
      takes: () => {
        throw new Error('a fault of its own');
      },
    });
    const good = join('good');
    watchers.onUnit(picture('K', 0, true));
    expect((await bad.watching.ended).message).toBe('a fault of its own');
    good.watching.close();
    good.watching.close();
    watchers.onUnit(picture('L', 1, true));
    expect([left, good.names(), bad.names()]).toEqual([['bad', 'good'], ['K'], ['K']]);
  });

  it('is refused while it is neither H.264 nor H.265', async () => {
    const { watchers, join } = room();
    const before = join('before');
    watchers.refuse(new Error('neither H.264 nor H.265'));
    expect((await before.watching.ended).message).toContain('neither');
    expect((await join('after').watching.ended).message).toContain('neither');
    watchers.refuse(undefined);
    const good = join('good');
    watchers.onUnit(picture('K', 0, true));
    expect(good.names()).toEqual(['K']);
  });
});
