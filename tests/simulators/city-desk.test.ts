/** A desk takes and closes alarms of a simulated campus, as it would of a gateway. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { reportOf } from '../../gateway/cli/simulate/city.ts';
import { createCampus } from '../../simulators/city/campus.ts';
import { schoolOf } from '../../simulators/city/places.ts';
import { manualClock } from '../clocks.ts';
import { type Published, scriptedBroker } from '../scripted-broker.ts';
import { wrongIn } from './event-schemas.ts';

const prefix = 'campus/v1/4503000001';
/** A campus whose button was pressed, and a desk. */
async function pressed() {
  const [broker, time] = [await scriptedBroker({}), manualClock()];
  const campus = createCampus({
    ...{ urls: [`mqtt://127.0.0.1:${broker.port}`], id: '4503000001', receipts: true, mqtt: {} },
    ...{ time, random: () => 0, school: schoolOf('4503000001', 0, () => 0), onDelivered() {} },
  });
  onTestFinished(() => campus.close());
  await time.advance(1);
  await broker.subscribed(`${prefix}/ack`);
  campus.make('normal');
  campus.make('urgent');
  const isAlarm = ({ topic }: Published) => topic === `${prefix}/event/alarm/perimeter-panel`;
  const { body: alarm } = await broker.events.find(isAlarm);
  const answers: string[] = [];
  const ask = async (command: object, target = 'gateway', properties = {}) => {
    broker.send(`${prefix}/command/${target}`, command, properties);
    const { topic, body } = await broker.others.find(({ topic: to }) => to.startsWith(`${prefix}/reply/`));
    answers.push(topic);
    return body;
  };
  const order = (id: string, action: string, more: object, given: object = {}) => {
    const args = { event: alarm.id, sequence: alarm.sequence, by: '李明', ...more };
    return ask({ id, action, arguments: args, ...given });
  };
  return { broker, time, campus, alarm, ask, order, answers, next: () => broker.events.find(isAlarm) };
}

describe('an alarm of a simulated campus', () => {
  it('is taken and closed by a desk, each once: answered at once, and told in its chain', async () => {
    const { broker, alarm, order, answers, next } = await pressed();
    const taken = { id: 'c-1', done: true, result: { sequence: '3' } };
    expect(await order('c-1', 'acknowledge', {})).toEqual(taken);
    expect(await order('c-1', 'acknowledge', { by: '王芳' })).toEqual(taken);
    // Who comes second hears of the first, as of a gateway.
    expect(await order('c-2', 'acknowledge', { by: '王芳' })).toEqual({ ...taken, id: 'c-2' });
    const closing = { reason: 'test', note: '演练' };
    // It has no keys: signed or not is the same to it.
    const signature = `${'A'.repeat(85)}A`;
    const signed = { signature, issuer: 'desk', audience: '4503000001', target: 'gateway' };
    const closed = { id: 'c-3', done: true, result: { sequence: '4' } };
    expect(await order('c-3', 'close', closing, signed)).toEqual(closed);
    expect(answers).toEqual(['c-1', 'c-1', 'c-2', 'c-3'].map((id) => `${prefix}/reply/${id}`));

    const events = [await next(), await next()].map(({ body }) => body);
    expect(broker.events.rest()).toEqual([]);
    const about = { kind: 'panic', device: { id: 'perimeter-panel' }, zone: { number: 9 } };
    const operator = { event: alarm.id, by: '李明', uplink: 'city' };
    expect(events).toMatchObject([
      {
        ...{ type: 'cn.campus.alarm.acknowledged', sequence: '3', previous: alarm.sequence, lane: 'urgent' },
        data: { ...about, acknowledged: operator },
      },
      {
        ...{ type: 'cn.campus.alarm.closed', sequence: '4', previous: '3', lane: 'urgent' },
        data: { ...about, closed: { ...operator, ...closing } },
      },
    ]);
    expect(wrongIn('alarm.acknowledged', events[0])).toBeNull();
    expect(wrongIn('alarm.closed', events[1])).toBeNull();
  });

  it('comes again with what was said of it, until there is a receipt for all', async () => {
    const { broker, campus, alarm, order, ask, next, time } = await pressed();
    await order('c-1', 'acknowledge', {});
    const { body: taken } = await next();
    const wanted = { journal: alarm['journal'], lane: 'urgent', after: '0', upTo: '9' };
    const replayed = { id: 'r', done: true, result: { events: 2 } };
    expect(await ask({ id: 'r', action: 'replay', arguments: wanted })).toEqual(replayed);
    expect([(await next()).body, (await next()).body]).toEqual([alarm, taken]);
    broker.send(`${prefix}/ack`, { journal: alarm['journal'], urgent: '2', normal: '1' });
    await expect.poll(campus.waiting).toBe(1);
    await time.advance(33_000);
    expect((await broker.events.find(({ body }) => body.id === taken.id)).body).toEqual(taken);
  });

  it.each([
    [
      'names another alarm',
      { arguments: { event: 'x', sequence: '2', by: 'a' } },
      'there is no alarm x with the sequence 2',
    ],
    [
      'has expired',
      { issuedAt: '2026-01-05T07:00:00Z', expiresAt: '2026-01-05T08:00:00+08:00' },
      /^it expired at 2026-01-05T00:00:00\.000Z; the gateway's clock says 2026-01-05T08/,
    ],
    ['is for another campus', { audience: '1' }, 'it is for the campus 1, and came to 4503000001'],
    [
      'asks for more than there is',
      { action: 'unlock' },
      'unlock on gateway is not allowed to it by the config of the gateway',
    ],
    [
      'has an argument that nobody knows',
      { arguments: { event: 'x', sequence: '2', by: 'a', why: 1 } },
      'arguments: 1 unrecognized by acknowledge; it has event, sequence, by',
    ],
    ['has none', { arguments: {} }, /^arguments\.event: /],
    ['has a member that nobody knows', { later: 1 }, /later/],
  ])('is left as it is by a command that %s', async (_why, wrong, reason) => {
    const { alarm, ask, broker } = await pressed();
    const good = { event: alarm.id, sequence: alarm.sequence, by: 'a' };
    const answer = await ask({ id: 'c-1', action: 'acknowledge', arguments: good, ...wrong });
    const says = typeof reason === 'string' ? reason : expect.stringMatching(reason);
    expect(answer).toEqual({ id: 'c-1', done: false, reason: says });
    expect(broker.events.rest()).toEqual([]);
  });

  it('is answered for where the desk wants to hear it, below the topics of the campus alone', async () => {
    const { ask, answers } = await pressed();
    const responseTopic = `${prefix}/reply/desk-1`;
    await ask({ id: 'c-1', action: 'inventory' }, 'gateway', { responseTopic });
    const elsewhere = await ask({ id: 'c-2', action: 'acknowledge' }, 'gateway', { responseTopic: 'x/y' });
    expect(elsewhere).toMatchObject({ done: false, reason: expect.stringContaining('response topic') });
    expect(answers).toEqual([responseTopic, `${prefix}/reply/c-2`]);
  });

  it('is over half a minute after its button was pressed last, or when the trial is: once, for all before it', async () => {
    const { campus, time, next, broker } = await pressed();
    await time.advance(20_000);
    campus.make('urgent');
    await next();
    await time.advance(29_000);
    const isEnd = ({ body }: Published) => body['type'] === 'cn.campus.alarm.restored';
    expect(broker.events.rest().filter(isEnd)).toEqual([]);
    await time.advance(2000);
    const { body } = await broker.events.find(isEnd);
    expect(body).toMatchObject({
      ...{ type: 'cn.campus.alarm.restored', previous: '3', lane: 'urgent' },
      data: { kind: 'panic', state: 'restored', device: { id: 'perimeter-panel' }, zone: { number: 9 } },
    });
    expect(wrongIn('alarm.restored', body)).toBeNull();
    // What stands at the end of the trial; nothing does any more, and then something does.
    campus.letGo();
    campus.make('urgent');
    campus.letGo();
    expect((await broker.events.find(isEnd)).body).toMatchObject({ sequence: '6', previous: '5' });
  });
});

it('says what a desk did, and what it has still to close', () => {
  const none = { count: 0, p50: 0, p99: 0, most: 0 };
  const report = {
    ...{ made: 9, delivered: 9, undelivered: 0, lost: undefined, twice: undefined, backAfterMs: undefined },
    ...{ delivery: none, alarms: none, lateness: none, isSettled: true },
  };
  const said = (desk: { raised: number; taken: number; closed: number }) =>
    reportOf({ ...report, desk }, true).join('\n');
  expect(said({ raised: 0, taken: 0, closed: 0 })).not.toMatch(/alarm|desk/);
  expect(said({ raised: 3, taken: 2, closed: 1 })).toContain(
    '3 alarms raised, 2 taken and 1 closed by a desk',
  );
  expect(said({ raised: 3, taken: 2, closed: 1 })).toContain('2 alarms are over and not closed');
  expect(said({ raised: 3, taken: 3, closed: 3 })).not.toContain('--desk');
});
