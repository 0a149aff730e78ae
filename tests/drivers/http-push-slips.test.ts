/** What an installer is told whose terminal was given a wrong address, a wrong serial number or a wrong profile. */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { membersOf } from '../../drivers/http-push/members.ts';
import { profileSchema } from '../../drivers/http-push/profile.ts';
import { whoCame } from '../../drivers/http-push/strangers.ts';
import { runs } from '../fuzz.ts';
import { fakeHost, freePort } from '../helpers.ts';
import { terminalProfile } from './terminal-profile.ts';

async function served(profile: object = terminalProfile('visitor-kiosk') as object) {
  const port = await freePort();
  const fake = fakeHost();
  const device = (id: string, own: object, of: unknown) => ({
    id,
    driver: 'http-push',
    options: httpPush.options.parse({ profile: 'x', listen: { port }, from: ['127.0.0.1'], ...own }),
    profile: of,
  });
  const devices = [
    device('gate', {}, profile),
    device('yard', { serial: 'CGKX201234' }, terminalProfile('zkteco-push')),
  ];
  const session = await httpPush.open(devices as never, fake.host);
  onTestFinished(() => session.close());
  const send = async (path: string, body = '{}') =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body })).status;
  return { ...fake, send };
}

describe('a slip in the address of a push', () => {
  it.each([
    ['/push/gaet?token=geheim', 401, '127.0.0.1 at "/push/gaet"; did you mean gate?'],
    ['/push/elsewhere', 401, '127.0.0.1 at "/push/elsewhere"; there are gate, yard'],
    [
      '/iclock/cdata?SN=CGKX201243',
      401,
      '127.0.0.1 at "/iclock/cdata", SN "CGKX201243"; did you mean CGKX201234?',
    ],
    ['/iclock/cdata?SN=7', 401, '127.0.0.1 at "/iclock/cdata", SN "7"; there are CGKX201234'],
    ['/iclock/cdata', 401, '127.0.0.1 at "/iclock/cdata"'],
    ['/psuh/gate', 404, '127.0.0.1 at "/psuh/gate"; did you mean /push/gate?'],
    [
      `/${'x'.repeat(500)}`,
      404,
      expect.stringMatching(/^127\.0\.0\.1 at "\/x{59}…"; there are \/push\/gate, /),
    ],
  ])('%s is told with what came and what there is', async (path, status, detail) => {
    const { send, discards } = await served();
    expect(await send(path)).toBe(status);
    expect(await discards.next()).toMatchObject({ device: expect.stringMatching(/^http /), detail });
  });

  it('is told in a few characters of one line, whatever a stranger wrote', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (url, serial) => {
        const there = { ids: ['gate'], serials: ['CGKX201234'] };
        const told = whoCame({ address: '10.0.0.9', url, serial }, there);
        expect(told.length).toBeLessThan(1000);
        expect(told).not.toMatch(/[\n\r\u001b]/);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('a profile that does not fit what its terminal sends', () => {
  const sos = { kind: 'panic', when: { type: 'sos' }, state: 'raised', momentary: true };
  const written = (more: object) =>
    profileSchema.parse({ title: 'Ours', observations: [sos], ...more }) as object;

  it('whose events stand elsewhere is told, with the names of what came and no value', async () => {
    const { send, discards, unmapped } = await served(written({ events: 'records' }));
    const body = { data: { list: [{ type: 'sos', user: { id: 1042 } }], total: 1 }, code: 0 };
    expect(await send('/push/gate', JSON.stringify(body))).toBe(200);
    expect(await discards.next()).toMatchObject({
      device: 'gate',
      reason: 'a message with no event where the profile has them',
      detail: 'it has data.list.0, data.total, code',
    });
    expect(await unmapped.next()).toEqual({ device: 'gate', what: 'no event' });
  });

  it('of whose observations none fits is told, where no topic says what it was', async () => {
    const { send, discards } = await served(written({}));
    expect(await send('/push/gate', '{"type":"pass","user":{"id":1042}}')).toBe(200);
    expect(await discards.next()).toMatchObject({
      reason: 'an event that fits no observation of the profile',
      detail: 'it has type, user.id',
    });
    const named = await served(written({ topic: ['type'] }));
    expect(await named.send('/push/gate', '{"type":"pass"}')).toBe(200);
    expect(named.discards.rest()).toEqual([]);
  });

  it('whose time cannot be read is told, and the alarm all the same', async () => {
    const { send, discards, reports } = await served(written({ at: 'when' }));
    for (const when of ['31.12.2026 08:00 Uhr', 'soon', 1e20]) {
      expect(await send('/push/gate', JSON.stringify({ type: 'sos', when }))).toBe(200);
      const { at, kind } = (await reports.next()) as { at?: unknown; kind: string };
      expect([at, kind]).toEqual([undefined, 'panic']);
      expect(await discards.next()).toMatchObject({
        reason: 'what the profile cannot map',
        detail: `at: ${JSON.stringify(when)} is no time: RFC 3339, or seconds or ms since 1970`,
      });
    }
    for (const when of ['2026-11-24T07:40:01+08:00', 1764000000, '1764000000000', ''])
      expect(await send('/push/gate', JSON.stringify({ type: 'sos', when }))).toBe(200);
    expect(discards.rest()).toEqual([]);
  });

  it('names a few members, whatever came', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(membersOf(value).split(', ').length).toBeLessThan(1000);
        expect(membersOf(value).length).toBeLessThan(2000);
      }),
      { numRuns: runs(100) },
    );
    expect(membersOf({ a: 1 })).toBe('a');
    expect(membersOf('text')).toBe('');
    expect(membersOf(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, i])))).toMatch(
      /^m0, m1, .*m11, …$/,
    );
  });
});
