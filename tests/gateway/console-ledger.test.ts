/** The ledger's part of the console: who may write in it, what it refuses, and what a spreadsheet is given. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ledger as ledgerSchema } from '../../config/sections/ledger.ts';
import { type LedgerOptions, serveLedger } from '../../gateway/console/api/ledger.ts';
import { createClosedServer, userOf } from '../../gateway/console/guard.ts';
import type { Role } from '../../gateway/console/rights.ts';
import { createAsking } from '../../gateway/ledger/asking.ts';
import { createLedger, type Ledger } from '../../gateway/ledger/index.ts';
import type { Isolated } from '../../gateway/lifecycle/isolated.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

/** Does in this thread what takes long: the one apart takes a second to begin. */
const here: Isolated = {
  async run({ module, name, input }) {
    const exported = (await import(fileURLToPath(module))) as Record<string, (input: unknown) => unknown>;
    return structuredClone(await exported[name]?.(structuredClone(input)));
  },
  close: async () => {},
  async [Symbol.asyncDispose]() {},
};

async function school() {
  const dataDir = temporaryDirectory();
  const time = manualClock(Date.UTC(2026, 10, 28));
  const devices = [{ id: 'io', name: '模块', driver: 'modbus', options: {} }];
  const audits: string[] = [];
  const journal = { audit: async (_at: number, body: string) => String(audits.push(body)) };
  const config = { dataDir, timezone: 'Asia/Shanghai', devices, file: '/nowhere.yaml' };
  const own = createLedger(ledgerSchema.parse({}), config, {
    ...{ time, log: silentLog, journal, clock: { now: time.wall } },
    recorder: { states: new Map(), isLoaded: () => false, recordOwn: async () => {} },
    devices: { about: () => undefined },
    availability: { of: async () => ({ share: null, days: [], outages: [] }) },
    asking: createAsking(dataDir, time, { quick: here, slow: here }),
  });
  onTestFinished(() => own[Symbol.asyncDispose]());
  const ledger: { current: Ledger | undefined } = { current: own };
  const server = await createClosedServer(
    { host: '127.0.0.1', names: [] },
    ({ headers }) => userOf('li', headers['x-role'] as Role, new AbortController().signal),
    { metrics: createMetrics(), time, log: silentLog },
  );
  onTestFinished(() => server.close());
  const options: LedgerOptions = {
    ...{ ledger, of: { devices }, names: { io: '模块' }, journal, time },
    campus: { id: '45', name: '一中', timezone: 'Asia/Shanghai' },
  };
  await server.register(serveLedger(options));
  const ask = async (
    method: 'GET' | 'POST' | 'PATCH',
    url: string,
    body?: object,
    role: Role = 'operator',
  ) => {
    const answer = await server.inject({
      ...{ method, url: `/api/ledger/${url}`, headers: { 'x-role': role, host: '127.0.0.1' } },
      ...(body !== undefined && { payload: body }),
    });
    const isJson = String(answer.headers['content-type']).includes('json');
    return { status: answer.statusCode, body: isJson ? answer.json() : answer.body };
  };
  return { ask, ledger, audits };
}

const brick = { kind: 'hazard', what: '砖块松动', deadline: '2026-11-27' };

describe('the API of the ledger', () => {
  it('lets operators and technicians write, and everybody look', async () => {
    const { ask } = await school();
    for (const role of ['viewer', 'guard'] as const) {
      expect((await ask('POST', 'entries', brick, role)).status).toBe(403);
      expect((await ask('PATCH', 'devices/io', { place: 'x' }, role)).status).toBe(403);
      expect((await ask('GET', 'export?what=entries', undefined, role)).status).toBe(403);
      expect((await ask('GET', 'entries', undefined, role)).status).toBe(200);
    }
    for (const role of ['operator', 'technician', 'administrator'] as const)
      expect((await ask('POST', 'entries', brick, role)).status).toBe(200);
  });

  it("takes a day as a deadline to its end in the campus's zone, and goes on from page to page", async () => {
    const { ask } = await school();
    for (let i = 0; i < 3; i++) await ask('POST', 'entries', brick);
    const first = await ask('GET', 'entries?which=overdue&limit=2');
    expect(first.body.entries).toMatchObject([
      { number: 3, state: 'overdue', deadline: '2026-11-27T15:59:59.000Z', openedBy: 'li' },
      { number: 2 },
    ]);
    const next = await ask('GET', `entries?which=overdue&limit=2&before=${first.body.next}`);
    expect(next.body).toMatchObject({ entries: [{ number: 1 }] });
    expect(next.body.next).toBeUndefined();
  });

  it('refuses what makes no sense, what is not there, and what is closed', async () => {
    const { ask, ledger } = await school();
    const wrong = [
      {},
      { ...brick, what: ' ' },
      { ...brick, kind: 'x' },
      { ...brick, deadline: 'soon' },
      { ...brick, more: 1 },
    ];
    for (const body of wrong) expect((await ask('POST', 'entries', body)).status).toBe(400);
    await ask('POST', 'entries', brick);
    expect((await ask('POST', 'entries/1/close', {})).status).toBe(400);
    expect((await ask('POST', 'entries/1/close', { result: 'done' })).status).toBe(200);
    expect(await ask('PATCH', 'entries/1', { owner: 'x' })).toMatchObject({
      status: 409,
      body: { error: 'ledger-closed' },
    });
    expect((await ask('POST', 'entries/1/reopen', {})).status).toBe(200);
    expect((await ask('POST', 'entries/9/close', { result: 'done' })).status).toBe(404);
    expect((await ask('PATCH', 'devices/nobody', { place: 'x' })).status).toBe(404);
    expect((await ask('PATCH', 'devices/io', { installedOn: '2026-02-30' })).status).toBe(400);
    for (const day of ['2026-11-29', '2026-13-01', 'today'])
      expect([400, 404]).toContain((await ask('GET', `days/${day}`)).status);
    ledger.current = undefined;
    expect((await ask('GET', 'entries')).status).toBe(404);
  });

  it('writes for a spreadsheet, where no cell is a formula, and notes it in the audit', async () => {
    const { ask, audits } = await school();
    await ask('POST', 'entries', { ...brick, what: '=HYPERLINK("http://x")', device: 'io' });
    await ask('PATCH', 'devices/io', { serial: 'A,1', warrantyUntil: '2028-08-20' });
    const entries = await ask('GET', 'export?what=entries&language=zh');
    expect(entries.body).toMatch(/^\uFEFF编号,类别,状态,/);
    expect(entries.body).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(entries.body).toContain('1,隐患,超期,io,模块');
    expect((await ask('GET', 'export?what=devices')).body).toContain('"A,1"');
    expect(audits.filter((one) => one.includes('"export"'))).toHaveLength(2);
    expect((await ask('GET', 'export?what=day')).status).toBe(404);
  });
});
