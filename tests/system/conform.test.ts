/** The kit that tries a platform's consumer: it finds the one of this project right, and others wrong where they are. */
import { join } from 'node:path';
import { connect } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { startPlatform as startCityPlatform } from '../../gateway/platform/index.ts';
import { startPlatform } from '../../simulators/platform.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { failedTrials } from './conformance.ts';
import { hasPostgres, postgres } from './postgres.ts';
import { mosquitto, need } from './tools.ts';

describe('the conformance kit', { timeout: 120_000 }, () => {
  it('finds `watch --store` right', async (context) => {
    need(context, 'mosquitto');
    const url = `mqtt://127.0.0.1:${(await mosquitto()).port}`;
    const platform = await startPlatform({ url, file: join(temporaryDirectory(), 'police.sqlite') });
    onTestFinished(() => platform.close());
    expect(await failedTrials(url)).toEqual([]);
  });

  it('finds two instances of `campus-gateway platform` right, over one database', async (context) => {
    need(context, 'mosquitto');
    if (!hasPostgres()) return context.skip('needs postgresql');
    const [broker, database] = [await mosquitto(), await postgres()];
    const url = `mqtt://127.0.0.1:${broker.port}`;
    for (const name of ['one', 'two']) {
      const instance = await startCityPlatform({
        ...{ database: database.url, time: systemClock, log: silentLog },
        source: { url, group: 'police', root: 'campus/v1', receipts: true, name },
      });
      onTestFinished(() => instance.close());
    }
    expect(await failedTrials(url)).toEqual([]);
  });

  it('finds a consumer wrong that confirms whatever comes, and asks for nothing', async (context) => {
    need(context, 'mosquitto');
    const url = `mqtt://127.0.0.1:${(await mosquitto()).port}`;
    const careless = connect(url, { protocolVersion: 5, clientId: 'careless' });
    onTestFinished(() => careless.endAsync(true));
    const known = new Set<string>();
    careless.on('message', (topic, payload) => {
      if (!payload.includes('"sequence"')) return;
      const { id, journal, lane, sequence } = JSON.parse(payload.toString());
      if (known.has(id)) return;
      known.add(id);
      careless.publish(`${topic.split('/event/')[0]}/ack`, JSON.stringify({ journal, [lane]: sequence }));
    });
    await careless.subscribeAsync('campus/v1/+/event/#', { qos: 1 });
    const names = ['receipts', 'all-lanes', 'again', 'online', 'gap', 'lanes', 'from-memory'];
    expect(await failedTrials(url, names, 1500)).toEqual(names.slice(1));
  });

  it('finds one wrong that knows the classes of today alone, and one that stops at an empty message', async (context) => {
    need(context, 'mosquitto');
    const url = `mqtt://127.0.0.1:${(await mosquitto()).port}`;
    const narrow = connect(url, { protocolVersion: 5, clientId: 'narrow' });
    onTestFinished(() => narrow.endAsync(true));
    const upTo: Record<string, string> = {};
    const confirm = (topic: string, payload: Buffer) => {
      const { journal, lane, sequence, state } = JSON.parse(payload.toString());
      const prefix = topic.split('/').slice(0, 3).join('/');
      if (sequence !== undefined) upTo[lane] = sequence;
      if (sequence !== undefined || state === 'online')
        narrow.publish(`${prefix}/ack`, JSON.stringify({ journal, ...upTo }));
    };
    narrow.on('message', (topic, payload) => {
      try {
        confirm(topic, payload);
      } catch {
        narrow.removeAllListeners('message');
      }
    });
    await narrow.subscribeAsync(['campus/v1/+/event/alarm/#', 'campus/v1/+/event/video/#'], { qos: 1 });
    await narrow.subscribeAsync(['campus/v1/+/campus', 'campus/v1/+/presence'], { qos: 1 });
    const names = ['unknown', 'later-class', 'later-topics', 'campus', 'withdrawn'];
    expect(await failedTrials(url, names, 1500)).toEqual(['later-class', 'withdrawn']);
  });

  it('leaves nothing behind', async (context) => {
    need(context, 'mosquitto');
    const url = `mqtt://127.0.0.1:${(await mosquitto()).port}`;
    const desk = connect(url, { protocolVersion: 5, clientId: 'desk' });
    onTestFinished(() => desk.endAsync(true));
    const told: { type: string; id: string; data: { closed?: { event: string } } }[] = [];
    desk.on('message', (_topic, payload) => void told.push(JSON.parse(payload.toString())));
    await desk.subscribeAsync('campus/v1/+/event/alarm/#', { qos: 1 });
    await failedTrials(url, ['receipts', 'gap', 'campus', 'later-topics', 'new-journal'], 100);
    const of = (what: string) => told.filter(({ type }) => type === `cn.campus.alarm.${what}`);
    const raised = [...new Set(of('raised').map(({ id }) => id))];
    expect(raised.length).toBeGreaterThan(5);
    await expect.poll(() => of('closed').map(({ data }) => data.closed?.event)).toEqual(raised);
    expect(of('restored')).toHaveLength(1);
    expect(told.findLastIndex(({ type }) => type.endsWith('.raised'))).toBeLessThan(
      told.findIndex(({ type }) => type.endsWith('.restored')),
    );
    const late = connect(url, { protocolVersion: 5, clientId: 'late' });
    onTestFinished(() => late.endAsync(true));
    const left: string[] = [];
    late.on('message', (topic) => void left.push(topic));
    await late.subscribeAsync('#', { qos: 1 });
    await late.publishAsync('last', 'x', { qos: 1 });
    await expect.poll(() => left).toEqual(['last']);
  });
});
