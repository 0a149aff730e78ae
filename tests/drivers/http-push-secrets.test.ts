/** The files of passwords and tokens of terminals, when they are read: what one of them is concerns its terminal alone. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { manualClock } from '../clocks.ts';
import { fakeHost, freePort, temporaryDirectory } from '../helpers.ts';
import { terminalProfile } from './terminal-profile.ts';

const visit = JSON.stringify({ visit: 'v1', event: 'arrived' });
const basic = (password: string) => `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;

/** Two terminals of one port: `gate` with what is tried, `hall` with what is right. */
async function served(own: (folder: string) => object) {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'right'), 's3cret\n');
  const port = await freePort();
  const time = manualClock();
  const fake = fakeHost(undefined, time);
  const device = (id: string, options: object) => ({
    id,
    driver: 'http-push',
    options: httpPush.options.parse({ profile: 'x', listen: { port }, ...options }),
    profile: terminalProfile('visitor-kiosk'),
  });
  const session = await httpPush.open(
    [device('gate', own(folder)), device('hall', { username: 'admin', passwordFile: join(folder, 'right') })],
    fake.host,
  );
  onTestFinished(() => session.close());
  const push = async (path: string, password = '') => {
    const headers = { authorization: basic(password) };
    const { status } = await fetch(`http://127.0.0.1:${port}/push/${path}`, {
      method: 'POST',
      body: visit,
      headers,
    });
    return status;
  };
  return { ...fake, folder, time, push };
}

describe('a file with no secret in it', () => {
  it.each(['', '\n', '\r\n', '\ufeff\r\n'])('of a password, %j, lets nobody in', async (content) => {
    const { push, reports, links, discards } = await served((folder) => {
      writeFileSync(join(folder, 'pw'), content);
      return { username: 'admin', passwordFile: join(folder, 'pw') };
    });
    expect(await push('gate')).toBe(503);
    expect(reports.rest()).toEqual([]);
    expect(await links.next()).toEqual(expect.objectContaining({ device: 'gate', state: 'offline' }));
    expect(discards.rest().map(({ reason }) => reason)).toEqual([
      'its password or token cannot be read from its file',
    ]);
  });

  it('of a token lets nobody in', async () => {
    const { push, reports } = await served((folder) => {
      writeFileSync(join(folder, 'token'), '\n');
      return { tokenFile: join(folder, 'token') };
    });
    expect(await push('gate?token=')).toBe(503);
    expect(await push('gate')).toBe(503);
    expect(reports.rest()).toEqual([]);
  });
});

describe('a file that cannot be read', () => {
  it('costs the others of the port nothing, and is found when it is mended', async () => {
    const { folder, push, time, links } = await served((folder) => ({
      username: 'admin',
      passwordFile: folder,
    }));
    expect(await push('hall', 's3cret')).toBe(200);
    expect(await push('gate', 's3cret')).toBe(503);
    expect(await links.next()).toMatchObject({ device: 'gate', reason: `${folder} is a folder, not a file` });
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 's3cret\n');
    expect(await push('gate', 's3cret')).toBe(503);
    await time.advance(1000);
    expect(await push('gate', 's3cret')).toBe(200);
  });
});
