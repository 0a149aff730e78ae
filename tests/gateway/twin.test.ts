/** Two gateways that a platform takes for one: copies of a machine, a machine that was set back, a second with one id. */
import { cpSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Aedes, type AedesPublishPacket } from 'aedes';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { placeOf } from '../../gateway/journal/identity.ts';
import type { Journal } from '../../gateway/journal/index.ts';
import { watchTwin } from '../../gateway/uplink/twin.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { eventually, freePort, temporaryDirectory } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

interface Seen {
  readonly id: string;
  readonly journal: string;
  readonly sequence: string;
  readonly previous: string;
  readonly type: string;
}

/** A broker that keeps what is retained, and pushes the elder of two with one client id out. */
async function broker() {
  const aedes = await Aedes.createBroker();
  const events: Seen[] = [];
  const retained = new Map<string, unknown>();
  let connects = 0;
  aedes.on('clientReady', () => connects++);
  const read = ({ payload }: AedesPublishPacket) => JSON.parse(payload.toString()) as unknown;
  aedes.on('publish', (packet: AedesPublishPacket, client) => {
    if (packet.topic.includes('/event/')) events.push(read(packet) as Seen);
    else if (packet.retain && client !== null)
      retained.set(packet.topic.replace('campus/v1/45/', ''), read(packet));
  });
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    aedes.close();
  });
  const say = (topic: string, payload: object | string) =>
    new Promise<void>((resolve) =>
      aedes.publish(
        {
          cmd: 'publish',
          topic,
          payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
          qos: 0,
          retain: true,
          dup: false,
        },
        () => resolve(),
      ),
    );
  return {
    port,
    events,
    say,
    /** What the gateway said last, by the rest of its topic. */
    retained,
    connects: () => connects,
    /** Calls back at what the gateway publishes. */
    onPublish: (listener: (topic: string) => void) =>
      void aedes.on('publish', ({ topic }: AedesPublishPacket, client) => {
        if (client !== null) listener(topic);
      }),
    alarms: () => events.filter(({ type }) => type.endsWith('alarm.raised')),
  };
}

/** A copy of a data folder as it is in a copy of the whole machine: the file has the same place on its disk. */
function copyOfMachine(directory: string, copy = join(temporaryDirectory(), 'copy')) {
  cpSync(directory, copy, { recursive: true });
  const db = new Database(join(copy, 'journal.sqlite'));
  const { file, made } = placeOf(join(copy, 'journal.sqlite'), '');
  db.prepare("UPDATE meta SET value = json_set(value, '$.file', ?, '$.made', ?) WHERE key = 'place'").run(
    file,
    made,
  );
  db.close();
  return copy;
}

/** The numbers that name more than one event. */
function clashes(events: readonly Seen[]) {
  const ids = Map.groupBy(
    events.filter(({ sequence }) => sequence !== '0'),
    ({ journal, sequence }) => `${journal} ${sequence}`,
  );
  return [...ids].filter(([, of]) => new Set(of.map(({ id }) => id)).size > 1);
}
const button = { zone: { number: 9, id: 'gate' } };
const told = async ({ journal }: Awaited<ReturnType<typeof campus>>) =>
  (await journal.read('normal', 0, 100)).filter(({ type }) => type === 'gateway.other-instance').length;

describe('a copy of the whole machine', () => {
  it('numbers anew before it sends anything, where the first has shown another lease since', async () => {
    const { port, alarms } = await broker();
    const first = await campus(port, {}, undefined, { time: fastClock(8) });
    await first.record('panic', button);
    await eventually(() => expect(alarms()).toHaveLength(1));
    const { id } = first.journal;
    const copy = copyOfMachine(first.directory);
    await first.journal.knownAs.renewLease();
    first.uplink.showIdentity();
    await first.record('panic', button);
    await eventually(() => expect(alarms()).toHaveLength(2));
    const second = await campus(port, {}, copy, { time: fastClock(8) });
    const late = await second.record('panic', button);
    expect(late.sequence).toBe(2);
    await eventually(() => expect(alarms().some((one) => one.id === late.id)).toBe(true));
    expect(second.journal.id).not.toBe(id);
    expect(second.journal.knownAs.renumbered).toMatchObject({ reason: 'other-gateway', before: id });
    // The chain of the new numbering is whole, from its beginning.
    const own = alarms().filter(({ journal }) => journal === second.journal.id);
    expect(own[0]).toMatchObject({ previous: '0' });
    expect(clashes(alarms())).toEqual([]);
  });

  it('is found at the latest when the two push each other out; then both number anew, and say so', async () => {
    const { port, alarms } = await broker();
    const first = await campus(port, {}, undefined, { time: fastClock(8) });
    await first.record('panic', button);
    await eventually(() => expect(alarms()).toHaveLength(1));
    const { id } = first.journal;
    const second = await campus(port, {}, copyOfMachine(first.directory), { time: fastClock(8) });
    await eventually(() => {
      expect(first.journal.id).not.toBe(id);
      expect(second.journal.id).not.toBe(id);
    });
    expect(first.journal.id).not.toBe(second.journal.id);
    for (const one of [first, second]) {
      await eventually(async () => expect(await told(one)).toBe(1));
      expect(Date.parse(one.uplink.state().otherInstance ?? '')).not.toBeNaN();
    }
    const [a, b] = await Promise.all([first.record('panic', button), second.record('panic', button)]);
    await eventually(() => {
      for (const { id: own } of [a, b]) expect(alarms().some((one) => one.id === own)).toBe(true);
    });
    expect(clashes(alarms())).toEqual([]);
  });

  it('is told from a machine that was set back to an older state, which numbers anew too', async () => {
    const { port, alarms } = await broker();
    const first = await campus(port, {}, undefined, { time: fastClock(8) });
    await first.record('panic', button);
    await eventually(() => expect(alarms()).toHaveLength(1));
    await first.close();
    const { id } = first.journal;
    const snapshot = copyOfMachine(first.directory);
    const again = await campus(port, {}, first.directory, { time: fastClock(8) });
    expect(again.journal.id).toBe(id);
    const lost = await again.record('panic', button);
    await eventually(() => expect(alarms()).toHaveLength(2));
    await again.close();
    rmSync(first.directory, { recursive: true });
    const back = await campus(port, {}, copyOfMachine(snapshot, first.directory), { time: fastClock(8) });
    const next = await back.record('panic', button);
    expect(next.sequence).toBe(lost.sequence);
    await eventually(() => expect(alarms()).toHaveLength(3));
    expect(back.journal.id).not.toBe(id);
    expect(clashes(alarms())).toEqual([]);
    expect(await told(back)).toBe(0);
  });
});

describe('a gateway alone', () => {
  it('keeps its numbering over restarts, crashes and lost connections', async () => {
    const { port, alarms } = await broker();
    const first = await campus(port);
    const { id } = first.journal;
    await first.record('panic', button);
    await eventually(() => expect(alarms()).toHaveLength(1));
    await first.close();
    const second = await campus(port, {}, first.directory);
    await second.record('panic', button);
    await eventually(() => expect(alarms()).toHaveLength(2));
    expect([second.journal.id, second.uplink.state().otherInstance]).toEqual([id, undefined]);
    expect(alarms()[1]).toMatchObject({ journal: id, previous: alarms()[0]?.sequence });
  });

  it('does not mind what makes no sense in its place, nor a gateway of before', async () => {
    const { port, say, alarms } = await broker();
    await say('campus/v1/45/identity', { campus: '45', state: 'online', contract: '1.3.0' });
    const { journal, record, uplink } = await campus(port);
    const { id } = journal;
    for (const text of ['', '{', '7', 'null', '[]', '{"lease":7}', `{"lease":"1.${'a'.repeat(16)}"}`])
      await say('campus/v1/45/identity', text);
    await record('panic', button);
    await eventually(() => expect(alarms()).toHaveLength(1));
    expect([journal.id, uplink.state().otherInstance]).toEqual([id, undefined]);
  });
});

describe('what is shown of the gateway', () => {
  it('is its identity on one topic and its state on another, over a lockdown and a restart', async () => {
    const { port, retained } = await broker();
    const first = await campus(port);
    // Where nothing was told of the gateway itself, nothing is shown that a broker may deny.
    await eventually(() => expect(retained.get('identity')).toBeDefined());
    await eventually(() => expect(retained.get('state/d')).toBeDefined());
    expect(retained.get('state/gateway')).toBeUndefined();
    await first.record('lockdown', { device: 'gateway' });
    const locked = { campus: '45', device: 'gateway', state: 'online', active: [{ kind: 'lockdown' }] };
    await eventually(() => expect(retained.get('state/gateway')).toMatchObject(locked));
    const identityOf = ({ journal }: typeof first) => ({
      campus: '45',
      journal: journal.id,
      lease: journal.knownAs.lease,
    });
    expect(retained.get('identity')).toEqual(identityOf(first));
    await first.journal.knownAs.renewLease();
    first.uplink.showIdentity();
    await eventually(() => expect(retained.get('identity')).toEqual(identityOf(first)));
    expect(retained.get('state/gateway')).toMatchObject(locked);
    await first.close();
    retained.clear();
    const second = await campus(port, {}, first.directory);
    await eventually(() => expect(retained.get('state/gateway')).toMatchObject(locked));
    expect(retained.get('identity')).toEqual(identityOf(second));
    expect(Object.keys(retained.get('state/gateway') as object)).toEqual([
      'campus',
      'device',
      'state',
      'active',
    ]);
  });

  it('is not shown again where the gateway does not hear itself: it may be denied', async () => {
    const server = await scriptedBroker({
      onSubscribe: (filter) => (filter.endsWith('/identity') ? 'mute' : undefined),
    });
    const { record, uplink } = await campus(server.port, {}, undefined, { time: fastClock(8) });
    await record('panic', button);
    await server.events.next();
    const shown = () => server.others.rest().filter(({ topic }) => topic.endsWith('/identity')).length;
    shown();
    uplink.showIdentity();
    await record('panic', button);
    await server.events.next();
    expect(shown()).toBe(0);
  });
});

describe('a platform that claims each new numbering for another', () => {
  const forged = `999999999999999.${'f'.repeat(16)}`;

  it('has one, and disturbs no other platform: no connection drops, no alarm is late', async () => {
    const [education, police] = [await broker(), await broker()];
    const warned: string[] = [];
    const warn = (_fields: object, sentence?: string) => void warned.push(sentence ?? '');
    const log = { debug() {}, info() {}, warn, error: warn };
    const { record, journal, uplink, connectTo } = await campus(
      education.port,
      { id: 'education' },
      undefined,
      { log },
    );
    const atPolice = connectTo(police.port, { receipts: false });
    let renumberings = 0;
    journal.knownAs.onRenumbered(() => renumberings++);
    await record('panic', button);
    await eventually(() => expect([education.alarms().length, police.alarms().length]).toEqual([1, 1]));
    const lie = () => education.say('campus/v1/45/identity', { journal: journal.id, lease: forged });
    education.onPublish(() => void lie());
    const late: number[] = [];
    for (let count = 2; count <= 40; count++) {
      const startedAt = performance.now();
      for (let lies = 0; lies < 20; lies++) void lie();
      const { id } = await record('panic', button);
      await eventually(() => expect(police.alarms().some((one) => one.id === id)).toBe(true));
      late.push(performance.now() - startedAt);
    }
    expect(renumberings).toBe(1);
    expect(Math.max(...late)).toBeLessThan(1000);
    expect([education.connects(), police.connects()]).toEqual([1, 1]);
    // Each numbering is a whole chain, and no number has two events.
    const alarms = police.alarms();
    const chains = Map.groupBy(alarms, (one) => one.journal);
    expect(chains.size).toBe(2);
    for (const [, chain] of chains)
      for (const [i, { previous }] of chain.entries()) expect(previous).toBe(chain[i - 1]?.sequence ?? '0');
    expect(new Set(alarms.map(({ id }) => id)).size).toBe(40);
    expect(clashes([...alarms, ...education.alarms()])).toEqual([]);
    const tooSoon = 'another numbering asked for within 10 minutes';
    expect(uplink.state().discarded[tooSoon]).toBeGreaterThan(100);
    expect(atPolice.state().discarded).toEqual({});
    expect(warned.filter((one) => one.includes(tooSoon)).length).toBeLessThan(5);
    expect(police.retained.get('identity')).toMatchObject({
      journal: journal.id,
      lease: journal.knownAs.lease,
    });
  }, 30_000);

  it('has another ten minutes later, and where the disk refused, soon', async () => {
    const time = manualClock();
    let [id, fails, discards] = [0, true, 0];
    const knownAs = {
      isOwn: () => false,
      renumbered: undefined,
      renewLease: async () => {},
      async renumber() {
        if (fails) throw new Error('no disk');
        id++;
      },
    };
    const journal = {
      knownAs,
      get id() {
        return String(id);
      },
    } as unknown as Journal;
    const twin = watchTwin('education', {
      journal,
      recorder: { recordOwn: async () => {} },
      burst() {},
      discarded: () => discards++,
      time,
    });
    const lie = () => twin.shown({ journal: String(id), lease: forged }, true);
    await lie();
    fails = false;
    await lie();
    expect([id, discards]).toEqual([0, 1]);
    await time.advance(1000);
    await lie();
    await lie();
    expect([id, discards]).toEqual([1, 2]);
    await time.advance(599_999);
    await lie();
    expect([id, discards]).toEqual([1, 3]);
    await time.advance(1);
    await lie();
    expect([id, discards]).toEqual([2, 3]);
  });
});

describe('a broker', () => {
  it('of MQTT 5 says that the session was taken over: that is told, and numbers go on anew', async () => {
    const server = await scriptedBroker({});
    const said: string[] = [];
    const note = (_fields: object, sentence?: string) =>
      void said.push(`${sentence} ${JSON.stringify(_fields)}`);
    const log = { debug() {}, info() {}, warn: note, error: note };
    const one = await campus(server.port, {}, undefined, { log });
    await one.record('panic', button);
    const { body: before } = await server.events.next();
    server.disconnect(0x8e);
    await eventually(() => expect(said.join('\n')).toMatch(/another client connected/));
    const later = await one.record('panic', button);
    const { body: after } = await server.events.find(({ body }) => body.id === later.id);
    expect(after['journal']).not.toBe(before['journal']);
    expect(after['journal']).toBe(one.journal.id);
    await eventually(async () => expect(await told(one)).toBe(1));
    expect(said.join('\n')).toMatch(/another client connected with our client id, 45-police: two gateways/);
    expect(said.join('\n')).toMatch(/another gateway is connected .* Stop one of them/);
  });

  it('that closes at the subscription costs three connections, and alarms go out', async () => {
    const server = await scriptedBroker({
      onSubscribe: (filter) => (filter.endsWith('/identity') ? 'close' : undefined),
    });
    const { record } = await campus(server.port, {}, undefined, { time: fastClock(8) });
    const { id } = await record('panic', button);
    const { body } = await server.events.next();
    expect(body.id).toBe(id);
    expect(server.connects()).toBe(4);
  });

  it('that lets nothing be read there costs two seconds, once in ten minutes', async () => {
    const server = await scriptedBroker({
      onSubscribe: (filter) => (filter.endsWith('/identity') ? 'mute' : undefined),
    });
    const { record } = await campus(server.port);
    const startedAt = performance.now();
    await record('panic', button);
    await server.events.next();
    expect(performance.now() - startedAt).toBeLessThan(4000);
    server.disconnect(0);
    await record('panic', button);
    const againAt = performance.now();
    await server.events.next();
    expect(performance.now() - againAt).toBeLessThan(1900);
  });
});
