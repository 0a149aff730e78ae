/** What a walk test leaves: its record, gathered, on disk and noted in the audit. */
import { createHash } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import { lanes } from '../../drivers/contract/lane.ts';
import { type NamedCertificates, ownCertificates } from '../certificates.ts';
import type { Supervisor } from '../devices/index.ts';
import type { Journal } from '../journal/index.ts';
import { createIsolated, type Isolated } from '../lifecycle/isolated.ts';
import { isoOf } from '../road/event.ts';
import type { Uplinks } from '../uplink/index.ts';
import { version } from '../version.ts';
import type { Facts, FactsQuestion, gatherFacts } from './facts.ts';
import type { KeptWalks } from './kept.ts';
import type { Ending, RecordedDevice, RecordedPlatform, RecordedPoint, WalkRecord } from './record.ts';
import type { Walk } from './walk.ts';

export interface EndingContext {
  readonly journal: Pick<Journal, 'last' | 'audit'>;
  readonly devices: Pick<Supervisor, 'wireOf' | 'about' | 'online' | 'unmapped'>;
  readonly uplinks: Pick<Uplinks, 'details'>;
  readonly time: Clock;
  /** Where files are read; by default in a thread of its own, which is there while it is needed. */
  readonly isolated?: Isolated;
}

/** To hash a million events, ms. */
const FACTS_MS = 60_000;
const HEAP_MB = 256;
/** Listed of one device. */
const UNMAPPED_MAX = 20;

type Place = Pick<Config, 'campus' | 'timezone' | 'devices' | 'areas' | 'dataDir' | 'file' | 'console'>;

export function createEnding(config: Place, kept: Pick<KeptWalks, 'add'>, context: EndingContext) {
  const { journal, devices, uplinks, time } = context;
  const { campus, timezone, areas, dataDir, file } = config;
  const isolated = context.isolated ?? createIsolated({ time, deadlineMs: FACTS_MS, heapMb: HEAP_MB });
  const certificates: NamedCertificates = ownCertificates(config);
  const module = new URL('./facts.ts', import.meta.url).href;
  const name = 'gatherFacts' satisfies (typeof gatherFacts)['name'];
  let closed = false;
  const factsOf = async (from: number, to: number): Promise<Facts> => {
    const input: FactsQuestion = { dataDir, file, certificates, from, to, now: time.wall() };
    try {
      return (await isolated.run({ module, name, input })) as Facts;
    } catch (error) {
      // The next start ends it, and finds them.
      if (closed) throw error;
      const reason = (error as Error).message;
      return { journal: { reason }, config: {}, certificates: { certificates: [], unreadable: [] } };
    }
  };
  const nameOf = (id: string) => ({ id, name: areas.find((area) => area.id === id)?.name ?? id });
  const deviceOf = ({ id, name: title, driver }: Config['devices'][number]): RecordedDevice => {
    const { maker, model, firmware, serial } = devices.about(id) ?? {};
    return {
      ...{ id, name: title, driver, line: devices.wireOf(id)?.line },
      ...{ maker, model, firmware, serial, online: devices.online(id) ?? null },
    };
  };
  const platforms = (): readonly RecordedPlatform[] =>
    uplinks.details().map(({ id, protocol, where, about, receipts }) => ({
      ...{ id, protocol, where, connected: Object.keys(about).length > 0, receipts: receipts.wanted },
    }));
  const unmapped = () =>
    Object.entries(devices.unmapped()).flatMap(([device, counts]) =>
      Object.entries(counts)
        .sort(([, one], [, other]) => other - one)
        .slice(0, UNMAPPED_MAX)
        .map(([what, count]) => ({ device, what, count })),
    );
  return {
    /** @returns the id of the report. @throws what the disk says. */
    async write(walk: Walk, points: readonly RecordedPoint[], ending: Ending): Promise<string> {
      const endedAt = isoOf(time.wall());
      const last = Math.max(...lanes.map((lane) => journal.last(lane)));
      const record: WalkRecord = {
        ...{ format: 1, id: walk.id, campus: { id: campus.id, name: campus.name }, timezone },
        ...{ dataDir, version },
        ...{ by: walk.by, startedAt: walk.startedAt, endedAt, ending },
        areas: walk.areas?.map(nameOf) ?? null,
        ...{ points, others: walk.others, unmapped: unmapped() },
        ...{ devices: config.devices.map(deviceOf), platforms: platforms() },
        ...(await factsOf(walk.first, last)),
      };
      const sha256 = createHash('sha256')
        .update(await kept.add(record))
        .digest('hex');
      const entry = { kind: 'walk-test', report: walk.id, by: walk.by, sha256 };
      await journal.audit(time.wall(), JSON.stringify(entry)).catch(() => {});
      return walk.id;
    },
    async close() {
      closed = true;
      await isolated.close();
    },
  };
}
