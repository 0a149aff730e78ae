import { expect, it, onTestFinished } from 'vitest';
import { createMoves, type Velocity, velocityXml } from '../../drivers/onvif/ptz.ts';
import { manualClock } from '../clocks.ts';

const to = (pan: number): Velocity => ({ pan, tilt: 0, zoom: 0 });

/** A camera that answers each question after `slowMs`, or as `answers` say. */
function met(slowMs: number, ...answers: readonly (() => Promise<void> | void)[]) {
  const clock = manualClock();
  const told: [at: number, pan: number | 'stop'][] = [];
  const stuck: (string | undefined)[] = [];
  const moves = createMoves(
    async (_device, wish) => {
      told.push([clock.elapsed() / 1000, wish?.velocity.pan ?? 'stop']);
      await answers[told.length - 1]?.();
      if (slowMs > 0) await clock.wait(slowMs);
    },
    (_device, why) => stuck.push(why),
    clock,
  );
  onTestFinished(() => void moves.rest());
  return { clock, told, stuck, moves };
}
const lost = () => {
  throw new Error('Stop: no answer within 8 s');
};

it('a camera is told to stop after its time, and until it says that it does', async () => {
  const { clock, told, stuck, moves } = met(0, () => {}, lost, lost);
  await moves.move('cam', to(1), 10_000);
  await clock.advance(600_000);
  expect(told).toEqual([
    [0, 1],
    [10, 'stop'],
    [11, 'stop'],
    [13, 'stop'],
  ]);
  expect(stuck).toEqual(['Stop: no answer within 8 s', undefined]);
  expect(clock.pending).toBe(0);
});

it('of a joystick a slow camera is told the first wish and the last; what comes after the stop is nothing', async () => {
  const { clock, told, moves } = met(1000);
  const all = [moves.move('cam', to(0.1), 10_000)];
  await clock.advance(500);
  for (const pan of [0.2, 0.3, 0.4]) all.push(moves.move('cam', to(pan), 10_000));
  all.push(moves.halt('cam'));
  await clock.until(Promise.all(all));
  expect(told.map(([, what]) => what)).toEqual([0.1, 'stop']);
  const more = [moves.move('cam', to(0.5), 10_000)];
  await clock.advance(500);
  for (const pan of [0.6, 0.7]) more.push(moves.move('cam', to(pan), 10_000));
  more.push(moves.halt('cam'), moves.move('cam', to(0.8), 10_000));
  await clock.until(Promise.all(more));
  expect(told.slice(2).map(([, what]) => what)).toEqual([0.5, 0.8, 'stop', 0.8]);
});

it('one that keeps turning is not stopped by the time of a move before', async () => {
  const { clock, told, moves } = met(0);
  for (let i = 0; i < 5; i++) {
    await moves.move('cam', to(1), 10_000);
    await clock.advance(5000);
  }
  expect(told.map(([, what]) => what)).toEqual([1, 1, 1, 1, 1]);
  await clock.advance(6000);
  expect(told.at(-1)).toEqual([30, 'stop']);
});

it('says nothing of what stands still: some cameras can only zoom', () => {
  expect(velocityXml({ pan: 0, tilt: 0, zoom: -0.5 })).toBe(
    '<Velocity><Zoom x="-0.5" xmlns="http://www.onvif.org/ver10/schema"/></Velocity>',
  );
});
