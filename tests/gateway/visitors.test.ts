import { describe, expect, it } from 'vitest';
import { gate } from './gate.ts';

describe('visitors', () => {
  const until = '2026-11-24T09:00:00+08:00';
  const visit = { visit: 'v-1', name: '王芳', host: '李老师', until };

  it('are announced, come, and go, each once', async () => {
    const { command, visitors, events } = await gate();
    const next = async () => (await events.find(({ type }) => type.includes('visitor'))).data['visit'];
    expect(await command('expect-visitor', visit)).toEqual({ done: true });
    expect(await next()).toMatchObject({ id: 'v-1', stage: 'expected', name: '王芳' });
    expect(await command('visitor-arrived', { visit: 'v-1' })).toEqual({ done: true });
    expect(await next()).toEqual({ id: 'v-1', stage: 'arrived', name: '王芳', host: '李老师', until });
    expect(await command('visitor-arrived', { visit: 'v-1' })).toMatchObject({
      done: false,
      reason: 'the visitor came before',
    });
    expect(visitors.list()).toHaveLength(1);
    expect(await command('visitor-left', { visit: 'v-1' })).toEqual({ done: true });
    expect(await next()).toMatchObject({ stage: 'left', name: '王芳' });
    expect(visitors.list()).toEqual([]);
    expect(await command('visitor-left', { visit: 'v-1' })).toMatchObject({
      reason: 'the visitor is not here',
    });
  });

  it('come by a terminal, and leave at another', async () => {
    const { visitors, events, recorder } = await gate();
    const at = (device: string, stage: 'arrived' | 'left') =>
      visitors.pass({ device, kind: 'visit', state: 'raised', visit: { id: 'v-2', stage, name: '赵' } });
    await at('hall', 'arrived');
    expect(await at('hall', 'arrived')).toMatchObject({ repeated: true, sequence: null });
    await at('gate', 'left');
    const stages = [await events.next(), await events.next()].map(({ source, data }) => [
      source,
      (data['visit'] as { stage: string }).stage,
    ]);
    expect(stages).toEqual([
      ['/campus/45001/device/hall', 'arrived'],
      ['/campus/45001/device/gate', 'left'],
    ]);
    // What is over leaves no state behind.
    expect(recorder.states.size).toBe(0);
  });

  it('that stay too long or do not come are told, from before a restart too', async () => {
    const one = await gate();
    await one.command('expect-visitor', visit);
    await one.command('visitor-arrived', { visit: 'v-1' });
    await one.command('expect-visitor', { ...visit, visit: 'v-2' });
    await one.close();
    const two = await gate(one.directory);
    two.stepClock(Date.parse(until) + 1 - two.time.wall());
    const stages = [await two.events.next(), await two.events.next()].map(({ data }) => {
      const { id, stage } = data['visit'] as { id: string; stage: string };
      return `${id} ${stage}`;
    });
    expect(stages.sort()).toEqual(['v-1 overdue', 'v-2 missed']);
    expect(two.visitors.list().map(({ id }) => id)).toEqual(['v-1']);
  });

  it('that come late are told without a step of the clock', async () => {
    const { command, events, time, visitors } = await gate();
    await command('expect-visitor', visit);
    await events.next();
    await time.advance(Date.parse(until) - time.wall() - 1);
    expect(events.rest()).toEqual([]);
    await time.advance(30_000);
    expect((await events.next()).data['visit']).toMatchObject({ id: 'v-1', stage: 'missed' });
    expect(visitors.list()).toEqual([]);
  });
});
