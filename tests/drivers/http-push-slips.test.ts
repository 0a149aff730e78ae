/** What an installer is told whose terminal was given a wrong address, a wrong serial number or a wrong profile. */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpPush } from '../../drivers/http-push/driver.ts';
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
