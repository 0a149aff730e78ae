/** An operator takes an alarm and closes it, at its campus, and hears what became of it. */
import { describe, expect, it } from 'vitest';
import type { SendCommand } from '../gateway/platform/api/acts.ts';
import { alarmOf, campusOf, cityStore, obedient, prefixOf, startCity } from './a-city.ts';
import { manualClock } from './clocks.ts';
import { browserAt, settle } from './gateway/console-people.ts';
import { temporaryDirectory } from './helpers.ts';

/** A city with the alarm `a` at campus 1, and two operators. `command`: how the campus answers. */
async function city(command?: (obey: SendCommand) => SendCommand, cannotSign?: string) {
  const dataDir = temporaryDirectory();
  await settle(dataDir, [
    { name: 'wang', role: 'operator' },
    { name: 'zhao', role: 'operator' },
  ]);
  const time = manualClock();
  const store = cityStore(time);
  store.putCampus(campusOf('1'));
  store.putAlarm(alarmOf('a', '1'));
  const sent: { prefix: string; target: string; action: string; args: object }[] = [];
  const answer = command?.(obedient(store, time)) ?? obedient(store, time);
  const noting: SendCommand = (prefix, target, action, args) => {
    sent.push({ prefix, target, action, args });
    return answer(prefix, target, action, args);
  };
  const signing = {
    signing: () => ({
      able: cannotSign === undefined,
      ...(cannotSign !== undefined && { reason: cannotSign }),
    }),
    cannotSign: () => cannotSign,
  };
  const options = { dataDir, time, store, command: noting, signing };
  const one = await startCity(options);
  const loggedIn = async (name: string, base = one.base) => {
    const browser = browserAt(base);
    expect((await browser.login(name)).status).toBe(200);
    return async (what: string, body: object = {}) => {
      const response = await browser.post(`/api/alarms/${what}`, body);
      return { status: response.status, ...((await response.json()) as { done?: boolean; reason?: string }) };
    };
  };
  const audited = () => store.audits.find(({ kind }) => kind === 'alarm');
  return { ...one, sent, loggedIn, audited, again: () => startCity(options) };
}

describe('an alarm', () => {
  it('is one of each campus that uses its id: who says which is understood, who does not is asked', async () => {
    const { loggedIn, sent, store } = await city();
    store.putCampus(campusOf('2'));
    store.alarms.set('of another campus', alarmOf('a', '2'));
    const wang = await loggedIn('wang');
    for (const [what, body] of [['acknowledge'], ['close', { reason: 'real' }]] as const)
      expect(await wang(`a/${what}`, body)).toEqual({
        ...{ status: 409, error: 'several-campuses', detail: 'campus' },
      });
    expect(sent).toEqual([]);
    expect(await wang('a/acknowledge?campus=1')).toMatchObject({ status: 200, done: true });
    expect(sent.map(({ prefix }) => prefix)).toEqual([prefixOf('1')]);
    expect(await wang('a/acknowledge?campus=3')).toMatchObject({ status: 404 });
  });

  it('is taken at its campus, by who is logged in, and the audit has it before and after', async () => {
    const { loggedIn, sent, audited, store } = await city();
    const wang = await loggedIn('wang');
    expect(await wang('a/acknowledge')).toEqual({ status: 200, done: true, ms: expect.any(Number) });
    expect(sent).toEqual([
      {
        ...{ prefix: prefixOf('1'), target: 'gateway', action: 'acknowledge' },
        args: { event: 'a', sequence: '4711', by: 'wang' },
      },
    ]);
    expect(store.alarms.get('a')?.acknowledged?.by).toBe('wang');
    const noted = { kind: 'alarm', action: 'acknowledge', alarm: 'a', campus: '1', user: 'wang' };
    expect(await audited()).toEqual({ ...noted, from: '127.0.0.1' });
    expect(await audited()).toMatchObject({ ...noted, outcome: { done: true } });
  });

  it('is closed with what it was, and nobody says in whose name', async () => {
    const { loggedIn, sent } = await city();
    const wang = await loggedIn('wang');
    expect(await wang('a/close', { reason: 'real', note: '门卫已到' })).toMatchObject({ done: true });
    expect(sent[0]?.args).toEqual({
      ...{ event: 'a', sequence: '4711', by: 'wang' },
      ...{ reason: 'real', note: '门卫已到' },
    });
    for (const body of [
      { reason: 'real', by: 'zhao' },
      { reason: 'boring' },
      {},
      { reason: 'real', note: '' },
    ])
      expect((await wang('a/close', body)).status).toBe(400);
    expect((await wang('a/acknowledge', { by: 'zhao' })).status).toBe(400);
    expect(sent.length).toBe(1);
  });

  it('that is taken or closed already says by whom, and asks nobody', async () => {
    const { loggedIn, sent, store } = await city();
    const [wang, zhao] = [await loggedIn('wang'), await loggedIn('zhao')];
    await wang('a/acknowledge');
    expect(await zhao('a/acknowledge')).toMatchObject({ done: false, reason: 'taken', by: 'wang' });
    await zhao('a/close', { reason: 'test' });
    const at = store.alarms.get('a')?.closed?.at;
    expect(await wang('a/close', { reason: 'real' })).toMatchObject({ reason: 'closed', by: 'zhao', at });
    expect(await wang('a/acknowledge')).toMatchObject({ reason: 'closed', by: 'zhao' });
    expect(sent.map(({ action }) => action)).toEqual(['acknowledge', 'close']);
  });

  it('is taken by one of two who click at once, and once where one clicks twice', async () => {
    const gate = Promise.withResolvers<void>();
    const { loggedIn, sent } = await city((obey) => async (...order) => {
      await gate.promise;
      return await obey(...order);
    });
    const [wang, zhao] = [await loggedIn('wang'), await loggedIn('zhao')];
    const first = wang('a/acknowledge');
    await expect.poll(() => sent.length).toBe(1);
    const others = [wang('a/acknowledge'), zhao('a/acknowledge')];
    gate.resolve();
    expect(await first).toMatchObject({ done: true });
    expect(await Promise.all(others)).toEqual([
      expect.objectContaining({ done: true }),
      expect.objectContaining({ done: false, reason: 'taken', by: 'wang' }),
    ]);
    expect(sent.length).toBe(1);
    // Later, too.
    expect(await wang('a/acknowledge')).toMatchObject({ done: true, ms: 0 });
  });

  it('is taken by the first at its campus, where two instances ask at once', async () => {
    let isFirst = true;
    const { loggedIn, again, time } = await city((obey) => async (...order) => {
      // The campus hears the second one first.
      if (isFirst) {
        isFirst = false;
        await time.wait(1000);
      }
      return await obey(...order);
    });
    const other = await again();
    const [wang, zhao] = [await loggedIn('wang'), await loggedIn('zhao', other.base)];
    const late = wang('a/acknowledge');
    await expect.poll(() => isFirst).toBe(false);
    expect(await zhao('a/acknowledge')).toMatchObject({ done: true });
    expect(await time.until(late)).toMatchObject({ done: false, reason: 'taken', by: 'zhao' });
  });

  it('may be tried by the other where the first could not', async () => {
    let tries = 0;
    const { loggedIn, time } = await city((obey) => async (...order) => {
      if (tries++ > 0) return await obey(...order);
      await time.wait(1000);
      throw new Error('the broker is away');
    });
    const [wang, zhao] = [await loggedIn('wang'), await loggedIn('zhao')];
    const first = wang('a/acknowledge');
    await expect.poll(() => tries).toBe(1);
    const second = zhao('a/acknowledge');
    expect(await time.until(first)).toMatchObject({ done: false, reason: 'broker' });
    expect(await second).toMatchObject({ done: true });
  });
});

describe('an alarm that cannot be taken', () => {
  it('of a campus that is offline or withdrawn is answered at once', async () => {
    const { loggedIn, sent, store } = await city();
    const wang = await loggedIn('wang');
    store.putCampus(campusOf('1', { state: 'silent', reasons: ['offline'] }));
    expect(await wang('a/acknowledge')).toMatchObject({ done: false, reason: 'offline' });
    store.putCampus(campusOf('1', { state: 'withdrawn' }));
    expect(await wang('a/close', { reason: 'real' })).toMatchObject({ done: false, reason: 'withdrawn' });
    expect(sent).toEqual([]);
  });

  it('is not sent where this instance has no key to sign with, and says what to do; so does /health', async () => {
    const { loggedIn, sent, base } = await city(undefined, 'copy the folder authority');
    const wang = await loggedIn('wang');
    expect(await wang('a/acknowledge')).toEqual({
      ...{ status: 200, done: false, reason: 'cannot-sign', detail: 'copy the folder authority' },
    });
    expect(sent).toEqual([]);
    expect(await (await fetch(`${base}/health`)).json()).toMatchObject({
      healthy: true,
      signing: { able: false, reason: 'copy the folder authority' },
    });
  });

  it('of a campus that does not answer is told so after 20 s', async () => {
    const { loggedIn, sent, time } = await city(() => () => new Promise(() => {}));
    const wang = await loggedIn('wang');
    const asked = wang('a/acknowledge');
    await expect.poll(() => sent.length).toBe(1);
    const begun = time.elapsed();
    expect(await time.until(asked)).toMatchObject({ status: 200, done: false, reason: 'no-answer' });
    expect(time.elapsed() - begun).toBeLessThanOrEqual(20_000);
  });

  it('that the campus refuses bears its words', async () => {
    const { loggedIn } = await city(() => async () => ({ done: false, reason: 'no rule allows it' }));
    const wang = await loggedIn('wang');
    expect(await wang('a/acknowledge')).toEqual({
      ...{ status: 200, done: false, reason: 'refused', detail: 'no rule allows it' },
    });
  });

  it('that has no number yet waits for it; one that is not there is none', async () => {
    const { loggedIn, store } = await city();
    store.putAlarm(alarmOf('b', '1', { sequence: '0' }));
    const wang = await loggedIn('wang');
    expect(await wang('b/acknowledge')).toMatchObject({ done: false, reason: 'not-numbered' });
    expect(await wang('c/acknowledge')).toMatchObject({ status: 404, error: 'not-found' });
  });

  it('is not touched where the audit cannot be written', async () => {
    const { loggedIn, sent, store } = await city();
    const wang = await loggedIn('wang');
    store.state.isAway = true;
    expect(await wang('a/acknowledge')).toMatchObject({ status: 503, error: 'unavailable' });
    expect(sent).toEqual([]);
  });

  it('whose event does not come back is answered all the same', async () => {
    const { loggedIn, time, sent } = await city(() => async () => ({ done: true }));
    const wang = await loggedIn('wang');
    const asked = wang('a/acknowledge');
    await expect.poll(() => sent.length).toBe(1);
    expect(await time.until(asked)).toMatchObject({ done: true });
  });
});

describe('an alarm that its campus cannot close', () => {
  const noAlarm: SendCommand = async () => ({
    done: false,
    reason: 'there is no alarm a with the sequence 4711',
  });

  it.each<Parameters<typeof campusOf>[1]>([
    { state: 'silent', reasons: ['offline'] },
    { state: 'silent', reasons: ['quiet'] },
    { state: 'withdrawn' },
  ])('is taken and closed at the desk, by the first, where it is %j', async (how) => {
    const { loggedIn, sent, store, audited } = await city();
    const [wang, zhao] = [await loggedIn('wang'), await loggedIn('zhao')];
    store.putCampus(campusOf('1', how));
    expect(await wang('a/acknowledge', { here: true })).toEqual({
      status: 200,
      done: true,
      ms: 0,
      here: true,
    });
    expect(await audited()).toMatchObject({ action: 'acknowledge', user: 'wang', here: true });
    expect(await zhao('a/acknowledge', { here: true })).toMatchObject({
      done: false,
      reason: 'taken',
      by: 'wang',
    });
    const why = { here: true, reason: 'test', note: '学校已停用' };
    expect(await zhao('a/close', why)).toMatchObject({ done: true, here: true });
    expect(store.alarms.get('a')).toMatchObject({
      acknowledged: { by: 'wang', here: true },
      closed: { by: 'zhao', here: true, reason: 'test', note: '学校已停用' },
    });
    expect(await wang('a/close', why)).toMatchObject({ done: false, reason: 'closed', by: 'zhao' });
    expect(sent).toEqual([]);
  });

  it('is closed at the desk where the campus has no such alarm, after it was asked', async () => {
    const { loggedIn, sent, store } = await city(() => noAlarm);
    const wang = await loggedIn('wang');
    expect(await wang('a/close', { reason: 'real' })).toMatchObject({ done: false, reason: 'unknown-alarm' });
    expect(store.alarms.get('a')?.closed).toBeUndefined();
    expect(await wang('a/close', { reason: 'real', here: true })).toMatchObject({ done: true, here: true });
    expect(sent.length).toBe(2);
  });

  it('is closed at its campus all the same, where that can', async () => {
    const { loggedIn, sent, store } = await city();
    const wang = await loggedIn('wang');
    expect(await wang('a/close', { reason: 'real', here: true })).toEqual({
      ...{ status: 200, done: true, ms: expect.any(Number) },
    });
    expect(sent.length).toBe(1);
    expect(store.alarms.get('a')?.closed?.here).toBeUndefined();
  });

  it('is left where the campus refuses for another reason, or does not answer', async () => {
    const { loggedIn, store } = await city(() => async () => ({ done: false, reason: 'no rule allows it' }));
    const wang = await loggedIn('wang');
    expect(await wang('a/acknowledge', { here: true })).toMatchObject({ done: false, reason: 'refused' });
    expect(store.alarms.get('a')?.acknowledged).toBeUndefined();
  });

  it('is closed at the desk where it never got a number', async () => {
    const { loggedIn, store } = await city();
    store.putAlarm(alarmOf('b', '1', { sequence: '0' }));
    const wang = await loggedIn('wang');
    expect(await wang('b/close', { reason: 'real', here: true })).toMatchObject({ reason: 'not-numbered' });
    store.putCampus(campusOf('1', { state: 'withdrawn' }));
    expect(await wang('b/close', { reason: 'real', here: true })).toMatchObject({ done: true, here: true });
  });
});
