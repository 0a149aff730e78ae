import { describe, expect, it } from 'vitest';
import { type Alarms, alarmsSchema } from '../../gateway/console/contract/alarms.ts';
import { campus, fire } from './a-board.ts';
import { startConsole } from './a-console.ts';

describe('GET /api/alarms', () => {
  it('tells who may look what stands, and its header how many that are', async () => {
    const { board, say, ready, acknowledge, closing } = await campus();
    await ready();
    const sirens = { list: () => [{ target: 'io', output: 'siren', on: true }] };
    const { as, time } = await startConsole({}, { board, sirens });
    const operator = await as('operator');
    const ask = async (path: string) => (await operator(path)).json() as Promise<Record<string, unknown>>;
    expect((await (await as('screen'))('/api/alarms')).status).toBe(403);
    await say(fire());
    await acknowledge();
    await time.advance(200);
    // By the schema of the answer: nothing of the list is lost on the way.
    expect(await ask('/api/alarms')).toEqual(
      JSON.parse(JSON.stringify({ ...board.list(), sirens: sirens.list() })),
    );
    expect(alarmsSchema.safeParse(await ask('/api/alarms')).error).toBeUndefined();
    expect(await ask('/api/overview')).toMatchObject({ level: 'alarm', alarms: 1 });
    await say(fire('restored'));
    await closing();
    expect(await ask('/api/overview')).toMatchObject({ level: 'good', alarms: 0 });
  });

  it('is put into words five times a second at most in a flood, and misses nothing of it', async () => {
    const { board, say, ready } = await campus();
    await ready();
    let lists = 0;
    const counted = {
      ...board,
      list() {
        lists++;
        return board.list();
      },
    };
    const { as, time } = await startConsole({}, { board: counted });
    const operator = await as('operator');
    const ask = async () => ((await (await operator('/api/alarms')).json()) as Alarms).alarms.length;
    expect(await ask()).toBe(0);
    // Where nothing changes, nobody waits.
    expect(await Promise.all([ask(), ask()])).toEqual([0, 0]);
    await time.advance(200);
    await say(fire());
    expect(await ask()).toBe(1);
    const before = lists;
    await say({ device: 'panel', kind: 'gas', state: 'raised' });
    const timers = time.pending;
    const asked = [ask(), ask(), ask()];
    while (time.pending === timers) await new Promise((resolve) => setImmediate(resolve));
    await say({ device: 'panel', kind: 'water', state: 'raised' });
    await time.advance(200);
    expect([await Promise.all(asked), lists - before]).toEqual([[3, 3, 3], 1]);
  });
});
