/** What brokers and networks do on the worst day; of what a panel was told is taken, nothing may be lost. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../helpers.ts';
import { mosquitto, need, until } from '../tools.ts';
import { relay } from './relay.ts';
import { rig } from './rig.ts';

const url = (port: number, host = '127.0.0.1') => `mqtt://${host}:${port}`;
const nothingLost = { lost: [], twice: 0, gaps: { open: 0, lost: 0 } };

describe('a broker', { timeout: 180_000 }, () => {
  it('killed five times under load costs nothing', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    // Receipts: a broker that is killed has lost what it had acknowledged.
    const uplink = { receipts: true, receiptTimeout: '2s' };
    const campus = await rig({ url: url(broker.port), uplink, platform: { receipts: true } });
    campus.start();
    for (let i = 0; i < 5; i++) {
      await delay(1500);
      await broker.kill();
      await delay(500);
      await broker.start();
    }
    expect(await campus.settle('broker killed 5 times')).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });

  it('frozen for 25 s is noticed within 15 s, and gets all when it thaws', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const campus = await rig({ url: url(broker.port) });
    campus.start();
    await delay(2000);
    broker.signal('SIGSTOP');
    onTestFinished(() => broker.signal('SIGCONT'));
    const frozen = performance.now();
    await until(
      'the gateway sees that the broker is frozen',
      async () => (await campus.metric('campus_uplink_connected')) === 0,
      20_000,
    );
    const noticed = (performance.now() - frozen) / 1000;
    process.stdout.write(`a frozen broker is noticed in ${noticed.toFixed(1)} s\n`);
    expect(noticed).toBeLessThan(15.5);
    await delay(Math.max(0, 25_000 - (performance.now() - frozen)));
    broker.signal('SIGCONT');
    expect(await campus.settle('broker frozen for 25 s')).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });

  it('that denies one topic gets the others meanwhile, and that one when it allows it', async (context) => {
    need(context, 'mosquitto');
    const directory = temporaryDirectory();
    const acl = join(directory, 'acl');
    const allow = (rules: string) => writeFileSync(acl, `${rules}\n`, { mode: 0o600 });
    allow('topic read #\ntopic write campus/+/+/event/alarm/#\ntopic write campus/+/+/presence');
    const broker = await mosquitto([`acl_file ${acl}`]);
    const campus = await rig({ url: url(broker.port) });
    campus.start();
    await until('alarms arrive', () => campus.events.length > 100);
    expect(campus.events.every(({ type }) => type.startsWith('cn.campus.alarm.'))).toBe(true);
    const held = async () => (await campus.health()).uplinks['police']?.held.map(({ topic }) => topic) ?? [];
    await until('the topic is shown as held', async () =>
      (await held()).some((topic) => topic.endsWith('/device/panel')),
    );
    const cpu = await campus.metric('process_cpu_seconds_total');
    const refusals = await campus.metric('campus_publish_refused_total');
    await delay(3000);
    // It does not spin on what is denied.
    expect((await campus.metric('campus_publish_refused_total')) - refusals).toBeLessThan(3);
    expect((await campus.metric('process_cpu_seconds_total')) - cpu).toBeLessThan(2);
    allow('topic readwrite #');
    broker.signal('SIGHUP');
    expect(await campus.settle('one topic denied, then allowed', 120_000)).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });

  it('that refuses the password is tried again, shown, and gets all when it is put right', async (context) => {
    need(context, 'mosquitto', 'mosquitto_passwd');
    const directory = temporaryDirectory();
    const file = join(directory, 'passwords');
    const set = (password: string) => {
      spawnSync('mosquitto_passwd', ['-c', '-b', file, 'campus', password]);
      spawnSync('mosquitto_passwd', ['-b', file, 'police', 'p']);
    };
    set('other');
    writeFileSync(join(directory, 'password'), 'right\n');
    const broker = await mosquitto(['allow_anonymous false', `password_file ${file}`]);
    const campus = await rig({
      url: url(broker.port),
      uplink: { username: 'campus', passwordFile: join(directory, 'password') },
      platform: { mqtt: { username: 'police', password: 'p' } },
    });
    campus.start();
    await until('the refusal is shown', async () =>
      /not authorised|not authorized|bad user/i.test((await campus.health()).uplinks['police']?.reason ?? ''),
    );
    set('right');
    broker.signal('SIGHUP');
    expect(await campus.settle('password refused, then right')).toMatchObject(nothingLost);
    expect(campus.daemon().log.join('\n')).not.toContain('right');
  });

  it('restarted empty, without what it had acknowledged, is filled by receipts', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto(['persistence false']);
    const uplink = { receipts: true, receiptTimeout: '2s' };
    const campus = await rig({ url: url(broker.port), uplink, platform: { receipts: true } });
    campus.start();
    for (let i = 0; i < 3; i++) {
      await delay(1000);
      await broker.stop();
      await broker.start();
    }
    expect(await campus.settle('broker restarted empty 3 times')).toMatchObject(nothingLost);
  });
});

describe('a network', { timeout: 180_000 }, () => {
  it('of 100 ms and 5 % loss that is cut now and then costs nothing', async (context) => {
    need(context, 'mosquitto');
    const broker = await mosquitto();
    const line = await relay(broker.port);
    onTestFinished(line.close);
    line.set({ delay: 100, loss: 0.05 });
    const campus = await rig({ url: url(line.port), platformUrl: url(broker.port) });
    campus.start();
    for (let i = 0; i < 4; i++) {
      await delay(3000);
      line.cut();
    }
    expect(await campus.settle('100 ms, 5 % loss, 4 cuts')).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });

  it('whose cable is pulled leaves a half-open connection, which is noticed within 15 s', async (context) => {
    need(context, 'mosquitto', 'ip');
    // Two hosts: what is pulled here tells neither end.
    const ip = (...args: string[]) => spawnSync('ip', args, { encoding: 'utf8' });
    const space = `campus-${process.pid}`;
    const made = ip('netns', 'add', space).status === 0;
    onTestFinished(() => {
      ip('netns', 'delete', space);
    });
    if (!made) {
      process.stderr.write(`skipped: ${context.task.name}: no network namespaces here\n`);
      return context.skip('no network namespaces here');
    }
    const inside = (...args: string[]) => ip('-n', space, ...args);
    ip('link', 'add', 'campus0', 'type', 'veth', 'peer', 'name', 'campus1', 'netns', space);
    ip('address', 'add', '10.99.77.1/30', 'dev', 'campus0');
    inside('address', 'add', '10.99.77.2/30', 'dev', 'campus1');
    ip('link', 'set', 'campus0', 'up');
    inside('link', 'set', 'campus1', 'up');
    inside('link', 'set', 'lo', 'up');
    const broker = await mosquitto([], { wrap: ['ip', 'netns', 'exec', space], listen: '0.0.0.0' });
    const campus = await rig({ url: url(broker.port, '10.99.77.2') });
    campus.start();
    await until('events arrive', () => campus.events.length > 50);
    inside('link', 'set', 'campus1', 'down');
    const pulled = performance.now();
    await until('it is noticed', async () => (await campus.metric('campus_uplink_connected')) === 0, 20_000);
    const noticed = (performance.now() - pulled) / 1000;
    process.stdout.write(`a pulled cable is noticed in ${noticed.toFixed(1)} s\n`);
    expect(noticed).toBeLessThan(15.5);
    await delay(3000);
    inside('link', 'set', 'campus1', 'up');
    expect(await campus.settle('cable pulled', 90_000)).toMatchObject(nothingLost);
    expect(await campus.daemon().stop()).toBe(0);
  });
});
