/** The wall clock is stepped by a day, both ways, under a running gateway. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../helpers.ts';
import { mosquitto, need, until } from '../tools.ts';
import { rig } from './rig.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
const DAY = 86_400_000;

it('a clock that jumps by a day and back costs nothing, and is told', {
  timeout: 120_000,
}, async (context) => {
  need(context, 'mosquitto', 'faketime');
  if (!existsSync(LIBRARY)) return context.skip(`no ${LIBRARY}`);
  const file = join(temporaryDirectory(), 'time');
  const set = (offset: string) => writeFileSync(file, `${offset}\n`);
  set('+0d');
  const broker = await mosquitto();
  const campus = await rig({
    url: `mqtt://127.0.0.1:${broker.port}`,
    env: {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
  });
  campus.start();
  await until('events arrive', () => campus.events.length > 100);
  const steps = () =>
    campus.events
      .filter(({ type }) => type === 'cn.campus.gateway.clock-stepped')
      .map(({ data }) => Math.round((data['details'] as { ms: number }).ms / DAY));
  for (const [offset, seen] of [
    ['+1d', [1]],
    ['+0d', [1, -1]],
    ['-1d', [1, -1, -1]],
    ['+0d', [1, -1, -1, 1]],
  ] as const) {
    set(offset);
    await until(`the step to ${offset} is told`, () => steps().length === seen.length);
    expect(steps()).toEqual(seen);
    const acknowledged = campus.acknowledged.size;
    await until('panels are served', () => campus.acknowledged.size > acknowledged + 100);
  }
  await delay(500);
  expect(await campus.settle('clock stepped by a day, 4 times')).toMatchObject({
    lost: [],
    twice: 0,
    gaps: { open: 0, lost: 0 },
  });
  expect(await campus.daemon().stop()).toBe(0);
});
