/** Readers of others that get their keys: what they acknowledge, and what of it is true. */
import { chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FACTORY_KEY, type ForeignOptions, foreignServer } from '../drivers/osdp-foreign.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

const KEY = Buffer.from('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 'hex');
const KEYSET = 0x75;

async function provision(options: ForeignOptions) {
  const { reader, port } = await foreignServer(options);
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(join(directory, 'own.scbk'), KEY.toString('hex'));
  const connection = { serialServer: `127.0.0.1:${port}` };
  const devices = [{ id: 'in', driver: 'osdp', connection, keyFile: 'own.scbk' }];
  writeFileSync(file, JSON.stringify({ campus: { id: '45001', name: 'x' }, devices }));
  const { status, stdout } = await run('osdp', 'provision', file);
  return { status, stdout, reader, inClear: reader.asked.filter(({ bytes }) => bytes.includes(KEY)) };
}

describe('osdp provision', () => {
  it.runIf(process.getuid?.() === 0)(
    'makes keys that the group of the folder reads, where root makes them',
    async () => {
      const directory = temporaryDirectory();
      chownSync(directory, 0, 65_534);
      const file = join(directory, 'campus.yaml');
      const connection = { serialServer: `127.0.0.1:${await freePort()}` };
      const devices = [{ id: 'in', driver: 'osdp', connection, keyFile: 'secrets/in.scbk' }];
      writeFileSync(file, JSON.stringify({ campus: { id: '45001', name: 'x' }, devices }));
      await run('osdp', 'provision', file);
      const rightsOf = (name: string) => {
        const { uid, gid, mode } = statSync(join(directory, name));
        return [uid, gid, (mode & 0o777).toString(8)];
      };
      expect(rightsOf('secrets')).toEqual([0, 65_534, '750']);
      expect(rightsOf('secrets/in.scbk')).toEqual([0, 65_534, '640']);
    },
  );

  it.each<[string, ForeignOptions]>([
    ['in the session', {}],
    [
      'in clear',
      {
        after: (answer, { code }, { clear }) =>
          code === KEYSET ? clear((answer[4] ?? 0) & 3, 0x40) : answer,
      },
    ],
    ['in words that are lost', { after: (answer, { code }) => (code === KEYSET ? 'lost' : answer) }],
  ])('believes a new session, where a reader acknowledges its key %s', async (_name, options) => {
    const { status, stdout, reader, inClear } = await provision({ ...options, key: FACTORY_KEY });
    expect(stdout).toMatch(/has the key from the factory: .* can read it\n✓ in: got its key\n$/);
    expect(status).toBe(0);
    expect(reader.key).toEqual(KEY);
    expect(inClear).toEqual([]);
  });

  it('says so where a reader acknowledges its key and does not keep it', async () => {
    const { status, stdout } = await provision({
      key: FACTORY_KEY,
      after(answer, { code }, reader) {
        if (code === KEYSET) reader.key = FACTORY_KEY;
        return answer;
      },
    });
    expect(stdout).toMatch(/✗ in: did not take the key: it still has the one from the factory\n$/);
    expect(status).toBe(1);
  });

  it('sends no key to a reader that speaks in clear alone', async () => {
    const before: ForeignOptions['before'] = ({ code, sequence }, { clear }) =>
      code === 0x76 ? clear(sequence, 0x41, Buffer.of(5)) : undefined;
    const { status, stdout, reader, inClear } = await provision({ before });
    expect(stdout).toBe('✗ in: does not take the secure channel\n');
    expect(status).toBe(1);
    expect(reader.asked.filter(({ code }) => code === KEYSET)).toEqual([]);
    expect(inClear).toEqual([]);
  });

  it('says that a reader has another key, where it refuses any session under the factory’s', async () => {
    const before: ForeignOptions['before'] = ({ code, sequence, bytes }, { clear }) =>
      code === 0x76 && bytes.includes(Buffer.of(0x03, 0x11, 0))
        ? clear(sequence, 0x41, Buffer.of(6))
        : undefined;
    const { status, stdout, inClear } = await provision({ key: Buffer.alloc(16, 9), before });
    expect(stdout).toMatch(/^✗ in: has another key: reset it/);
    expect(status).toBe(1);
    expect(inClear).toEqual([]);
  });
});
