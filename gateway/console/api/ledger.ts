/**
 * The ledger: GET and POST /api/ledger/entries, …/{number}, …/close, …/reopen; /api/ledger/devices; /api/ledger/certificates;
 * /api/ledger/availability; /api/ledger/days/{day}; /api/ledger/export. Without a ledger in the config there is none of them: 404.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Journal } from '../../journal/index.ts';
import { boundsOfDay } from '../../ledger/digest.ts';
import type { DayReport, DeviceLinks, DeviceRecord, Entry, Ledger, Note } from '../../ledger/index.ts';
import {
  closeEntrySchema,
  dayReportSchema,
  editEntrySchema,
  entriesQuery,
  entriesSchema,
  entryLifeSchema,
  entrySchema,
  type LedgerDay,
  type LedgerDevice,
  type LedgerEntry,
  type LedgerLinks,
  type LedgerNote,
  ledgerCertificatesSchema,
  ledgerDeviceLifeSchema,
  ledgerDeviceSchema,
  ledgerDevicesSchema,
  ledgerExportQuery,
  ledgerLinksSchema,
  newEntrySchema,
  writeDeviceSchema,
} from '../contract/ledger.ts';
import type { Me } from '../contract/me.ts';
import { refusal } from '../contract/refusal.ts';
import { dayCsv, devicesCsv, entriesCsv, linksCsv } from '../ledger-csv.ts';

export interface LedgerOptions {
  /** `current` undefined: there is none, or it is between two. */
  readonly ledger: { readonly current: Ledger | undefined };
  readonly of: {
    readonly devices: readonly {
      readonly id: string;
      readonly name?: string | undefined;
      readonly driver: string;
    }[];
  };
  readonly names: Readonly<Record<string, string | undefined>>;
  readonly campus: Me['campus'];
  readonly journal: Pick<Journal, 'audit'>;
  readonly time: Clock;
}

const tags = ['ledger'];
const params = z.object({ number: z.coerce.number().int().min(1) });
const ofDevice = z.object({ device: z.string().max(64) });
/** Of one file: a spreadsheet has a million rows, the ledger 200,000 entries. */
const EXPORTED_MAX = 200_000;
const AT_ONCE = 5000;

/** The config has none, or it is being made anew. */
class NoLedgerError extends Error {
  readonly statusCode = 404;
}

const refused: Readonly<Record<string, readonly [status: number, error: string]>> = {
  E_LEDGER_NO_ENTRY: [404, 'not-found'],
  E_LEDGER_CLOSED: [409, 'ledger-closed'],
  E_LEDGER_OPEN: [409, 'ledger-open'],
};

const isoOf = (at: number) => new Date(at).toISOString();
const isoOrNull = (at: number | null) => (at === null ? null : isoOf(at));

export function serveLedger(options: LedgerOptions): FastifyPluginAsyncZod {
  const { time } = options;
  const ledger = () => {
    const { current } = options.ledger;
    if (current === undefined) throw new NoLedgerError();
    return current;
  };
  return async (server) => {
    server.setErrorHandler(
      (error: Error & { readonly code?: string; readonly statusCode?: number }, _request, reply) => {
        if (error.statusCode !== undefined) throw error;
        const [status, code] = refused[error.code ?? ''] ?? [503, 'ledger-unreadable'];
        return reply.code(status).send({ error: code, detail: error.message.slice(0, 300) });
      },
    );
    const now = () => time.wall();
    await server.register(serveEntries(ledger, now, options.campus.timezone));
    await server.register(serveInventory(ledger, options));
    await server.register(serveNumbers(ledger));
    await server.register(serveExport(ledger, options));
  };
}

const shown = (entry: Entry, now: number): LedgerEntry => ({
  ...entry,
  state: stateAt(entry, now),
  ...{ deadline: isoOrNull(entry.deadline), since: isoOf(entry.since), openedAt: isoOf(entry.openedAt) },
  ...{ endedAt: isoOrNull(entry.endedAt), closedAt: isoOrNull(entry.closedAt) },
});
const stateAt = ({ closedAt, deadline }: Entry, now: number): LedgerEntry['state'] =>
  closedAt !== null ? 'closed' : deadline !== null && deadline <= now ? 'overdue' : 'open';
/** Epoch ms. */
const deadlineOf = (text: string, timezone: string): number =>
  text.length === 10 ? boundsOfDay(text, timezone).to - 1000 : Date.parse(text);
const historyOf = (notes: readonly Note[]): LedgerNote[] =>
  notes.map(({ at, by, body }) => ({ at: isoOf(at), by, body: { ...body } }));

function serveEntries(ledger: () => Ledger, now: () => number, timezone: string): FastifyPluginAsyncZod {
  const at = (deadline: string | null) => (deadline === null ? null : deadlineOf(deadline, timezone));
  const known = { 200: entrySchema, '4xx': refusal, 503: refusal };
  const writes = { needs: 'ledger', audited: false } as const;
  return async (server) => {
    server.get(
      '/api/ledger/entries',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'Faults and hazards, the newest first', tags },
          ...{ querystring: entriesQuery, response: { 200: entriesSchema, 503: refusal } },
        },
      },
      async ({ query }) => {
        const found = await ledger().list({ ...query, limit: query.limit + 1 });
        const entries = found.slice(0, query.limit).map((one) => shown(one, now()));
        const last = entries.at(-1);
        return { entries, ...(found.length > query.limit && last !== undefined && { next: last.number }) };
      },
    );
    server.get(
      '/api/ledger/entries/:number',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'One, and what was done about it', tags, params },
          response: { 200: entryLifeSchema, 404: refusal, 503: refusal },
        },
      },
      async ({ params: { number } }) => {
        const { entry, history } = await ledger().entry(number);
        return { entry: shown(entry, now()), history: historyOf(history) };
      },
    );
    server.post(
      '/api/ledger/entries',
      {
        config: writes,
        schema: { summary: 'Put in a fault or a hazard', tags, body: newEntrySchema, response: known },
      },
      async ({ body, user }) =>
        shown(await ledger().add({ ...body, deadline: at(body.deadline) }, user.name), now()),
    );
    server.patch(
      '/api/ledger/entries/:number',
      {
        config: writes,
        schema: {
          ...{ summary: 'Owner, measure, deadline and words of one that is open', tags, params },
          ...{ body: editEntrySchema, response: known },
        },
      },
      async ({ params: { number }, body, user }) => {
        const { deadline, ...words } = body;
        const given = Object.entries(words).filter(([, value]) => value !== undefined);
        const changed = {
          ...Object.fromEntries(given),
          ...(deadline !== undefined && { deadline: at(deadline) }),
        };
        return shown(await ledger().edit(number, changed, user.name), now());
      },
    );
    server.post(
      '/api/ledger/entries/:number/close',
      {
        config: writes,
        schema: { summary: 'It is mended', tags, params, body: closeEntrySchema, response: known },
      },
      async ({ params: { number }, body: { result }, user }) =>
        shown(await ledger().close(number, result, user.name), now()),
    );
    server.post(
      '/api/ledger/entries/:number/reopen',
      {
        config: writes,
        schema: { summary: 'It is not mended after all', tags, params, response: known },
      },
      async ({ params: { number }, user }) => shown(await ledger().reopen(number, user.name), now()),
    );
  };
}

/** Of each device of the ledger, what the config says of it. */
const inConfig =
  ({ of }: Pick<LedgerOptions, 'of'>, open: ReadonlyMap<string, number>) =>
  ({ id, said, saidAt, notes }: DeviceRecord): LedgerDevice => {
    const own = of.devices.find((one) => one.id === id);
    return {
      ...{ id, driver: own?.driver ?? null, open: open.get(id) ?? 0 },
      ...(own?.name !== undefined && { name: own.name }),
      ...{ said: { ...said }, saidAt: isoOrNull(saidAt), notes: { ...notes } as LedgerDevice['notes'] },
    };
  };
/** How many entries are open of each device; of more than so many it is not counted. */
async function openOf(ledger: Ledger): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const asked = { which: 'open', before: Number.MAX_SAFE_INTEGER, limit: AT_ONCE } as const;
  for (const { device } of await ledger.list(asked))
    if (device !== null) counts.set(device, (counts.get(device) ?? 0) + 1);
  return counts;
}

function serveInventory(ledger: () => Ledger, options: LedgerOptions): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/ledger/devices',
      {
        config: { needs: 'look' },
        schema: { summary: 'What there is', tags, response: { 200: ledgerDevicesSchema, 503: refusal } },
      },
      async () => {
        const [devices, open] = await Promise.all([ledger().devices(), openOf(ledger())]);
        return { devices: devices.map(inConfig(options, open)) };
      },
    );
    server.get(
      '/api/ledger/devices/:device',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'One device, and what changed of it', tags, params: ofDevice },
          response: { 200: ledgerDeviceLifeSchema, 503: refusal },
        },
      },
      async ({ params: { device } }) => {
        const [found, open] = await Promise.all([ledger().device(device), openOf(ledger())]);
        return { ...inConfig(options, open)(found), history: historyOf(found.history) };
      },
    );
    server.patch(
      '/api/ledger/devices/:device',
      {
        config: { needs: 'ledger', audited: false },
        schema: {
          ...{ summary: 'What people know of a device', tags, params: ofDevice },
          ...{ body: writeDeviceSchema, response: { 200: ledgerDeviceSchema, '4xx': refusal, 503: refusal } },
        },
      },
      async ({ params: { device }, body, user }, reply) => {
        const isKnown = (await ledger().devices()).some(({ id }) => id === device);
        if (!isKnown) return await reply.code(404).send({ error: 'not-found' });
        return inConfig(options, await openOf(ledger()))(await ledger().write(device, body, user.name));
      },
    );
    server.get(
      '/api/ledger/certificates',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'When certificates of the config end', tags },
          response: { 200: ledgerCertificatesSchema, 503: refusal },
        },
      },
      async () => {
        const { certificates, unreadable } = await ledger().certificates();
        return { certificates: [...certificates], unreadable: [...unreadable] };
      },
    );
  };
}

const sumOf = (all: readonly DeviceLinks[], of: (one: DeviceLinks) => number) =>
  all.reduce((total, one) => total + of(one), 0);

function linksOf(all: readonly DeviceLinks[]): LedgerLinks {
  const drivers = [...new Set(all.map(({ driver }) => driver))];
  const classes = drivers.map((driver) => {
    const own = all.filter((one) => one.driver === driver);
    const [onlineMs, offlineMs] = [sumOf(own, (one) => one.onlineMs), sumOf(own, (one) => one.offlineMs)];
    const known = onlineMs + offlineMs;
    return {
      ...{ driver, devices: own.length, share: known === 0 ? null : onlineMs / known },
      ...{ onlineMs, offlineMs, outages: sumOf(own, (one) => one.outages) },
    };
  });
  const devices = all
    .map(({ days: _days, ...one }) => one)
    .sort((one, other) => other.offlineMs - one.offlineMs);
  return { devices, classes };
}

const dayOf = (report: DayReport): LedgerDay => ({
  ...(structuredClone(report) as Omit<DayReport, 'from' | 'to' | 'madeAt'> as LedgerDay),
  ...{ from: isoOf(report.from), to: isoOf(report.to), madeAt: isoOf(report.madeAt) },
});

function serveNumbers(ledger: () => Ledger): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/ledger/availability',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'How devices answered in the last 30 days', tags },
          response: { 200: ledgerLinksSchema, 503: refusal },
        },
      },
      async () => linksOf(await ledger().links()),
    );
    server.get(
      '/api/ledger/days/:day',
      {
        config: { needs: 'look' },
        schema: {
          ...{ summary: 'A day in numbers', tags, params: z.object({ day: z.iso.date() }) },
          response: { 200: dayReportSchema, 404: refusal, 503: refusal },
        },
      },
      async ({ params: { day } }, reply) => {
        const report = await ledger().report(day);
        return report === undefined ? await reply.code(404).send({ error: 'not-found' }) : dayOf(report);
      },
    );
  };
}

async function allEntries(ledger: Ledger, now: number) {
  const all: (Entry & { readonly state: string })[] = [];
  for (let before = Number.MAX_SAFE_INTEGER; all.length < EXPORTED_MAX; ) {
    const found = await ledger.list({ which: 'all', before, limit: AT_ONCE });
    for (const one of found) all.push({ ...one, state: stateAt(one, now) });
    before = found.at(-1)?.number ?? 0;
    if (found.length < AT_ONCE) break;
  }
  return all;
}

function serveExport(ledger: () => Ledger, options: LedgerOptions): FastifyPluginAsyncZod {
  const { of, names, campus, journal, time } = options;
  return async (server) => {
    server.get(
      '/api/ledger/export',
      {
        config: { needs: 'export' },
        schema: { summary: 'The ledger as a file, CSV', tags, querystring: ledgerExportQuery },
      },
      async ({ query: { what, day, language }, user }, reply) => {
        const place = { language, timezone: campus.timezone, names };
        const driverOf = (id: string) => of.devices.find((one) => one.id === id)?.driver ?? null;
        const make = async (): Promise<string | undefined> => {
          if (what === 'entries') return entriesCsv(await allEntries(ledger(), time.wall()), place);
          if (what === 'availability') return linksCsv(await ledger().links(), place);
          if (what === 'devices') {
            const devices = (await ledger().devices()).map((one) => ({ ...one, driver: driverOf(one.id) }));
            return devicesCsv(devices, place);
          }
          const report = day === undefined ? undefined : await ledger().report(day);
          return report && dayCsv(report, place);
        };
        const text = await make();
        if (text === undefined) return await reply.code(404).send({ error: 'not-found' });
        const name = `ledger-${what}-${day ?? isoOf(time.wall()).slice(0, 10)}.csv`;
        const entry = { kind: 'export', by: user.name, file: name };
        await journal.audit(time.wall(), JSON.stringify(entry));
        return await reply
          .header('content-disposition', `attachment; filename="${name}"`)
          .type('text/csv; charset=utf-8')
          .send(text);
      },
    );
  };
}
