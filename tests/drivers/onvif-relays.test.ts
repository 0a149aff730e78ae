import { describe, expect, it, onTestFinished } from 'vitest';
import { createRelays } from '../../drivers/onvif/relays.ts';
import { SoapError } from '../../drivers/onvif/xml.ts';
import { manualClock } from '../clocks.ts';

const siren = { device: 'cam', id: 'siren', token: 'R1' };

/** A camera whose relay does as it is told; `answers`: to each question in turn, then well. */
function met(...answers: readonly ((on: boolean) => Promise<void> | void)[]) {
  const clock = manualClock();
  const told: [at: number, on: boolean][] = [];
  const stuck: (string | undefined)[] = [];
  const relays = createRelays(
    async (_relay, on) => {
      told.push([clock.elapsed() / 1000, on]);
      await answers[told.length - 1]?.(on);
    },
    (_relay, why) => stuck.push(why),
    clock,
  );
  onTestFinished(() => relays.rest());
  return { clock, told, stuck, relays };
}
const well = () => {};
const busy = () => {
  throw new Error('SetRelayOutputState: HTTP 503');
};
const failed = (promise: Promise<void>) =>
  promise.then(
    () => 'done',
    (error: Error) => error.message,
  );

// Of a siren the right value is the config's: "Off after so long, whatever was asked".
describe('a relay that is on', () => {
  it('is told to be off until it says that it is; what takes longer is told', async () => {
    const { clock, told, stuck, relays } = met(well, busy, busy, busy);
    await relays.on(siren, 4000);
    await clock.advance(3_600_000);
    expect(told).toEqual([[0, true], ...[4, 5, 7, 11].map((at) => [at, false])]);
    expect(stuck).toEqual(['SetRelayOutputState: HTTP 503', undefined]);
    expect(clock.pending).toBe(0);
  });

  it('is off a moment later where `deactivate` failed', async () => {
    const { clock, told, relays } = met(well, busy);
    await relays.on(siren, 180_000);
    expect(await failed(relays.off(siren))).toContain('503');
    await clock.advance(3_600_000);
    expect(told).toEqual([
      [0, true],
      [0, false],
      [1, false],
    ]);
  });

  it('and was not said to be is off in time, and again when what was late is done', async () => {
    const { clock, told, relays } = met(async () => {
      await clock.wait(8000);
      throw new Error('no answer within 8 s');
    });
    const on = failed(relays.on(siren, 4000));
    await clock.advance(3_600_000);
    expect(await on).toContain('no answer');
    expect(told.slice(0, 2)).toEqual([
      [0, true],
      [8, false],
    ]);
    expect(told.slice(2)).toEqual([[28, false]]);
  });

  it('is not off before an answer that is late has come', async () => {
    const { clock, told, relays } = met(() => clock.wait(3000).then(() => {}));
    const both = [relays.on(siren, 60_000), relays.off(siren)];
    await clock.advance(10_000);
    await Promise.all(both);
    expect(told).toEqual([
      [0, true],
      [3, false],
    ]);
  });

  it('was refused, and was not on: nothing follows', async () => {
    const { clock, told, relays } = met(() => {
      throw new Error('no', { cause: new SoapError('ter:InvalidArgVal', 'E_SOAP_FAULT') });
    });
    await failed(relays.on(siren, 4000));
    await clock.advance(3_600_000);
    expect(told).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('is off at the end of the gateway, which waits for a moment', async () => {
    const { clock, told, relays } = met(well, () => new Promise(() => {}));
    await relays.on(siren, 180_000);
    await clock.until(relays.rest(), 1000);
    expect(told).toEqual([
      [0, true],
      [0, false],
    ]);
    expect(clock.pending).toBe(0);
  });

  it('is off once it was switched off', async () => {
    const { clock, told, relays } = met();
    await relays.on(siren, 4000);
    await relays.off(siren);
    await relays.rest();
    await clock.advance(3_600_000);
    expect(told).toHaveLength(2);
  });
});
