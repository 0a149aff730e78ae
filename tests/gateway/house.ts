import { onTestFinished } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createArming } from '../../gateway/arming/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { testRegistry } from '../registry.ts';

const BLOCK = {
  id: 'block',
  zones: [
    { device: 'io', zone: 1, type: 'delayed' },
    { device: 'io', zone: 2 },
    { device: 'io', zone: 3, type: '24-hour' },
    { device: 'io', zone: 4, type: 'panic' },
  ],
  entryDelay: '500ms',
  exitDelay: '0s',
};

/** Areas on a real journal, under a clock that can be moved. */
export async function house(
  area: object = {},
  directory = temporaryDirectory(),
  at = Date.parse('2026-11-24T04:00:00Z'),
) {
  const { areas, calendar, timezone } = configSchema.parse({
    campus: { id: '4503000001', name: '一中' },
    areas: [{ ...BLOCK, ...area }],
  });
  const journal = await openHere(directory);
  const steps: ((ms: number) => void)[] = [];
  const time = manualClock(at);
  const clock = {
    now: time.wall,
    synchronised: () => true,
    onStep(listener: (ms: number) => void) {
      steps.push(listener);
      return () => {};
    },
  };
  const metrics = createMetrics();
  const log = silentLog;
  const recorder = await createRecorder({
    campusId: '45',
    deviceNames: new Map(),
    journal,
    clock,
    metrics,
    log,
  });
  const events: string[] = [];
  const times: string[] = [];
  recorder.onStored(({ type, subject, time, data }) => {
    events.push(`${type.slice('cn.campus.'.length)} ${subject ?? (data['device'] as { id: string }).id}`);
    times.push(time);
  });
  const isKnown = () => journal.opened !== undefined;
  const { registry, ask } = testRegistry({ block: 'area' });
  const arming = createArming(
    { areas, calendar, timezone },
    { onward: recorder.record, states: recorder.states, isKnown, registry, clock, time, log, metrics },
  );
  await arming.start();
  const close = async () => {
    await arming[Symbol.asyncDispose]();
    recorder.close();
    await journal.close();
  };
  onTestFinished(close);
  const say = (zone: number, state: Observation['state'], kind: Observation['kind'] = 'intrusion') =>
    arming.pass({ device: 'io', kind, state, zone: { number: zone, id: `z${zone}` } });
  return {
    directory,
    arming,
    events,
    times,
    clock,
    close,
    trip: (zone: number, kind?: Observation['kind']) => say(zone, 'raised', kind),
    restore: (zone: number, kind?: Observation['kind']) => say(zone, 'restored', kind),
    time,
    command: (action: string, wanted: object = {}) => ask('block', action, wanted),
    step(ms: number) {
      time.step(ms);
      for (const listener of steps) listener(ms);
    },
    /** Resolves when all that is on its way to the disk is there. */
    async settled() {
      for (let i = 0; i < 3; i++)
        await recorder.record({ device: 'other', kind: 'battery', state: i === 1 ? 'restored' : 'raised' });
      for (let i = 0; i < 3; i++)
        events.splice(
          events.findLastIndex((one) => one.endsWith(' other')),
          1,
        );
    },
  };
}
