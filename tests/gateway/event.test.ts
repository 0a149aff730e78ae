import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Event, eventTypes, laneOf } from '../../config/catalogue/events.ts';
import { generate } from '../../docs/generate.ts';
import { alarmKinds, type Observation, observationKinds } from '../../drivers/contract/observation.ts';
import { eventTypeOf, gatewayEvent, toEvent } from '../../gateway/road/event.ts';
import { everything, type Privacy, payloadOf } from '../../gateway/uplink/payload.ts';
import { runs } from '../fuzz.ts';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
const files = generate();
const validators = new Map(
  eventTypes.map((type) => [
    `cn.campus.${type}`,
    ajv.compile(JSON.parse(files[`events/${type}.schema.json`] ?? '') as object),
  ]),
);

const context = {
  campusId: '4503000001',
  deviceName: '周界报警主机',
  now: Date.UTC(2026, 10, 24, 8),
  synchronised: true,
};
const place = { sequence: 7, previous: 5, lane: 'urgent', journal: 'j' } as const;
const sent = (event: Event) =>
  JSON.parse(
    payloadOf(
      { type: event.type.replace('cn.campus.', ''), body: JSON.stringify(event) },
      place,
      everything,
    ) ?? '',
  ) as { type: string };

function expectValid(event: object & { type: string }) {
  const validate = validators.get(event.type);
  expect(validate, event.type).toBeDefined();
  validate?.(event);
  expect(validate?.errors ?? []).toEqual([]);
}

describe('an observation as an event', () => {
  it('says that it was over as it happened, and of nothing else', () => {
    const wrongCode = { device: 'panel', kind: 'tamper', state: 'raised', codes: { sia: 'JA' } } as const;
    expect(toEvent({ ...wrongCode, momentary: true }, context).data).toMatchObject({ momentary: true });
    expect(toEvent(wrongCode, context).data).not.toHaveProperty('momentary');
    expect(toEvent({ ...wrongCode, momentary: false }, context).data).not.toHaveProperty('momentary');
  });

  it('is valid by the published schema of its type, whatever a driver says', () => {
    const word = fc.string({ maxLength: 20 });
    const observation = fc.record(
      {
        device: fc.constant('perimeter-panel'),
        kind: fc.constantFrom(...observationKinds),
        state: fc.constantFrom('raised', 'restored'),
        zone: fc.record({ number: fc.nat(9999), id: word, name: word }, { requiredKeys: ['number'] }),
        cause: word,
        at: fc.record({ time: fc.integer({ min: 0, max: 4e12 }), trusted: fc.boolean() }),
        codes: fc.record({ sia: word, contactId: word }, { requiredKeys: [] }),
        text: word,
        momentary: fc.boolean(),
        details: fc.dictionary(
          word,
          fc.oneof(word, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
        ),
        raw: word,
      },
      { requiredKeys: ['device', 'kind', 'state'] },
    ) as fc.Arbitrary<Observation>;
    fc.assert(
      fc.property(observation, (one) => {
        const credential =
          one.kind === 'credential' ? { credential: { format: 'em4100', number: '1', facility: 2 } } : {};
        const visit = one.kind === 'visit' ? { visit: { id: 'v', stage: 'arrived' as const } } : {};
        expectValid(sent(toEvent({ ...one, ...credential, ...visit }, context)));
      }),
      { numRuns: runs(200) },
    );
  });

  it('of the gateway itself is valid too', () => {
    expectValid(sent(gatewayEvent('gateway.started', { version: '1', devices: 3 }, context)));
  });

  it('takes the time of a device whose clock is believed, else the time it was seen, and says which', () => {
    const observation: Observation = { device: 'p', kind: 'panic', state: 'raised' };
    const time = context.now - 7_200_000;
    const believed = toEvent({ ...observation, at: { time, trusted: true } }, context);
    expect(believed.time).toBe('2026-11-24T06:00:00.000Z');
    expect(believed.data['clock']).toEqual({
      source: 'device',
      deviceTime: '2026-11-24T06:00:00.000Z',
      seenAt: '2026-11-24T08:00:00.000Z',
      synchronised: true,
    });
    const doubted = toEvent({ ...observation, at: { time, trusted: false } }, context);
    expect(doubted.time).toBe('2026-11-24T08:00:00.000Z');
    expect(doubted.data['clock']).toMatchObject({
      source: 'gateway',
      deviceTime: '2026-11-24T06:00:00.000Z',
    });
  });

  it('has the standard codes beside the words, the device’s own before ours', () => {
    const panic = toEvent({ device: 'p', kind: 'panic', state: 'raised' }, context);
    expect(panic.data['code']).toEqual({
      sia: 'PA',
      contactId: 'E120',
      gb28181: { priority: 1, method: 2 },
    });
    const silent = toEvent(
      { device: 'p', kind: 'panic', state: 'restored', codes: { contactId: 'R122' } },
      context,
    );
    expect(silent.data['code']).toMatchObject({ contactId: 'R122' });
  });

  it('names campus, device and zone', () => {
    const zone = { number: 9, id: 'gatehouse-button', name: '门卫室一键报警' };
    const event = toEvent({ device: 'p', kind: 'panic', state: 'raised', zone }, context);
    expect(event).toMatchObject({
      source: '/campus/4503000001/device/p',
      type: 'cn.campus.alarm.raised',
      subject: 'gatehouse-button',
      data: { device: { id: 'p', name: '周界报警主机' }, zone },
    });
    expect(
      toEvent({ device: 'p', kind: 'panic', state: 'raised', zone: { number: 4 } }, context).subject,
    ).toBe('zone-4');
  });
});

describe('lanes', () => {
  it('are urgent for every alarm kind, raised or restored, for a cancel, for a door that is forced, and for nothing else', () => {
    for (const kind of observationKinds) {
      for (const state of ['raised', 'restored'] as const) {
        const lane = laneOf(eventTypeOf({ device: 'd', kind, state }));
        const isAlarm = (alarmKinds as readonly string[]).includes(kind);
        const isForced = kind === 'forced' && state === 'raised';
        // The end of an alarm by a user of the panel: an operator waits for it.
        const isCancel = kind === 'cancel';
        expect(lane).toBe(isAlarm || isForced || isCancel ? 'urgent' : 'normal');
      }
    }
  });
});

describe('what of persons leaves the campus', () => {
  const nothing: Privacy = {
    cardKey: Buffer.alloc(32, 7),
    holders: false,
    children: false,
    names: false,
    pictures: false,
  };
  const pickup = toEvent(
    {
      device: 'r0',
      kind: 'credential',
      state: 'raised',
      credential: { format: 'face', number: 'SECRET-number', facility: 3 },
      access: {
        door: 'gate',
        decision: 'granted',
        holder: 'SECRET-holder',
        children: ['SECRET-child'],
      },
      picture: 'SECRET-picture',
      text: 'SECRET-text',
      raw: 'SECRET-raw',
      details: { match: 0.93, name: 'SECRET-name' },
    },
    context,
  );
  const visit = toEvent(
    {
      device: 'hall',
      kind: 'visit',
      state: 'raised',
      visit: { id: 'v-1', stage: 'arrived', name: 'SECRET-name', host: 'SECRET-host', purpose: 'SECRET-why' },
      details: { part: 'v-1' },
    },
    context,
  );
  const alarm = toEvent(
    { device: 'p', kind: 'panic', state: 'raised', picture: 'SECRET-picture', text: 'button' },
    context,
  );
  const out = (event: Event, privacy: Privacy) =>
    JSON.parse(
      payloadOf({ type: event.type.slice(10), body: JSON.stringify(event) }, place, privacy) ?? '',
    ) as { type: string; data: Record<string, unknown> };

  it('is by default nothing that tells who it was', () => {
    for (const event of [pickup, visit, alarm]) {
      const sent = out(event, nothing);
      expect(JSON.stringify(sent)).not.toContain('SECRET');
      expectValid(sent);
    }
    expect(out(pickup, nothing).data).toMatchObject({
      access: { door: 'gate', decision: 'granted' },
      credential: { format: 'face', hash: expect.any(String) },
      details: { match: 0.93 },
    });
    expect(out(visit, nothing).data).toMatchObject({ visit: { id: 'v-1', stage: 'arrived' } });
    expect(out(alarm, nothing).data).toMatchObject({ text: 'button', code: { sia: 'PA' } });
  });

  it.each([
    ['cardKey', undefined, pickup, ['SECRET-number', 'SECRET-raw']],
    ['holders', true, pickup, ['SECRET-holder']],
    ['children', true, pickup, ['SECRET-child']],
    ['pictures', true, pickup, ['SECRET-picture']],
    ['pictures', true, alarm, ['SECRET-picture']],
    ['names', true, pickup, ['SECRET-text', 'SECRET-name']],
    ['names', true, visit, ['SECRET-name', 'SECRET-host', 'SECRET-why']],
  ])('is with %s: %s that, and no more', (key, value, event, leaves) => {
    const found = JSON.stringify(out(event, { ...nothing, [key]: value })).match(/SECRET-\w+/g);
    expect(found?.sort()).toEqual(leaves.sort());
  });
});
