import { describe, expect, it } from 'vitest';
import { createUnmapped } from '../../gateway/devices/unmapped.ts';

describe('what no rule maps', () => {
  it('is counted by device and what it was, in bounds', () => {
    const unmapped = createUnmapped();
    unmapped.note('cam', 'Media/ProfileChanged');
    unmapped.note('cam', 'Media/ProfileChanged');
    unmapped.note('other', 'x'.repeat(1000));
    expect(unmapped.list()).toEqual({
      cam: { 'Media/ProfileChanged': 2 },
      other: { ['x'.repeat(150)]: 1 },
    });
    for (let i = 0; i < 500; i++) unmapped.note('cam', `topic ${i}`);
    const { cam = {} } = unmapped.list();
    expect(Object.keys(cam)).toHaveLength(101);
    expect(Object.values(cam).reduce((a, b) => a + b)).toBe(502);
  });
});
