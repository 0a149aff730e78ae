import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../gateway/check.ts';
import { signDingTalk, signFeishu, signWebhook } from '../../gateway/notify/signatures.ts';
import { temporaryDirectory } from '../helpers.ts';

describe('signatures', () => {
  // The results of the vendors' own sample programs (open.dingtalk.com, customize-robot-security-settings; open.feishu.cn,
  // add-custom-bot) for these secrets and times.
  it.each([
    ['SEC1234567890abcdef', 1_700_000_000_000, 'RqBq3E1RTBDv3n2QBCh4adZ2WHk9mVklyUoDBLxarjI='],
    ['this is secret', 1_577_262_236_757, 'hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM='],
  ])('are those of DingTalk', (secret, ms, signed) => {
    expect(signDingTalk(secret, ms)).toBe(signed);
  });
  it.each([
    ['demo-secret', 1_599_360_473, '3/MaVZ8JLIy4TUG+7KSFJqvUkTKd+HWY8g+56DZWq8s='],
    ['9RfDwbCf5MqJ54F8FUktw', 1_584_532_800, 'YftbIE5F81bUnsLwj5Av5Ahfxsa/71+f4Th4tPR7GaA='],
  ])('are those of Feishu', (secret, s, signed) => {
    expect(signFeishu(secret, s)).toBe(signed);
  });
  it('are those of the reference implementations of Standard Webhooks', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    expect(signWebhook(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });
});

describe('the check', () => {
  /** What it says of a config with these rules. */
  function problemsOf(rules: readonly object[], contacts: readonly object[] = []): readonly string[] {
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    writeFileSync(join(directory, 'url'), 'https://robot.example/x\n');
    writeFileSync(file, JSON.stringify({ campus: { id: '4503000001', name: '一中' }, contacts, rules }));
    const loaded = readConfig(file);
    return 'errors' in loaded ? loaded.errors.map(({ message }) => message) : [];
  }
  const guards = { id: 'guards', by: 'wecom', urlFile: 'url' };

  it('takes what is right', () => {
    const rules = [{ id: 'a', notify: [{ to: ['guards'] }, { to: ['guards'], unacknowledgedFor: '1m' }] }];
    expect(problemsOf(rules, [guards])).toEqual([]);
  });
  it.each([
    [
      'nobody of that name',
      [{ id: 'a', notify: [{ to: ['guard'] }] }],
      /there is no contact guard; there are: guards/,
    ],
    ['a rule without anything', [{ id: 'a' }], /it does nothing/],
    [
      'a wait for what cannot come',
      [{ id: 'a', when: { event: 'device.offline' }, notify: [{ to: ['guards'], unacknowledgedFor: '1m' }] }],
      /only alarms are acknowledged/,
    ],
    [
      'two waits at once',
      [{ id: 'a', notify: [{ to: ['guards'], unacknowledgedFor: '1m', platformsAwayFor: '1m' }] }],
      /write two entries/,
    ],
  ])('finds %s', (_what, rules, said) => {
    expect(problemsOf(rules, [guards]).join('\n')).toMatch(said);
  });
  it('finds a file with an address that is not there', () => {
    const away = { ...guards, urlFile: 'away' };
    expect(problemsOf([{ id: 'a', notify: [{ to: ['guards'] }] }], [away]).join()).toMatch(/away/);
  });
  it('keeps no start of a gateway from its alarms for such a file, and a reload', () => {
    const file = join(temporaryDirectory(), 'campus.yaml');
    const away = { ...guards, urlFile: 'away' };
    const of = (more: object) =>
      writeFileSync(
        file,
        JSON.stringify({ campus: { id: '4503000001', name: '一中' }, contacts: [away], ...more }),
      );
    of({});
    expect(readConfig(file, { forRunning: true })).toHaveProperty('errors');
    expect(readConfig(file, { forStart: true })).toMatchObject({
      config: { contacts: [{ id: 'guards' }] },
      forgiven: [{ message: expect.stringMatching(/away cannot be read \(ENOENT\)/) }],
    });
    of({ uplinks: [{ id: 'p', url: 'mqtt://127.0.0.1:1', username: 'u', passwordFile: 'away' }] });
    expect(readConfig(file, { forStart: true })).toHaveProperty('errors');
  });
});
