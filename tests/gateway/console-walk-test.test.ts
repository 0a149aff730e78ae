/** What the console and the command line say of a walk test that cannot be. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tellReport } from '../../gateway/cli/walk-test/session.ts';
import { localSocket } from '../../gateway/observe/local.ts';
import { WalkError } from '../../gateway/walk-test/index.ts';
import { temporaryDirectory } from '../helpers.ts';
import { startConsole } from './a-console.ts';
import { clock, run } from './terminal.ts';

describe('walk tests over the API', () => {
  it('are begun of what the config lets the console test, and of nothing else', async () => {
    const begun: unknown[] = [];
    const walkTest = {
      view: () => ({ points: [] }),
      begin: async (wanted: { areas: readonly string[] | null }) => {
        begun.push(wanted.areas);
        return { points: [] };
      },
      ...{
        remark: () => ({ points: [] }),
        end: async () => '',
        reports: async () => [],
        canPrint: () => false,
      },
      ...{ record: async () => undefined, html: async () => '', pdf: async () => new Uint8Array() },
    };
    const commands = [{ actions: ['test'], targets: ['hall'], signed: false }];
    const own = await startConsole({ commands }, { walkTest });
    const ask = await own.as('operator');
    const begin = async (areas: readonly string[] | null) => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ areas, minutes: 60 });
      return (await ask('/api/walk-test', { method: 'POST', headers, body })).status;
    };
    expect([await begin(null), await begin(['hall', 'yard']), await begin(['hall'])]).toEqual([
      403, 403, 200,
    ]);
    expect(begun).toEqual([['hall']]);
  });

  it('are refused in words, and a report is looked at and nothing else', async () => {
    const nothing = { points: [] };
    const own = await startConsole(
      {},
      {
        walkTest: {
          view: () => nothing,
          begin: async ({ areas }) => {
            if (areas === null) throw new WalkError('walk-test-runs');
            throw new WalkError('not-marked', 'the disk is full');
          },
          remark: () => nothing,
          end: async () => {
            throw new Error('ENOSPC: no space left on device');
          },
          reports: async () => [],
          canPrint: () => false,
          record: async () => undefined,
          html: async () => '<!doctype html>',
          pdf: async () => {
            throw new WalkError('no-browser');
          },
        },
      },
    );
    const ask = await own.as('operator');
    const post = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
      return [answer.status, await answer.json()];
    };
    const minutes = 60;
    expect(await post('/api/walk-test', { areas: null, minutes })).toEqual([
      409,
      { error: 'walk-test-runs' },
    ]);
    expect(await post('/api/walk-test', { areas: ['a'], minutes })).toEqual([
      503,
      { error: 'not-marked', detail: 'the disk is full' },
    ]);
    expect((await post('/api/walk-test', { areas: [], minutes }))[0]).toBe(400);
    expect((await post('/api/walk-test', { areas: null, minutes: 481 }))[0]).toBe(400);
    expect(await post('/api/walk-test/end', {})).toEqual([
      503,
      { error: 'disk-refuses', detail: 'ENOSPC: no space left on device' },
    ]);
    expect((await ask('/api/walk-tests/x/pdf')).status).toBe(404);
    expect((await ask('/api/walk-tests/x/json')).status).toBe(404);
    const page = await ask('/api/walk-tests/x/html?language=zh');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('content-disposition')).toBe('attachment; filename="walk-test-x.html"');
  });
});

describe('campus-gateway walk-test', () => {
  it.each([
    ['a time that no mark may last', ['--for', '9h'], 2, '--for "9h"'],
    ['an area that is not there', ['--area', 'roof'], 2, 'there is no area roof'],
    ['a report of an unknown kind', ['--out', 'report.doc'], 2, '.pdf, .html or .json'],
    [
      'a report in no folder',
      ['--out', '/nodir/r.pdf'],
      2,
      'there is no folder /nodir: make it, or name another\n',
    ],
    ['two things at once', ['--begin', '--end'], 2, 'one of --begin'],
    ['no gateway', [], 3, 'no gateway runs with the data folder'],
  ] as const)('says what to do: %s', async (_what, args, status, words) => {
    const folder = temporaryDirectory();
    const file = join(folder, 'campus.yaml');
    writeFileSync(file, `campus: { id: "45001", name: T }\ndataDir: ${join(folder, 'data')}\n`);
    const said = await run('walk-test', file, ...args);
    expect(said.stderr).toContain(words);
    expect(said.status).toBe(status);
  });

  it('says how the report is had where it could not be written after the walk', async () => {
    const folder = temporaryDirectory();
    const gateway = createServer((_request, response) => response.end(JSON.stringify({ points: [] })));
    await new Promise<void>((resolve) => gateway.listen(localSocket(folder), resolve));
    onTestFinished(() => void gateway.close());
    const out = join(folder, 'gone/r.json');
    const wanted = {
      ...{ dataDir: folder, file: '/etc/c.yaml', forMs: 0, areas: null },
      ...{ untilComplete: false, out, language: undefined },
    };
    const output = { isTTY: false, write: () => true };
    const terminal = { stdout: output, stderr: output, stdin: process.stdin, clock };
    await expect(tellReport('w1', wanted, terminal)).rejects.toThrow(
      `${out}: there is no such file or folder: look at its name; the report is kept: campus-gateway walk-test /etc/c.yaml --report w1 --out ${out}`,
    );
  });
});

const ZONE = { kind: 'zone', device: 'panel', zone: 1, name: 'North', areas: ['walls'] };
const BUTTON = { kind: 'button', device: 'panel', zone: 9, name: 'Button', areas: ['walls'] };
const heard = { at: '2026-11-29T01:33:01Z', count: 1, platforms: {} };
const tested = { ...heard, event: 'e1', disk: 4 };

/** What a gateway answers, by `METHOD /path`; the last of several again and again. */
async function gatewayThat(answers: Readonly<Record<string, readonly object[]>>) {
  const folder = temporaryDirectory();
  mkdirSync(join(folder, 'data'));
  const asked: string[] = [];
  const gateway = createServer(({ method, url }, response) => {
    const question = `${method} ${url}`;
    const all = answers[question] ?? [];
    const nth = asked.filter((one) => one === question).length;
    asked.push(question);
    response.statusCode = all.length === 0 ? 404 : 200;
    response.end(JSON.stringify(all[Math.min(nth, all.length - 1)] ?? { error: 'not-found' }));
  });
  await new Promise<void>((resolve) => gateway.listen(localSocket(join(folder, 'data')), resolve));
  onTestFinished(() => void gateway.close());
  const file = join(folder, 'campus.yaml');
  const zones = '[{ device: panel, account: "1234", zone: 1 }]';
  const account = '{ account: "1234", zones: [{ zone: 1, kind: perimeter }] }';
  const driver = `driver: dc09, listen: { port: 5100 }, accounts: [${account}]`;
  writeFileSync(
    file,
    `campus: { id: "45001", name: T }\ndataDir: ${join(folder, 'data')}\ndevices: [{ id: panel, ${driver} }]\nareas: [{ id: walls, zones: ${zones} }]\n`,
  );
  return { file, asked };
}
const runs = (points: readonly object[]) => ({
  running: { id: 'w1', by: 'wang', until: '2026-11-29T02:33:01Z', areas: ['walls'], others: [] },
  points,
});

describe('a walk test on a terminal', () => {
  it('does not count a zone that its area held back, and waits for it where all are to be tested', async () => {
    const views = [
      runs([
        { ...ZONE, id: 'z', tick: heard },
        { ...BUTTON, id: 'b', tick: tested },
      ]),
      runs([
        { ...ZONE, id: 'z', tick: tested },
        { ...BUTTON, id: 'b', tick: tested },
      ]),
    ];
    const own = await gatewayThat({
      'GET /walk-test': [views[0] as object, views[0] as object, views[1] as object],
      'POST /walk-test/end': [{ report: 'w1' }],
      'GET /walk-tests/w1.json': [{ points: views[1]?.points, others: [] }],
    });
    const said = await run('walk-test', own.file, '--area', 'walls', '--until-complete');
    expect([said.stderr, said.status]).toEqual(['', 0]);
    expect(own.asked.filter((one) => one === 'GET /walk-test')).toHaveLength(3);
    // It ended at once, and no platform was waited for: the lines are there all the same.
    for (const name of ['North', 'Button']) expect(said.stdout).toMatch(new RegExp(`✓ 2/2 +${name}`));
    expect(said.stdout.indexOf('✓')).toBeLessThan(said.stdout.indexOf('2 of 2 points were tested'));
  });

  it('says of what was heard and not told what to do, and is no pass', async () => {
    const own = await gatewayThat({
      'POST /walk-test/end': [{ report: 'w1' }],
      'GET /walk-tests/w1.json': [
        {
          points: [
            { ...ZONE, id: 'z', tick: heard },
            { ...BUTTON, id: 'b', tick: tested },
          ],
          others: [],
        },
      ],
    });
    const said = await run('walk-test', own.file, '--end');
    expect(said.stdout).toMatch(/○ North \(panel\/1\): not tested: .*disarmed.*arm it and trip it again/);
    expect(said.stdout).toContain('1 of 2 points were tested');
    expect(said.status).toBe(1);
  });

  it.each([
    ['begun', ['--begin'], 1],
    ['followed', [], 1],
    ['begun of the same', ['--begin', '--area', 'walls'], 0],
  ] as const)('says what is under test where another one is %s', async (_what, args, status) => {
    const own = await gatewayThat({ 'GET /walk-test': [runs([])] });
    const said = await run('walk-test', own.file, ...args);
    expect(said.status).toBe(status);
    expect(own.asked).toEqual(['GET /walk-test']);
    expect(status === 1 ? said.stderr : said.stdout).toMatch(
      status === 1 ? /^only walls is under test, by wang until .*--end/ : /it goes on/,
    );
  });
});
