/** Orders of the users of one console: none takes commands away from the others, and what is wrong in them is not kept. */
import { describe, expect, it } from 'vitest';
import type { Source } from '../../gateway/commands/index.ts';
import { openReader } from '../../gateway/journal/reader.ts';
import { commandPath, unsigned } from './command-path.ts';

const order = { target: 'gate-io', action: 'unlock', arguments: { output: 'gate' } };
const of = (sender: string): Partial<Source> => ({
  kind: 'console',
  id: 'console',
  sender,
  rate: { perMinute: 60, burst: 3 },
});
/** `order` as one user of the console. */
async function consolePath() {
  const path = await commandPath();
  const ask = (sender: string, id: string, more: object = {}, own: Partial<Source> = {}) =>
    path.commands.order({ ...order, id, issuer: sender, ...more }, { ...path.source, ...of(sender), ...own });
  return { ...path, ask };
}
async function auditOf({ directory, journal }: Awaited<ReturnType<typeof commandPath>>) {
  await journal.close();
  const reader = openReader(directory);
  const { entries } = reader.audit();
  reader.close();
  return entries.map(({ body }) => body);
}

describe('users of a console', () => {
  it('have limits of their own; the audit and events have the console and who of it', async () => {
    const path = await consolePath();
    for (let i = 0; i < 60; i++) await path.ask('wang', `w-${i}`);
    expect(await path.ask('wang', 'w')).toMatchObject({
      done: false,
      reason: expect.stringContaining('too many'),
    });
    expect(await path.ask('li', 'l')).toEqual({ id: 'l', done: true });
    await expect
      .poll(() => path.events)
      .toContainEqual(['command.done', expect.objectContaining({ from: 'console', issuer: 'li', id: 'l' })]);
    // An uplink that is called as a user is another one, too.
    expect(await path.send({ ...unsigned, id: 'u' }, 'gate-io', { id: 'wang' })).toMatchObject({
      done: true,
    });
  });

  it('that may not do something spend nothing on it', async () => {
    const { ask } = await consolePath();
    for (let i = 0; i < 60; i++)
      expect(await ask('wang', `w-${i}`, {}, { rules: [] })).toMatchObject({
        reason: expect.stringContaining('not allowed'),
      });
    expect(await ask('wang', 'w')).toEqual({ id: 'w', done: true });
  });

  it('may say until when it is to be done: after that it is not', async () => {
    const { ask, clock } = await consolePath();
    const now = clock.time;
    expect(await ask('wang', 'late', { issuedAt: now - 20_000, expiresAt: now - 1 })).toMatchObject({
      done: false,
      reason: expect.stringContaining('expired'),
    });
    expect(await ask('wang', 'in time', { issuedAt: now - 20_000, expiresAt: now + 10_000 })).toEqual({
      id: 'in time',
      done: true,
    });
  });

  it('have as many under way, each', async () => {
    const { ask, hang } = await consolePath();
    hang();
    const rate = { perMinute: 60_000, burst: 10_000 };
    for (let i = 0; i < 100; i++) void ask('wang', `w-${i}`, {}, { rate });
    expect(await ask('wang', 'w', {}, { rate })).toMatchObject({
      reason: expect.stringContaining('under way'),
    });
    const other = ask('li', 'l', { action: 'inventory', target: 'gateway', arguments: {} });
    expect(await other).toMatchObject({ done: true });
  });

  it('are forgotten where there are too many of them', async () => {
    const { ask } = await consolePath();
    const rate = { perMinute: 1, burst: 1 };
    const wrong = { target: 'gate-io', arguments: { a: {} } };
    await ask('wang', 'w-1', wrong, { rate });
    expect(await ask('wang', 'w-2', wrong, { rate })).toMatchObject({
      reason: expect.stringContaining('too many'),
    });
    const deep = { arguments: nested(30) };
    for (let i = 0; i < 2000; i++) await ask(`user-${i}`, 'x', deep, { rate });
    expect(await ask('wang', 'w-3', deep, { rate })).toMatchObject({
      reason: expect.stringContaining('deeper'),
    });
  });
});

function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let i = 0; i < levels; i++) value = { a: value };
  return value;
}

describe('the arguments of an order that is refused', () => {
  it.each([
    ['that the action does not have', { arguments: { output: 'gate', 张三: '住址'.repeat(4000) } }],
    ['of a wrong kind', { arguments: { output: ['张三'] } }],
    ['to what is not there', { target: 'gateway', arguments: { output: '张三' } }],
    ['that are long', { arguments: { output: `gate${'x'.repeat(10_000)}` } }],
  ])('%s are in the audit by the names alone that the catalogue has', async (_name, more) => {
    const path = await consolePath();
    await path.ask('wang', 'w', more);
    const bodies = await auditOf(path);
    const all = bodies.join('\n');
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ kind: 'command', from: 'console', issuer: 'wang' });
    expect(all).toContain('["output"]');
    expect(all).not.toMatch(/张三|住址|xxx/);
    expect(all.length).toBeLessThan(1000);
  });

  it('say how many others there were, also to who asked', async () => {
    const path = await consolePath();
    const reply = await path.ask('wang', 'w', { arguments: { output: 'gate', 张三: 1, 李四: 2 } });
    expect(reply).toEqual({
      id: 'w',
      done: false,
      reason: 'arguments: 2 unrecognized by unlock; it has output',
    });
    expect(JSON.parse((await auditOf(path))[0] ?? '')).toMatchObject({
      arguments: { refused: ['output'], others: 2 },
    });
  });

  it('are refused for what they are where they are nested too deep, and the disk is not blamed', async () => {
    const { ask, send, moved } = await consolePath();
    expect(await ask('wang', 'w', { arguments: nested(7000) })).toEqual({
      id: 'w',
      done: false,
      reason: 'arguments: nested deeper than 20',
    });
    // 7,000 levels as a message are more than 16 KB; these are not.
    expect(await send({ ...unsigned, id: 'u', arguments: nested(2600) })).toEqual({
      id: 'u',
      done: false,
      reason: 'arguments: nested deeper than 20',
    });
    expect(await ask('li', 'l', { arguments: nested(19) })).toMatchObject({
      reason: expect.stringContaining('arguments.output'),
    });
    expect(moved).toEqual([]);
  });

  it('that make a message none give a short reason', async () => {
    const path = await consolePath();
    const { reason } = await path.send({ ...unsigned, ['x'.repeat(10_000)]: 1 });
    expect(reason).toHaveLength(300);
    expect((await auditOf(path)).join('').length).toBeLessThan(1000);
  });
});
