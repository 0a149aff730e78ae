/** The screen at a gate, over real HTTP. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../config/catalogue/events.ts';
import type { Observation } from '../../drivers/contract/observation.ts';
import { eventsOf, type Sent, startConsole } from './a-console.ts';

const pickup = (door: string, children: readonly string[], more: object = {}) =>
  ({
    id: 'e-1',
    type: 'cn.campus.access.pickup',
    data: { access: { door, decision: 'granted', holder: 'g-1', children, ...more } },
  }) as unknown as Event;

async function screenOf(one: Awaited<ReturnType<typeof startConsole>>) {
  const screen = await one.as('screen');
  const follow = async (lastId?: string) =>
    eventsOf(
      await screen('/api/gate/gate', lastId === undefined ? {} : { headers: { 'last-event-id': lastId } }),
    );
  return { screen, follow };
}
const nextPickup = async (events: AsyncGenerator<Sent>): Promise<Sent> => {
  for (;;) {
    const { value } = await events.next();
    if (value === undefined) throw new Error('the stream ended');
    if (value.event === 'pickup') return value;
  }
};
const names = ({ data }: Sent) => (data as { children: { name: string }[] }).children.map(({ name }) => name);

describe('the screen at a gate', () => {
  it('shows whose child may go, by name, of that gate only', async () => {
    const one = await startConsole();
    const { screen, follow } = await screenOf(one);
    const events = await follow();
    expect((await events.next()).value).toMatchObject({
      event: 'hello',
      data: { door: '北门', campus: '一中', webVersion: expect.stringMatching(/^[\w-]{12}$/) },
    });
    one.happen(pickup('other', ['c-1']));
    one.happen({ id: 'x', type: 'cn.campus.alarm.raised', data: {} } as unknown as Event);
    one.happen(pickup('gate', ['c-1', 'c-9']));
    expect(await nextPickup(events)).toEqual({
      event: 'pickup',
      id: '9',
      // Who came for them is on no screen.
      data: { decision: 'granted', children: [{ name: '李明', class: '一年级2班' }, { name: 'c-9' }] },
    });
    one.happen(pickup('gate', [], { decision: 'denied', reason: 'not-bound' }));
    expect((await nextPickup(events)).data).toEqual({
      decision: 'denied',
      reason: 'not-bound',
      children: [],
    });
    expect((await screen('/api/gate/none')).status).toBe(404);
    // Its page is the same for all, and says nothing of the place.
    const page = await fetch(`${one.base}/gate/gate`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).not.toMatch(/一中|北门/);
  });

  it('tells again what a broken line missed, while who showed the card may still stand there', async () => {
    const one = await startConsole();
    const { follow } = await screenOf(one);
    const first = await follow();
    await first.next();
    one.happen(pickup('gate', ['c-1']));
    const seen = await nextPickup(first);
    await first.return(undefined);
    one.happen(pickup('gate', ['c-2']));
    one.happen(pickup('gate', ['c-3']));
    const second = await follow(seen.id);
    expect([names(await nextPickup(second)), names(await nextPickup(second))]).toEqual([['c-2'], ['c-3']]);
    await second.return(undefined);
    await one.time.advance(15_000);
    const third = await follow(seen.id);
    one.happen(pickup('gate', ['c-4']));
    expect(names(await nextPickup(third))).toEqual(['c-4']);
    // Who comes for the first time is told of nothing before.
    const fourth = await follow();
    one.happen(pickup('gate', ['c-5']));
    expect(names(await nextPickup(fourth))).toEqual(['c-5']);
  });

  it('shows what the disk did not take, too', async () => {
    type Told = Parameters<Parameters<typeof access.onUnkept>[0]>[0];
    const unkept: ((told: Told) => void)[] = [];
    const access = {
      doors: () => [],
      keptOpen: () => new Set<string>(),
      lockdownSince: () => undefined,
      inside: () => [],
      onUnkept: (listener: (observation: Pick<Observation, 'access'>) => void) => void unkept.push(listener),
    };
    const one = await startConsole({}, { access });
    const { follow } = await screenOf(one);
    const events = await follow();
    await events.next();
    const decided = { decision: 'granted', children: ['c-1'] } as const;
    for (const tell of unkept) for (const door of ['other', 'gate']) tell({ access: { door, ...decided } });
    expect(await nextPickup(events)).toMatchObject({ id: undefined, data: { children: [{ name: '李明' }] } });
  });

  it('says every two seconds that it is there, and ends with the session', async () => {
    const one = await startConsole();
    const { screen, follow } = await screenOf(one);
    const events = await follow();
    await events.next();
    const beat = events.next();
    await one.time.advance(2000);
    expect((await beat).value).toMatchObject({ event: 'beat' });
    const over = events.next().then(
      () => 'told',
      () => 'ended',
    );
    const logout = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect((await screen('/api/logout', logout)).status).toBe(204);
    expect(await over).toBe('ended');
    expect((await screen('/api/gate/gate')).status).toBe(401);
  });

  it('is one of a hundred at most', async () => {
    const one = await startConsole();
    const { screen } = await screenOf(one);
    const open: Response[] = [];
    for (let i = 0; i < 100; i++) open.push(await screen('/api/gate/gate'));
    expect((await screen('/api/gate/gate')).status).toBe(503);
    await open[0]?.body?.cancel();
    await expect
      .poll(async () => {
        const again = await screen('/api/gate/gate');
        await again.body?.cancel();
        return again.status;
      })
      .toBe(200);
    await Promise.all(open.slice(1).map(({ body }) => body?.cancel()));
  });
});
