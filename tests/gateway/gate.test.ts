/** Access with a real journal behind it: lists, doors, lockdown, two persons, visitors, over restarts too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { configSchema } from '../../config/schema.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { createAccess } from '../../gateway/access/index.ts';
import { openJournal } from '../../gateway/journal/index.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { createRecorder } from '../../gateway/road/recorder.ts';
import { createVisitors } from '../../gateway/visitors/index.ts';
import { silentLog, stream, temporaryDirectory } from '../helpers.ts';

const {
  access: config,
  calendar,
  timezone,
} = configSchema.parse({
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
});

const noClockSteps = () => () => {};

async function gate(directory = temporaryDirectory()) {
  const journal = await openJournal(directory);
  let now = Date.parse('2026-11-24T07:40:00+08:00');
  const clock = { now: () => now, synchronised: () => true, onStep: noClockSteps, close() {} };
  const metrics = createMetrics();
  const recorder = await createRecorder({
    campusId: '45001',
    deviceNames: new Map(),
    journal,
    clock,
    metrics,
    log: silentLog,
  });
  const events = stream<Event>();
  recorder.onStored((event) => events.push(event));
  const opened = stream<string>();
  const visitors = createVisitors({
    record: recorder.record,
    states: recorder.states,
    clock,
    log: silentLog,
  });
  const access = createAccess({
    config,
    calendar,
    timezone,
    record: visitors.take,
    states: recorder.states,
    reload: recorder.reload,
    forget: async () => {},
    journal,
    commands: {
      async performForCard({ target, action, arguments: wanted }) {
        opened.push([target, action, ...Object.values(wanted)].join(' '));
        return { done: true };
      },
    },
    indicate: (reader, granted) => opened.push(`${reader} indicate ${granted}`),
    clock,
    log: silentLog,
    metrics,
  });
  await access.start();
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    access.close();
    visitors.close();
    recorder.close();
    await journal.close();
  };
  onTestFinished(close);
  const show = async (device: string, number: string, more: Partial<Observation> = {}) => {
    await access.take({
      device,
      kind: 'credential',
      state: 'raised',
      credential: { format: 'wiegand26', facility: 1, number },
      ...more,
    });
    const { type, data } = await events.find((one) => one.type.startsWith('cn.campus.access.'));
    return { type: type.slice(17), ...(data['access'] as object) };
  };
  const command = (action: string, wanted: object = {}) =>
    (access.execute({ id: 'c', target: 'gateway', action, arguments: { ...wanted } }) ??
      visitors.execute({ id: 'c', target: 'gateway', action, arguments: { ...wanted } })) as Promise<{
      done: boolean;
      reason?: string;
      result?: object;
    }>;
  const contact = (open: boolean, zone = 1) =>
    access.take({
      device: 'io',
      kind: zone === 1 ? 'contact' : 'exit-request',
      zone: { number: zone },
      state: open ? 'raised' : 'restored',
    });
  const pass = (ms: number) => {
    now += ms;
  };
  return {
    journal,
    access,
    visitors,
    events,
    opened,
    show,
    command,
    contact,
    pass,
    close,
    directory,
    recorder,
  };
}
const rows = [
  { number: '1', facility: 1, holder: 't-1', groups: ['teachers'] },
  { number: '2', facility: 1, holder: 't-2', groups: ['teachers'] },
  { number: '3', facility: 1, holder: 'guard', groups: ['guards'] },
  { number: '4', facility: 1, holder: 'g-1', groups: ['guardians'], children: ['c-1', 'c-2'] },
];

describe('cards that a platform sends', () => {
  it('count at once, come in steps, and are there after a restart', async () => {
    const first = await gate();
    expect(await first.show('r0', '1')).toMatchObject({ type: 'unknown' });
    expect(await first.command('credentials', { version: 1, put: rows.slice(0, 2) })).toEqual({
      done: true,
      result: { version: 1, credentials: 2 },
    });
    expect(await first.show('r0', '1')).toMatchObject({ type: 'granted', holder: 't-1' });
    const step = { base: 1, version: 2, put: rows.slice(2), remove: [{ number: '1', facility: 1 }] };
    expect(await first.command('credentials', step)).toMatchObject({
      result: { version: 2, credentials: 3 },
    });
    expect(await first.show('r0', '1')).toMatchObject({ type: 'unknown' });
    await first.close();
    const second = await gate(first.directory);
    expect(second.access.credentials()).toEqual({ version: 2, count: 3 });
    expect(await second.show('r3', '4')).toMatchObject({ type: 'pickup', children: ['c-1', 'c-2'] });
    // The same step again, as after an answer that was lost: it says what is there.
    expect(await second.command('credentials', step)).toMatchObject({
      done: false,
      reason: 'the gateway has version 2',
      result: { version: 2 },
    });
    // From the beginning.
    expect(await second.command('credentials', { version: 9, put: rows.slice(0, 1) })).toMatchObject({
      result: { version: 9, credentials: 1 },
    });
    expect(await second.show('r0', '2')).toMatchObject({ type: 'unknown' });
  });

  it.each([
    [
      'a group that is not there',
      { version: 1, put: [{ number: '1', holder: 'x', groups: ['pupils'] }] },
      /no group pupils/,
    ],
    [
      'a day that is none',
      { version: 1, put: [{ number: '1', holder: 'x', validUntil: 'never' }] },
      /validUntil/,
    ],
    ['no version', { put: [] }, /version/],
    ['more than it can say', { version: 1, put: [{ number: '1', holder: 'x', name: 'Li' }] }, /name/],
  ])('with %s change nothing', async (_name, wanted, reason) => {
    const { command, access } = await gate();
    await command('credentials', { version: 1, put: rows });
    expect(await command('credentials', { base: 1, ...wanted })).toMatchObject({
      done: false,
      reason: expect.stringMatching(reason),
    });
    expect(access.credentials()).toEqual({ version: 1, count: 4 });
  });
});

describe('a gate', () => {
  const ready = async () => {
    const one = await gate();
    await one.command('credentials', { version: 1, put: rows });
    return one;
  };

  it('opens and shows green, or shows red', async () => {
    const { show, opened } = await ready();
    await show('r0', '1');
    expect([await opened.next(), await opened.next()]).toEqual(['io unlock gate', 'r0 indicate true']);
    await show('r0', '99');
    expect(await opened.next()).toBe('r0 indicate false');
    // At another reader of the same door.
    await show('face', '1');
    expect([await opened.next(), await opened.next()]).toEqual(['io unlock gate', 'face indicate true']);
  });

  it('takes the word of a terminal that decided itself', async () => {
    const { show, opened } = await ready();
    const decided = { access: { door: 'face', decision: 'granted' as const, holder: 'p-7' } };
    expect(await show('face', '77', decided)).toMatchObject({ type: 'granted', holder: 'p-7' });
    expect(opened.rest()).toEqual([]);
  });

  it('lets two persons in where two are needed, and never one twice', async () => {
    const { show, pass } = await ready();
    const waits = { type: 'denied', reason: 'second-person' };
    expect(await show('r2', '1')).toMatchObject(waits);
    expect(await show('r2', '1')).toMatchObject(waits);
    expect(await show('r2', '2')).toMatchObject({ type: 'granted', holder: 't-2' });
    expect(await show('r2', '1')).toMatchObject(waits);
    pass(21_000);
    expect(await show('r2', '2')).toMatchObject(waits);
  });

  it('knows when it is forced or held, and who asked to go out', async () => {
    const { show, contact, events, opened, access } = await ready();
    const next = async () => (await events.find((one) => one.type.includes('.access.'))).type.slice(17);
    await contact(true);
    expect([await next(), await next()].sort()).toEqual(['forced', 'opened']);
    expect(access.doors()[0]).toEqual({ id: 'in', state: 'forced' });
    await contact(false);
    expect([await next(), await next()].sort()).toEqual(['closed', 'restored']);
    await show('r0', '1');
    await contact(true);
    expect(await next()).toBe('opened');
    expect(await next()).toBe('held');
    await contact(false);
    expect([await next(), await next()].sort()).toEqual(['closed', 'restored']);
    opened.rest();
    await contact(true, 2);
    expect(await opened.next()).toBe('io unlock gate');
    expect(await next()).toBe('exit-requested');
    // Told to open by somebody else.
    access.moved({ target: 'io', action: 'unlock', arguments: { output: 'gate' } });
    await contact(true);
    expect(await next()).toBe('opened');
    expect(access.doors()[0]).toEqual({ id: 'in', state: 'open' });
  });

  it('is locked down for all but some, over a restart too, until that ends', async () => {
    const one = await ready();
    one.access.moved({ target: 'io', action: 'hold', arguments: { output: 'gate' } });
    expect(await one.command('lockdown')).toEqual({ done: true });
    expect(await one.opened.next()).toBe('io lock gate');
    expect(await one.show('r0', '1')).toMatchObject({ type: 'lockdown-started' });
    await one.close();
    const two = await gate(one.directory);
    expect(await two.show('r0', '1')).toMatchObject({ type: 'denied', reason: 'lockdown' });
    expect(await two.show('r0', '3')).toMatchObject({ type: 'granted' });
    await two.command('end-lockdown');
    await two.events.find(({ type }) => type.endsWith('lockdown-ended'));
    expect(await two.show('r0', '1')).toMatchObject({ type: 'granted' });
  });

  it('knows who is inside, over a restart too', async () => {
    const one = await ready();
    await one.show('r0', '1');
    await one.show('r0', '2');
    await one.show('r1', '2');
    expect(one.access.inside().map(({ holder }) => holder)).toEqual(['t-1']);
    await one.close();
    const two = await gate(one.directory);
    expect(two.access.inside().map(({ holder }) => holder)).toEqual(['t-1']);
  });
});

describe('erasing', () => {
  it('takes a person out of the journal, and leaves what happened', async () => {
    const { journal, show, command, visitors, directory, close } = await gate();
    const cards = [...rows, { number: '5', facility: 1, holder: 'ZHAO-5', groups: ['teachers'] }];
    await command('credentials', { version: 1, put: cards });
    await show('r0', '5');
    await show('r0', '1');
    await show('r3', '4');
    await command('expect-visitor', {
      visit: 'v-1',
      name: '王芳-名',
      until: '2027-01-01T00:00:00Z',
    });
    expect(await command('erase', {})).toMatchObject({ done: false });
    expect(await command('erase', { holder: 'x', visit: 'y' })).toMatchObject({ done: false });
    expect(await command('erase', { holder: 'ZHAO-5' })).toEqual({ done: true, result: { events: 1 } });
    expect(await command('erase', { holder: 'c-2' })).toEqual({ done: true, result: { events: 1 } });
    expect(await command('erase', { visit: 'v-1' })).toEqual({ done: true, result: { events: 1 } });
    expect(visitors.list()).toEqual([{ id: 'v-1', stage: 'expected', until: '2027-01-01T00:00:00Z' }]);
    const events = (await journal.read('normal', 0, 100)).map(({ body }) => JSON.parse(body) as Event);
    expect(
      events.map(({ type, data: { credential, access } }) => [type.slice(10), credential, access]),
    ).toEqual([
      [
        'access.granted',
        { format: 'wiegand26', erased: true },
        { door: 'in', decision: 'granted', direction: 'in' },
      ],
      [
        'access.granted',
        { format: 'wiegand26', facility: 1, number: '1' },
        expect.objectContaining({ holder: 't-1' }),
      ],
      ['access.pickup', expect.anything(), expect.objectContaining({ holder: 'g-1', children: ['c-1'] })],
      ['visitor.expected', undefined, undefined],
    ]);
    await close();
    // Not in any page of the file, used or free, nor in its WAL. The list of cards still has its card.
    for (const name of readdirSync(directory)) {
      const bytes = readFileSync(join(directory, name));
      expect([name, bytes.includes('王芳-名'), bytes.toString('latin1').split('ZHAO-5').length]).toEqual([
        name,
        false,
        name === 'journal.sqlite' ? 2 : 1,
      ]);
    }
  });
});

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
      visitors.take({ device, kind: 'visit', state: 'raised', visit: { id: 'v-2', stage, name: '赵' } });
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
    const steps: (() => void)[] = [];
    const two = await gate(one.directory);
    const later = createVisitors({
      record: two.recorder.record,
      states: two.recorder.states,
      clock: { now: () => Date.parse(until) + 1, onStep: (listener) => void steps.push(() => listener(0)) },
      log: silentLog,
    });
    onTestFinished(() => later.close());
    steps[0]?.();
    const stages = [await two.events.next(), await two.events.next()].map(({ data }) => {
      const { id, stage } = data['visit'] as { id: string; stage: string };
      return `${id} ${stage}`;
    });
    expect(stages.sort()).toEqual(['v-1 overdue', 'v-2 missed']);
    expect(later.list().map(({ id }) => id)).toEqual(['v-1']);
  });
});
