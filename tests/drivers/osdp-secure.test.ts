import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { osdp } from '../../drivers/osdp/driver.ts';
import { fakeHost } from '../helpers.ts';
import { device, KEY, keyFile, line, shown } from './osdp-line.ts';

describe('the secure channel', () => {
  const secure = { key: Buffer.from(KEY, 'hex') };

  it('carries cards under the reader’s own key', async () => {
    const { simulators, links, card, port } = await line([
      { address: 0, ...secure, more: { keyFile: keyFile() } },
    ]);
    expect(await links.next()).toMatchObject({ state: 'online' });
    await simulators[0]?.do('card 77');
    expect(await card({})).toMatchObject(shown('77'));
    expect(port).toBeGreaterThan(0);
  });

  it('comes up again when a reader restarts in the middle of a session', async () => {
    const { simulators, links, card } = await line([{ address: 0, ...secure, more: { keyFile: keyFile() } }]);
    await links.next();
    for (let i = 0; i < 5; i++) {
      await simulators[0]?.do(`card ${200 + i}`);
      expect(await card({})).toMatchObject(shown(String(200 + i)));
      await simulators[0]?.do('restart');
    }
    expect(links.rest()).toEqual([]);
  });

  it('does not come up with another key, and nothing that such a reader says counts', async () => {
    const other = 'ff'.repeat(16);
    const { simulators, links, reports, discards } = await line([
      { address: 0, ...secure, more: { keyFile: keyFile(other) } },
    ]);
    expect((await discards.find(({ reason }) => reason.includes('key'))).reason).toBe(
      'the reader has another key',
    );
    await simulators[0]?.do('card 1');
    await delay(300);
    expect(links.rest()).toEqual([]);
    expect(reports.rest().filter(({ kind }) => kind !== 'fault')).toEqual([]);
  });

  it('is a must where there is a key: a reader in clear is not believed', async () => {
    const { simulators, links, reports } = await line([{ address: 0, more: { keyFile: keyFile() } }]);
    await simulators[0]?.do('card 1');
    await delay(500);
    expect(links.rest()).toEqual([]);
    expect(reports.rest().filter(({ kind }) => kind !== 'fault')).toEqual([]);
  });

  it('with the key that everybody knows is a fault', async () => {
    const { reports, simulators, card } = await line([{ address: 0, more: { defaultKey: true } }]);
    expect(await reports.find(({ cause }) => cause === 'default-key')).toMatchObject({
      state: 'raised',
    });
    await simulators[0]?.do('card 9');
    expect(await card({})).toMatchObject(shown('9'));
  });

  it('gets its own key over the one that everybody knows, once, and no key in clear', async () => {
    const { links, tell, simulators, port, session } = await line([
      { address: 0, more: { defaultKey: true } },
    ]);
    await links.next();
    expect(await tell('set-key', { key: KEY })).toEqual({ done: true });
    await session.close();
    const { host, links: others, reports } = fakeHost();
    const again = await osdp.open([device(port, 0, { keyFile: keyFile() })], host);
    onTestFinished(() => again.close());
    expect(await others.next()).toMatchObject({ state: 'online' });
    await simulators[0]?.do('card 5');
    expect(await reports.find(({ kind }) => kind === 'credential')).toMatchObject(shown('5'));
    const clear = await line([{ address: 1 }]);
    await clear.links.next();
    expect(await clear.tell('set-key', { key: KEY }, 'reader-1')).toMatchObject({ done: false });
  });

  it.each([
    ['a key that is no key', { keyFile: 'short' }, /32 hex digits/],
    ['two keys', { keyFile: KEY, defaultKey: true }, /keep one/],
  ])('tells of %s in the config', (_name, { keyFile: key, ...more }, message) => {
    const problems = osdp.problems?.(device(1, 0, { ...more, keyFile: keyFile(key) }));
    expect(problems).toEqual([expect.objectContaining({ message: expect.stringMatching(message) })]);
  });
});
