/** Master data of the campus: what is shown of them to a platform, when, and what is taken back. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CampusData, campusMessage, pickCampus } from '../../drivers/contract/campus.ts';
import { campusMessageOf, showCampus } from '../../drivers/platforms/mqtt/campus.ts';
import { keepSaying } from '../../drivers/platforms/mqtt/presence.ts';
import { manualClock } from '../clocks.ts';
import { eventually } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const school: CampusData = {
  id: '45',
  name: '一中',
  district: '450305',
  coordinates: { latitude: 25.2, longitude: 110.2, datum: 'GCJ-02' },
  contacts: [{ role: 'guard-house', phone: '0773-5801234' }],
};

const shownAt = (broker: Awaited<ReturnType<typeof scriptedBroker>>) =>
  broker.others.find(({ topic }) => topic === 'campus/v1/45/campus');

describe('the message', () => {
  it('bears the hash of the canonical form of the rest, as RFC 8785 writes it', () => {
    const { revision } = campusMessageOf({
      name: '一中\n',
      id: '45',
      coordinates: { longitude: 110.0, latitude: 1e-7, datum: 'WGS 84' },
    });
    const canonical =
      '{"coordinates":{"datum":"WGS 84","latitude":1e-7,"longitude":110},"id":"45","name":"一中\\n"}';
    expect(revision).toBe(createHash('sha256').update(canonical).digest('hex').slice(0, 16));
  });
  it('is what docs/platform.md shows', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/platform.md'), 'utf8');
    const [, text = ''] = /## The school itself.*?```\n(.*?)```/s.exec(page) ?? [];
    const message = campusMessage.parse(JSON.parse(text));
    const { version: _version, revision: _revision, ...data } = message;
    expect(campusMessageOf(data)).toEqual(message);
  });
  it('has only what may leave, and no member for what is not there', () => {
    expect(pickCampus(school, [])).toEqual({ id: '45', name: '一中' });
    expect(Object.keys(pickCampus(school, ['address', 'contacts']))).toEqual(['id', 'name', 'contacts']);
  });
});

describe('an uplink over MQTT', () => {
  it('shows them retained with the presence, again where they changed, and never what may not leave', async () => {
    const broker = await scriptedBroker({});
    let data = school;
    const { uplink } = await campus(broker.port, { campus: ['district'] }, undefined, {
      campusData: () => data,
    });
    const first = await shownAt(broker);
    expect(first.packet).toMatchObject({ retain: true, qos: 0 });
    expect(first.body).toMatchObject({ version: '1', id: '45', name: '一中', district: '450305' });
    expect(Object.keys(first.body)).toEqual(['version', 'revision', 'id', 'name', 'district']);
    // What does not leave changes nothing.
    data = { ...school, contacts: [] };
    uplink.campusChanged();
    data = { ...school, district: '450302' };
    uplink.campusChanged();
    const second = await shownAt(broker);
    expect(second.body).toMatchObject({ district: '450302' });
    const { district: _gone, ...rest } = school;
    data = rest;
    uplink.campusChanged();
    const third = await shownAt(broker);
    expect(Object.keys(third.body)).toEqual(['version', 'revision', 'id', 'name']);
    expect(new Set([first, second, third].map(({ body }) => body['revision'])).size).toBe(3);
  });

  it('says each ten minutes that it is there, until it leaves or the connection ends', async () => {
    const time = manualClock();
    const ended = Promise.withResolvers<Error>();
    let said = 0;
    const say = () => void said++;
    const stop = keepSaying(say, { ended: ended.promise }, time);
    await time.advance(1_200_000);
    expect(said).toBe(3);
    stop();
    keepSaying(say, { ended: ended.promise }, time);
    ended.resolve(new Error('it ends'));
    await time.advance(1_200_000);
    expect(said).toBe(4);
    expect(time.pending).toBe(0);
  });

  it('says them again each hour while it is connected, and not for each device that answers', async () => {
    const time = manualClock();
    const ended = Promise.withResolvers<Error>();
    const shown: string[] = [];
    const listeners = new Set<() => void>();
    const onInventory = (run: () => void) => {
      listeners.add(run);
      return () => void listeners.delete(run);
    };
    const publish = (path: string, text: string) => void shown.push(`${path} ${text}`);
    const host = { campusData: () => school, onInventory, clock: time };
    showCampus({ ended: ended.promise }, { publish }, host);
    for (let i = 0; i < 1000; i++) for (const run of listeners) run();
    expect(shown).toHaveLength(1);
    await time.advance(3 * 3_600_000);
    expect(shown).toHaveLength(4);
    expect(new Set(shown).size).toBe(1);
    ended.resolve(new Error('over'));
    await time.advance(3 * 3_600_000);
    expect([shown.length, listeners.size]).toEqual([4, 0]);
  });

  it('shows id and name alone by default, and goes on where the broker closes the connection over it', async () => {
    const broker = await scriptedBroker({ closesAt: (topic) => topic.endsWith('/campus') });
    const { record, uplink } = await campus(broker.port, {}, undefined, { campusData: () => school });
    await eventually(
      () => expect(uplink.state().held).toMatchObject([{ topic: 'campus/v1/45/campus' }]),
      20_000,
    );
    const { id } = await record('panic');
    await broker.events.find(({ body }) => body.id === id);
    expect((await shownAt(broker)).body).not.toHaveProperty('district');
  });
});

it('a major version beside another: two uplinks to one broker have the same events by id, each in a chain of its own', async () => {
  const broker = await scriptedBroker({});
  const one = await campus(broker.port, { events: ['alarm.*'] });
  one.connectTo(broker.port, { id: 'police-v2', topicPrefix: 'campus/v2/45', events: ['*'] });
  await one.record('panic');
  await one.record('fault');
  await one.record('panic', { zone: { number: 2 } });
  const came = new Map<string, [id: string, sequence: string, previous: string][]>();
  for (let i = 0; i < 5; i++) {
    const { topic, body } = await broker.events.next();
    const of = `${topic.slice(0, 9)} ${String(body['lane'])}`;
    came.set(of, [...(came.get(of) ?? []), [body.id, body.sequence, body.previous]]);
  }
  expect(came.get('campus/v2 urgent')).toEqual(came.get('campus/v1 urgent'));
  expect([came.get('campus/v2 normal')?.length, came.has('campus/v1 normal')]).toEqual([1, false]);
});
