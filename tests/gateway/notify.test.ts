import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import { placesOf } from '../../gateway/notify/options.ts';
import { signDingTalk, signFeishu, signWebhook } from '../../gateway/notify/signatures.ts';
import { manualClock } from '../clocks.ts';
import { eventually } from '../helpers.ts';
import { desk, event, type Posted, robot, ruleOf, START, secretFile } from './notify.ts';

it('says where a zone is, as the point list has it', async () => {
  const devices = [
    {
      id: 'guard',
      place: '传达室',
      options: { accounts: [{ account: '1234', zones: [{ zone: 3, place: '一楼东' }, { zone: 4 }] }] },
    },
  ] as unknown as Parameters<typeof placesOf>[0];
  const placeOf = placesOf(devices);
  expect(placeOf('guard', 3, '1234')).toBe('一楼东');
  expect(placeOf('guard', 4, '1234')).toBe('传达室');
  expect(placeOf('other', 4, '1234')).toBeUndefined();
  const { posts, url } = await robot();
  const urlFile = secretFile(`${url}/send?key=k`);
  const { notify } = await desk([{ id: 'w', by: 'wecom', urlFile }], { placeOf });
  notify.tell(ruleOf({ to: ['w'] }), event({ details: { account: '1234' } }), 7);
  expect(JSON.parse((await posts.next()).body).text.content).toMatch(
    /^【报警】紧急求助 保卫室主机 防区 一号按钮（一楼东，门卫室）\n/,
  );
});

describe('what is told', () => {
  it('goes to each robot as it wants it, in the language of who reads it', async () => {
    const { posts, url } = await robot();
    const urlFile = (path: string) => secretFile(`${url}${path}`);
    const { notify, audit, time } = await desk([
      { id: 'w', by: 'wecom', urlFile: urlFile('/send?key=key-of-the-group') },
      {
        id: 'd',
        by: 'dingtalk',
        urlFile: urlFile('/send?access_token=t'),
        secretFile: secretFile('this is secret'),
      },
      {
        id: 'f',
        by: 'feishu',
        language: 'en',
        urlFile: urlFile('/hook/x'),
        secretFile: secretFile('demo-secret'),
      },
      { id: 'p', by: 'webhook', language: 'both', urlFile: urlFile('/own'), secretFile: secretFile('plain') },
    ]);
    const alarm = event();
    notify.tell(ruleOf({ to: ['w', 'd', 'f', 'p'] }), alarm, 7);
    const found = new Map<string, Posted>();
    while (found.size < 4) {
      const post = await posts.next();
      found.set(post.url.split('?')[0] === '/send' ? post.url.slice(6, 9) : post.url, post);
    }
    const bodyOf = (name: string) => JSON.parse(found.get(name)?.body ?? '');
    const zh = '【报警】紧急求助 保卫室主机 防区 一号按钮（门卫室）\n第一中学 2026-11-29 08:12:30';
    expect(bodyOf('key')).toEqual({ msgtype: 'text', text: { content: zh } });
    expect(bodyOf('acc')).toEqual({ msgtype: 'text', text: { content: zh } });
    const signed = new URL(found.get('acc')?.url ?? '', url).searchParams;
    expect(signed.get('timestamp')).toBe(String(START));
    expect(signed.get('sign')).toBe(signDingTalk('this is secret', START));
    expect(bodyOf('/hook/x')).toEqual({
      timestamp: String(START / 1000),
      sign: signFeishu('demo-secret', START / 1000),
      msg_type: 'text',
      content: {
        text: '[Alarm] Panic button: 保卫室主机 zone 一号按钮 (门卫室)\n第一中学 2026-11-29 08:12:30',
      },
    });
    const { headers, body } = found.get('/own') as Posted;
    const id = String(headers['webhook-id']);
    expect(headers['webhook-signature']).toBe(signWebhook('plain', id, START / 1000, body));
    expect(JSON.parse(body).events).toMatchObject([
      { event: alarm.id, sequence: 7, kind: 'panic', device: 'guard' },
    ]);
    await eventually(() => expect(audit).toHaveLength(4));
    expect(audit[0]).toMatchObject({ kind: 'notify', rule: 'tell', event: alarm.id, outcome: 'told' });
    await time.advance(10_000);
    notify.tell(ruleOf({ to: ['w'] }), alarm, 7);
    await time.advance(10_000);
    expect(posts.rest()).toEqual([]);
  });
});

describe('who is told', () => {
  it('names persons to those alone to whom the config lets it', async () => {
    const { posts, url } = await robot();
    const { notify } = await desk([
      {
        id: 'all',
        by: 'webhook',
        urlFile: secretFile(`${url}/all`),
        secretFile: secretFile('x'),
        persons: true,
      },
      { id: 'none', by: 'webhook', urlFile: secretFile(`${url}/none`), secretFile: secretFile('x') },
    ]);
    const fetched = event({
      kind: 'credential',
      credential: { format: 'card', number: '0012345678', raw: '00' } as never,
      access: { decision: 'granted', reason: 'guardian', holder: 'g7', children: ['s1'] } as never,
    });
    notify.tell(ruleOf({ to: ['none', 'all'] }), fetched, 1);
    const told = [await posts.next(), await posts.next()];
    const textOf = (path: string) => told.find(({ url: one }) => one === path)?.body ?? '';
    expect(textOf('/all')).toContain('张小明');
    for (const word of ['张小明', 's1', 'g7', '0012345678']) expect(textOf('/none')).not.toContain(word);
  });

  it('is tried again where the robot says no, and nobody reads its address in what is said of that', async () => {
    let isGood = false;
    const { posts, url } = await robot(() => ({
      body: isGood ? { errcode: 0 } : { errcode: 93000, errmsg: 'invalid webhook url, key-of-the-group' },
    }));
    const { notify, time, logged, audit } = await desk([
      { id: 'w', by: 'wecom', urlFile: secretFile(`${url}/send?key=key-of-the-group`) },
    ]);
    notify.tell(ruleOf({ to: ['w'] }), event(), 1);
    await posts.next();
    await eventually(() => expect(notify.states()['w']?.reason).toBe('93000: invalid webhook url, …'));
    expect(notify.states()['w']).toMatchObject({ waiting: 1, failingSince: new Date(START).toISOString() });
    isGood = true;
    await time.advance(4000);
    await posts.next();
    await eventually(() => expect(audit).toMatchObject([{ outcome: 'told' }]));
    expect(notify.states()['w']?.reason).toBeUndefined();
    expect(logged.join()).not.toContain('key-of');
  });

  it('shows from the start on whose address was deleted, and no more once it is back', async () => {
    const { url } = await robot();
    const urlFile = secretFile(`${url}/`);
    rmSync(urlFile);
    const { notify, time } = await desk([{ id: 'w', by: 'wecom', urlFile }]);
    expect(notify.states()['w']).toMatchObject({
      failingSince: new Date(START).toISOString(),
      reason: expect.stringMatching(/ENOENT/),
      waiting: 0,
    });
    writeFileSync(urlFile, `${url}/\n`);
    await time.advance(60_000);
    await eventually(() => expect(notify.states()['w']?.failingSince).toBeUndefined());
  });

  it('goes together where much waits, alarms first', async () => {
    const { posts, url } = await robot();
    const { notify, time, audit } = await desk([{ id: 'w', by: 'wecom', urlFile: secretFile(`${url}/`) }]);
    const to = ruleOf({ to: ['w'] });
    notify.tell(to, event(), 1);
    await posts.next();
    notify.tell(to, event({ kind: 'fault', cause: 'tension' }), 2);
    for (let i = 3; i < 6; i++) notify.tell(to, event({ kind: 'fire' }), i);
    await eventually(() => expect(audit).toHaveLength(1));
    await time.advance(3000);
    const { content } = JSON.parse((await posts.next()).body).text as { content: string };
    expect(content.split('\n\n').map((one) => one.slice(0, 4))).toEqual([
      '【报警】',
      '【报警】',
      '【报警】',
      '【故障】',
    ]);
  });

  it('is bounded, and what goes for want of room is told', async () => {
    const { notify, audit } = await desk([{ id: 'w', by: 'wecom', urlFile: '/nowhere' }]);
    for (let i = 0; i < 1002; i++)
      notify.tell(ruleOf({ to: ['w'] }), event({ kind: i === 0 ? 'panic' : 'fault' }), i);
    expect(audit).toHaveLength(2);
    expect(audit[0]).toMatchObject({ outcome: 'dropped', contact: 'w' });
  });
});

describe('what waits', () => {
  it('is told where nobody takes the alarm, and not where somebody does', async () => {
    const { posts, url } = await robot();
    const { notify, time, audit } = await desk([{ id: 'w', by: 'wecom', urlFile: secretFile(`${url}/`) }]);
    const unless = ruleOf({ to: ['w'], unacknowledgedFor: '60s' });
    const [taken, left] = [event(), event()];
    notify.tell(unless, taken, 1);
    notify.tell(unless, left, 2);
    await time.advance(59_000);
    notify.onRecorded(
      { ...taken, type: 'cn.campus.alarm.acknowledged', data: { acknowledged: { event: taken.id } } },
      3,
    );
    await time.advance(1000);
    expect(JSON.parse((await posts.next()).body).text.content).toContain('60 秒内无人确认');
    await eventually(() => expect(audit).toMatchObject([{ event: left.id, when: 'unacknowledged' }]));
    await time.advance(60_000);
    expect(posts.rest()).toEqual([]);
  });

  it('is told as the last resort where all platforms have been away for so long and none has it', async () => {
    const { posts, url } = await robot();
    let awayMs: number | undefined;
    const delivered = new Set<number>();
    const { notify, time } = await desk([{ id: 'w', by: 'wecom', urlFile: secretFile(`${url}/`) }], {
      platformsAwayMs: () => awayMs,
      isDelivered: (_lane, sequence) => delivered.has(sequence),
    });
    const last = ruleOf({ to: ['w'], platformsAwayFor: '5m' });
    notify.tell(last, event(), 1);
    notify.tell(last, event({ kind: 'fire' }), 2);
    await time.advance(3000);
    expect(posts.rest()).toEqual([]);
    delivered.add(2);
    await time.advance(1000);
    awayMs = 300_000;
    await time.advance(1000);
    const { content } = JSON.parse((await posts.next()).body).text as { content: string };
    expect(content).toContain('紧急求助');
    expect(content).not.toContain('火警');
    expect(content).toContain('请电话报告');
  });
});

describe('over a restart', () => {
  it('what waits is told once, late by what was missed', async () => {
    const { posts, url } = await robot();
    const urls = [{ id: 'w', by: 'wecom', urlFile: secretFile(`${url}/`) }];
    const first = await desk(urls);
    const unless = ruleOf({ to: ['w'], unacknowledgedFor: '60s' }, { to: ['w'] });
    first.notify.tell(unless, event(), 1);
    await posts.next();
    await eventually(() => expect(first.audit).toHaveLength(1));
    await first.close();
    const file = join(first.directory, 'notify.log');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // A power cut in the middle of a line.
    appendFileSync(file, '{"add":{"id":"half');
    const second = await desk(urls, { directory: first.directory, time: manualClock(START + 58_000) });
    await second.time.advance(1000);
    expect(posts.rest()).toEqual([]);
    await second.time.advance(1000);
    expect(JSON.parse((await posts.next()).body).text.content).toContain('60 秒内无人确认');
    await eventually(() => expect(second.audit).toHaveLength(1));
    await second.close();
    const third = await desk(urls, { directory: first.directory, time: manualClock(START + 3_000_000) });
    await third.time.advance(5000);
    expect(posts.rest()).toEqual([]);
    expect(readFileSync(file, 'utf8')).not.toContain('half');
  });

  it.each([
    ['its first word', false],
    ['another', true],
  ])('finds in the journal what the last process had no time for: %s', async (_which, saidSomething) => {
    const { posts, url } = await robot();
    const urls = [{ id: 'w', by: 'wecom', urlFile: secretFile(`${url}/`) }];
    const first = await desk(urls);
    const unless = ruleOf({ to: ['w'] });
    const told = event();
    if (saidSomething) {
      first.notify.tell(unless, told, 1);
      await posts.next();
      await eventually(() => expect(first.audit).toHaveLength(1));
    }
    await first.close();
    const missed = event({ kind: 'fire' });
    const old = event({ kind: 'gas' });
    const kept = (one: Event, sequence: number, seenAt: number) => ({
      body: JSON.stringify(one),
      sequence,
      seenAt,
    });
    const before = saidSomething ? [kept(told, 2, START)] : [];
    const entries = [kept(missed, 3, START), ...before, kept(old, 1, START - 600_000)];
    await desk(urls, {
      directory: first.directory,
      again: unless,
      journal: {
        audit: async () => '',
        readBack: async (lane) => (lane === 'urgent' ? entries : []) as never,
        last: () => 3,
      },
    });
    const { content } = JSON.parse((await posts.next()).body).text as { content: string };
    expect(content).toMatch(/^【报警】火/);
    expect(content).not.toContain('\n\n');
  });
});
