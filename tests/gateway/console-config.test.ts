/** The config changed in the console: secrets stay on the gateway, and nobody's change is written over. */
import { createHash } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveConfig } from '../../gateway/console/api/config.ts';
import type { ConfigApplied } from '../../gateway/console/contract/config.ts';
import { configDraftSchema } from '../../gateway/console/contract/config-edit.ts';
import { createClosedServer, userOf } from '../../gateway/console/guard.ts';
import { HIDDEN } from '../../gateway/console/hidden.ts';
import { revealSecrets } from '../../gateway/console/hidden-lines.ts';
import type { Role } from '../../gateway/console/rights.ts';
import type { Isolated } from '../../gateway/lifecycle/isolated.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

const WRITTEN = `campus: { id: "45001", name: 一中 }
uplinks:
  - { id: police, url: "mqtt://10.0.0.4", password: Hu4-Zm1x9 }
  - { id: city, url: "mqtt://10.0.0.5", password: Other-77aa }
# token=abcdef12
`;

const here: Isolated = {
  run: async ({ module, name, input }) =>
    await (await import(fileURLToPath(module)))[name](structuredClone(input)),
  close: async () => {},
  async [Symbol.asyncDispose]() {},
};

/** The config's part of a closed server, whose gateway notes what it is given. */
async function changing(role: Role = 'administrator') {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, WRITTEN);
  const given: unknown[] = [];
  const outcome = { changes: [], errors: [] };
  const note = (...what: unknown[]): ConfigApplied => {
    given.push(what);
    return { ...outcome, done: true, version: 'v2' };
  };
  const time = manualClock();
  const user = userOf('wang', role, new AbortController().signal);
  const server = await createClosedServer({ host: '127.0.0.1', names: [] }, () => user, {
    ...{ metrics: createMetrics(), time, log: silentLog },
  });
  onTestFinished(() => server.close());
  const reloading = {
    versions: async () => [
      { name: 'v1', number: 1, at: 'T', sha256: '00', by: 'start', bytes: 9, isTaken: true },
    ],
    text: async (name: string) => (name === 'v1' ? WRITTEN : undefined),
    difference: async (text: string) => note('difference', text),
    apply: async (text: string, by: string) => note('apply', text, by),
    back: async (name: string, by: string) => note('back', name, by),
  };
  await server.register(serveConfig({ about: { file }, reloading, time }, here));
  const ask = async (method: 'GET' | 'POST', url: string, payload?: object) => {
    const { statusCode: status, body } = await server.inject({ method, url, ...(payload && { payload }) });
    return { status, text: body, body: JSON.parse(body) as Record<string, unknown> };
  };
  const draft = async () => configDraftSchema.parse((await ask('GET', '/api/config/draft')).body);
  return { file, ask, draft, given };
}

describe('the config in the console', () => {
  it('is shown and compared without its secrets, and written with them', async () => {
    const { ask, draft, given } = await changing();
    const { text, sha256 } = await draft();
    expect(text).not.toMatch(/Hu4|Other|abcdef/);
    expect(sha256).toBe(createHash('sha256').update(WRITTEN).digest('hex'));
    const edited = text.replace('一中', '二中');
    expect((await ask('POST', '/api/config/difference', { text: edited, sha256 })).status).toBe(200);
    const applied = await ask('POST', '/api/config/apply', { text: edited, sha256 });
    expect(applied.body).toMatchObject({ done: true, version: 'v2' });
    const whole = WRITTEN.replace('一中', '二中');
    expect(given).toEqual([
      ['difference', whole],
      ['apply', whole, 'wang'],
    ]);
    expect((await ask('GET', '/api/config/versions/v1')).text).not.toMatch(/Hu4|Other|abcdef/);
    expect((await ask('GET', '/api/config/versions/v9')).status).toBe(404);
    await ask('POST', '/api/config/versions/v1/back', {});
    expect(given.at(-1)).toEqual(['back', 'v1', 'wang']);
  });

  it('is not written over a change that somebody made meanwhile, nor with a secret that is not told', async () => {
    const { ask, draft, given, file } = await changing();
    const { text, sha256 } = await draft();
    const moved = text.replace('10.0.0.4', '10.0.0.6');
    expect(await ask('POST', '/api/config/apply', { text: moved, sha256 })).toMatchObject({
      ...{ status: 422, body: { error: 'hidden-secret', detail: '3' } },
    });
    appendFileSync(file, '# by hand\n');
    expect(await ask('POST', '/api/config/apply', { text, sha256 })).toMatchObject({
      ...{ status: 409, body: { error: 'changed-meanwhile' } },
    });
    expect(given).toEqual([]);
  });

  it('is for administrators alone', async () => {
    const { ask, given } = await changing('technician');
    for (const path of ['draft', 'versions', 'versions/v1'])
      expect((await ask('GET', `/api/config/${path}`)).status, path).toBe(403);
    for (const path of ['difference', 'apply', 'versions/v1/back'])
      expect((await ask('POST', `/api/config/${path}`, {})).status, path).toBe(403);
    expect(given).toEqual([]);
  });
});

describe('a hidden secret', () => {
  const lines = (...all: string[]) => `${all.join('\n')}\n`;
  const written = lines(
    'a:',
    '  password: first-secret',
    'b:',
    '  password: second-secret',
    'key: |',
    '  one-line',
    '  two-line',
  );
  it('comes back to its line where that was moved, or indented otherwise; two that look alike by their order', () => {
    const shown = lines('a:', `  password: ${HIDDEN}`, 'b:', `  password: ${HIDDEN}`);
    expect(revealSecrets(written, shown)).toEqual({
      text: lines('a:', '  password: first-secret', 'b:', '  password: second-secret'),
    });
    const one = 'x: 1\ny:\n  password: only-secret\n';
    expect(revealSecrets(one, `y:\n    password: ${HIDDEN}\nx: 2\n`)).toEqual({
      text: 'y:\n    password: only-secret\nx: 2\n',
    });
  });

  it('is never guessed', () => {
    expect(revealSecrets(written, lines('b:', `  password: ${HIDDEN}`))).toEqual({ line: 2 });
    expect(revealSecrets(written, lines('a:', `  secret: ${HIDDEN}`))).toEqual({ line: 2 });
    expect(revealSecrets('a: 1\n', `# ${HIDDEN}\n`)).toEqual({ line: 1 });
    expect(revealSecrets(written, 'a: 1\n')).toEqual({ text: 'a: 1\n' });
  });
});
