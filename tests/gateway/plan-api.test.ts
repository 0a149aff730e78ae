/** /api/plan on the closed server, as each role. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../gateway/check.ts';
import { servePlan } from '../../gateway/console/api/plan.ts';
import type { Plan } from '../../gateway/console/contract/plan.ts';
import { createClosedServer, userOf } from '../../gateway/console/guard.ts';
import type { Role } from '../../gateway/console/rights.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { jpeg, png } from './plan-pictures.ts';

const CONFIG = `
campus: { id: "4503000001", name: 一中 }
devices: [{ id: hall, name: 大厅, driver: wiegand, connection: { serialServer: "10.0.0.9:4002" }, format: rdm6300 }]
access: { doors: [{ id: gate, reader: hall }] }
`;

async function start() {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, CONFIG);
  const loaded = readConfig(file);
  if (!('config' in loaded)) throw new Error(JSON.stringify(loaded));
  const time = manualClock();
  const context = { metrics: createMetrics(), time, log: silentLog };
  const roleOf = (given: unknown) => (given === undefined ? undefined : (String(given) as Role));
  const server = await createClosedServer(
    { host: '127.0.0.1', names: [] },
    ({ headers }) => {
      const role = roleOf(headers['x-role']);
      return role && userOf(role, role, new AbortController().signal);
    },
    context,
  );
  onTestFinished(() => server.close());
  const dataDir = join(directory, 'data');
  await server.register(
    servePlan({
      ...context,
      ...{ dataDir, of: loaded.config },
      things: { list: () => [] },
      devices: { online: () => true },
      access: { doors: () => [{ id: 'gate', state: 'open' }] },
      board: { open: () => [] },
      recorder: { states: new Map(), onStored: () => () => {}, onUnsaved: () => () => {} },
    }),
  );
  const ask = (role: Role | undefined, method: 'GET' | 'PUT' | 'DELETE', url: string, more: object = {}) =>
    server.inject({
      ...{ method, url, ...more },
      headers: {
        host: '127.0.0.1',
        ...(role && { 'x-role': role }),
        ...(more as { headers?: object }).headers,
      },
    });
  const send = (payload: Buffer, type: string, role: Role = 'technician') =>
    ask(role, 'PUT', '/api/plan/picture', { payload, headers: { 'content-type': type } });
  const save = (version: number, places: object[]) =>
    ask('technician', 'PUT', '/api/plan/places', { payload: { version, places } });
  return { ask, send, save, dataDir };
}

const gate = { kind: 'door', id: 'gate', x: 0.25, y: 0.75 };

describe('the plan over HTTP', () => {
  it('is drawn by a technician and seen by a viewer, with how all on it is', async () => {
    const { ask, send, save } = await start();
    expect((await ask('viewer', 'GET', '/api/plan')).json()).toEqual({
      version: 0,
      picture: null,
      places: [],
    });
    const drawn = (await send(png, 'image/png')).json<Plan>();
    expect(drawn.picture).toMatchObject({ width: 30, height: 20 });
    const reader = { kind: 'reader', id: 'hall', x: 0, y: 1 };
    const removed = { kind: 'zone', id: 'panel/7', x: 0.5, y: 0.5 };
    expect((await save(1, [gate, reader, removed])).statusCode).toBe(200);
    const { places } = (await ask('viewer', 'GET', '/api/plan')).json<Plan>();
    expect(places).toEqual([
      { ...gate, name: 'gate', device: 'hall', level: 'active', state: 'open', standing: [] },
      { ...reader, name: '大厅', device: 'hall', level: 'good', state: 'online', standing: [] },
      { ...removed, name: 'panel/7', device: 'panel/7', level: 'unknown', state: 'gone', standing: [] },
    ]);
    const { things } = (await ask('technician', 'GET', '/api/plan/things')).json<{ things: object[] }>();
    expect(things).toEqual([
      { kind: 'door', id: 'gate', name: 'gate', device: 'hall' },
      { kind: 'reader', id: 'hall', name: '大厅', device: 'hall' },
    ]);
  });

  it('lets its picture be looked at and nothing else, by who may, as long as they may', async () => {
    const { ask, send } = await start();
    const { picture } = (await send(jpeg, 'image/png')).json<Plan>();
    const path = `/api/plan/pictures/${picture?.id}`;
    const seen = await ask('viewer', 'GET', path);
    expect([seen.statusCode, seen.rawPayload]).toEqual([200, jpeg]);
    // What it is by its bytes, whatever was said of it.
    expect(seen.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'; sandbox"),
      'cache-control': 'private, no-cache',
    });
    const again = { headers: { 'if-none-match': seen.headers.etag } };
    expect((await ask('viewer', 'GET', path, again)).statusCode).toBe(304);
    expect((await ask(undefined, 'GET', path, again)).statusCode).toBe(401);
    expect((await ask('screen', 'GET', path, again)).statusCode).toBe(403);
    for (const id of ['0'.repeat(64), '..%2fconsole.plan.json', '..%2f..%2fcampus.yaml', '%00'])
      expect((await ask('viewer', 'GET', `/api/plan/pictures/${id}`)).statusCode).toBe(404);
  });

  it('takes no drawing with scripts, no page, nothing too large, and writes nothing of them', async () => {
    const { ask, send, dataDir } = await start();
    expect((await send(Buffer.from('<svg onload="alert(1)"/>'), 'image/svg+xml')).statusCode).toBe(415);
    const lied = await send(Buffer.from('<svg onload="alert(1)"/>'), 'image/png');
    expect([lied.statusCode, lied.json()]).toEqual([422, { error: 'not-a-picture' }]);
    const large = await send(Buffer.concat([png, Buffer.alloc(8_388_608)]), 'image/png');
    expect([large.statusCode, large.json()]).toEqual([413, { error: 'too-large' }]);
    const json = await ask('technician', 'PUT', '/api/plan/picture', { payload: { bytes: 'x' } });
    expect(json.statusCode).toBe(422);
    expect((await send(png, 'multipart/form-data')).statusCode).toBe(415);
    expect(() => readdirSync(dataDir)).toThrow('ENOENT');
  });

  it.each(['viewer', 'guard', 'operator'] as const)('is changed by no %s', async (role) => {
    const { ask, send } = await start();
    expect((await send(png, 'image/png', role)).statusCode).toBe(403);
    expect((await ask(role, 'DELETE', '/api/plan/picture')).statusCode).toBe(403);
    const payload = { version: 0, places: [] };
    expect((await ask(role, 'PUT', '/api/plan/places', { payload })).statusCode).toBe(403);
    expect((await ask(role, 'GET', '/api/plan/things')).statusCode).toBe(403);
  });

  it('is not changed by the page of a stranger', async () => {
    const { ask } = await start();
    const headers = { origin: 'http://evil.example', 'content-type': 'image/png' };
    expect((await ask('technician', 'PUT', '/api/plan/picture', { payload: png, headers })).statusCode).toBe(
      403,
    );
    expect((await ask('technician', 'DELETE', '/api/plan/picture', { headers })).statusCode).toBe(403);
  });

  it('takes no places that make no sense, and none over those of somebody else', async () => {
    const { send, save, ask } = await start();
    expect((await save(0, [gate])).json()).toEqual({ error: 'no-picture' });
    await send(png, 'image/png');
    for (const wrong of [
      { ...gate, x: 1.01 },
      { ...gate, y: null },
      { ...gate, kind: 'tree' },
      { ...gate, more: 1 },
    ])
      expect((await save(1, [wrong])).statusCode).toBe(400);
    expect((await save(1, [gate, { ...gate, x: 0 }])).statusCode).toBe(400);
    const many = Array.from({ length: 1001 }, (_, i) => ({ ...gate, id: `g${i}` }));
    expect((await save(1, many)).statusCode).toBe(400);
    expect((await save(1, many.slice(1))).statusCode).toBe(200);
    const late = await save(1, []);
    expect([late.statusCode, late.json()]).toEqual([409, { error: 'changed-meanwhile' }]);
    const removed = await ask('technician', 'DELETE', '/api/plan/picture');
    expect(removed.json()).toEqual({ version: 3, picture: null, places: [] });
  });

  it('says that the disk refuses, and stays as it was', async () => {
    const { send, ask, dataDir } = await start();
    // A file in the place of the folder.
    writeFileSync(dataDir, '');
    const refused = await send(png, 'image/png');
    expect([refused.statusCode, refused.json()]).toEqual([503, { error: 'disk-refuses' }]);
    expect((await ask('viewer', 'GET', '/api/plan')).statusCode).toBeGreaterThanOrEqual(200);
  });
});
