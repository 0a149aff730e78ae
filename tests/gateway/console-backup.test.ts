/** Backups in the console: who may, what is told, that one is made and can be had as a file. */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { BackupState } from '../../gateway/backup/index.ts';
import { backupsSchema } from '../../gateway/console/contract/backup.ts';
import { temporaryDirectory } from '../helpers.ts';
import { startConsole } from './a-console.ts';
import { bearerOf, settle } from './console-people.ts';

const NAME = 'campus-45001-20261129T023000Z.tar.gz.age';
const config = { recipients: ['age1x'], at: '02:30', keep: 14, folder: '/mnt/usb', clips: false };

async function consoleWith(state: BackupState | undefined) {
  const dataDir = temporaryDirectory();
  const roles = ['technician', 'administrator'] as const;
  await settle(
    dataDir,
    [],
    roles.map((role) => ({ label: role, role, until: Date.UTC(2030, 0) })),
  );
  const asked: string[] = [];
  const backup = {
    state: () => state,
    list: async () => [{ name: NAME, at: 7, bytes: 9 }],
    open: async (name: string) => (name === NAME ? Readable.from(['age']) : undefined),
    take(by: string) {
      asked.push(by);
      return asked.length === 1 ? ('begun' as const) : ('busy' as const);
    },
  };
  const { base, audits } = await startConsole({}, { backup }, true, dataDir);
  const ask = (path: string, method = 'GET', role: (typeof roles)[number] = 'administrator') =>
    fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${bearerOf(role)}`, 'content-type': 'application/json' },
      ...(method === 'POST' && { body: '{}' }),
    });
  return { ask, asked, audits };
}

describe('backups in the console', () => {
  it('are told with the last one, and what is not in it', async () => {
    const taken = {
      file: `/mnt/usb/${NAME}`,
      bytes: 9,
      files: 3,
      last: 4,
      environment: ['PASSWORD'],
      left: [],
    };
    const last = { at: 7, tookMs: 1200, by: 'schedule', taken };
    const { ask } = await consoleWith({ config, nextAt: 86_400_000, running: { at: 8, by: 'wang' }, last });
    const told = backupsSchema.strict().parse(await (await ask('/api/backup')).json());
    expect(told).toEqual({
      how: { ...config, nextAt: '1970-01-02T00:00:00.000Z' },
      running: { at: '1970-01-01T00:00:00.008Z', by: 'wang' },
      last: {
        ...{ at: '1970-01-01T00:00:00.007Z', tookMs: 1200, by: 'schedule', done: true, name: NAME, bytes: 9 },
        ...{ files: 3, environment: ['PASSWORD'], left: [] },
      },
      list: [{ name: NAME, at: '1970-01-01T00:00:00.007Z', bytes: 9 }],
    });
    const { ask: without } = await consoleWith(undefined);
    expect(await (await without('/api/backup')).json()).toEqual({ list: [] });
  });

  it('are made and had by administrators alone; one that is had is in the audit', async () => {
    const { ask, asked, audits } = await consoleWith({ config, nextAt: 0 });
    for (const [path, method] of [
      ['/api/backup', 'GET'],
      ['/api/backup', 'POST'],
      [`/api/backup/${NAME}`, 'GET'],
    ] as const)
      expect((await ask(path, method, 'technician')).status, `${method} ${path}`).toBe(403);
    expect((await ask('/api/backup', 'POST')).status).toBe(202);
    expect(await (await ask('/api/backup', 'POST')).json()).toEqual({ error: 'backup-runs' });
    expect(asked).toEqual(['token:administrator', 'token:administrator']);
    const file = await ask(`/api/backup/${NAME}`);
    expect(file.headers.get('content-disposition')).toBe(`attachment; filename="${NAME}"`);
    expect(await file.text()).toBe('age');
    const noted = await audits.find(({ route }) => route === '/api/backup/:name');
    expect(noted).toMatchObject({ user: 'token:administrator', of: { name: NAME } });
    expect((await ask('/api/backup/..%2Fcampus.yaml')).status).toBe(404);
  });
});
