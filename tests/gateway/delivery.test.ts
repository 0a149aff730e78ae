import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { openConnection } from '../../drivers/platforms/mqtt/connection.ts';
import { fastClock } from '../clocks.ts';
import { eventually, freePort, take } from '../helpers.ts';
import { type Published, scriptedBroker } from '../scripted-broker.ts';
import { campus } from './campus.ts';

const sequences = (events: readonly Published[]) => events.map(({ body }) => Number(body.sequence));

describe('a broker that refuses', () => {
  it('one topic as not authorised stops no other topic, and gets what was held once it allows it', async () => {
    const refusing = await scriptedBroker({ answer: ({ topic }) => (topic.includes('/arming/') ? 0x87 : 0) });
    const before = await campus(refusing.port);
    await before.record('arming');
    await eventually(() => expect(before.uplink.state().held).toHaveLength(1));
    await before.record('fault');
    await before.record('bypass');
    await before.record('power');
    // The second event of the held topic is not even tried; the chain names it all the same.
    expect((await take(refusing.events, 3)).map(({ body }) => [body.sequence, body.previous])).toEqual([
      ['1', '0'],
      ['2', '1'],
      ['4', '3'],
    ]);
    expect(before.uplink.state().held).toEqual([
      expect.objectContaining({
        topic: 'campus/v1/45/event/arming/d',
        reason: expect.stringContaining('Not authorized'),
      }),
    ]);
    await before.close();
    // A hold is on disk, and tried at once after a restart; else after 30 s.
    const willing = await scriptedBroker({});
    const after = await campus(willing.port, {}, before.directory);
    const got = await take(willing.events, 2);
    expect(got.map(({ topic, body }) => [topic, body.sequence, body.previous])).toEqual([
      ['campus/v1/45/event/arming/d', '1', '0'],
      ['campus/v1/45/event/arming/d', '3', '2'],
    ]);
    await eventually(() => expect(after.uplink.state().held).toEqual([]));
    await after.record('arming');
    expect((await willing.events.next()).body).toMatchObject({ sequence: '5', previous: '4' });
  });

  it('for want of quota gets the same events again, in order, and none is lost', async () => {
    let refusals = 3;
    const broker = await scriptedBroker({ answer: () => (refusals-- > 0 ? 0x97 : 0) });
    const { record } = await campus(broker.port);
    for (let i = 0; i < 5; i++) await record('fault', { cause: `c${i}` });
    const seen: number[] = [];
    while (!seen.includes(5)) seen.push(...sequences([await broker.events.next()]));
    // Once the pause is over it feels its way: one event until that is taken.
    const last = [...new Set(seen.slice(-5))];
    expect(last).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(seen)).toEqual(new Set([1, 2, 3, 4, 5]));
  });

  it('by closing the connection on one topic gets the others', { timeout: 60_000 }, async () => {
    const broker = await scriptedBroker({
      answer: ({ topic }) => (topic.includes('/arming/') ? 'close' : 0),
    });
    const { record, uplink, journal } = await campus(broker.port, {}, undefined, { time: fastClock(4) });
    await record('arming');
    await record('fault');
    await record('panic');
    await eventually(
      () => expect(uplink.state().held.map(({ topic }) => topic)).toEqual(['campus/v1/45/event/arming/d']),
      50_000,
    );
    await eventually(() => expect(journal.position('police', 'normal').sequence).toBe(2));
    expect(journal.position('police', 'urgent').sequence).toBe(3);
  });
});

describe('a broker without subscribers', () => {
  it('has not delivered, where the config says `whenNoSubscriber: retry`', async () => {
    let subscribers = false;
    const broker = await scriptedBroker({ answer: () => (subscribers ? 0 : 0x10) });
    const { record, journal } = await campus(broker.port, { whenNoSubscriber: 'retry' }, undefined, {
      time: fastClock(8),
    });
    await record('panic');
    await broker.events.next();
    expect((await broker.events.next()).body.sequence).toBe('1');
    expect(journal.position('police', 'urgent').sequence).toBe(0);
    subscribers = true;
    await broker.events.next();
    await record('panic');
    expect((await broker.events.next()).body).toMatchObject({ sequence: '2', previous: '1' });
  });

  it('has, by default', async () => {
    const broker = await scriptedBroker({ answer: () => 0x10 });
    const { record, close, directory } = await campus(broker.port);
    await record('panic');
    await broker.events.next();
    await close();
    const after = await campus(broker.port, {}, directory);
    await after.record('panic');
    expect((await broker.events.next()).body.sequence).toBe('2');
  });
});

describe('the bulk lane', () => {
  it('comes last, and holds nothing back although the broker answers none of it', async () => {
    const port = await freePort();
    const { journal, record } = await campus(port, {}, undefined, { time: fastClock(8) });
    for (let i = 0; i < 100; i++)
      await journal.append({
        id: `bulk-${i}`,
        lane: 'bulk',
        seenAt: i,
        type: 'device.fault',
        device: 'd',
        body: JSON.stringify({ id: `bulk-${i}`, data: {} }),
      });
    for (let i = 0; i < 40; i++) await record('fault', { cause: `c${i}` });
    await record('panic');
    const broker = await scriptedBroker({
      port,
      answer: ({ body }) => (body['lane'] === 'bulk' ? undefined : 0),
    });
    const lanes = (await take(broker.events, 42)).map(({ body }) => body['lane']);
    expect(lanes).toEqual(['urgent', ...Array(40).fill('normal'), 'bulk']);
    // What the window has for the lower lanes is full of bulk now.
    await record('panic');
    expect((await broker.events.find(({ body }) => body['lane'] !== 'bulk')).body['lane']).toBe('urgent');
  });
});

describe('a connection that is over', () => {
  it('takes nothing more, and says so: an answer to a command may come later than that', async () => {
    const broker = await scriptedBroker({});
    const options = { url: `mqtt://127.0.0.1:${broker.port}`, clientId: 'c', keepalive: 10 };
    const connection = await openConnection(options, 5, new AbortController().signal, systemClock);
    await connection.end(500);
    const answer = await new Promise((resolve) =>
      connection.publish({ topic: 'late', payload: '', qos: 1 }, resolve),
    );
    expect(answer).toMatchObject({ code: -1 });
  });
});

describe('what a broker can take', () => {
  it('bounds how many events are on their way', async () => {
    const unanswered: Published[] = [];
    const broker = await scriptedBroker({
      connack: { receiveMaximum: 3 },
      answer(event) {
        unanswered.push(event);
        return undefined;
      },
    });
    const { record } = await campus(broker.port);
    for (let i = 0; i < 10; i++) await record('fault', { cause: `c${i}` });
    await take(broker.events, 3);
    // An eleventh, urgent, does not push its way past a full window either.
    await record('panic');
    expect(unanswered).toHaveLength(3);
  });

  it('bounds the size of a packet: an alarm loses what it can do without, and says so', async () => {
    const broker = await scriptedBroker({ connack: { maximumPacketSize: 1024 } });
    const { record } = await campus(broker.port);
    await record('panic', { raw: 'x'.repeat(2000), text: 'kept', zone: { number: 9, id: 'gate' } });
    const { body, size } = await broker.events.next();
    expect(size).toBeLessThanOrEqual(1024);
    expect(body['subject']).toBe('gate');
    expect(body['data']).toMatchObject({ kind: 'panic', text: 'kept', reduced: ['raw'] });
    expect(body['data']).not.toHaveProperty('raw');
  });

  it('gets topics as aliases, and how long to keep what', async () => {
    const broker = await scriptedBroker({ connack: { topicAliasMaximum: 10 } });
    const { record, journal } = await campus(broker.port, { expiry: { device: '1h' } });
    await record('fault');
    const first = await broker.events.next();
    // Only what was acknowledged tells that the broker has learnt the alias.
    const last = journal.last('normal');
    await expect.poll(() => journal.position('police', 'normal').sequence).toBe(last);
    await record('fault');
    const second = await broker.events.next();
    await record('panic');
    const alarm = await broker.events.next();
    expect(first.packet.topic).toBe('campus/v1/45/event/device/d');
    expect(second.packet).toMatchObject({
      topic: '',
      properties: { topicAlias: first.packet.properties?.topicAlias },
    });
    expect(second.topic).toBe('campus/v1/45/event/device/d');
    expect(first.packet.properties?.messageExpiryInterval).toBe(3600);
    expect(alarm.packet.properties?.messageExpiryInterval).toBeUndefined();
  });
});

describe('an event that is not in the journal as it was written', () => {
  it('goes missing alone, aloud: those behind it come', async () => {
    const before = await campus(await freePort());
    await before.record('credential', { credential: { format: 'em4100', number: '1234567' } });
    await before.record('fault');
    await before.close();
    const db = new Database(join(before.directory, 'journal.sqlite'));
    db.exec("UPDATE event SET body = 'torn' WHERE type LIKE 'access.%'");
    db.close();
    const broker = await scriptedBroker({});
    await campus(broker.port, {}, before.directory);
    const [fault, dropped] = await take(broker.events, 2);
    // Its number is in the chain, so that the platform sees the gap.
    expect(fault?.body).toMatchObject({ type: 'cn.campus.device.fault', sequence: '2', previous: '1' });
    expect(dropped?.body).toMatchObject({
      type: 'cn.campus.gateway.dropped',
      data: { details: { uplink: 'police', lane: 'normal', events: 1, first: 1, last: 1 } },
    });
  });
});

describe('commands', () => {
  const command = 'campus/v1/45/command/gateway';

  it('replay a gap: the same ids, chained as they were, and an answer that counts them', async () => {
    const broker = await scriptedBroker({});
    const { record, journal } = await campus(broker.port, {
      events: ['device.*'],
      replyTopics: ['answers/#'],
    });
    await broker.subscribed('campus/v1/45/command/+');
    for (let i = 0; i < 40; i++) await record('fault', { cause: `c${i}` });
    // Of another filter: not in this platform's chain.
    await record('arming');
    const first = await take(broker.events, 40);
    const args = { journal: journal.id, lane: 'normal', after: '10', upTo: '30' };
    broker.send(
      command,
      { id: 'r1', action: 'replay', arguments: args },
      {
        responseTopic: 'answers/desk/7',
        correlationData: Buffer.from('c'),
      },
    );
    const again = await take(broker.events, 20);
    expect(again.map(({ body }) => body)).toEqual(first.slice(10, 30).map(({ body }) => body));
    const reply = await broker.others.find(({ topic }) => topic === 'answers/desk/7');
    expect(reply.body).toMatchObject({ id: 'r1', done: true, result: { events: 20 } });
    expect(reply.packet.properties?.correlationData?.toString()).toBe('c');
    // The same command again gets the same answer and does nothing.
    broker.send(command, { id: 'r1', action: 'replay', arguments: args });
    expect((await broker.others.find(({ topic }) => topic.endsWith('/reply/r1'))).body).toEqual(reply.body);
    expect(broker.events.rest()).toEqual([]);
  });

  it('acknowledge an alarm, once, as an event beside it', async () => {
    const broker = await scriptedBroker({});
    const { record } = await campus(broker.port);
    await broker.subscribed('campus/v1/45/command/+');
    const { id } = await record('panic', { zone: { number: 9, id: 'gate' } });
    await broker.events.next();
    const args = { event: id, sequence: '1', by: '值班员 王' };
    broker.send(command, { id: 'a1', action: 'acknowledge', arguments: args });
    const event = await broker.events.next();
    expect(event.body).toMatchObject({
      type: 'cn.campus.alarm.acknowledged',
      subject: 'gate',
      data: { kind: 'panic', acknowledged: { event: id, by: '值班员 王', uplink: 'police' } },
    });
    broker.send(command, { id: 'a2', action: 'acknowledge', arguments: args });
    const reply = await broker.others.find(({ topic }) => topic.endsWith('/reply/a2'));
    expect(reply.body).toMatchObject({ done: true, result: { sequence: '2' } });
    const others = broker.events.rest().map(({ body }) => body['type']);
    expect(others.filter((type) => type !== 'cn.campus.command.done')).toEqual([]);
  });

  it('close an alarm with what it was, once', async () => {
    const broker = await scriptedBroker({});
    const { record } = await campus(broker.port);
    await broker.subscribed('campus/v1/45/command/+');
    const { id } = await record('intrusion', { zone: { number: 3, id: 'roof' } });
    const args = { event: id, sequence: '1', by: '王', reason: 'false-environment', note: '大风' };
    broker.send(command, { id: 'c1', action: 'close', arguments: { ...args, reason: 'weather' } });
    broker.send(command, { id: 'c2', action: 'close', arguments: args });
    const refused = await broker.others.find(({ topic }) => topic.endsWith('/reply/c1'));
    expect(refused.body).toMatchObject({ done: false, reason: expect.stringContaining('reason') });
    const event = await broker.events.find(({ body }) => body['type'] === 'cn.campus.alarm.closed');
    expect(event.body).toMatchObject({
      subject: 'roof',
      lane: 'urgent',
      data: { closed: { event: id, reason: 'false-environment', note: '大风', by: '王', uplink: 'police' } },
    });
  });

  it.each([
    [
      'one that the config does not allow',
      { id: 'n', action: 'acknowledge', arguments: { event: 'e', sequence: '1', by: 'b' } },
      'not allowed',
    ],
    [
      'a replay of another journal',
      { id: 'n', action: 'replay', arguments: { journal: 'old', lane: 'urgent', after: '0', upTo: '9' } },
      'not here any more',
    ],
    ['an action that no rule names', { id: 'n', action: 'unlock', arguments: {} }, 'not allowed'],
    [
      'a replay without its end',
      { id: 'n', action: 'replay', arguments: { journal: 'x', lane: 'urgent', after: '0' } },
      'upTo',
    ],
  ])('refuse %s, with the reason', async (_name, message, reason) => {
    const broker = await scriptedBroker({});
    await campus(broker.port, { commands: [{ actions: ['replay'], targets: ['gateway'], signed: false }] });
    await broker.subscribed('campus/v1/45/command/+');
    broker.send(command, message);
    const { body } = await broker.others.find(({ topic }) => topic.endsWith('/reply/n'));
    expect(body).toMatchObject({ done: false, reason: expect.stringContaining(reason) });
  });
});
