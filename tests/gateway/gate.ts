/** A gate with a real journal behind it: access and visitors on a road of their own, over restarts too. */
import { onTestFinished } from 'vitest';
import type { Asked, Result } from '../../config/catalogue/actions.ts';
import type { Event } from '../../config/catalogue/events.ts';
import { configSchema } from '../../config/schema.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createAccess } from '../../gateway/access/index.ts';
import type { Journal } from '../../gateway/journal/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { createVisitors } from '../../gateway/visitors/index.ts';
import { openHere } from '../backing.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, stream, temporaryDirectory } from '../helpers.ts';
import { testRegistry } from '../registry.ts';

const raw = {
  campus: { id: '45001', name: '一中' },
  access: {
    groups: [
      { id: 'teachers', doors: ['in', 'out', 'safe'] },
      { id: 'guards', doors: ['in'], lockdown: true },
      { id: 'guardians', doors: ['pickup'] },
    ],
    doors: [
      {
        id: 'in',
        reader: ['r0', 'face'],
        direction: 'in',
        unlock: [{ target: 'io', output: 'gate' }],
        contact: { device: 'io', zone: 1 },
        exitRequest: { device: 'io', zone: 2 },
        heldAfter: '100ms',
      },
      { id: 'out', reader: 'r1', direction: 'out' },
      { id: 'safe', reader: 'r2', persons: 2 },
      { id: 'pickup', reader: 'r3', pickup: true },
    ],
  },
};

export const cards = [
  { number: '1', facility: 1, holder: 't-1', groups: ['teachers'] },
  { number: '2', facility: 1, holder: 't-2', groups: ['teachers'] },
  { number: '3', facility: 1, holder: 'guard', groups: ['guards'] },
  { number: '4', facility: 1, holder: 'g-1', groups: ['guardians'], children: ['c-1', 'c-2'] },
];

const readers = ['r0', 'r1', 'r2', 'r3', 'face'];
const START = Date.parse('2026-11-24T07:40:00+08:00');

/** `spoil`: what access sees of the journal. `own`: of the config of access. */
export async function gate(
  directory = temporaryDirectory(),
  spoil = (journal: Journal) => journal,
  own: object = {},
) {
  const config = configSchema.parse({ ...raw, access: { ...raw.access, ...own } });
  const journal = await openHere(directory);
  const time = manualClock(START);
  const steps: (() => void)[] = [];
  const clock = {
    now: time.wall,
    synchronised: () => true,
    onStep(listener: (ms: number) => void) {
      steps.push(() => listener(0));
      return () => {};
    },
    close() {},
  };
  const base = { clock, time, metrics: createMetrics(), log: silentLog };
  const recorder = await createRecorder({ campusId: '45001', deviceNames: new Map(), journal, ...base });
  const events = stream<Event>();
  recorder.onStored((event) => events.push(event));
  const { registry, ask } = testRegistry({
    gateway: 'gateway',
    ...Object.fromEntries(['io', ...readers].map((id) => [id, 'device' as const])),
  });
  /** What devices were told. */
  const opened = stream<string>();
  let answer: Result = { done: true };
  const device = async ({ target, action, arguments: wanted }: Asked): Promise<Result> => {
    opened.push(`${target} ${action} ${Object.values(wanted)}`);
    return answer;
  };
  registry.serve({ unlock: device, hold: device, lock: device, indicate: device });
  const stage = { ...base, registry, journal, states: recorder.states };
  const visitors = createVisitors({ ...stage, onward: recorder.record });
  const access = createAccess(config, {
    ...stage,
    journal: spoil(journal),
    onward: visitors.pass,
    reload: recorder.reload,
    forget: async () => {},
    damaged: { list: () => [] },
    commands: {
      performForCard: (task) => registry.perform({ id: 'access', ...task }, { kind: 'card', id: 'access' }),
      askPart: (action, target, wanted) =>
        registry.perform({ id: action, action, target, arguments: wanted }, { kind: 'part', id: 'gateway' }),
      onPerform: registry.onPerform,
    },
    // The reader on the way out has no lamp.
    indicators: new Set(readers.filter((id) => id !== 'r1')),
  });
  visitors.start();
  await access.start();
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await access[Symbol.asyncDispose]();
    await visitors[Symbol.asyncDispose]();
    recorder.close();
    await journal.close();
  };
  onTestFinished(close);
  const show = async (device: string, number: string, more: Partial<Observation> = {}) => {
    await access.pass({
      device,
      kind: 'credential',
      state: 'raised',
      credential: { format: 'wiegand26', facility: 1, number },
      ...more,
    });
    const { type, data } = await events.find((one) => one.type.startsWith('cn.campus.access.'));
    return { type: type.slice(17), ...(data['access'] as object) };
  };
  /** Somebody types a code. */
  const type = async (device: string, code: string) => {
    await access.pass({ device, kind: 'credential', state: 'raised', code });
    const event = await events.find((one) => one.type.startsWith('cn.campus.access.'));
    return { type: event.type.slice(17), data: event.data, ...(event.data['access'] as object) };
  };
  const command = (action: string, wanted: object = {}) => ask('gateway', action, wanted);
  const contact = (open: boolean, zone = 1) =>
    access.pass({
      device: 'io',
      kind: zone === 1 ? 'contact' : 'exit-request',
      zone: { number: zone },
      state: open ? 'raised' : 'restored',
    });
  /** What devices say to all that they are told from now on. */
  const answerWith = (result: Result) => {
    answer = result;
  };
  /** The wall clock jumped. */
  const stepClock = (ms: number) => {
    time.step(ms);
    for (const step of steps) step();
  };
  return {
    ...{ journal, recorder, access, visitors, events, opened, time, directory },
    ...{ show, type, command, ask, contact, answerWith, stepClock, close },
  };
}
