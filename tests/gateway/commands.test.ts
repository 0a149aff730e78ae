/** What becomes of a command that is allowed: it is carried out once, whatever stops in between. */
import { describe, expect, it } from 'vitest';
import { bytes, commandPath, unsigned, vector } from './command-path.ts';

describe('a command', () => {
  it('signed by a key of the config is carried out, once; its id again gets the first answer', async () => {
    const { send, moved, events, clock } = await commandPath();
    expect(await send(vector)).toEqual({ id: 'c-1', done: true });
    clock.time += 3_600_000; // Long expired: the answer is still the first one.
    expect(await send(vector)).toEqual({ id: 'c-1', done: true });
    expect(moved).toEqual([
      {
        ...{ id: 'c-1', target: 'gate-io', action: 'unlock', arguments: { output: 'gate' } },
        notAfter: expect.any(Number),
      },
    ]);
    expect(events.map(([type]) => type)).toEqual(['command.done']);
  });

  it('of the same id with other arguments gets the first answer', async () => {
    const { send, moved } = await commandPath();
    expect(await send(unsigned)).toEqual({ id: 'c-1', done: true });
    expect(await send({ ...unsigned, arguments: { output: 'jammed' } })).toEqual({ id: 'c-1', done: true });
    expect(moved).toHaveLength(1);
  });

  it('answers in full to who asked, again too, and tells the others in short', async () => {
    const { send, events } = await commandPath();
    const answer = { id: 'i', done: true, result: { devices: ['a', 'b'] } };
    for (let i = 0; i < 2; i++)
      expect(await send({ id: 'i', action: 'inventory' }, 'gateway')).toEqual(answer);
    expect(events).toHaveLength(1);
    expect(JSON.stringify(events)).not.toContain('devices');
  });

  it('that comes twice at once is carried out once', async () => {
    const { send, moved } = await commandPath();
    const answers = await Promise.all([send(vector), send(vector), send(vector)]);
    expect(answers).toEqual(Array(3).fill({ id: 'c-1', done: true }));
    expect(moved).toHaveLength(1);
  });

  it('that failed is answered so again, and is not tried again', async () => {
    const { send, moved } = await commandPath();
    const message = { ...unsigned, arguments: { output: 'jammed' } };
    expect(await send(message)).toEqual({ id: 'c-1', done: false, reason: 'jammed' });
    expect(await send(message)).toEqual({ id: 'c-1', done: false, reason: 'jammed' });
    expect(moved).toHaveLength(1);
  });

  it('that was signed acts once on the campus, whichever uplink it came by', async () => {
    const { send, moved, directory, journal } = await commandPath();
    const answers = await Promise.all([send(vector), send(vector, 'gate-io', { id: 'education' })]);
    const refused = { id: 'c-1', done: false, reason: expect.stringContaining('another way') };
    expect(answers).toEqual([{ id: 'c-1', done: true }, refused]);
    await journal.close();
    const restarted = await commandPath({ directory });
    expect(await restarted.send(vector, 'gate-io', { id: 'education' })).toEqual(refused);
    expect(await restarted.send(vector)).toEqual({ id: 'c-1', done: true });
    expect([...moved, ...restarted.moved]).toHaveLength(1);
    // An id of what was not signed is its sender's own.
    expect(await restarted.send(unsigned, 'gate-io', { id: 'education' })).toMatchObject({ done: true });
    expect(restarted.moved).toHaveLength(1);
  });

  it('is known after a restart; one that was cut off is not tried again, and both are told', async () => {
    const first = await commandPath();
    await first.send(vector);
    first.hang();
    void first.send({ ...unsigned, id: 'c-2' });
    await expect.poll(() => first.moved.length).toBe(2);
    await first.journal.close();
    const second = await commandPath({ directory: first.directory });
    await second.commands.tellInterrupted();
    expect(second.events).toEqual([
      ['command.failed', expect.objectContaining({ id: 'c-2', unknown: true })],
    ]);
    expect(await second.send(vector)).toEqual({ id: 'c-1', done: true });
    expect(await second.send({ ...unsigned, id: 'c-2' })).toMatchObject({ done: false, unknown: true });
    expect(second.moved).toEqual([]);
    await second.commands.tellInterrupted();
    expect(second.events).toHaveLength(1);
  });

  it('is not carried out where the disk takes nothing, and may come again', async () => {
    const { send, journal, moved } = await commandPath();
    await journal.close();
    const { done, reason } = await send(vector);
    expect({ done, moved }).toEqual({ done: false, moved: [] });
    expect(reason).toContain('the disk takes nothing');
  }, 20_000);
});

describe('an order in words of a platform of another kind', () => {
  const order = { id: 'gb-1', target: 'gate-io', action: 'unlock', arguments: { output: 'gate' } };

  it('goes the way of a command: once, over a restart too, noted, and told', async () => {
    const first = await commandPath();
    expect(await first.commands.order(order, first.source)).toEqual({ id: 'gb-1', done: true });
    expect(await first.commands.order(order, first.source)).toEqual({ id: 'gb-1', done: true });
    expect(first.moved).toHaveLength(1);
    await expect.poll(() => first.events.map(([type]) => type)).toEqual(['command.done']);
    await first.journal.close();
    const second = await commandPath({ directory: first.directory });
    expect(await second.commands.order(order, second.source)).toEqual({ id: 'gb-1', done: true });
    expect(second.moved).toEqual([]);
  });

  it('is refused where no rule allows it, and where only what is signed may act', async () => {
    const { commands, source, moved } = await commandPath();
    const ask = (own: object, more: object = {}) =>
      commands.order({ ...order, ...more }, { ...source, ...own });
    expect(await ask({ rules: [] })).toMatchObject({
      done: false,
      reason: expect.stringContaining('not allowed'),
    });
    const signedOnly = [{ actions: ['unlock' as const], targets: ['*'], signed: true }];
    expect(await ask({ rules: signedOnly })).toMatchObject({ done: false, reason: 'it must be signed' });
    expect(await ask({}, { target: 'other' })).toMatchObject({ done: false });
    expect(moved).toEqual([]);
  });

  it('of a flood is refused, and each gets an answer', async () => {
    const { commands, source, moved } = await commandPath({
      source: { rate: { perMinute: 60, burst: 3 } },
    });
    for (let i = 0; i < 100; i++)
      expect(await commands.order({ ...order, id: `f-${i}` }, source)).toMatchObject({ done: i < 3 });
    expect(moved).toHaveLength(3);
  });
});

describe('a command of a flood', () => {
  it('that comes too fast is refused unread, told once, and answered seldom', async () => {
    const { commands, source, moved, events, tick } = await commandPath({
      source: { rate: { perMinute: 60, burst: 3 } },
    });
    const send = (i: number) =>
      commands.receiveCommand(bytes({ ...unsigned, id: `f-${i}` }), 'gate-io', source);
    const replies = [];
    for (let i = 0; i < 1000; i++) replies.push(await send(i));
    expect(moved).toHaveLength(3);
    expect(replies.slice(3, 5)).toEqual(
      [3, 4].map((i) => ({ id: `f-${i}`, done: false, reason: expect.stringContaining('too many') })),
    );
    expect(replies.filter((reply) => reply !== undefined).length).toBeLessThan(30);
    await expect
      .poll(() => events.map(([type]) => type).sort())
      .toEqual(['command.done', 'command.done', 'command.done', 'command.refused']);
    // Another source has its own, and a minute later so has this one.
    const other = await commands.receiveCommand(bytes(unsigned), 'gate-io', { ...source, id: 'education' });
    expect(other).toMatchObject({ done: true });
    tick(60_000);
    expect(await send(1000)).toMatchObject({ done: true });
  });

  it('is refused while too many of its sender are under way, and comes later', async () => {
    const { send, hang, moved } = await commandPath();
    hang();
    for (let i = 0; i < 100; i++) void send({ ...unsigned, id: `h-${i}` });
    expect(await send({ ...unsigned, id: 'more' })).toMatchObject({
      done: false,
      reason: expect.stringContaining('under way'),
    });
    const other = send({ id: 'i', action: 'inventory' }, 'gateway', { id: 'education' });
    expect(await other).toMatchObject({ done: true });
    expect(moved.some(({ id }) => id === 'more')).toBe(false);
  });
});
