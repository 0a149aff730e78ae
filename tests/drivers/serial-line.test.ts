import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { serialLine } from '../../drivers/serial-line/driver.ts';
import { encodeShow, lineProfileSchema } from '../../drivers/serial-line/profile.ts';
import { startSign } from '../../simulators/sign.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, freePort, stream, tcpServer } from '../helpers.ts';

const file = join(import.meta.dirname, '../../config/profiles/led-line.yaml');
const profile = lineProfileSchema.parse(parse(readFileSync(file, 'utf8')));

describe('a text for a sign', () => {
  it('is framed and encoded as the profile says', () => {
    // Python: '校门关闭 ⚠'.encode('gb18030')
    expect(encodeShow(profile, '校门关闭 ⚠').toString('hex')).toBe('02d0a3c3c5b9d8b1d5208137b23203');
  });

  it('is cut by characters, not by bytes', () => {
    const short = { ...profile, characters: 3 };
    expect(encodeShow(short, '一键报警').toString('hex')).toBe('02d2bbbcfcb1a803');
    expect(encodeShow({ ...short, encoding: 'utf8' }, '😀😀😀😀').toString()).toBe('\u0002😀😀😀\u0003');
  });

  it('never says more to the sign than a text, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = encodeShow(profile, text);
        expect(bytes[0]).toBe(2);
        expect(bytes.at(-1)).toBe(3);
        expect(bytes.subarray(1, -1).some((byte) => byte < 0x20)).toBe(false);
      }),
    );
    expect(encodeShow({ ...profile, encoding: 'utf8' }, '$&$1\u0003\u0002x').toString()).toBe(
      '\u0002$&$1 x\u0003',
    );
  });
});

describe('a sign', () => {
  it('that is simulated shows what it was told, in Chinese too', async () => {
    const port = await freePort();
    const texts = stream<string>();
    const simulator = await startSign({ end: { listen: { host: '127.0.0.1', port } }, shows: texts.push });
    onTestFinished(() => simulator.close());
    const options = { connection: { serialServer: `127.0.0.1:${port}` }, profile: 'led-line' };
    const device = { id: 'sign', driver: 'serial-line', options: serialLine.options.parse(options), profile };
    const session = await serialLine.open([device], fakeHost().host);
    onTestFinished(() => session.close());
    for (const [action, wanted] of [
      ['show', { text: '台风预警' }],
      ['clear', {}],
    ] as const)
      await session.execute?.({ id: 'c', device: 'sign', action, arguments: wanted });
    expect([await texts.next(), await texts.next()]).toEqual(['台风预警', '']);
  });

  it('shows a text for its time, then nothing; and says what it does not know', async () => {
    const { port, sockets } = await tcpServer();
    const options = { connection: { serialServer: `127.0.0.1:${port}` }, profile: 'led-line' };
    const device = { id: 'sign', driver: 'serial-line', options: serialLine.options.parse(options), profile };
    const { host } = fakeHost(undefined, fastClock(50));
    const session = await serialLine.open([device], host);
    onTestFinished(() => session.close());
    const socket = await sockets.next();
    const tell = (action: string, wanted: object) =>
      session.execute?.({ id: 'c', device: 'sign', action, arguments: { ...wanted } });
    const shown = once(socket, 'data');
    expect(await tell('show', { text: 'A', for: 5 })).toEqual({ done: true });
    expect((await shown)[0].toString()).toBe('\u0002A\u0003');
    expect((await once(socket, 'data'))[0].toString()).toBe('\u0002\u0003');
    expect(await tell('show', { text: '' })).toMatchObject({ done: false });
    expect(await tell('activate', {})).toMatchObject({ done: false });
  });
});
